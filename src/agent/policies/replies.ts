// What scripted policies write, and how the oracle takes an error. Must not know how an episode runs.
import type { JsonObject } from '../../trajectory/json.ts';
import type { OracleStep, Task } from '../../trajectory/task.ts';

export function answer(text: string): string {
  return `<answer>${text}</answer>`;
}

export function message(think: string, call: string): string {
  return `<think>${think}</think>${call}`;
}

/** Whether a result is one of the errors that tasks plant. */
export function isComplaint(seen: string): boolean {
  return /^(busy\b|not found\b)/.test(seen);
}

/** The first asked value that was seen; `done` when none was. */
export function firstValue({ oracle }: Task, seen: string): string {
  const [first = 'done'] = oracle.answer.split(', ');
  return seen.includes(first) ? first : 'done';
}

/** Where the oracle goes on after a result. */
export interface Reaction {
  /** Index of the next step. */
  next: number;
  /** The step to make there in place of the planned one, and why; null when nothing needs mending. */
  mended: { step: OracleStep; think: string } | null;
}

/** How the oracle takes the result of the step at `at`: it repeats a busy call and takes a suggested name. */
export function reactionTo(steps: readonly OracleStep[], at: number, seen: string): Reaction {
  const made = steps[at];
  if (made === undefined) return { next: at, mended: null };
  const following = steps[at + 1];
  const planned = made.expectError === true && following?.tool === made.tool ? following : null;
  const next = planned === null ? at : at + 1;
  if (/^busy\b/.test(seen)) {
    return { next, mended: { step: planned ?? made, think: 'busy again' } };
  }
  const suggested = /^not found: '(.*)', did you mean '([^']*)'\?/.exec(seen);
  if (suggested !== null) {
    const [, wrong = '', right = ''] = suggested;
    const step = planned ?? { ...made, arguments: withRight(made.arguments, wrong, right) };
    return { next, mended: { step, think: `use '${right}'` } };
  }
  // The planted error did not come: the mended call would only repeat what worked.
  return { next: at + (planned !== null && !isComplaint(seen) ? 2 : 1), mended: null };
}

function withRight(args: JsonObject, wrong: string, right: string): JsonObject {
  const entries = Object.entries(args).map(([key, value]) => [
    key,
    value === wrong ? right : value,
  ]);
  return Object.fromEntries(entries) as JsonObject;
}
