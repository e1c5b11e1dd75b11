// Downloads from a real HTTP server that breaks, changes, refuses and lies.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ModelFileError, StoreError } from '../../../src/base/errors.ts';
import { Rng } from '../../../src/base/rng.ts';
import {
  type DownloadOptions,
  downloadedBytes,
  downloadFile,
} from '../../../src/store/download.ts';
import type { Net } from '../../../src/store/http.ts';
import { type Fault, type FileServer, serveFiles } from '../../support/file-server.ts';
import { MemoryDirectory } from '../../support/memory-directory.ts';

const PART = 20_000;
/** Ten parts and a piece. */
const SIZE = 10 * PART + 77;
const rng = new Rng(11);
const BYTES = Uint8Array.from({ length: SIZE }, () => rng.int(0, 255));

let server: FileServer;
let waits: number[];
beforeEach(async () => {
  waits = [];
  server = await serveFiles({ '/m.gguf': { bytes: BYTES, etag: '"one"' } });
});
afterEach(() => server.close());

const net: Net = {
  fetch: (...args) => fetch(...args),
  sleep: async (ms, signal) => {
    waits.push(ms);
    signal.throwIfAborted();
  },
  now: () => 0,
};

function download(
  folder: MemoryDirectory,
  change: Partial<DownloadOptions> & { sha256?: string; sizeBytes?: number } = {},
): Promise<number> {
  const { sha256 = null, sizeBytes = null, ...options } = change;
  const remote = { name: 'm.gguf', url: `${server.url}/m.gguf`, sizeBytes, sha256 };
  return downloadFile(folder, remote, {
    net,
    signal: new AbortController().signal,
    onBytes: () => undefined,
    partBytes: PART,
    ...options,
  });
}

/** As one comparison: the matcher would look at each byte. */
function holds(folder: MemoryDirectory, bytes: Uint8Array): boolean {
  return Buffer.from(folder.files.get('m.gguf') ?? []).equals(bytes);
}

/** Ranges asked for after the first byte, sorted. */
function partRequests(): string[] {
  return server.requests.filter((line) => / bytes=/.test(line) && !line.endsWith('bytes=0-0'));
}

/** Answers the first requests for which `matches` holds. */
function once(fault: Fault, matches: (bytes: string) => boolean, times = 1): void {
  let left = times;
  server.fault = (_path, bytes) => (matches(bytes) && left-- > 0 ? fault : undefined);
}

const inPart = (part: number) => (bytes: string) => bytes.startsWith(`bytes=${part * PART}-`);

describe.each([
  ['sync access handles', true],
  ['writables', false],
])('with %s', (_name, sync) => {
  it('brings a file in parts, a few at a time', async () => {
    server.bytesPerSecond = 2_000_000;
    const folder = new MemoryDirectory({ sync });
    const told: number[] = [];
    const size = await download(folder, { parallel: 3, onBytes: (done) => told.push(done) });
    expect(size).toBe(SIZE);
    expect(holds(folder, BYTES)).toBe(true);
    expect(partRequests()).toHaveLength(11);
    expect(server.most).toBe(3);
    expect(told[0]).toBe(0);
    expect(told.at(-1)).toBe(SIZE);
    expect(folder.locked.size).toBe(0);
  });

  it('goes on inside a part whose connection broke', async () => {
    once({ kind: 'break', afterBytes: 5000 }, inPart(2));
    const folder = new MemoryDirectory({ sync });
    await download(folder, { parallel: 1 });
    expect(holds(folder, BYTES)).toBe(true);
    expect(partRequests()).toContain(`GET /m.gguf bytes=${2 * PART + 5000}-${3 * PART - 1}`);
    expect(waits).toEqual([500]);
  });

  it('goes on after it was cut off, with the parts that are missing', async () => {
    const folder = new MemoryDirectory({ sync });
    server.fault = (_path, bytes) =>
      inPart(6)(bytes) ? { kind: 'status', status: 503 } : undefined;
    await expect(download(folder, { parallel: 1 })).rejects.toThrow(/HTTP 503; try again later/);
    // Five waits between six tries, each twice the last.
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000]);
    expect(await downloadedBytes(folder, 'm.gguf')).toBe(6 * PART);
    server.fault = () => undefined;
    server.requests.length = 0;
    const told: number[] = [];
    await download(folder, { onBytes: (done) => told.push(done) });
    expect(partRequests()).toHaveLength(5);
    expect(told[0]).toBe(6 * PART);
    expect(holds(folder, BYTES)).toBe(true);
  });

  it('takes a server without ranges as one stream', async () => {
    server.ranges = false;
    const folder = new MemoryDirectory({ sync });
    once({ kind: 'break', afterBytes: 50_000 }, (bytes) => bytes === '');
    const told: (number | null)[] = [];
    await download(folder, { onBytes: (_done, total) => told.push(total) });
    expect(holds(folder, BYTES)).toBe(true);
    expect(server.requests).toEqual(['GET /m.gguf bytes=0-0', 'GET /m.gguf', 'GET /m.gguf']);
    expect(new Set(told)).toEqual(new Set([SIZE]));
  });

  it('says that the storage is full', async () => {
    const folder = new MemoryDirectory({ sync, quotaBytes: 3 * PART });
    await expect(download(folder)).rejects.toMatchObject({ name: 'QuotaExceededError' });
    expect(folder.locked.size).toBe(0);
  });
});

describe('a file that changed', () => {
  const OTHER = BYTES.map((byte) => byte ^ 255);

  it('starts again, also in the middle', async () => {
    const folder = new MemoryDirectory({ sync: true });
    let asked = 0;
    server.fault = () => {
      if (++asked === 5) server.files.set('/m.gguf', { bytes: OTHER, etag: '"two"' });
      return undefined;
    };
    await download(folder, { parallel: 2 });
    expect(holds(folder, OTHER)).toBe(true);
  });

  it.each([
    ['another ETag', '"two"'],
    ['no ETag at all', undefined],
  ])('between two downloads is not mixed: %s', async (_name, etag) => {
    const folder = new MemoryDirectory({ sync: true });
    server.fault = (_path, bytes) =>
      inPart(4)(bytes) ? { kind: 'status', status: 404 } : undefined;
    await expect(download(folder, { parallel: 1 })).rejects.toThrow(/HTTP 404/);
    server.fault = () => undefined;
    server.files.set('/m.gguf', { bytes: OTHER, ...(etag === undefined ? {} : { etag }) });
    server.requests.length = 0;
    await download(folder);
    expect(partRequests()).toHaveLength(11);
    expect(holds(folder, OTHER)).toBe(true);
  });

  it('all the time is given up', async () => {
    let n = 0;
    server.fault = () => {
      server.files.set('/m.gguf', { bytes: BYTES, etag: `"${n++}"` });
      return undefined;
    };
    const folder = new MemoryDirectory({ sync: true });
    await expect(download(folder)).rejects.toThrow(/the file changes while it is downloaded/);
  });

  it('goes on without an ETag when its hash is known', async () => {
    server.files.set('/m.gguf', { bytes: BYTES });
    const folder = new MemoryDirectory({ sync: true });
    server.fault = (_path, bytes) =>
      inPart(4)(bytes) ? { kind: 'status', status: 404 } : undefined;
    await expect(download(folder, { parallel: 1, sha256: 'ab' })).rejects.toThrow(/404/);
    server.fault = () => undefined;
    server.requests.length = 0;
    await download(folder, { sha256: 'ab' });
    expect(partRequests()).toHaveLength(7);
  });
});

describe('a server', () => {
  it('that hides Content-Range is asked for the size', async () => {
    // Node's fetch shows every header, so the server leaves it out.
    const hiding: Net = {
      ...net,
      fetch: async (...args) => {
        const response = await fetch(...args);
        const headers = new Headers(response.headers);
        headers.delete('content-range');
        headers.delete('etag');
        const { status } = response;
        return new Response(response.body, { status, headers });
      },
    };
    const folder = new MemoryDirectory({ sync: true });
    expect(await download(folder, { net: hiding })).toBe(SIZE);
    expect(server.requests).toContain('HEAD /m.gguf');
    expect(holds(folder, BYTES)).toBe(true);
  });

  it('that is busy once is asked again, after as long as it says', async () => {
    once({ kind: 'status', status: 429, headers: { 'retry-after': '7' } }, inPart(1));
    await download(new MemoryDirectory({ sync: true }));
    expect(waits).toEqual([7000]);
  });

  it.each([
    [404, /HTTP 404, there is none; check owner, name and file/],
    [401, /gated, private.*add it as a file/],
    [403, /gated, private.*add it as a file/],
    [410, /HTTP 410, need the file/],
  ])('that answers %i is not asked again', async (status, text) => {
    server.fault = () => ({ kind: 'status', status });
    const failure = download(new MemoryDirectory({ sync: true }));
    await expect(failure).rejects.toThrow(text);
    await expect(failure).rejects.toThrow(ModelFileError);
    expect(server.requests).toHaveLength(1);
  });

  it('that is not there is told with what to do', async () => {
    await server.close();
    const failure = download(new MemoryDirectory({ sync: true }));
    await expect(failure).rejects.toThrow(/cannot be reached.*CORS.*add it as a file/);
    expect(waits).toEqual([500, 1000]);
  });

  it('that has another size than was announced is refused', async () => {
    const failure = download(new MemoryDirectory({ sync: true }), { sizeBytes: 5 });
    await expect(failure).rejects.toThrow(`got ${SIZE} bytes, need 5`);
  });

  it('that answers a web page is refused', async () => {
    server.files.set('/m.gguf', { bytes: BYTES, type: 'text/html; charset=utf-8' });
    await expect(download(new MemoryDirectory())).rejects.toThrow(/got a web page/);
  });
});

describe('the check of what comes', () => {
  it('sees the first bytes while the rest is on its way, and can end it', async () => {
    server.bytesPerSecond = 400_000;
    const folder = new MemoryDirectory({ sync: true });
    const seen: number[] = [];
    const failure = download(folder, {
      parallel: 2,
      check: async (source) => {
        expect(source.size).toBe(SIZE);
        seen.push(...(await source.read(1, 3)));
        throw new ModelFileError('junk', 'm.gguf: junk');
      },
    });
    await expect(failure).rejects.toThrow('junk');
    expect(seen).toEqual([...BYTES.subarray(1, 4)]);
    expect(partRequests().length).toBeLessThan(8);
  });

  it('waits for the last byte', async () => {
    let last = -1;
    await download(new MemoryDirectory(), {
      check: async (source) => {
        last = (await source.read(SIZE - 1, 1))[0] ?? -1;
      },
    });
    expect(last).toBe(BYTES[SIZE - 1]);
  });

  it('hears when the download fails', async () => {
    server.fault = (_path, bytes) =>
      inPart(3)(bytes) ? { kind: 'status', status: 404 } : undefined;
    let heard: unknown = null;
    const failure = download(new MemoryDirectory({ sync: true }), {
      check: async (source) => {
        await source.read(SIZE - 1, 1).catch((error: unknown) => {
          heard = error;
        });
      },
    });
    await expect(failure).rejects.toThrow(/404/);
    expect(heard).toBeInstanceOf(ModelFileError);
  });
});

describe('cancelled', () => {
  it('ends at once with the reason, and keeps its parts', async () => {
    server.bytesPerSecond = 400_000;
    const folder = new MemoryDirectory({ sync: true });
    const controller = new AbortController();
    const reason = new StoreError('cancelled', 'm: cancelled');
    const failure = download(folder, {
      parallel: 2,
      signal: controller.signal,
      onBytes: (done) => {
        if (done > 5 * PART) controller.abort(reason);
      },
    });
    await expect(failure).rejects.toBe(reason);
    expect(await downloadedBytes(folder, 'm.gguf')).toBeGreaterThanOrEqual(3 * PART);
    expect(folder.locked.size).toBe(0);
  });

  it('while it waits for a server that is busy', async () => {
    server.fault = () => ({ kind: 'status', status: 503 });
    const controller = new AbortController();
    const reason = new StoreError('cancelled', 'm: cancelled');
    const waiting: Net = {
      ...net,
      sleep: async (_ms, signal) => {
        controller.abort(reason);
        signal.throwIfAborted();
      },
    };
    const failure = download(new MemoryDirectory(), { net: waiting, signal: controller.signal });
    await expect(failure).rejects.toBe(reason);
  });

  it('in another tab: a file that is being written is left alone', async () => {
    const folder = new MemoryDirectory({ sync: true });
    const handle = await folder.getFileHandle('m.gguf', { create: true });
    const open = await handle.createSyncAccessHandle?.();
    await expect(download(folder)).rejects.toThrow(/another tab of this page writes it/);
    open?.close();
    expect(await download(folder)).toBe(SIZE);
  });
});
