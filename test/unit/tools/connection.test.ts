// A connection over real HTTP to servers of the SDK and to ones that are written by hand, in both protocol eras.
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ToolError } from '../../../src/base/errors.ts';
import { type Serving, serveHttp } from '../../../src/cli/serve.ts';
import { type Catalogue, connectServer, type ToolProgress } from '../../../src/tools/mcp-client.ts';
import { ECHO, json, reply, said, serveRaw, stream, WRITE } from '../../support/raw-mcp-server.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function open(options: Parameters<typeof connectServer>[0]) {
  const connection = await connectServer(options);
  closing.push(() => connection.close());
  return connection;
}

async function raw(options: Parameters<typeof serveRaw>[0]) {
  const server = await serveRaw(options);
  closing.push(() => server.close());
  return server;
}

/** 3 kB of an image and 12 of a sound, as base64. */
const IMAGE = Buffer.alloc(3000).toString('base64');
const SOUND = Buffer.alloc(12_345).toString('base64');

function sdkServer(): McpServer {
  const server = new McpServer(
    { name: 'sdk', version: '1.0.0' },
    { instructions: 'Counts\u0007 things.' },
  );
  const output = z.object({ count: z.number() });
  server.registerTool(
    'count',
    { inputSchema: z.object({ of: z.string() }), outputSchema: output },
    ({ of }) => ({
      content: [{ type: 'text', text: `It is ${of.length}.` }],
      structuredContent: { count: of.length },
    }),
  );
  server.registerTool('show', { inputSchema: z.object({}) }, () => ({
    content: [
      { type: 'text', text: 'See:' },
      { type: 'image', mimeType: 'image/png', data: IMAGE },
      { type: 'audio', mimeType: 'audio/wav', data: SOUND },
      { type: 'resource', resource: { uri: 'note://1', mimeType: 'text/plain', text: 'A note.' } },
      { type: 'resource', resource: { uri: 'file:///a.bin', blob: IMAGE } },
      { type: 'resource_link', uri: 'https://example.org/b', name: 'b\u202e', size: 1_500_000 },
    ],
  }));
  server.registerTool('steps', { inputSchema: z.object({}) }, async (_, ctx) => {
    const progressToken = ctx.mcpReq._meta?.progressToken;
    for (const progress of [1, 2]) {
      if (progressToken === undefined) break;
      await ctx.mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken, progress, total: 2, message: `step\u0007 ${progress}` },
      });
    }
    return { content: [{ type: 'text', text: 'done' }] };
  });
  return server;
}

describe('the server of the SDK', () => {
  async function served(): Promise<Serving> {
    const handler = createMcpHandler(sdkServer);
    const serving = await serveHttp((request) => handler.fetch(request), 0);
    closing.push(async () => {
      await serving.close();
      await handler.close();
    });
    return serving;
  }

  test('structured content is the value, and what it says of itself is cleaned', async () => {
    const { url } = await served();
    const connection = await open({ name: 'sdk', url });
    expect(connection.protocol).toBe('2026-07-28');
    expect(connection.description).toBe('Counts things.');
    const [count] = await connection.listTools();
    expect(count?.outputSchema).toMatchObject({ type: 'object' });
    expect(await connection.call('count', { of: 'four' })).toEqual({
      text: 'It is 4.',
      value: { count: 4 },
      isError: false,
    });
  });

  test('images, sounds and resources are named, their bytes are not shown', async () => {
    const { url } = await served();
    const connection = await open({ name: 'sdk', url });
    const { text, value } = await connection.call('show', {});
    expect(text).toBe(
      [
        'See:',
        '[image image/png 3 kB]',
        '[audio audio/wav 12 kB]',
        '[resource note://1 text/plain]',
        'A note.',
        '[resource file:///a.bin unknown type 3 kB]',
        '[link https://example.org/b unknown type 1.5 MB b]',
      ].join('\n'),
    );
    expect(value).toBeNull();
  });

  test('progress is told', async () => {
    const { url } = await served();
    const connection = await open({ name: 'sdk', url });
    const told: ToolProgress[] = [];
    await connection.call('steps', {}, { onProgress: (progress) => told.push(progress) });
    expect(told).toEqual([
      { progress: 1, total: 2, message: 'step 1' },
      { progress: 2, total: 2, message: 'step 2' },
    ]);
  });
});

test('a result that breaks its own schema is an error of the tool', async () => {
  const counting = { ...ECHO, outputSchema: { type: 'object', required: ['count'] } };
  const server = await raw({
    tools: () => [counting],
    result: () => ({ content: [], structuredContent: { sum: 1 } }),
  });
  const connection = await open({ name: 'raw', url: server.url });
  await connection.listTools();
  const answer = await connection.call('echo', {});
  expect(answer.isError).toBe(true);
  expect(answer.text).toMatch(/output schema/);
});

describe.each(['modern', 'legacy'] as const)('a %s server', (era) => {
  test('is told of a cancelled call', async () => {
    let closed: Promise<unknown> = Promise.resolve();
    const server = await raw({
      era,
      odd: ({ message, response }) => {
        if (message?.method !== 'tools/call') return false;
        closed = new Promise((done) => response.on('close', done));
        stream(response);
        return true;
      },
    });
    const connection = await open({ name: 'raw', url: server.url });
    const aborter = new AbortController();
    const call = connection.call('write', {}, { signal: aborter.signal });
    setTimeout(() => aborter.abort(), 50);
    await expect(call).rejects.toMatchObject({ code: 'cancelled' });
    // On revision 2026-07-28 the closed stream is the message; before, it is a notification. The stream is closed too.
    await closed;
    if (era === 'legacy') expect(server.seen).toContain('notifications/cancelled');
  });

  test('with several pages is read to the end', async () => {
    const pages = [[ECHO], [WRITE], [{ ...ECHO, name: 'last' }]];
    const server = await raw({
      era,
      odd: ({ message, response }) => {
        if (message?.method !== 'tools/list') return false;
        const page = Number(message.params?.['cursor'] ?? 0);
        const next = page + 1 < pages.length ? { nextCursor: String(page + 1) } : {};
        const complete = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' };
        const base = era === 'modern' ? complete : {};
        reply(response, message.id, { ...base, tools: pages[page], ...next });
        return true;
      },
    });
    const connection = await open({ name: 'raw', url: server.url });
    const { tools, problems } = await connection.list();
    expect(tools.map(({ name }) => name)).toEqual(['echo', 'write', 'last']);
    expect(problems).toEqual([]);
  });

  test('that changes its tools is read anew', async () => {
    let tools: readonly unknown[] = [ECHO];
    let tell: (() => void) | undefined;
    const changed = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' };
    const server = await raw({
      era,
      listChanged: true,
      tools: () => tools,
      odd: ({ message, request, response }) => {
        if (message?.method === 'subscriptions/listen') {
          const send = stream(response);
          const _meta = { 'io.modelcontextprotocol/subscriptionId': message.id };
          const notifications = { toolsListChanged: true };
          send({
            jsonrpc: '2.0',
            method: 'notifications/subscriptions/acknowledged',
            params: { _meta, notifications },
          });
          tell = () => send({ ...changed, params: { _meta } });
          return true;
        }
        if (message !== null || request.method !== 'GET') return false;
        const send = stream(response);
        tell = () => send(changed);
        return true;
      },
    });
    const told: (Catalogue | ToolError)[] = [];
    const connection = await open({
      name: 'raw',
      url: server.url,
      onToolsChanged: (catalogue) => told.push(catalogue),
    });
    expect((await connection.listTools()).map(({ name }) => name)).toEqual(['echo']);
    await expect.poll(() => tell).toBeDefined();
    tools = [ECHO, { ...ECHO, name: 'write it' }];
    tell?.();
    await expect.poll(() => told.length).toBe(1);
    expect(told[0]).toMatchObject({ tools: [{ name: 'echo' }, { name: 'write_it' }] });
    // The call goes by the name that is shown, to the name on the wire.
    await connection.call('write_it', {});
    expect(server.messages.at(-1)?.params?.['name']).toBe('write it');
  });
});

describe('a list without end', () => {
  const endless = (tools: (page: number) => readonly unknown[]) =>
    raw({
      odd: ({ message, response }) => {
        if (message?.method !== 'tools/list') return false;
        const page = Number(message.params?.['cursor'] ?? 0);
        const complete = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' };
        reply(response, message.id, {
          ...complete,
          tools: tools(page),
          nextCursor: String(page + 1),
        });
        return true;
      },
    });
  const many = (page: number) =>
    Array.from({ length: 100 }, (_, i) => ({ ...ECHO, name: `t${page}_${i}` }));

  test('is cut at the most pages', async () => {
    const server = await endless(() => []);
    const connection = await open({ name: 'raw', url: server.url, limits: { pages: 5 } });
    expect(await connection.list()).toEqual({
      tools: [],
      problems: [
        {
          tool: 'page 6',
          kind: 'too_many',
          reason: 'the list has more than 5 pages, those are taken',
        },
      ],
    });
    expect(server.seen.filter((method) => method === 'tools/list')).toHaveLength(5);
  });

  test('is cut at the most tools', async () => {
    const server = await endless(many);
    const connection = await open({ name: 'raw', url: server.url, limits: { tools: 250 } });
    const { tools, problems } = await connection.list();
    expect(tools).toHaveLength(250);
    expect(problems.map(({ kind }) => kind)).toEqual(['too_many']);
    expect(server.seen.filter((method) => method === 'tools/list')).toHaveLength(3);
  });

  test('is refused at the most bytes', async () => {
    const server = await endless((page) => [
      { ...ECHO, name: `t${page}`, description: 'x'.repeat(10_000) },
    ]);
    const connection = await open({ name: 'raw', url: server.url, limits: { listBytes: 50_000 } });
    await expect(connection.list()).rejects.toMatchObject({ code: 'list_too_large' });
  });
});

test('a server without tools has none', async () => {
  const server = await raw({
    odd: ({ message, response }) => {
      if (message?.method !== 'server/discover') return false;
      const complete = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' };
      const supportedVersions = ['2026-07-28'];
      reply(response, message.id, { ...complete, supportedVersions, capabilities: {} });
      return true;
    },
  });
  const connection = await open({ name: 'raw', url: server.url });
  expect(await connection.list()).toEqual({ tools: [], problems: [] });
});

test('arguments go along as headers, and a changed declaration is read anew', async () => {
  let header = 'Region';
  const located = () => ({
    ...ECHO,
    inputSchema: {
      type: 'object',
      properties: { region: { type: 'string', 'x-mcp-header': header } },
    },
  });
  const server = await raw({
    tools: () => [located()],
    odd: ({ message, request, response }) => {
      if (message?.method !== 'tools/call') return false;
      if (request.headers[`mcp-param-${header.toLowerCase()}`] === 'eu') return false;
      const error = { code: -32020, message: 'Header mismatch' };
      json(response, { jsonrpc: '2.0', id: message.id, error }, 400);
      return true;
    },
  });
  const connection = await open({ name: 'raw', url: server.url });
  await connection.listTools();
  expect((await connection.call('echo', { region: 'eu' })).isError).toBe(false);
  header = 'Zone';
  expect((await connection.call('echo', { region: 'eu' })).isError).toBe(false);
  expect(server.seen.filter((method) => method === 'tools/list')).toHaveLength(2);
});

test('a tool that wants to ask the user is an error that says so', async () => {
  const server = await raw({
    odd: ({ message, response }) => {
      if (message?.method !== 'tools/call') return false;
      const params = {
        mode: 'form',
        message: 'Name?',
        requestedSchema: { type: 'object', properties: {} },
      };
      reply(response, message.id, {
        resultType: 'input_required',
        inputRequests: { name: { method: 'elicitation/create', params } },
      });
      return true;
    },
  });
  const connection = await open({ name: 'raw', url: server.url });
  const answer = await connection.call('echo', {});
  expect(answer).toMatchObject({ isError: true, value: null });
  expect(answer.text).toMatch(/ask/);
});

test('a result that is nested without end is refused, not followed', async () => {
  const server = await raw({
    odd: ({ message, response }) => {
      if (message?.method !== 'tools/call') return false;
      const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(
        `{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"result":{"resultType":"complete","content":[],"structuredContent":{"a":${deep}}}}`,
      );
      return true;
    },
  });
  const connection = await open({ name: 'raw', url: server.url });
  await expect(connection.call('write', {})).rejects.toThrow(ToolError);
});

test('URLs that are none, are not http or hold a password are refused without saying it', async () => {
  for (const url of ['nonsense', 'ftp://127.0.0.1/', 'http://me:hunter22@127.0.0.1/mcp']) {
    const error = await connectServer({ name: 'x', url }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'bad_url' });
    expect(String(error)).not.toContain('hunter22');
  }
});

test('connecting can be given up', async () => {
  const server = await raw({ odd: () => true });
  const aborter = new AbortController();
  setTimeout(() => aborter.abort(), 50);
  const connecting = connectServer({ name: 'raw', url: server.url, signal: aborter.signal });
  await expect(connecting).rejects.toMatchObject({ code: 'cancelled' });
  expect(said('x')).toEqual({ content: [{ type: 'text', text: 'x' }] });
});
