// The engine as a TokenPolicy: requests that are pending together advance as one batch; they join and leave between steps.
import { InputError } from '../base/errors.ts';
import { PAGE } from '../kernels/attention-cached.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type {
  GenerateOptions,
  GenerateRequest,
  GenerateResult,
  TokenPolicy,
} from '../trajectory/interfaces.ts';
import { type TokenConstraint, TokenConstraints } from './constraint/token-constraint.ts';
import { type Decoder, MAX_ROWS, MAX_SAMPLES, type StepRow, type StepSample } from './decoder.ts';
import type { CachedSequence } from './kv-cache.ts';
import { assertIds } from './model.ts';
import type { StepKind } from './step-layer.ts';
import { StopTexts } from './stop-texts.ts';

interface Active {
  readonly request: GenerateRequest;
  readonly options: GenerateOptions;
  readonly resolve: (result: GenerateResult) => void;
  readonly reject: (error: unknown) => void;
  readonly constraint: TokenConstraint | null;
  readonly stop: StopTexts | null;
  /** Of the next id; null when every id may come. */
  mask: Uint32Array | null;
  sequence: CachedSequence | null;
  readonly ids: number[];
  readonly logprobs: number[];
}

/** What was done so far, for benches and the command line. */
export interface EngineCounters {
  prefillTokens: number;
  prefillMs: number;
  decodeTokens: number;
  decodeMs: number;
  /** Masks worked out for constrained requests. */
  masks: number;
  steps: number;
}

/** After a failed step: another decoder of the same model on which requests go on, or the error again. */
export type GoOn = (error: unknown) => Promise<Decoder>;

export interface PolicyOptions {
  readonly eosIds: readonly number[];
  /** Makes what stop texts and constraints need, at the first of them: a large vocabulary takes much memory. */
  readonly tokenizer?: (() => Tokenizer) | null;
  /** By default every failure ends the requests. */
  readonly goOn?: GoOn;
}

export class EnginePolicy implements TokenPolicy {
  readonly name: string;
  readonly contextLength: number;
  readonly eosIds: readonly number[];
  readonly counters: EngineCounters = {
    prefillTokens: 0,
    prefillMs: 0,
    decodeTokens: 0,
    decodeMs: 0,
    masks: 0,
    steps: 0,
  };
  readonly #tokenizer: (() => Tokenizer) | null;
  #texts: { readonly tokenizer: Tokenizer; readonly constraints: TokenConstraints } | null = null;
  readonly #goOn: GoOn;
  #decoder: Decoder;
  #waiting: Active[] = [];
  #active: Active[] = [];
  #running = false;
  #lastKind: StepKind = 'decode';

  constructor(
    name: string,
    decoder: Decoder,
    { eosIds, tokenizer = null, goOn = (error) => Promise.reject(error) }: PolicyOptions,
  ) {
    this.name = name;
    this.#decoder = decoder;
    this.#goOn = goOn;
    this.eosIds = eosIds;
    this.#tokenizer = tokenizer;
    this.contextLength = Math.min(decoder.model.config.contextLength, decoder.cache.size.context);
  }

  async generate(request: GenerateRequest, options: GenerateOptions = {}): Promise<GenerateResult> {
    assertIds(request.ids, this.#decoder.model.config, `${this.name}: prompt`);
    if (request.ids.length === 0) {
      throw new InputError('prompt', `${this.name}: the prompt is empty; give at least one token`);
    }
    if (request.ids.length >= this.contextLength) {
      throw new InputError(
        'context',
        `${this.name}: got a prompt of ${request.ids.length} tokens, the context holds ${this.contextLength}; shorten it`,
      );
    }
    if (!Number.isInteger(request.maxTokens) || request.maxTokens < 1) {
      throw new InputError(
        'max-tokens',
        `${this.name}: maxTokens: got ${request.maxTokens}, need a whole number of at least 1`,
      );
    }
    const text = this.#textSettings(request);
    return await new Promise((resolve, reject) => {
      const state = { sequence: null, ids: [], logprobs: [] };
      this.#waiting.push({ request, options, resolve, reject, ...text, ...state });
      if (!this.#running) void this.#run();
    });
  }

  /** What of a request needs the texts of tokens. */
  #textSettings({
    constraint,
    stop,
  }: GenerateRequest): Pick<Active, 'constraint' | 'mask' | 'stop'> {
    const stops = stop !== undefined && stop.length > 0;
    if (constraint === undefined && !stops) return { constraint: null, mask: null, stop: null };
    const { tokenizer, constraints } = this.#needTexts();
    const started = constraint === undefined ? null : constraints.start(constraint);
    const mask = started === null ? null : this.#nextMask(started);
    return { constraint: started, mask, stop: stops ? new StopTexts(tokenizer, stop) : null };
  }

  #needTexts() {
    if (this.#tokenizer === null) {
      throw new InputError(
        'tokenizer',
        `${this.name}: got stop texts or a constraint, which need a tokenizer; give stopIds, or open the engine with one`,
      );
    }
    if (this.#texts === null) {
      const tokenizer = this.#tokenizer();
      const { vocab } = this.#decoder.model.config;
      this.#texts = { tokenizer, constraints: new TokenConstraints(tokenizer, this.eosIds, vocab) };
    }
    return this.#texts;
  }

  #nextMask(constraint: TokenConstraint): Uint32Array | null {
    this.counters.masks += 1;
    return constraint.mask();
  }

  release(sequence: string): void {
    this.#decoder.cache.release(sequence);
  }

  /** Later requests are for another decoder of the same model; the one before must be idle or dead. */
  moveTo(decoder: Decoder): void {
    this.#decoder = decoder;
  }

  async #run(): Promise<void> {
    this.#running = true;
    // Requests made in the same turn of the event loop join the first step.
    await new Promise((resolve) => setTimeout(resolve, 0));
    try {
      while (this.#waiting.length + this.#active.length > 0) {
        try {
          this.#admit();
          await this.#step();
        } catch (error) {
          this.#decoder = await this.#goOn(error);
          this.#startOver();
        }
      }
    } catch (error) {
      for (const entry of [...this.#active, ...this.#waiting]) entry.reject(error);
      for (const { sequence } of this.#active)
        if (sequence !== null) this.#decoder.cache.close(sequence);
      this.#active = [];
      this.#waiting = [];
    } finally {
      this.#running = false;
    }
  }

  /** Every request waits again, with the ids that it has: these are computed once more, and sampling goes on behind them. */
  #startOver(): void {
    for (const entry of this.#active) entry.sequence = null;
    // Admission may have been cut off between the two lists.
    this.#waiting = [...new Set([...this.#active, ...this.#waiting])];
    this.#active = [];
  }

  #admit(): void {
    const left: Active[] = [];
    for (const entry of this.#waiting) {
      if (entry.options.signal?.aborted) {
        finish(entry, 'cancel');
        continue;
      }
      const { sequence: key, ids, maxTokens } = entry.request;
      if (this.#isComing(entry)) {
        left.push(entry);
        continue;
      }
      const room = this.#active.length < MAX_SAMPLES;
      const sequence = room ? this.#decoder.cache.open(key, ids) : null;
      const length = Math.min(ids.length + maxTokens, this.contextLength);
      if (sequence === null || !this.#decoder.cache.reserve(sequence, length)) {
        if (sequence !== null) {
          this.#decoder.cache.close(sequence);
          this.#decoder.cache.release(key);
        }
        left.push(entry);
        continue;
      }
      entry.sequence = sequence;
      this.#active.push(entry);
    }
    this.#waiting = left;
    if (this.#active.length === 0 && left.length > 0) {
      throw new InputError(
        'kv-cache',
        `${this.name}: the KV cache of ${this.#decoder.cache.size.tokens} tokens cannot hold one request; open the engine with a larger one`,
      );
    }
  }

  /** Whether another request is computing the beginning of this one's prompt, which can then be shared. */
  #isComing({ request: { sequence: key, ids } }: Active): boolean {
    const { cache } = this.#decoder;
    if (cache.has(key)) return false;
    return this.#active.some(({ request, sequence }) => {
      const most = Math.min(request.ids.length, ids.length - 1);
      let same = 0;
      while (same < most && request.ids[same] === ids[same]) same += 1;
      const pages = same - (same % PAGE);
      return (sequence?.ids.length ?? pages) < pages && cache.sharedLength(ids) < pages;
    });
  }

  /** Prompts and continuations take turns: a row's bits depend on which of the two it is. */
  #nextKind(): StepKind {
    const prompts = this.#active.filter(inPrompt).length;
    const turn = this.#lastKind === 'decode' || prompts === this.#active.length;
    return prompts > 0 && turn ? 'prefill' : 'decode';
  }

  async #step(): Promise<void> {
    const kind = this.#nextKind();
    this.#lastKind = kind;
    const rows: StepRow[] = [];
    const samples: StepSample[] = [];
    const sampled: Active[] = [];
    const fed: { entry: Active; ids: number[] }[] = [];
    const most = kind === 'prefill' ? MAX_ROWS : MAX_SAMPLES;
    for (const entry of this.#active) {
      const { sequence } = entry;
      if (sequence === null || rows.length === most) continue;
      if (inPrompt(entry) !== (kind === 'prefill')) continue;
      const todo = pendingIds(entry, sequence, kind, most - rows.length);
      todo.ids.forEach((id, i) => {
        rows.push({ id, slot: sequence.slot, position: sequence.ids.length + i });
      });
      fed.push({ entry, ids: todo.ids });
      if (!todo.last) continue;
      samples.push(sampleOf(entry, rows.length - 1));
      sampled.push(entry);
    }
    const started = performance.now();
    const { ids, logprobs } = await this.#decoder.step(rows, samples, kind);
    this.#count(kind, rows.length, performance.now() - started);
    const exact = kind === 'prefill' || this.#decoder.isExact;
    for (const { entry, ids: done } of fed) {
      if (entry.sequence !== null) this.#decoder.cache.extend(entry.sequence, done, exact);
    }
    sampled.forEach((entry, i) => {
      this.#accept(entry, ids[i] ?? 0, logprobs[i] ?? 0);
    });
    for (const entry of this.#active) {
      if (entry.options.signal?.aborted && entry.sequence !== null) this.#end(entry, 'cancel');
    }
    this.#active = this.#active.filter((entry) => entry.sequence !== null);
  }

  #count(kind: StepKind, rows: number, ms: number): void {
    this.counters.steps += 1;
    if (kind === 'prefill') {
      this.counters.prefillTokens += rows;
      this.counters.prefillMs += ms;
    } else {
      this.counters.decodeTokens += rows;
      this.counters.decodeMs += ms;
    }
  }

  #accept(entry: Active, id: number, logprob: number): void {
    entry.ids.push(id);
    entry.logprobs.push(logprob);
    entry.options.onTokens?.([id], [logprob]);
    const how = this.#finishOf(entry, id);
    if (how !== null) this.#end(entry, how);
    else if (entry.constraint !== null) this.#constrain(entry, entry.constraint, id);
  }

  /** A constraint that cannot go on ends its own request, not the batch. */
  #constrain(entry: Active, constraint: TokenConstraint, id: number): void {
    try {
      constraint.accept(id);
      entry.mask = this.#nextMask(constraint);
    } catch (error) {
      this.#close(entry);
      entry.reject(error);
    }
  }

  #finishOf({ request, ids, stop }: Active, id: number): GenerateResult['finish'] | null {
    if (!request.ignoreEos && this.eosIds.includes(id)) return 'eos';
    if (request.stopIds?.includes(id) || stop?.push(id)) return 'stop';
    const full = request.ids.length + ids.length >= this.contextLength;
    return full || ids.length >= request.maxTokens ? 'length' : null;
  }

  #close(entry: Active): void {
    if (entry.sequence !== null) this.#decoder.cache.close(entry.sequence);
    entry.sequence = null;
  }

  #end(entry: Active, how: GenerateResult['finish']): void {
    this.#close(entry);
    finish(entry, how);
  }
}

function finish(entry: Active, how: GenerateResult['finish']): void {
  entry.resolve({ ids: entry.ids, logprobs: entry.logprobs, finish: how });
}

/**
 * The next ids to compute: what is left of the prompt, or what was sampled and is not in the cache, which after a lost device
 * may be more than the last id. `last` when nothing is left behind them.
 */
function pendingIds(
  { request, ids }: Active,
  sequence: CachedSequence,
  kind: StepKind,
  room: number,
): { ids: number[]; last: boolean } {
  const done = sequence.ids.length;
  const total = request.ids.length + ids.length;
  const to = Math.min(kind === 'prefill' ? request.ids.length : total, done + room);
  const list: number[] = [];
  for (let t = done; t < to; t++) {
    list.push((t < request.ids.length ? request.ids[t] : ids[t - request.ids.length]) ?? 0);
  }
  return { ids: list, last: to === total };
}

/** Whether part of the prompt is still to be computed. */
function inPrompt({ request, sequence }: Active): boolean {
  return sequence !== null && sequence.ids.length < request.ids.length;
}

function sampleOf({ request, ids, mask }: Active, row: number): StepSample {
  return {
    row,
    seed: request.seed,
    position: request.ids.length + ids.length,
    temperature: request.temperature,
    topK: request.topK ?? 0,
    topP: request.topP ?? 1,
    mask,
  };
}
