// A real HTTP server that speaks MCP by hand, so that it can also speak it wrongly. Each test gives the part that is odd.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RawMessage {
  method: string;
  id?: number | string;
  params?: Record<string, unknown>;
}

export interface RawCall {
  /** Null for a GET and a DELETE. */
  message: RawMessage | null;
  request: IncomingMessage;
  response: ServerResponse;
}

export interface RawOptions {
  era?: 'modern' | 'legacy';
  /** Answers a request itself and returns true; false leaves it to the ordinary server. */
  odd?: (call: RawCall) => boolean | Promise<boolean>;
  tools?: () => readonly unknown[];
  /** What `tools/call` brings. */
  result?: (params: Record<string, unknown>) => Record<string, unknown>;
  listChanged?: boolean;
  port?: number;
}

export interface RawServer {
  readonly url: string;
  readonly port: number;
  /** Methods in the order they came; `GET` and `DELETE` for requests without a message. */
  readonly seen: string[];
  readonly messages: RawMessage[];
  readonly headers: IncomingMessage['headers'][];
  close(): Promise<void>;
}

export const ECHO = {
  name: 'echo',
  description: 'Says it back.',
  inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
  annotations: { readOnlyHint: true },
};
/** The same, but not to be repeated. */
export const WRITE = { ...ECHO, name: 'write', annotations: { readOnlyHint: false } };

/** Starts a server on a free port, or on a given one. */
export async function serveRaw(options: RawOptions = {}): Promise<RawServer> {
  const seen: string[] = [];
  const messages: RawMessage[] = [];
  const headers: IncomingMessage['headers'][] = [];
  const server = createServer((request, response) => {
    response.on('error', () => undefined);
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  async function answer(request: IncomingMessage, response: ServerResponse) {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const message: RawMessage | null = body === '' ? null : JSON.parse(body);
    seen.push(message?.method ?? request.method ?? '');
    headers.push(request.headers);
    if (message !== null) messages.push(message);
    if (await options.odd?.({ message, request, response })) return;
    ordinary(options, message, response);
  }
  await new Promise<void>((done) => server.listen(options.port ?? 0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    port,
    seen,
    messages,
    headers,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

/** Sends a JSON-RPC result as JSON. */
export function reply(response: ServerResponse, id: unknown, result: unknown): void {
  json(response, { jsonrpc: '2.0', id, result });
}

export function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** Begins a stream of events. */
export function stream(response: ServerResponse): (message: unknown) => void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
  return (message) => {
    response.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
  };
}

function ordinary(options: RawOptions, message: RawMessage | null, response: ServerResponse) {
  const { era = 'modern', tools = () => [ECHO, WRITE], listChanged = false } = options;
  const result = options.result ?? (({ arguments: args }) => said(JSON.stringify(args)));
  const serverInfo = { name: 'raw', version: '1.0.0' };
  const capabilities = { tools: { listChanged } };
  const complete = era === 'modern' ? { resultType: 'complete' } : {};
  const cache = era === 'modern' ? { ttlMs: 0, cacheScope: 'private' } : {};
  if (message === null) {
    response.writeHead(405).end();
  } else if (message.id === undefined) {
    response.writeHead(202).end();
  } else if (message.method === 'server/discover' && era === 'modern') {
    const supportedVersions = ['2026-07-28'];
    reply(response, message.id, { ...complete, ...cache, supportedVersions, capabilities });
  } else if (message.method === 'initialize' && era === 'legacy') {
    reply(response, message.id, { protocolVersion: '2025-11-25', capabilities, serverInfo });
  } else if (message.method === 'tools/list') {
    reply(response, message.id, { ...complete, ...cache, tools: tools() });
  } else if (message.method === 'tools/call') {
    reply(response, message.id, { ...complete, ...result(message.params ?? {}) });
  } else {
    const error = { code: -32601, message: 'Method not found' };
    json(response, { jsonrpc: '2.0', id: message.id, error }, 400);
  }
}

/** A result of one text. */
export function said(text: string): Record<string, unknown> {
  return { content: [{ type: 'text', text }] };
}
