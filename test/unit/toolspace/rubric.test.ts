// The rubrics of generated tasks, evaluated on traces made from the oracle's own calls.
import { expect, test } from 'vitest';
import { scoreTrace, taskSuccess } from '../../../src/rubric/score.ts';
import { generateTasks } from '../../../src/toolspace/tasks.ts';
import { liveServers } from '../../../src/toolspace/toolspaces.ts';
import type { JsonObject } from '../../../src/trajectory/json.ts';
import type { OracleStep, Task } from '../../../src/trajectory/task.ts';
import type { CallRecord } from '../../../src/trajectory/tool.ts';
import { type Trace, traceSchema } from '../../../src/trajectory/trace.ts';

/** A trace of these calls and this answer. */
function play(task: Task, steps: readonly OracleStep[], answer: string | null): Trace {
  const servers = liveServers(task.toolspace, task.world);
  const calls = steps.map(({ server, tool, arguments: args }, turn): CallRecord => {
    const live = servers.get(server);
    if (live === undefined) throw new Error(`no server ${server}`);
    const result = { ...live.call(tool, args), tier: 'live' as const, cutCharacters: 0 };
    return { turn, server, tool, arguments: args, meta: false, result };
  });
  const final = task.servers.map((name): [string, JsonObject] => [
    name,
    servers.get(name)?.state ?? {},
  ]);
  return traceSchema.parse({
    v: 1,
    id: task.id,
    task,
    mode: 'eager',
    policy: 'oracle',
    seed: 0,
    temperature: 0,
    messages: [{ role: 'user', content: task.prompt }],
    segments: [],
    calls,
    answer,
    end: answer === null ? 'length' : 'answer',
    error: null,
    contextTokens: 0,
    finalState: Object.fromEntries(final),
    scores: null,
    success: null,
  });
}

const tasks = [
  ...generateTasks({ split: 'train', count: 300, seed: 21, toolspace: 'core' }),
  ...generateTasks({ split: 'test', count: 300, seed: 21, toolspace: 'core' }),
];

test('the oracle meets all 12 criteria', async () => {
  for (const task of tasks) {
    const trace = play(task, task.oracle.steps, task.oracle.answer);
    const { criteria, reward } = await scoreTrace(trace);
    expect(criteria, `${task.prompt} ${JSON.stringify(task.oracle)}`).toEqual(Array(12).fill(1));
    expect(reward).toBeCloseTo(1, 12);
    expect(taskSuccess(trace)).toBe(true);
  }
});

test('doing nothing, guessing, or leaving out the last call is no success', async () => {
  for (const task of tasks) {
    for (const answer of [null, 'done', '42', task.oracle.answer]) {
      expect(taskSuccess(play(task, [], answer)), task.prompt).toBe(false);
    }
    const cut = play(task, task.oracle.steps.slice(0, -1), 'done');
    expect(taskSuccess(cut), task.prompt).toBe(false);
  }
});

test('the same work with one changed argument scores less, and one call too many a little less', async () => {
  const task = tasks.find(({ families }) => families.join() === 'set_price_by_id');
  const step = task?.oracle.steps[0];
  if (task === undefined || step === undefined) throw new Error('no such task drawn');
  const other = { ...step, arguments: { ...step.arguments, price: 5 } };
  const wrong = await scoreTrace(play(task, [other], 'done'));
  expect(wrong.categories.parameterAccuracy).toBeLessThan(1);
  expect(wrong.categories.taskFulfilment).toBeLessThan(1);
  const twice = await scoreTrace(play(task, [...task.oracle.steps, step, step], 'done'));
  expect(twice.categories.taskFulfilment).toBe(1);
  // Only `callsAtMost` fails, weight 8 of 7 + 8 + 8.
  expect(twice.categories.toolAppropriateness).toBeCloseTo(15 / 23, 12);
});
