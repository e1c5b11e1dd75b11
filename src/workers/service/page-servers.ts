// The built-in servers at addresses of the page, below the folder that it lies in:
//
//   mcp/                                                    what there is, as JSON
//   mcp/<server>                                            a server of `full`, in one world that all visitors share
//   mcp/<toolspace>/<world seed>/<episode>/<server>         a server of an episode; both with `/state`
//
// Must not know the service worker that it runs in.
import { defined } from '../../base/assert.ts';
import { createHost, type Host } from '../../toolspace/host.ts';
import type { StateStore } from '../../toolspace/hosted.ts';
import type { ServerDef } from '../../toolspace/server.ts';
import { CORE, FULL } from '../../toolspace/toolspaces.ts';
import { SERVERS_PATH } from './addresses.ts';

export interface PageServersOptions {
  /** Address of the folder that the page lies in, with a slash at its end. */
  folder: string;
  /** Of the servers' code. */
  version: string;
  store: StateStore;
}

export interface PageServers {
  /** Null for an address that is none of a server. */
  answer(request: Request): Promise<Response> | null;
}

/** World and episode behind the short address of a server. */
const SHARED_STATE = '1/page';

export function pageServers({ folder, version, store }: PageServersOptions): PageServers {
  const root = new URL(SERVERS_PATH, folder);
  const hosts = new Map(
    [CORE, FULL].map(({ name }): [string, Host] => {
      const prefix = `${root.pathname}${name}/`;
      const trust = { origin: root.origin };
      return [name, createHost({ toolspace: name, prefix, trust, version, store })];
    }),
  );
  return {
    answer(request) {
      const { origin, pathname } = new URL(request.url);
      if (origin !== root.origin || !pathname.startsWith(root.pathname)) return null;
      const path = pathname.slice(root.pathname.length);
      const [first = '', ...rest] = path.split('/');
      const server = FULL.servers.find(({ name }) => name === first);
      if (server === undefined) {
        return hosts.get(first)?.fetch(request) ?? Promise.resolve(listing(root.href, path === ''));
      }
      if (rest.length === 0 && isForReading(request)) {
        return Promise.resolve(words(server, request.url));
      }
      const host = defined(hosts.get(FULL.name), FULL.name);
      return moved(request, new URL(`${FULL.name}/${SHARED_STATE}/${path}`, root), host);
    },
  };
}

/** A person opened the address in a tab. */
function isForReading({ method, headers }: Request): boolean {
  return method === 'GET' && (headers.get('accept') ?? '').includes('text/html');
}

/** The same request at another address. What a browser says of a navigation cannot be copied, and is not needed. */
async function moved(request: Request, url: URL, host: Host): Promise<Response> {
  const { method, headers, signal, mode } = request;
  if (mode === 'navigate' && method !== 'GET') return host.fetch(request);
  const body = method === 'GET' || method === 'HEAD' ? null : await request.arrayBuffer();
  return host.fetch(new Request(url, { method, headers, body, signal }));
}

function listing(root: string, found: boolean): Response {
  const servers = FULL.servers.map(({ name }) => [name, `${root}${name}`]);
  const error = `no server here; need ${root}<server> or ${root}<toolspace>/<world seed>/<episode>/<server>`;
  return Response.json(
    { ...(found ? {} : { error }), servers: Object.fromEntries(servers) },
    { status: found ? 200 : 404, headers: { 'cache-control': 'no-store' } },
  );
}

function words({ name, description, tools }: ServerDef, url: string): Response {
  const lines = [
    `This is the MCP server "${name}" of Pocket Atlas.`,
    '',
    description,
    '',
    'It runs in this browser: a service worker of the page answers, and nothing is sent anywhere.',
    `An MCP client in a page of this origin can use it over streamable HTTP at ${url}`,
    `Its state, which all such clients share, is at ${url}/state`,
    '',
    'Tools:',
    ...tools.map((tool) => `  ${tool.name}: ${tool.description}`),
    '',
  ];
  return new Response(lines.join('\n'), {
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    },
  });
}
