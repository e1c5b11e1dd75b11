// Requests about dates. Knows nothing of how parts are combined.
import { type Draft, type Family, stateIs } from '../draft.ts';
import { asking, askingAndChanging, changing, field, readNumber } from '../parts.ts';
import { countdownTitle, type DatesState, holidayName } from '../servers/dates.ts';
import { shiftDate, words } from '../values.ts';

const OFFSETS = words(`
  -11:00 -09:30 -08:00 -07:00 -06:00 -05:00 -04:00 -03:30 -03:00 -01:00 +01:00 +02:00 +03:00 +03:30
  +04:00 +04:30 +05:00 +05:30 +05:45 +06:30 +07:00 +08:00 +08:45 +09:00 +09:30 +10:30 +12:00 +13:00
`);
const dates = (draft: Draft) => draft.state<DatesState>('dates');

/** A name that none of these has and no other part uses. */
function newName(draft: Draft, taken: readonly string[], drawName: typeof holidayName): string {
  for (;;) {
    const name = drawName(draft.rng, draft.pool);
    if (!taken.includes(name)) return draft.fresh(name);
  }
}

const anyDate = (draft: Draft) => shiftDate('1952-01-01', draft.rng.int(0, 52_000));

const UNITS = [
  ['days', 'days'],
  ['working days', 'working_days'],
] as const;

export const DATES_REQUESTS: readonly Family[] = [
  {
    name: 'dates_weekday',
    tools: ['dates:date_info'],
    byName: false,
    takes: 'date',
    phrasings: {
      train: [
        'On what [weekday|day of the week] does {date} fall, and how many days are there in its year?',
        '[Tell|Give] me the weekday of {date}, and how many days its year has.',
        '[Find out|Look up] the weekday of {date} and the length of its year in days.',
      ],
      heldOut: [
        'State the weekday of {date}, and whether its year has 365 or 366 days.',
        'Which day of the week belongs to {date}, and how long, in days, is the year around it?',
      ],
    },
    draw(draft) {
      const { value: date, shown } = draft.given('date', () => anyDate(draft));
      const info = draft.call('dates:date_info', { date });
      const asked = [field(info, 'weekday'), field(info, 'daysInYear')];
      return asking({ date: shown }, asked, `weekday of ${date} and length of its year`);
    },
  },
  {
    name: 'dates_week_now',
    tools: ['dates:now', 'dates:date_info'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'Which ISO week is it now where clocks are at UTC{offset}?',
        'At UTC{offset}, what is the number of the ISO week [now|today]?',
        '[Tell me|Find out|Look up] the ISO week of the [day|date] that it is now at UTC{offset}.',
      ],
      heldOut: [
        'My clock runs at UTC{offset}: in which ISO week am I?',
        'State the current ISO week number for a place at UTC{offset}.',
      ],
    },
    draw(draft) {
      const offset = draft.rng.pick(OFFSETS);
      const date = field(draft.call('dates:now', { offset }), 'date');
      const week = readNumber(draft, 'dates:date_info', { date }, 'isoWeek');
      return { ...asking({ offset }, [week], `the ISO week now at UTC${offset}`), gives: week };
    },
  },
  {
    name: 'dates_from_today',
    tools: ['dates:now', 'dates:add_working_days'],
    byName: false,
    gives: 'date',
    phrasings: {
      train: [
        'What date is {days} working days [after today|from today] (UTC)?',
        '[Tell|Give] me the date {days} working days from now, going by UTC.',
        'I have {days} working days from today in UTC; on what date [are they over|does that end]?',
      ],
      heldOut: [
        'Counting working days from the present UTC date, on what date have {days} of them passed?',
        'A job takes {days} working days after today (UTC): state the day it is done.',
      ],
    },
    draw(draft) {
      const days = draft.rng.int(3, 60);
      const today = field(draft.call('dates:now', {}), 'date');
      const found = draft.call('dates:add_working_days', { date: today, days });
      const date = String(field(found, 'date'));
      const slots = { days: String(days) };
      return { ...asking(slots, [date], `the date ${days} working days from today`), gives: date };
    },
  },
  {
    name: 'dates_working_days',
    tools: ['dates:add_working_days'],
    byName: false,
    takes: 'date',
    gives: 'date',
    phrasings: {
      train: [
        'What date is {days} working days after {date}?',
        'Add {days} working days to {date}; [what date is that|what is the date then]?',
        '[Find|Give me|Tell me] the date that lies {days} working days after {date}.',
      ],
      heldOut: [
        'Starting from {date}, which date does one reach after {days} working days?',
        'A term of {days} working days begins after {date}: state its last day.',
      ],
    },
    draw(draft) {
      const { value: start, shown } = draft.given('date', () => draft.laterDate());
      const days = draft.rng.int(2, 40);
      const found = draft.call('dates:add_working_days', { date: start, days });
      const date = String(field(found, 'date'));
      const slots = { days: String(days), date: shown };
      const part = asking(slots, [date], `the date ${days} working days after ${start}`);
      return { ...part, gives: date };
    },
  },
  {
    name: 'dates_convert_time',
    tools: ['dates:convert_time'],
    byName: false,
    takes: 'time',
    gives: 'time',
    phrasings: {
      train: [
        'On {date} at {time} by clocks at UTC{from}, what are date and time at UTC{to}?',
        'A call [starts|begins] on {date} at {time} at UTC{from}; on what date and at what time is that at UTC{to}?',
        '[Convert|Translate] {time} of {date} from UTC{from} to UTC{to}, [with|and give] the date.',
      ],
      heldOut: [
        'Somebody at UTC{from} has {time} on {date}; state time and date for somebody at UTC{to}.',
        'What do clock and calendar show at UTC{to} when they show {time} and {date} at UTC{from}?',
      ],
    },
    draw(draft) {
      const { rng } = draft;
      const pad = (value: number) => String(value).padStart(2, '0');
      const draw = () => `${pad(rng.int(0, 23))}:${pad(rng.int(0, 59))}`;
      const { value: time, shown } = draft.given('time', draw);
      const date = draft.laterDate();
      const [from = '', to = ''] = rng.sample(OFFSETS, 2);
      const there = draft.call('dates:convert_time', { moment: { date, time }, from, to });
      const asked = [field(there, 'date'), field(there, 'time')];
      const slots = { date, time: shown, from, to };
      const part = asking(slots, asked, `${date} ${time} of UTC${from} at UTC${to}`);
      return { ...part, gives: String(field(there, 'time')) };
    },
  },
  {
    name: 'dates_until_holiday',
    tools: ['dates:find_holiday', 'dates:difference'],
    byName: true,
    takes: 'date',
    gives: 'number',
    phrasings: {
      train: [
        'How many {unit} are there from {date} to the holiday {name}?',
        '[Count|Tell me|Find out|Work out] the number of {unit} from {date} to the holiday {name}.',
        'From {date} to the holiday {name}, how many {unit} [are there|is it]?',
      ],
      heldOut: [
        'State how many {unit} it is from {date} to the holiday {name}.',
        'The holiday {name} is how many {unit} away from {date}?',
      ],
    },
    draw(draft) {
      const { rng } = draft;
      const name = draft.fresh(rng.pick(dates(draft).holidays).name);
      const today = draft.clock.slice(0, 10);
      const { value: from, shown } = draft.given('date', () => shiftDate(today, -rng.int(1, 60)));
      const [unit, key] = rng.pick(UNITS);
      const spelled = draft.spelled(name);
      const to = field(draft.find('dates:find_holiday', 'name', spelled, name), 'date');
      const count = readNumber(draft, 'dates:difference', { from, to, unit: key }, 'count');
      const slots = { unit, date: shown, name: `'${spelled}'` };
      return { ...asking(slots, [count], `${unit} from ${from} to '${name}'`), gives: count };
    },
  },
  {
    name: 'dates_countdown',
    tools: ['dates:get_countdown'],
    byName: true,
    gives: 'number',
    phrasings: {
      train: [
        'How many days [are left|remain] until {title}?',
        '[Look up|Check|Read] the countdown {title}: how many days are left?',
        'In how many days is {title}[, by its countdown|]?',
      ],
      heldOut: [
        'State how many days the countdown {title} still has to run.',
        'How far away is {title}, in days?',
      ],
    },
    draw(draft) {
      const title = draft.fresh(draft.rng.pick(dates(draft).countdowns).title);
      const spelled = draft.spelled(title);
      const found = draft.find('dates:get_countdown', 'title', spelled, title);
      const days = Number(field(found, 'daysLeft'));
      const part = asking({ title: `'${spelled}'` }, [days], `how many days '${title}' is away`);
      return { ...part, gives: days };
    },
  },
  {
    name: 'dates_start_countdown',
    tools: ['dates:add_working_days', 'dates:start_countdown'],
    byName: false,
    takes: 'date',
    phrasings: {
      train: [
        '[Start|Begin|Set up] a countdown {title} to the day {days} working days after {date}.',
        '{title} is {days} working days after {date}; [start|set up] a countdown to it.',
        'Count down to {title}, which is {days} working days after {date}.',
      ],
      heldOut: [
        'A new countdown, {title}, must end {days} working days after {date}.',
        'Let a countdown with the title {title} run to the date that lies {days} working days after {date}.',
      ],
    },
    draw(draft) {
      const taken = dates(draft).countdowns.map((item) => item.title);
      const title = newName(draft, taken, countdownTitle);
      const { value: start, shown } = draft.given('date', () => draft.laterDate());
      const days = draft.rng.int(2, 30);
      const date = field(draft.call('dates:add_working_days', { date: start, days }), 'date');
      draft.call('dates:start_countdown', { title, date });
      const slots = { title: `'${title}'`, days: String(days), date: shown };
      return changing(slots, `a countdown '${title}' runs to ${date}`, [
        stateIs('dates', ['countdowns', { title }, 'date'], date),
      ]);
    },
  },
  {
    name: 'dates_new_holiday',
    tools: ['dates:set_holiday', 'dates:add_working_days'],
    byName: false,
    takes: 'date',
    gives: 'date',
    phrasings: {
      train: [
        '[Store|Save] {date} as the holiday {name}; what date is then {days} working days after {start}?',
        '[Make|Declare] {date} a holiday called {name}, and tell me the date {days} working days after {start}.',
        '[Enter|Note] the holiday {name} on {date}. With it, which date is {days} working days after {start}?',
      ],
      heldOut: [
        'From now on {date} is the holiday {name}; save that and state the day {days} working days after {start}.',
        'Nobody works on {date}, the new holiday {name}: put it down, then find the date {days} working days after {start}.',
      ],
    },
    draw(draft) {
      const taken = dates(draft).holidays.map((item) => item.name);
      const name = newName(draft, taken, holidayName);
      const { value: day, shown } = draft.given('date', () => draft.laterDate());
      const start = shiftDate(day, -draft.rng.int(2, 9));
      const days = draft.rng.int(8, 20);
      draft.call('dates:set_holiday', { name, date: day });
      const found = draft.call('dates:add_working_days', { date: start, days });
      const date = String(field(found, 'date'));
      const part = askingAndChanging(
        { name: `'${name}'`, date: shown, start, days: String(days) },
        [date],
        `the date ${days} working days after ${start}`,
        [stateIs('dates', ['holidays', { name }, 'date'], day)],
      );
      return { ...part, gives: date };
    },
  },
];
