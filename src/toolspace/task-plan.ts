// The plan of a task of toolspace full: how many requests, to which servers, in what order, and what goes wrong. Draws no
// world and writes no request.
import { defined } from '../base/assert.ts';
import type { Rng } from '../base/rng.ts';
import type { Task } from '../trajectory/task.ts';
import { type Carried, Rejected } from './draft.ts';
import type { CoreFamily } from './families/core-draft.ts';
import { drawTrouble } from './task-parts.ts';

/** What tasks of a split are made of. */
export interface Pools {
  readonly families: readonly CoreFamily[];
  /** Servers that may be shown beside those that a task needs. */
  readonly distractors: readonly string[];
}

export interface Plan {
  readonly difficulty: Task['difficulty'];
  /** Servers that the families need. */
  readonly servers: readonly string[];
  /** In order: what one gives, the next one may take. */
  readonly families: readonly CoreFamily[];
  /** Asked for though its servers are not shown. */
  readonly refused: CoreFamily | null;
  /** Asked for without a value that it needs. */
  readonly unsaid: CoreFamily | null;
  /** The tool whose first call is busy. */
  readonly busy: string | null;
  readonly misspelled: boolean;
  readonly heldOut: boolean;
}

const HELD_OUT_SHARE = 0.2;
const REFUSED_SHARE = 0.08;
const UNSAID_SHARE = 0.07;
/** How often a request that hands a value on is followed by one that takes it, where there is one. */
const CARRY_SHARE = 0.8;
/** How often two such requests are looked for. */
const CARRYING_SHARE = 0.4;
/** Of ten tasks: how difficult, and over how many servers. */
const DIFFICULTIES = [
  'easy',
  'easy',
  'easy',
  'easy',
  'medium',
  'medium',
  'medium',
  'hard',
  'hard',
  'hard',
] as const;
const SERVER_COUNTS = [1, 1, 1, 2, 2, 2, 2, 3, 3, 3] as const;
const REQUESTS = { easy: [2, 3], medium: [4, 5], hard: [6, 8] } as const;

export function serversOf(family: CoreFamily): string[] {
  return [...new Set(family.tools.map((tool) => tool.slice(0, tool.indexOf(':'))))];
}

/**
 * Draws a plan. `heldOut`: wordings that are kept out of training may be drawn.
 * @throws {Rejected} when the drawn servers have too few kinds of requests.
 */
export function drawPlan(rng: Rng, pools: Pools, heldOut: boolean): Plan {
  const difficulty = rng.pick(DIFFICULTIES);
  const [low, high] = REQUESTS[difficulty];
  const special = rng.next();
  const refuses = special < REFUSED_SHARE;
  const leavesOut = !refuses && special < REFUSED_SHARE + UNSAID_SHARE;
  const count = rng.int(low, high) - (refuses || leavesOut ? 1 : 0);
  const names = [...new Set(pools.families.flatMap(serversOf))];
  const servers = rng.sample(names, rng.pick(SERVER_COUNTS));
  const fitting = rng.shuffle(
    pools.families.filter((family) => serversOf(family).every((name) => servers.includes(name))),
  );
  const chosen = chooseFamilies(rng, fitting, count, servers);
  const rest = fitting.filter((family) => !chosen.includes(family));
  const elsewhere = pools.families.filter((family) =>
    serversOf(family).every((name) => !servers.includes(name)),
  );
  const unsaid = rest.filter(({ takes }) => takes !== undefined && LEFT_OUT_KINDS.has(takes));
  if (leavesOut && unsaid.length === 0) throw new Rejected('nothing can be left out');
  const trouble = drawTrouble(rng);
  return {
    difficulty,
    servers: rng.shuffle(servers),
    families: inOrder(rng, chosen),
    refused: refuses ? rng.pick(elsewhere) : null,
    unsaid: leavesOut ? rng.pick(unsaid) : null,
    busy: trouble === 'busy' ? rng.pick(chosen.flatMap(({ tools }) => tools)) : null,
    misspelled: trouble === 'misspelled',
    heldOut: heldOut && rng.chance(HELD_OUT_SHARE),
  };
}

/** Different families, such that every server is needed. */
function chooseFamilies(
  rng: Rng,
  fitting: readonly CoreFamily[],
  count: number,
  servers: readonly string[],
): CoreFamily[] {
  const chosen = new Set<CoreFamily>(count > 1 ? carrying(rng, fitting) : []);
  const covered = (name: string) => [...chosen].some((family) => serversOf(family).includes(name));
  for (const name of servers.filter((one) => !covered(one))) {
    const one = fitting.find((family) => !chosen.has(family) && serversOf(family).includes(name));
    if (one !== undefined) chosen.add(one);
  }
  for (const family of fitting) if (chosen.size < count) chosen.add(family);
  const needed = new Set([...chosen].flatMap(serversOf));
  if (chosen.size !== count || needed.size < servers.length) throw new Rejected('too few requests');
  return rng.shuffle([...chosen]);
}

/** Often two of them, of which the first gives what the second takes. */
function carrying(rng: Rng, fitting: readonly CoreFamily[]): CoreFamily[] {
  const giver = fitting.find(({ gives }) => gives !== undefined);
  const taker = fitting.find((family) => family !== giver && family.takes === giver?.gives);
  return giver !== undefined && taker !== undefined && rng.chance(CARRYING_SHARE)
    ? [giver, taker]
    : [];
}

/** What takes over a value is put behind what hands it on, mostly. */
function inOrder(rng: Rng, families: readonly CoreFamily[]): CoreFamily[] {
  const left = [...families];
  const ordered: CoreFamily[] = [];
  while (left.length > 0) {
    const kind = ordered.at(-1)?.gives;
    const follower = kind === undefined ? -1 : left.findIndex(({ takes }) => takes === kind);
    const at = follower >= 0 && rng.chance(CARRY_SHARE) ? follower : 0;
    ordered.push(defined(left.splice(at, 1)[0], 'family'));
  }
  return ordered;
}

/** Kinds of values that a request may leave out. */
export const LEFT_OUT_KINDS: ReadonlySet<Carried> = new Set([
  'date',
  'time',
  'number',
  'amount',
  'person',
]);
