// The state of a server in one episode: which pool a world draws its values from, what a state is at its start, and the
// tool that is busy at first. Also runs tools on a state directly, without a transport. Knows no toolspace by name.
import { deriveSeed, Rng } from '../base/rng.ts';
import type { JsonObject } from '../trajectory/json.ts';
import type { World } from '../trajectory/task.ts';
import type { ServerDef } from './server.ts';
import type { Pool } from './values.ts';

/** A named set of servers. */
export interface Toolspace {
  readonly name: string;
  readonly servers: readonly ServerDef[];
}

/** The pool of a world seed: one seed in five is a test world. */
export function worldPool(seed: number): Pool {
  return deriveSeed('world', seed) % 5 === 0 ? 'test' : 'train';
}

/** The world of a seed; its clock follows from the seed. */
export function makeWorld(seed: number): World {
  const rng = new Rng(deriveSeed('clock', seed));
  const pad = (value: number) => String(value).padStart(2, '0');
  const day = `2026-${pad(rng.int(1, 12))}-${pad(rng.int(1, 28))}`;
  return { seed, clock: `${day}T${pad(rng.int(8, 18))}:${pad(rng.int(0, 59))}` };
}

/**
 * The tool (`server:tool`) whose first call is busy in a world, or null: about half of all worlds
 * have one.
 */
export function busyToolOf(space: Toolspace, seed: number): string | null {
  const names = toolNames(space);
  return names[deriveSeed('busy', seed) % (2 * names.length)] ?? null;
}

const toolNamesOf = new WeakMap<Toolspace, string[]>();

/** All tools as `server:tool`. */
function toolNames(space: Toolspace): string[] {
  const known = toolNamesOf.get(space);
  if (known !== undefined) return known;
  const names = space.servers.flatMap(({ name, tools }) =>
    tools.map((tool) => `${name}:${tool.name}`),
  );
  toolNamesOf.set(space, names);
  return names;
}

/** A server's state at the start of an episode. */
export function initialState(server: ServerDef, world: World): JsonObject {
  const rng = new Rng(deriveSeed('state', server.name, world.seed));
  return server.initial(rng, worldPool(world.seed), world.clock);
}

/** What a tool answered: compact JSON of a value, or the text of an error. */
export interface DirectResult {
  text: string;
  value: JsonObject | null;
  isError: boolean;
}

/**
 * The state of one server in one episode, and what changes it: calls. Both transports and the
 * generator run on it.
 */
export class LiveServer {
  readonly def: ServerDef;
  readonly #clock: string;
  readonly #busy: string | null;
  #state: JsonObject;
  #wasBusy = false;

  constructor(toolspace: Toolspace, def: ServerDef, world: World) {
    this.def = def;
    this.#clock = world.clock;
    this.#state = initialState(def, world);
    const busy = busyToolOf(toolspace, world.seed);
    this.#busy = busy?.startsWith(`${def.name}:`) ? busy.slice(def.name.length + 1) : null;
  }

  /** The state now. States are never changed in place, so this one may be kept. */
  get state(): JsonObject {
    return this.#state;
  }

  /** What may be gone back to with {@link restore}. */
  snapshot(): { state: JsonObject; wasBusy: boolean } {
    return { state: this.#state, wasBusy: this.#wasBusy };
  }

  restore({ state, wasBusy }: { state: JsonObject; wasBusy: boolean }): void {
    this.#state = state;
    this.#wasBusy = wasBusy;
  }

  /** Calls a tool; an unknown tool and bad arguments are error results. */
  call(toolName: string, args: JsonObject): DirectResult {
    const tool = this.def.tools.find((candidate) => candidate.name === toolName);
    if (tool === undefined) return failure(`unknown tool: '${toolName}'`);
    if (this.#busy === toolName && !this.#wasBusy) {
      this.#wasBusy = true;
      return failure('busy, try again');
    }
    const outcome = tool.run(this.#state, args, this.#clock);
    if ('error' in outcome) return failure(outcome.error);
    if (outcome.state !== undefined) this.#state = outcome.state;
    return { text: JSON.stringify(outcome.value), value: outcome.value, isError: false };
  }
}

function failure(text: string): DirectResult {
  return { text, value: null, isError: true };
}
