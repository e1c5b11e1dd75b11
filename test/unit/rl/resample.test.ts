import { describe, expect, it } from 'vitest';
import type { Group } from '../../../src/rl/groups.ts';
import { drawGroups, withSpread } from '../../../src/rl/resample.ts';
import { someTask } from '../../support/traces.ts';

/** The groups of tasks t0, t1, …: `spread` says which have rewards that differ. */
function source(spread: readonly boolean[]) {
  const asked: [number, number][] = [];
  const play = async (from: number, count: number): Promise<Group[]> => {
    asked.push([from, count]);
    return Array.from({ length: count }, (_, i) => ({
      task: someTask(`t${from + i}`),
      traces: [],
      rewards: spread[from + i] === true ? [0, 1] : [1, 1],
    }));
  };
  return { asked, play };
}

const idsOf = (groups: readonly Group[]) => groups.map(({ task }) => task.id);

describe('drawGroups', () => {
  it('makes up for groups without spread by the next tasks until enough have one', async () => {
    // Of the first three one has spread, of the next two one, and the next one has.
    const { asked, play } = source([false, true, false, true, false, true, true]);
    const groups = await drawGroups({ wanted: 3, rounds: 9, play });
    expect(asked).toEqual([
      [0, 3],
      [3, 2],
      [5, 1],
    ]);
    expect(idsOf(groups)).toEqual(['t0', 't1', 't2', 't3', 't4', 't5']);
    expect(idsOf(withSpread(groups))).toEqual(['t1', 't3', 't5']);
  });

  it('stops when the rounds are used up, and plays one round only without any', async () => {
    const { asked, play } = source([]);
    expect(await drawGroups({ wanted: 2, rounds: 2, play })).toHaveLength(6);
    expect(asked.map(([from]) => from)).toEqual([0, 2, 4]);
    expect(await drawGroups({ wanted: 2, rounds: 0, play })).toHaveLength(2);
  });

  it('asks for nothing more when all have spread', async () => {
    const { asked, play } = source([true, true]);
    await drawGroups({ wanted: 2, rounds: 5, play });
    expect(asked).toEqual([[0, 2]]);
  });
});
