// The seeded task generator of the built-in toolspaces. A task is a function of its split and its
// number; the drawing seed only picks numbers. Knows no transport and no policy.
import { InputError } from '../base/errors.ts';
import { deriveSeed } from '../base/rng.ts';
import type { Split, Task } from '../trajectory/task.ts';
import { makeCoreTask } from './core-tasks.ts';
import { makeFullTask } from './full-tasks.ts';
import { CORE, toolspaceOf } from './toolspaces.ts';

export interface TaskDraw {
  split: Split;
  count: number;
  /** Picks which tasks of the split are drawn. */
  seed: number;
  toolspace: string;
  /** Only tasks that the oracle does in at most so many calls; all without it. */
  mostCalls?: number | undefined;
}

/** So many draws in a row without a task that is wanted say that there is none. */
const VAIN_DRAWS = 1000;

/**
 * Draws different tasks of a split. Equal arguments give equal bytes.
 * @throws {InputError} for an unknown toolspace, a bad count, a split that the toolspace lacks, or one without such tasks.
 */
export function generateTasks({ split, count, seed, toolspace, mostCalls }: TaskDraw): Task[] {
  if (!Number.isInteger(count) || count < 1) {
    throw new InputError('bad_count', `tasks: got count ${count}, need a whole number above 0.`);
  }
  const most = mostCalls ?? Number.POSITIVE_INFINITY;
  const tasks = new Map<string, Task>();
  let vain = 0;
  for (let i = 0; tasks.size < count; i++) {
    const task = makeTask(toolspace, split, deriveSeed('draw', split, seed, i));
    const isNew = task.oracle.steps.length <= most && !tasks.has(task.id);
    if (isNew) tasks.set(task.id, task);
    vain = isNew ? 0 : vain + 1;
    if (vain === VAIN_DRAWS) {
      throw new InputError(
        'no_such_task',
        `tasks: got ${tasks.size} of ${count} tasks of at most ${most} calls in ${split} of ${toolspace}; ask for fewer, or raise mostCalls.`,
      );
    }
  }
  return [...tasks.values()];
}

/**
 * The task of a number.
 * @throws {InputError} for an unknown toolspace, and for a split that it lacks.
 */
export function makeTask(toolspace: string, split: Split, number: number): Task {
  if (toolspaceOf(toolspace) !== CORE) return makeFullTask(split, number);
  if (split !== 'unseen') return makeCoreTask(split, number);
  throw new InputError(
    'no_split',
    `tasks: toolspace ${toolspace} has no split 'unseen'; use 'train' or 'test'.`,
  );
}
