// The loss of a stretch of loss tokens, by the objective of their batch: from what is in the report to coefficients of the
// logits' gradient. Knows no logits.
import type { KernelPass } from '../gpu/pass.ts';
import { type GpuTensor, rows } from '../gpu/tensor.ts';
import { type EntropyBonus, encodeGrpoLoss, encodeSftLoss } from '../kernels/grpo-loss.ts';
import type { Objective } from '../trajectory/batch.ts';
import { lossKl } from './token-terms.ts';
import type { UploadedRow, Workspace } from './workspace.ts';

interface LossContext {
  readonly space: Workspace;
  readonly row: UploadedRow;
}

/** Loss tokens `from` up to `from + count` of a row. */
interface Stretch {
  readonly from: number;
  readonly count: number;
}

/** The entropy bonus of some loss tokens, with the weights of their terms; null when the objective has none. */
export function entropyBonus(
  { space, row }: LossContext,
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
  const { space, row } = context;
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
    ref: kl > 0 ? input(row.ref) : null,
    advantage: input(row.advantages),
    clipLow: objective.clip_low,
    clipHigh: objective.clip_high,
    kl,
    bonus: entropyBonus(context, objective, stretch),
  });
}
