// What goes into a step of the decoder and what comes out of it.

/** One token to compute. */
export interface StepRow {
  readonly id: number;
  readonly slot: number;
  readonly position: number;
}

/** A row whose next token is sampled. */
export interface StepSample {
  /** Index into the step's rows. */
  readonly row: number;
  readonly seed: number;
  /** Position of the token that is sampled. */
  readonly position: number;
  readonly temperature: number;
  /** 0 is off. */
  readonly topK: number;
  /** 1 is off. */
  readonly topP: number;
  /** (ceil(V / 32)) bit id % 32 of word id / 32: whether an id may come. Every id may without it. */
  readonly mask?: Uint32Array | null;
}

/** What a step sampled, aligned to its samples. */
export interface StepResult {
  readonly ids: Uint32Array;
  readonly logprobs: Float32Array;
}
