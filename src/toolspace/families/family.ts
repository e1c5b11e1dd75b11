// What a family of request parts is, and the draft of a task that families write their steps into.
// A family picks its values from the draft's states as they are after the parts before it. Knows no
// particular family.
import { defined } from '../../base/assert.ts';
import type { Rng } from '../../base/rng.ts';
import type { Json, JsonObject } from '../../trajectory/json.ts';
import type { Check } from '../../trajectory/rubric.ts';
import type { OracleStep } from '../../trajectory/task.ts';
import type { Phrasings } from '../phrasing.ts';
import type { CalendarState } from '../servers/calendar.ts';
import type { InventoryState } from '../servers/inventory.ts';
import type { TicketsState } from '../servers/tickets.ts';
import { eventTitle, futureDate, itemName, type Pool, personName, ticketTitle } from '../values.ts';
import type { LiveServer } from '../world.ts';

/** A kind of request part. */
export interface Family {
  readonly name: string;
  /** Tools (`server:tool`) of its steps, in order, once for each call. */
  readonly tools: readonly string[];
  readonly phrasings: Phrasings;
  /** True when the first step looks a name up, so that the name may be misspelled. */
  readonly byName: boolean;
  /** Writes the steps into the draft. @throws {Rejected} when this world has nothing that fits. */
  draw(draft: Draft): Part;
}

/** What a drawn part says and asks. */
export interface Part {
  slots: Record<string, string>;
  /** Values that the answer must state, in the order asked. */
  asked: (string | number)[];
  /** What the part requires, as one sentence and one check. */
  requirement: { description: string; check: Check };
}

/** A draw that does not fit its world; the generator draws again. */
export class Rejected extends Error {}

export type EntityKind = 'item' | 'event' | 'ticket';
export interface Entity {
  id: string;
  name: string;
}

/** A task under construction. */
export class Draft {
  readonly rng: Rng;
  readonly pool: Pool;
  readonly clock: string;
  readonly steps: OracleStep[] = [];
  readonly #servers: ReadonlyMap<string, LiveServer>;
  readonly #used = new Set<string>();
  /** Set when the next name must be misspelled in the request. */
  misspellNext = false;

  constructor(rng: Rng, pool: Pool, clock: string, servers: ReadonlyMap<string, LiveServer>) {
    this.rng = rng;
    this.pool = pool;
    this.clock = clock;
    this.#servers = servers;
  }

  /** Makes a call of the oracle; a busy tool is called again. */
  call(tool: string, args: JsonObject): JsonObject {
    const [server, name] = splitName(tool);
    const live = defined(this.#servers.get(server), `server ${server}`);
    const step = { server, tool: name, arguments: args };
    let result = live.call(name, args);
    if (result.isError && result.text.startsWith('busy')) {
      this.steps.push({ ...step, expectError: true });
      result = live.call(name, args);
    }
    if (result.value === null) throw new Rejected(`${tool}: ${result.text}`);
    this.steps.push(step);
    return result.value;
  }

  /**
   * Looks a name up as it stands in the request; a misspelled one is mended from the suggestion.
   */
  find(tool: string, key: string, asked: string, name: string): JsonObject {
    if (asked !== name) {
      const [server, toolName] = splitName(tool);
      const live = defined(this.#servers.get(server), `server ${server}`);
      const result = live.call(toolName, { [key]: asked });
      if (!result.isError || !result.text.endsWith(`did you mean '${name}'?`)) {
        throw new Rejected(`'${asked}' does not lead to '${name}'`);
      }
      this.steps.push({ server, tool: toolName, arguments: { [key]: asked }, expectError: true });
    }
    return this.call(tool, { [key]: name });
  }

  /** The name as the request writes it. */
  spelled(name: string): string {
    if (!this.misspellNext) return name;
    this.misspellNext = false;
    return misspelled(name, this.rng);
  }

  get items() {
    return (this.#state('inventory') as InventoryState).items;
  }
  get events() {
    return (this.#state('calendar') as CalendarState).events;
  }
  get tickets() {
    return (this.#state('tickets') as TicketsState).tickets;
  }

  /** An entity that no part has used yet. */
  take<T extends { id: string }>(list: readonly T[]): T {
    const free = list.filter((entity) => !this.#used.has(entity.id));
    if (free.length === 0) throw new Rejected('no unused entity');
    const entity = this.rng.pick(free);
    this.#used.add(entity.id);
    return entity;
  }

  /** Takes an entity of a kind as id and name. */
  entity(kind: EntityKind): Entity {
    if (kind === 'item') return this.take(this.items);
    const { id, title } = kind === 'event' ? this.take(this.events) : this.take(this.tickets);
    return { id, name: title };
  }

  /** Claims a value, so that two parts do not ask for the same. */
  claim(value: string): void {
    if (this.#used.has(value)) throw new Rejected(`'${value}' is used twice`);
    this.#used.add(value);
  }

  isUsed(value: string): boolean {
    return this.#used.has(value);
  }

  /** A name that no entity of its kind has. */
  newName(kind: EntityKind): string {
    const draw = { item: itemName, event: eventTitle, ticket: ticketTitle }[kind];
    const taken = { item: this.items.map((x) => x.name), event: this.events.map((x) => x.title) };
    const known = kind === 'ticket' ? this.tickets.map((x) => x.title) : taken[kind];
    const name = draw(this.rng, this.pool);
    if (known.includes(name)) throw new Rejected(`'${name}' is taken`);
    this.claim(name);
    return name;
  }

  person(): string {
    const name = personName(this.rng, this.pool);
    this.claim(name);
    return name;
  }

  date(): string {
    return futureDate(this.rng, this.clock);
  }

  #state(server: string): JsonObject {
    return defined(this.#servers.get(server), `server ${server}`).state;
  }
}

/** Server and bare name of `server:tool`. */
export function splitName(tool: string): [string, string] {
  const [server, name] = tool.split(':');
  return [defined(server, 'server'), defined(name, 'tool')];
}

/** A name with one slip of the finger: a letter lost, doubled, or swapped with its neighbour. */
function misspelled(name: string, rng: Rng): string {
  const places = [...name].flatMap((letter, i) => (i > 0 && letter !== ' ' ? [i] : []));
  const at = rng.pick(places);
  const letter = name.charAt(at);
  const next = name.charAt(at + 1);
  const slip = rng.int(0, 2);
  if (slip === 0) return name.slice(0, at) + name.slice(at + 1);
  if (slip === 1 || next === '' || next === ' ' || next === letter) {
    return name.slice(0, at) + letter + name.slice(at);
  }
  return name.slice(0, at) + next + letter + name.slice(at + 2);
}

/** A check that an entity has a member in the final state. */
export function stateCheck(kind: EntityKind, id: string, key: string | null, equals: Json): Check {
  const [server, list] = ENTITY_LISTS[kind];
  const path = key === null ? [list, { id }] : [list, { id }, key];
  return { kind: 'state', server, path, equals };
}

/** Server and member of the state that hold the entities of a kind. */
export const ENTITY_LISTS: Readonly<Record<EntityKind, readonly [string, string]>> = {
  item: ['inventory', 'items'],
  event: ['calendar', 'events'],
  ticket: ['tickets', 'tickets'],
};

/** A check that the answer states all these values. */
export function statesAll(values: readonly (string | number)[]): Check {
  const checks = values.map((value): Check => ({ kind: 'states', value }));
  const [only] = checks;
  return checks.length === 1 && only !== undefined ? only : { kind: 'all', checks };
}
