// The head and the loss, for loss tokens only and in chunks: logits are never whole, and their gradient is formed in the
// visit that made them.
import type { Model } from '../engine/model.ts';
import type { KernelPass } from '../gpu/pass.ts';
import { type GpuTensor, rows } from '../gpu/tensor.ts';
import { encodeEmbed, encodeEmbedGrad } from '../kernels/embed.ts';
import { encodeLinear, encodeLinearInputGrad, encodeLinearWeightGrad } from '../kernels/linear.ts';
import { encodeLogitsGrad, encodeLogSoftmax } from '../kernels/log-softmax.ts';
import { encodeRmsNorm } from '../kernels/rms-norm.ts';
import { f32Matrix } from '../kernels/weight-matrix.ts';
import type { Objective } from '../trajectory/batch.ts';
import { type BackwardContext, encodeNormBackward } from './backward.ts';
import {
  encodeJointRatios,
  encodeTokenLoss,
  entropyBonus,
  type LossContext,
} from './token-loss.ts';
import type { UploadedRow, Workspace } from './workspace.ts';

interface HeadContext {
  readonly model: Model;
  readonly space: Workspace;
  readonly row: UploadedRow;
  readonly L: number;
}

/** Final norm of the rows that predict loss tokens: (L, C), and what its backward pass needs. */
function encodeGather(pass: KernelPass, { model, space, row, L }: HeadContext, x: GpuTensor) {
  const [gathered, normed] = [space.rows('head.x', L), space.rows('head.normed', L)];
  const rstd = space.rows('head.rstd', L);
  encodeEmbed(pass, { ids: row.lossRows, table: f32Matrix(x), y: gathered });
  encodeRmsNorm(pass, {
    x: gathered,
    w: model.outputNorm,
    y: normed,
    rstd,
    eps: model.config.eps,
  });
  return { gathered, normed, rstd };
}

/** Calls `visit` for chunks of loss tokens, with their logits in one reused buffer. */
function forChunks(
  pass: KernelPass,
  { model, space, row, L }: HeadContext,
  normed: GpuTensor,
  visit: (chunk: Chunk) => void,
): void {
  for (let from = 0; from < L; from += space.logitsRows) {
    const count = Math.min(space.logitsRows, L - from);
    const [logits, lse] = [space.rows('head.logits', count), space.rows('head.lse', count)];
    const partial = space.softmaxPartial(count);
    const { logprob, entropy } = space.report(from, count);
    const part = rows(normed, from, count);
    encodeLinear(pass, { x: part, w: model.head, y: logits });
    encodeLogSoftmax(pass, {
      logits,
      targets: rows(row.targets, from, count),
      partial,
      logprob,
      lse,
      entropy,
    });
    visit({ from, count, logits, lse, normed: part });
  }
}

interface Chunk {
  readonly from: number;
  readonly count: number;
  readonly logits: GpuTensor;
  readonly lse: GpuTensor;
  readonly normed: GpuTensor;
}

/** Log-probabilities and entropies of the loss tokens, into the report; no gradients. */
export function encodeHeadForward(pass: KernelPass, context: HeadContext, x: GpuTensor): void {
  const { normed } = encodeGather(pass, context, x);
  forChunks(pass, context, normed, () => undefined);
  context.space.encodeReport(pass);
}

/** Everything of the loss: reports, gradients of the head, and dx (M, C), the gradient of the residual stream. */
export function encodeHeadBackward(
  pass: KernelPass,
  context: BackwardContext & HeadContext & LossContext,
  objective: Objective,
  x: GpuTensor,
  scatter: { offsets: GpuTensor; order: GpuTensor },
): GpuTensor {
  const { model, space, row, L, M, full, parameters } = context;
  const { gathered, normed, rstd } = encodeGather(pass, context, x);
  const dNormed = space.rows('head.dNormed', L);
  // The ratio of a sequence needs all its log-probabilities before the first gradient: more chunks than one are seen twice.
  const twice = context.sequences !== null && L > space.logitsRows;
  if (twice) forChunks(pass, context, normed, () => undefined);
  forChunks(pass, context, normed, ({ from, count, logits, lse, normed: part }) => {
    if (from === 0) encodeJointRatios(pass, context, objective, L);
    const coef = space.rows('head.coef', count);
    const input = (tensor: GpuTensor) => rows(tensor, from, count);
    encodeTokenLoss(pass, context, objective, { from, count }, coef);
    const bonus = entropyBonus(context, objective, { from, count });
    encodeLogitsGrad(pass, { logits, targets: input(row.targets), lse, coef, bonus });
    encodeLinearInputGrad(pass, { dy: logits, w: model.head, dx: rows(dNormed, from, count) });
    if (full) {
      const name = model.config.tied ? 'token_embd.weight' : 'output.weight';
      encodeLinearWeightGrad(pass, { dy: logits, x: part, dw: parameters.grad(name) });
    }
  });
  space.encodeReport(pass);
  const dGathered = space.rows('head.dGathered', L);
  const norm = { dy: dNormed, x: gathered, w: model.outputNorm, rstd, dx: dGathered };
  encodeNormBackward(pass, context, 'output_norm.weight', norm, false);
  const dx = space.rows('dx', M);
  pass.clear(dx);
  encodeEmbedGrad(pass, { dy: dGathered, ...scatter, dTable: dx });
  return dx;
}
