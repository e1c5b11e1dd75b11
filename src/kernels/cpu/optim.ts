// Plain twins of the optimiser's kernels: the reference of their tests.
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

/** One step of AdamW with decoupled decay, in place; g is zero afterwards. */
export function adamw(
  { w, g, m, v }: { readonly w: Vec; readonly g: Vec; readonly m: Vec; readonly v: Vec },
  numbers: AdamwNumbers,
): void {
  const { lr, beta1, beta2, eps, weightDecay, biasCorrection1, biasCorrection2 } = numbers;
  for (let i = 0; i < w.length; i++) {
    const d = (g[i] ?? 0) * numbers.clipScale;
    const first = beta1 * (m[i] ?? 0) + (1 - beta1) * d;
    const second = beta2 * (v[i] ?? 0) + (1 - beta2) * d * d;
    const step = first / biasCorrection1 / (Math.sqrt(second / biasCorrection2) + eps);
    m[i] = first;
    v[i] = second;
    g[i] = 0;
    w[i] = (w[i] ?? 0) - lr * (weightDecay * (w[i] ?? 0) + step);
  }
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
