// Batches as the GPU gets them: sequences joined into one row without padding, common beginnings once, and one entry for
// each token whose log-probability is wanted. Pure host code.
import { defined } from '../base/assert.ts';
import { InputError } from '../base/errors.ts';
import type { Batch, Objective, TrainSequence } from '../trajectory/batch.ts';
import { compareIds, layOutRows, sharedLength } from './prefix-tree.ts';
import { needsSampler, tokenAdvantage } from './token-terms.ts';

/** Some sequences of a batch in one row of M tokens, with L loss tokens. */
export interface PackedRow {
  readonly M: number;
  readonly L: number;
  readonly ids: Uint32Array<ArrayBuffer>;
  readonly positions: Uint32Array<ArrayBuffer>;
  /** (M, 4), see TREE_COLUMNS. */
  readonly tree: Uint32Array<ArrayBuffer>;
  /** Row whose hidden state predicts the loss token, and the token's id. */
  readonly lossRows: Uint32Array<ArrayBuffer>;
  readonly targets: Uint32Array<ArrayBuffer>;
  readonly oldLogprobs: Float32Array<ArrayBuffer>;
  readonly refLogprobs: Float32Array<ArrayBuffer>;
  readonly advantages: Float32Array<ArrayBuffer>;
  /** Weight of the token's term in the loss; 0 for tokens that are only looked at. */
  readonly weights: Float32Array<ArrayBuffer>;
  /** (sequence index in the batch, position in it) of each loss token. */
  readonly origin: readonly (readonly [sequence: number, position: number])[];
  /** Further tokens that are only looked at and have the log-probability of a loss token, by its number. */
  readonly also: readonly (readonly [entry: number, sequence: number, position: number])[];
}

/**
 * The weight that each masked token's term has in the loss, by sequence and position: the golden cases' aggregates, times
 * the correction of what the sampler said.
 */
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

/**
 * Cuts a list of sequences into rows of at most `maxTokens` tokens and as many loss tokens; a longer sequence has a row of its
 * own. With `share` sequences that begin alike come together, and count what they have in common once; else they keep their
 * order.
 */
export function groupByTokens(
  sequences: readonly { readonly ids: readonly number[]; readonly lossTokens: number }[],
  { maxTokens, share }: Pick<PackOptions, 'maxTokens' | 'share'>,
): number[][] {
  const idsOf = (i: number) => sequences[i]?.ids ?? [];
  const order = sequences.map((_, i) => i);
  if (share) order.sort((a, b) => compareIds(idsOf(a), idsOf(b)) || a - b);
  const groups: number[][] = [];
  let [tokens, lossTokens] = [Number.POSITIVE_INFINITY, 0];
  for (const i of order) {
    const before = groups.at(-1)?.at(-1);
    const ids = idsOf(i);
    const loss = sequences[i]?.lossTokens ?? 0;
    const shared = share && before !== undefined ? sharedLength(ids, idsOf(before)) : 0;
    if (tokens + ids.length - shared > maxTokens || lossTokens + loss > maxTokens) {
      groups.push([i]);
      [tokens, lossTokens] = [ids.length, loss];
    } else {
      groups.at(-1)?.push(i);
      tokens += ids.length - shared;
      lossTokens += loss;
    }
  }
  return groups;
}

export interface PackOptions {
  /** Tokens of one row. */
  readonly maxTokens: number;
  /** Make a loss entry for every token after the first, with weight 0 where the mask is 0. */
  readonly everyToken: boolean;
  /** Multiplies all weights. */
  readonly scale: number;
  /** Lay what sequences have in common at the beginning out once. */
  readonly share: boolean;
}

/** @throws {InputError} for empty masks and missing log-probabilities. */
export function packBatch(batch: Batch, options: PackOptions): PackedRow[] {
  const { objective, sequences } = batch;
  const weights = tokenWeights(objective, sequences);
  sequences.forEach((sequence, i) => {
    const { advantage, old_logprobs: old = [], ref_logprobs: ref = [] } = sequence;
    for (const value of [advantage, ...old, ...ref, ...(sequence.sampler_logprobs ?? [])]) {
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
    if (needsSampler(objective) && sequence.sampler_logprobs === undefined) {
      throw new InputError(
        'batch',
        `batch.sequences.${i}: no sampler_logprobs, truncate needs them; give them or leave truncate out`,
      );
    }
  });
  return packRows(sequences, weights, options, objective);
}

/** Rows for log-probabilities alone: every token after the first has an entry, and nothing is trained. */
export function packReference(
  sequences: readonly { readonly ids: readonly number[] }[],
  { maxTokens, share }: Pick<PackOptions, 'maxTokens' | 'share'>,
): PackedRow[] {
  const whole = sequences.map(({ ids }) => ({
    ids: [...ids],
    mask: ids.map(() => 0),
    advantage: 0,
  }));
  const weights = whole.map(({ mask }) => mask);
  const options = { maxTokens, share, everyToken: true, scale: 0 };
  return packRows(whole, weights, options).filter((row) => row.L > 0);
}

function packRows(
  sequences: readonly TrainSequence[],
  weights: readonly (readonly number[])[],
  options: PackOptions,
  objective?: Objective,
): PackedRow[] {
  const sizes = sequences.map(({ ids }, i) => {
    const trained = weights[i]?.filter((weight) => weight !== 0).length ?? 0;
    return { ids, lossTokens: options.everyToken ? ids.length - 1 : trained };
  });
  return groupByTokens(sizes, options).map((members) =>
    packRow(sequences, members, weights, options, objective),
  );
}

function packRow(
  sequences: readonly TrainSequence[],
  members: readonly number[],
  weights: readonly (readonly number[])[],
  options: PackOptions,
  objective?: Objective,
): PackedRow {
  const placed = members.map((index) => defined(sequences[index], `sequence ${index}`));
  const { ids, positions, tree, rowsOf } = layOutRows(
    placed.map((sequence) => sequence.ids),
    options.share,
  );
  const loss = emptyLists();
  const looked = new Map<string, number>();
  placed.forEach((sequence, i) => {
    const index = members[i] ?? 0;
    const { old_logprobs: old, ref_logprobs: ref } = sequence;
    sequence.ids.forEach((id, t) => {
      const weight = weights[index]?.[t] ?? 0;
      if (t === 0 || (weight === 0 && !options.everyToken)) return;
      const row = rowsOf[i]?.[t - 1] ?? 0;
      if (weight === 0) {
        const name = `${row} ${id}`;
        const same = looked.get(name);
        if (same !== undefined) {
          loss.also.push([same, index, t]);
          return;
        }
        looked.set(name, loss.targets.length);
      }
      loss.rows.push(row);
      loss.targets.push(id);
      loss.old.push(old?.[t] ?? 0);
      loss.ref.push(ref?.[t] ?? 0);
      loss.advantages.push(tokenAdvantage(sequence, t, objective));
      loss.weights.push(weight * options.scale);
      loss.origin.push([index, t]);
    });
  });
  return {
    M: ids.length,
    L: loss.targets.length,
    ids: Uint32Array.from(ids),
    positions: Uint32Array.from(positions),
    tree: Uint32Array.from(tree),
    lossRows: Uint32Array.from(loss.rows),
    targets: Uint32Array.from(loss.targets),
    oldLogprobs: Float32Array.from(loss.old),
    refLogprobs: Float32Array.from(loss.ref),
    advantages: Float32Array.from(loss.advantages),
    weights: Float32Array.from(loss.weights),
    origin: loss.origin,
    also: loss.also,
  };
}

function emptyLists() {
  return {
    rows: [] as number[],
    targets: [] as number[],
    old: [] as number[],
    ref: [] as number[],
    advantages: [] as number[],
    weights: [] as number[],
    origin: [] as [number, number][],
    also: [] as [number, number, number][],
  };
}
