// Dynamic sampling (DAPO, arXiv:2503.14476 section 3.2): groups that teach nothing are made up for
// by groups of further tasks. Knows no rollouts: groups are played by a callback.
import { isZeroSpread } from './advantages.ts';
import type { Group } from './groups.ts';

export interface DrawOptions {
  /** Groups with spread that a step needs. */
  wanted: number;
  /** Rounds after the first; 0 takes what the first gives. */
  rounds: number;
  /** Plays `count` groups of the tasks behind the `from` drawn so far. */
  play: (from: number, count: number) => Promise<Group[]>;
}

/** Groups whose rewards differ. */
export function withSpread(groups: readonly Group[]): Group[] {
  return groups.filter(({ rewards }) => !isZeroSpread(rewards));
}

/**
 * Plays `wanted` groups, then in each round as many as still lack spread. All that were drawn, in
 * the order of their tasks: what they earned belongs to the step's figures.
 */
export async function drawGroups({ wanted, rounds, play }: DrawOptions): Promise<Group[]> {
  const drawn = [...(await play(0, wanted))];
  for (let round = 1; round <= rounds; round++) {
    const missing = wanted - withSpread(drawn).length;
    if (missing === 0) break;
    drawn.push(...(await play(drawn.length, missing)));
  }
  return drawn;
}
