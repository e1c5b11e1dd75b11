// Plain twins of attention, forward and backward, and of the cache as int8: the reference of their tests.
import type { Vec } from './linear.ts';

export interface AttentionShape {
  readonly M: number;
  readonly H: number;
  readonly G: number;
  readonly D: number;
}

export interface AttentionInput {
  /** (M, H, D) */
  readonly q: Vec;
  /** (M, G, D) */
  readonly k: Vec;
  /** (M, G, D) */
  readonly v: Vec;
  /** (M, 4): first row of the row's tree, one past its segment, one past all below its segment, unused */
  readonly tree: ArrayLike<number>;
}

/** Rows that row m sees, in order: those before it that have not ended. */
function seen(tree: ArrayLike<number>, m: number): number[] {
  const rows: number[] = [];
  for (let j = tree[4 * m] ?? 0; j <= m; j++) if ((tree[4 * j + 2] ?? 0) > m) rows.push(j);
  return rows;
}

/** Weights of query row m and head h over the rows that it sees, and their log-sum-exp. */
function weights(
  { q, k, tree }: AttentionInput,
  { H, G, D }: AttentionShape,
  m: number,
  h: number,
): { rows: number[]; p: number[]; lse: number } {
  const g = Math.floor((h * G) / H);
  const rows = seen(tree, m);
  const scores = rows.map((j) => {
    let sum = 0;
    for (let d = 0; d < D; d++) sum += at(q, (m * H + h) * D + d) * at(k, (j * G + g) * D + d);
    return sum / Math.sqrt(D);
  });
  const most = Math.max(...scores);
  const total = scores.reduce((sum, score) => sum + Math.exp(score - most), 0);
  const lse = most + Math.log(total);
  return { rows, p: scores.map((score) => Math.exp(score - lse)), lse };
}

/** o (M, H, D) and lse (M, H) of causal attention with grouped heads over trees of sequences. */
export function attention(
  input: AttentionInput,
  shape: AttentionShape,
): { o: Float64Array; lse: Float64Array } {
  const { M, H, G, D } = shape;
  const o = new Float64Array(M * H * D);
  const lse = new Float64Array(M * H);
  for (let m = 0; m < M; m++) {
    for (let h = 0; h < H; h++) {
      const g = Math.floor((h * G) / H);
      const row = weights(input, shape, m, h);
      lse[m * H + h] = row.lse;
      row.p.forEach((p, i) => {
        const key = (row.rows[i] ?? 0) * G + g;
        for (let d = 0; d < D; d++) add(o, (m * H + h) * D + d, p * at(input.v, key * D + d));
      });
    }
  }
  return { o, lse };
}

/** dq (M, H, D), dk and dv (M, G, D) for dO (M, H, D). */
export function attentionGrad(
  input: AttentionInput,
  dO: Vec,
  shape: AttentionShape,
): { dq: Float64Array; dk: Float64Array; dv: Float64Array } {
  const { M, H, G, D } = shape;
  const { q, k, v } = input;
  const dq = new Float64Array(M * H * D);
  const dk = new Float64Array(M * G * D);
  const dv = new Float64Array(M * G * D);
  for (let m = 0; m < M; m++) {
    for (let h = 0; h < H; h++) {
      const mine = (m * H + h) * D;
      const { rows, p } = weights(input, shape, m, h);
      const keyOf = (i: number) => ((rows[i] ?? 0) * G + Math.floor((h * G) / H)) * D;
      const dp = p.map((_, i) => {
        let sum = 0;
        for (let d = 0; d < D; d++) sum += at(dO, mine + d) * at(v, keyOf(i) + d);
        return sum;
      });
      const mean = p.reduce((sum, weight, i) => sum + weight * (dp[i] ?? 0), 0);
      p.forEach((weight, i) => {
        const ds = (weight * ((dp[i] ?? 0) - mean)) / Math.sqrt(D);
        for (let d = 0; d < D; d++) {
          add(dq, mine + d, ds * at(k, keyOf(i) + d));
          add(dk, keyOf(i) + d, ds * at(q, mine + d));
          add(dv, keyOf(i) + d, weight * at(dO, mine + d));
        }
      });
    }
  }
  return { dq, dk, dv };
}

/** Row of the cache that holds a position of a slot: pages of 16, pageTable (S, maxPages). */
export function cacheRow(
  pageTable: ArrayLike<number>,
  maxPages: number,
  slot: number,
  position: number,
): number {
  return (pageTable[slot * maxPages + Math.floor(position / 16)] ?? 0) * 16 + (position % 16);
}

/** Values (N, D) as the int8 cache gives them back, and the scale of each value's block of 32 of a head. */
export function quantised(x: Vec, D: number): { values: Float64Array; steps: Float64Array } {
  const values = new Float64Array(x.length);
  const steps = new Float64Array(x.length);
  for (let first = 0, last = 0; first < x.length; first = last) {
    last = first + Math.min(32, D - (first % D));
    let most = 0;
    for (let i = first; i < last; i++) most = Math.max(most, Math.abs(at(x, i)));
    const step = Math.fround(most / 127);
    for (let i = first; i < last; i++) {
      steps[i] = step;
      values[i] = step === 0 ? 0 : step * roundHalfEven(at(x, i) / step);
    }
  }
  return { values, steps };
}

function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

function at(list: Vec, index: number): number {
  return list[index] ?? 0;
}

function add(list: Float64Array, index: number, value: number): void {
  list[index] = at(list, index) + value;
}
