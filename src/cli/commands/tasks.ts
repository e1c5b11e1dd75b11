// `atlas tasks`: tasks as JSON lines.
import { InputError } from '../../base/errors.ts';
import { generateTasks } from '../../toolspace/tasks.ts';
import { splitSchema } from '../../trajectory/task.ts';
import { Flags } from '../flags.ts';
import { printJson } from '../output.ts';

/** Draws the tasks of one command line. @throws {InputError} for a bad flag. */
export function runTasks(flags: Flags) {
  for (const name of ['count', 'seed']) {
    if (!flags.has(name)) {
      throw new InputError('flags', `tasks: got no --${name}, need a whole number`);
    }
  }
  return generateTasks({
    split: flags.choice('split', splitSchema.options),
    count: flags.integer('count', 1, 1),
    seed: flags.integer('seed', 0, 0, Number.MAX_SAFE_INTEGER),
    toolspace: flags.text('toolspace') ?? 'core',
  });
}

export async function tasks(argv: readonly string[]): Promise<void> {
  const options = {
    split: 'string',
    count: 'string',
    seed: 'string',
    toolspace: 'string',
  } as const;
  for (const task of runTasks(new Flags('tasks', argv, options))) printJson(task);
}
