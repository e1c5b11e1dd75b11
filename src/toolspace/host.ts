// The built-in servers behind one web handler: `/mcp/<world seed>/<episode>/<server>` speaks MCP
// and `…/state` tells the state as JSON. Keeps a bounded number of episodes. Knows no socket.
import {
  hostHeaderValidationResponse,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  type McpHttpHandler,
  originValidationResponse,
} from '@modelcontextprotocol/server';
import { LiveServer, makeWorld, type Toolspace } from './live-server.ts';
import { mcpHandler } from './mcp-server.ts';
import { toolspaceOf } from './toolspaces.ts';

export interface HostOptions {
  toolspace: string;
  /** Episodes kept at once; the one unused longest is dropped first. */
  maxEpisodes?: number;
}

/** A web handler with state. */
export interface Host {
  fetch(request: Request): Promise<Response>;
  /** Number of episodes kept now. */
  readonly episodes: number;
  close(): Promise<void>;
}

interface Served {
  live: LiveServer;
  handler: McpHttpHandler;
}

const MAX_EPISODES = 256;
const MAX_SEED = 0xffffffff;
const ASKED_HEADERS =
  'content-type, accept, mcp-method, mcp-name, mcp-protocol-version, mcp-session-id, last-event-id';
const TOLD_HEADERS = 'mcp-session-id, mcp-protocol-version, last-event-id';

/**
 * Makes the handler.
 * @throws {InputError} for an unknown toolspace.
 */
export function createHost({ toolspace, maxEpisodes = MAX_EPISODES }: HostOptions): Host {
  const space = toolspaceOf(toolspace);
  // A Map keeps the order of insertion: the first entry is the one unused longest.
  const kept = new Map<string, Map<string, Served>>();
  return {
    async fetch(request) {
      const refused =
        hostHeaderValidationResponse(request, localhostAllowedHostnames()) ??
        originValidationResponse(request, localhostAllowedOrigins());
      if (refused !== undefined) return refused;
      const response =
        request.method === 'OPTIONS'
          ? new Response(null, { status: 204 })
          : await serve(space, kept, request);
      await dropOldest(kept, maxEpisodes);
      return withCors(request, response);
    },
    get episodes() {
      return kept.size;
    },
    close: () => dropOldest(kept, 0),
  };
}

async function serve(
  space: Toolspace,
  kept: Map<string, Map<string, Served>>,
  request: Request,
): Promise<Response> {
  const { pathname } = new URL(request.url);
  const match = /^\/mcp\/(\d{1,10})\/([\w.%:-]{1,128})\/(\w+)(\/state)?$/.exec(pathname);
  const [, seedText = '', episode = '', name = '', state] = match ?? [];
  const def = space.servers.find((server) => server.name === name);
  if (match === null || def === undefined || Number(seedText) > MAX_SEED) {
    return Response.json(
      { error: `no server at ${pathname}; need /mcp/<world seed>/<episode>/<server>` },
      { status: 404 },
    );
  }
  if (state !== undefined && request.method !== 'GET') {
    return Response.json({ error: 'state is only read: use GET' }, { status: 405 });
  }
  const seed = Number(seedText);
  const key = `${seed}/${episode}`;
  const episodeServers = kept.get(key) ?? new Map<string, Served>();
  kept.delete(key);
  kept.set(key, episodeServers);
  let served = episodeServers.get(name);
  if (served === undefined) {
    const live = new LiveServer(space, def, makeWorld(seed));
    served = { live, handler: mcpHandler(live) };
    episodeServers.set(name, served);
  }
  return state === undefined ? served.handler.fetch(request) : Response.json(served.live.state);
}

async function dropOldest(kept: Map<string, Map<string, Served>>, most: number): Promise<void> {
  for (const [key, servers] of kept) {
    if (kept.size <= most) return;
    kept.delete(key);
    for (const { handler } of servers.values()) await handler.close();
  }
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
