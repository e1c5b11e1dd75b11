// The trainer: one loop for LoRA and for all weights. Shares the engine's device and base weights; knows nothing of
// tasks, tools or rewards.
import { defined } from '../base/assert.ts';
import { InputError } from '../base/errors.ts';
import type { AdapterWeights } from '../engine/adapter-weights.ts';
import { assertIds, type Model } from '../engine/model.ts';
import type { Gpu } from '../gpu/device.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import { encodeEmbedGrad, tokensById } from '../kernels/embed.ts';
import { LOSS_STATS } from '../kernels/grpo-loss.ts';
import type { Batch } from '../trajectory/batch.ts';
import type { OptimiserSettings } from '../trajectory/experiment.ts';
import type { AppliedStep, LossResult, StepOptions, Trainer } from '../trajectory/interfaces.ts';
import { encodeBackward } from './backward.ts';
import { checkpointFiles, readCheckpointFiles } from './checkpoint.ts';
import { encodeForward, type RowContext } from './forward.ts';
import { encodeHeadBackward, encodeHeadForward } from './head.ts';
import type { Checkpoints } from './layout.ts';
import { DEFAULT_ROW_TOKENS, trainSizes } from './memory-plan.ts';
import { Optimiser } from './optimiser.ts';
import { type PackedRow, packBatch, packReference } from './packing.ts';
import type { Parameters } from './parameters.ts';
import { sequenceIndex } from './token-loss.ts';
import { isKlInReward } from './token-terms.ts';
import { type Report, Workspace } from './workspace.ts';

export interface TrainerOptions {
  readonly optimiser: OptimiserSettings;
  /** Tokens of one packed row; larger batches are cut at sequence boundaries. */
  readonly maxTokens?: number;
  /** What is kept of each layer: by default everything where that is small, else its input. */
  readonly checkpoints?: Checkpoints;
  /** How the cache that is sampled from keeps keys and values, which are rounded alike here; f32 by default. */
  readonly kv?: 'f32' | 'f16';
  /** Compute what sequences have in common at the beginning once; on by default. */
  readonly share?: boolean;
  /** Make every token's log-probability known, not only the trained ones'. */
  readonly everyToken?: boolean;
  /**
   * Buffers that nobody else uses until the weights have moved, asked for before each computation; null when there are none
   * just now.
   */
  readonly lend?: () => readonly GpuTensor[] | null;
  /** Called when the weights have moved: keys and values that were kept under the old ones are stale. */
  readonly onMoved?: () => void;
}

/** What is trained: the weights under gradients, and how to write them down. */
export interface TrainTarget {
  readonly model: Model;
  /** Null when all weights are trained. */
  readonly adapter: AdapterWeights | null;
  readonly parameters: Parameters;
  exportWeights(): Promise<Record<string, Uint8Array>>;
}

/** Rows that a workspace has at first: short rows that follow need no other. */
const FIRST_TOKENS = 512;

export class GpuTrainer implements Trainer {
  readonly #gpu: Gpu;
  readonly #target: TrainTarget;
  readonly #options: TrainerOptions;
  readonly #optimiser: Optimiser;
  #space: Workspace | null = null;
  /** Buffers of others that the workspace uses. */
  #lent: readonly GpuTensor[] = [];

  constructor(gpu: Gpu, target: TrainTarget, options: TrainerOptions) {
    this.#gpu = gpu;
    this.#target = target;
    this.#options = options;
    this.#optimiser = new Optimiser(gpu, target.parameters, options.optimiser);
  }

  get parameters(): Parameters {
    return this.#target.parameters;
  }

  /** Optimiser steps taken so far. */
  get steps(): number {
    return this.#optimiser.steps;
  }

  async accumulate(batch: Batch, scale = 1): Promise<LossResult> {
    const { model } = this.#target;
    batch.sequences.forEach((sequence, i) => {
      assertIds(sequence.ids, model.config, `batch.sequences.${i}`);
    });
    const everyToken = this.#options.everyToken ?? false;
    const rows = packBatch(batch, { ...this.#packing, everyToken, scale });
    const total = new Totals(batch);
    for (const row of rows) {
      const space = this.#workspace(row);
      this.#submitRow(space, row, batch);
      total.add(row, await space.readReport(row.L));
    }
    return total.result();
  }

  #submitRow(space: Workspace, row: PackedRow, batch: Batch): void {
    const { model, adapter, parameters } = this.#target;
    const uploaded = space.uploadRow(row);
    const { M, L } = row;
    const scatter = space.uploadIndex('scatter', tokensById(row.lossRows, M));
    const members = sequenceIndex(row, batch);
    const sequences = members === null ? null : space.uploadIndex('sequences', members);
    const pass = this.#gpu.pass();
    const full = adapter === null;
    const halfKv = this.#halfKv;
    const sized = { M, L, parameters, full };
    const context = { model, adapter, space, row: uploaded, ...sized, halfKv, sequences };
    const x = encodeForward(pass, context);
    const dx = encodeHeadBackward(pass, context, batch.objective, x, scatter);
    encodeBackward(pass, context, dx);
    if (full) {
      const index = tokensById(row.ids, model.config.vocab);
      const tokens = space.uploadIndex('tokens', index);
      const dTable = parameters.grad('token_embd.weight');
      encodeEmbedGrad(pass, { dy: dx, ...tokens, dTable });
    }
    this.#gpu.submit(pass);
  }

  get #packing() {
    const { maxTokens = DEFAULT_ROW_TOKENS, share = true } = this.#options;
    return { maxTokens, share };
  }

  get #halfKv(): boolean {
    return this.#options.kv === 'f16';
  }

  /** Makes every buffer of a step of the longest row: what does not fit is known before the first. */
  reserve(): void {
    const { maxTokens } = this.#packing;
    this.#workspace({ M: maxTokens, L: maxTokens }).reserve();
  }

  #workspace({ M, L }: Pick<PackedRow, 'M' | 'L'>): Workspace {
    const had = this.#space?.sizes ?? { tokens: 0, lossTokens: 0 };
    const lent = this.#options.lend?.() ?? [];
    const same = lent.length === this.#lent.length && lent.every((one, i) => one === this.#lent[i]);
    if (this.#space !== null && same && M <= had.tokens && L <= had.lossTokens) return this.#space;
    this.#space?.free();
    this.#lent = lent;
    const least = Math.min(FIRST_TOKENS, this.#packing.maxTokens);
    const sizes = trainSizes(this.#target, {
      tokens: Math.max(M, had.tokens, least),
      lossTokens: Math.max(L, had.lossTokens, least),
      checkpoints: this.#options.checkpoints,
    });
    this.#space = new Workspace(this.#gpu, sizes, lent);
    return this.#space;
  }

  async apply(options: StepOptions): Promise<AppliedStep> {
    const { learningRate, clipNorm, normLimit = Number.POSITIVE_INFINITY } = options;
    const { parameters } = this.#target;
    const gradNorm = await parameters.gradNorm();
    if (!Number.isFinite(gradNorm) || gradNorm > normLimit) {
      await this.discard();
      return { gradNorm, moved: false };
    }
    const clipScale = clipNorm > 0 && gradNorm > clipNorm ? clipNorm / gradNorm : 1;
    this.#optimiser.step(learningRate, clipScale);
    this.#options.onMoved?.();
    return { gradNorm, moved: true };
  }

  async discard(): Promise<void> {
    this.#target.parameters.clearGradients();
  }

  async referenceLogprobs(sequences: readonly { ids: readonly number[] }[]): Promise<number[][]> {
    if (this.#target.adapter === null) {
      throw new InputError(
        'reference',
        'train: KL to the starting policy needs an adapter, since all weights are trained in place; set kl to 0',
      );
    }
    return await this.#logprobs(sequences, null);
  }

  async policyLogprobs(sequences: readonly { ids: readonly number[] }[]): Promise<number[][]> {
    return await this.#logprobs(sequences, this.#target.adapter);
  }

  async #logprobs(
    sequences: readonly { ids: readonly number[] }[],
    adapter: AdapterWeights | null,
  ): Promise<number[][]> {
    const { model } = this.#target;
    const out = sequences.map(({ ids }) => ids.map(() => 0));
    for (const row of packReference(sequences, this.#packing)) {
      const space = this.#workspace(row);
      const pass = this.#gpu.pass();
      const uploaded = space.uploadRow(row);
      const halfKv = this.#halfKv;
      const context: RowContext = { model, adapter, space, row: uploaded, M: row.M, halfKv };
      encodeHeadForward(pass, { ...context, L: row.L }, encodeForward(pass, context));
      this.#gpu.submit(pass);
      const { logprob } = await space.readReport(row.L);
      placeLogprobs(row, logprob, out);
    }
    return out;
  }

  /** Bytes of activations and scratch that are held. */
  get workspaceBytes(): number {
    return this.#space?.bytes ?? 0;
  }

  /** Bytes of weights under training, their gradients and their moments. */
  get parameterBytes(): number {
    return this.parameters.bytes + this.#optimiser.bytes;
  }

  async checkpoint(): Promise<Record<string, Uint8Array>> {
    const { steps, moments } = this.#optimiser;
    const place = { steps, kernels: this.#gpu.caps.family, moments };
    return checkpointFiles(await this.#optimiser.snapshot(), place);
  }

  async restore(files: Readonly<Record<string, Uint8Array>>): Promise<void> {
    const optimiser = this.#optimiser;
    const { state, place } = readCheckpointFiles(files, optimiser.sizes, optimiser.moments);
    this.#gpu.useFamily(place.kernels);
    optimiser.restore(state, place.steps);
    this.#options.onMoved?.();
    await this.#gpu.idle();
  }

  async exportWeights(): Promise<Record<string, Uint8Array>> {
    return await this.#target.exportWeights();
  }

  /** Frees the buffers of a step; the next one makes them anew. */
  freeWorkspace(): void {
    this.#space?.free();
    this.#space = null;
  }

  free(): void {
    this.freeWorkspace();
    this.#optimiser.free();
    this.#target.parameters.free();
  }
}

/** Puts the log-probabilities of a row's loss tokens where their sequences have them. */
function placeLogprobs(row: PackedRow, logprob: Float32Array, out: readonly number[][]): void {
  row.origin.forEach(([i, t], n) => {
    defined(out[i], 'sequence')[t] = logprob[n] ?? 0;
  });
  for (const [n, i, t] of row.also) defined(out[i], 'sequence')[t] = logprob[n] ?? 0;
}

/** Sums the reports of a batch's rows. */
class Totals {
  readonly #logprobs: number[][];
  readonly #klInReward: boolean;
  #loss = 0;
  #entropy = 0;
  #kl = 0;
  #clipped = 0;
  #ratio = 0;
  #maxRatio = 0;
  #trained = 0;

  constructor(batch: Batch) {
    this.#logprobs = batch.sequences.map(({ ids }) => ids.map(() => 0));
    this.#klInReward = isKlInReward(batch.objective);
  }

  add(row: PackedRow, report: Report): void {
    placeLogprobs(row, report.logprob, this.#logprobs);
    row.weights.forEach((weight, n) => {
      if (weight === 0) return;
      this.#entropy += report.entropy[n] ?? 0;
      this.#loss += report.stats[n * LOSS_STATS.length] ?? 0;
      this.#kl += this.#klInReward
        ? (report.logprob[n] ?? 0) - (row.refLogprobs[n] ?? 0)
        : (report.stats[n * LOSS_STATS.length + 1] ?? 0);
      this.#clipped += report.stats[n * LOSS_STATS.length + 2] ?? 0;
      const ratio = report.stats[n * LOSS_STATS.length + 3] ?? 1;
      this.#ratio += ratio;
      this.#maxRatio = Math.max(this.#maxRatio, ratio);
      this.#trained += 1;
    });
  }

  result(): LossResult {
    const count = Math.max(this.#trained, 1);
    return {
      loss: this.#loss,
      tokenLogprobs: this.#logprobs,
      entropy: this.#entropy / count,
      kl: this.#kl / count,
      clipFraction: this.#clipped / count,
      ratio:
        this.#trained === 0
          ? { mean: 1, max: 1 }
          : { mean: this.#ratio / count, max: this.#maxRatio },
    };
  }
}
