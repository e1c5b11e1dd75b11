// Planted bad habits of the teacher. Must not know how an episode runs.
import { InputError } from '../../base/errors.ts';
import { deriveSeed, Rng } from '../../base/rng.ts';
import type { TeacherHabits } from '../../trajectory/experiment.ts';
import type { OracleStep } from '../../trajectory/task.ts';
import type { ServerSpec } from '../../trajectory/tool.ts';

export type Habit = keyof TeacherHabits;
const HABITS: readonly Habit[] = ['answersEarly', 'skipsLoading', 'nearDuplicate', 'givesUp'];

/**
 * The habit that a task shows, if any: at most one, with the given shares over tasks.
 * @throws {InputError} when the shares add up to more than 1.
 */
export function drawHabit(
  habits: TeacherHabits | undefined,
  seed: number,
  taskId: string,
): Habit | null {
  if (habits === undefined) return null;
  const sum = HABITS.reduce((total, habit) => total + habits[habit], 0);
  if (sum > 1 + 1e-9) {
    throw new InputError(
      'habits-sum',
      `habits: got shares that add up to ${sum}, need at most 1 since a task shows one habit; ` +
        'lower them',
    );
  }
  let draw = new Rng(deriveSeed(seed, 'habit', taskId)).next();
  for (const habit of HABITS) {
    if (draw < habits[habit]) return habit;
    draw -= habits[habit];
  }
  return null;
}

/** The first other tool of the server whose name shares a word, else the next in its list; itself when it is alone. */
export function nearDuplicateOf(server: ServerSpec, tool: string): string {
  const words = new Set(tool.split('_'));
  const names = server.tools.map((item) => item.name);
  const kin = names.find(
    (name) => name !== tool && name.split('_').some((word) => words.has(word)),
  );
  return kin ?? names[(names.indexOf(tool) + 1) % names.length] ?? tool;
}

/** The steps of a teacher that takes a near duplicate for one of its tools, everywhere. */
export function withNearDuplicate(
  steps: readonly OracleStep[],
  servers: readonly ServerSpec[],
  rng: Rng,
): OracleStep[] {
  if (steps.length === 0) return [];
  const { server, tool } = rng.pick(steps);
  const spec = servers.find(({ name }) => name === server);
  if (spec === undefined) return [...steps];
  const duplicate = nearDuplicateOf(spec, tool);
  const isIt = (step: OracleStep) => step.server === server && step.tool === tool;
  return steps.map((step) => (isIt(step) ? { ...step, tool: duplicate } : step));
}
