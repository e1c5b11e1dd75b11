// The draft of a task of toolspace core: what its families pick from the states of the core servers. Knows no particular
// family.
import type { Json } from '../../trajectory/json.ts';
import type { Check } from '../../trajectory/rubric.ts';
import { Draft, type Family, Rejected, stateIs } from '../draft.ts';
import type { CalendarState } from '../servers/calendar.ts';
import type { InventoryState } from '../servers/inventory.ts';
import type { TicketsState } from '../servers/tickets.ts';
import { eventTitle, futureDate, itemName, ticketTitle } from '../values.ts';

export type EntityKind = 'item' | 'event' | 'ticket';
export interface Entity {
  id: string;
  name: string;
}

export type CoreFamily = Family<CoreDraft>;

/** A task of core under construction. */
export class CoreDraft extends Draft {
  get items() {
    return this.state<InventoryState>('inventory').items;
  }
  get events() {
    return this.state<CalendarState>('calendar').events;
  }
  get tickets() {
    return this.state<TicketsState>('tickets').tickets;
  }

  /** Takes an entity of a kind as id and name. */
  entity(kind: EntityKind): Entity {
    if (kind === 'item') return this.take(this.items);
    const { id, title } = kind === 'event' ? this.take(this.events) : this.take(this.tickets);
    return { id, name: title };
  }

  /** A name that no entity of its kind has. */
  newName(kind: EntityKind): string {
    const draw = { item: itemName, event: eventTitle, ticket: ticketTitle }[kind];
    const taken = {
      item: () => this.items.map((x) => x.name),
      event: () => this.events.map((x) => x.title),
      ticket: () => this.tickets.map((x) => x.title),
    };
    const known = taken[kind]();
    const name = draw(this.rng, this.pool);
    if (known.includes(name)) throw new Rejected(`'${name}' is taken`);
    this.claim(name);
    return name;
  }

  date(): string {
    return futureDate(this.rng, this.clock);
  }
}

/** A check that an entity has a member in the final state. */
export function stateCheck(kind: EntityKind, id: string, key: string | null, equals: Json): Check {
  const [server, list] = ENTITY_LISTS[kind];
  return stateIs(server, key === null ? [list, { id }] : [list, { id }, key], equals);
}

/** Server and member of the state that hold the entities of a kind. */
export const ENTITY_LISTS: Readonly<Record<EntityKind, readonly [string, string]>> = {
  item: ['inventory', 'items'],
  event: ['calendar', 'events'],
  ticket: ['tickets', 'tickets'],
};
