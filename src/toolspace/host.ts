// The built-in servers behind one web handler: `/mcp/<world seed>/<episode>/<server>` speaks MCP
// and `…/state` tells the state as JSON. Keeps a bounded number of episodes. Knows no socket.
import {
  hostHeaderValidationResponse,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  originValidationResponse,
} from '@modelcontextprotocol/server';
import { type HostedServer, type HostedServers, openHosted, type StateStore } from './hosted.ts';
import type { Toolspace } from './live-server.ts';
import { STATE_TAG } from './state-tag.ts';
import { toolspaceOf } from './toolspaces.ts';

export interface HostOptions {
  toolspace: string;
  /** Episodes kept at once; the one unused longest is dropped first. */
  maxEpisodes?: number;
  /** What every path begins with, with a slash at both ends; `/mcp/` by default. */
  prefix?: string;
  /**
   * Whose requests are answered: by default those that name this machine in Host and Origin (DNS rebinding); with an
   * origin those of its own pages, for a handler that no other origin's requests reach, such as a service worker.
   */
  trust?: 'localhost' | { readonly origin: string };
  /** Names the servers' code: states of other versions are not gone on with. */
  version?: string;
  /** Where states are kept besides memory; without it they end with the process. */
  store?: StateStore;
}

/** A web handler with state. */
export interface Host {
  fetch(request: Request): Promise<Response>;
  /** Number of episodes in memory. */
  readonly episodes: number;
  close(): Promise<void>;
}

const DEFAULT_PREFIX = '/mcp/';
const DEFAULT_VERSION = '1';
const MAX_EPISODES = 256;
const MAX_SEED = 0xffffffff;
const ASKED_HEADERS = `content-type, accept, mcp-method, mcp-name, mcp-protocol-version, mcp-session-id, last-event-id, ${STATE_TAG}`;
const TOLD_HEADERS = `mcp-session-id, mcp-protocol-version, last-event-id, ${STATE_TAG}`;

/** A Map keeps the order of insertion: the first episode is the one unused longest. */
type Episodes = Map<string, HostedServers>;

interface Place {
  space: Toolspace;
  kept: Episodes;
  prefix: string;
  version: string;
  store: StateStore | null;
}

/**
 * Makes the handler.
 * @throws {InputError} for an unknown toolspace.
 */
export function createHost(options: HostOptions): Host {
  const { prefix = DEFAULT_PREFIX, version = DEFAULT_VERSION, store = null } = options;
  const { maxEpisodes = MAX_EPISODES, trust = 'localhost' } = options;
  const kept: Episodes = new Map();
  const place = { space: toolspaceOf(options.toolspace), kept, prefix, version, store };
  return {
    async fetch(request) {
      const refused =
        trust === 'localhost' ? refuseAsLocalhost(request) : refuseAsPage(request, trust.origin);
      if (refused !== undefined) return refused;
      const response =
        request.method === 'OPTIONS'
          ? new Response(null, { status: 204 })
          : await serve(place, request);
      await dropOldest(kept, maxEpisodes);
      return withCors(request, response);
    },
    get episodes() {
      return kept.size;
    },
    close: () => dropOldest(kept, 0),
  };
}

function refuseAsLocalhost(request: Request): Response | undefined {
  return (
    hostHeaderValidationResponse(request, localhostAllowedHostnames()) ??
    originValidationResponse(request, localhostAllowedOrigins())
  );
}

/** A page of another origin can only send its visitor here, by a link or a form: it may not write. */
function refuseAsPage(request: Request, origin: string): Response | undefined {
  const named = request.headers.get('origin');
  const isOwn = new URL(request.url).origin === origin && (named === null || named === origin);
  if (isOwn && (request.mode !== 'navigate' || request.method === 'GET')) return undefined;
  return refusal(403, `only pages of ${origin} are answered, and forms are not`);
}

function refusal(status: number, error: string): Response {
  return Response.json({ error }, { status });
}

async function serve(place: Place, request: Request): Promise<Response> {
  const { space, prefix } = place;
  const { pathname } = new URL(request.url);
  const path = pathname.startsWith(prefix) ? pathname.slice(prefix.length) : '';
  const match = /^(\d{1,10})\/([\w.%:-]{1,128})\/(\w+)(\/state)?$/.exec(path);
  const [, seedText = '', episode = '', name = '', state] = match ?? [];
  const def = space.servers.find((server) => server.name === name);
  if (match === null || def === undefined || Number(seedText) > MAX_SEED) {
    const error = `no server at ${pathname}; need ${prefix}<world seed>/<episode>/<server>`;
    return refusal(404, error);
  }
  if (state !== undefined && request.method !== 'GET') {
    return refusal(405, 'state is only read: use GET');
  }
  const seed = Number(seedText);
  const { version, store, kept } = place;
  const inMemory = `${seed}/${episode}`;
  const key = `${space.name}/${inMemory}/${name}`;
  const tag = request.headers.get(STATE_TAG);
  const asksForOne = tag !== null && tag !== version;
  const otherState = () =>
    refusal(
      412,
      `the state of ${pathname} is not the one that was asked for: it was lost, or the page was updated; begin the episode again`,
    );
  // Nothing is made for a request that is refused: a new state could be the end of another episode's.
  const isKnown = kept.get(inMemory)?.has(name) === true;
  if (asksForOne && !isKnown && ((await store?.read(key)) ?? null) === null) return otherState();
  const servers = touched(kept, inMemory);
  const hosted = await openHosted(servers, { space, def, seed, version, store, key });
  if (hosted === null) {
    return refusal(
      410,
      `the state of ${pathname} was made by another version of these servers and has been put away; the next request begins a new one`,
    );
  }
  if (asksForOne && tag !== hosted.tag) return otherState();
  return withTag(hosted, await answer(hosted, request, state !== undefined));
}

async function answer(hosted: HostedServer, request: Request, asState: boolean) {
  const response = asState ? Response.json(hosted.live.state) : await hosted.handler.fetch(request);
  if (hosted.failure === null) return response;
  await response.body?.cancel();
  return refusal(500, `the state could not be kept: ${hosted.failure}`);
}

/** The servers of an episode, which is now the one used last. */
function touched(kept: Episodes, key: string): HostedServers {
  const servers: HostedServers = kept.get(key) ?? new Map();
  kept.delete(key);
  kept.set(key, servers);
  return servers;
}

async function dropOldest(kept: Episodes, most: number): Promise<void> {
  for (const [key, servers] of kept) {
    if (kept.size <= most) return;
    kept.delete(key);
    for (const opening of servers.values()) {
      // One that did not open has nothing to close; who asked for it was told.
      await (await opening.catch(() => null))?.handler.close();
    }
  }
}

function withTag({ tag }: HostedServer, response: Response): Response {
  const headers = new Headers(response.headers);
  headers.set(STATE_TAG, tag);
  headers.set('cache-control', 'no-store');
  return new Response(response.body, { status: response.status, headers });
}

/** Adds what a page of an allowed origin needs to read the response. */
function withCors(request: Request, response: Response): Response {
  const origin = request.headers.get('origin');
  if (origin === null) return response;
  const headers = new Headers(response.headers);
  headers.set('access-control-allow-origin', origin);
  headers.set('vary', 'origin');
  headers.set('access-control-allow-methods', 'GET, POST, DELETE');
  headers.set('access-control-allow-headers', ASKED_HEADERS);
  headers.set('access-control-expose-headers', TOLD_HEADERS);
  return new Response(response.body, { status: response.status, headers });
}
