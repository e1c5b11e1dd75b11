// The built-in dates: the world's clock, calendar dates, working days and countdowns. Knows nothing of tasks or
// transports.
import { z } from 'zod';
import { defined } from '../../base/assert.ts';
import type { Rng } from '../../base/rng.ts';
import { byName, defineTool, type ServerDef } from '../server.ts';
import {
  daysBetween,
  distinct,
  isDate,
  isTime,
  type Pool,
  pairName,
  shiftDate,
  words,
} from '../values.ts';

export type Holiday = { name: string; date: string };
export type Countdown = { title: string; date: string };
export type DatesState = { holidays: Holiday[]; countdowns: Countdown[] };

const WEEKDAYS = [
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'Saturday',
  'Sunday',
] as const;

const SOME_MONDAY = '1970-01-05';
const DAY_MINUTES = 24 * 60;
/** Working days of a whole week. */
const WEEK_WORKING_DAYS = 5;

const FEAST_WORDS = words(`
  founders harvest lantern river miners sailors bakers orchard heather solstice bridge weavers
  foresters millers ferry shepherds kite tinkers
`);
const FEAST_KINDS = words(`
  day feast fair parade jubilee vigil festival memorial rest gathering remembrance blessing
  procession tribute carnival eve pageant revel
`);
const EVENT_WORDS = words(`
  rooftop museum library bakery workshop theatre harbour cottage courtyard choir orchestra
  railway gallery nursery brewery campus greenhouse stadium
`);
const EVENT_KINDS = words(`
  opening launch move premiere auction inspection handover audition reopening contest relaunch
  unveiling clearance renovation raffle anniversary rehearsal shutdown
`);

/** A name for a holiday. */
export function holidayName(rng: Rng, pool: Pool): string {
  return pairName(rng, pool, 'holiday', [FEAST_WORDS, FEAST_KINDS]);
}

/** A title for a countdown. */
export function countdownTitle(rng: Rng, pool: Pool): string {
  return pairName(rng, pool, 'countdown', [EVENT_WORDS, EVENT_KINDS]);
}

const date = z.string().describe('date, like 2026-03-14');
const offset = z
  .string()
  .regex(/^[+-](0\d|1[0-4]):[0-5]\d$/, 'need an offset from UTC like +05:30')
  .describe('offset from UTC, like +05:30');

/** Why a date cannot be reckoned with; null when it can. Four digits must hold the year before and after it. */
function badDate(name: string, text: string): string | null {
  if (isDate(text) && text >= '1900' && text < '2200') return null;
  return `${name}: got '${text}', need a date of 1900 to 2199 like 2026-03-14`;
}

/** 0 for Monday to 6 for Sunday. */
function dayOfWeek(text: string): number {
  return ((daysBetween(SOME_MONDAY, text) % 7) + 7) % 7;
}

const weekdayOf = (text: string) => defined(WEEKDAYS[dayOfWeek(text)], 'weekday');

const yearOf = (text: string): number => Number(text.slice(0, 4));
const dayOfYear = (text: string): number => daysBetween(`${text.slice(0, 4)}-01-01`, text) + 1;

/** Weeks start on Monday, and a week is of the year that has its Thursday (ISO 8601). */
function isoWeek(text: string): { year: number; week: number } {
  const thursday = shiftDate(text, 3 - dayOfWeek(text));
  return { year: yearOf(thursday), week: Math.ceil(dayOfYear(thursday) / 7) };
}

function offsetMinutes(text: string): number {
  const minutes = Number(text.slice(1, 3)) * 60 + Number(text.slice(4));
  return text.startsWith('-') ? -minutes : minutes;
}

function shiftMinutes(at: { date: string; time: string }, minutes: number) {
  const total = Number(at.time.slice(0, 2)) * 60 + Number(at.time.slice(3)) + minutes;
  const days = Math.floor(total / DAY_MINUTES);
  const left = total - days * DAY_MINUTES;
  const pad = (value: number) => String(value).padStart(2, '0');
  return {
    date: shiftDate(at.date, days),
    time: `${pad(Math.floor(left / 60))}:${pad(left % 60)}`,
  };
}

function isWorkingDay({ holidays }: DatesState, text: string): boolean {
  return dayOfWeek(text) < WEEK_WORKING_DAYS && holidays.every((holiday) => holiday.date !== text);
}

/** Working days after `from`, up to and including `to`. */
function workingDaysIn(state: DatesState, from: string, to: string): number {
  const days = daysBetween(from, to);
  const weeks = Math.floor(days / 7);
  const rest = Array.from({ length: days % 7 }, (_, i) => shiftDate(from, weeks * 7 + i + 1));
  const weekdays =
    weeks * WEEK_WORKING_DAYS + rest.filter((text) => dayOfWeek(text) < WEEK_WORKING_DAYS).length;
  const free = new Set(state.holidays.map((holiday) => holiday.date));
  const lost = [...free].filter(
    (text) => text > from && text <= to && dayOfWeek(text) < WEEK_WORKING_DAYS,
  );
  return weekdays - lost.length;
}

const now = defineTool({
  name: 'now',
  description: 'Tells the date, the time and the weekday now, in UTC or at another offset from it.',
  input: z.strictObject({ offset: offset.default('+00:00') }),
  output: z.strictObject({ date: z.string(), time: z.string(), weekday: z.enum(WEEKDAYS) }),
  kind: 'reads',
  run(_state: DatesState, args, clock) {
    const utc = { date: clock.slice(0, 10), time: clock.slice(11, 16) };
    const there = shiftMinutes(utc, offsetMinutes(args.offset));
    return { value: { ...there, weekday: weekdayOf(there.date) } };
  },
});

const convertTime = defineTool({
  name: 'convert_time',
  description: 'Converts a date and time of day from one offset from UTC to another.',
  input: z.strictObject({
    moment: z.strictObject({ date, time: z.string().describe('time of day, like 14:30') }),
    from: offset,
    to: offset,
  }),
  output: z.strictObject({ date: z.string(), time: z.string() }),
  kind: 'reads',
  run(_state: DatesState, { moment, from, to }) {
    const bad = badDate('moment.date', moment.date);
    if (bad !== null) return { error: bad };
    if (!isTime(moment.time)) {
      return { error: `moment.time: got '${moment.time}', need a time like 14:30` };
    }
    return { value: shiftMinutes(moment, offsetMinutes(to) - offsetMinutes(from)) };
  },
});

const dateInfo = defineTool({
  name: 'date_info',
  description:
    'Tells the weekday and the ISO week of a date, which day of its year it is, and how many days that year has: 366 in a leap year.',
  input: z.strictObject({ date }),
  output: z.strictObject({
    weekday: z.enum(WEEKDAYS),
    isoYear: z.int(),
    isoWeek: z.int(),
    dayOfYear: z.int(),
    daysInYear: z.int(),
    working: z.boolean(),
  }),
  kind: 'reads',
  run(state: DatesState, args) {
    const bad = badDate('date', args.date);
    if (bad !== null) return { error: bad };
    const { year, week } = isoWeek(args.date);
    return {
      value: {
        weekday: weekdayOf(args.date),
        isoYear: year,
        isoWeek: week,
        dayOfYear: dayOfYear(args.date),
        daysInYear: dayOfYear(`${args.date.slice(0, 4)}-12-31`),
        working: isWorkingDay(state, args.date),
      },
    };
  },
});

const addWorkingDays = defineTool({
  name: 'add_working_days',
  description:
    'Gives the date some working days after a date, or before it for a negative number. Weekends and stored holidays do not count.',
  input: z.strictObject({ date, days: z.int().min(-250).max(250) }),
  output: z.strictObject({ date: z.string(), weekday: z.enum(WEEKDAYS) }),
  kind: 'reads',
  run(state: DatesState, { date: start, days }) {
    const bad = badDate('date', start);
    if (bad !== null) return { error: bad };
    let at = start;
    for (let left = Math.abs(days); left > 0; ) {
      at = shiftDate(at, Math.sign(days));
      if (isWorkingDay(state, at)) left -= 1;
    }
    return { value: { date: at, weekday: weekdayOf(at) } };
  },
});

const difference = defineTool({
  name: 'difference',
  description:
    'Counts the days, or only the working days, from a date to another. It is negative when the second date is earlier.',
  input: z.strictObject({ from: date, to: date, unit: z.enum(['days', 'working_days']) }),
  output: z.strictObject({ count: z.int() }),
  kind: 'reads',
  run(state: DatesState, { from, to, unit }) {
    const bad = badDate('from', from) ?? badDate('to', to);
    if (bad !== null) return { error: bad };
    if (unit === 'days') return { value: { count: daysBetween(from, to) } };
    if (from <= to) return { value: { count: workingDaysIn(state, from, to) } };
    // Going back, the later day is the one that does not count, as in add_working_days.
    const back = workingDaysIn(state, shiftDate(to, -1), shiftDate(from, -1));
    return { value: { count: 0 - back } };
  },
});

const findHoliday = defineTool({
  name: 'find_holiday',
  description: 'Tells when a stored holiday is, by its exact name.',
  input: z.strictObject({ name: z.string() }),
  output: z.strictObject({ date: z.string(), weekday: z.enum(WEEKDAYS) }),
  kind: 'reads',
  run(state: DatesState, { name }) {
    const holiday = byName(state.holidays, name, (item) => item.name);
    if (typeof holiday === 'string') return { error: holiday };
    return { value: { date: holiday.date, weekday: weekdayOf(holiday.date) } };
  },
});

const setHoliday = defineTool({
  name: 'set_holiday',
  description: 'Stores a holiday, or moves the stored holiday of that name to another date.',
  input: z.strictObject({ name: z.string().min(1), date }),
  output: z.strictObject({ name: z.string(), holidays: z.int() }),
  kind: 'sets',
  run(state: DatesState, { name, date: day }) {
    const bad = badDate('date', day);
    if (bad !== null) return { error: bad };
    const others = state.holidays.filter((holiday) => holiday.name !== name);
    const holidays = [...others, { name, date: day }];
    return { value: { name, holidays: holidays.length }, state: { ...state, holidays } };
  },
});

const getCountdown = defineTool({
  name: 'get_countdown',
  description: 'Tells how many days are left until the date of a countdown; today is in UTC.',
  input: z.strictObject({ title: z.string() }),
  output: z.strictObject({ date: z.string(), daysLeft: z.int() }),
  kind: 'reads',
  run(state: DatesState, { title }, clock) {
    const countdown = byName(state.countdowns, title, (item) => item.title);
    if (typeof countdown === 'string') return { error: countdown };
    const { date: day } = countdown;
    return { value: { date: day, daysLeft: daysBetween(clock.slice(0, 10), day) } };
  },
});

const startCountdown = defineTool({
  name: 'start_countdown',
  description:
    'Starts a countdown to a date, or gives the countdown of that title another date. Fails for a date that is over.',
  input: z.strictObject({ title: z.string().min(1), date }),
  output: z.strictObject({ title: z.string(), daysLeft: z.int() }),
  kind: 'sets',
  run(state: DatesState, { title, date: day }, clock) {
    const bad = badDate('date', day);
    if (bad !== null) return { error: bad };
    const daysLeft = daysBetween(clock.slice(0, 10), day);
    if (daysLeft < 0) return { error: `date: ${day} is over, today is ${clock.slice(0, 10)}` };
    const others = state.countdowns.filter((countdown) => countdown.title !== title);
    const countdowns = [...others, { title, date: day }];
    return { value: { title, daysLeft }, state: { ...state, countdowns } };
  },
});

/** The dates server. Its state is `{holidays: [{name, date}], countdowns: [{title, date}]}`. */
export const dates: ServerDef = {
  name: 'dates',
  description: 'The clock, the calendar, working days with holidays, and countdowns.',
  tools: [
    now,
    convertTime,
    dateInfo,
    addWorkingDays,
    difference,
    findHoliday,
    setHoliday,
    getCountdown,
    startCountdown,
  ],
  initial(rng, pool, clock): DatesState {
    const today = clock.slice(0, 10);
    const soon = (count: number) => distinct(count, () => shiftDate(today, rng.int(3, 90)));
    const names = distinct(7, () => holidayName(rng, pool));
    const titles = distinct(5, () => countdownTitle(rng, pool));
    return {
      holidays: soon(names.length).map((day, i) => ({ name: names[i] ?? day, date: day })),
      countdowns: soon(titles.length).map((day, i) => ({ title: titles[i] ?? day, date: day })),
    };
  },
};
