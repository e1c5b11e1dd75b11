// The loss of each token and its slope in the token's log-probability. Knows no batch: how tokens are averaged comes as a
// weight of each token.
import type { KernelPass } from '../gpu/pass.ts';
import { kernel } from '../gpu/pipeline.ts';
import { assertShape, type GpuTensor, sizeOf } from '../gpu/tensor.ts';
import { groupsFor } from './launch.ts';

const GRPO_LOSS = kernel({
  file: 'loss/grpo_loss',
  params: { C: 'u32', kind: 'u32', clipLow: 'f32', clipHigh: 'f32', kl: 'f32', bonus: 'f32' },
  reads: [
    'logprob',
    'old?!sequence',
    'joint?sequence',
    'ref',
    'advantage',
    'weight',
    'entropy?entropy',
  ],
  writes: ['coef', 'stats'],
});

/** What a row of `stats` holds: the token's weighted loss, its KL estimate, 1 when the clip took its slope, its ratio. */
export const LOSS_STATS = ['loss', 'kl', 'clipped', 'ratio'] as const;

export interface EntropyBonus {
  /** Above 0. */
  readonly coefficient: number;
  /** (C), entropy of each token's distribution in nats */
  readonly entropy: GpuTensor;
}

interface TokenLossArgs {
  /** (C), of the policy at temperature 1 */
  readonly logprob: GpuTensor;
  /** (C), share of the token in the aggregate, mask included; a token with 0 writes zeros and ratio 1 */
  readonly weight: GpuTensor;
  /** (C), written: -dLoss/dlogprob, what encodeLogitsGrad needs */
  readonly coef: GpuTensor;
  /** (C, 4), written: see {@link LOSS_STATS}; the loss of a batch is the sum of column 0 */
  readonly stats: GpuTensor;
}

export interface GrpoLossArgs extends TokenLossArgs {
  /** (C), log-probabilities at sampling; pass `logprob` itself for a first update without recorded ones */
  readonly old: GpuTensor;
  /** (C, 2), from encodeSequenceRatio: the ratio is that of the whole sequence; null for each token's own */
  readonly joint: GpuTensor | null;
  /** (C), log-probabilities of the reference policy; null when kl is 0 */
  readonly ref: GpuTensor | null;
  /** (C) */
  readonly advantage: GpuTensor;
  readonly clipLow: number;
  readonly clipHigh: number;
  readonly kl: number;
  /** An entropy bonus; null without one. */
  readonly bonus: EntropyBonus | null;
}

/**
 * loss = weight · (-min(r·A, clip(r, 1 - clipLow, 1 + clipHigh)·A) + kl·(exp(d) - d - 1) - bonus·entropy),
 * r = exp(logprob - old), d = ref - logprob (GRPO: Shao et al. 2024, arXiv:2402.03300; separate clips: DAPO,
 * arXiv:2503.14476); with `joint`, r is that of the token's sequence (GSPO: arXiv:2507.18071). The entropy's own gradient
 * is left to encodeLogitsGrad, as it is none of logprob.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeGrpoLoss(pass: KernelPass, args: GrpoLossArgs): void {
  const { clipLow, clipHigh, kl, bonus } = args;
  const params = { kind: 1, clipLow, clipHigh, kl, bonus: bonus?.coefficient ?? 0 };
  dispatchLoss(pass, { ...args, ref: args.ref ?? args.logprob }, params);
}

/**
 * loss = -weight · logprob.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeSftLoss(pass: KernelPass, args: TokenLossArgs): void {
  const { logprob } = args;
  const bind = {
    ...args,
    old: logprob,
    ref: logprob,
    advantage: logprob,
    joint: null,
    bonus: null,
  };
  dispatchLoss(pass, bind, { kind: 0, clipLow: 0, clipHigh: 0, kl: 0, bonus: 0 });
}

function dispatchLoss(
  pass: KernelPass,
  args: Pick<GrpoLossArgs, 'old' | 'joint' | 'advantage' | 'bonus'> &
    TokenLossArgs & { ref: GpuTensor },
  params: Readonly<Record<'kind' | 'clipLow' | 'clipHigh' | 'kl' | 'bonus', number>>,
): void {
  const { logprob, old, joint, ref, advantage, weight, coef, stats, bonus } = args;
  const C = sizeOf(logprob);
  const entropy = bonus === null ? {} : { entropy: bonus.entropy };
  const rows = { logprob, old, ref, advantage, weight, coef, ...entropy };
  for (const [name, tensor] of Object.entries(rows)) {
    assertShape(tensor, [C], `grpo-loss.${name}`);
  }
  if (joint !== null) assertShape(joint, [C, 2], 'grpo-loss.joint');
  assertShape(stats, [C, LOSS_STATS.length], 'grpo-loss.stats');
  const on = [
    ...(bonus === null ? [] : (['entropy'] as const)),
    ...(joint === null ? [] : (['sequence'] as const)),
  ];
  pass.dispatch(GRPO_LOSS, {
    params: { C, ...params },
    bind: { ...rows, stats, ...(joint === null ? {} : { joint }) },
    grid: groupsFor(C),
    variant: { on },
  });
}
