import { expect, test } from 'vitest';
import { TASK_DIGEST, taskDigest } from '../../support/task-digest.ts';

test('tasks are the same bits everywhere: here, and in a page (test/browser/tasks.test.ts)', () => {
  expect(taskDigest()).toBe(TASK_DIGEST);
});
