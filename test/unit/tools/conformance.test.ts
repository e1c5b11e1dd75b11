// The servers that the conformance suite examines (bench/conformance), without the suite: our client and the independent 1.x
// SDK call every tool of the fixture, and the written results have a reason for each failure.
import { readFile } from 'node:fs/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fixtureHandler } from '../../../bench/conformance/fixture.ts';
import { type Serving, serveHttp } from '../../../src/cli/serve.ts';
import { connectServer } from '../../../src/tools/mcp-client.ts';

const handler = fixtureHandler();
let serving: Serving;
beforeAll(async () => {
  serving = await serveHttp((request) => handler.fetch(request), 0);
});
afterAll(async () => {
  await serving.close();
  await handler.close();
});

const CALLS: readonly [string, object, RegExp][] = [
  ['test_simple_text', {}, /simple text response/],
  ['test_image_content', {}, /^\[image image\/png 70 bytes\]$/],
  ['test_audio_content', {}, /^\[audio audio\/wav 44 bytes\]$/],
  ['test_embedded_resource', {}, /^\[resource test:\/\/embedded-resource text\/plain\]\n/],
  ['test_multiple_content_types', {}, /types test:\n\[image .*\n\[resource .*\n\{"test"/],
  ['test_error_handling', {}, /intentionally returns an error/],
  ['test_tool_with_progress', {}, /done/],
  ['test_tool_with_logging', {}, /logged/],
  ['json_schema_2020_12_tool', { contactMethod: 'phone', phone: '1' }, /ok/],
  ['test_header_argument', { region: 'Köln' }, /ok/],
  ['test_logging_tool', {}, /ok/],
];

test('our client lists and calls every tool on revision 2026-07-28', async () => {
  const connection = await connectServer({ name: 'fixture', url: serving.url });
  expect(connection.protocol).toBe('2026-07-28');
  const { tools, problems } = await connection.list();
  expect(problems).toEqual([]);
  expect(tools.map(({ name }) => name)).toEqual(CALLS.map(([name]) => name));
  for (const [name, args, says] of CALLS) {
    const { text, isError } = await connection.call(name, { ...args });
    expect(text).toMatch(says);
    expect(isError).toBe(name === 'test_error_handling');
  }
  await connection.close();
});

test('so does the 1.x SDK on revision 2025-11-25', async () => {
  const client = new Client({ name: 'peer', version: '1.0.0' });
  // Its Transport type predates exactOptionalPropertyTypes.
  const transport = new StreamableHTTPClientTransport(new URL(serving.url));
  await client.connect(transport as Parameters<Client['connect']>[0]);
  expect((await client.listTools()).tools).toHaveLength(CALLS.length);
  for (const [name, args] of CALLS) {
    const result = await client.callTool({ name, arguments: { ...args } });
    expect(result.isError ?? false).toBe(name === 'test_error_handling');
  }
  await client.close();
});

test('pages of other origins and other hosts are refused', async () => {
  const origin = { origin: 'https://example.org', 'content-type': 'application/json' };
  const response = await fetch(serving.url, { method: 'POST', headers: origin, body: '{}' });
  expect(response.status).toBe(403);
});

test('the written results are of the suite that is pinned, and each failure has a reason', async () => {
  const read = (name: string) =>
    readFile(new URL(`../../../bench/conformance/${name}`, import.meta.url), 'utf8');
  const results = await read('results.md');
  const { dependencies } = JSON.parse(await read('package.json')) as {
    dependencies: Record<string, string>;
  };
  const suite = '@modelcontextprotocol/conformance';
  expect(results).toContain(`${suite} ${dependencies[suite]}`);
  expect(results).not.toContain('Without a reason');
  const exceptions = JSON.parse(await read('exceptions.json')) as Record<
    'client' | 'server',
    { scenarios: string[]; reason: string }[]
  >;
  const named = (leg: 'client' | 'server') => exceptions[leg].flatMap(({ scenarios }) => scenarios);
  for (const leg of ['client', 'server'] as const) {
    expect(new Set(named(leg)).size).toBe(named(leg).length);
    for (const { reason } of exceptions[leg]) expect(reason.length).toBeGreaterThan(30);
  }
  const failed = [...results.matchAll(/^- ([\w/-]+): /gm)].map(([, name]) => name);
  expect(failed.length).toBeGreaterThan(10);
  const known = [...named('client'), ...named('server')];
  for (const name of failed) expect(known).toContain(name);
  // Both eras of both sides.
  for (const revision of ['2026-07-28', '2025-11-25']) {
    expect(results).toMatch(new RegExp(`\\| client, ${revision} \\| \\d+ of \\d+`));
    expect(results).toMatch(new RegExp(`\\| a built-in server, ${revision} \\|`));
  }
});
