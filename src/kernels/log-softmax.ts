// Log-softmax of vocabulary rows, and the gradient of the logits. Knows no objective: that is a coefficient a row.
import type { KernelPass } from '../gpu/pass.ts';
import { kernel } from '../gpu/pipeline.ts';
import { assertShape, type GpuTensor, shape2 } from '../gpu/tensor.ts';
import type { EntropyBonus } from './grpo-loss.ts';
import { groupsFor } from './launch.ts';

/** Vocabulary entries that one invocation goes through. */
const CHUNK = 256;
/** Logits that one invocation of the gradient writes. */
const GRAD_ELEMENTS = 4;

const LOG_SOFTMAX_CHUNK = kernel({
  file: 'loss/log_softmax_chunk',
  params: { C: 'u32', V: 'u32', chunks: 'u32' },
  reads: ['logits'],
  writes: ['partial'],
});

const LOG_SOFTMAX = kernel({
  file: 'loss/log_softmax',
  params: { C: 'u32', V: 'u32', chunks: 'u32' },
  reads: ['logits', 'targets', 'partial'],
  writes: ['logprob', 'lse', 'entropy'],
});

const LOGITS_GRAD = kernel({
  file: 'loss/logits_grad',
  params: { C: 'u32', V: 'u32', threads: 'u32', bonus: 'f32' },
  reads: ['targets', 'lse', 'coef', 'entropy?entropy', 'weight?entropy'],
  writes: ['logits'],
});

/** Shape of the scratch tensor of {@link encodeLogSoftmax}: maximum, sum and weighted sum of every chunk. */
export function logSoftmaxScratchShape(C: number, V: number): [number, number, number] {
  return [C, Math.ceil(V / CHUNK), 4];
}

export interface LogSoftmaxArgs {
  /** (C, V) */
  readonly logits: GpuTensor;
  /** (C) u32, below V */
  readonly targets: GpuTensor;
  /** scratch, see {@link logSoftmaxScratchShape} */
  readonly partial: GpuTensor;
  /** (C), natural logarithm of the target's probability */
  readonly logprob: GpuTensor;
  /** (C), log-sum-exp of the row */
  readonly lse: GpuTensor;
  /** (C), entropy of the row in nats */
  readonly entropy: GpuTensor;
}

/**
 * logprob = logits[target] - lse, lse = log Σ_v exp(logits[v]), entropy = lse - Σ_v p[v] logits[v], by fixed chunks of V.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeLogSoftmax(pass: KernelPass, args: LogSoftmaxArgs): void {
  const { logits, targets, partial, logprob, lse, entropy } = args;
  const [C, V] = shape2(logits, 'log-softmax.logits');
  for (const [name, tensor] of Object.entries({ targets, logprob, lse, entropy })) {
    assertShape(tensor, [C], `log-softmax.${name}`);
  }
  const scratch = logSoftmaxScratchShape(C, V);
  assertShape(partial, scratch, 'log-softmax.partial');
  const params = { C, V, chunks: scratch[1] };
  pass.dispatch(LOG_SOFTMAX_CHUNK, {
    params,
    bind: { logits, partial },
    grid: groupsFor(C * scratch[1]),
  });
  pass.dispatch(LOG_SOFTMAX, {
    params,
    bind: { logits, targets, partial, logprob, lse, entropy },
    grid: groupsFor(C),
  });
}

export interface LogitsGradArgs {
  /** (C, V), overwritten by its own gradient */
  readonly logits: GpuTensor;
  /** (C) u32 */
  readonly targets: GpuTensor;
  /** (C), as {@link encodeLogSoftmax} wrote it */
  readonly lse: GpuTensor;
  /** (C), -dLoss/dlogprob, as the loss kernels write it; a row with 0 becomes exactly 0 */
  readonly coef: GpuTensor;
  /** An entropy bonus in the loss; null without one. */
  readonly bonus: (EntropyBonus & { readonly weight: GpuTensor }) | null;
}

/**
 * logits ← coef · (p - onehot(target)) + bonus · weight · p · (log p + entropy), p = softmax(logits), in place: the
 * gradient of a loss with slope -coef in logprob and the term -bonus · weight · entropy.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeLogitsGrad(pass: KernelPass, args: LogitsGradArgs): void {
  const { logits, targets, lse, coef, bonus } = args;
  const [C, V] = shape2(logits, 'logits-grad.logits');
  const spread = bonus === null ? {} : { entropy: bonus.entropy, weight: bonus.weight };
  const rows = { targets, lse, coef, ...spread };
  for (const [name, tensor] of Object.entries(rows)) {
    assertShape(tensor, [C], `logits-grad.${name}`);
  }
  const threads = Math.ceil(V / GRAD_ELEMENTS);
  pass.dispatch(LOGITS_GRAD, {
    params: { C, V, threads, bonus: bonus?.coefficient ?? 0 },
    bind: { ...rows, logits },
    grid: groupsFor(C * threads),
    variant: { on: bonus === null ? [] : ['entropy'] },
  });
}
