// The paged KV cache: which pages a sequence has, and the buffers behind them. Knows no model graph.
import { DeviceError } from '../base/errors.ts';
import type { Gpu } from '../gpu/device.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import { PAGE } from '../kernels/attention-cached.ts';
import type { ModelConfig } from '../weights/model-config.ts';

/** A conversation's place in the cache. */
export interface CachedSequence {
  readonly key: string;
  readonly slot: number;
  readonly pages: number[];
  /** Ids whose keys and values are in the cache, in order. */
  ids: number[];
  /** A request is working on it: it cannot be evicted. */
  busy: boolean;
  /** Forgotten while a request was working on it: it goes when that request ends. */
  doomed: boolean;
}

export interface CacheSize {
  /** Sequences that can be kept at once. */
  readonly slots: number;
  /** Tokens of all sequences together. */
  readonly tokens: number;
  /** Tokens of one sequence. */
  readonly context: number;
}

/** Bytes that a cache takes when nobody says otherwise, and the sequences it holds. */
const DEFAULT_BYTES = 192 * 1024 * 1024;
const DEFAULT_SLOTS = 64;
const DEFAULT_CONTEXT = 4096;

/** The size of a cache for a model: as many tokens as fit in `bytes`, but at least one whole context. */
export function cacheSizeFor(config: ModelConfig, bytes = DEFAULT_BYTES): CacheSize {
  const context = Math.min(config.contextLength, DEFAULT_CONTEXT);
  const perToken = config.layers * 2 * config.kvHeads * config.headDim * 4;
  const tokens = Math.min(Math.floor(bytes / perToken), DEFAULT_SLOTS * context);
  return { slots: DEFAULT_SLOTS, tokens: Math.max(context, tokens), context };
}

export class KvCache {
  readonly size: CacheSize;
  /** (pages · PAGE, G, D) of each layer. */
  readonly k: readonly GpuTensor[];
  readonly v: readonly GpuTensor[];
  /** (slots, maxPages) u32 */
  readonly pageTable: GpuTensor;
  readonly #gpu: Gpu;
  readonly #freePages: number[];
  readonly #freeSlots: number[];
  readonly #maxPages: number;
  /** Least recently used first. */
  readonly #sequences = new Map<string, CachedSequence>();

  constructor(gpu: Gpu, config: ModelConfig, size: CacheSize) {
    this.#gpu = gpu;
    this.size = size;
    this.#maxPages = Math.ceil(size.context / PAGE);
    const pages = Math.ceil(size.tokens / PAGE);
    const shape = [pages * PAGE, config.kvHeads, config.headDim];
    const layers = Array.from({ length: config.layers }, (_, l) => l);
    this.k = layers.map((l) => gpu.tensor(`kv.${l}.k`, shape));
    this.v = layers.map((l) => gpu.tensor(`kv.${l}.v`, shape));
    this.pageTable = gpu.tensor('kv.pages', [size.slots, this.#maxPages], 'u32');
    this.#freePages = Array.from({ length: pages }, (_, i) => pages - 1 - i);
    this.#freeSlots = Array.from({ length: size.slots }, (_, i) => size.slots - 1 - i);
  }

  /**
   * The sequence of a key, cut back to what it shares with `ids` (at least the last id is computed again); null when
   * every slot is busy, or a request is working on this very sequence.
   */
  open(key: string, ids: readonly number[]): CachedSequence | null {
    const known = this.#sequences.get(key);
    if (known?.busy) return null;
    if (known !== undefined) {
      const most = Math.min(known.ids.length, ids.length - 1);
      let same = 0;
      while (same < most && known.ids[same] === ids[same]) same += 1;
      known.ids.length = same;
      this.#sequences.delete(key);
      this.#sequences.set(key, known);
      known.busy = true;
      return known;
    }
    const slot = this.#freeSlots.pop() ?? this.#evict()?.slot;
    if (slot === undefined) return null;
    const fresh: CachedSequence = { key, slot, pages: [], ids: [], busy: true, doomed: false };
    this.#sequences.set(key, fresh);
    return fresh;
  }

  /** Makes room for `length` tokens; false when the pages are all in use by busy sequences. */
  reserve(sequence: CachedSequence, length: number): boolean {
    const needed = Math.ceil(length / PAGE);
    if (needed > this.#maxPages) {
      throw new DeviceError(
        'kv-context',
        `KV cache: got a sequence of ${length} tokens, this engine was opened for ${this.size.context}`,
      );
    }
    const from = sequence.pages.length;
    while (sequence.pages.length < needed) {
      const page = this.#freePages.pop();
      if (page !== undefined) {
        sequence.pages.push(page);
        continue;
      }
      const evicted = this.#evict();
      if (evicted === undefined) return false;
      this.#freeSlots.push(evicted.slot);
    }
    if (sequence.pages.length > from) {
      const row = Uint32Array.from(sequence.pages.slice(from));
      this.#gpu.write(this.pageTable, row, sequence.slot * this.#maxPages + from);
    }
    return true;
  }

  /** Ends a request's work on a sequence, which stays for the next one. */
  close(sequence: CachedSequence): void {
    sequence.busy = false;
    if (sequence.doomed) this.release(sequence.key);
  }

  /** Forgets a conversation; one that a request is working on when that request ends, since it still writes its pages. */
  release(key: string): void {
    const sequence = this.#sequences.get(key);
    if (sequence === undefined) return;
    if (sequence.busy) {
      sequence.doomed = true;
      return;
    }
    this.#sequences.delete(key);
    this.#freePages.push(...sequence.pages.reverse());
    this.#freeSlots.push(sequence.slot);
  }

  /** Forgets everything: the weights have changed. */
  clear(): void {
    for (const key of [...this.#sequences.keys()]) this.release(key);
  }

  /** Drops the least recently used idle sequence. Its slot is the caller's. */
  #evict(): CachedSequence | undefined {
    for (const sequence of this.#sequences.values()) {
      if (sequence.busy) continue;
      this.#sequences.delete(sequence.key);
      this.#freePages.push(...sequence.pages.reverse());
      return sequence;
    }
    return undefined;
  }

  free(): void {
    this.#gpu.free(...this.k, ...this.v, this.pageTable);
  }
}
