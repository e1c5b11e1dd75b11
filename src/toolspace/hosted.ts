// The live servers of one episode behind a web handler: made at their first request, or from what a store kept of them.
// Knows no path and no header.
import type { McpHttpHandler } from '@modelcontextprotocol/server';
import { errorMessage } from '../base/errors.ts';
import type { ServerState } from '../trajectory/server-state.ts';
import { LiveServer, makeWorld, type Toolspace } from './live-server.ts';
import { mcpHandler } from './mcp-server.ts';
import type { ServerDef } from './server.ts';
import { newStateTag } from './state-tag.ts';

/** Where states outlive the memory of who serves them. */
export interface StateStore {
  /** Null when there is none. */
  read(key: string): Promise<ServerState | null>;
  write(key: string, kept: ServerState): Promise<void>;
  remove(key: string): Promise<void>;
}

export interface HostedServer {
  readonly live: LiveServer;
  readonly handler: McpHttpHandler;
  readonly tag: string;
  /** Why the state in memory is not the one that was kept; then it must not be gone on with. */
  readonly failure: string | null;
}

/** By name, since requests for one server may come at once. */
export type HostedServers = Map<string, Promise<HostedServer | null>>;

export interface HostedOptions {
  space: Toolspace;
  def: ServerDef;
  seed: number;
  version: string;
  store: StateStore | null;
  /** Names the state in the store. */
  key: string;
}

/** A server of an episode; null when another version kept its state, which is removed then. */
export function openHosted(
  servers: HostedServers,
  options: HostedOptions,
): Promise<HostedServer | null> {
  const { name } = options.def;
  const known = servers.get(name);
  if (known !== undefined) return known;
  const opening = open(options);
  servers.set(name, opening);
  const forget = () => servers.delete(name);
  opening.then((hosted) => hosted ?? forget(), forget);
  return opening;
}

async function open(options: HostedOptions): Promise<HostedServer | null> {
  const { space, def, seed, version, store, key } = options;
  const live = new LiveServer(space, def, makeWorld(seed));
  const kept = (await store?.read(key)) ?? null;
  if (kept !== null && !kept.tag.startsWith(`${version}.`)) {
    await store?.remove(key);
    return null;
  }
  const tag = kept?.tag ?? newStateTag(version);
  if (kept === null) await store?.write(key, { tag, ...live.snapshot() });
  else live.restore(kept);
  let failure: string | null = null;
  const keep = async (): Promise<void> => {
    try {
      await store?.write(key, { tag, ...live.snapshot() });
    } catch (error) {
      failure = errorMessage(error);
      // What was kept before this call must not be gone on with either; the failure that counts is the first.
      await store?.remove(key).catch(() => undefined);
      throw error;
    }
  };
  return {
    live,
    handler: mcpHandler(live, store === null ? undefined : keep),
    tag,
    get failure() {
      return failure;
    },
  };
}
