// Rewards of a group -> advantages. Missing rewards are missing here too; a group without spread
// teaches nothing.
import { InputError } from '../base/errors.ts';
import { meanAdvantages } from './advantage-mean.ts';
import { rlooAdvantages } from './advantage-rloo.ts';
import { stdAdvantages } from './advantage-std.ts';

export type AdvantageKind = 'std' | 'mean' | 'rloo';

const ALGORITHMS: Readonly<Record<AdvantageKind, (rewards: readonly number[]) => number[]>> = {
  std: stdAdvantages,
  mean: meanAdvantages,
  rloo: rlooAdvantages,
};

/** True when fewer than two rewards are there, or all that are there are equal. */
export function isZeroSpread(rewards: readonly (number | null)[]): boolean {
  const scored = rewards.filter((reward) => reward !== null);
  return scored.every((reward) => reward === scored[0]);
}

/**
 * Advantages of one group, aligned to `rewards`. Null (no reward) stays null and does not enter the
 * mean; a group of zero spread gives nulls only.
 * @param of names the group in an error.
 * @throws {InputError} for a reward that is NaN or infinite, and for rewards whose sums are.
 */
export function advantages(
  rewards: readonly (number | null)[],
  kind: AdvantageKind,
  of = 'a group',
): (number | null)[] {
  const given = rewards.filter((reward) => reward !== null);
  checkFinite(given, given, of);
  if (isZeroSpread(rewards)) return rewards.map(() => null);
  const scored = ALGORITHMS[kind](given);
  checkFinite(scored, given, of);
  let next = 0;
  return rewards.map((reward) => (reward === null ? null : (scored[next++] ?? null)));
}

function checkFinite(values: readonly number[], rewards: readonly number[], of: string): void {
  if (values.every(Number.isFinite)) return;
  throw new InputError(
    'reward-not-finite',
    `rewards of ${of}: got ${rewards.join(', ')}, need finite numbers whose sum is one too; mend ` +
      'the weights under reward, or the judge, and start a new run',
  );
}
