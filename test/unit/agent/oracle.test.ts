import { describe, expect, test } from 'vitest';
import { drawHabit, type Habit, nearDuplicateOf } from '../../../src/agent/policies/habits.ts';
import { oraclePolicy } from '../../../src/agent/policies/oracle.ts';
import { randomScript } from '../../../src/agent/policies/random.ts';
import { runEpisode } from '../../../src/agent/run-episode.ts';
import { summarise, wilson } from '../../../src/agent/summary.ts';
import { teacherTrace } from '../../../src/agent/teacher.ts';
import { InputError } from '../../../src/base/errors.ts';
import { combineScores, DEFAULT_WEIGHTS } from '../../../src/rubric/score.ts';
import type { Task } from '../../../src/trajectory/task.ts';
import type { Mode } from '../../../src/trajectory/trace.ts';
import {
  DIARY,
  LIMITS,
  openShop,
  priceTask,
  SHOP,
  type ShopOptions,
  step,
} from '../../support/shop.ts';
import { smallTokenizer } from '../../support/tokenizers.ts';
import { traceWith } from '../../support/traces.ts';

const tokenizer = smallTokenizer();
const NO_HABITS = { answersEarly: 0, skipsLoading: 0, nearDuplicate: 0, givesUp: 0 };

async function said(
  task: Task,
  mode: Mode,
  options: ShopOptions & { habit?: Habit; seed?: number } = {},
) {
  const { habit, seed = 1, ...shop } = options;
  const toolbox = openShop(shop);
  const policy = oraclePolicy({ task, mode, servers: toolbox.servers, seed }, habit ?? null);
  const trace = await runEpisode({
    ...{ task, mode, toolbox, limits: LIMITS, seed, temperature: 0 },
    ...{ promptStyle: 'compact', schemaStyle: 'signature' },
    policy: { kind: 'chat', policy, tokenizer },
  });
  const texts = trace.messages.flatMap(({ role, content }) =>
    role === 'assistant' ? [content] : [],
  );
  return { texts, trace };
}

const FIND = '<tool_call>{"name":"find_item","arguments":{"name":"red lamp"}}</tool_call>';
const PRICE = '<tool_call>{"name":"get_price","arguments":{"id":"I-42"}}</tool_call>';
const LOAD =
  '<tool_call>{"name":"get_selected_tools","arguments":{"server":"shop","tools":["find_item","get_price"]}}</tool_call>';
const PLAN = '<think>plan find_item get_price</think>';

describe('the oracle', () => {
  test('eager', async () => {
    const { texts } = await said(priceTask(), 'eager');
    expect(texts).toEqual([
      PLAN + FIND,
      `<think>next get_price</think>${PRICE}`,
      '<answer>12.5</answer>',
    ]);
  });

  test('itl loads a server once, before its first use', async () => {
    const steps = [
      ...priceTask().oracle.steps,
      step('diary', 'add_event', { title: 'red lamp', hour: 9 }),
      step('diary', 'list_items', {}),
    ];
    const { texts, trace } = await said(priceTask(steps), 'itl');
    expect(texts).toEqual([
      `<think>plan find_item get_price add_event diary:list_items</think>${LOAD}`,
      `<think>next find_item</think>${FIND}`,
      `<think>next get_price</think>${PRICE}`,
      '<think>load diary</think><tool_call>{"name":"get_selected_tools","arguments":{"server":"diary","tools":["add_event","list_items"]}}</tool_call>',
      '<think>next add_event</think><tool_call>{"name":"add_event","arguments":{"title":"red lamp","hour":9}}</tool_call>',
      '<think>next diary:list_items</think><tool_call>{"name":"diary:list_items","arguments":{}}</tool_call>',
      '<answer>12.5</answer>',
    ]);
    expect(trace.calls.every(({ result }) => !result.isError)).toBe(true);
    expect(trace.finalState['diary']).toEqual({ events: [{ title: 'red lamp', hour: 9 }] });
  });

  test('isl fetches the server', async () => {
    const { texts } = await said(priceTask(), 'isl');
    expect(texts[0]).toBe(
      `${PLAN}<tool_call>{"name":"fetch_tools","arguments":{"server":"shop"}}</tool_call>`,
    );
    expect(texts).toHaveLength(4);
  });

  test('repeats a busy call, planned or not', async () => {
    const [find, price] = priceTask().oracle.steps;
    if (!find || !price) throw new Error('the task has two steps');
    const planned = priceTask([{ ...find, expectError: true }, find, price]);
    for (const task of [planned, priceTask()]) {
      const { texts } = await said(task, 'eager', { busy: 'find_item' });
      const wanted = [PLAN + FIND, `<think>busy again</think>${FIND}`];
      expect(texts).toEqual([
        ...wanted,
        `<think>next get_price</think>${PRICE}`,
        '<answer>12.5</answer>',
      ]);
    }
    // Without the planted error the repeated call is left out.
    expect((await said(planned, 'eager')).texts).toHaveLength(3);
  });

  test('takes a suggested name', async () => {
    const [find, price] = priceTask().oracle.steps;
    if (!find || !price) throw new Error('the task has two steps');
    const wrong = step('shop', 'find_item', { name: 'red lmp' }, true);
    const { texts } = await said(priceTask([wrong, find, price]), 'eager');
    expect(texts[0]).toBe(`${PLAN}${FIND.replace('red lamp', 'red lmp')}`);
    expect(texts[1]).toBe(`<think>use 'red lamp'</think>${FIND}`);
    const { expectError: _, ...unplanned } = wrong;
    expect((await said(priceTask([unplanned, price]), 'eager')).texts[1]).toBe(texts[1]);
  });
});

describe('habits', () => {
  test('are drawn with their shares, one a task, by the seed', () => {
    const habits = { ...NO_HABITS, answersEarly: 0.25, givesUp: 0.25 };
    const drawn = Array.from({ length: 2000 }, (_, i) => drawHabit(habits, 3, `t${i}`));
    const share = (habit: Habit | null) => drawn.filter((item) => item === habit).length / 2000;
    // Three standard errors of a share of 0.25 in 2000 are 0.029.
    expect(Math.abs(share('answersEarly') - 0.25)).toBeLessThan(0.03);
    expect(Math.abs(share('givesUp') - 0.25)).toBeLessThan(0.03);
    expect(share('skipsLoading')).toBe(0);
    expect(drawHabit(habits, 3, 't5')).toBe(drawn[5]);
    expect(() => drawHabit({ ...NO_HABITS, answersEarly: 1, givesUp: 0.5 }, 1, 't')).toThrow(
      InputError,
    );
  });

  test('skipsLoading repeats the refused call, then gives up', async () => {
    const { texts } = await said(priceTask(), 'itl', { habit: 'skipsLoading' });
    const again = `<think>next find_item</think>${FIND}`;
    expect(texts).toEqual([PLAN + FIND, again, again, '<answer>failed</answer>']);
  });

  test('answersEarly answers at once or after the first result', async () => {
    const seeds = Array.from({ length: 8 }, (_, seed) => seed);
    const plays = seeds.map((seed) => said(priceTask(), 'eager', { habit: 'answersEarly', seed }));
    const lengths = (await Promise.all(plays)).map(({ texts }) => texts.length);
    expect(new Set(lengths)).toEqual(new Set([1, 2]));
    expect((await plays[0])?.texts.at(-1)).toBe('<answer>done</answer>');
  });

  test('givesUp answers failed after the first call; nearDuplicate takes a sibling', async () => {
    const given = await said(priceTask(), 'eager', { habit: 'givesUp' });
    expect(given.texts).toEqual([PLAN + FIND, '<answer>failed</answer>']);
    expect(nearDuplicateOf(SHOP, 'get_price')).toBe('list_items');
    expect(nearDuplicateOf(DIARY, 'list_items')).toBe('add_event');
    const near = await said(priceTask(), 'itl', { habit: 'nearDuplicate' });
    expect(near.texts.join('')).toMatch(/shop:list_items/);
  });
});

test('the teacher’s turns are marked as sampled, end token included', async () => {
  const trace = await teacherTrace({
    ...{ task: priceTask(), mode: 'itl', toolbox: openShop(), tokenizer, limits: LIMITS, seed: 1 },
    ...{ promptStyle: 'compact', schemaStyle: 'signature', habits: NO_HABITS },
  });
  const sampled = trace.segments.filter((segment) => segment.sampled);
  expect(sampled.map(({ ids }) => tokenizer.decode(ids))).toEqual([
    `${PLAN}${LOAD}<|im_end|>`,
    `<think>next find_item</think>${FIND}<|im_end|>`,
    `<think>next get_price</think>${PRICE}<|im_end|>`,
    '<answer>12.5</answer><|im_end|>',
  ]);
  expect(sampled.every(({ logprobs }) => logprobs === null)).toBe(true);
});

test('the random policy depends on its seed only and makes calls that parse', async () => {
  const play = (seed: number) =>
    runEpisode({
      ...{
        task: priceTask(),
        mode: 'itl',
        toolbox: openShop(),
        limits: LIMITS,
        seed,
        temperature: 1,
      },
      ...{ promptStyle: 'compact', schemaStyle: 'signature' },
      policy: { kind: 'scripted', policy: randomScript(), tokenizer },
    });
  const traces = await Promise.all(Array.from({ length: 20 }, (_, seed) => play(seed)));
  expect(traces.flatMap(({ calls }) => calls).length).toBeGreaterThan(20);
  const texts = traces.flatMap(({ calls }) => calls.map(({ result }) => result.text));
  expect(texts.some((text) => text.includes('malformed') || text.includes('unknown'))).toBe(false);
  expect((await play(3)).messages).toEqual(traces[3]?.messages);
});

test('summarise counts failed episodes and gives intervals', () => {
  const base = traceWith([]);
  const { criteria } = base.task.rubric;
  const scored = criteria.map(() => 0.5);
  const scores = combineScores(criteria, scored, DEFAULT_WEIGHTS);
  const heldOut = { ...base.task, heldOutPhrasing: true };
  const traces = [
    { ...base, task: priceTask(), success: true, contextTokens: 10, scores },
    { ...base, task: heldOut, success: false, contextTokens: 30 },
    { ...base, success: null, end: 'error' as const, contextTokens: 20 },
    { ...base, task: priceTask(), success: true, contextTokens: 20 },
  ];
  const summary = summarise(traces);
  expect(summary).toMatchObject({
    count: 4,
    success: 0.5,
    reward: 0.5,
    calls: 0,
    heldOutPhrasing: 0,
  });
  expect(summary.contextTokens).toEqual({ mean: 20, max: 30 });
  expect(summary.byCalls).toEqual({ '0': 0, '2': 1 });
  // Wilson for 2 of 4: centre 0.5, half width z sqrt(1/16 + z²/64) / (1 + z²/4) = 0.3500.
  expect(summary.successInterval[0]).toBeCloseTo(0.15, 3);
  expect(wilson(0, 0)).toEqual([0, 1]);
});
