import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { ModelFileError } from '../../../src/base/errors.ts';
import { blobSource, bytesSource, pieces, urlSource } from '../../../src/weights/byte-source.ts';

const BYTES = Uint8Array.from({ length: 100 }, (_, i) => i);
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}/m.gguf`;
}

describe.each([
  ['bytes', () => bytesSource(BYTES)],
  ['blob', () => blobSource(new Blob([BYTES]))],
])('%s', (_, make) => {
  test('reads a range and refuses one beyond the end', async () => {
    const source = make();
    expect(source.size).toBe(100);
    expect([...(await source.read(10, 3))]).toEqual([10, 11, 12]);
    expect((await source.read(100, 0)).length).toBe(0);
    await expect(source.read(98, 3)).rejects.toThrow('got 100 bytes, need 101');
  });
});

describe('pieces', () => {
  test('gives every byte once, the rest last', async () => {
    const sizes: number[] = [];
    const all: number[] = [];
    for await (const bytes of pieces(bytesSource(BYTES), 30)) {
      sizes.push(bytes.length);
      all.push(...bytes);
    }
    expect(sizes).toEqual([30, 30, 30, 10]);
    expect(all).toEqual([...BYTES]);
  });

  test('of a Blob go through one buffer', async () => {
    const all: number[] = [];
    for await (const bytes of pieces(blobSource(new Blob([BYTES])), 30)) {
      expect(bytes.length).toBeLessThanOrEqual(30);
      expect(bytes.buffer.byteLength).toBe(30);
      all.push(...bytes);
    }
    expect(all).toEqual([...BYTES]);
  });

  test.each([bytesSource(BYTES), blobSource(new Blob([BYTES]))])(
    'reads nothing more once the signal is aborted',
    async (source) => {
      const controller = new AbortController();
      const walk = pieces(source, 30, controller.signal);
      expect((await walk.next()).done).toBe(false);
      controller.abort(new Error('enough'));
      await expect(walk.next()).rejects.toThrow('enough');
    },
  );
});

describe('urlSource', () => {
  test('reads ranges', async () => {
    const url = await serve((request, response) => {
      const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [];
      response.writeHead(206, { 'content-range': `bytes ${from}-${to}/100` });
      response.end(BYTES.subarray(Number(from), Number(to) + 1));
    });
    const source = await urlSource(url);
    expect(source.size).toBe(100);
    expect([...(await source.read(97, 3))]).toEqual([97, 98, 99]);
    await expect(source.read(97, 4)).rejects.toBeInstanceOf(ModelFileError);
  });

  test('asks for ranges past the cache, which would mix parts and wholes of a file', async () => {
    const asked: (RequestInit | undefined)[] = [];
    const range = async (_: unknown, init?: RequestInit): Promise<Response> => {
      asked.push(init);
      const [, from, to] = /=(\d+)-(\d+)/.exec(new Headers(init?.headers).get('range') ?? '') ?? [];
      const headers = { 'content-range': `bytes ${from}-${to}/100` };
      return new Response(BYTES.slice(Number(from), Number(to) + 1), { status: 206, headers });
    };
    const source = await urlSource('http://models.invalid/m.gguf', { fetch: range });
    await source.read(50, 10);
    expect(asked.map((init) => init?.cache)).toEqual(['no-store', 'no-store']);
    // Not 0-0, which Vite's server takes for a range without an end.
    expect(new Headers(asked[0]?.headers).get('range')).toBe('bytes=0-1');
  });

  test('takes a small file whole from a server without ranges', async () => {
    const url = await serve((_, response) => response.end(BYTES));
    const source = await urlSource(url);
    expect([...(await source.read(5, 2))]).toEqual([5, 6]);
  });

  test('refuses a large file without ranges, a missing file and a dead server', async () => {
    const large = await serve((_, response) => {
      response.writeHead(200, { 'content-length': String(2 ** 30) });
      response.flushHeaders();
      setTimeout(() => response.destroy(), 50);
    });
    await expect(urlSource(large)).rejects.toThrow('the server answers no ranges');
    const missing = await serve((_, response) => response.writeHead(404).end());
    await expect(urlSource(missing)).rejects.toThrow('the server answered 404');
    await expect(urlSource('http://127.0.0.1:9/x')).rejects.toBeInstanceOf(ModelFileError);
  });
});
