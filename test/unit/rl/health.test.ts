import { describe, expect, it } from 'vitest';
import type { Group } from '../../../src/rl/groups.ts';
import { rolloutHealth } from '../../../src/rl/health.ts';
import { countRepeats } from '../../../src/rl/repeats.ts';
import type { Segment, Trace } from '../../../src/trajectory/trace.ts';
import { someTask, traceWith } from '../../support/traces.ts';

const turn = (...ids: number[]): Segment => ({
  role: 'assistant',
  ids,
  sampled: true,
  logprobs: null,
  tier: null,
});
const given = (...ids: number[]): Segment => ({ ...turn(...ids), role: 'tool', sampled: false });

describe('countRepeats', () => {
  const count = (...segments: Segment[]) => countRepeats(traceWith(segments));

  it('counts tokens in runs of four that stood before, each once', () => {
    expect(count(turn(1, 2, 3, 4, 5, 6, 7, 8))).toEqual({ tokens: 8, repeated: 0 });
    // 1 2 3 4 comes back: its four tokens.
    expect(count(turn(1, 2, 3, 4, 9, 1, 2, 3, 4))).toEqual({ tokens: 9, repeated: 4 });
    // 1 2 3 4 and 2 3 4 5 come back: five tokens, not eight.
    expect(count(turn(1, 2, 3, 4, 5, 9, 1, 2, 3, 4, 5))).toEqual({ tokens: 11, repeated: 5 });
    // One token said ten times: the run of places 1 to 4 stood before at 0 to 3, and so on.
    expect(count(turn(...Array.from({ length: 10 }, () => 7)))).toEqual({
      tokens: 10,
      repeated: 9,
    });
    expect(count(turn(1, 2, 3), turn(1, 2, 3))).toEqual({ tokens: 6, repeated: 0 });
  });

  it('compares over turns, joins none, and leaves out what was not sampled', () => {
    expect(count(turn(1, 2, 3, 4), given(8, 8), turn(1, 2, 3, 4))).toEqual({
      tokens: 8,
      repeated: 4,
    });
    expect(count(turn(1, 2), turn(3, 4), turn(1, 2), turn(3, 4))).toMatchObject({ repeated: 0 });
    const said = given(1, 2, 3, 4);
    expect(count(said, said, turn(1, 2, 3, 4))).toEqual({ tokens: 4, repeated: 0 });
    // Numbers are not told apart by their digits.
    expect(count(turn(1, 12, 3, 4), turn(11, 2, 3, 4))).toMatchObject({ repeated: 0 });
  });
});

describe('rolloutHealth', () => {
  const trace = (end: Trace['end'], length: number, more: Partial<Trace> = {}): Trace => ({
    ...traceWith([turn(...Array.from({ length }, (_, i) => i))]),
    end,
    ...more,
  });
  const group = (traces: Trace[], rewards: Group['rewards']): Group => ({
    task: someTask(),
    traces,
    rewards,
  });

  it('says what rollouts say', () => {
    const repeating = { ...trace('length', 0), segments: [turn(5, 5, 5, 5, 5)] };
    const groups = [
      // Deviation of 0 and 2 about 1: sqrt(2 / 1).
      group([trace('answer', 10), trace('calls', 20)], [0, 2]),
      group([trace('answer', 5), repeating], [1, 1]),
      // Its failed member counts nowhere, and one reward has no spread.
      group([trace('error', 1000), trace('answer', 10)], [null, 3]),
    ];
    expect(rolloutHealth(groups)).toEqual({
      rewardStd: Math.SQRT2 / 2,
      groups: 3,
      trained: 1,
      // Of 10 + 20 + 5 + 5 + 10 sampled tokens the four last of `repeating`.
      repeats: 4 / 50,
      length: 10,
      truncated: 2 / 5,
      overlong: null,
    });
  });

  it('gives the mean penalty of a run that punishes', () => {
    const traces = [
      trace('answer', 4, { overlong: 0 }),
      trace('answer', 4, { overlong: -0.5 }),
      trace('error', 4, { overlong: -1 }),
    ];
    expect(rolloutHealth([group(traces, [1, 0.5, null])])).toMatchObject({ overlong: -0.25 });
  });

  it('is null where there is nothing to measure', () => {
    expect(rolloutHealth([group([trace('error', 0)], [null])])).toEqual({
      ...{ rewardStd: null, groups: 1, trained: 0, repeats: null, length: null },
      ...{ truncated: null, overlong: null },
    });
  });
});
