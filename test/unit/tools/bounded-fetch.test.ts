import { expect, test } from 'vitest';
import type { ToolError } from '../../../src/base/errors.ts';
import { boundedFetch } from '../../../src/tools/bounded-fetch.ts';

const ORIGIN = 'https://server.example';
const MAX_BYTES = 100;

/** A request through the wrapped fetch, and what was told of its response. */
async function ask(response: Response) {
  const refused: ToolError[] = [];
  const streams: boolean[] = [];
  const fetch = boundedFetch(() => Promise.resolve(response), {
    lifetime: new AbortController().signal,
    headers: {},
    origin: ORIGIN,
    maxBytes: () => MAX_BYTES,
    onResponse: (_request, isStream) => streams.push(isStream),
    onRefused: (_request, error) => refused.push(error),
  });
  const answer = fetch(ORIGIN, { method: 'POST', body: '{}' });
  return { answer, refused, streams };
}

/** A body of these pieces that then breaks off. */
function broken(...pieces: string[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    pull(controller) {
      const piece = pieces.shift();
      if (piece === undefined) controller.error(new TypeError('the connection broke'));
      else controller.enqueue(encoder.encode(piece));
    },
  });
}

const json = { 'content-type': 'application/json' };

test('a whole response is the same response', async () => {
  const { answer, refused } = await ask(Response.json({ a: 1 }, { headers: { 'x-own': 'kept' } }));
  const got = await answer;
  expect([got.status, got.headers.get('x-own')]).toEqual([200, 'kept']);
  expect(await got.json()).toEqual({ a: 1 });
  expect(refused).toEqual([]);
});

test('an empty one, and ones without a body, are what they are', async () => {
  expect(await (await (await ask(new Response('', { headers: json }))).answer).text()).toBe('');
  for (const status of [204, 205, 304]) {
    expect((await (await ask(new Response(null, { status }))).answer).status).toBe(status);
  }
});

test.each([
  ['by its length', new Response('x', { headers: { ...json, 'content-length': '101' } })],
  ['as it comes', new Response('x'.repeat(MAX_BYTES + 1), { headers: json })],
])('one that is too large %s is refused once', async (_how, response) => {
  const { answer, refused } = await ask(response);
  await expect(answer).rejects.toMatchObject({ code: 'response_too_large' });
  expect(refused).toHaveLength(1);
});

test('one that breaks off is an error', async () => {
  const { answer, refused } = await ask(new Response(broken('{"a":'), { headers: json }));
  await expect(answer).rejects.toThrow('the connection broke');
  expect(refused).toEqual([]);
});

test.each([401, 404, 500])('status %i is told though its body breaks off', async (status) => {
  const { answer } = await ask(new Response(broken('no'), { status, headers: json }));
  const response = await answer;
  expect(response.status).toBe(status);
  await expect(response.text()).rejects.toThrow('the connection broke');
});

test('a stream of events is handed on as it comes, however its type is written', async () => {
  const headers = { 'content-type': 'Text/Event-Stream' };
  const { answer, streams } = await ask(new Response(broken('data: 1\n\n'), { headers }));
  const response = await answer;
  expect(streams).toEqual([true]);
  const reader = response.body?.getReader();
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('data: 1\n\n');
  await expect(reader?.read()).rejects.toThrow('the connection broke');
});
