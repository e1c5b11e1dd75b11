// One step of the decoder over a batch of rows: each row is one token of one sequence, prompts and continuations alike.
// Steps are static plans by bucket of rows: a repeated step makes no pipeline, bind group or buffer.
import { assert, defined } from '../base/assert.ts';
import type { KernelFamily } from '../gpu/caps.ts';
import type { Gpu } from '../gpu/device.ts';
import { SUBMIT_MS } from '../gpu/device-speed.ts';
import type { KernelPass, PassEntry } from '../gpu/pass.ts';
import { ReadRing } from '../gpu/read-ring.ts';
import { type GpuTensor, reshape } from '../gpu/tensor.ts';
import { IDLE_POSITION, type KvType } from '../kernels/attention-cached.ts';
import { encodeEmbed } from '../kernels/embed.ts';
import { encodeSample, MASK_BITS, sampleScratchShapes } from '../kernels/sample.ts';
import { f32Matrix, productWork } from '../kernels/weight-matrix.ts';
import type { AdapterWeights } from './adapter-weights.ts';
import { JoinedAdapter } from './joined-adapter.ts';
import { KvCache } from './kv-cache.ts';
import { layerMatrices, type Model } from './model.ts';
import {
  type Activations,
  encodeLayer,
  encodeNormed,
  type StepContext,
  type StepKind,
  takesJoined,
} from './step-layer.ts';
import type { StepResult, StepRow, StepSample } from './step-rows.ts';

/** Steps that may be on their way at once. */
export const MAX_AHEAD = 8;
/** Rows that one step takes at most. */
export const MAX_ROWS = 256;
/** Fewer than these would leave tiles of products half empty. */
const MIN_PROMPT_ROWS = 64;
const ROW_FIELDS = ['id', 'slot', 'position', 'rope'] as const;
/** Of a sample that only fills a bucket. */
const NO_ROW = 0xffffffff;
const SAMPLE_FIELDS = ['row', 'seed', 'position', 'temperature', 'topK', 'topP', 'held'] as const;

interface Plan {
  readonly entries: readonly PassEntry[];
}

interface StepShape {
  readonly R: number;
  readonly S: number;
  readonly rows: StepKind;
  readonly family: KernelFamily;
  /** Chunks of the longest row's attention, in buckets. */
  readonly chunks: number;
  readonly useTopK: boolean;
  readonly useTopP: boolean;
  readonly useMask: boolean;
  /** Whether it leaves the inputs of the step behind it. */
  readonly advances: boolean;
  /** Work of a dispatch at most; null where no dispatch has more. */
  readonly mostWork: number | null;
}

/** The step that was sent last. */
interface SentStep {
  shape: StepShape;
  /** Null when the weights have changed since. */
  plan: Plan | null;
  readonly samples: number;
  /** Keys of its longest row. */
  keys: number;
}

export class Decoder {
  readonly activations: Activations;
  readonly #gpu: Gpu;
  #model: Model;
  #cache: KvCache;
  readonly #tensors = new Map<string, GpuTensor>();
  readonly #inputs: GpuTensor;
  readonly #outputs: GpuTensor;
  readonly #results: ReadRing;
  /** Of all layers' matrices, whatever model of these sizes is set. */
  readonly #weights: number;
  readonly #staged = new Uint32Array((ROW_FIELDS.length + SAMPLE_FIELDS.length) * MAX_ROWS);
  #plans = new Map<string, Plan>();
  #adapter: AdapterWeights | null = null;
  #joinedAdapter: JoinedAdapter | null = null;
  #sent: SentStep | null = null;
  /** What the last step was made of. */
  lastEntries: readonly PassEntry[] = [];

  /** @param activations what rows of continuations are rounded to; `int8` moves log-probabilities. */
  constructor(gpu: Gpu, model: Model, cache: KvCache, activations: Activations = 'f32') {
    this.activations = activations;
    this.#gpu = gpu;
    this.#model = model;
    this.#cache = cache;
    const fields = this.#staged.length / MAX_ROWS;
    this.#inputs = gpu.tensor('step.inputs', [fields, MAX_ROWS], 'u32');
    this.#outputs = gpu.tensor('step.outputs', [2 * MAX_ROWS], 'u32');
    this.#results = new ReadRing(gpu, this.#outputs, MAX_AHEAD);
    this.#weights = layerMatrices(model).reduce((sum, { N, K }) => sum + N * K, 0);
  }

  get lastDispatches(): number {
    return this.lastEntries.length;
  }

  /** Whether rows of a sequence have the same bits as a prompt and as a continuation. */
  get isExact(): boolean {
    return this.#gpu.caps.family === 'cpu' && this.activations === 'f32';
  }

  get model(): Model {
    return this.#model;
  }

  /** Decodes with other weights of the same sizes: the ones under training, or the file's again. */
  setModel(model: Model): void {
    if (model === this.#model) return;
    this.#model = model;
    this.#changed();
  }

  get adapter(): AdapterWeights | null {
    return this.#adapter;
  }

  /** Sets the adapter that steps use; kept keys and values of another one are forgotten. */
  setAdapter(adapter: AdapterWeights | null): void {
    if (adapter === this.#adapter) return;
    this.#adapter = adapter;
    this.#changed();
  }

  #changed(): void {
    this.#joinedAdapter?.free();
    const { config, layers } = this.#model;
    const joined = layers.some((layer) => layer.joined !== null) && takesJoined(this.#model);
    this.#joinedAdapter =
      joined && this.#adapter !== null ? new JoinedAdapter(this.#gpu, config, this.#adapter) : null;
    this.#forgetPlans();
    this.cache.clear();
  }

  #forgetPlans(): void {
    this.#plans = new Map();
    if (this.#sent !== null) this.#sent.plan = null;
  }

  get cache(): KvCache {
    return this.#cache;
  }

  /** Keeps keys and values as `type` from now on, in a new cache of this one's size. No step may be on its way. */
  keepAs(type: KvType): void {
    const { size, type: before } = this.#cache;
    if (type === before) return;
    this.#cache.free();
    this.#cache = new KvCache(this.#gpu, this.#model.config, size, type);
    this.#forgetPlans();
  }

  /** To be called when the values of the weights or of the adapter have changed in place. */
  weightsMoved(): void {
    this.#joinedAdapter?.refresh();
    this.cache.clear();
  }

  /**
   * Sends a step: it computes rows, writes their keys and values, and samples. What comes is aligned to `samples`; at most
   * {@link MAX_AHEAD} steps may be on their way.
   */
  step(
    rows: readonly StepRow[],
    samples: readonly StepSample[],
    kind: StepKind,
  ): Promise<StepResult> {
    const keys = rows.reduce((most, row) => Math.max(most, row.position + 1), 0);
    const shape = this.#shape(rows, samples, kind, keys);
    const plan = this.#plan(shape);
    this.#upload(rows, samples);
    this.#sent = { shape, plan, samples: samples.length, keys };
    return this.#send(plan, samples.length);
  }

  /**
   * Sends the step behind the one that was sent last, which need not be done: a decoding one that sampled for each of its
   * rows. The ids that it samples are this one's rows, a position further, with the same settings and without masks.
   */
  stepAhead(): Promise<StepResult> {
    const sent = defined(this.#sent, 'a step before');
    assert(sent.shape.advances, 'only decoding steps without masks can be followed unread');
    sent.keys += 1;
    const chunks = this.cache.chunks(sent.shape.R, sent.keys);
    if (chunks !== sent.shape.chunks) {
      sent.shape = { ...sent.shape, chunks };
      sent.plan = null;
    }
    sent.plan ??= this.#plan(sent.shape);
    return this.#send(sent.plan, sent.samples);
  }

  async #send({ entries }: Plan, count: number): Promise<StepResult> {
    this.lastEntries = entries;
    if (count === 0) {
      this.#gpu.submit(entries);
      await this.#gpu.idle();
      return { ids: new Uint32Array(0), logprobs: new Float32Array(0) };
    }
    const bytes = await this.#results.send(entries);
    return {
      ids: new Uint32Array(bytes, 0, count),
      logprobs: new Float32Array(bytes, MAX_ROWS * 4, count),
    };
  }

  /** Logits (S, V) of the last step's sampled rows. */
  async readLogits(count: number): Promise<Float32Array> {
    const V = this.model.config.vocab;
    return await this.#gpu.readF32(this.#view('logits', [bucket(count), V]), count * V);
  }

  #upload(rows: readonly StepRow[], samples: readonly StepSample[]): void {
    const words = this.#staged;
    const floats = new Float32Array(words.buffer);
    words.fill(IDLE_POSITION, 2 * MAX_ROWS, 3 * MAX_ROWS);
    words.fill(NO_ROW, 4 * MAX_ROWS, 5 * MAX_ROWS);
    rows.forEach(({ id, slot, position }, i) => {
      words[i] = id;
      words[MAX_ROWS + i] = slot;
      words[2 * MAX_ROWS + i] = position;
      words[3 * MAX_ROWS + i] = position;
    });
    samples.forEach((sample, i) => {
      words[4 * MAX_ROWS + i] = sample.row;
      words[5 * MAX_ROWS + i] = sample.seed;
      words[6 * MAX_ROWS + i] = sample.position;
      floats[7 * MAX_ROWS + i] = sample.temperature;
      words[8 * MAX_ROWS + i] = sample.topK;
      floats[9 * MAX_ROWS + i] = sample.topP;
      words[10 * MAX_ROWS + i] = hasMask(sample) ? 1 : 0;
    });
    this.#gpu.write(this.#inputs, words);
    samples.forEach(({ mask }, i) => {
      if (mask) this.#gpu.write(this.#masks(MAX_SAMPLES), mask, i * mask.length);
    });
  }

  /** Masks (count, ceil(V / 32)) of the sampled rows. */
  #masks(count: number): GpuTensor {
    return this.#view('masks', [count, Math.ceil(this.model.config.vocab / MASK_BITS)], 'u32');
  }

  #input(field: number, count: number): GpuTensor {
    const offset = field * MAX_ROWS * 4;
    return { ...this.#inputs, offset, shape: [count] };
  }

  #shape(
    rows: readonly StepRow[],
    samples: readonly StepSample[],
    kind: StepKind,
    keys: number,
  ): StepShape {
    const R = bucket(rows.length);
    const useMask = samples.some(hasMask);
    return {
      R,
      S: samples.length === 0 ? 0 : bucket(samples.length),
      rows: kind,
      family: this.#gpu.caps.family,
      chunks: kind === 'decode' ? this.cache.chunks(R, keys) : 1,
      useTopK: samples.some((sample) => sample.topK > 0),
      useTopP: samples.some((sample) => sample.topP < 1),
      useMask,
      advances: kind === 'decode' && !useMask && samples.length === rows.length,
      mostWork: this.#mostWork(R),
    };
  }

  #mostWork(rows: number): number | null {
    const { dispatchWork } = this.#gpu;
    const { hidden, heads, kvHeads, headDim, ffn, vocab } = this.#model.config;
    const widest = Math.max(vocab, 2 * ffn, (heads + 2 * kvHeads) * headDim);
    return productWork(rows, widest * Math.max(hidden, heads * headDim)) > dispatchWork
      ? dispatchWork
      : null;
  }

  /** Rows of prompts in a step: so many that it is not too long for those who wait, on a device of this one's speed. */
  get promptRows(): number {
    const most = this.#gpu.speed.workIn(SUBMIT_MS);
    let rows = MAX_ROWS;
    while (rows > MIN_PROMPT_ROWS && productWork(rows, this.#weights) > most) rows /= 2;
    return rows;
  }

  #plan(shape: StepShape): Plan {
    const key = JSON.stringify(shape);
    const known = this.#plans.get(key);
    if (known !== undefined) return known;
    const pass = this.#gpu.pass();
    this.#encode(pass, shape);
    const plan = { entries: pass.entries };
    this.#plans.set(key, plan);
    return plan;
  }

  #encode(pass: KernelPass, shape: StepShape): void {
    const { R, S } = shape;
    const { config, embed, layers } = this.model;
    const x = this.#view('x', [R, config.hidden]);
    encodeEmbed(pass, { ids: this.#input(0, R), table: embed, y: x });
    const context: StepContext = {
      ...{ pass, R, rows: shape.rows, chunks: shape.chunks },
      ...{ model: this.model, cache: this.cache },
      activations: this.activations,
      adapter: this.#adapter,
      joinedAdapter: this.#joinedAdapter,
      inputs: this.#inputs,
      input: (field) => this.#input(field, R),
      view: (name, sizes, type) => this.#view(name, sizes, type),
    };
    layers.forEach((_, l) => {
      encodeLayer(context, l, x);
    });
    if (S > 0) this.#encodeSampling(context, shape, x);
  }

  #encodeSampling(context: StepContext, shape: StepShape, x: GpuTensor): void {
    const { pass } = context;
    const { R, S, useTopK, useTopP, useMask } = shape;
    const { config, outputNorm, head } = this.model;
    const { hidden: C, vocab: V } = config;
    const last = this.#view('last', [S, C]);
    encodeEmbed(pass, { ids: this.#input(4, S), table: f32Matrix(reshape(x, [R, C])), y: last });
    const logits = this.#view('logits', [S, V]);
    // Logits of a prompt's last row are those of any other row.
    encodeNormed({ ...context, rows: 'decode' }, last, outputNorm, { ws: [head], y: logits });
    const scratch = sampleScratchShapes(S, V);
    const filtered = useTopK || useTopP;
    encodeSample(pass, {
      logits,
      temperature: { ...this.#input(7, S), type: 'f32' },
      seed: this.#input(5, S),
      position: this.#input(6, S),
      filter: filtered
        ? {
            topK: this.#input(8, S),
            topP: { ...this.#input(9, S), type: 'f32' },
            state: this.#view('sampleState', scratch.state, 'u32'),
            bins: this.#view('sampleBins', scratch.bins),
            useTopK,
            useTopP,
          }
        : null,
      masked: useMask ? { held: this.#input(10, S), mask: this.#masks(S) } : null,
      partial: this.#view('samplePartial', scratch.partial),
      ids: { ...this.#outputs, shape: [S] },
      logprobs: { ...this.#outputs, type: 'f32', offset: MAX_ROWS * 4, shape: [S] },
      rows: shape.advances ? this.#inputs : null,
    });
  }

  /** A scratch tensor, in a buffer for the largest bucket; the first axis counts rows. */
  #view(name: string, shape: readonly number[], type: 'f32' | 'u32' = 'f32'): GpuTensor {
    let tensor = this.#tensors.get(name);
    const rest = shape.slice(1);
    // Logits and masks of all rows at once would be large; samples come in smaller buckets.
    const most =
      name === 'logits' || name === 'masks' ? Math.max(MAX_SAMPLES, shape[0] ?? 0) : MAX_ROWS;
    if (tensor === undefined) {
      const widest = name === 'headRstd' ? [this.model.config.heads] : rest;
      tensor = this.#gpu.tensor(`step.${name}`, [most, ...widest], type);
      this.#tensors.set(name, tensor);
    }
    return { ...tensor, shape };
  }

  free(): void {
    this.#joinedAdapter?.free();
    this.#gpu.free(...this.#tensors.values(), this.#inputs, this.#outputs);
    this.#results.free();
    this.cache.free();
  }
}

/** Rows that are sampled in one step at most. */
export const MAX_SAMPLES = 64;

function hasMask({ mask }: StepSample): boolean {
  return mask !== undefined && mask !== null;
}

/** The smallest power of two that holds `count`. */
function bucket(count: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(count, 1)));
}
