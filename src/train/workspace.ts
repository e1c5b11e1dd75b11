// Buffers of a training step: saved activations and scratch, sized once and seen at each row's own size. No recompute:
// every layer keeps what its backward pass reads.
import type { Gpu } from '../gpu/device.ts';
import type { KernelPass } from '../gpu/pass.ts';
import { type GpuTensor, type GpuType, rows } from '../gpu/tensor.ts';
import { LOSS_STATS } from '../kernels/grpo-loss.ts';
import { ROW_CHUNKS } from '../kernels/launch.ts';
import type { ModelConfig } from '../weights/model-config.ts';
import type { PackedRow } from './packing.ts';

/** What is read back of each loss token: log-probability and entropy, then the rows of LOSS_STATS. */
export interface Report {
  readonly logprob: Float32Array;
  readonly entropy: Float32Array;
  /** (L, 4) */
  readonly stats: Float32Array;
}

/** Logits held at once, in elements; a chunk has at least 128 loss tokens. */
const LOGITS_ELEMENTS = 2 ** 20;

/** Saved by the forward pass of a layer. */
export interface LayerActivations {
  readonly x: GpuTensor;
  readonly attnRstd: GpuTensor;
  readonly attnIn: GpuTensor;
  readonly qRaw: GpuTensor;
  readonly kRaw: GpuTensor;
  readonly v: GpuTensor;
  readonly qRstd: GpuTensor;
  readonly kRstd: GpuTensor;
  readonly q: GpuTensor;
  readonly k: GpuTensor;
  readonly att: GpuTensor;
  readonly lse: GpuTensor;
  readonly xMid: GpuTensor;
  readonly ffnRstd: GpuTensor;
  readonly ffnIn: GpuTensor;
  /** Turned into their gradients by the backward pass. */
  readonly gate: GpuTensor;
  readonly up: GpuTensor;
  readonly h: GpuTensor;
  /** x Aᵀ of each projection under an adapter. */
  readonly low: Readonly<Record<string, GpuTensor>>;
}

export class Workspace {
  readonly logitsRows: number;
  readonly #gpu: Gpu;
  readonly #config: ModelConfig;
  readonly #rank: number;
  readonly #tensors = new Map<string, GpuTensor>();
  /** Tokens and loss tokens that fit. */
  readonly tokens: number;
  readonly lossTokens: number;

  constructor(gpu: Gpu, config: ModelConfig, rank: number, tokens: number) {
    this.#gpu = gpu;
    this.#config = config;
    this.#rank = rank;
    this.tokens = Math.ceil(tokens / 64) * 64;
    this.lossTokens = this.tokens;
    const rows = Math.floor(LOGITS_ELEMENTS / config.vocab / 64) * 64;
    this.logitsRows = Math.min(this.lossTokens, Math.max(128, rows));
  }

  /** A tensor of `shape`, in a buffer that holds it for the largest row. */
  view(name: string, shape: readonly number[], type: GpuType = 'f32', most = shape): GpuTensor {
    let tensor = this.#tensors.get(name);
    if (tensor === undefined) {
      tensor = this.#gpu.tensor(`train.${name}`, most, type);
      this.#tensors.set(name, tensor);
    }
    return { ...tensor, shape };
  }

  /** (M, width) */
  wide(name: string, M: number, width: number): GpuTensor {
    return this.view(name, [M, width], 'f32', [this.tokens, width]);
  }

  /** (M) or, for loss tokens, (L) */
  vector(name: string, count: number, type: GpuType = 'f32'): GpuTensor {
    return this.view(name, [count], type, [this.tokens]);
  }

  layer(l: number, M: number, stems: readonly string[]): LayerActivations {
    const { hidden: C, heads: H, kvHeads: G, headDim: D, ffn: F } = this.#config;
    const wide = (name: string, width: number) => this.wide(`${l}.${name}`, M, width);
    return {
      x: wide('x', C),
      attnRstd: this.vector(`${l}.attnRstd`, M),
      attnIn: wide('attnIn', C),
      qRaw: wide('qRaw', H * D),
      kRaw: wide('kRaw', G * D),
      v: wide('v', G * D),
      qRstd: wide('qRstd', H),
      kRstd: wide('kRstd', G),
      q: wide('q', H * D),
      k: wide('k', G * D),
      att: wide('att', H * D),
      lse: wide('lse', H),
      xMid: wide('xMid', C),
      ffnRstd: this.vector(`${l}.ffnRstd`, M),
      ffnIn: wide('ffnIn', C),
      gate: wide('gate', F),
      up: wide('up', F),
      h: wide('h', F),
      low: Object.fromEntries(stems.map((stem) => [stem, wide(`low.${stem}`, this.#rank)])),
    };
  }

  /** (16, width) scratch of the weight-gradient kernels. */
  partial(width: number): GpuTensor {
    return this.view(`partial.${width}`, [ROW_CHUNKS, width]);
  }

  /** Where the kernels write the reports of loss tokens from `from` on. */
  report(
    from: number,
    count: number,
  ): { logprob: GpuTensor; entropy: GpuTensor; stats: GpuTensor } {
    const most = this.lossTokens;
    return {
      logprob: rows(this.view('head.logprob', [most]), from, count),
      entropy: rows(this.view('head.entropy', [most]), from, count),
      stats: rows(this.view('head.stats', [most, LOSS_STATS.length]), from, count),
    };
  }

  /** Gathers the reports in one buffer, so that one read brings them back. */
  encodeReport(pass: KernelPass): void {
    const most = this.lossTokens;
    const whole = this.#reportTensor();
    const { logprob, entropy, stats } = this.report(0, most);
    pass.copy(logprob, whole);
    pass.copy(entropy, { ...whole, offset: most * 4 });
    pass.copy(stats, { ...whole, offset: 2 * most * 4 });
  }

  #reportTensor(): GpuTensor {
    return this.view('report', [(2 + LOSS_STATS.length) * this.lossTokens]);
  }

  /** Reads the reports of the first L loss tokens. */
  async readReport(L: number): Promise<Report> {
    const whole = await this.#gpu.readF32(this.#reportTensor());
    const most = this.lossTokens;
    return {
      logprob: whole.subarray(0, L),
      entropy: whole.subarray(most, most + L),
      stats: whole.subarray(2 * most, 2 * most + L * LOSS_STATS.length),
    };
  }

  /** Uploads what the kernels read of a row. */
  uploadRow(row: PackedRow) {
    const put = (name: string, values: Uint32Array | Float32Array) => {
      const type = values instanceof Float32Array ? 'f32' : 'u32';
      const tensor = this.vector(`row.${name}`, values.length, type);
      this.#gpu.write(tensor, values);
      return tensor;
    };
    return {
      ids: put('ids', row.ids),
      positions: put('positions', row.positions),
      start: put('start', row.start),
      end: put('end', row.end),
      lossRows: put('lossRows', row.lossRows),
      targets: put('targets', row.targets),
      old: put('old', row.oldLogprobs),
      ref: put('ref', row.refLogprobs),
      advantages: put('advantages', row.advantages),
      weights: put('weights', row.weights),
    };
  }

  /** Uploads index lists of the embedding and scatter gradients. */
  uploadIndex(name: string, index: { offsets: Uint32Array; order: Uint32Array }, most: number) {
    const offsets = this.view(`${name}.offsets`, [index.offsets.length], 'u32', [most + 1]);
    const order = this.vector(`${name}.order`, index.order.length, 'u32');
    this.#gpu.write(offsets, index.offsets);
    this.#gpu.write(order, index.order);
    return { offsets, order };
  }

  /** Bytes of all buffers made so far. */
  get bytes(): number {
    return [...this.#tensors.values()].reduce((sum, tensor) => sum + tensor.buffer.size, 0);
  }

  free(): void {
    this.#gpu.free(...this.#tensors.values());
    this.#tensors.clear();
  }
}

export type UploadedRow = ReturnType<Workspace['uploadRow']>;
