// Batches as the GPU gets them: sequences joined into one row without padding, and one entry for each token whose
// log-probability is wanted. Pure host code.
import { InputError } from '../base/errors.ts';
import type { Batch, Objective, TrainSequence } from '../trajectory/batch.ts';

/** Some sequences of a batch in one row of M tokens, with L loss tokens. */
export interface PackedRow {
  readonly M: number;
  readonly L: number;
  readonly ids: Uint32Array<ArrayBuffer>;
  readonly positions: Uint32Array<ArrayBuffer>;
  /** First row of the token's sequence, and one past its last. */
  readonly start: Uint32Array<ArrayBuffer>;
  readonly end: Uint32Array<ArrayBuffer>;
  /** Row whose hidden state predicts the loss token, and the token's id. */
  readonly lossRows: Uint32Array<ArrayBuffer>;
  readonly targets: Uint32Array<ArrayBuffer>;
  readonly oldLogprobs: Float32Array<ArrayBuffer>;
  readonly refLogprobs: Float32Array<ArrayBuffer>;
  readonly advantages: Float32Array<ArrayBuffer>;
  /** Weight of the token's term in the loss; 0 for tokens that are only looked at. */
  readonly weights: Float32Array<ArrayBuffer>;
  /** (sequence index in the batch, position in it) of each loss token. */
  readonly origin: readonly (readonly [number, number])[];
}

/** The weight that each masked token's term has in the loss, by sequence and position (golden cases' aggregates). */
export function tokenWeights(
  objective: Objective,
  sequences: readonly TrainSequence[],
): number[][] {
  const counts = sequences.map((s) =>
    s.mask.reduce((n, m, t) => n + (t > 0 && m !== 0 ? 1 : 0), 0),
  );
  const total = counts.reduce((sum, n) => sum + n, 0);
  if (total === 0) {
    throw new InputError(
      'empty-mask',
      'batch: no token is trained (every mask is 0 after the first token); set mask to 1 on sampled tokens',
    );
  }
  return sequences.map((sequence, i) =>
    sequence.mask.map((m, t) => {
      if (t === 0 || m === 0) return 0;
      return tokenWeight(objective, total, counts[i] ?? 1, sequences.length);
    }),
  );
}

function tokenWeight(objective: Objective, total: number, own: number, count: number): number {
  switch (objective.aggregate) {
    case 'token-mean':
      return 1 / total;
    case 'seq-mean-token-mean':
      return 1 / (count * own);
    case 'seq-sum-constant':
      if (objective.kind !== 'grpo' || objective.constant === undefined) {
        throw new InputError(
          'objective',
          'batch.objective: aggregate seq-sum-constant needs `constant`, the tokens that a sequence sum is divided by',
        );
      }
      return 1 / (count * objective.constant);
  }
}

/** Cuts a list of sequences into rows of at most `maxTokens` tokens, in order; a longer sequence has a row of its own. */
export function groupByTokens<T extends { readonly ids: readonly number[] }>(
  sequences: readonly T[],
  maxTokens: number,
): number[][] {
  const groups: number[][] = [];
  let tokens = Number.POSITIVE_INFINITY;
  sequences.forEach((sequence, i) => {
    if (tokens + sequence.ids.length > maxTokens) {
      groups.push([]);
      tokens = 0;
    }
    groups.at(-1)?.push(i);
    tokens += sequence.ids.length;
  });
  return groups;
}

export interface PackOptions {
  /** Tokens of one row. */
  readonly maxTokens: number;
  /** Make a loss entry for every token after the first, with weight 0 where the mask is 0. */
  readonly everyToken: boolean;
  /** Multiplies all weights. */
  readonly scale: number;
}

/** @throws {InputError} for empty masks and missing log-probabilities. */
export function packBatch(batch: Batch, options: PackOptions): PackedRow[] {
  const { objective, sequences } = batch;
  const weights = tokenWeights(objective, sequences);
  sequences.forEach((sequence, i) => {
    for (const value of [sequence.advantage, ...(sequence.old_logprobs ?? [])]) {
      if (Number.isFinite(value)) continue;
      throw new InputError('batch', `batch.sequences.${i}: got ${value}, need finite numbers`);
    }
    if (objective.kind === 'grpo' && sequence.old_logprobs === undefined) {
      throw new InputError(
        'batch',
        `batch.sequences.${i}: no old_logprobs, the grpo objective needs them`,
      );
    }
    if (objective.kind === 'grpo' && objective.kl > 0 && sequence.ref_logprobs === undefined) {
      throw new InputError('batch', `batch.sequences.${i}: no ref_logprobs, kl above 0 needs them`);
    }
  });
  return groupByTokens(sequences, options.maxTokens).map((members) =>
    packRow(sequences, members, weights, options),
  );
}

/** Rows for log-probabilities alone: every token after the first has an entry, and nothing is trained. */
export function packReference(
  sequences: readonly { readonly ids: readonly number[] }[],
  maxTokens: number,
): PackedRow[] {
  const whole = sequences.map(({ ids }) => ({
    ids: [...ids],
    mask: ids.map(() => 0),
    advantage: 0,
  }));
  const weights = whole.map(({ mask }) => mask);
  return groupByTokens(whole, maxTokens)
    .map((members) => packRow(whole, members, weights, { maxTokens, everyToken: true, scale: 0 }))
    .filter((row) => row.L > 0);
}

function packRow(
  sequences: readonly TrainSequence[],
  members: readonly number[],
  weights: readonly (readonly number[])[],
  options: PackOptions,
): PackedRow {
  const row = emptyLists();
  let base = 0;
  for (const index of members) {
    const sequence = sequences[index];
    if (sequence === undefined) continue;
    const { ids, advantage, old_logprobs: old, ref_logprobs: ref } = sequence;
    ids.forEach((id, t) => {
      row.ids.push(id);
      row.positions.push(t);
      row.start.push(base);
      row.end.push(base + ids.length);
      const weight = weights[index]?.[t] ?? 0;
      if (t === 0 || (weight === 0 && !options.everyToken)) return;
      row.lossRows.push(base + t - 1);
      row.targets.push(id);
      row.old.push(old?.[t] ?? 0);
      row.ref.push(ref?.[t] ?? 0);
      row.advantages.push(advantage);
      row.weights.push(weight * options.scale);
      row.origin.push([index, t]);
    });
    base += ids.length;
  }
  return {
    M: row.ids.length,
    L: row.targets.length,
    ids: Uint32Array.from(row.ids),
    positions: Uint32Array.from(row.positions),
    start: Uint32Array.from(row.start),
    end: Uint32Array.from(row.end),
    lossRows: Uint32Array.from(row.lossRows),
    targets: Uint32Array.from(row.targets),
    oldLogprobs: Float32Array.from(row.old),
    refLogprobs: Float32Array.from(row.ref),
    advantages: Float32Array.from(row.advantages),
    weights: Float32Array.from(row.weights),
    origin: row.origin,
  };
}

function emptyLists() {
  return {
    ids: [] as number[],
    positions: [] as number[],
    start: [] as number[],
    end: [] as number[],
    lossRows: [] as number[],
    targets: [] as number[],
    old: [] as number[],
    ref: [] as number[],
    advantages: [] as number[],
    weights: [] as number[],
    origin: [] as [number, number][],
  };
}
