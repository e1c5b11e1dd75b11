// Families of two to four calls in which results are carried from call to call.
import { defined } from '../../base/assert.ts';
import { asking, field } from '../parts.ts';
import { LEVELS } from '../servers/tickets.ts';
import { dayTime } from '../values.ts';
import { type CoreDraft, type CoreFamily, stateCheck } from './core-draft.ts';
import { mention } from './entities.ts';
import { currencies, newEvent } from './parts.ts';

const MONEY_FAMILIES: readonly CoreFamily[] = [false, true].map((named) => ({
  name: `price_in_by_${named ? 'name' : 'id'}`,
  tools: [...(named ? ['inventory:find_item'] : []), 'inventory:get_price', 'units:exchange'],
  byName: named,
  phrasings: {
    train: [
      '[Exchange|Convert|Change|Turn] the price of {x} from {from} to {to}.',
      'What is the price of {x} in {to}, [it is in|given in|from] {from}?',
      'The price of {x} is in {from}, [give|tell|show] it in {to}.',
      'How much {to} is the price of {x} in {from}?',
    ],
    heldOut: [
      'State the {from} price of {x} in {to}.',
      'The {from} price of {x} in {to}, please.',
      'I need the price of {x} turned from {from} to {to}.',
    ],
  },
  draw(draft: CoreDraft) {
    const { slots, id } = findItem(draft, named);
    const [from, to] = currencies(draft);
    const value = field(draft.call('inventory:get_price', { id }), 'price');
    const result = draft.call('units:exchange', { value, from, to });
    return asking({ ...slots, from, to }, [field(result, 'value')], `the price of ${id} in ${to}`);
  },
}));

const WORTH_FAMILIES: readonly CoreFamily[] = [false, true].map((named) => ({
  name: `worth_by_${named ? 'name' : 'id'}`,
  tools: [
    ...(named ? ['inventory:find_item'] : []),
    'inventory:get_stock',
    'inventory:get_price',
    'units:multiply',
  ],
  byName: named,
  phrasings: {
    train: [
      'What is [the|our] [|whole |total ]stock of {x} worth?',
      '[Multiply|Take] the stock of {x} by its price.',
      `[Tell me|Give me|Find out|Work out|Compute] the worth of the stock of {x}.`,
      'How much is the [|whole ]stock of {x} worth?',
    ],
    heldOut: [
      'What would all pieces of {x} sell for?',
      'I need the value of all stock of {x}.',
      'State the total worth of {x} in stock.',
    ],
  },
  draw(draft: CoreDraft) {
    const { slots, id } = findItem(draft, named);
    const a = field(draft.call('inventory:get_stock', { id }), 'count');
    const b = field(draft.call('inventory:get_price', { id }), 'price');
    const result = draft.call('units:multiply', { a, b });
    return asking(slots, [field(result, 'result')], `what the stock of ${id} is worth`);
  },
}));

function findItem(draft: CoreDraft, named: boolean): { slots: { x: string }; id: string } {
  const { id, name } = draft.entity('item');
  if (!named) return { slots: { x: mention(draft, 'item', id) }, id };
  const spelled = draft.spelled(name);
  draft.find('inventory:find_item', 'name', spelled, name);
  return { slots: { x: mention(draft, 'item', `'${spelled}'`) }, id };
}

const EVENT_FAMILIES: readonly CoreFamily[] = [
  {
    name: 'postpone',
    tools: ['calendar:find_event', 'units:add_days', 'calendar:move_event'],
    byName: true,
    phrasings: {
      train: [
        '[Move|Shift|Push|Put|Postpone|Delay] {x} [by|back by|back] {n} days.',
        'Let {x} [be|happen|take place] {n} days later.',
        'Make {x} {n} days later.',
      ],
      heldOut: [
        'Have {x} {n} days later than planned.',
        'Reschedule {x} to {n} days later.',
        'Put off {x} for {n} days.',
      ],
    },
    draw(draft) {
      const event = draft.take(draft.events);
      const days = draft.rng.int(2, 30);
      const spelled = draft.spelled(event.title);
      const found = draft.find('calendar:find_event', 'title', spelled, event.title);
      const sum = draft.call('units:add_days', { date: field(found, 'date'), days });
      const date = field(sum, 'date');
      draft.call('calendar:move_event', { id: event.id, date });
      return {
        slots: { x: mention(draft, 'event', `'${spelled}'`), n: String(days) },
        asked: [],
        requirement: {
          description: `At the end event ${event.id} is on ${String(date)}.`,
          check: stateCheck('event', event.id, 'date', date),
        },
      };
    },
  },
  {
    name: 'event_same_day',
    tools: ['calendar:find_event', 'calendar:add_event'],
    byName: true,
    phrasings: {
      train: [
        '[Add|Create|Plan|Schedule|Make] {t} on the [day|date] of {x} at {time}.',
        'Put {t} on the [same day as|day of] {x} at {time}.',
      ],
      heldOut: [
        'When {x} is held, also enter {t} at {time}.',
        'Set up {t} for the day of {x} at {time}.',
        'Book {t} at {time} on the date that {x} has.',
      ],
    },
    draw(draft) {
      const event = draft.take(draft.events);
      const title = draft.newName('event');
      const time = dayTime(draft.rng);
      const spelled = draft.spelled(event.title);
      const found = draft.find('calendar:find_event', 'title', spelled, event.title);
      const date = String(field(found, 'date'));
      draft.call('calendar:add_event', { title, date, time });
      const slots = { x: mention(draft, 'event', `'${spelled}'`), t: `'${title}'`, time };
      return { slots, asked: [], requirement: newEvent(title, date, time) };
    },
  },
  {
    name: 'days_apart',
    tools: ['calendar:find_event', 'calendar:find_event', 'units:days_between'],
    byName: true,
    phrasings: {
      train: [
        'How many days [are|lie|are there] between {x} and {y}?',
        'How many days [are there|is it] from {x} to {y}?',
        '[Tell me|Give me|Find out|Count] the days [between {x} and|from {x} to] {y}.',
      ],
      heldOut: [
        'How far apart are {x} and {y} in days?',
        'I need the days from {x} to {y}.',
        'How long is it from {x} to {y} in days?',
      ],
    },
    draw(draft) {
      const pair = [draft.take(draft.events), draft.take(draft.events)];
      pair.sort((a, b) => a.date.localeCompare(b.date));
      const [first, second] = [defined(pair[0], 'event'), defined(pair[1], 'event')];
      const spelled = draft.spelled(first.title);
      const from = draft.find('calendar:find_event', 'title', spelled, first.title);
      const to = draft.call('calendar:find_event', { title: second.title });
      const dates = { from: field(from, 'date'), to: field(to, 'date') };
      const result = draft.call('units:days_between', dates);
      const slots = { x: `'${spelled}'`, y: `'${second.title}'` };
      return asking(slots, [field(result, 'days')], `the days from ${first.id} to ${second.id}`);
    },
  },
  {
    name: 'new_event_guest',
    tools: ['calendar:add_event', 'calendar:invite'],
    byName: false,
    phrasings: {
      train: [
        '[Add|Create|Plan|Schedule|Make] {t} on {date} at {time} and invite {who}.',
        'Put {t} in the calendar on {date} at {time} and [invite|ask] {who}.',
        'Book {t} for {date} at {time} [with guest|and invite] {who}.',
        'Plan {t} on {date} at {time} with {who} as [|a ]guest.',
      ],
      heldOut: [
        'Set up {t} for {date} at {time} and have {who} join.',
        'There is {t} on {date} at {time}, note it and invite {who}.',
        'Let there be {t} on {date} at {time} for {who}.',
      ],
    },
    draw(draft) {
      const title = draft.newName('event');
      const who = draft.person();
      const [date, time] = [draft.date(), dayTime(draft.rng)];
      const id = field(draft.call('calendar:add_event', { title, date, time }), 'id');
      draft.call('calendar:invite', { id, name: who });
      const added = newEvent(title, date, time);
      const path = ['events', { title }, 'guests'];
      const guests = { kind: 'state' as const, server: 'calendar', path, equals: [who] };
      return {
        slots: { t: `'${title}'`, who: `'${who}'`, date, time },
        asked: [],
        requirement: {
          description: `${added.description.slice(0, -1)} with guest '${who}'.`,
          check: { kind: 'all', checks: [added.check, guests] },
        },
      };
    },
  },
];

function newTicket(
  name: string,
  tool: string,
  key: 'owner' | 'level',
  choose: (draft: CoreDraft) => string,
  train: readonly string[],
  heldOut: readonly string[],
): CoreFamily {
  return {
    name,
    tools: ['tickets:open_ticket', tool],
    byName: false,
    phrasings: { train, heldOut },
    draw(draft) {
      const title = draft.newName('ticket');
      const value = choose(draft);
      const id = field(draft.call('tickets:open_ticket', { title }), 'id');
      draft.call(tool, { id, [key]: value });
      const said = key === 'owner' ? `'${value}'` : value;
      return {
        slots: { t: `'${title}'`, v: said },
        asked: [],
        requirement: {
          description: `At the end there is a ticket '${title}' with ${key} ${said}.`,
          check: {
            kind: 'state',
            server: 'tickets',
            path: ['tickets', { title }, key],
            equals: value,
          },
        },
      };
    },
  };
}

const TICKET_FAMILIES: readonly CoreFamily[] = [
  newTicket(
    'new_ticket_owner',
    'tickets:assign_ticket',
    'owner',
    (draft) => draft.person(),
    [
      '[Open|Create|File|Add|Make] a [|new ]ticket {t} [and assign it to|and give it to|for] {v}.',
      'Open a ticket {t}, its owner is {v}.',
    ],
    [
      'We need a ticket {t} owned by {v}.',
      'Raise a ticket {t} and let {v} handle it.',
      'Log {t} as a ticket of {v}.',
    ],
  ),
  newTicket(
    'new_ticket_priority',
    'tickets:set_priority',
    'level',
    (draft) => draft.rng.pick(LEVELS.filter((level) => level !== 'mid')),
    [
      '[Open|Create|File|Add|Make] a [|new ]ticket {t} [with|of] {v} priority.',
      'Open a {v} priority ticket {t}.',
    ],
    [
      'We need a ticket {t} at {v} priority.',
      'Raise {t} as a {v} priority ticket.',
      'Log {t} as a ticket, priority {v}.',
    ],
  ),
  {
    name: 'same_owner',
    tools: ['tickets:get_owner', 'tickets:assign_ticket'],
    byName: false,
    phrasings: {
      train: [
        '[Assign|Give|Hand|Pass] {y} to the [owner of|person who owns] {x}.',
        'Let the owner of {x} [handle|take] {y}[| too].',
        'Make the owner of {x} [own|responsible for] {y}.',
      ],
      heldOut: [
        'Whoever has {x} gets {y} too.',
        'Transfer {y} to the owner of {x}.',
        'Put the owner of {x} in charge of {y}.',
      ],
    },
    draw(draft) {
      const first = draft.take(draft.tickets);
      const others = draft.tickets.filter((ticket) => ticket.owner !== first.owner);
      const second = draft.take(others);
      const owner = field(draft.call('tickets:get_owner', { id: first.id }), 'owner');
      draft.call('tickets:assign_ticket', { id: second.id, owner });
      return {
        slots: { x: mention(draft, 'ticket', first.id), y: mention(draft, 'ticket', second.id) },
        asked: [],
        requirement: {
          description: `At the end the owner of ticket ${second.id} is '${String(owner)}'.`,
          check: stateCheck('ticket', second.id, 'owner', owner),
        },
      };
    },
  },
];

/** All families in which results are carried over more than a found id. */
export const CHAIN_FAMILIES: readonly CoreFamily[] = [
  ...MONEY_FAMILIES,
  ...WORTH_FAMILIES,
  ...EVENT_FAMILIES,
  ...TICKET_FAMILIES,
];
