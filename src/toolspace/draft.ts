// A task under construction: what a part of a request is, and the draft that parts write their steps into.
// A part picks its values from the draft's states as they are after the parts before it. Knows no
// server and no kind of part.
import { defined } from '../base/assert.ts';
import type { Rng } from '../base/rng.ts';
import type { Json, JsonObject } from '../trajectory/json.ts';
import type { Check, StatePath } from '../trajectory/rubric.ts';
import type { OracleStep } from '../trajectory/task.ts';
import type { LiveServer } from './live-server.ts';
import type { Phrasings } from './phrasing.ts';
import { futureDate, type Pool, personName } from './values.ts';

/** What one part may hand on to the next: the kind decides how the request speaks of it. */
export type Carried = keyof typeof CARRIED;

/** How a request speaks of what the part before it found. */
export const CARRIED = {
  date: 'that date',
  time: 'that time',
  number: 'that number',
  amount: 'that amount',
  city: 'that city',
  person: 'that person',
  text: 'that text',
} as const;

/** Kinds that stand in quotes in a request. */
const NAMES: ReadonlySet<Carried> = new Set(['city', 'person', 'text']);

/** A kind of request part. */
export interface Family<D extends Draft = Draft> {
  readonly name: string;
  /** Tools (`server:tool`) of its steps, in order, once for each call. */
  readonly tools: readonly string[];
  readonly phrasings: Phrasings;
  /** True when the first step looks a name up, so that the name may be misspelled. */
  readonly byName: boolean;
  /** What it takes over from the part before it, when that hands it on. */
  readonly takes?: Carried;
  /** What it hands on: `Part.gives` of its draw is of this kind. */
  readonly gives?: Carried;
  /** Writes the steps into the draft. @throws {Rejected} when this world has nothing that fits. */
  draw(draft: D): Part;
}

/** What a drawn part says and asks. */
export interface Part {
  slots: Record<string, string>;
  /** Values that the answer must state, in the order asked. */
  asked: (string | number)[];
  /** What the part requires, as one sentence and one check. */
  requirement: { description: string; check: Check };
  /** The value that the next part may take over; of the kind that the family says. */
  gives?: string | number;
}

/** A draw that does not fit its world; the generator draws again. */
export class Rejected extends Error {}

export class Draft {
  readonly rng: Rng;
  readonly pool: Pool;
  readonly clock: string;
  readonly steps: OracleStep[] = [];
  readonly #servers: ReadonlyMap<string, LiveServer>;
  #used = new Set<string>();
  /** Set when the next name must be misspelled in the request. */
  misspellNext = false;
  /** What the part before hands on to the next one; null when it does not. */
  carried: { kind: Carried; value: string | number } | null = null;

  constructor(rng: Rng, pool: Pool, clock: string, servers: ReadonlyMap<string, LiveServer>) {
    this.rng = rng;
    this.pool = pool;
    this.clock = clock;
    this.#servers = servers;
  }

  /**
   * What `work` gives, which may reject and is then tried again; what a rejected try did is undone.
   * @throws {Rejected} when every try was rejected.
   */
  attempt<T>(tries: number, work: () => T): T {
    const undo = this.#checkpoint();
    for (let left = tries - 1; ; left--) {
      try {
        return work();
      } catch (error) {
        if (!(error instanceof Rejected) || left <= 0) throw error;
        undo();
      }
    }
  }

  /** What `work` gives; all that it did is undone. */
  rehearse<T>(work: () => T): T {
    const undo = this.#checkpoint();
    try {
      return work();
    } finally {
      undo();
    }
  }

  #checkpoint(): () => void {
    const { misspellNext, carried } = this;
    const { length } = this.steps;
    const used = [...this.#used];
    const states = [...this.#servers.values()].map((live) => [live, live.snapshot()] as const);
    return () => {
      Object.assign(this, { misspellNext, carried });
      this.steps.length = length;
      this.#used = new Set(used);
      for (const [live, state] of states) live.restore(state);
    };
  }

  /** Makes a call of the oracle; a busy tool is called again. */
  call(tool: string, args: JsonObject): JsonObject {
    const [server, name] = splitName(tool);
    const live = this.#live(server);
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

  /** Makes a call that must fail, and gives the error's text; a busy tool is called again. */
  callFailing(tool: string, args: JsonObject): string {
    const [server, name] = splitName(tool);
    const live = this.#live(server);
    const step = { server, tool: name, arguments: args, expectError: true };
    for (;;) {
      const result = live.call(name, args);
      if (!result.isError) throw new Rejected(`${tool}: did not fail`);
      this.steps.push(step);
      if (!result.text.startsWith('busy')) return result.text;
    }
  }

  /**
   * Looks a name up as it stands in the request; a misspelled one is mended from the suggestion.
   */
  find(tool: string, key: string, asked: string, name: string): JsonObject {
    if (asked !== name) {
      const told = this.callFailing(tool, { [key]: asked });
      if (!told.endsWith(`did you mean '${name}'?`)) {
        throw new Rejected(`'${asked}' does not lead to '${name}'`);
      }
    }
    return this.call(tool, { [key]: name });
  }

  /** The name as the request writes it. */
  spelled(name: string): string {
    if (!this.misspellNext) return name;
    this.misspellNext = false;
    return misspelled(name, this.rng);
  }

  /**
   * The value of a slot that can be taken over from the part before, and how the request speaks of it: `that date`, or
   * the drawn value itself.
   */
  given<T extends string | number>(kind: Carried, draw: () => T): { value: T; shown: string } {
    const { carried } = this;
    if (carried?.kind === kind) {
      this.carried = null;
      // A family gives what its kind says, so kinds keep their types.
      return { value: carried.value as T, shown: CARRIED[kind] };
    }
    const value = draw();
    return { value, shown: NAMES.has(kind) ? `'${value}'` : String(value) };
  }

  /** Whether it has that server. */
  knows(server: string): boolean {
    return this.#servers.has(server);
  }

  /** A server's state now; the caller knows its shape. */
  state<S extends JsonObject>(server: string): S {
    return this.#live(server).state as S;
  }

  /** An entity that no part has used yet. */
  take<T extends { id: string }>(list: readonly T[]): T {
    const free = list.filter((entity) => !this.#used.has(entity.id));
    if (free.length === 0) throw new Rejected('no unused entity');
    const entity = this.rng.pick(free);
    this.#used.add(entity.id);
    return entity;
  }

  /** Claims a value, so that two parts do not ask for the same. */
  claim(value: string): void {
    if (this.#used.has(value)) throw new Rejected(`'${value}' is used twice`);
    this.#used.add(value);
  }

  /** A value that no part has used yet, claimed. */
  fresh<T extends string | number>(value: T): T {
    this.claim(String(value));
    return value;
  }

  isUsed(value: string): boolean {
    return this.#used.has(value);
  }

  person(): string {
    const name = personName(this.rng, this.pool);
    this.claim(name);
    return name;
  }

  /** A date in the 60 days after the world's day. */
  laterDate(): string {
    return futureDate(this.rng, this.clock);
  }

  #live(server: string): LiveServer {
    return defined(this.#servers.get(server), `server ${server}`);
  }
}

/** Server and bare name of `server:tool`. */
export function splitName(tool: string): [string, string] {
  const [server, name] = tool.split(':');
  return [defined(server, 'server'), defined(name, 'tool')];
}

/** A check that the final state of a server has a value at a path. */
export function stateIs(server: string, path: StatePath, equals: Json): Check {
  return { kind: 'state', server, path, equals };
}

/** A check that the answer states all these values. */
export function statesAll(values: readonly (string | number)[]): Check {
  const checks = values.map((value): Check => ({ kind: 'states', value }));
  const [only] = checks;
  return checks.length === 1 && only !== undefined ? only : { kind: 'all', checks };
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
