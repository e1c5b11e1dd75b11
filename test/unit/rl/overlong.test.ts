import { describe, expect, it } from 'vitest';
import { overlongPenalty, punishOverlong } from '../../../src/rl/overlong.ts';
import { experimentSchema } from '../../../src/trajectory/experiment.ts';
import type { Segment, Trace } from '../../../src/trajectory/trace.ts';
import { traceSchema } from '../../../src/trajectory/trace.ts';
import { someTask, traceWith } from '../../support/traces.ts';

const SETTINGS = { limit: 20, buffer: 4, penalty: 1 };
const { algorithm } = experimentSchema.shape;

/** A trace of two turns of the policy with a long result between them. */
function traceOf(sampled: number): Trace {
  const segment = (length: number, role: Segment['role']): Segment => ({
    role,
    ids: Array.from({ length }, () => 3),
    sampled: role === 'assistant',
    logprobs: null,
    tier: null,
  });
  const first = sampled >> 1;
  return traceWith([
    segment(100, 'user'),
    segment(first, 'assistant'),
    segment(300, 'tool'),
    segment(sampled - first, 'assistant'),
  ]);
}

describe('overlongPenalty', () => {
  it('is nothing up to limit - buffer, linear over the buffer, and whole from the limit on', () => {
    // ((20 - 4) - |y|) / 4 of equation 13 at 17, 18, 19 and 20; -1 above.
    const cases = [
      [0, 0],
      [16, 0],
      [17, -0.25],
      [18, -0.5],
      [19, -0.75],
      [20, -1],
      [21, -1],
      [500, -1],
    ] as const;
    for (const [length, want] of cases) expect(overlongPenalty(length, SETTINGS)).toBe(want);
    expect(overlongPenalty(18, { ...SETTINGS, penalty: 3 })).toBe(-1.5);
    // The buffer may be all of the limit.
    expect(overlongPenalty(5, { limit: 20, buffer: 20, penalty: 1 })).toBe(-0.25);
  });
});

describe('punishOverlong', () => {
  it('counts sampled tokens only, records the penalty, and leaves missing rewards missing', () => {
    const traces = [traceOf(10), traceOf(18), traceOf(30)];
    const group = { task: someTask(), traces, rewards: [1, 1, null] };
    const [got] = punishOverlong([group], SETTINGS);
    expect(got?.rewards).toEqual([1, 0.5, null]);
    expect(got?.traces.map(({ overlong }) => overlong)).toEqual([0, -0.5, -1]);
    expect(group.rewards).toEqual([1, 1, null]);
    for (const trace of got?.traces ?? []) expect(traceSchema.parse(trace)).toEqual(trace);
  });
});

describe('algorithm.overlong', () => {
  const grpo = { kind: 'grpo', tasksPerStep: 1, group: 2 };

  it('has a penalty of 1, and is not there when it was left out', () => {
    const parsed = algorithm.parse({ ...grpo, overlong: { limit: 9, buffer: 3 } });
    expect(parsed).toMatchObject({ overlong: { limit: 9, buffer: 3, penalty: 1 } });
    expect('overlong' in algorithm.parse(grpo)).toBe(false);
  });

  it('refuses a buffer that is longer than the limit', () => {
    const got = algorithm.safeParse({ ...grpo, overlong: { limit: 9, buffer: 10 } });
    expect(got.error?.issues[0]).toMatchObject({
      path: ['overlong', 'buffer'],
      message: 'need a number of tokens that is at most limit',
    });
  });
});
