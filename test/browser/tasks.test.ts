// The task generator inside a page: the same bits as in Node, where the unit test of the same name compares with the same hash.
import { expect, it } from 'vitest';
import { TASK_DIGEST, taskDigest } from '../support/task-digest.ts';

it('generates the same tasks as Node', () => {
  expect(taskDigest()).toBe(TASK_DIGEST);
});
