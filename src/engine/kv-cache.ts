// The paged KV cache: which pages a sequence has, and the buffers behind them. Knows no model graph.
import { DeviceError } from '../base/errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { type GpuTensor, sizeOf } from '../gpu/tensor.ts';
import {
  type AttentionSplit,
  type KvType,
  kvLayout,
  PAGE,
  splitChunks,
  splitShape,
} from '../kernels/attention-cached.ts';
import type { ModelConfig } from '../weights/model-config.ts';

/** A conversation's place in the cache. */
export interface CachedSequence {
  readonly key: string;
  readonly slot: number;
  /** Full pages may be shared with sequences that begin alike. */
  readonly pages: number[];
  /** Ids whose keys and values are in the cache, in order. */
  ids: number[];
  /** Names of its first pages, as they stand in the index of shared pages; null where another page has that name. */
  readonly names: (string | null)[];
  /** A request is working on it: it cannot be evicted. */
  busy: boolean;
  /** Holds keys and values that a prompt of the same ids would not give bit by bit: its further pages are its own. */
  mixed: boolean;
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

/** Bytes of a position: the keys and values of all layers. */
export function kvTokenBytes({ layers, kvHeads, headDim }: ModelConfig, type: KvType): number {
  return layers * 2 * kvHeads * kvLayout(type, headDim).width * 4;
}

/**
 * The size of a cache for a model: as many f32 tokens as fit in `bytes`, but at least one whole context. Other types keep as
 * many in fewer bytes.
 */
export function cacheSizeFor(config: ModelConfig, bytes = DEFAULT_BYTES): CacheSize {
  const context = Math.min(config.contextLength, DEFAULT_CONTEXT);
  const perToken = kvTokenBytes(config, 'f32');
  const tokens = Math.min(Math.floor(bytes / perToken), DEFAULT_SLOTS * context);
  return { slots: DEFAULT_SLOTS, tokens: Math.max(context, tokens), context };
}

export class KvCache {
  readonly size: CacheSize;
  readonly type: KvType;
  /** (pages · PAGE, G, width of kvLayout) of each layer. */
  readonly k: readonly GpuTensor[];
  readonly v: readonly GpuTensor[];
  /** (slots, maxPages) u32 */
  readonly pageTable: GpuTensor;
  readonly #gpu: Gpu;
  readonly #freePages: number[];
  readonly #freeSlots: number[];
  readonly #maxPages: number;
  readonly #config: ModelConfig;
  /** Sums of attention in chunks, for the step that has most of them; made when one first needs them. */
  #sums: GpuTensor | null = null;
  /** Least recently used first. */
  readonly #sequences = new Map<string, CachedSequence>();
  /** Sequences that use each page. */
  readonly #users: Uint16Array;
  /** Full pages by what they hold: the page before them, and their ids. */
  readonly #byContent = new Map<string, number>();

  /**
   * `type` f16 and int8 keep rounded keys and values: log-probabilities move. Trained on what it samples is only with f16, which
   * the trainer rounds to as well.
   */
  constructor(gpu: Gpu, config: ModelConfig, size: CacheSize, type: KvType = 'f32') {
    this.#gpu = gpu;
    this.#config = config;
    this.type = type;
    this.size = size;
    this.#maxPages = Math.ceil(size.context / PAGE);
    const pages = Math.ceil(size.tokens / PAGE);
    const { width, element } = kvLayout(type, config.headDim);
    const shape = [pages * PAGE, config.kvHeads, width];
    const layers = Array.from({ length: config.layers }, (_, l) => l);
    this.k = layers.map((l) => gpu.tensor(`kv.${l}.k`, shape, element));
    this.v = layers.map((l) => gpu.tensor(`kv.${l}.v`, shape, element));
    this.pageTable = gpu.tensor('kv.pages', [size.slots, this.#maxPages], 'u32');
    this.#users = new Uint16Array(pages);
    this.#freePages = Array.from({ length: pages }, (_, i) => pages - 1 - i);
    this.#freeSlots = Array.from({ length: size.slots }, (_, i) => size.slots - 1 - i);
  }

  /**
   * The sequence of a key, cut back to what it shares with `ids` (at least the last id is computed again), or a new one
   * that begins with the full pages of others that begin alike; null when every slot is busy, or a request is working on
   * this very sequence.
   */
  open(key: string, ids: readonly number[]): CachedSequence | null {
    const known = this.#sequences.get(key);
    if (known?.busy) return null;
    if (known !== undefined) {
      const most = Math.min(known.ids.length, ids.length - 1);
      let same = 0;
      while (same < most && known.ids[same] === ids[same]) same += 1;
      this.#cut(known, same);
      this.#sequences.delete(key);
      this.#sequences.set(key, known);
      known.busy = true;
      return known;
    }
    const slot = this.#freeSlots.pop() ?? this.#evict()?.slot;
    if (slot === undefined) return null;
    const state = { pages: [], names: [], ids: [], busy: true, mixed: false, doomed: false };
    const fresh: CachedSequence = { key, slot, ...state };
    this.#sequences.set(key, fresh);
    this.#share(fresh, ids);
    return fresh;
  }

  has(key: string): boolean {
    return this.#sequences.has(key);
  }

  /** Tokens at the start of `ids` that a new sequence would find in the cache. */
  sharedLength(ids: readonly number[]): number {
    let count = 0;
    for (const _ of this.#sharedPages(ids)) count += PAGE;
    return count;
  }

  /** The pages of others that hold the start of `ids`; at least the last id is left out. */
  *#sharedPages(ids: readonly number[]): Generator<{ page: number; name: string }> {
    let before = -1;
    for (let from = 0; from + PAGE < ids.length; from += PAGE) {
      const name = pageName(before, ids, from);
      const page = this.#byContent.get(name);
      if (page === undefined) return;
      yield { page, name };
      before = page;
    }
  }

  #share(sequence: CachedSequence, ids: readonly number[]): void {
    for (const { page, name } of this.#sharedPages(ids)) {
      this.#users[page] = (this.#users[page] ?? 0) + 1;
      sequence.pages.push(page);
      sequence.names.push(name);
    }
    sequence.ids = ids.slice(0, sequence.pages.length * PAGE);
    if (sequence.pages.length > 0) this.#writePages(sequence, 0);
  }

  /**
   * Notes that ids were computed; pages that became full can be shared from now on, unless they are not `exact`: what a
   * prompt of the same ids gives, bit by bit.
   */
  extend(sequence: CachedSequence, ids: readonly number[], exact: boolean): void {
    sequence.ids.push(...ids);
    if (!exact) sequence.mixed = true;
    const { names, pages } = sequence;
    while ((names.length + 1) * PAGE <= sequence.ids.length) {
      const i = names.length;
      const name = pageName(i === 0 ? -1 : (pages[i - 1] ?? -1), sequence.ids, i * PAGE);
      const taken = sequence.doomed || sequence.mixed || this.#byContent.has(name);
      if (!taken) this.#byContent.set(name, pages[i] ?? -1);
      names.push(taken ? null : name);
    }
  }

  /** Forgets what is behind `length`; a page that others use as well is given up whole. */
  #cut(sequence: CachedSequence, length: number): void {
    const whole = Math.floor(length / PAGE);
    const shared = (this.#users[sequence.pages[whole] ?? -1] ?? 0) > 1;
    const keep = length % PAGE === 0 || shared ? whole : whole + 1;
    this.#drop(sequence, keep);
    // The last page will be written again.
    if (sequence.names.length > whole) this.#unname(sequence.names.pop() ?? null);
    sequence.ids.length = Math.min(length, keep * PAGE);
  }

  /** Gives up the pages from `from` on. */
  #drop(sequence: CachedSequence, from: number): void {
    for (let i = sequence.pages.length - 1; i >= from; i--) {
      const page = sequence.pages.pop() ?? -1;
      const name = i < sequence.names.length ? (sequence.names.pop() ?? null) : null;
      const users = (this.#users[page] ?? 1) - 1;
      this.#users[page] = users;
      if (users > 0) continue;
      this.#unname(name);
      this.#freePages.push(page);
    }
  }

  #unname(name: string | null): void {
    if (name !== null) this.#byContent.delete(name);
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
        this.#users[page] = 1;
        sequence.pages.push(page);
        continue;
      }
      const evicted = this.#evict();
      if (evicted === undefined) return false;
      this.#freeSlots.push(evicted.slot);
    }
    if (sequence.pages.length > from) this.#writePages(sequence, from);
    return true;
  }

  #writePages(sequence: CachedSequence, from: number): void {
    const row = Uint32Array.from(sequence.pages.slice(from));
    this.#gpu.write(this.pageTable, row, sequence.slot * this.#maxPages + from);
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
    this.#drop(sequence, 0);
    this.#freeSlots.push(sequence.slot);
  }

  /** Forgets everything: the weights have changed. */
  clear(): void {
    // Requests that go on have keys and values of both weights: nobody may begin with those.
    this.#byContent.clear();
    for (const { names } of this.#sequences.values()) names.fill(null);
    for (const key of [...this.#sequences.keys()]) this.release(key);
  }

  /**
   * Forgets everything and lends its buffers to whoever computes before the next request; null while a request is at work.
   * What is left in them does no harm: no kernel reads a position that was not written.
   */
  lend(): readonly GpuTensor[] | null {
    if ([...this.#sequences.values()].some(({ busy }) => busy)) return null;
    this.clear();
    return [...this.k, ...this.v];
  }

  /** Drops the least recently used idle sequence. Its slot is the caller's. */
  #evict(): CachedSequence | undefined {
    for (const sequence of this.#sequences.values()) {
      if (sequence.busy) continue;
      this.#sequences.delete(sequence.key);
      this.#drop(sequence, 0);
      return sequence;
    }
    return undefined;
  }

  /** Chunks of the attention of `rows` decoded rows, the longest with `keys` keys; 1 where it is not split. */
  chunks(rows: number, keys: number): number {
    const { heads: H, kvHeads: G, headDim: D } = this.#config;
    return splitChunks(this.#gpu.caps, { H, G, D }, rows, keys);
  }

  /** What attention in chunks needs; null for one chunk. */
  split(rows: number, chunks: number): AttentionSplit | null {
    if (chunks === 1) return null;
    const { heads: H, headDim: D } = this.#config;
    if (this.#sums === null) {
      let most = 0;
      for (let R = 1; R < 2 * this.size.slots; R *= 2) {
        const parts = this.chunks(R, this.size.context);
        if (parts > 1) most = Math.max(most, sizeOf({ shape: splitShape(R, { H, D }, parts) }));
      }
      this.#sums = this.#gpu.tensor('kv.sums', [most]);
    }
    return { chunks, sums: { ...this.#sums, shape: splitShape(rows, { H, D }, chunks) } };
  }

  free(): void {
    this.#gpu.free(...this.k, ...this.v, this.pageTable);
    if (this.#sums !== null) this.#gpu.free(this.#sums);
  }
}

/** What a full page holds: the page before it (which stands for all ids before) and its own ids. */
function pageName(before: number, ids: readonly number[], from: number): string {
  return `${before}:${ids.slice(from, from + PAGE).join()}`;
}
