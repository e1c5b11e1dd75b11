// Pieces of requests that several families use: what is asked, what must be there at the end, what is drawn.
import { defined } from '../../base/assert.ts';
import type { Json, JsonObject } from '../../trajectory/json.ts';
import { MONEY } from '../servers/units.ts';
import { type Draft, type Part, statesAll } from './family.ts';

/** A part that asks for values read by calls. */
export function asking(slots: Record<string, string>, values: readonly Json[], what: string): Part {
  const asked = values.map((value) => (typeof value === 'number' ? value : String(value)));
  const description = `The answer states ${what}: ${asked.join(', ')}.`;
  return { slots, asked, requirement: { description, check: statesAll(asked) } };
}

/** The field of a result. */
export function field(result: JsonObject, key: string): Json {
  return defined(result[key], key);
}

/** The requirement that an event was added. */
export function newEvent(title: string, date: string, time: string): Part['requirement'] {
  const has = (key: string, equals: string) => ({
    kind: 'state' as const,
    server: 'calendar',
    path: ['events', { title }, key],
    equals,
  });
  return {
    description: `At the end the calendar has '${title}' on ${date} at ${time}.`,
    check: { kind: 'all', checks: [has('date', date), has('time', time)] },
  };
}

/** Two different currencies. */
export function currencies(draft: Draft): [string, string] {
  const [from, to] = draft.rng.sample(MONEY, 2);
  return [defined(from, 'currency'), defined(to, 'currency')];
}
