// Families about one entity: each action stands once with the entity's id (one call) and once with
// its name (two calls, the id is carried). Knows nothing of how parts are combined.
import { defined } from '../../base/assert.ts';
import type { Json, JsonObject } from '../../trajectory/json.ts';
import { type Part, statesAll } from '../draft.ts';
import type { Phrasings } from '../phrasing.ts';
import { LEVELS } from '../servers/tickets.ts';
import { type CoreDraft, type CoreFamily, type EntityKind, stateCheck } from './core-draft.ts';
import { ENTITY_PHRASINGS } from './entity-phrasings.ts';

/** How an entity is found by name. */
export const FINDERS: Readonly<Record<EntityKind, { tool: string; key: string }>> = {
  item: { tool: 'inventory:find_item', key: 'name' },
  event: { tool: 'calendar:find_event', key: 'title' },
  ticket: { tool: 'tickets:find_ticket', key: 'title' },
};

/**
 * What an action adds to the id: slots of the request, arguments of the call, and what must be so
 * at the end.
 */
interface Extra {
  slots: Record<string, string>;
  arguments: JsonObject;
  /** Member of the entity and its final value; a null key speaks of the whole entity. */
  final?: { key: string | null; value: Json };
}

interface Action {
  name: string;
  kind: EntityKind;
  tool: string;
  /** Field of the result that is asked for; absent when the action changes something. */
  asks?: string;
  extra?: (draft: CoreDraft, id: string) => Extra;
}

function count(draft: CoreDraft, id: string): Extra {
  const n = draft.rng.int(2, 48);
  const now = defined(
    draft.items.find((item) => item.id === id),
    id,
  ).count;
  return {
    slots: { n: String(n) },
    arguments: { count: n },
    final: { key: 'count', value: now + n },
  };
}

function price(draft: CoreDraft, id: string): Extra {
  const now = defined(
    draft.items.find((item) => item.id === id),
    id,
  ).price;
  const drawn = draft.rng.int(11, 98);
  const n = drawn === now ? drawn + 1 : drawn;
  return { slots: { n: String(n) }, arguments: { price: n }, final: { key: 'price', value: n } };
}

function date(draft: CoreDraft, id: string): Extra {
  const now = defined(
    draft.events.find((event) => event.id === id),
    id,
  ).date;
  let drawn = draft.date();
  while (drawn === now) drawn = draft.date();
  return {
    slots: { date: drawn },
    arguments: { date: drawn },
    final: { key: 'date', value: drawn },
  };
}

function guest(draft: CoreDraft): Extra {
  const who = draft.person();
  return {
    slots: { who: `'${who}'` },
    arguments: { name: who },
    final: { key: 'guests', value: [who] },
  };
}

function owner(draft: CoreDraft): Extra {
  const who = draft.person();
  return {
    slots: { who: `'${who}'` },
    arguments: { owner: who },
    final: { key: 'owner', value: who },
  };
}

function level(draft: CoreDraft, id: string): Extra {
  const now = defined(
    draft.tickets.find((ticket) => ticket.id === id),
    id,
  ).level;
  const drawn = draft.rng.pick(LEVELS.filter((candidate) => candidate !== now));
  return {
    slots: { level: drawn },
    arguments: { level: drawn },
    final: { key: 'level', value: drawn },
  };
}

function final(key: string | null, value: Json): () => Extra {
  return () => ({ slots: {}, arguments: {}, final: { key, value } });
}

const ACTIONS: readonly Action[] = [
  { name: 'stock', kind: 'item', tool: 'inventory:get_stock', asks: 'count' },
  { name: 'price', kind: 'item', tool: 'inventory:get_price', asks: 'price' },
  { name: 'cost', kind: 'item', tool: 'inventory:get_cost', asks: 'cost' },
  { name: 'set_price', kind: 'item', tool: 'inventory:set_price', extra: price },
  { name: 'add_stock', kind: 'item', tool: 'inventory:add_stock', extra: count },
  { name: 'move', kind: 'event', tool: 'calendar:move_event', extra: date },
  { name: 'cancel', kind: 'event', tool: 'calendar:cancel_event', extra: final(null, null) },
  { name: 'invite', kind: 'event', tool: 'calendar:invite', extra: guest },
  { name: 'close', kind: 'ticket', tool: 'tickets:close_ticket', extra: final('status', 'closed') },
  { name: 'assign', kind: 'ticket', tool: 'tickets:assign_ticket', extra: owner },
  { name: 'priority', kind: 'ticket', tool: 'tickets:set_priority', extra: level },
  { name: 'owner', kind: 'ticket', tool: 'tickets:get_owner', asks: 'owner' },
];

/** The entity as a request names it, with or without its kind. */
export function mention(draft: CoreDraft, kind: EntityKind, text: string): string {
  return draft.rng.chance(0.5) ? `${kind} ${text}` : text;
}

function drawPart(draft: CoreDraft, action: Action, named: boolean): Part {
  const entity = draft.entity(action.kind);
  const extra = action.extra?.(draft, entity.id) ?? { slots: {}, arguments: {} };
  let said = entity.id;
  if (named) {
    const spelled = draft.spelled(entity.name);
    const finder = FINDERS[action.kind];
    draft.find(finder.tool, finder.key, spelled, entity.name);
    said = `'${spelled}'`;
  }
  const result = draft.call(action.tool, { id: entity.id, ...extra.arguments });
  const slots = { x: mention(draft, action.kind, said), ...extra.slots };
  if (action.asks !== undefined) {
    const value = defined(result[action.asks], action.asks);
    const asked = typeof value === 'number' ? value : String(value);
    const what = `the ${action.asks} of ${action.kind} ${entity.id}`;
    const description = `The answer states ${what}: ${asked}.`;
    return { slots, asked: [asked], requirement: { description, check: statesAll([asked]) } };
  }
  const { key, value } = defined(extra.final, 'final value');
  const description =
    key === null
      ? `At the end ${action.kind} ${entity.id} is gone.`
      : `At the end ${key} of ${action.kind} ${entity.id} is ${JSON.stringify(value)}.`;
  const check = stateCheck(action.kind, entity.id, key, value);
  return { slots, asked: [], requirement: { description, check } };
}

function familyOf(action: Action, phrasings: Phrasings, named: boolean): CoreFamily {
  return {
    name: `${action.name}_by_${named ? 'name' : 'id'}`,
    tools: named ? [FINDERS[action.kind].tool, action.tool] : [action.tool],
    phrasings,
    byName: named,
    draw: (draft) => drawPart(draft, action, named),
  };
}

/** Two families for each action. */
export const ENTITY_FAMILIES: readonly CoreFamily[] = ACTIONS.flatMap((action) => {
  const phrasings = defined(ENTITY_PHRASINGS[action.name], `phrasings of ${action.name}`);
  return [familyOf(action, phrasings, false), familyOf(action, phrasings, true)];
});
