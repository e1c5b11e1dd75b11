// Buffers of a training step: what the layout says, lent or made when first asked for, and seen at each row's own size.
import { defined } from '../base/assert.ts';
import type { Gpu } from '../gpu/device.ts';
import type { KernelPass } from '../gpu/pass.ts';
import { type GpuTensor, rows } from '../gpu/tensor.ts';
import { LOSS_STATS } from '../kernels/grpo-loss.ts';
import { logSoftmaxScratchShape } from '../kernels/log-softmax.ts';
import {
  type BufferShape,
  lendBuffers,
  logitsRowsOf,
  type TrainSizes,
  trainLayout,
} from './layout.ts';
import type { PackedRow } from './packing.ts';

/** What is read back of each loss token: log-probability and entropy, then the rows of LOSS_STATS. */
export interface Report {
  readonly logprob: Float32Array;
  readonly entropy: Float32Array;
  /** (L, 4) */
  readonly stats: Float32Array;
}

/** Filled by the forward pass of a layer. */
export interface LayerActivations {
  /** Its input. */
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

/** A layer's input in halves of its row's size, see encodeHalveRows. */
export interface HalvedInput {
  readonly half: GpuTensor;
  readonly rstd: GpuTensor;
}

export class Workspace {
  readonly sizes: TrainSizes;
  /** Loss tokens whose logits are there at once. */
  readonly logitsRows: number;
  readonly #gpu: Gpu;
  readonly #layout: ReadonlyMap<string, BufferShape>;
  /** Of others, by what they are used for. */
  readonly #lent: ReadonlyMap<string, GpuTensor>;
  readonly #tensors = new Map<string, GpuTensor>();

  /** `lent` are buffers that nobody else uses during a step; they stay their owner's. */
  constructor(gpu: Gpu, sizes: TrainSizes, lent: readonly GpuTensor[] = []) {
    this.#gpu = gpu;
    this.sizes = sizes;
    this.logitsRows = logitsRowsOf(sizes);
    this.#layout = trainLayout(sizes);
    const places = lendBuffers(
      this.#layout,
      lent.map(({ buffer }) => buffer.size),
    );
    this.#lent = new Map([...places].map(([name, i]) => [name, defined(lent[i], `buffer ${i}`)]));
  }

  /** The first `count` rows of a buffer of the layout. */
  rows(name: string, count: number): GpuTensor {
    const { shape, type } = defined(this.#layout.get(name), `train buffer ${name}`);
    let tensor = this.#tensors.get(name) ?? this.#lent.get(name);
    if (tensor === undefined) {
      tensor = this.#gpu.tensor(`train.${name}`, shape, type);
      this.#tensors.set(name, tensor);
    }
    return { ...tensor, type, shape: [count, ...shape.slice(1)] };
  }

  /** The residual stream (M, C) before layer l, or behind the last one. */
  input(l: number, M: number): GpuTensor {
    const { checkpoints, config } = this.sizes;
    return this.rows(checkpoints === 'f16' || l === config.layers ? 'x' : `${l}.x`, M);
  }

  /** Where the input of a layer is kept in halves; null where it is kept in f32. */
  halved(l: number, M: number): HalvedInput | null {
    if (this.sizes.checkpoints !== 'f16') return null;
    return { half: this.rows(`${l}.half`, M), rstd: this.rows(`${l}.halfRstd`, M) };
  }

  /** What layer l fills; shared by all layers unless everything is kept. */
  layer(l: number, M: number): LayerActivations {
    const prefix = this.sizes.checkpoints === 'all' ? `${l}.` : 'layer.';
    const at = (name: string) => this.rows(prefix + name, M);
    return {
      x: this.input(l, M),
      attnRstd: at('attnRstd'),
      attnIn: at('attnIn'),
      qRaw: at('qRaw'),
      kRaw: at('kRaw'),
      v: at('v'),
      qRstd: at('qRstd'),
      kRstd: at('kRstd'),
      q: at('q'),
      k: at('k'),
      att: at('att'),
      lse: at('lse'),
      xMid: at('xMid'),
      ffnRstd: at('ffnRstd'),
      ffnIn: at('ffnIn'),
      gate: at('gate'),
      up: at('up'),
      h: at('h'),
      low: Object.fromEntries(this.sizes.stems.map((stem) => [stem, at(`low.${stem}`)])),
    };
  }

  /** (16, width) scratch of the weight-gradient kernels. */
  partial(width: number): GpuTensor {
    const name = `partial.${width}`;
    return this.rows(name, defined(this.#layout.get(name)?.shape[0], name));
  }

  /** Scratch of the log-softmax of `count` rows of logits. */
  softmaxPartial(count: number): GpuTensor {
    return this.rows('head.partial', logSoftmaxScratchShape(count, this.sizes.config.vocab)[0]);
  }

  /** Where the kernels write the reports of loss tokens from `from` on. */
  report(
    from: number,
    count: number,
  ): { logprob: GpuTensor; entropy: GpuTensor; stats: GpuTensor } {
    const part = (name: string) => rows(this.rows(name, this.sizes.lossTokens), from, count);
    return {
      logprob: part('head.logprob'),
      entropy: part('head.entropy'),
      stats: part('head.stats'),
    };
  }

  /** Gathers the reports in one buffer, so that one read brings them back. */
  encodeReport(pass: KernelPass): void {
    const most = this.sizes.lossTokens;
    const whole = this.#reportTensor();
    const { logprob, entropy, stats } = this.report(0, most);
    pass.copy(logprob, whole);
    pass.copy(entropy, { ...whole, offset: most * 4 });
    pass.copy(stats, { ...whole, offset: 2 * most * 4 });
  }

  #reportTensor(): GpuTensor {
    return this.rows('report', (2 + LOSS_STATS.length) * this.sizes.lossTokens);
  }

  /** Reads the reports of the first L loss tokens. */
  async readReport(L: number): Promise<Report> {
    const whole = await this.#gpu.readF32(this.#reportTensor());
    const most = this.sizes.lossTokens;
    return {
      logprob: whole.subarray(0, L),
      entropy: whole.subarray(most, most + L),
      stats: whole.subarray(2 * most, 2 * most + L * LOSS_STATS.length),
    };
  }

  #put(name: string, count: number, values: Uint32Array | Float32Array): GpuTensor {
    const tensor = this.rows(name, count);
    this.#gpu.write(tensor, values);
    return tensor;
  }

  /** Uploads what the kernels read of a row. */
  uploadRow(row: PackedRow) {
    const put = (name: string, values: Uint32Array | Float32Array) =>
      this.#put(`row.${name}`, values.length, values);
    return {
      ids: put('ids', row.ids),
      positions: put('positions', row.positions),
      tree: this.#put('row.tree', row.M, row.tree),
      lossRows: put('lossRows', row.lossRows),
      targets: put('targets', row.targets),
      old: put('old', row.oldLogprobs),
      ref: put('ref', row.refLogprobs),
      advantages: put('advantages', row.advantages),
      weights: put('weights', row.weights),
    };
  }

  /** Uploads index lists of the embedding and scatter gradients. */
  uploadIndex(
    name: 'scatter' | 'sequences' | 'tokens',
    index: { offsets: Uint32Array; order: Uint32Array },
  ) {
    return {
      offsets: this.#put(`${name}.offsets`, index.offsets.length, index.offsets),
      order: this.#put(`${name}.order`, index.order.length, index.order),
    };
  }

  /** Makes every buffer that is not there yet. */
  reserve(): void {
    for (const [name, { shape }] of this.#layout) this.rows(name, shape[0] ?? 0);
  }

  /** Bytes of all buffers of its own so far. */
  get bytes(): number {
    return [...this.#tensors.values()].reduce((sum, tensor) => sum + tensor.buffer.size, 0);
  }

  free(): void {
    this.#gpu.free(...this.#tensors.values());
    this.#tensors.clear();
  }
}

export type UploadedRow = ReturnType<Workspace['uploadRow']>;
