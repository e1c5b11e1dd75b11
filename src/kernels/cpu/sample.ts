// Plain twin of the sampler: the reference of its tests. It filters by sorting.
import { deriveSeed } from '../../base/rng.ts';
import type { Vec } from './linear.ts';

export interface SampleRow {
  /** 0 takes the largest logit, the lowest id among equals. */
  readonly temperature: number;
  /** 0 is off. */
  readonly topK: number;
  /** 1 is off. */
  readonly topP: number;
  readonly seed: number;
  readonly position: number;
  /** Bit id % 32 of word id / 32: whether an id may come; every id may without it. */
  readonly mask?: Uint32Array | undefined;
}

export interface Sampled {
  readonly id: number;
  /** In the full softmax at temperature 1. */
  readonly logprob: number;
  /** Scores of the best and the second-best id: rounding may settle equal ones either way. */
  readonly best: number;
  readonly second: number;
}

/** Standard Gumbel noise of an id at a position of a seeded sequence. */
export function gumbelNoise(seed: number, position: number, id: number): number {
  const w = ((deriveSeed(seed, position, id) >>> 9) + 0.5) * 2 ** -23;
  return -Math.log(-Math.log1p(-w));
}

function mayCome({ mask }: SampleRow, id: number): boolean {
  return mask === undefined || (((mask[id >>> 5] ?? 0) >>> (id & 31)) & 1) === 1;
}

/** Samples one id from the logits (V) of a row. */
export function sample(logits: Vec, row: SampleRow): Sampled {
  const threshold = filterThreshold(logits, row);
  let best = Number.NEGATIVE_INFINITY;
  let second = Number.NEGATIVE_INFINITY;
  let id = 0;
  logits.forEach((logit, v) => {
    if (logit < threshold || !mayCome(row, v)) return;
    const noise = row.temperature > 0 ? gumbelNoise(row.seed, row.position, v) : 0;
    const score = row.temperature > 0 ? logit / row.temperature + noise : logit;
    if (score > best) {
      second = best;
      best = score;
      id = v;
    } else if (score > second) second = score;
  });
  const row64 = Float64Array.from(logits);
  const most = row64.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const sum = row64.reduce((total, logit) => total + Math.exp(logit - most), 0);
  return { id, logprob: (logits[id] ?? 0) - most - Math.log(sum), best, second };
}

/** The smallest logit, of the ids that may come, that top-k and then top-p leave; what equals it stays. */
export function filterThreshold(logits: Vec, row: SampleRow): number {
  const open = [...logits].filter((_, id) => mayCome(row, id));
  const sorted = Float64Array.from(open).sort().reverse();
  const most = sorted[0] ?? 0;
  const lowest = sorted.at(-1) ?? 0;
  const byCount = row.topK === 0 ? lowest : (sorted[row.topK - 1] ?? lowest);
  if (row.topP >= 1) return byCount;
  const heat = row.temperature > 0 ? row.temperature : 1;
  const kept = sorted.filter((logit) => logit >= byCount);
  const masses = kept.map((logit) => Math.exp((logit - most) / heat));
  const need = row.topP * masses.reduce((a, b) => a + b, 0);
  let mass = 0;
  for (let i = 0; i < kept.length; i++) {
    mass += masses[i] ?? 0;
    if (mass >= need) return kept[i] ?? byCount;
  }
  return byCount;
}
