// A person's own request as a task: nothing scores it, and older files stay readable.
import { expect, test } from 'vitest';
import { scoredTrace } from '../../../src/rubric/score.ts';
import { generateTasks } from '../../../src/toolspace/tasks.ts';
import { userTask } from '../../../src/toolspace/user-task.ts';
import { taskSchema } from '../../../src/trajectory/task.ts';
import { traceWith } from '../../support/traces.ts';

const REQUEST = {
  prompt: ' What is on the list? ',
  servers: ['units'],
  toolspace: 'core',
  seed: 3,
};

test('it has no oracle and no check, and fits the schema', () => {
  const task = userTask(REQUEST);
  expect(taskSchema.parse(JSON.parse(JSON.stringify(task)))).toEqual(task);
  expect(task).toMatchObject({
    prompt: 'What is on the list?',
    servers: ['units'],
    source: 'user',
    oracle: { steps: [], answer: '' },
  });
  expect(task.rubric.criteria.filter(({ check }) => check !== null)).toEqual([]);
  expect(userTask(REQUEST).id).toBe(task.id);
  expect(userTask({ ...REQUEST, seed: 4 }).id).not.toBe(task.id);
});

test('an episode of it has no success and no reward without a judge, and has with one', async () => {
  const trace = { ...traceWith([], userTask(REQUEST)), answer: 'milk' };
  const scored = await scoredTrace(trace);
  expect(scored.success).toBeNull();
  expect(scored.scores?.reward).toBeNull();
  const judge = { name: 'half', score: () => Promise.resolve(0.5) };
  const judged = await scoredTrace(trace, { judge });
  expect(judged.success).toBeNull();
  expect(judged.scores?.reward).toBe(0.5);
});

test('one that is empty or endless is refused', () => {
  expect(() => userTask({ ...REQUEST, prompt: ' \n' })).toThrow('got 0 characters, need 1 to 4000');
  expect(() => userTask({ ...REQUEST, prompt: 'x'.repeat(4001) })).toThrow('got 4001 characters');
});

test('generated tasks have no source', () => {
  const [task] = generateTasks({ split: 'test', count: 1, seed: 1, toolspace: 'core' });
  expect(Object.keys(task ?? {})).toContain('prompt');
  expect(task).not.toHaveProperty('source');
});
