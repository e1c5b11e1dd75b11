// A real MCP server whose headers and faults are data, so that what the doctor recommends can be done and tried. Over HTTP it
// is told its data at /config, also by a page of another origin.
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { serveHttp } from '../../src/cli/serve.ts';
import { type CorsConfig, OPEN } from './cors-config.ts';

export interface CorsServer {
  /** URL of the MCP server, `/mcp` on its origin. */
  readonly url: string;
  config: CorsConfig;
  close(): Promise<void>;
}

const SESSION = 'session-of-the-test';

/** Starts one. */
export async function serveCors(config: CorsConfig = OPEN): Promise<CorsServer> {
  const handler = createMcpHandler(echoServer);
  const serving = await serveHttp(answer, 0);
  async function answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === '/config') return configure(request);
    const { headers, preflight } = served.config;
    if (request.method === 'OPTIONS') {
      return new Response(null, {
        status: preflight.status,
        // A browser would keep the answer for some seconds, longer than a test.
        headers: { ...headers, ...preflight.headers, 'access-control-max-age': '0' },
      });
    }
    const response = await behave(request, pathname);
    const all = new Headers(response.headers);
    for (const [name, value] of Object.entries(headers)) all.set(name, value);
    return new Response(response.body, { status: response.status, headers: all });
  }

  async function configure(request: Request): Promise<Response> {
    // Plain text: no preflight.
    if (request.method === 'POST') served.config = JSON.parse(await request.text()) as CorsConfig;
    return new Response('{}', { headers: { 'access-control-allow-origin': '*' } });
  }

  function behave(request: Request, pathname: string): Response | Promise<Response> {
    switch (served.config.behaves) {
      case 'modern':
        return handler.fetch(request);
      case 'legacy':
        return withSession(request);
      case 'html':
        return text('<!doctype html><h1>Welcome</h1>', 200, { 'content-type': 'text/html' });
      case 'login':
        return text('', 302, { location: '/login?back=/mcp&token=s3cr3t-in-the-address' });
      case 'moved':
        return text('', 308, { location: 'http://127.0.0.1:1/other' });
      case '401':
        return text('no', 401);
      case '401 with challenge':
        return text('no', 401, {
          'www-authenticate': 'Bearer resource_metadata="http://127.0.0.1/x"',
        });
      case '403':
        return text('no', 403);
      case '404':
        return text('no', 404);
      case '500':
        return text('Traceback: the database is gone', 500);
      case 'not mcp':
        return Response.json({ hello: 'world' });
      case 'at /mcp':
        return pathname === '/mcp' ? handler.fetch(request) : text('no', 404);
      case 'hangs':
        return new Promise(() => undefined);
      default:
        return served.config.behaves satisfies never;
    }
  }

  const served: CorsServer = {
    url: `${serving.url}/mcp`,
    config,
    async close() {
      await serving.close();
      await handler.close();
    },
  };
  return served;
}

function text(body: string, status: number, headers: Record<string, string> = {}): Response {
  return new Response(body, { status, headers });
}

function echoServer(): McpServer {
  const server = new McpServer({ name: 'cors', version: '1.0.0' });
  const inputSchema = z.object({ text: z.string() });
  server.registerTool('echo', { inputSchema }, ({ text: said }) => ({
    content: [{ type: 'text', text: said }],
  }));
  return server;
}

/** The same tool on revision 2025-11-25, for those alone who bring the session that they were given. */
async function withSession(request: Request): Promise<Response> {
  if (request.method === 'GET') return text('', 405);
  if (request.method === 'DELETE') return text('', 200);
  const message = (await request.json()) as {
    id?: unknown;
    method: string;
    params?: { arguments?: { text?: string } };
  };
  const reply = (result: object, headers: Record<string, string> = {}) =>
    Response.json({ jsonrpc: '2.0', id: message.id, result }, { headers });
  if (message.method === 'initialize') {
    const serverInfo = { name: 'cors', version: '1.0.0' };
    return reply(
      { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo },
      { 'mcp-session-id': SESSION },
    );
  }
  if (request.headers.get('mcp-session-id') !== SESSION) {
    const error = { code: -32000, message: 'Bad Request: no session' };
    return Response.json({ jsonrpc: '2.0', id: null, error }, { status: 400 });
  }
  if (message.id === undefined) return text('', 202);
  if (message.method === 'tools/list') {
    const properties = { text: { type: 'string' } };
    return reply({ tools: [{ name: 'echo', inputSchema: { type: 'object', properties } }] });
  }
  return reply({ content: [{ type: 'text', text: message.params?.arguments?.text ?? '' }] });
}
