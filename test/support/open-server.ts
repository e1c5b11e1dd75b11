// A raw MCP server that a page of any origin may use, and whose bearer token, if it wants one, is data.
import type { RawOptions, RawServer } from './raw-mcp-server.ts';
import { serveRaw } from './raw-mcp-server.ts';

const HEADERS: Readonly<Record<string, string>> = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers':
    'content-type, authorization, mcp-protocol-version, mcp-method, mcp-name, mcp-session-id, last-event-id',
  'access-control-allow-methods': 'GET, POST, DELETE',
  'access-control-expose-headers': 'www-authenticate, mcp-session-id, mcp-protocol-version',
};

/** Starts one. `token`: what a request must bring. */
export function serveOpen({
  token,
  odd,
  ...options
}: RawOptions & { token?: string } = {}): Promise<RawServer> {
  return serveRaw({
    ...options,
    odd: (call) => {
      const { request, response } = call;
      for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
      if (request.method === 'OPTIONS') {
        response.writeHead(204).end();
        return true;
      }
      if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
        response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
        return true;
      }
      return odd?.(call) ?? false;
    },
  });
}
