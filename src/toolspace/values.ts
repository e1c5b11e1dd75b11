// Values that worlds, requests and drills are made of: two-word names, people, dates, times,
// numbers. Training and test values are disjoint by a hash of the value itself. Knows no server and
// no task.
import { deriveSeed, type Rng } from '../base/rng.ts';

/** Which pool values are drawn from. */
export type Pool = 'train' | 'test';

/** The words of a text. */
export function words(list: string): string[] {
  return list.trim().split(/\s+/);
}

const ADJECTIVES = words(`
  red blue green pink grey black white brown amber coral tiny small big long short tall wide
  thin thick flat
  round square soft hard warm cold cool dry wet old neat fast slow quiet loud bright dark plain
  fancy heavy
  light sharp blunt rough smooth sweet sour fresh stale brave calm proud lucky rusty dusty shiny
  woven solid
`);
const OBJECTS = words(`
  lamp desk chair table shelf sofa bench stool mat rug vase bowl cup mug plate fork spoon knife
  pan pot
  kettle jar bottle box bag sack rope chain hook nail screw bolt drill saw hammer wrench brush
  broom bucket hose
  ladder tent torch radio clock watch phone cable mouse pen pencil ruler paper map folder frame
  mirror candle towel pillow
`);
const TOPICS = words(`
  team budget sales design hiring garden music school safety travel vendor launch summer winter
  spring family
  studio market health energy history science cinema chess poetry coffee yoga ocean forest city
  museum partner
  client product quality research support security harvest village
`);
const OCCASIONS = words(`
  lunch dinner review meeting party chat walk talk tour visit class workshop concert fair game
  match trip camp demo picnic
`);
const THINGS = words(`
  login printer modem screen keyboard website backup email router camera sensor engine heater
  window door roof
  pump valve alarm badge wifi laptop tablet speaker scanner elevator freezer oven sink battery
  charger payment
  invoice report search upload download keypad password account
`);
const TROUBLES = words(`
  error crash leak noise buzz fault smoke damage outage failure loop freeze flicker smell rattle
  lag warning jam stain crack
`);
const CONSONANTS = words('b d f g h j k l m n p r s t v z');
const VOWELS = words('a e i o u');
const FINALS = words('l n r s t k');

/** The pool that a value belongs to: one value in five is kept for tests. */
export function poolOf(kind: string, value: string): Pool {
  return deriveSeed('pool', kind, value) % 5 === 0 ? 'test' : 'train';
}

function drawIn(pool: Pool, kind: string, draw: () => string): string {
  let value = draw();
  while (poolOf(kind, value) !== pool) value = draw();
  return value;
}

/** A name of two words, one of each list; `kind` keeps the pools of different lists apart. */
export function pairName(
  rng: Rng,
  pool: Pool,
  kind: string,
  [firsts, seconds]: readonly [readonly string[], readonly string[]],
): string {
  return drawIn(pool, kind, () => `${rng.pick(firsts)} ${rng.pick(seconds)}`);
}

/** A name of two words for an item of the inventory. */
export function itemName(rng: Rng, pool: Pool): string {
  return pairName(rng, pool, 'item', [ADJECTIVES, OBJECTS]);
}

/** A title of two words for an event. */
export function eventTitle(rng: Rng, pool: Pool): string {
  return pairName(rng, pool, 'event', [TOPICS, OCCASIONS]);
}

/** A title of two words for a ticket. */
export function ticketTitle(rng: Rng, pool: Pool): string {
  return pairName(rng, pool, 'ticket', [THINGS, TROUBLES]);
}

/** A person's name of random syllables, four to six letters. */
export function personName(rng: Rng, pool: Pool): string {
  return drawIn(pool, 'person', () => {
    let name = '';
    for (let i = rng.int(2, 3); i > 0; i--) name += rng.pick(CONSONANTS) + rng.pick(VOWELS);
    if (name.length === 4 && rng.chance(0.5)) name += rng.pick(FINALS);
    return name.charAt(0).toUpperCase() + name.slice(1);
  });
}

/** `count` different values of one generator. */
export function distinct(count: number, draw: () => string): string[] {
  const out = new Set<string>();
  while (out.size < count) out.add(draw());
  return [...out];
}

/** The ISO date `days` after another; negative goes back. */
export function shiftDate(date: string, days: number): string {
  const moment = new Date(`${date}T00:00:00Z`);
  moment.setUTCDate(moment.getUTCDate() + days);
  return moment.toISOString().slice(0, 10);
}

/** Whole days from one ISO date to another. */
export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / 86_400_000);
}

/** True for a calendar date in the form 2026-03-14. */
export function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || Number.isNaN(Date.parse(`${text}T00:00:00Z`))) {
    return false;
  }
  return shiftDate(text, 0) === text;
}

/** True for a time of day in the form 14:30. */
export function isTime(text: string): boolean {
  return /^([01]\d|2[0-3]):[0-5]\d$/.test(text);
}

/** A date in the 60 days after a clock or date. */
export function futureDate(rng: Rng, clock: string): string {
  return shiftDate(clock.slice(0, 10), rng.int(1, 60));
}

/** A time of day between 08:00 and 19:45, on a quarter of an hour. */
export function dayTime(rng: Rng): string {
  const hour = String(rng.int(8, 19)).padStart(2, '0');
  return `${hour}:${rng.pick(['00', '15', '30', '45'])}`;
}

/** A number rounded to `digits` decimals. */
export function rounded(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round((value + Number.EPSILON) * scale) / scale;
}

/**
 * All words that are parts of names and titles: text that a tokenizer must not learn merges from.
 */
export const VALUE_WORDS: readonly string[] = [
  ...new Set([ADJECTIVES, OBJECTS, TOPICS, OCCASIONS, THINGS, TROUBLES].flat()),
];
