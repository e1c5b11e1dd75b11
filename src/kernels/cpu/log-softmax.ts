// Plain twins of log-softmax and of the logits' gradient: the reference of their tests.
import type { Vec } from './linear.ts';

export interface LogSoftmaxRows {
  logprob: Float64Array;
  lse: Float64Array;
  entropy: Float64Array;
}

/** Log-probability of each row's target, log-sum-exp and entropy: logits (C, V), targets (C). */
export function logSoftmax(
  logits: Vec,
  targets: ArrayLike<number>,
  [C, V]: readonly [number, number],
): LogSoftmaxRows {
  const out = {
    logprob: new Float64Array(C),
    lse: new Float64Array(C),
    entropy: new Float64Array(C),
  };
  for (let c = 0; c < C; c++) {
    const row = Float64Array.from(logits.subarray(c * V, (c + 1) * V));
    const most = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const sum = row.reduce((total, x) => total + Math.exp(x - most), 0);
    const mean = row.reduce((total, x) => total + Math.exp(x - most) * (x - most), 0) / sum;
    out.lse[c] = most + Math.log(sum);
    out.logprob[c] = (row[targets[c] ?? 0] ?? 0) - most - Math.log(sum);
    out.entropy[c] = Math.log(sum) - mean;
  }
  return out;
}

/**
 * logits ← coef · (p - onehot(target)) + spread · p · (log p + entropy), p = softmax(logits), in place: coef (C) is
 * -dLoss/dlogprob, spread (C) is -dLoss/dentropy.
 */
export function logitsGrad(
  logits: Vec,
  targets: ArrayLike<number>,
  coef: Vec,
  [C, V]: readonly [number, number],
  spread: Vec = new Float64Array(C),
): void {
  const { lse, entropy } = logSoftmax(logits, targets, [C, V]);
  for (let c = 0; c < C; c++) {
    for (let v = 0; v < V; v++) {
      const logP = (logits[c * V + v] ?? 0) - (lse[c] ?? 0);
      const p = Math.exp(logP);
      const chosen = (coef[c] ?? 0) * (p - (v === targets[c] ? 1 : 0));
      logits[c * V + v] = chosen + (spread[c] ?? 0) * p * (logP + (entropy[c] ?? 0));
    }
  }
}
