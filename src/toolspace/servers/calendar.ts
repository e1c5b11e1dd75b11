// The built-in calendar: events with a date, a time and guests. Knows nothing of tasks or
// transports.
import { z } from 'zod';
import { defined } from '../../base/assert.ts';
import { byId, byName, changed, defineTool, drawIds, type ServerDef } from '../server.ts';
import { dayTime, distinct, eventTitle, futureDate, isDate, isTime } from '../values.ts';

export type CalendarEvent = {
  id: string;
  title: string;
  date: string;
  time: string;
  guests: string[];
};
/**
 * `last` is the largest number that an id ever had: the id of a cancelled event is not given
 * again.
 */
export type CalendarState = { events: CalendarEvent[]; last: number };

const id = z.string().describe('event id');
const date = z.string().describe('date, like 2026-03-14');

function badDate(text: string): string {
  return `date: got '${text}', need a date like 2026-03-14`;
}

const findEvent = defineTool({
  name: 'find_event',
  description: 'Finds an event by its title.',
  input: z.strictObject({ title: z.string() }),
  kind: 'reads',
  run(state: CalendarState, { title }) {
    const event = byName(state.events, title, (entity) => entity.title);
    if (typeof event === 'string') return { error: event };
    return { value: { id: event.id, date: event.date, time: event.time } };
  },
});

const listEvents = defineTool({
  name: 'list_events',
  description: 'Lists the ids of the events of one day.',
  input: z.strictObject({ date }),
  kind: 'reads',
  run(state: CalendarState, args) {
    if (!isDate(args.date)) return { error: badDate(args.date) };
    const events = state.events.filter((event) => event.date === args.date);
    return { value: { ids: events.map((event) => event.id) } };
  },
});

const addEvent = defineTool({
  name: 'add_event',
  description: 'Adds an event.',
  input: z.strictObject({
    title: z.string().min(1),
    date,
    time: z.string().describe('time of day, like 14:30'),
  }),
  kind: 'adds',
  run(state: CalendarState, args) {
    if (!isDate(args.date)) return { error: badDate(args.date) };
    if (!isTime(args.time)) return { error: `time: got '${args.time}', need a time like 14:30` };
    const last = state.last + 1;
    const event = { id: `E-${last}`, ...args, guests: [] };
    return { value: { id: event.id }, state: { events: [...state.events, event], last } };
  },
});

const moveEvent = defineTool({
  name: 'move_event',
  description: 'Moves an event to another date.',
  input: z.strictObject({ id, date }),
  kind: 'sets',
  run(state: CalendarState, args) {
    if (!isDate(args.date)) return { error: badDate(args.date) };
    const event = byId(state.events, args.id);
    if (typeof event === 'string') return { error: event };
    const events = changed(state.events, event.id, { date: args.date });
    return { value: { id: event.id, date: args.date }, state: { ...state, events } };
  },
});

const cancelEvent = defineTool({
  name: 'cancel_event',
  description: 'Cancels an event: it leaves the calendar.',
  input: z.strictObject({ id }),
  kind: 'adds',
  run(state: CalendarState, args) {
    const event = byId(state.events, args.id);
    if (typeof event === 'string') return { error: event };
    const events = state.events.filter((other) => other.id !== event.id);
    return { value: { cancelled: event.id }, state: { ...state, events } };
  },
});

const invite = defineTool({
  name: 'invite',
  description: 'Invites a person to an event.',
  input: z.strictObject({ id, name: z.string().min(1).describe('name of a person') }),
  kind: 'sets',
  run(state: CalendarState, { id: eventId, name }) {
    const event = byId(state.events, eventId);
    if (typeof event === 'string') return { error: event };
    const guests = event.guests.includes(name) ? event.guests : [...event.guests, name];
    const events = changed(state.events, event.id, { guests });
    return { value: { id: event.id, guests: guests.length }, state: { ...state, events } };
  },
});

/** The calendar server. Its state is `{events: [{id, title, date, time, guests}], last}`. */
export const calendar: ServerDef = {
  name: 'calendar',
  description: 'Events with a date, a time and guests.',
  tools: [findEvent, listEvents, addEvent, moveEvent, cancelEvent, invite],
  initial(rng, pool, clock): CalendarState {
    const count = rng.int(8, 10);
    const ids = drawIds(rng, 'E', count, 11, 97);
    const titles = distinct(count, () => eventTitle(rng, pool));
    const dates = distinct(count - 2, () => futureDate(rng, clock));
    const events = ids.map((eventId, i) => ({
      id: eventId,
      title: defined(titles[i], 'title'),
      // The last two share a day with others, so that a day may hold more than one event.
      date: dates[i] ?? rng.pick(dates),
      time: dayTime(rng),
      guests: [],
    }));
    return { events, last: Math.max(...ids.map((eventId) => Number(eventId.slice(2)))) };
  },
};
