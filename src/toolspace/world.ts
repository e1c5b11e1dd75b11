// Worlds: which pool a world draws its values from, its states, and the tool that is busy at first.
// Also runs tools on states directly, without a transport. Knows no task.
import { InputError } from '../base/errors.ts';
import { deriveSeed, Rng } from '../base/rng.ts';
import type { JsonObject } from '../trajectory/json.ts';
import type { World } from '../trajectory/task.ts';
import type { ServerSpec } from '../trajectory/tool.ts';
import { type ServerDef, serverSpec } from './server.ts';
import { calendar } from './servers/calendar.ts';
import { inventory } from './servers/inventory.ts';
import { tickets } from './servers/tickets.ts';
import { units } from './servers/units.ts';
import type { Pool } from './values.ts';

/** A named set of servers. */
export interface Toolspace {
  readonly name: string;
  readonly servers: readonly ServerDef[];
}

export const CORE: Toolspace = { name: 'core', servers: [calendar, inventory, units, tickets] };

/**
 * The toolspace of a name.
 * @throws {InputError} for an unknown name.
 */
export function toolspaceOf(name: string): Toolspace {
  if (name === CORE.name) return CORE;
  throw new InputError('unknown_toolspace', `toolspace: got '${name}', need 'core'.`);
}

/**
 * Server specifications of a toolspace, of the named servers in their order or of all.
 * @throws {InputError} for an unknown toolspace or server.
 */
export function serverSpecs(toolspace: string, names?: readonly string[]): ServerSpec[] {
  const space = toolspaceOf(toolspace);
  return (names ?? space.servers.map((server) => server.name)).map((name) =>
    serverSpec(serverOf(space, name)),
  );
}

/**
 * One server of a toolspace.
 * @throws {InputError} for an unknown server.
 */
export function serverOf(space: Toolspace, name: string): ServerDef {
  const server = space.servers.find((candidate) => candidate.name === name);
  if (server !== undefined) return server;
  const names = space.servers.map((candidate) => candidate.name).join(', ');
  throw new InputError(
    'unknown_server',
    `toolspace ${space.name}: got server '${name}', need one of ${names}.`,
  );
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
export function busyTool(toolspace: string, seed: number): string | null {
  return busyToolOf(toolspaceOf(toolspace), seed);
}

function busyToolOf({ servers }: Toolspace, seed: number): string | null {
  const names = servers.flatMap((server) =>
    server.tools.map((tool) => `${server.name}:${tool.name}`),
  );
  return names[deriveSeed('busy', seed) % (2 * names.length)] ?? null;
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

/** All servers of a toolspace in one world, by name. */
export function liveServers(toolspace: string, world: World): Map<string, LiveServer> {
  const space = toolspaceOf(toolspace);
  return new Map(space.servers.map((def) => [def.name, new LiveServer(space, def, world)]));
}
