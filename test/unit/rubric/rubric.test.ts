import { describe, expect, test } from 'vitest';
import { agreement, cohensKappa, verdictPairs } from '../../../src/rubric/agreement.ts';
import { evaluateCheck } from '../../../src/rubric/checks.ts';
import {
  combineScores,
  DEFAULT_WEIGHTS,
  scoreTrace,
  taskSuccess,
} from '../../../src/rubric/score.ts';
import { numbersIn, statesValue } from '../../../src/rubric/values.ts';
import type { Json, JsonObject } from '../../../src/trajectory/json.ts';
import { sameJson } from '../../../src/trajectory/json-values.ts';
import type { Check } from '../../../src/trajectory/rubric.ts';
import type { CallRecord } from '../../../src/trajectory/tool.ts';
import type { Trace } from '../../../src/trajectory/trace.ts';
import { someTask, traceWith } from '../../support/traces.ts';

function made(
  tool: string,
  args: JsonObject,
  value: Json,
  changes: Partial<CallRecord> = {},
): CallRecord {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const result = { text, value, isError: false, tier: 'live' as const, cutCharacters: 0 };
  return { turn: 0, server: 'shop', tool, arguments: args, meta: false, result, ...changes };
}
function failed(tool: string, args: JsonObject, text = 'busy'): CallRecord {
  const call = made(tool, args, text);
  return { ...call, result: { ...call.result, isError: true } };
}

const LOADED = made('get_selected_tools', {}, 'set_level(id,level:low|high)', {
  meta: true,
  server: null,
});
const TRACE: Trace = {
  ...traceWith([], { ...someTask(), prompt: "Price of 'red lamp'? Add 3, at 14:30." }),
  calls: [
    LOADED,
    failed('find', { name: 'red lamp' }),
    made('find', { name: 'Red Lamp ' }, { id: 'I-42', price: 12.5, list: [1, 234] }),
    made('add', { id: 'I-42', count: 3 }, { count: 8 }),
  ],
  answer: 'I-42, 12.50',
  finalState: { shop: { items: [{ id: 'I-1' }, { id: 'I-42', count: 8 }] }, mute: null },
};
const is = (check: Check, changes: Partial<Trace> = {}) =>
  evaluateCheck(check, { ...TRACE, ...changes });

describe('checks', () => {
  test.each<[Check, boolean | null]>([
    [{ kind: 'called', tool: 'shop:find', arguments: { name: 'RED LAMP' } }, true],
    [{ kind: 'called', tool: 'shop:find', arguments: { name: 'big lamp' } }, false],
    [{ kind: 'called', tool: 'shop:add', arguments: { count: 3 } }, true],
    [{ kind: 'called', tool: 'shop:add', arguments: { count: '3' } }, false],
    [{ kind: 'called', tool: 'find' }, false],
    [{ kind: 'notCalled', tool: 'shop:sell' }, true],
    [{ kind: 'notCalled', tool: 'shop:add' }, false],
    [{ kind: 'order', tools: ['shop:find', 'shop:add'] }, true],
    [{ kind: 'order', tools: ['shop:add', 'shop:find'] }, false],
    [{ kind: 'state', server: 'shop', path: ['items', { id: 'I-42' }, 'count'], equals: 8 }, true],
    [{ kind: 'state', server: 'shop', path: ['items', 0], equals: { id: 'I-1' } }, true],
    [{ kind: 'state', server: 'shop', path: ['items', 7, 'x'], equals: null }, true],
    [{ kind: 'state', server: 'shop', path: ['items', 0], equals: { id: 'I-2' } }, false],
    [{ kind: 'state', server: 'mute', path: [], equals: null }, null],
    [{ kind: 'states', value: 12.5 }, true],
    [{ kind: 'states', value: 42 }, false],
    [{ kind: 'states', value: 'i-42' }, true],
    [{ kind: 'states', value: 'I-4' }, false],
    [{ kind: 'answered' }, true],
    [{ kind: 'callsAtMost', count: 3 }, true],
    [{ kind: 'callsAtMost', count: 2 }, false],
    [{ kind: 'errorsAtMost', count: 1 }, true],
    [{ kind: 'errorsAtMost', count: 0 }, false],
    [{ kind: 'grounded' }, true],
    [{ kind: 'grounded', tool: 'shop:sell' }, false],
    [{ kind: 'answerGrounded' }, true],
  ])('%j is %s', (check, wanted) => {
    expect(is(check)).toBe(wanted);
  });

  test('a call that failed is attempted, not called', () => {
    const calls = [failed('find', {})];
    expect(is({ kind: 'attempted', tool: 'shop:find' }, { calls })).toBe(true);
    expect(is({ kind: 'called', tool: 'shop:find' }, { calls })).toBe(false);
  });

  test('all and any pass on what cannot be told', () => {
    const yes: Check = { kind: 'answered' };
    const no: Check = { kind: 'callsAtMost', count: 0 };
    const unknown: Check = { kind: 'state', server: 'mute', path: [], equals: 1 };
    expect(is({ kind: 'all', checks: [yes, unknown] })).toBeNull();
    expect(is({ kind: 'all', checks: [no, unknown] })).toBe(false);
    expect(is({ kind: 'any', checks: [no, unknown] })).toBeNull();
    expect(is({ kind: 'any', checks: [yes, unknown] })).toBe(true);
    expect(is({ kind: 'any', checks: [no, no] })).toBe(false);
  });

  test('arguments must come from before the call: request, results or enums', () => {
    const grounded = (calls: CallRecord[]) => is({ kind: 'grounded' }, { calls });
    const find = made('find', {}, { id: 'I-42' });
    const use = made('add', { id: 'I-42' }, {});
    expect(grounded([find, use])).toBe(true);
    expect(grounded([use, find])).toBe(false);
    expect(grounded([made('add', { count: 4 }, {})])).toBe(false);
    expect(grounded([made('add', { at: '14:30' }, {})])).toBe(true);
    expect(grounded([LOADED, made('set_level', { level: 'high' }, {})])).toBe(true);
    expect(grounded([made('set_level', { level: 'high' }, {})])).toBe(false);
    expect(grounded([])).toBe(false);
    // A complaint about an unknown tool or a failed load does not ground what the policy made up.
    const echo = failed('get_selected_tools', {}, "no tool 'made up'");
    const unknown = { ...echo, server: null, meta: true };
    expect(grounded([unknown, made('find', { name: 'made up' }, {})])).toBe(false);
  });

  test('what the answer states must have been seen', () => {
    const grounded = (answer: string) => is({ kind: 'answerGrounded' }, { answer });
    expect(grounded('done')).toBe(true);
    expect(grounded('12.5')).toBe(true);
    expect(grounded('234')).toBe(true);
    expect(grounded('13.5')).toBe(false);
    expect(grounded('I-43, 12.5')).toBe(false);
    expect(grounded('blue lamp')).toBe(false);
    expect(grounded('The red lamp I-42 has a price of 12.5.')).toBe(true);
    expect(grounded('The red lamp I-42 has a price of 99.')).toBe(false);
    expect(grounded('')).toBe(false);
  });

  test('an episode that does nothing passes no check on doing', () => {
    const idle = { calls: [], answer: null, end: 'length' as const };
    expect(is({ kind: 'answered' }, idle)).toBe(false);
    expect(is({ kind: 'states', value: 1 }, idle)).toBe(false);
    expect(is({ kind: 'answerGrounded' }, idle)).toBe(false);
  });
});

test('numbers stand alone: ids, dates and times are none', () => {
  expect(numbersIn('I-42 on 2026-01-05 at 14:30 for 1,234.5 and -7, 3.')).toEqual([1234.5, -7, 3]);
  expect(numbersIn('{"a":[1,2],"b":3}')).toEqual([1, 2, 3]);
  expect(statesValue('costs 0.30000000004', 0.3)).toBe(true);
  expect(statesValue('costs 0.3001', 0.3)).toBe(false);
  expect(sameJson({ a: 1, b: [2] }, { b: [2], a: 1 })).toBe(true);
  expect(sameJson([1], { 0: 1 })).toBe(false);
});

describe('scores', () => {
  test('a null leaves its category together with its weight', async () => {
    const { criteria } = someTask().rubric;
    const weighted = criteria.map((criterion, i) => ({ ...criterion, weight: i === 1 ? 3 : 1 }));
    const scored = [1, 0, null, 0.5, null, null, null, null, 1, 1, 0, 0];
    const scores = combineScores(weighted, scored, DEFAULT_WEIGHTS);
    // Task Fulfilment: (1·1 + 3·0 + 1·0.5) / (1 + 3 + 1) = 0.3.
    expect(scores.categories).toEqual({
      taskFulfilment: 0.3,
      toolAppropriateness: null,
      toolGrounding: 1,
      parameterAccuracy: 0,
    });
    // (0.4·0.3 + 0.2·1 + 0.1·0) / (0.4 + 0.2 + 0.1) = 0.32 / 0.7.
    expect(scores.reward).toBeCloseTo(0.32 / 0.7, 12);
  });

  test('a check outranks the judge, a failed judge is null', async () => {
    const task = someTask();
    const rubric = {
      ...task.rubric,
      criteria: task.rubric.criteria.map((item, i) => (i < 10 ? item : { ...item, check: null })),
    };
    const asked: string[] = [];
    const errors: string[] = [];
    const judge = {
      name: 'moody',
      score: (_: Trace, { description }: { description: string }) => {
        asked.push(description);
        return asked.length === 1 ? Promise.reject(new Error('asleep')) : Promise.resolve(0.5);
      },
    };
    const onJudgeError = (i: number, text: string) => errors.push(`${i} ${text}`);
    const scores = await scoreTrace(
      { ...TRACE, task: { ...task, rubric } },
      { judge, onJudgeError },
    );
    expect(scores.criteria).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, null, 0.5]);
    expect(asked).toEqual(['parameterAccuracy 0', 'parameterAccuracy 1']);
    expect(errors).toEqual(['10 asleep']);
    // 0.4 + 0.3 + 0.2 + 0.1·0.5.
    expect(scores.reward).toBeCloseTo(0.95, 12);
  });

  test('success needs all Task Fulfilment checks; a failed episode has no score', async () => {
    expect(taskSuccess(TRACE)).toBe(true);
    expect(taskSuccess({ ...TRACE, end: 'calls', answer: null })).toBe(false);
    const lost = { ...TRACE, end: 'error' as const };
    expect(taskSuccess(lost)).toBeNull();
    const scores = await scoreTrace(lost);
    expect([scores.reward, ...new Set(scores.criteria)]).toEqual([null, null]);
  });
});

describe('agreement', () => {
  const pairs = (counts: [boolean, boolean, number][]) =>
    counts.flatMap(([judge, check, n]) => Array.from({ length: n }, () => ({ judge, check })));

  test('kappa by hand, with an interval round it', () => {
    // Observed (20 + 15) / 50 = 0.7; expected 0.5·0.6 + 0.5·0.4 = 0.5; kappa 0.4.
    const list = pairs([
      [true, true, 20],
      [true, false, 5],
      [false, true, 10],
      [false, false, 15],
    ]);
    const result = agreement(list, { seed: 3 });
    expect(result.kappa).toBeCloseTo(0.4, 12);
    expect(result.observed).toBeCloseTo(0.7, 12);
    const [low, high] = result.interval ?? [1, 0];
    // Its standard error is sqrt(0.7·0.3 / 50) / 0.5 = 0.13, so about 0.4 ± 0.25.
    expect(low).toBeGreaterThan(0.05);
    expect(low).toBeLessThan(0.25);
    expect(high).toBeGreaterThan(0.55);
    expect(high).toBeLessThan(0.75);
    expect(agreement(list, { seed: 3 })).toEqual(result);
  });

  test('raters who never differ in anything have no kappa', () => {
    expect(cohensKappa(pairs([[true, true, 9]]))).toBeNull();
    expect(agreement([], { seed: 1 })).toEqual({
      count: 0,
      observed: null,
      kappa: null,
      interval: null,
    });
    expect(verdictPairs([0.7, null, 0.2], [1, 1, null])).toEqual([{ judge: true, check: true }]);
  });
});
