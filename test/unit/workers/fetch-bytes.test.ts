import { afterEach, expect, test, vi } from 'vitest';
import { ModelFileError } from '../../../src/base/errors.ts';
import { fetchBytes } from '../../../src/workers/fetch-bytes.ts';

afterEach(() => vi.unstubAllGlobals());

const answering = (body: Uint8Array<ArrayBuffer>, init: ResponseInit): void => {
  vi.stubGlobal('fetch', async () => new Response(body, init));
};

test('the whole file, with progress', async () => {
  answering(new Uint8Array([1, 2, 3]), { headers: { 'content-length': '3' } });
  const told: [number, number][] = [];
  expect([...(await fetchBytes('m.gguf', (...of) => told.push(of)))]).toEqual([1, 2, 3]);
  expect(told.at(-1)).toEqual([3, 3]);
});

test('the length of a packed body says nothing of the file', async () => {
  const headers = { 'content-length': '2', 'content-encoding': 'gzip' };
  answering(new Uint8Array([1, 2, 3]), { headers });
  expect(await fetchBytes('m.gguf', () => undefined)).toHaveLength(3);
});

test.each([
  ['a part in place of the whole', 206, { 'content-length': '3' }, 'got 3 bytes with status 206'],
  ['fewer bytes than announced', 200, { 'content-length': '9' }, 'got 3 bytes with status 200'],
  ['a page in place of a file', 200, { 'content-type': 'text/html' }, 'got a web page'],
  ['a missing file', 404, {}, 'got HTTP 404'],
])('%s is refused', async (_, status, headers, said) => {
  answering(new Uint8Array([1, 2, 3]), { status, headers });
  const failed = fetchBytes('m.gguf', () => undefined);
  await expect(failed).rejects.toBeInstanceOf(ModelFileError);
  await expect(failed).rejects.toThrow(said);
});
