// The toolspaces by name, and what is found in them. Knows no task.
import { InputError } from '../base/errors.ts';
import type { World } from '../trajectory/task.ts';
import type { ServerSpec } from '../trajectory/tool.ts';
import { SEEN, UNSEEN_ONLY } from './full/index.ts';
import { busyToolOf, LiveServer, type Toolspace } from './live-server.ts';
import { type ServerDef, serverSpec } from './server.ts';
import { calendar } from './servers/calendar.ts';
import { inventory } from './servers/inventory.ts';
import { tickets } from './servers/tickets.ts';
import { units } from './servers/units.ts';

export const CORE: Toolspace = { name: 'core', servers: [calendar, inventory, units, tickets] };

/** All servers: those of core, those of training, and those that only the unseen split needs. */
export const FULL: Toolspace = {
  name: 'full',
  servers: [...CORE.servers, ...[...SEEN, ...UNSEEN_ONLY].map(({ server }) => server)],
};

const TOOLSPACES: readonly Toolspace[] = [CORE, FULL];

/**
 * The toolspace of a name.
 * @throws {InputError} for an unknown name.
 */
export function toolspaceOf(name: string): Toolspace {
  const space = TOOLSPACES.find((candidate) => candidate.name === name);
  if (space !== undefined) return space;
  const names = TOOLSPACES.map((candidate) => `'${candidate.name}'`).join(' or ');
  throw new InputError('unknown_toolspace', `toolspace: got '${name}', need ${names}.`);
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

/** The tool that is busy at first in a world of a toolspace, or null. */
export function busyTool(toolspace: string, seed: number): string | null {
  return busyToolOf(toolspaceOf(toolspace), seed);
}

/** Servers of a toolspace in one world, by name: those that are named, or all. */
export function liveServers(
  toolspace: string,
  world: World,
  names?: readonly string[],
): Map<string, LiveServer> {
  const space = toolspaceOf(toolspace);
  const defs = names?.map((name) => serverOf(space, name)) ?? space.servers;
  return new Map(defs.map((def) => [def.name, new LiveServer(space, def, world)]));
}
