// What the parts of the project promise each other. agent, rubric, rl and lab know engines only through these.
import type { Batch } from './batch.ts';
import type { JsonObject } from './json.ts';
import type { Criterion } from './rubric.ts';
import type { Message, Trace } from './trace.ts';

/** A call that a constrained continuation may write: its name, and the JSON Schema of its arguments. */
export interface CallForm {
  readonly name: string;
  readonly inputSchema: JsonObject;
}

/**
 * Holds a continuation to calls that can be made: behind `<tool_call>` only ids are sampled that keep the call one of
 * `calls`, up to `</tool_call>`. Other text is free, and so is what stands in `<think>`. What is left out changes what is
 * sampled, not the log-probabilities that are told: sampling then is off-policy, so rollouts to learn from do without.
 */
export interface CallConstraint {
  readonly calls: readonly CallForm[];
  /** The prompt ends inside of `<think>`. */
  readonly thinking: boolean;
}

/** One continuation to sample. Equal requests give equal results, whoever shares the batch. */
export interface GenerateRequest {
  /** The whole sequence so far. A policy may keep its KV cache under `sequence` and compute only what is new. */
  ids: readonly number[];
  /** Key of the conversation, stable over its turns; `release` frees what is kept under it. */
  sequence: string;
  maxTokens: number;
  /** 0 is greedy. */
  temperature: number;
  topK?: number;
  topP?: number;
  /** Seed of this sequence: the generator's key is (seed, position). */
  seed: number;
  /** Ids that end the continuation besides the model's end tokens. */
  stopIds?: readonly number[];
  /**
   * Texts that end the continuation once they stand in it, over any borders of tokens. The ids up to the one that
   * completes a text are kept, that one too: its text may go on behind the stop text.
   */
  stop?: readonly string[];
  /** Which calls may be written; none is held back without it. */
  constraint?: CallConstraint;
  /** Go on past end tokens. */
  ignoreEos?: boolean;
}

export interface GenerateResult {
  /** Sampled ids; an end token is the last. */
  ids: number[];
  /**
   * The model's own log-probabilities (temperature 1, before top-k, top-p and any constraint), aligned
   * to ids.
   */
  logprobs: number[];
  finish: 'eos' | 'stop' | 'length' | 'cancel';
}

export interface GenerateOptions {
  signal?: AbortSignal;
  /** Called as tokens of a request arrive. */
  onTokens?: (ids: readonly number[], logprobs: readonly number[]) => void;
}

/** A policy of tokens: samples ids and can be trained. */
export interface TokenPolicy {
  readonly name: string;
  readonly contextLength: number;
  readonly eosIds: readonly number[];
  /**
   * Samples one continuation. Calls that are pending together are decoded as one batch.
   * @throws {InputError} for ids out of range or a prompt longer than the context.
   */
  generate(request: GenerateRequest, options?: GenerateOptions): Promise<GenerateResult>;
  /** Frees what is kept for a conversation. */
  release(sequence: string): void;
}

/** A policy of text (oracle, random, a remote endpoint): not trainable. */
export interface ChatPolicy {
  readonly name: string;
  /** The assistant's next message, whole text with its tags. */
  reply(
    messages: readonly Message[],
    options: { seed: number; temperature: number; signal?: AbortSignal },
  ): Promise<string>;
}

export interface StepOptions {
  learningRate: number;
  /** Global-norm clip; 0 is none. */
  clipNorm: number;
  /** A larger gradient norm, before clipping, leaves the weights where they are; no limit when left out. */
  normLimit?: number;
}

/** What became of the gradients at hand. */
export interface AppliedStep {
  /** Global norm before clipping. */
  gradNorm: number;
  /** False when the norm was not finite or above the limit: weights and moments are as before. */
  moved: boolean;
}

export interface LossResult {
  loss: number;
  /** Aligned to each sequence's ids; entry 0 is 0. */
  tokenLogprobs: number[][];
  /** Mean entropy of the policy over masked tokens, nats. */
  entropy: number;
  /**
   * Mean estimate of KL(policy || reference) over masked tokens: k3, or log-probability - reference where the objective says
   * k1, which can be below 0; 0 without reference.
   */
  kl: number;
  /** Share of masked tokens whose ratio was clipped. */
  clipFraction: number;
  /** exp(log-probability - old) over masked tokens; 1 where the objective has no ratio. */
  ratio: { mean: number; max: number };
}

/** Computes losses and gradients and moves the weights it trains (an adapter, or all). */
export interface Trainer {
  /** Loss and gradients of a batch, added to the gradients at hand. `scale` multiplies the loss. */
  accumulate(batch: Batch, scale?: number): Promise<LossResult>;
  /** Log-probabilities of every token under the policy being trained, aligned to ids. */
  policyLogprobs(sequences: readonly { ids: readonly number[] }[]): Promise<number[][]>;
  /** Applies and clears the gradients at hand; only clears them when their norm is not to be stepped with. */
  apply(options: StepOptions): Promise<AppliedStep>;
  /** Clears the gradients at hand; the weights stay. */
  discard(): Promise<void>;
  /** Log-probabilities of every token under the adapter-off policy, aligned to ids. */
  referenceLogprobs(sequences: readonly { ids: readonly number[] }[]): Promise<number[][]>;
  /** Weights, moments and step as named files; `restore` takes them back to the same bits. */
  checkpoint(): Promise<Record<string, Uint8Array>>;
  restore(files: Readonly<Record<string, Uint8Array>>): Promise<void>;
  /** The trained weights in their file format: a PEFT folder's files, or `model.gguf`. */
  exportWeights(): Promise<Record<string, Uint8Array>>;
}

/** Scores one criterion of a trajectory in [0, 1]; null when it cannot tell. */
export interface Judge {
  readonly name: string;
  score(trace: Trace, criterion: Criterion): Promise<number | null>;
}

export type RunLog = 'metrics' | 'trajectories' | 'timing';

/** Where one run is kept. Logs are JSON lines; a checkpoint is written whole or not at all. */
export interface RunStore {
  append(log: RunLog, line: string): Promise<void>;
  readLog(log: RunLog): Promise<string[]>;
  /** Cuts a log to its first `lines` lines. */
  truncateLog(log: RunLog, lines: number): Promise<void>;
  writeCheckpoint(files: Readonly<Record<string, Uint8Array>>): Promise<void>;
  readCheckpoint(): Promise<Record<string, Uint8Array> | null>;
  /** A result file or folder member, such as `adapter/adapter_model.safetensors`. */
  writeFile(path: string, bytes: Uint8Array): Promise<void>;
}
