// Servers that misbehave, over real HTTP, in both protocol eras: an episode goes on, or ends with a reason on its trace.
// Nothing is left behind: no rejection that nobody handles, no memory.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ToolError } from '../../../src/base/errors.ts';
import { type ConnectOptions, connectServer } from '../../../src/tools/mcp-client.ts';
import {
  ECHO,
  json,
  type RawCall,
  type RawOptions,
  type RawServer,
  reply,
  said,
  serveRaw,
  stream,
} from '../../support/raw-mcp-server.ts';

const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => unhandled.push(reason);
beforeAll(() => {
  process.on('unhandledRejection', onUnhandled);
});
afterEach(async () => {
  // A rejection without a handler is reported after the turn in which it came.
  await new Promise((done) => setTimeout(done, 20));
  expect(unhandled).toEqual([]);
});
afterAll(() => {
  process.off('unhandledRejection', onUnhandled);
});

const LIMITS = { connectMs: 400, listMs: 400, callMs: 400, callTotalMs: 800, retryDelaysMs: [] };
const connect = ({ url }: RawServer, options: Partial<ConnectOptions> = {}) =>
  connectServer({ name: 'odd', url, limits: LIMITS, ...options });

/** Answers one method oddly. */
const on =
  (method: string, act: (call: RawCall) => void): NonNullable<RawOptions['odd']> =>
  (call) => {
    if (call.message?.method !== method) return false;
    act(call);
    return true;
  };

interface Fault {
  what: string;
  act: (call: RawCall) => void;
  code: string;
  says: RegExp;
}

/** What comes back in place of an answer, for whichever request. */
const FAULTS: readonly Fault[] = [
  { what: 'hangs', act: () => undefined, code: 'server_timeout', says: /time|within/ },
  {
    what: 'a 500',
    act: ({ response }) => response.writeHead(500).end('<b>broken\u202e</b>'),
    code: 'server_failed',
    says: /500|broken/,
  },
  {
    what: 'HTML in place of MCP',
    act: ({ response }) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><p>Hello');
    },
    code: 'server_failed',
    says: /text\/html/,
  },
  {
    what: 'half of the JSON',
    act: ({ response }) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"jsonrpc":"2.0",');
    },
    code: 'server_failed',
    says: /JSON/,
  },
  {
    what: 'a drop in the middle of the JSON',
    act: ({ response }) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '500' });
      response.write('{"jsonrpc"');
      setTimeout(() => response.destroy(), 20);
    },
    code: 'server_unreachable',
    says: /terminated|closed|aborted/,
  },
  {
    what: 'a drop before the answer',
    act: ({ response }) => response.destroy(),
    code: 'server_unreachable',
    says: /closed|failed/,
  },
  {
    what: 'the answer to another id',
    act: ({ response }) => reply(response, 4711, { resultType: 'complete', ...said('x') }),
    code: 'server_dropped',
    says: /without the answer/,
  },
  {
    what: '202 and no answer',
    act: ({ response }) => response.writeHead(202).end(),
    code: 'server_dropped',
    says: /without the answer/,
  },
  {
    what: 'a stream that ends before the answer',
    act: ({ response }) => {
      stream(response)({ jsonrpc: '2.0', method: 'notifications/message', params: {} });
      response.end();
    },
    code: 'server_dropped',
    says: /without the answer/,
  },
  {
    what: 'a stream that breaks off',
    act: ({ response }) => {
      stream(response);
      setTimeout(() => response.destroy(), 20);
    },
    code: 'server_dropped',
    says: /without the answer/,
  },
  {
    what: 'a stream that never ends',
    act: ({ response }) => {
      stream(response);
      const timer = setInterval(() => response.write(': still here\n\n'), 10);
      response.on('close', () => clearInterval(timer));
    },
    code: 'server_timeout',
    says: /time|within/,
  },
  {
    what: 'one byte at a time',
    act: ({ response, message }) => {
      const text = JSON.stringify({ jsonrpc: '2.0', id: message?.id, result: said('slow') });
      response.writeHead(200, { 'content-type': 'application/json' });
      let sent = 0;
      const timer = setInterval(() => response.write(text[sent++] ?? ' '), 20);
      response.on('close', () => clearInterval(timer));
    },
    code: 'server_timeout',
    says: /time|within/,
  },
];

async function failed(work: Promise<unknown>): Promise<ToolError> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ToolError);
  return error as ToolError;
}

describe.each(['modern', 'legacy'] as const)('a %s server', (era) => {
  test.each(FAULTS)('that answers a call with: $what', async ({ act, code, says }) => {
    const server = await serveRaw({ era, odd: on('tools/call', act) });
    const connection = await connect(server);
    const error = await failed(connection.call('write', { text: 'x' }));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(/^server odd at http:\/\/127\.0\.0\.1:\d+\/mcp: calling write/);
    expect(error.message).toMatch(says);
    expect(error.message).not.toMatch(/\p{Cf}/u);
    await connection.close();
    await server.close();
  });

  test.each(FAULTS)('that answers the list with: $what', async ({ act, code }) => {
    const server = await serveRaw({ era, odd: on('tools/list', act) });
    const connection = await connect(server);
    const error = await failed(connection.listTools());
    expect(error.code).toBe(code);
    await connection.close();
    await server.close();
  });
});

test.each(FAULTS)('a server that answers everything with: $what', async ({ act }) => {
  const server = await serveRaw({
    odd: (call) => {
      act(call);
      return true;
    },
  });
  const error = await failed(connect(server));
  expect(error.message).toMatch(/connecting failed/);
  await server.close();
});

describe('a result of 50 MB', () => {
  const BYTES = 50e6;
  const CHUNK = Buffer.alloc(64 * 1024, 'x');

  /** Sends until all is sent or the connection is gone; counts what went out. */
  function flood(head: string, type: string) {
    const sent = { bytes: 0, closed: false };
    const act = ({ response, message }: RawCall) => {
      response.writeHead(200, { 'content-type': type });
      response.write(head.replace('ID', JSON.stringify(message?.id)));
      response.on('close', () => {
        sent.closed = true;
      });
      const more = () => {
        while (sent.bytes < BYTES && !sent.closed) {
          sent.bytes += CHUNK.length;
          if (!response.write(CHUNK)) return;
        }
        response.end('"}]}}');
      };
      response.on('drain', more);
      more();
    };
    return { act, sent };
  }

  const HEAD = '{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"';
  test.each([
    ['JSON', 'application/json', HEAD],
    ['a stream', 'text/event-stream', `data: ${HEAD}`],
    ['a stream that could be resumed', 'text/event-stream', `id: 1\ndata: ${HEAD}`],
    ['HTML', 'text/html', '<p>'],
  ])('as %s is refused while it arrives', async (_, type, head) => {
    const { act, sent } = flood(head, type);
    const server = await serveRaw({ odd: on('tools/call', act) });
    const connection = await connect(server, { limits: { ...LIMITS, callMs: 20_000 } });
    const before = process.memoryUsage();
    let most = 0;
    const timer = setInterval(() => {
      const now = process.memoryUsage();
      const grown = now.heapUsed - before.heapUsed + now.external - before.external;
      most = Math.max(most, grown);
    }, 1);
    const error = await failed(connection.call('write', {}));
    clearInterval(timer);
    expect(error.code).toBe('response_too_large');
    expect(error.message).toMatch(/more than 4194304 bytes was refused/);
    // 4 MiB are read; a few more lie in the buffers of the sockets on both sides.
    expect(sent.bytes).toBeLessThan(16e6);
    expect(most).toBeLessThan(40e6);
    await connection.close();
    await server.close();
  });

  test('that says its length is not read at all', async () => {
    const server = await serveRaw({
      odd: on('tools/call', ({ response }) => {
        response.writeHead(200, {
          'content-type': 'application/json',
          'content-length': String(BYTES),
        });
        response.write(' ');
      }),
    });
    const connection = await connect(server);
    expect((await failed(connection.call('write', {}))).code).toBe('response_too_large');
    await connection.close();
    await server.close();
  });
});

describe('a server that dies between two calls', () => {
  test.each(['modern', 'legacy'] as const)('and comes back (%s)', async (era) => {
    const first = await serveRaw({ era });
    const connection = await connect(first);
    await connection.listTools();
    expect((await connection.call('echo', { text: 'a' })).value).toEqual({ text: 'a' });
    await first.close();
    const gone = await failed(connection.call('echo', { text: 'b' }));
    expect(gone.code).toBe('server_unreachable');
    const second = await serveRaw({ era, port: first.port });
    expect((await connection.call('echo', { text: 'c' })).value).toEqual({ text: 'c' });
    await connection.close();
    await second.close();
  });

  test('is waited for by a call that may be repeated, not by another', async () => {
    let server = await serveRaw();
    const { port } = server;
    const pauses: number[] = [];
    const connection = await connect(server, {
      limits: { ...LIMITS, retryDelaysMs: [10, 20, 40] },
      sleep: async (ms) => {
        pauses.push(ms);
        if (ms === 20) server = await serveRaw({ port });
      },
    });
    await connection.listTools();
    await server.close();
    expect((await failed(connection.call('write', {}))).code).toBe('server_unreachable');
    expect(pauses).toEqual([]);
    expect((await connection.call('echo', { text: 'd' })).value).toEqual({ text: 'd' });
    expect(pauses).toEqual([10, 20]);
    await connection.close();
    await server.close();
  });

  test('and has lost its session is greeted anew', async () => {
    let session = 'one';
    const odd: NonNullable<RawOptions['odd']> = ({ message, request, response }) => {
      if (message?.method === 'initialize') {
        response.setHeader('mcp-session-id', session);
        return false;
      }
      const known = request.headers['mcp-session-id'] === session;
      if (message?.method !== 'tools/call' || known) return false;
      json(response, { jsonrpc: '2.0', id: null, error: { code: -32001, message: 'gone' } }, 404);
      return true;
    };
    const server = await serveRaw({ era: 'legacy', odd });
    const connection = await connect(server);
    expect((await connection.call('write', { text: 'a' })).value).toEqual({ text: 'a' });
    session = 'two';
    expect((await connection.call('write', { text: 'b' })).value).toEqual({ text: 'b' });
    expect(server.seen.filter((method) => method === 'initialize')).toHaveLength(2);
    await connection.close();
    expect(server.seen.at(-1)).toBe('DELETE');
    await server.close();
  });
});

test('only failures on the way are repeated, and never those of a tool', async () => {
  const answers = [503, 503, 500];
  const server = await serveRaw({
    odd: on('tools/call', ({ response }) => response.writeHead(answers.shift() ?? 200).end()),
  });
  const pauses: number[] = [];
  const connection = await connect(server, {
    limits: { ...LIMITS, retryDelaysMs: [1, 2, 3] },
    sleep: (ms) => {
      pauses.push(ms);
      return Promise.resolve();
    },
  });
  await connection.listTools();
  expect((await failed(connection.call('echo', {}))).data).toMatchObject({ status: 500 });
  expect(pauses).toEqual([1, 2]);
  await connection.close();
  await server.close();
});

test('an error of the protocol is an answer that a policy can act on', async () => {
  const server = await serveRaw({
    odd: on('tools/call', ({ response, message }) => {
      const error = { code: -32602, message: 'no such\u0007 thing' };
      json(response, { jsonrpc: '2.0', id: message?.id, error });
    }),
  });
  const connection = await connect(server);
  expect(await connection.call('echo', {})).toEqual({
    text: 'the server refused the call: no such thing',
    value: null,
    isError: true,
  });
  await connection.close();
  await server.close();
});

test('a stream of notifications is bounded event by event, and reconnecting is slowed down', async () => {
  const opened: number[] = [];
  const server = await serveRaw({
    era: 'legacy',
    listChanged: true,
    odd: ({ message, request, response }) => {
      if (message !== null || request.method !== 'GET') return false;
      opened.push(performance.now());
      stream(response);
      // Asks to be called again at once, then sends an event without an end.
      response.write('retry: 0\n\n');
      const chunk = 'x'.repeat(64 * 1024);
      const more = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', more);
      more();
      return true;
    },
  });
  const connection = await connect(server, {
    limits: { ...LIMITS, resultBytes: 100_000 },
    onToolsChanged: () => undefined,
  });
  await new Promise((done) => setTimeout(done, 600));
  const gaps = opened.slice(1).map((at, i) => at - (opened[i] ?? 0));
  expect(gaps.length).toBeGreaterThan(0);
  expect(Math.min(...gaps)).toBeGreaterThan(90);
  expect((await connection.call('echo', { text: 'e' })).value).toEqual({ text: 'e' });
  await connection.close();
  await server.close();
});

test('tools that cannot be used are left out one by one', async () => {
  // Deeper than a recursive check of the list could go.
  const deep: Record<string, unknown> = {};
  let place = deep;
  for (let level = 0; level < 3000; level++) {
    const below = {};
    place['not'] = below;
    place = below;
  }
  const server = await serveRaw({
    tools: () => [
      { ...ECHO, name: 'loop', inputSchema: { type: 'object', allOf: [{ $ref: '#' }] } },
      { ...ECHO, name: 'deep', inputSchema: { ...deep, type: 'object' } },
      { ...ECHO, name: 'no_schema', inputSchema: 'x' },
      ECHO,
      { ...ECHO, description: 'The second echo.' },
    ],
  });
  const connection = await connect(server);
  const { tools, problems } = await connection.list();
  expect(tools.map(({ name, description }) => [name, description])).toEqual([
    ['echo', 'Says it back.'],
  ]);
  expect(problems.map(({ tool, kind }) => [tool, kind])).toEqual([
    ['loop', 'refused'],
    ['deep', 'refused'],
    ['no_schema', 'refused'],
    ['echo', 'duplicate'],
  ]);
  expect((await connection.call('echo', { text: 'f' })).value).toEqual({ text: 'f' });
  await connection.close();
  await server.close();
});
