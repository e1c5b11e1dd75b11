// Plain twin of the ratio of whole sequences: the reference of its tests.
import type { Joint, TokenLossInput } from './grpo-loss.ts';

/** Ratio of a sequence, and the slope of Σ -weight · min(s·A, clip(s)·A) over its tokens in any one log-probability. */
export function sequenceRatio(
  tokens: readonly Pick<TokenLossInput, 'logprob' | 'old' | 'advantage' | 'weight'>[],
  { clipLow, clipHigh }: { readonly clipLow: number; readonly clipHigh: number },
): Joint {
  const distance = tokens.reduce((sum, { logprob, old }) => sum + (logprob - old), 0);
  const ratio = Math.exp(distance / tokens.length);
  const held = Math.min(Math.max(ratio, 1 - clipLow), 1 + clipHigh);
  let free = 0;
  for (const { advantage, weight } of tokens) {
    if (held * advantage >= ratio * advantage) free += weight * advantage;
  }
  return { ratio, pull: (ratio / tokens.length) * free };
}
