// The client against a server that others wrote, of the era with sessions.
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  connectServer,
  type ServerConnection,
  type ToolProgress,
} from '../../../src/tools/mcp-client.ts';
import { type Everything, startEverything } from '../../support/everything.ts';

let server: Everything;
let connection: ServerConnection;
beforeAll(async () => {
  server = await startEverything();
  connection = await connectServer({ name: 'everything', url: server.url });
}, 30_000);
afterAll(async () => {
  await connection.close();
  await server.close();
});

test('its tools are listed, none is refused', async () => {
  expect(connection.protocol).toBe('2025-11-25');
  const { tools, problems } = await connection.list();
  expect(problems).toEqual([]);
  const names = tools.map(({ name }) => name);
  expect(names).toContain('echo');
  expect(names.length).toBeGreaterThan(10);
  expect(tools.find(({ name }) => name === 'get-structured-content')?.outputSchema).toBeDefined();
});

test('calls come back as text and as structured content', async () => {
  expect((await connection.call('echo', { message: 'hello' })).text).toBe('Echo: hello');
  expect((await connection.call('get-sum', { a: 40, b: 2 })).text).toMatch(/42/);
  const { value } = await connection.call('get-structured-content', { location: 'New York' });
  expect(value).toMatchObject({ temperature: expect.any(Number), conditions: expect.any(String) });
});

test('an image is named by its type and size', async () => {
  const { text } = await connection.call('get-tiny-image', {});
  expect(text).toMatch(/\[image image\/png \d+ (bytes|kB)\]/);
  expect(text.length).toBeLessThan(300);
});

test('links and embedded resources are named', async () => {
  const links = await connection.call('get-resource-links', { count: 2 });
  expect(links.text).toMatch(/\[link \S+ text\/plain/);
  const embedded = await connection.call('get-resource-reference', {
    resourceType: 'Text',
    resourceId: 1,
  });
  expect(embedded.text).toMatch(/\[resource \S+ text\/plain\]/);
});

test('progress of a long call is told', async () => {
  const told: ToolProgress[] = [];
  const { text } = await connection.call(
    'trigger-long-running-operation',
    { duration: 0.4, steps: 4 },
    { onProgress: (progress) => told.push(progress) },
  );
  expect(text).toMatch(/completed/);
  expect(told.map(({ progress }) => progress)).toEqual([1, 2, 3, 4]);
  expect(told[0]?.total).toBe(4);
});

test('a long call can be cancelled, and the next one works', async () => {
  const aborter = new AbortController();
  const started = performance.now();
  const call = connection.call(
    'trigger-long-running-operation',
    { duration: 20, steps: 20 },
    { signal: aborter.signal },
  );
  setTimeout(() => aborter.abort(), 200);
  await expect(call).rejects.toMatchObject({ code: 'cancelled' });
  expect(performance.now() - started).toBeLessThan(5000);
  expect((await connection.call('echo', { message: 'again' })).text).toBe('Echo: again');
});

test('bad arguments and unknown tools come back as errors', async () => {
  expect(await connection.call('get-sum', { a: 'x' })).toMatchObject({ isError: true });
  expect(await connection.call('no-such-tool', {})).toMatchObject({ isError: true });
});
