// A model that outlives its device: after a loss it is loaded again from its file, the adapter is put on again, and
// requests go on behind the tokens that they have. Knows nothing of training but that it borrows the parts.
import type { Adapter } from '../adapter/adapter.ts';
import { type Gpu, isLoss } from '../gpu/device.ts';
import type { GpuSupply } from '../gpu/gpu-supply.ts';
import type { KvType } from '../kernels/attention-cached.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { GgufFile } from '../weights/gguf.ts';
import { type AdapterWeights, freeAdapter, uploadAdapter } from './adapter-weights.ts';
import { Decoder } from './decoder.ts';
import { type CacheSize, cacheSizeFor, KvCache } from './kv-cache.ts';
import { type LoadOptions, loadModel } from './load-model.ts';
import { freeModel, type Model } from './model.ts';
import { EnginePolicy } from './policy.ts';
import type { Activations } from './step-layer.ts';

/** What a model is loaded from, as often as it takes. */
export interface EngineSource {
  /** Of the policy. */
  readonly name: string;
  readonly file: GgufFile;
  readonly hash: string | null;
  readonly eosIds: readonly number[];
  /** Made when a request needs it. */
  readonly tokenizer: () => Tokenizer;
}

/** What happens after a loss. `begun` may be told again before the end, which is `done` or `failed`. */
export type Recovery =
  | { readonly state: 'begun'; readonly error: Error }
  | { readonly state: 'done' }
  | { readonly state: 'failed'; readonly error: unknown };

export interface EngineOptions {
  readonly onProgress?: LoadOptions['onProgress'];
  readonly onRecovery?: (recovery: Recovery) => void;
  /** By default what suits the model. */
  readonly cacheSize?: CacheSize;
  /** How keys and values are kept; `f32` unless told otherwise. */
  readonly kvType?: KvType;
  /** What rows of continuations are rounded to; `f32`, not at all, unless told otherwise. */
  readonly activations?: Activations;
}

/** What is on one device. */
export interface EngineParts {
  readonly gpu: Gpu;
  readonly model: Model;
  readonly decoder: Decoder;
}

interface Built extends EngineParts {
  /** Of the adapter that is on. */
  weights: AdapterWeights | null;
}

export class LastingEngine {
  readonly policy: EnginePolicy;
  readonly #supply: GpuSupply;
  readonly #source: EngineSource;
  readonly #options: EngineOptions;
  #built: Built;
  #adapter: Adapter | null = null;
  #lent = false;
  #rebuilding: Promise<Built> | null = null;

  private constructor(
    supply: GpuSupply,
    source: EngineSource,
    options: EngineOptions,
    built: Built,
  ) {
    this.#supply = supply;
    this.#source = source;
    this.#options = options;
    this.#built = built;
    const goOn = (error: unknown) => this.#goOn(error);
    const { name, eosIds, tokenizer } = source;
    this.policy = new EnginePolicy(name, built.decoder, { eosIds, tokenizer, goOn });
  }

  /**
   * Loads a model on the supply's device, and on another one when that is lost meanwhile.
   * @throws {ModelFileError} for a file that is not usable, DeviceError when it does not fit or devices do not last.
   */
  static async open(
    supply: GpuSupply,
    source: EngineSource,
    options: EngineOptions = {},
  ): Promise<LastingEngine> {
    let lost = false;
    const told = (recovery: Recovery): void => {
      lost = true;
      options.onRecovery?.(recovery);
    };
    try {
      const built = await build(supply, source, { ...options, onRecovery: told }, null);
      if (lost) told({ state: 'done' });
      return new LastingEngine(supply, source, options, built);
    } catch (error) {
      if (lost) told({ state: 'failed', error });
      throw error;
    }
  }

  /** What the engine was last built of; its device may be lost. */
  get parts(): EngineParts {
    return this.#built;
  }

  /**
   * The parts, built again if their device was lost.
   * @throws {DeviceError} when that cannot be done.
   */
  live(): Promise<EngineParts> {
    return this.#live();
  }

  async #live(): Promise<Built> {
    if (this.#rebuilding === null && this.#built.gpu.lost) {
      this.#rebuilding = this.#rebuild().finally(() => {
        this.#rebuilding = null;
      });
    }
    return this.#rebuilding ?? this.#built;
  }

  async #rebuild(): Promise<Built> {
    const { onRecovery } = this.#options;
    const { failure } = this.#built.gpu;
    if (failure !== null) onRecovery?.({ state: 'begun', error: failure });
    try {
      this.#built = await build(this.#supply, this.#source, this.#options, this.#adapter);
    } catch (error) {
      onRecovery?.({ state: 'failed', error });
      throw error;
    }
    this.#lent = false;
    this.policy.moveTo(this.#built.decoder);
    onRecovery?.({ state: 'done' });
    return this.#built;
  }

  /** The decoder on which requests go on after `error`, which is thrown where they cannot. */
  async #goOn(error: unknown): Promise<Decoder> {
    // Weights under training were on the lost device only.
    if (this.#lent || !isLoss(error)) throw error;
    return (await this.#live()).decoder;
  }

  /** Puts an adapter on, or takes it off with null. It stays on over a loss. */
  async setAdapter(adapter: Adapter | null): Promise<void> {
    for (;;) {
      const built = await this.#live();
      const before = built.weights;
      try {
        const weights = adapter === null ? null : uploadAdapter(built.gpu, adapter);
        built.decoder.setAdapter(weights);
        built.weights = weights;
      } catch (error) {
        if (!built.gpu.lost) throw error;
        continue;
      }
      if (before !== null) freeAdapter(built.gpu, before);
      this.#adapter = adapter;
      return;
    }
  }

  /**
   * The parts for a trainer, which may set other weights; keys and values are kept as `kvType` meanwhile, by default as ever.
   * Until they are taken back a loss ends every request, since what it sampled from is gone.
   */
  async lend(kvType: KvType = this.#kvType): Promise<EngineParts> {
    for (;;) {
      const parts = await this.#live();
      try {
        await this.#keepAs(kvType, parts.decoder);
      } catch (error) {
        if (!parts.gpu.lost) throw error;
        continue;
      }
      this.#lent = true;
      return parts;
    }
  }

  /** Requests sample from the model and its adapter again, with keys and values as before. */
  async takeBack(): Promise<void> {
    this.#lent = false;
    const { gpu, model, decoder, weights } = this.#built;
    // The next parts begin so anyway.
    if (gpu.failure !== null) return;
    decoder.setAdapter(weights);
    decoder.setModel(model);
    await this.#keepAs(this.#kvType, decoder).catch((error: unknown) => {
      if (!gpu.lost) throw error;
    });
  }

  get #kvType(): KvType {
    return this.#options.kvType ?? 'f32';
  }

  async #keepAs(type: KvType, decoder: Decoder): Promise<void> {
    if (decoder.cache.type !== type) await this.policy.between(() => decoder.keepAs(type));
  }

  /** Frees everything but the device. */
  free(): void {
    const { gpu, model, decoder, weights } = this.#built;
    if (weights !== null) freeAdapter(gpu, weights);
    decoder.free();
    freeModel(gpu, model);
  }
}

async function build(
  supply: GpuSupply,
  source: EngineSource,
  options: EngineOptions,
  adapter: Adapter | null,
): Promise<Built> {
  for (;;) {
    const gpu = await supply.get();
    try {
      const built = await buildOn(gpu, source, options, adapter);
      // A loss that nothing has met yet is met here.
      await gpu.idle();
      return built;
    } catch (error) {
      if (!gpu.lost || gpu.failure === null) throw error;
      options.onRecovery?.({ state: 'begun', error: gpu.failure });
    }
  }
}

async function buildOn(
  gpu: Gpu,
  { file, hash }: EngineSource,
  { onProgress, cacheSize, kvType, activations }: EngineOptions,
  adapter: Adapter | null,
): Promise<Built> {
  const model = await loadModel(gpu, file, hash, onProgress === undefined ? {} : { onProgress });
  const cache = new KvCache(gpu, model.config, cacheSize ?? cacheSizeFor(model.config), kvType);
  const decoder = new Decoder(gpu, model, cache, activations);
  const weights = adapter === null ? null : uploadAdapter(gpu, adapter);
  decoder.setAdapter(weights);
  return { gpu, model, decoder, weights };
}
