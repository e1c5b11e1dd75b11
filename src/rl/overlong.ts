// The soft punishment of overlong episodes (DAPO, arXiv:2503.14476 equation 13): nothing up to
// `limit - buffer` tokens, then linearly more, all of it from `limit` on.
import type { Trace } from '../trajectory/trace.ts';
import type { Group } from './groups.ts';
import type { GrpoSettings } from './grpo.ts';
import { sampledTokens } from './sequence.ts';

export type OverlongSettings = NonNullable<GrpoSettings['overlong']>;

/**
 * What is added to the reward of an episode, from 0 down to -`penalty`.
 * @param length tokens that the policy sampled in the whole episode, over all its turns; prompts and
 * results of tools do not count, as the policy did not choose their length.
 */
export function overlongPenalty(length: number, settings: OverlongSettings): number {
  const { limit, buffer, penalty } = settings;
  const over = Math.min(1, Math.max(0, (length - (limit - buffer)) / buffer));
  return over === 0 ? 0 : -penalty * over;
}

/**
 * Groups whose traces say their penalty (`overlong`) and whose rewards hold it; a missing reward
 * stays missing.
 */
export function punishOverlong(groups: readonly Group[], settings: OverlongSettings): Group[] {
  return groups.map(({ task, traces, rewards }) => {
    const penalties = traces.map((trace) => overlongPenalty(sampledTokens(trace), settings));
    return {
      task,
      traces: traces.map((trace, i): Trace => ({ ...trace, overlong: penalties[i] ?? 0 })),
      rewards: rewards.map((reward, i) => (reward === null ? null : reward + (penalties[i] ?? 0))),
    };
  });
}
