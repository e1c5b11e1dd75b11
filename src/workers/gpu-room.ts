// What the gpu worker does with each call: one device, one model, at most one trainer. Decoding and training share the
// base weights; while there is a trainer, `generate` samples from the weights that it moves. A lost device is replaced:
// requests go on, a trainer is gone.
import { fitAdapter, readAdapter } from '../adapter/adapter.ts';
import { InputError } from '../base/errors.ts';
import { LastingEngine, type Recovery } from '../engine/lasting-engine.ts';
import type { Gpu } from '../gpu/device.ts';
import { GpuSupply } from '../gpu/gpu-supply.ts';
import { openGpu } from '../gpu/open-gpu.ts';
import { chooseFamily } from '../kernels/choose-family.ts';
import type { DirectoryHandle } from '../store/directory.ts';
import { openStoredModel } from '../store/model-record.ts';
import { eosIdsOf, tokenizerFromMetadata } from '../tokenizer/tokenizer.ts';
import { startTrainer } from '../train/start-trainer.ts';
import type { GpuTrainer } from '../train/trainer.ts';
import type { Batch } from '../trajectory/batch.ts';
import type {
  AppliedStep,
  GenerateRequest,
  GenerateResult,
  LossResult,
  StepOptions,
} from '../trajectory/interfaces.ts';
import { type ByteSource, blobSource, bytesSource } from '../weights/byte-source.ts';
import { type GgufFile, readGguf } from '../weights/gguf.ts';
import { modelConfig } from '../weights/model-config.ts';
import { modelHash } from '../weights/model-hash.ts';
import { familyMemory } from './family-memory.ts';
import { fetchBytes } from './fetch-bytes.ts';
import type {
  DeviceInfo,
  Files,
  GpuEvent,
  GpuWorkerApi,
  ModelInfo,
  ModelSource,
  TrainerSettings,
} from './protocol.ts';
import { toWireError } from './wire-error.ts';

interface Loaded {
  readonly file: GgufFile;
  readonly hash: string;
  readonly engine: LastingEngine;
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
  readonly #supply = new GpuSupply({ open: () => this.#openGpu() });
  #loaded: Loaded | null = null;
  #trainer: GpuTrainer | null = null;

  constructor({ emit, root }: GpuRoomOptions) {
    this.#emit = emit;
    this.#root = root;
  }

  async open(): Promise<DeviceInfo> {
    const { caps } = await this.#supply.get();
    const { vendor, architecture, description, software, features } = caps;
    return { vendor, architecture, description, software, features };
  }

  async #openGpu(): Promise<Gpu> {
    const gpu = await openGpu(navigator.gpu);
    await chooseFamily(gpu, familyMemory(this.#root));
    // A failure other than a loss ends the device for good: every caller hears of it, with a call pending or not.
    void gpu.failed.then((error) => {
      if (!gpu.lost && error.code !== 'device-closed') this.#tellLost(error);
    });
    return gpu;
  }

  #tellLost(error: unknown): void {
    this.#emit({ kind: 'lost', error: toWireError(error) });
  }

  #tellRecovery(recovery: Recovery): void {
    if (recovery.state === 'failed') this.#tellLost(recovery.error);
    else this.#emit({ kind: 'recovery', state: recovery.state });
  }

  async loadModel(source: ModelSource): Promise<ModelInfo> {
    await this.#supply.get();
    const { file, hash } = await this.#openFile(source);
    const tokenizer = () => tokenizerFromMetadata(file.values);
    const eosIds = eosIdsOf(file.values);
    await this.#unload();
    const given = file.values['general.name'];
    const name = typeof given === 'string' ? given : file.name;
    const engine = await LastingEngine.open(
      this.#supply,
      { name, file, hash, eosIds, tokenizer },
      {
        // The bytes of an address were counted as they came.
        ...(source.kind === 'url' ? {} : { onProgress: (...args) => this.#tellLoading(...args) }),
        onRecovery: (recovery) => this.#tellRecovery(recovery),
      },
    );
    this.#loaded = { file, hash, engine };
    return this.#infoOf(name, this.#loaded);
  }

  #tellLoading(loadedBytes: number, totalBytes: number): void {
    this.#emit({ kind: 'loading', loadedBytes, totalBytes });
  }

  #infoOf(name: string, { file, hash, engine }: Loaded): ModelInfo {
    const { policy, parts } = engine;
    const { layers, hidden, vocab } = parts.model.config;
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
      eosIds: policy.eosIds,
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
    const name = source.url.split('/').at(-1) ?? source.url;
    const bytes = await fetchBytes(source.url, (...args) => this.#tellLoading(...args));
    return bytesSource(bytes, name);
  }

  async generate(call: string, request: GenerateRequest, stream: boolean): Promise<GenerateResult> {
    const { policy } = this.#need().engine;
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
    this.#loaded?.engine.policy.release(sequence);
  }

  async startTrainer(settings: TrainerSettings): Promise<void> {
    const { engine, file } = this.#need();
    await this.stopTrainer();
    await engine.setAdapter(null);
    const { adapter, files } = settings;
    const { gpu, model, decoder } = await engine.lend(settings.sampling?.kv);
    const given = adapter === null || files === undefined ? null : readAdapter(files);
    const loaded = { gpu, file, model, decoder };
    this.#trainer = await startTrainer(loaded, { ...settings, given });
  }

  async accumulate(batch: Batch, scale?: number): Promise<LossResult> {
    return await this.#needTrainer().accumulate(batch, scale);
  }

  async apply(options: StepOptions): Promise<AppliedStep> {
    return await this.#needTrainer().apply(options);
  }

  async discard(): Promise<void> {
    await this.#needTrainer().discard();
  }

  async referenceLogprobs(sequences: readonly { ids: readonly number[] }[]): Promise<number[][]> {
    return await this.#needTrainer().referenceLogprobs(sequences);
  }

  async policyLogprobs(sequences: readonly { ids: readonly number[] }[]): Promise<number[][]> {
    return await this.#needTrainer().policyLogprobs(sequences);
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
    const trainer = this.#trainer;
    if (trainer === null) return;
    this.#trainer = null;
    const taken = this.#need().engine.takeBack();
    trainer.free();
    await taken;
  }

  async setAdapter(files: Files | null): Promise<void> {
    const { engine, file, hash } = this.#need();
    if (this.#trainer !== null && files !== null) {
      throw new InputError(
        'trainer',
        'adapter: got one while a trainer is at work, need the trainer to end first; stop the run',
      );
    }
    const adapter = files === null ? null : readAdapter(files);
    const fitting = adapter === null ? null : fitAdapter(adapter, modelConfig(file), hash);
    await engine.setAdapter(fitting);
  }

  async close(): Promise<void> {
    await this.#unload();
    await this.#supply.close();
  }

  async #unload(): Promise<void> {
    const loaded = this.#loaded;
    if (loaded === null) return;
    await this.stopTrainer();
    loaded.engine.free();
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
