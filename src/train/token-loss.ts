// The loss of a stretch of loss tokens, by the objective of their batch: from what is in the report to coefficients of the
// logits' gradient. Knows no logits.
import type { KernelPass } from '../gpu/pass.ts';
import { type GpuTensor, rows } from '../gpu/tensor.ts';
import { tokensById } from '../kernels/embed.ts';
import { type EntropyBonus, encodeGrpoLoss, encodeSftLoss } from '../kernels/grpo-loss.ts';
import { encodeSequenceRatio } from '../kernels/sequence-ratio.ts';
import type { Batch, Objective } from '../trajectory/batch.ts';
import type { PackedRow } from './packing.ts';
import { lossKl } from './token-terms.ts';
import type { UploadedRow, Workspace } from './workspace.ts';

export interface LossContext {
  readonly space: Workspace;
  readonly row: UploadedRow;
  /** Which trained tokens make a sequence, as {@link sequenceIndex} has it uploaded; null where each has its own ratio. */
  readonly sequences: { readonly offsets: GpuTensor; readonly order: GpuTensor } | null;
}

/** The trained tokens of a row by their sequences; null when the objective does not look at whole sequences. */
export function sequenceIndex(
  row: PackedRow,
  { objective, sequences }: Batch,
): ReturnType<typeof tokensById> | null {
  if (objective.kind !== 'grpo' || objective.ratio !== 'sequence') return null;
  const places = new Map<number, number>();
  const trained: number[] = [];
  const members: number[] = [];
  row.origin.forEach(([index, t], n) => {
    if ((sequences[index]?.mask[t] ?? 0) === 0) return;
    const place = places.get(index) ?? places.size;
    places.set(index, place);
    trained.push(n);
    members.push(place);
  });
  const { offsets, order } = tokensById(members, places.size);
  return { offsets, order: order.map((i) => trained[i] ?? 0) };
}

function jointOf(space: Workspace): GpuTensor {
  return space.rows('head.joint', space.sizes.lossTokens);
}

/** Ratios of the sequences of a row, once the log-probabilities of all its L loss tokens are in the report. */
export function encodeJointRatios(
  pass: KernelPass,
  { space, row, sequences }: LossContext,
  objective: Objective,
  L: number,
): void {
  if (sequences === null || objective.kind !== 'grpo') return;
  const joint = rows(jointOf(space), 0, L);
  pass.clear(joint);
  encodeSequenceRatio(pass, {
    logprob: space.report(0, L).logprob,
    old: row.old,
    advantage: row.advantages,
    weight: row.weights,
    ...sequences,
    joint,
    clipLow: objective.clip_low,
    clipHigh: objective.clip_high,
  });
}

/** Loss tokens `from` up to `from + count` of a row. */
interface Stretch {
  readonly from: number;
  readonly count: number;
}

/** The entropy bonus of some loss tokens, with the weights of their terms; null when the objective has none. */
export function entropyBonus(
  { space, row }: Omit<LossContext, 'sequences'>,
  objective: Objective,
  { from, count }: Stretch,
): (EntropyBonus & { weight: GpuTensor }) | null {
  const coefficient = objective.kind === 'grpo' ? (objective.entropy ?? 0) : 0;
  if (coefficient === 0) return null;
  const { entropy } = space.report(from, count);
  return { coefficient, entropy, weight: rows(row.weights, from, count) };
}

/** Reports losses of tokens whose log-probabilities are in the report, and writes coef (count), -dLoss/dlogprob. */
export function encodeTokenLoss(
  pass: KernelPass,
  context: LossContext,
  objective: Objective,
  stretch: Stretch,
  coef: GpuTensor,
): void {
  const { space, row, sequences } = context;
  const { from, count } = stretch;
  const input = (tensor: GpuTensor) => rows(tensor, from, count);
  const { logprob, stats } = space.report(from, count);
  const common = { logprob, weight: input(row.weights), coef, stats };
  if (objective.kind === 'sft') {
    encodeSftLoss(pass, common);
    return;
  }
  const kl = lossKl(objective);
  encodeGrpoLoss(pass, {
    ...common,
    old: input(row.old),
    joint: sequences === null ? null : input(jointOf(space)),
    ref: kl > 0 ? input(row.ref) : null,
    advantage: input(row.advantages),
    clipLow: objective.clip_low,
    clipHigh: objective.clip_high,
    kl,
    bonus: entropyBonus(context, objective, stretch),
  });
}
