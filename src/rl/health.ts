// What the rollouts of a step say of a policy's health. Knows no trainer.
import type { RolloutHealth } from '../trajectory/experiment.ts';
import { deviation } from './advantage-std.ts';
import type { Group } from './groups.ts';
import { countRepeats } from './repeats.ts';
import { withSpread } from './resample.ts';
import { isTruncated } from './sequence.ts';

function mean(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Figures of the groups as they are trained on. Groups of fewer than two rewards have no spread to
 * count; episodes that failed by themselves say nothing of the policy.
 */
export function rolloutHealth(groups: readonly Group[]): RolloutHealth {
  const spreads = groups
    .map(({ rewards }) => rewards.filter((reward) => reward !== null))
    .filter((rewards) => rewards.length > 1)
    .map(deviation);
  const played = groups.flatMap(({ traces }) => traces).filter(({ end }) => end !== 'error');
  const counts = played.map(countRepeats);
  const tokens = counts.reduce((sum, count) => sum + count.tokens, 0);
  const repeated = counts.reduce((sum, count) => sum + count.repeated, 0);
  return {
    rewardStd: mean(spreads),
    groups: groups.length,
    trained: withSpread(groups).length,
    repeats: tokens === 0 ? null : repeated / tokens,
    length: mean(counts.map((count) => count.tokens)),
    truncated: mean(played.map((trace) => (isTruncated(trace) ? 1 : 0))),
    overlong: mean(played.flatMap(({ overlong }) => overlong ?? [])),
  };
}
