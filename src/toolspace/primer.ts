// Copy primer: short drills that teach a small model to copy values before it sees episodes. Knows
// no server.
import { defined } from '../base/assert.ts';
import { deriveSeed, Rng } from '../base/rng.ts';
import type { JsonObject } from '../trajectory/json.ts';
import { makeWorld } from './live-server.ts';
import { dayTime, eventTitle, futureDate, itemName, personName, ticketTitle } from './values.ts';

/** Argument and result fields that drills use as keys. */
export const PRIMER_KEYS = [
  'id',
  'name',
  'title',
  'date',
  'time',
  'count',
  'price',
  'cost',
  'place',
  'status',
  'owner',
  'level',
  'value',
  'from',
  'to',
  'rate',
  'days',
  'a',
  'b',
  'result',
] as const;

interface Value {
  json: string | number;
  /** True for names and titles, which requests write in single quotes. */
  quotable: boolean;
}

const text = (json: string): Value => ({ json, quotable: true });
const plain = (json: string | number): Value => ({ json, quotable: false });

const GENERATORS: readonly ((rng: Rng) => Value)[] = [
  (rng) => text(itemName(rng, 'train')),
  (rng) => text(eventTitle(rng, 'train')),
  (rng) => text(ticketTitle(rng, 'train')),
  (rng) => text(personName(rng, 'train')),
  (rng) => text(personName(rng, 'train')),
  (rng) => plain(rng.chance(0.5) ? `I-${rng.int(11, 99)}` : `E-${rng.int(11, 99)}`),
  (rng) => plain(`T-${rng.int(101, 999)}`),
  (rng) => plain(futureDate(rng, makeWorld(rng.nextU32()).clock)),
  (rng) => plain(dayTime(rng)),
  (rng) => plain(rng.int(2, 99)),
  (rng) => plain(rng.int(11, 9999) / (rng.chance(0.5) ? 10 : 100)),
];

export interface PrimerDrill {
  /** `k1 v1, k2 v2`. */
  prompt: string;
  /** The pairs as compact JSON. */
  answer: string;
}

/**
 * `count` drills of 1 to 5 pairs with values of the training pools; half are quoted like requests,
 * half in other order.
 */
export function primerDrills(seed: number, count: number): PrimerDrill[] {
  return Array.from({ length: count }, (_, i) => drill(new Rng(deriveSeed('primer', seed, i))));
}

function drill(rng: Rng): PrimerDrill {
  const keys = rng.sample(PRIMER_KEYS, rng.int(1, 5));
  const values = new Map(keys.map((key) => [key, rng.pick(GENERATORS)(rng)]));
  const quoted = rng.chance(0.5);
  const prompt = keys.map((key) => {
    const { json, quotable } = defined(values.get(key), key);
    return quoted && quotable ? `${key} '${json}'` : `${key} ${json}`;
  });
  const order = rng.chance(0.5) ? rng.shuffle(keys) : keys;
  const answer: JsonObject = {};
  for (const key of order) answer[key] = defined(values.get(key), key).json;
  return { prompt: prompt.join(', '), answer: JSON.stringify(answer) };
}
