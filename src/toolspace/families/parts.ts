// Pieces of requests that several families use: what is asked, what must be there at the end, what is drawn.
import { defined } from '../../base/assert.ts';
import type { Part } from '../draft.ts';
import { MONEY } from '../servers/units.ts';
import type { CoreDraft } from './core-draft.ts';

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
export function currencies(draft: CoreDraft): [string, string] {
  const [from, to] = draft.rng.sample(MONEY, 2);
  return [defined(from, 'currency'), defined(to, 'currency')];
}
