// Plain twins of the optimiser's kernels: the reference of their tests.
import { deriveSeed } from '../../base/rng.ts';
import type { Vec } from './linear.ts';

export interface AdamwNumbers {
  readonly lr: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  /** 1 − beta1^t at step t = 1, 2, … */
  readonly biasCorrection1: number;
  /** 1 − beta2^t */
  readonly biasCorrection2: number;
  /** Multiplies g first. */
  readonly clipScale: number;
}

/** Larger gradients count as this large. */
const MOST_GRADIENT = 1e18;

/** One step of AdamW with decoupled decay, in place; g is zero afterwards. */
export function adamw(
  { w, g, m, v }: { readonly w: Vec; readonly g: Vec; readonly m: Vec; readonly v: Vec },
  numbers: AdamwNumbers,
): void {
  const { lr, beta1, beta2, eps, weightDecay, biasCorrection1, biasCorrection2 } = numbers;
  for (let i = 0; i < w.length; i++) {
    const d = Math.min(Math.max((g[i] ?? 0) * numbers.clipScale, -MOST_GRADIENT), MOST_GRADIENT);
    const first = beta1 * (m[i] ?? 0) + (1 - beta1) * d;
    const second = beta2 * (v[i] ?? 0) + (1 - beta2) * d * d;
    const step = first / biasCorrection1 / (Math.sqrt(second / biasCorrection2) + eps);
    m[i] = first;
    v[i] = second;
    g[i] = 0;
    w[i] = (w[i] ?? 0) - lr * (weightDecay * (w[i] ?? 0) + step);
  }
}

/** Elements that share a scale in moments of 8 bits. */
const BLOCK = 32;

/** Moments of 8 bits: signed codes m, unsigned codes v, and for each block of 32 the unit of m and the base of v. */
export interface Int8Moments {
  readonly m: Int8Array;
  readonly v: Uint8Array;
  readonly unit: Float64Array;
  readonly base: Uint32Array;
}

const floatView = new DataView(new ArrayBuffer(4));

function bitsOf(x: number): number {
  floatView.setFloat32(0, x);
  return floatView.getUint32(0);
}

function floatOf(bits: number): number {
  floatView.setUint32(0, bits);
  return floatView.getFloat32(0);
}

/** The value of a code of v: the f32 of the bits (base + code) << 20, 0 for code 0. */
function secondMoment(code: number, base: number): number {
  return code === 0 ? 0 : floatOf((base + code) << 20);
}

/** What moments of 8 bits stand for. */
export function decodeMoments({ m, v, unit, base }: Int8Moments): {
  m: Float64Array;
  v: Float64Array;
} {
  const second = Float64Array.from(v, (code, i) => secondMoment(code, base[i >> 5] ?? 0));
  const first = Float64Array.from(second, (value, i) => {
    return (m[i] ?? 0) * (unit[i >> 5] ?? 0) * Math.sqrt(value);
  });
  return { m: first, v: second };
}

/** Moments in 8 bits, each rounded up or down by chance; `seed` draws it. */
export function encodeMoments({ m, v }: { m: Vec; v: Vec }, seed: number): Int8Moments {
  const blocks = m.length / BLOCK;
  const out: Int8Moments = {
    m: new Int8Array(m.length),
    v: new Uint8Array(m.length),
    unit: new Float64Array(blocks),
    base: new Uint32Array(blocks),
  };
  for (let block = 0; block < blocks; block++) {
    const places = Array.from({ length: BLOCK }, (_, i) => block * BLOCK + i);
    const steps = places.map((i) => Math.abs(stepOf(m[i] ?? 0, v[i] ?? 0)));
    const most = Math.max(...places.map((i) => v[i] ?? 0));
    const unit = (Math.max(...steps) * 1.07) / 127;
    out.unit[block] = unit < 1e-30 ? 0 : floatOf((bitsOf(unit) + 0xffff) & 0xffff0000);
    out.base[block] = Math.max((bitsOf(most) + 0xfffff) >>> 20, 255) - 255;
    for (const i of places) encodeElement(out, i, m[i] ?? 0, v[i] ?? 0, deriveSeed(seed, i));
  }
  return out;
}

function isNone(v: number): boolean {
  return v < 2 ** -126;
}

function stepOf(m: number, v: number): number {
  return isNone(v) ? 0 : m / Math.sqrt(v);
}

function encodeElement(out: Int8Moments, i: number, m: number, v: number, chance: number): void {
  const base = out.base[i >> 5] ?? 0;
  const unit = out.unit[i >> 5] ?? 0;
  const code = ((bitsOf(v) + (chance & 0xfffff)) >>> 20) - base;
  out.v[i] = isNone(v) ? 0 : Math.min(Math.max(code, 1), 255);
  const step = stepOf(m, secondMoment(out.v[i] ?? 0, base));
  const part = ((chance >>> 20) + 0.5) / 4096;
  out.m[i] = unit === 0 ? 0 : Math.min(Math.max(Math.floor(step / unit + part), -127), 127);
}

/** One step of AdamW on moments of 8 bits, which are returned; weights from `decayed` on do not decay. */
export function adamwInt8(
  { w, g }: { readonly w: Float64Array; readonly g: Float64Array },
  moments: Int8Moments,
  { decayed, seed, ...numbers }: AdamwNumbers & { readonly decayed: number; readonly seed: number },
): Int8Moments {
  const { m, v } = decodeMoments(moments);
  const part = (from: number, to: number) => ({
    ...{ w: w.subarray(from, to), g: g.subarray(from, to) },
    ...{ m: m.subarray(from, to), v: v.subarray(from, to) },
  });
  adamw(part(0, decayed), numbers);
  adamw(part(decayed, w.length), { ...numbers, weightDecay: 0 });
  return encodeMoments({ m, v }, seed);
}

/** y += a · x. */
export function axpy(a: number, x: Vec, y: Vec): void {
  for (let i = 0; i < y.length; i++) y[i] = (y[i] ?? 0) + a * (x[i] ?? 0);
}

/** Σ x². */
export function sumSquares(x: Vec): number {
  let sum = 0;
  for (const value of x) sum += value * value;
  return sum;
}
