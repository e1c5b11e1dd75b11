// How much of what a policy writes it has written before: a policy that collapses says the same
// again and again.
import type { Trace } from '../trajectory/trace.ts';

const LENGTH = 4;

/** Sampled tokens of an episode, and those of them that stand in a run of tokens seen before. */
export interface RepeatCount {
  tokens: number;
  repeated: number;
}

/**
 * Counts the tokens that lie in a run of 4 sampled tokens which stood earlier in the same episode.
 * Runs do not cross turns, as what stands between them was not the policy's.
 */
export function countRepeats({ segments }: Pick<Trace, 'segments'>): RepeatCount {
  const seen = new Set<string>();
  let tokens = 0;
  let repeated = 0;
  for (const { sampled, ids } of segments) {
    if (!sampled) continue;
    tokens += ids.length;
    // Tokens before this place are counted already.
    let counted = 0;
    for (let start = 0; start + LENGTH <= ids.length; start++) {
      const end = start + LENGTH;
      const run = ids.slice(start, end).join(' ');
      if (seen.has(run)) {
        repeated += end - Math.max(start, counted);
        counted = end;
      } else seen.add(run);
    }
  }
  return { tokens, repeated };
}
