// Trace -> what a trainer reads: the joined ids of its segments, and which of them the policy
// sampled.
import { InputError } from '../base/errors.ts';
import type { Trace } from '../trajectory/trace.ts';

/**
 * Arrays aligned to `ids`. `oldLogprobs` is 0 where the mask is 0; null when a sampled segment has
 * none.
 */
export interface JoinedSequence {
  ids: number[];
  mask: number[];
  oldLogprobs: number[] | null;
}

/**
 * Joins the segments of a trace: mask 1 on sampled tokens only, never on position 0.
 * @throws {InputError} for a segment whose log-probabilities are not aligned to its ids.
 */
export function sequenceOf(trace: Pick<Trace, 'id' | 'segments'>): JoinedSequence {
  const ids: number[] = [];
  const mask: number[] = [];
  const logprobs: number[] = [];
  let complete = true;
  for (const [index, segment] of trace.segments.entries()) {
    const given = segment.sampled ? segment.logprobs : null;
    if (given !== null && given.length !== segment.ids.length) {
      throw new InputError(
        'trace-logprobs',
        `trace ${trace.id}, segment ${index}: got ${given.length} log-probabilities, ` +
          `need ${segment.ids.length}, one for each id; record the episode again`,
      );
    }
    if (segment.sampled && given === null && segment.ids.length > 0) complete = false;
    segment.ids.forEach((id, t) => {
      const trained = segment.sampled && ids.length > 0;
      ids.push(id);
      mask.push(trained ? 1 : 0);
      logprobs.push(trained ? (given?.[t] ?? 0) : 0);
    });
  }
  return { ids, mask, oldLogprobs: complete ? logprobs : null };
}

/** Tokens that the policy sampled, over all turns of the episode. */
export function sampledTokens({ segments }: Pick<Trace, 'segments'>): number {
  return segments.reduce((sum, { sampled, ids }) => sum + (sampled ? ids.length : 0), 0);
}

/** True for an episode that a budget ended: calls, context or the length of a turn. */
export function isTruncated({ end }: Pick<Trace, 'end'>): boolean {
  return end === 'calls' || end === 'context' || end === 'length';
}

/** Tokens with mask 1. */
export function trainedTokens(sequences: readonly { mask: readonly number[] }[]): number {
  let count = 0;
  for (const { mask } of sequences) for (const value of mask) if (value !== 0) count++;
  return count;
}
