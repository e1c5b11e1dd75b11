import { describe, expect, test } from 'vitest';
import { InputError } from '../../../src/base/errors.ts';
import { FAMILIES } from '../../../src/toolspace/families/index.ts';
import { makeWorld, worldPool } from '../../../src/toolspace/live-server.ts';
import { expand } from '../../../src/toolspace/phrasing.ts';
import { generateTasks, makeTask } from '../../../src/toolspace/tasks.ts';
import { busyTool, liveServers } from '../../../src/toolspace/toolspaces.ts';
import type { Json } from '../../../src/trajectory/json.ts';
import type { Check } from '../../../src/trajectory/rubric.ts';
import { type Task, taskSchema } from '../../../src/trajectory/task.ts';

const core = (split: 'train' | 'test', count: number, seed = 7) =>
  generateTasks({ split, count, seed, toolspace: 'core' });

const train = core('train', 2000);
const unseen = core('test', 2000);

const goodSteps = (task: Task) => task.oracle.steps.filter((step) => step.expectError !== true);

/** Runs a task's oracle on the handlers; returns the final states. */
function runOracle(task: Task): Record<string, Json> {
  const servers = liveServers(task.toolspace, task.world);
  for (const step of task.oracle.steps) {
    const result = servers.get(step.server)?.call(step.tool, step.arguments);
    expect(result?.isError, `${task.id} ${step.tool}: ${result?.text}`).toBe(
      step.expectError ?? false,
    );
  }
  return states(servers);
}

const states = (servers: ReturnType<typeof liveServers>): Record<string, Json> =>
  Object.fromEntries([...servers].map(([name, live]) => [name, live.state]));

/** Value at a state path, written apart from the evaluator; a missing one is null. */
function at(value: Json, path: readonly (string | number | Record<string, Json>)[]): Json {
  let now: Json = value;
  for (const part of path) {
    if (typeof part === 'object') {
      const [key = '', wanted] = Object.entries(part)[0] ?? [];
      const list: Json[] = Array.isArray(now) ? now : [];
      now =
        list.find(
          (x) => x !== null && typeof x === 'object' && !Array.isArray(x) && x[key] === wanted,
        ) ?? null;
    } else if (typeof now === 'object' && now !== null && !Array.isArray(now)) {
      now = now[String(part)] ?? null;
    } else now = null;
  }
  return now;
}

/** State and stated-value checks against final states and an answer; null for other kinds. */
function holds(check: Check, final: Record<string, Json>, answer: string | null): boolean | null {
  if (check.kind === 'state') {
    return (
      JSON.stringify(at(final[check.server] ?? null, check.path)) === JSON.stringify(check.equals)
    );
  }
  if (check.kind === 'states') return answer?.split(', ').includes(String(check.value)) ?? false;
  if (check.kind === 'answered') return answer !== null;
  if (check.kind === 'all') {
    const parts = check.checks.map((part) => holds(part, final, answer));
    return parts.includes(false) ? false : parts.includes(null) ? null : true;
  }
  return null;
}

const fulfilment = (task: Task) => task.rubric.criteria.slice(0, 5).map(({ check }) => check);

test('tasks of few calls are those of the draw that have no more', () => {
  const few = generateTasks({
    split: 'train',
    count: 300,
    seed: 7,
    toolspace: 'core',
    mostCalls: 2,
  });
  const all = train.filter(({ oracle }) => oracle.steps.length <= 2);
  const length = Math.min(few.length, all.length);
  expect(length).toBeGreaterThan(200);
  expect(few.slice(0, length).map(({ id }) => id)).toEqual(
    all.slice(0, length).map(({ id }) => id),
  );
  expect(new Set(few.map(({ oracle }) => oracle.steps.length))).toEqual(new Set([1, 2]));
});

test('a split without tasks of so few calls is named', () => {
  const draw = { split: 'train', count: 3, seed: 7, toolspace: 'core', mostCalls: 0 } as const;
  expect(() => generateTasks(draw)).toThrow(
    'tasks: got 0 of 3 tasks of at most 0 calls in train of core; ask for fewer, or raise mostCalls.',
  );
});

describe('generated tasks', () => {
  test('fit the schema and have the promised shares of calls and errors', () => {
    for (const task of train.slice(0, 200)) expect(taskSchema.parse(task)).toEqual(task);
    const share = (calls: number) =>
      train.filter((task) => goodSteps(task).length === calls).length / train.length;
    // 2,000 draws: one standard error of a share of 0.3 is 0.010.
    for (const [i, wanted] of [0.3, 0.3, 0.22, 0.18].entries()) {
      expect(Math.abs(share(i + 1) - wanted)).toBeLessThan(0.04);
    }
    const troubled = train.filter((task) => goodSteps(task).length < task.oracle.steps.length);
    expect(Math.abs(troubled.length / train.length - 0.12)).toBeLessThan(0.03);
    const texts = troubled.map((task) => busyTool('core', task.world.seed) !== null);
    expect(new Set(texts)).toEqual(new Set([true, false]));
  });

  test('are solved by their oracle on the handlers, and the fulfilment checks then hold', () => {
    for (const task of [...train.slice(0, 600), ...unseen.slice(0, 600)]) {
      const final = runOracle(task);
      for (const check of fulfilment(task)) {
        if (check === null) throw new Error('no check');
        expect(
          holds(check, final, task.oracle.answer),
          `${task.id} ${JSON.stringify(check)}`,
        ).not.toBe(false);
      }
    }
  });

  test('fail at least one fulfilment check when nothing is done or something is blurted out', () => {
    for (const task of train.slice(0, 1000)) {
      const idle = states(liveServers('core', task.world));
      for (const answer of [null, 'done']) {
        const results = fulfilment(task).map((check) => check && holds(check, idle, answer));
        expect(results, task.prompt).toContain(false);
      }
      // Answers alone, even the right one, do not do: a state must change or a value be read by a call.
      const guess = fulfilment(task).map(
        (check) => check && holds(check, idle, task.oracle.answer),
      );
      const called = fulfilment(task).some((check) => check?.kind === 'called');
      expect(guess.includes(false) || called, task.prompt).toBe(true);
    }
  });

  test('show the servers they need among two to four', () => {
    for (const task of train) {
      expect(task.servers.length).toBeGreaterThanOrEqual(2);
      expect(task.servers.length).toBeLessThanOrEqual(4);
      expect(new Set(task.servers).size).toBe(task.servers.length);
      for (const step of task.oracle.steps) expect(task.servers).toContain(step.server);
    }
  });

  test('are the same bytes for the same seed, and others for another', () => {
    expect(JSON.stringify(core('train', 50))).toBe(JSON.stringify(train.slice(0, 50)));
    const other = new Set(core('train', 50, 8).map((task) => task.id));
    expect(train.slice(0, 50).filter((task) => other.has(task.id))).toEqual([]);
    expect(makeTask('core', 'test', 5)).toEqual(makeTask('core', 'test', 5));
  });

  test('are far more than 20,000', () => {
    const tasks = Array.from({ length: 2000 }, (_, i) => makeTask('core', 'train', i));
    // Of N equally likely tasks, 2,000 draws repeat 2000^2 / 2N times: 100 times for N = 20,000.
    expect(new Set(tasks.map((task) => task.id)).size).toBe(2000);
    // Prompts alone repeat a little: short ones with few values.
    expect(new Set(tasks.map((task) => task.prompt)).size).toBeGreaterThan(1900);
  });

  test('keep requests short', () => {
    const words = (calls: number) => {
      const list = train.filter((task) => task.families.length === calls);
      return list.reduce((sum, task) => sum + task.prompt.split(' ').length, 0) / list.length;
    };
    expect(words(1)).toBeLessThan(12);
    expect(words(4)).toBeLessThan(45);
  });

  test('refuse what they cannot draw', () => {
    const draw = { split: 'train' as const, count: 1, seed: 1, toolspace: 'core' };
    expect(() => generateTasks({ ...draw, split: 'unseen' })).toThrow(InputError);
    expect(() => generateTasks({ ...draw, toolspace: 'other' })).toThrow("need 'core'");
    expect(() => generateTasks({ ...draw, count: 0 })).toThrow(/count 0/);
  });
});

describe('train and test', () => {
  const quoted = (tasks: readonly Task[]) =>
    new Set(tasks.flatMap((task) => task.prompt.match(/'[^']+'/g) ?? []));
  const pairs = (tasks: readonly Task[]) => {
    const found = new Set<string>();
    const collect = (value: Json): void => {
      if (typeof value === 'string' && /^[A-Z][a-z]{3,5}$|^[a-z]+ [a-z]+$/.test(value))
        found.add(value);
      else if (Array.isArray(value)) value.forEach(collect);
      else if (value !== null && typeof value === 'object') Object.values(value).forEach(collect);
    };
    for (const task of tasks) for (const step of task.oracle.steps) collect(step.arguments);
    for (const task of tasks)
      for (const state of Object.values(states(liveServers('core', task.world)))) collect(state);
    return found;
  };

  test('share no prompt with a value, no world, no name and no word pair', () => {
    const [a, b] = [quoted(train), quoted(unseen)];
    expect(a.size).toBeGreaterThan(1000);
    expect([...b].filter((value) => a.has(value))).toEqual([]);
    const [c, d] = [pairs(train), pairs(unseen)];
    expect(d.size).toBeGreaterThan(1000);
    expect([...d].filter((value) => c.has(value))).toEqual([]);
    const worlds = new Set(train.map((task) => task.world.seed));
    expect(unseen.filter((task) => worlds.has(task.world.seed))).toEqual([]);
    expect(train.every((task) => worldPool(task.world.seed) === 'train')).toBe(true);
  });

  test('share no prompt at all', () => {
    const prompts = new Set(train.map((task) => task.prompt));
    expect(unseen.filter((task) => prompts.has(task.prompt)).map((task) => task.prompt)).toEqual(
      [],
    );
  });

  test('held-out phrasings stand only in test, in about a fifth of it', () => {
    expect(train.some((task) => task.heldOutPhrasing)).toBe(false);
    const share = unseen.filter((task) => task.heldOutPhrasing).length / unseen.length;
    expect(Math.abs(share - 0.2)).toBeLessThan(0.04);
    for (const { name, phrasings } of FAMILIES) {
      const known = new Set(phrasings.train.flatMap(expand));
      const held = phrasings.heldOut.flatMap(expand);
      expect(known.size, name).toBeGreaterThanOrEqual(10);
      expect(held.length, name).toBeGreaterThanOrEqual(3);
      expect(
        held.filter((text) => known.has(text)),
        name,
      ).toEqual([]);
    }
  });
});

test('a world follows from its seed', () => {
  expect(makeWorld(3)).toEqual(makeWorld(3));
  const [a, b] = [makeWorld(1), makeWorld(2)].map((world) => states(liveServers('core', world)));
  expect(JSON.stringify(a)).not.toBe(JSON.stringify(b));
});
