// The engine as a TokenPolicy: requests that are pending together advance as one batch; they join and leave between steps.
import { defined } from '../base/assert.ts';
import { InputError } from '../base/errors.ts';
import { PAGE } from '../kernels/attention-cached.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type {
  GenerateOptions,
  GenerateRequest,
  GenerateResult,
  TokenPolicy,
} from '../trajectory/interfaces.ts';
import {
  type ActiveRequest,
  type Batch,
  batchOf,
  finish,
  inPrompt,
  stepsOf,
} from './active-request.ts';
import { type TokenConstraint, TokenConstraints } from './constraint/token-constraint.ts';
import { type Decoder, MAX_AHEAD, MAX_SAMPLES } from './decoder.ts';
import { assertIds } from './model.ts';
import type { StepKind } from './step-layer.ts';
import { StepPace } from './step-pace.ts';
import type { StepResult } from './step-rows.ts';
import { StopTexts } from './stop-texts.ts';

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
  /** How many steps may be on their way before the first is read; by default up to 8, as long as they are short. */
  readonly pace?: StepPace;
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
  #waiting: ActiveRequest[] = [];
  #active: ActiveRequest[] = [];
  #running = false;
  /** What waits for a moment without steps. */
  #between: (() => void)[] = [];
  /** A request came since the last admission. */
  #arrived = false;
  readonly #pace: StepPace;
  #lastKind: StepKind = 'decode';

  constructor(
    name: string,
    decoder: Decoder,
    {
      eosIds,
      tokenizer = null,
      goOn = (error) => Promise.reject(error),
      pace = new StepPace(MAX_AHEAD),
    }: PolicyOptions,
  ) {
    this.name = name;
    this.#decoder = decoder;
    this.#goOn = goOn;
    this.#pace = pace;
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
      const state = { sequence: null, ids: [], logprobs: [], ended: false };
      this.#waiting.push({ request, options, resolve, reject, ...text, ...state });
      this.#arrived = true;
      if (!this.#running) void this.#run();
    });
  }

  /** What of a request needs the texts of tokens. */
  #textSettings({
    constraint,
    stop,
  }: GenerateRequest): Pick<ActiveRequest, 'constraint' | 'mask' | 'stop'> {
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

  /** Does `work` while no step is on its way; requests then begin again, with the ids that they have. */
  async between(work: () => void): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#between.push(() => {
        try {
          work();
          resolve();
        } catch (error) {
          reject(error);
        }
      });
      if (!this.#running) this.#doBetween();
    });
  }

  #doBetween(): void {
    const all = this.#between;
    if (all.length === 0) return;
    this.#between = [];
    for (const work of all) work();
    this.#startOver();
  }

  async #run(): Promise<void> {
    this.#running = true;
    // Requests made in the same turn of the event loop join the first step.
    await new Promise((resolve) => setTimeout(resolve, 0));
    try {
      while (this.#waiting.length + this.#active.length > 0) {
        try {
          this.#doBetween();
          this.#admit();
          // All that waited may have been stopped.
          if (this.#active.length > 0) await this.#advance();
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
      this.#doBetween();
    }
  }

  /** Every request waits again, with the ids that it has: these are computed once more, and sampling goes on behind them. */
  #startOver(): void {
    for (const entry of this.#active) entry.sequence = null;
    const unanswered = this.#active.filter((entry) => !entry.ended);
    // Admission may have been cut off between the two lists.
    this.#waiting = [...new Set([...unanswered, ...this.#waiting])];
    this.#active = [];
  }

  #admit(): void {
    this.#arrived = false;
    const left: ActiveRequest[] = [];
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
  #isComing({ request: { sequence: key, ids } }: ActiveRequest): boolean {
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

  /** A step, and those that follow it unread while nobody joins, leaves or is held to a constraint. */
  async #advance(): Promise<void> {
    const kind = this.#nextKind();
    this.#lastKind = kind;
    const batch = batchOf(this.#active, kind, this.#decoder.promptRows);
    const { rows, samples } = batch;
    const decoder = this.#decoder;
    const sent: Promise<StepResult>[] = [];
    let before = performance.now();
    let left = stepsOf(batch, this.#active, this.contextLength);
    const mustRead = () => sent.length >= this.#pace.depth(rows.length) || !this.#goesOn(left);
    try {
      for (let next = decoder.step(rows, samples, kind); ; next = decoder.stepAhead()) {
        // A step that fails is met when its turn to be read comes.
        next.catch(() => undefined);
        sent.push(next);
        left -= 1;
        while (sent.length > 0 && mustRead()) {
          const result = await defined(sent[0], 'a step');
          sent.shift();
          const now = performance.now();
          this.#count(batch, now - before);
          before = now;
          this.#take(batch, result);
        }
        if (sent.length === 0 && !this.#goesOn(left)) break;
      }
    } finally {
      await Promise.allSettled(sent);
    }
    // No step is on its way any more that writes keys and values of what has ended.
    for (const entry of this.#active) if (entry.ended) this.#close(entry);
    this.#active = this.#active.filter((entry) => !entry.ended);
  }

  /** Whether the batch stays as it is for another step. */
  #goesOn(left: number): boolean {
    if (left === 0 || this.#arrived || this.#between.length > 0) return false;
    const aborted = ({ options: { signal } }: ActiveRequest) => signal?.aborted === true;
    return !this.#active.some(({ ended }) => ended) && !this.#waiting.some(aborted);
  }

  /** Takes what a step gave; ids behind the end of a request are surplus. */
  #take({ kind, fed, sampled }: Batch, { ids, logprobs }: StepResult): void {
    const exact = kind === 'prefill' || this.#decoder.isExact;
    for (const part of fed) {
      const { ended, sequence } = part.entry;
      if (!ended && sequence !== null) this.#decoder.cache.extend(sequence, part.ids, exact);
    }
    sampled.forEach((entry, i) => {
      if (!entry.ended) this.#accept(entry, ids[i] ?? 0, logprobs[i] ?? 0);
    });
    for (const part of fed) part.ids = part.entry.ids.slice(-1);
    for (const entry of this.#active) {
      if (entry.options.signal?.aborted && !entry.ended) finish(entry, 'cancel');
    }
  }

  #count({ kind, fed, rows: { length } }: Batch, ms: number): void {
    this.counters.steps += 1;
    const rows = fed.reduce((sum, { entry, ids }) => sum + (entry.ended ? 0 : ids.length), 0);
    if (kind === 'prefill') {
      this.counters.prefillTokens += rows;
      this.counters.prefillMs += ms;
    } else {
      this.#pace.took(length, ms);
      this.counters.decodeTokens += rows;
      this.counters.decodeMs += ms;
    }
  }

  #accept(entry: ActiveRequest, id: number, logprob: number): void {
    entry.ids.push(id);
    entry.logprobs.push(logprob);
    entry.options.onTokens?.([id], [logprob]);
    const how = this.#finishOf(entry, id);
    if (how !== null) finish(entry, how);
    else if (entry.constraint !== null) this.#constrain(entry, entry.constraint, id);
  }

  /** A constraint that cannot go on ends its own request, not the batch. */
  #constrain(entry: ActiveRequest, constraint: TokenConstraint, id: number): void {
    try {
      constraint.accept(id);
      entry.mask = this.#nextMask(constraint);
    } catch (error) {
      entry.ended = true;
      entry.reject(error);
    }
  }

  #finishOf({ request, ids, stop }: ActiveRequest, id: number): GenerateResult['finish'] | null {
    if (!request.ignoreEos && this.eosIds.includes(id)) return 'eos';
    if (request.stopIds?.includes(id) || stop?.push(id)) return 'stop';
    const full = request.ids.length + ids.length >= this.contextLength;
    return full || ids.length >= request.maxTokens ? 'length' : null;
  }

  #close(entry: ActiveRequest): void {
    if (entry.sequence !== null) this.#decoder.cache.close(entry.sequence);
    entry.sequence = null;
  }
}
