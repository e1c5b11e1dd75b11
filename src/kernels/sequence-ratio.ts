// The ratio of whole sequences in place of each token's, and its slope. Knows no batch: which tokens make a sequence comes
// as an index.
import type { KernelPass } from '../gpu/pass.ts';
import { kernel } from '../gpu/pipeline.ts';
import { assertShape, type GpuTensor, sizeOf } from '../gpu/tensor.ts';
import { groupsFor } from './launch.ts';

const SEQUENCE_RATIO = kernel({
  file: 'loss/sequence_ratio',
  params: { S: 'u32', clipLow: 'f32', clipHigh: 'f32' },
  reads: ['logprob', 'old', 'advantage', 'weight', 'order', 'offsets'],
  writes: ['joint'],
});

export interface SequenceRatioArgs {
  /** (C), of the policy at temperature 1 */
  readonly logprob: GpuTensor;
  /** (C), before the update */
  readonly old: GpuTensor;
  /** (C) */
  readonly advantage: GpuTensor;
  /** (C), share of the token in the aggregate */
  readonly weight: GpuTensor;
  /** (T) u32, T <= C: trained tokens, by sequence */
  readonly order: GpuTensor;
  /** (S + 1) u32: where each sequence begins in `order` */
  readonly offsets: GpuTensor;
  /** (C, 2), written for the tokens in `order`: what `joint` of encodeGrpoLoss reads; others must hold zeros */
  readonly joint: GpuTensor;
  readonly clipLow: number;
  readonly clipHigh: number;
}

/**
 * joint = (s, (s / n) · Σ weight · A over the unclipped tokens of the sequence), s = exp(mean of (logprob - old) over its n
 * tokens): ratio and -dLoss/dlogprob of Σ -weight · min(s·A, clip(s, 1 - clipLow, 1 + clipHigh)·A) (GSPO: Zheng et al. 2025,
 * arXiv:2507.18071).
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeSequenceRatio(pass: KernelPass, args: SequenceRatioArgs): void {
  const { logprob, old, advantage, weight, order, offsets, joint, clipLow, clipHigh } = args;
  const C = sizeOf(logprob);
  const S = sizeOf(offsets) - 1;
  for (const [name, tensor] of Object.entries({ logprob, old, advantage, weight })) {
    assertShape(tensor, [C], `sequence-ratio.${name}`);
  }
  assertShape(joint, [C, 2], 'sequence-ratio.joint');
  pass.dispatch(SEQUENCE_RATIO, {
    params: { S, clipLow, clipHigh },
    bind: { logprob, old, advantage, weight, order, offsets, joint },
    grid: groupsFor(S),
  });
}
