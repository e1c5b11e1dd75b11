// Episodes on the built-in servers: real MCP, in the same process or over HTTP. State belongs to
// one episode.
import { ToolError } from '../base/errors.ts';
import type { Fetch } from '../tools/bounded-fetch.ts';
import {
  type ConnectOptions,
  connectServer,
  type Greeting,
  type McpConnection,
} from '../tools/mcp-client.ts';
import { openToolbox, type Toolbox, type ToolboxServer } from '../tools/toolbox.ts';
import { jsonSchema } from '../trajectory/json.ts';
import type { World } from '../trajectory/task.ts';
import { LiveServer, type Toolspace } from './live-server.ts';
import { mcpHandler } from './mcp-server.ts';
import { type ServerDef, serverSpec } from './server.ts';
import { tagKeepingFetch } from './state-tag.ts';
import { serverOf, toolspaceOf } from './toolspaces.ts';

export interface EpisodeOptions {
  world: World;
  /**
   * Names the episode; in the same process every opened one has a state of its own, whatever its
   * name.
   */
  episode: string;
  /** Shown servers, in order. */
  servers: readonly string[];
  toolspace: string;
}

/**
 * Opens an episode on servers in this process.
 * @throws {InputError} for an unknown toolspace or server.
 */
export async function openEpisode(options: EpisodeOptions): Promise<Toolbox> {
  const space = toolspaceOf(options.toolspace);
  return openToolbox(options.servers.map((name) => liveToolboxServer(space, name, options)));
}

function liveToolboxServer(space: Toolspace, name: string, options: EpisodeOptions): ToolboxServer {
  const live = new LiveServer(space, serverOf(space, name), options.world);
  return {
    spec: serverSpec(live.def),
    connect: () => connectLive(live, options.episode),
    readState: () => Promise.resolve(live.state),
  };
}

/** What each server said of itself: the same in every episode. */
const greetings = new WeakMap<ServerDef, Greeting>();

async function connectLive(live: LiveServer, episode: string): Promise<McpConnection> {
  const handler = mcpHandler(live);
  const { name } = live.def;
  const connection = await connectServer({
    name,
    url: `http://${name}.invalid/mcp/${encodeURIComponent(episode)}`,
    fetch: (input, init) => handler.fetch(new Request(input, init)),
    greeting: greetings.get(live.def),
  });
  const { greeting } = connection;
  if (greeting !== undefined) greetings.set(live.def, greeting);
  return {
    name,
    protocol: connection.protocol,
    listTools: () => connection.listTools(),
    call: (tool, args, options) => connection.call(tool, args, options),
    async close() {
      await connection.close();
      await handler.close();
    },
  };
}

/**
 * Opens an episode on the built-in servers and on others, reached over streamable HTTP. An added server takes the place
 * of a built-in one of its name, and its state is asked of `URL/state` only where it is one of ours.
 * @param place where the built-in servers are served; without one they are in this process.
 * @throws {ToolError} when an added server cannot be reached.
 */
export async function openExtendedEpisode(
  options: EpisodeOptions,
  added: readonly ConnectOptions[],
  place: RemotePlace | null = null,
): Promise<Toolbox> {
  const space = toolspaceOf(options.toolspace);
  const builtIn = (name: string): ToolboxServer =>
    place === null
      ? liveToolboxServer(space, name, options)
      : remoteToolboxServer(space, name, { ...options, ...place });
  const names = new Set(added.map(({ name }) => name));
  const own = options.servers.filter((name) => !names.has(name)).map(builtIn);
  const opening = await Promise.allSettled(added.map((server) => addedServer(space, server)));
  const others = opening.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = opening.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    await Promise.allSettled(others.map(({ close }) => close()));
    throw failed.reason;
  }
  const toolbox = openToolbox([...own, ...others.map(({ server }) => server)]);
  return {
    ...toolbox,
    async close() {
      // Also those that no call went to: the toolbox knows nothing of their connections.
      await toolbox.close().finally(() => Promise.all(others.map(({ close }) => close())));
    },
  };
}

/** A server of somebody else, connected so that its tools are known; one of ours, which is connected at its first call. */
async function addedServer(
  space: Toolspace,
  server: ConnectOptions,
): Promise<{ server: ToolboxServer; close(): Promise<void> }> {
  const { name, url, signal } = server;
  const known = space.servers.find((one) => one.name === name);
  if (known !== undefined) {
    const connect = () => connectServer(server);
    const readState = () => fetchState(name, `${url}/state`);
    return {
      server: { spec: serverSpec(known), connect, readState },
      close: () => Promise.resolve(),
    };
  }
  const connection = await connectServer(server);
  const close = () => connection.close();
  try {
    const spec = {
      name,
      description: connection.description,
      tools: await connection.listTools({ signal }),
    };
    return { server: { spec, connect: () => Promise.resolve(connection) }, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Where the servers of an episode are served. */
export interface RemotePlace {
  /** What stands before `/<world seed>/<episode>/<server>`, such as `http://127.0.0.1:8080/mcp`. */
  url: string;
  /** Of the servers' code; with another one the episode fails. Any when it is not given. */
  version?: string;
}

/**
 * Opens an episode on servers that are served elsewhere (`atlas servers --serve`, or the page's service worker). A state
 * that is lost on the way ends it.
 * @throws {InputError} for an unknown toolspace or server.
 */
export async function openRemoteEpisode(options: EpisodeOptions & RemotePlace): Promise<Toolbox> {
  const space = toolspaceOf(options.toolspace);
  return openToolbox(options.servers.map((name) => remoteToolboxServer(space, name, options)));
}

function remoteToolboxServer(
  space: Toolspace,
  name: string,
  { world, episode, url, version }: EpisodeOptions & RemotePlace,
): ToolboxServer {
  const place = `${url}/${world.seed}/${encodeURIComponent(episode)}/${name}`;
  const fetch = tagKeepingFetch(name, version);
  return {
    spec: serverSpec(serverOf(space, name)),
    connect: () => connectServer({ name, url: place, fetch }),
    readState: () => fetchState(name, `${place}/state`, fetch),
  };
}

async function fetchState(server: string, url: string, get: Fetch = fetch) {
  const response = await get(url);
  if (!response.ok) {
    const message = `server ${server}: got status ${response.status} at ${url}, need 200.`;
    throw new ToolError('no_state', message, { data: { server, status: response.status } });
  }
  return jsonSchema.parse(await response.json());
}
