import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { ToolError } from '../../../src/base/errors.ts';
import { connectServer } from '../../../src/tools/mcp-client.ts';
import { openToolbox } from '../../../src/tools/toolbox.ts';
import type { ServerSpec } from '../../../src/trajectory/tool.ts';

const spec: ServerSpec = {
  name: 'odd',
  description: 'A server with tools that misbehave.',
  tools: [
    { name: 'throw_it', description: 'Throws.', inputSchema: { type: 'object' } },
    { name: 'wait_long', description: 'Never answers.', inputSchema: { type: 'object' } },
    {
      name: 'double',
      description: 'Doubles.',
      inputSchema: {
        type: 'object',
        properties: { value: { type: 'number' }, unit: { enum: ['km', 'mi'] } },
        required: ['value'],
        additionalProperties: false,
      },
    },
  ],
};

const handler = createMcpHandler(() => {
  const server = new McpServer({ name: 'odd', version: '1.0.0' });
  server.registerTool('throw_it', { inputSchema: z.object({}) }, () => {
    throw new Error('out of paper');
  });
  server.registerTool(
    'wait_long',
    { inputSchema: z.object({}) },
    () => new Promise(() => undefined),
  );
  server.registerTool('double', { inputSchema: z.object({ value: z.number() }) }, ({ value }) => ({
    content: [{ type: 'text', text: JSON.stringify({ value: 2 * value }) }],
  }));
  return server;
});

const box = (url = 'http://odd.invalid/mcp') =>
  openToolbox([
    {
      spec,
      connect: () =>
        connectServer({
          name: 'odd',
          url,
          limits: { callMs: 300, retryDelaysMs: [] },
          ...(url.startsWith('http://odd')
            ? { fetch: (input, init) => handler.fetch(new Request(input, init)) }
            : {}),
        }),
    },
  ]);

test('a call comes back as text and value', async () => {
  const result = await box().call('odd', 'double', { value: 21 });
  expect(result).toEqual({ text: '{"value":42}', value: { value: 42 }, isError: false });
});

test('a tool that throws is an error result, not an exception', async () => {
  const result = await box().call('odd', 'throw_it', {});
  expect(result.isError).toBe(true);
  expect(result.text).toContain('out of paper');
});

test('an unknown tool names the nearest, or all', async () => {
  const near = await box().call('odd', 'doubel', { value: 1 });
  expect(near).toEqual({
    text: "unknown tool 'doubel' of odd, did you mean double?",
    value: null,
    isError: true,
  });
  const far = await box().call('odd', 'zzzz', {});
  expect(far.text).toBe("unknown tool 'zzzz' of odd, it has throw_it, wait_long, double");
});

test('a bad argument is named with the complaint of its schema', async () => {
  const texts = [];
  for (const args of [{ value: 'x' }, { value: 1, unit: 'kg' }, {}, { value: 1, more: 2 }]) {
    const result = await box().call('odd', 'double', args);
    expect(result.isError).toBe(true);
    texts.push(result.text);
  }
  expect(texts[0]).toMatch(/^bad arguments for double: value: .*number/);
  expect(texts[1]).toMatch(/^bad arguments for double: unit: .*km/);
  expect(texts[2]).toMatch(/value/);
  expect(texts[3]).toMatch(/more/);
});

test('a server that does not answer, is not there or is not shown throws ToolError', async () => {
  await expect(box().call('odd', 'wait_long', {})).rejects.toThrow(ToolError);
  // Port 9 (discard) has no listener here.
  await expect(box('http://127.0.0.1:9/mcp').call('odd', 'double', { value: 1 })).rejects.toThrow(
    /server odd at http:\/\/127.0.0.1:9\/mcp: connecting failed/,
  );
  await expect(box().call('even', 'double', { value: 1 })).rejects.toThrow(
    "got server 'even', need one of odd",
  );
});

test('an abort ends a call', async () => {
  const aborter = new AbortController();
  const call = box().call('odd', 'wait_long', {}, { signal: aborter.signal });
  setTimeout(() => aborter.abort(), 20);
  await expect(call).rejects.toThrow(ToolError);
});

test('a server without state tells null, and close can be repeated', async () => {
  const toolbox = box();
  await toolbox.call('odd', 'double', { value: 1 });
  expect(await toolbox.state()).toEqual({ odd: null });
  await toolbox.close();
  await toolbox.close();
});
