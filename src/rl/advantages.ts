// Rewards of a group -> advantages. Missing rewards are missing here too; a group without spread
// teaches nothing.
import { meanAdvantages } from './advantage-mean.ts';
import { stdAdvantages } from './advantage-std.ts';

export type AdvantageKind = 'std' | 'mean';

const ALGORITHMS: Readonly<Record<AdvantageKind, (rewards: readonly number[]) => number[]>> = {
  std: stdAdvantages,
  mean: meanAdvantages,
};

/** True when fewer than two rewards are there, or all that are there are equal. */
export function isZeroSpread(rewards: readonly (number | null)[]): boolean {
  const scored = rewards.filter((reward) => reward !== null);
  return scored.every((reward) => reward === scored[0]);
}

/**
 * Advantages of one group, aligned to `rewards`. Null (no reward) stays null and does not enter the
 * mean; a group of zero spread gives nulls only.
 */
export function advantages(
  rewards: readonly (number | null)[],
  kind: AdvantageKind,
): (number | null)[] {
  if (isZeroSpread(rewards)) return rewards.map(() => null);
  const scored = ALGORITHMS[kind](rewards.filter((reward) => reward !== null));
  let next = 0;
  return rewards.map((reward) => (reward === null ? null : (scored[next++] ?? null)));
}
