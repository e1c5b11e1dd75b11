import { describe, expect, test } from 'vitest';
import { evaluateCheck } from '../../../src/rubric/checks.ts';
import { SEEN, UNSEEN_ONLY } from '../../../src/toolspace/full/index.ts';
import { generateTasks, makeTask } from '../../../src/toolspace/tasks.ts';
import { CORE, FULL, liveServers, serverSpecs } from '../../../src/toolspace/toolspaces.ts';
import type { Json } from '../../../src/trajectory/json.ts';
import { type Task, taskSchema } from '../../../src/trajectory/task.ts';
import type { CallRecord } from '../../../src/trajectory/tool.ts';
import type { Trace } from '../../../src/trajectory/trace.ts';

const draw = (split: Task['split'], count: number, seed = 3) =>
  generateTasks({ split, count, seed, toolspace: 'full' });
const train = draw('train', 600);
const held = draw('test', 300);
const unseen = draw('unseen', 300);
const all = [...train, ...held, ...unseen];

/** For each of the 12 criteria whether it is met. */
const met = (trace: Trace): (boolean | null)[] =>
  trace.task.rubric.criteria.map(({ check }) => check && evaluateCheck(check, trace));

/** The episode of an agent that makes the first `made` steps of the oracle on the handlers, and answers. */
function played(task: Task, made: number, answer: string): Trace {
  const servers = liveServers('full', task.world, task.servers);
  const calls = task.oracle.steps.slice(0, made).map((step): CallRecord => {
    const { server, tool, arguments: args } = step;
    const result = servers.get(server)?.call(tool, args);
    if (result === undefined) throw new Error(server);
    expect(result.isError, `${task.id} ${tool}: ${result.text}`).toBe(step.expectError ?? false);
    const told = { ...result, tier: 'live' as const, cutCharacters: 0 };
    return { turn: 0, server, tool, arguments: args, meta: false, result: told };
  });
  const states = [...servers].map(([name, live]): [string, Json] => [name, live.state]);
  const schemas = JSON.stringify(serverSpecs('full', task.servers));
  return {
    ...{ v: 1, id: task.id, task, mode: 'eager', policy: 'oracle', seed: 0, temperature: 0 },
    messages: [
      { role: 'system', content: schemas },
      { role: 'user', content: task.prompt },
    ],
    ...{ segments: [], calls, answer, end: 'answer', error: null, contextTokens: 0 },
    finalState: Object.fromEntries(states),
    ...{ scores: null, success: null },
  };
}

describe('the toolspace', () => {
  test('has the size of the paper', () => {
    const tools = (names: readonly string[]) =>
      serverSpecs('full', names).reduce((sum, server) => sum + server.tools.length, 0);
    const seen = [...CORE.servers, ...SEEN.map(({ server }) => server)].map(({ name }) => name);
    const kept = UNSEEN_ONLY.map(({ server }) => server.name);
    expect(seen.length).toBeGreaterThanOrEqual(30);
    expect(tools(seen)).toBeGreaterThanOrEqual(260);
    expect(kept.length).toBeGreaterThanOrEqual(11);
    expect(tools(kept)).toBeGreaterThanOrEqual(60);
    const names = FULL.servers.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  test('has near-duplicates across its servers', () => {
    const names = FULL.servers.flatMap(({ tools }) => tools.map(({ name }) => name));
    expect(names.filter((name) => name === 'search').length).toBeGreaterThanOrEqual(3);
    const families = [...SEEN, ...UNSEEN_ONLY].flatMap(({ requests }) => requests);
    expect(new Set(families.map(({ name }) => name)).size).toBe(families.length);
  });
});

describe('its tasks', () => {
  test('fit the schema, and are the same bytes for the same seed', () => {
    for (const task of all.slice(0, 200)) expect(taskSchema.parse(task)).toEqual(task);
    expect(JSON.stringify(draw('train', 30))).toBe(JSON.stringify(train.slice(0, 30)));
    expect(makeTask('full', 'unseen', 5)).toEqual(makeTask('full', 'unseen', 5));
    const other = new Set(draw('train', 30, 4).map(({ id }) => id));
    expect(train.filter(({ id }) => other.has(id))).toEqual([]);
  });

  test('have the requests of their difficulty, over one to three servers, among others', () => {
    const range = { easy: [2, 3], medium: [4, 5], hard: [6, 8] } as const;
    for (const { difficulty, families, servers, oracle } of all) {
      const [low, high] = range[difficulty];
      expect(families.length).toBeGreaterThanOrEqual(low);
      expect(families.length).toBeLessThanOrEqual(high);
      const needed = new Set(oracle.steps.map(({ server }) => server));
      expect(needed.size).toBeGreaterThanOrEqual(1);
      expect(needed.size).toBeLessThanOrEqual(3);
      expect(servers.length).toBeGreaterThan(needed.size);
      for (const name of needed) expect(servers).toContain(name);
    }
    const share = (of: (task: Task) => boolean) => all.filter(of).length / all.length;
    for (const level of ['easy', 'medium', 'hard'] as const) {
      expect(share((task) => task.difficulty === level)).toBeGreaterThan(0.15);
    }
    expect(
      share(({ prompt }) => /that (date|time|number|amount|city|person|text)\b/.test(prompt)),
    ).toBeGreaterThan(0.15);
    expect(
      share(({ families }) => families.some((name) => name.endsWith(':refused'))),
    ).toBeGreaterThan(0.04);
    expect(
      share(({ families }) => families.some((name) => name.endsWith(':unsaid'))),
    ).toBeGreaterThan(0.03);
    expect(
      share(({ oracle }) => oracle.steps.some(({ expectError }) => expectError)),
    ).toBeGreaterThan(0.05);
  });

  test('are solved by their oracle, which meets all 12 criteria', () => {
    for (const task of all) {
      const trace = played(task, task.oracle.steps.length, task.oracle.answer);
      const each = met(trace);
      const failed = task.rubric.criteria.filter((_, i) => each[i] !== true);
      expect(
        failed.map(({ description }) => description),
        `${task.id} ${task.prompt}`,
      ).toEqual([]);
    }
  });

  test('are not solved by an answer alone, by nothing, or without the last call', () => {
    for (const task of all) {
      const fulfilled = (trace: Trace) =>
        met(trace)
          .slice(0, 5)
          .every((one) => one === true);
      const { steps, answer } = task.oracle;
      expect(fulfilled(played(task, 0, 'done')), task.prompt).toBe(false);
      expect(fulfilled(played(task, 0, answer)), task.prompt).toBe(false);
      expect(fulfilled(played(task, steps.length, 'done')) && answer !== 'done', task.prompt).toBe(
        false,
      );
    }
  });

  test('of different splits share no request and no instance of a kind of request', () => {
    const parts = (of: (task: Task) => readonly string[]) =>
      [train, held, unseen].map((tasks) => new Set(tasks.flatMap(of)));
    for (const of of [({ prompt }: Task) => [prompt], ({ instances }: Task) => instances ?? []]) {
      const [a, b, c] = parts(of).map((set) => [...set]);
      const known = new Set(a);
      expect([...(b ?? []), ...(c ?? [])].filter((value) => known.has(value))).toEqual([]);
      expect(known.size).toBeGreaterThan(100);
    }
    const [, b, c] = parts(({ instances }) => instances ?? []);
    expect([...(b ?? [])].filter((value) => c?.has(value))).toEqual([]);
    const servers = new Set(train.flatMap(({ servers: shown }) => shown));
    expect(UNSEEN_ONLY.filter(({ server }) => servers.has(server.name))).toEqual([]);
  });

  test('keep held-out wordings out of training', () => {
    expect(train.some(({ heldOutPhrasing }) => heldOutPhrasing)).toBe(false);
    const share = held.filter(({ heldOutPhrasing }) => heldOutPhrasing).length / held.length;
    expect(Math.abs(share - 0.2)).toBeLessThan(0.08);
  });

  test('read as sentences', () => {
    for (const { prompt } of all) {
      expect(prompt).toMatch(/^['A-Z]/);
      expect(prompt).not.toMatch(/ {2}|\{\w+\}|undefined|NaN|\[object/);
    }
  });
});
