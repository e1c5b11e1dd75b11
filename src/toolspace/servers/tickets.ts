// The built-in ticket desk: tickets with an owner, a status and a priority. Knows nothing of tasks
// or transports.
import { z } from 'zod';
import { defined } from '../../base/assert.ts';
import {
  byId,
  byName,
  changed,
  defineTool,
  drawIds,
  nextId,
  type Outcome,
  type ServerDef,
} from '../server.ts';
import { distinct, personName, shiftDate, ticketTitle } from '../values.ts';

export const LEVELS = ['low', 'mid', 'high'] as const;

export type Ticket = {
  id: string;
  title: string;
  owner: string;
  status: string;
  level: string;
  opened: string;
};
export type TicketsState = { tickets: Ticket[] };

const id = z.string().describe('ticket id');

const findTicket = defineTool({
  name: 'find_ticket',
  description: 'Finds a ticket by its title.',
  input: z.strictObject({ title: z.string() }),
  kind: 'reads',
  run(state: TicketsState, { title }) {
    const ticket = byName(state.tickets, title, (entity) => entity.title);
    if (typeof ticket === 'string') return { error: ticket };
    return { value: { id: ticket.id, status: ticket.status } };
  },
});

const listTickets = defineTool({
  name: 'list_tickets',
  description: 'Lists the ids of the tickets of one owner.',
  input: z.strictObject({ owner: z.string() }),
  kind: 'reads',
  run(state: TicketsState, { owner }) {
    const wanted = owner.trim().toLowerCase();
    const tickets = state.tickets.filter((ticket) => ticket.owner.toLowerCase() === wanted);
    return { value: { ids: tickets.map((ticket) => ticket.id) } };
  },
});

const openTicket = defineTool({
  name: 'open_ticket',
  description: 'Opens a new ticket.',
  input: z.strictObject({ title: z.string().min(1) }),
  kind: 'adds',
  run(state: TicketsState, { title }, clock) {
    const ticket = {
      id: nextId('T', state.tickets),
      title,
      owner: 'nobody',
      status: 'open',
      level: 'mid',
      opened: clock.slice(0, 10),
    };
    return { value: { id: ticket.id }, state: { tickets: [...state.tickets, ticket] } };
  },
});

function update(
  state: TicketsState,
  ticketId: string,
  set: Partial<Ticket>,
): Outcome<TicketsState> {
  const ticket = byId(state.tickets, ticketId);
  if (typeof ticket === 'string') return { error: ticket };
  const tickets = changed(state.tickets, ticket.id, set);
  return { value: { id: ticket.id, ...set }, state: { tickets } };
}

const closeTicket = defineTool({
  name: 'close_ticket',
  description: 'Closes a ticket.',
  input: z.strictObject({ id }),
  kind: 'sets',
  run: (state: TicketsState, args) => update(state, args.id, { status: 'closed' }),
});

const assignTicket = defineTool({
  name: 'assign_ticket',
  description: 'Makes a person the owner of a ticket.',
  input: z.strictObject({ id, owner: z.string().min(1).describe('name of a person') }),
  kind: 'sets',
  run: (state: TicketsState, args) => update(state, args.id, { owner: args.owner }),
});

const setPriority = defineTool({
  name: 'set_priority',
  description: 'Sets the priority of a ticket.',
  input: z.strictObject({ id, level: z.enum(LEVELS) }),
  kind: 'sets',
  run: (state: TicketsState, args) => update(state, args.id, { level: args.level }),
});

const getOwner = defineTool({
  name: 'get_owner',
  description: 'Reads the owner of a ticket.',
  input: z.strictObject({ id }),
  kind: 'reads',
  run(state: TicketsState, args) {
    const ticket = byId(state.tickets, args.id);
    if (typeof ticket === 'string') return { error: ticket };
    return { value: { owner: ticket.owner } };
  },
});

/** The ticket server. Its state is `{tickets: [{id, title, owner, status, level, opened}]}`. */
export const tickets: ServerDef = {
  name: 'tickets',
  description: 'Tickets with an owner, a status and a priority.',
  tools: [findTicket, listTickets, openTicket, closeTicket, assignTicket, setPriority, getOwner],
  initial(rng, pool, clock): TicketsState {
    const count = rng.int(8, 10);
    const titles = distinct(count, () => ticketTitle(rng, pool));
    const owners = distinct(count - 3, () => personName(rng, pool));
    const list = drawIds(rng, 'T', count, 101, 987).map((ticketId, i) => ({
      id: ticketId,
      title: defined(titles[i], 'title'),
      // The last three share an owner with others.
      owner: owners[i] ?? rng.pick(owners),
      status: rng.chance(0.7) ? 'open' : 'waiting',
      level: rng.pick(LEVELS),
      opened: shiftDate(clock.slice(0, 10), -rng.int(1, 30)),
    }));
    return { tickets: list };
  },
};
