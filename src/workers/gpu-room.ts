// What the gpu worker does with each call: one device, one model, at most one trainer. Decoding and training share the
// base weights; while there is a trainer, `generate` samples from the weights that it moves.
import { checkAdapter, readAdapter } from '../adapter/adapter.ts';
import { InputError } from '../base/errors.ts';
import { type AdapterWeights, freeAdapter, uploadAdapter } from '../engine/adapter-weights.ts';
import { Decoder } from '../engine/decoder.ts';
import { cacheSizeFor, KvCache } from '../engine/kv-cache.ts';
import { loadModel } from '../engine/load-model.ts';
import { freeModel, type Model } from '../engine/model.ts';
import { EnginePolicy } from '../engine/policy.ts';
import { type Gpu, openGpu } from '../gpu/device.ts';
import type { DirectoryHandle } from '../store/directory.ts';
import { openStoredModel } from '../store/model-record.ts';
import { tokenizerFromMetadata } from '../tokenizer/tokenizer.ts';
import { startTrainer } from '../train/start-trainer.ts';
import type { GpuTrainer } from '../train/trainer.ts';
import type { Batch } from '../trajectory/batch.ts';
import type {
  GenerateRequest,
  GenerateResult,
  LossResult,
  StepOptions,
} from '../trajectory/interfaces.ts';
import { type ByteSource, blobSource, bytesSource } from '../weights/byte-source.ts';
import { type GgufFile, readGguf } from '../weights/gguf.ts';
import { modelHash } from '../weights/model-hash.ts';
import { fetchBytes } from './fetch-bytes.ts';
import {
  type DeviceInfo,
  type Files,
  type GpuEvent,
  type GpuWorkerApi,
  type ModelInfo,
  type ModelSource,
  type TrainerSettings,
  toWireError,
} from './protocol.ts';

interface Loaded {
  readonly file: GgufFile;
  readonly hash: string;
  readonly model: Model;
  readonly decoder: Decoder;
  readonly policy: EnginePolicy;
}

export interface GpuRoomOptions {
  emit: (event: GpuEvent) => void;
  /** The root of OPFS, where stored models are. */
  root: () => Promise<DirectoryHandle>;
}

export class GpuRoom implements GpuWorkerApi {
  readonly #emit: (event: GpuEvent) => void;
  readonly #root: () => Promise<DirectoryHandle>;
  readonly #aborts = new Map<string, AbortController>();
  #gpu: Promise<Gpu> | null = null;
  #loaded: Loaded | null = null;
  #trainer: GpuTrainer | null = null;
  #adapter: AdapterWeights | null = null;

  constructor({ emit, root }: GpuRoomOptions) {
    this.#emit = emit;
    this.#root = root;
  }

  async open(): Promise<DeviceInfo> {
    const { caps } = await this.#device();
    const { vendor, architecture, description, software, features } = caps;
    return { vendor, architecture, description, software, features };
  }

  #device(): Promise<Gpu> {
    this.#gpu ??= openGpu(navigator.gpu).then((gpu) => {
      // The device ends once; every caller hears of it, whether it has a call pending or not.
      void gpu.failed.then((error) => this.#emit({ kind: 'lost', error: toWireError(error) }));
      return gpu;
    });
    return this.#gpu;
  }

  async loadModel(source: ModelSource): Promise<ModelInfo> {
    const gpu = await this.#device();
    const { file, hash } = await this.#openFile(source);
    const tokenizer = tokenizerFromMetadata(file.values);
    const { eosIds } = tokenizer;
    await this.#unload(gpu);
    const model = await loadModel(gpu, file, hash);
    const decoder = new Decoder(
      gpu,
      model,
      new KvCache(gpu, model.config, cacheSizeFor(model.config)),
    );
    const given = file.values['general.name'];
    const name = typeof given === 'string' ? given : file.name;
    const policy = new EnginePolicy(name, decoder, { eosIds, tokenizer });
    this.#loaded = { file, hash, model, decoder, policy };
    const { layers, hidden, vocab } = model.config;
    const parameters = file.tensors.reduce(
      (sum, { shape }) => sum + shape.reduce((product, n) => product * n, 1),
      0,
    );
    return {
      name,
      hash,
      sizeBytes: file.sizeBytes,
      layers,
      hidden,
      vocab,
      parameters,
      contextLength: policy.contextLength,
      eosIds,
      metadata: file.values,
    };
  }

  /** A stored model is read in place, and its hash is known. */
  async #openFile(source: ModelSource): Promise<{ file: GgufFile; hash: string }> {
    if (source.kind === 'stored') return openStoredModel(await this.#root(), source.name);
    const bytes = await this.#sourceOf(source);
    return { file: await readGguf(bytes), hash: await modelHash(bytes) };
  }

  async #sourceOf(source: Exclude<ModelSource, { kind: 'stored' }>): Promise<ByteSource> {
    if (source.kind === 'file') return blobSource(source.file, source.file.name);
    const progress = (loadedBytes: number, totalBytes: number) =>
      this.#emit({ kind: 'loading', loadedBytes, totalBytes });
    const name = source.url.split('/').at(-1) ?? source.url;
    return bytesSource(await fetchBytes(source.url, progress), name);
  }

  async generate(call: string, request: GenerateRequest, stream: boolean): Promise<GenerateResult> {
    const { policy } = this.#need();
    const abort = new AbortController();
    this.#aborts.set(call, abort);
    const onTokens = (ids: readonly number[], logprobs: readonly number[]) =>
      this.#emit({ kind: 'tokens', call, ids, logprobs });
    try {
      return await policy.generate(request, {
        signal: abort.signal,
        ...(stream ? { onTokens } : {}),
      });
    } finally {
      this.#aborts.delete(call);
    }
  }

  async abort(call: string): Promise<void> {
    this.#aborts.get(call)?.abort();
  }

  async release(sequence: string): Promise<void> {
    this.#loaded?.policy.release(sequence);
  }

  async startTrainer(settings: TrainerSettings): Promise<void> {
    const gpu = await this.#device();
    const { model, decoder, file } = this.#need();
    await this.stopTrainer();
    await this.setAdapter(null);
    const { optimiser, adapter, seed, files } = settings;
    const given = adapter === null || files === undefined ? null : readAdapter(files);
    const loaded = { gpu, file, model, decoder };
    this.#trainer = await startTrainer(loaded, { optimiser, adapter, seed, given });
  }

  async accumulate(batch: Batch, scale?: number): Promise<LossResult> {
    return await this.#needTrainer().accumulate(batch, scale);
  }

  async apply(options: StepOptions): Promise<{ gradNorm: number }> {
    return await this.#needTrainer().apply(options);
  }

  async referenceLogprobs(sequences: readonly { ids: readonly number[] }[]): Promise<number[][]> {
    return await this.#needTrainer().referenceLogprobs(sequences);
  }

  async checkpoint(): Promise<Record<string, Uint8Array>> {
    return await this.#needTrainer().checkpoint();
  }

  async restore(files: Files): Promise<void> {
    await this.#needTrainer().restore(files);
  }

  async exportWeights(): Promise<Record<string, Uint8Array>> {
    return await this.#needTrainer().exportWeights();
  }

  async stopTrainer(): Promise<void> {
    if (this.#trainer === null) return;
    const { decoder, model } = this.#need();
    decoder.setAdapter(null);
    decoder.setModel(model);
    this.#trainer.free();
    this.#trainer = null;
  }

  async setAdapter(files: Files | null): Promise<void> {
    const gpu = await this.#device();
    const { decoder, model, hash } = this.#need();
    if (this.#trainer !== null && files !== null) {
      throw new InputError(
        'trainer',
        'adapter: got one while a trainer is at work, need the trainer to end first; stop the run',
      );
    }
    let next: AdapterWeights | null = null;
    if (files !== null) {
      const adapter = readAdapter(files);
      checkAdapter(adapter, model.config, hash);
      next = uploadAdapter(gpu, adapter);
    }
    decoder.setAdapter(next);
    if (this.#adapter !== null) freeAdapter(gpu, this.#adapter);
    this.#adapter = next;
  }

  async close(): Promise<void> {
    const gpu = await this.#device();
    await this.#unload(gpu);
    gpu.destroy();
    this.#gpu = null;
  }

  async #unload(gpu: Gpu): Promise<void> {
    const loaded = this.#loaded;
    if (loaded === null) return;
    await this.stopTrainer();
    await this.setAdapter(null);
    loaded.decoder.free();
    freeModel(gpu, loaded.model);
    this.#loaded = null;
  }

  #need(): Loaded {
    if (this.#loaded !== null) return this.#loaded;
    throw new InputError('model', 'engine: got a call before a model was loaded; load one first');
  }

  #needTrainer(): GpuTrainer {
    if (this.#trainer !== null) return this.#trainer;
    throw new InputError(
      'trainer',
      'engine: got a training call without a trainer; start one first',
    );
  }
}
