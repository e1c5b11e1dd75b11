// Families of one call that are not about one known id: look-ups, lists, additions, conversions.

import { Rejected } from '../draft.ts';
import { asking, field } from '../parts.ts';
import { PLACES } from '../servers/inventory.ts';
import { CONVERSIONS } from '../servers/units.ts';
import { dayTime, shiftDate } from '../values.ts';
import type { CoreDraft, CoreFamily, EntityKind } from './core-draft.ts';
import { FINDERS, mention } from './entities.ts';
import { TELL } from './entity-phrasings.ts';
import { currencies, newEvent } from './parts.ts';

function lookup(
  name: string,
  kind: EntityKind,
  key: string,
  train: readonly string[],
  heldOut: readonly string[],
): CoreFamily {
  const finder = FINDERS[kind];
  return {
    name,
    tools: [finder.tool],
    phrasings: { train, heldOut },
    byName: true,
    draw(draft) {
      const entity = draft.entity(kind);
      const spelled = draft.spelled(entity.name);
      const result = draft.find(finder.tool, finder.key, spelled, entity.name);
      const slots = { x: mention(draft, kind, `'${spelled}'`) };
      return asking(slots, [field(result, key)], `the ${key} of '${entity.name}'`);
    },
  };
}

function listing(
  name: string,
  tool: string,
  key: string,
  choose: (draft: CoreDraft) => string,
  say: (value: string) => string,
  train: readonly string[],
  heldOut: readonly string[],
): CoreFamily {
  return {
    name,
    tools: [tool],
    phrasings: { train, heldOut },
    byName: false,
    draw(draft) {
      const value = choose(draft);
      draft.claim(`${name} ${value}`);
      const ids = field(draft.call(tool, { [key]: value }), 'ids');
      if (!Array.isArray(ids) || ids.length === 0 || ids.length > 3) {
        throw new Rejected(`${name}: a list that is empty or too long`);
      }
      return asking({ v: say(value) }, ids, `the ids of ${key} ${value}`);
    },
  };
}

const LOOKUPS: readonly CoreFamily[] = [
  lookup(
    'item_place',
    'item',
    'place',
    [
      'Where [is|do we keep|do we store|do you find] {x}[| now]?',
      `${TELL} the place of {x}.`,
      'In which place is {x}?',
    ],
    ['Where can I find {x}?', 'What place holds {x}?', 'Locate {x}.'],
  ),
  lookup(
    'item_id',
    'item',
    'id',
    ['What is the [|item ]id of {x}?', `${TELL} the id of {x}.`, 'Which id [has|belongs to] {x}?'],
    ['I need the id of {x}.', 'State the id of {x}.', 'Under which id is {x} listed?'],
  ),
  lookup(
    'event_date',
    'event',
    'date',
    ['When is {x}?', 'On [which|what] [date|day] is {x}?', `${TELL} the date of {x}.`],
    ['I need the date of {x}.', 'State the date of {x}.', 'Which day has {x}?'],
  ),
  lookup(
    'event_time',
    'event',
    'time',
    [
      'At [what|which] time [is {x}|does {x} start]?',
      `${TELL} the time of {x}.`,
      'What time [is|has] {x}?',
    ],
    ['I need the time of {x}.', 'State the starting time of {x}.', 'At what hour is {x}?'],
  ),
  lookup(
    'ticket_status',
    'ticket',
    'status',
    [
      'What is the [|current ]status of {x}?',
      `${TELL} the status of {x}.`,
      'What status has {x}?',
      'Is {x} open or waiting?',
    ],
    ['I need the status of {x}.', 'State the status of {x}.', 'How does {x} stand?'],
  ),
];

const LISTINGS: readonly CoreFamily[] = [
  listing(
    'items_in',
    'inventory:list_items',
    'place',
    (draft) => draft.rng.pick(PLACES),
    (value) => value,
    [
      '[List|Show|Give|Name|Get] the items in the {v}.',
      'Which items are [kept |stored |]in the {v}?',
      'What items [are|do we keep] in the {v}?',
      'Give me the ids of the items in the {v}.',
    ],
    ['What lies in the {v}?', 'Enumerate the items of the {v}.', 'I need all items in the {v}.'],
  ),
  listing(
    'events_on',
    'calendar:list_events',
    'date',
    (draft) => draft.take(draft.events).date,
    (value) => value,
    [
      '[List|Show|Give|Name|Get] the events [on|of] {v}.',
      'Which events [are|take place] on {v}?',
      'What events do we have on {v}?',
      'What is in the calendar on {v}?',
    ],
    ['What is planned for {v}?', 'Enumerate the events of {v}.', 'I need all events on {v}.'],
  ),
  listing(
    'tickets_of',
    'tickets:list_tickets',
    'owner',
    (draft) => draft.take(draft.tickets).owner,
    (value) => `'${value}'`,
    [
      '[List|Show|Give|Name|Get] the tickets of {v}.',
      'Which tickets [has|belong to|are assigned to] {v}?',
      'What tickets [has|belong to] {v}?',
      'Which tickets does {v} own?',
    ],
    ['What does {v} work on?', 'Enumerate the tickets of {v}.', 'I need all tickets of {v}.'],
  ),
];

const ADDITIONS: readonly CoreFamily[] = [
  {
    name: 'add_event',
    tools: ['calendar:add_event'],
    byName: false,
    phrasings: {
      train: [
        '[Add|Create|Plan|Schedule|Make|Enter] [event |an event ]{t} on {date} at {time}.',
        'Put [|event ]{t} in the calendar on {date} at {time}.',
        'Book {t} for {date} at {time}.',
      ],
      heldOut: [
        'There is {t} on {date} at {time}, note it.',
        'Set up {t} for {date} at {time}.',
        'Let there be {t} on {date} at {time}.',
      ],
    },
    draw(draft) {
      const title = draft.newName('event');
      const [date, time] = [draft.date(), dayTime(draft.rng)];
      draft.call('calendar:add_event', { title, date, time });
      return {
        slots: { t: `'${title}'`, date, time },
        asked: [],
        requirement: newEvent(title, date, time),
      };
    },
  },
  {
    name: 'open_ticket',
    tools: ['tickets:open_ticket'],
    byName: false,
    phrasings: {
      train: [
        '[Open|Create|File|Add|Make|Start|Enter] a [|new ]ticket {t}.',
        '[Open|File] a ticket [called|titled|for|named] {t}.',
      ],
      heldOut: ['We need a ticket for {t}.', 'Raise a ticket {t}.', 'Log {t} as a ticket.'],
    },
    draw(draft) {
      const title = draft.newName('ticket');
      draft.call('tickets:open_ticket', { title });
      const check = {
        kind: 'state' as const,
        server: 'tickets',
        path: ['tickets', { title }, 'status'],
        equals: 'open',
      };
      const description = `At the end there is an open ticket '${title}'.`;
      return { slots: { t: `'${title}'` }, asked: [], requirement: { description, check } };
    },
  },
];

const CONVERTING: readonly CoreFamily[] = [
  {
    name: 'convert',
    tools: ['units:convert'],
    byName: false,
    phrasings: {
      train: [
        '[Convert|Turn|Change] {n} {from} [to|into] {to}.',
        'How [many|much] {to} [is|are|make] {n} {from}?',
        'What [is|are] {n} {from} in {to}?',
        'Give me {n} {from} in {to}.',
      ],
      heldOut: [
        'Express {n} {from} in {to}.',
        'State {n} {from} as {to}.',
        'I need {n} {from} in {to}.',
      ],
    },
    draw(draft) {
      const [from, to] = draft.rng.pick(CONVERSIONS);
      const value = draft.rng.int(2, 99);
      draft.claim(`convert ${value}`);
      const result = draft.call('units:convert', { value, from, to });
      const what = `${value} ${from} in ${to}`;
      return asking({ n: String(value), from, to }, [field(result, 'value')], what);
    },
  },
  {
    name: 'exchange',
    tools: ['units:exchange'],
    byName: false,
    phrasings: {
      train: [
        '[Exchange|Convert|Change|Turn] {n} {from} [to|into] {to}.',
        'How much {to} [is|are|do I get for] {n} {from}?',
        'What [is|are] {n} {from} in {to}?',
        'Give me {n} {from} in {to}.',
      ],
      heldOut: [
        'Swap {n} {from} for {to}.',
        'State {n} {from} as {to}.',
        'I need {n} {from} in {to}.',
      ],
    },
    draw(draft) {
      const [from, to] = currencies(draft);
      const value = draft.rng.int(2, 99);
      draft.claim(`exchange ${value}`);
      const result = draft.call('units:exchange', { value, from, to });
      const what = `${value} ${from} in ${to}`;
      return asking({ n: String(value), from, to }, [field(result, 'value')], what);
    },
  },
  {
    name: 'rate',
    tools: ['units:get_rate'],
    byName: false,
    phrasings: {
      train: [
        'What is the [|exchange ]rate [of|from] {from} to {to}?',
        `${TELL} the [|exchange ]rate from {from} to {to}.`,
      ],
      heldOut: [
        'At which rate does {from} go to {to}?',
        'I need the rate of {from} to {to}.',
        'State the rate from {from} to {to}.',
      ],
    },
    draw(draft) {
      const [from, to] = currencies(draft);
      draft.claim('rate');
      const result = draft.call('units:get_rate', { from, to });
      return asking({ from, to }, [field(result, 'rate')], `the rate from ${from} to ${to}`);
    },
  },
  {
    name: 'multiply',
    tools: ['units:multiply'],
    byName: false,
    phrasings: {
      train: [
        'What is {a} [times|multiplied by|by] {b}?',
        '[Multiply|Take] {a} [by|times] {b}.',
        '[Compute|Work out|Calculate|Find] {a} times {b}.',
        'How much is {a} times {b}?',
      ],
      heldOut: [
        'Give the product of {a} and {b}.',
        'I need {a} times {b}.',
        'State {a} multiplied by {b}.',
      ],
    },
    draw(draft) {
      const [a, b] = [draft.rng.int(3, 48), draft.rng.int(12, 98)];
      draft.claim('multiply');
      const result = draft.call('units:multiply', { a, b });
      return asking({ a: String(a), b: String(b) }, [field(result, 'result')], `${a} times ${b}`);
    },
  },
  {
    name: 'add_days',
    tools: ['units:add_days'],
    byName: false,
    phrasings: {
      train: [
        '[What|Which] date is {n} days after {date}?',
        'What [is|comes] {n} days after {date}?',
        `${TELL} the date {n} days after {date}.`,
        'Add {n} days to {date}.',
      ],
      heldOut: [
        'Count {n} days on from {date}.',
        'Which day comes {n} days past {date}?',
        'I need the date {n} days after {date}.',
      ],
    },
    draw(draft) {
      const [date, days] = [draft.date(), draft.rng.int(2, 40)];
      draft.claim('add_days');
      const result = draft.call('units:add_days', { date, days });
      const what = `the date ${days} days after ${date}`;
      return asking({ n: String(days), date }, [field(result, 'date')], what);
    },
  },
  {
    name: 'days_between',
    tools: ['units:days_between'],
    byName: false,
    phrasings: {
      train: [
        'How many days [are|lie|are there] between {a} and {b}?',
        'How many days [are there|is it] from {a} to {b}?',
        `${TELL} the days [between {a} and|from {a} to] {b}.`,
        'Count the days from {a} to {b}.',
      ],
      heldOut: [
        'How far apart are {a} and {b} in days?',
        'I need the days from {a} to {b}.',
        'How long is it from {a} to {b} in days?',
      ],
    },
    draw(draft) {
      const from = draft.date();
      const to = shiftDate(from, draft.rng.int(3, 60));
      draft.claim('days_between');
      const result = draft.call('units:days_between', { from, to });
      return asking({ a: from, b: to }, [field(result, 'days')], `the days from ${from} to ${to}`);
    },
  },
];

/** All families of one call that are not about one known id. */
export const LOOKUP_FAMILIES: readonly CoreFamily[] = [
  ...LOOKUPS,
  ...LISTINGS,
  ...ADDITIONS,
  ...CONVERTING,
];
