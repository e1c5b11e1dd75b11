// The model store, whole: a local model hub over HTTP, files in memory, real GGUF files.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError, ModelFileError, StoreError } from '../../../src/base/errors.ts';
import { downloadedBytes } from '../../../src/store/download.ts';
import type { Net } from '../../../src/store/http.ts';
import { findOffers, type ModelOffer } from '../../../src/store/model-offers.ts';
import { openStoredModel } from '../../../src/store/model-record.ts';
import { ModelStore } from '../../../src/store/model-store.ts';
import { type ModelProgress, ProgressMeter } from '../../../src/store/progress.ts';
import { bytesSource } from '../../../src/weights/byte-source.ts';
import { joinBytes, readGguf, writeGguf } from '../../../src/weights/gguf.ts';
import type { GgufEntry } from '../../../src/weights/gguf-values.ts';
import { type FileServer, serveFiles } from '../../support/file-server.ts';
import { MemoryDirectory } from '../../support/memory-directory.ts';

const GOLDEN = new Uint8Array(
  readFileSync(join(import.meta.dirname, '../../golden/data/f32.gguf')),
);
const PART = 20_000;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const text = (value: string) => new TextEncoder().encode(value);

const net: Net = {
  fetch: (...args) => fetch(...args),
  sleep: async (_ms, signal) => signal.throwIfAborted(),
  now: () => performance.now(),
};

let server: FileServer;
let root: MemoryDirectory;
let told: ModelProgress[];
beforeEach(async () => {
  server = await serveFiles();
  root = new MemoryDirectory({ sync: true });
  told = [];
});
afterEach(() => server.close());

/** A store as a freshly loaded page has it. */
const openStore = () => new ModelStore({ root, net, partBytes: PART, reserved: ['nano'] });
const signal = new AbortController().signal;
const adding = () => ({ signal, onProgress: (progress: ModelProgress) => told.push(progress) });
/** The same server, as one that is not the hub. */
const plain = () => server.url.replace('127.0.0.1', 'localhost');
const find = (place: string) => findOffers(place, { net, signal, hub: server.url });

/** A repository of the hub with these files. */
function serveRepository(name: string, files: Record<string, Uint8Array>): void {
  const tree = Object.entries(files).map(([path, bytes]) => ({
    type: 'file',
    path,
    size: bytes.length,
    ...(path.endsWith('.gguf') ? { lfs: { oid: sha256(bytes), size: bytes.length } } : {}),
  }));
  const list = [{ type: 'directory', path: 'sub', size: 0 }, ...tree];
  server.files.set(`/api/models/${name}/tree/main?recursive=true`, {
    bytes: text(JSON.stringify(list)),
    type: 'application/json',
  });
  for (const [path, bytes] of Object.entries(files)) {
    server.files.set(`/${name}/resolve/main/${path}`, { bytes });
  }
}

async function onlyOffer(place: string): Promise<ModelOffer> {
  const [offer, ...more] = await find(place);
  expect(more).toEqual([]);
  if (offer === undefined) throw new Error('no offer');
  return offer;
}

/** A model's tensors in two files, as gguf-split writes them. */
async function inShards(bytes: Uint8Array<ArrayBuffer>): Promise<Record<string, Uint8Array>> {
  const file = await readGguf(bytesSource(bytes, 'whole.gguf'));
  const half = Math.ceil(file.tensors.length / 2);
  const shards: Record<string, Uint8Array> = {};
  for (const no of [0, 1]) {
    const own = file.tensors.slice(no * half, (no + 1) * half);
    const tensors = await Promise.all(
      own.map(async ({ name, shape }) => ({
        name,
        shape,
        type: 'F32' as const,
        bytes: await file.readTensor(name),
      })),
    );
    const split: [string, GgufEntry][] = [
      ['split.no', { type: 'U16', value: no }],
      ['split.count', { type: 'U16', value: 2 }],
      ['split.tensors.count', { type: 'I32', value: file.tensors.length }],
    ];
    const metadata = new Map([...(no === 0 ? file.metadata : []), ...split]);
    shards[`tiny-0000${no + 1}-of-00002.gguf`] = joinBytes(writeGguf({ metadata, tensors }));
  }
  return shards;
}

describe('places', () => {
  beforeEach(() => {
    serveRepository('ann/tiny-GGUF', {
      'README.md': text('hello'),
      'tiny-Q8_0.gguf': new Uint8Array(30),
      'tiny-Q4_K_M.gguf': new Uint8Array(20),
      'sub/tiny-F16-00001-of-00002.gguf': new Uint8Array(40),
      'sub/tiny-F16-00002-of-00002.gguf': new Uint8Array(41),
    });
  });

  it('a repository is its models, small ones first, with sizes and hashes', async () => {
    const offers = await find('ann/tiny-GGUF');
    expect(offers.map(({ name, sizeBytes }) => [name, sizeBytes])).toEqual([
      ['tiny-Q4_K_M', 20],
      ['tiny-Q8_0', 30],
      ['tiny-F16', 81],
    ]);
    expect(offers[2]?.files[1]).toEqual({
      name: 'tiny-F16-00002-of-00002.gguf',
      url: `${server.url}/ann/tiny-GGUF/resolve/main/sub/tiny-F16-00002-of-00002.gguf`,
      sizeBytes: 41,
      sha256: sha256(new Uint8Array(41)),
    });
  });

  it.each([
    ['ann/tiny-GGUF:Q4_K_M', 'ann/tiny-GGUF/tiny-Q4_K_M.gguf'],
    ['ann/tiny-GGUF:q8_0', 'ann/tiny-GGUF/tiny-Q8_0.gguf'],
    ['ann/tiny-GGUF/tiny-Q8_0.gguf', 'ann/tiny-GGUF/tiny-Q8_0.gguf'],
    ['https://huggingface.co/ann/tiny-GGUF:Q8_0', 'ann/tiny-GGUF/tiny-Q8_0.gguf'],
    [
      'https://huggingface.co/ann/tiny-GGUF/blob/main/tiny-Q8_0.gguf',
      'ann/tiny-GGUF/tiny-Q8_0.gguf',
    ],
    [
      'https://huggingface.co/ann/tiny-GGUF/resolve/main/tiny-Q8_0.gguf?download=true',
      'ann/tiny-GGUF/tiny-Q8_0.gguf',
    ],
    [
      'ann/tiny-GGUF/sub/tiny-F16-00002-of-00002.gguf',
      'ann/tiny-GGUF/sub/tiny-F16-00001-of-00002.gguf',
    ],
  ])('%s is one model', async (place, source) => {
    expect((await onlyOffer(place)).source).toBe(source);
  });

  it.each([
    ['ann/tiny-GGUF:Q5_K_M', /got no Q5_K_M, there are tiny-Q4_K_M\.gguf, tiny-Q8_0\.gguf/],
    ['ann/none', /HTTP 404, there is none; check owner, name and file/],
    ['just words', /got just words, need https:.*owner\/name:Q4_K_M/],
    ['', /got nothing, need/],
  ])('%s is refused with what would do', async (place, message) => {
    await expect(find(place)).rejects.toThrow(message);
  });

  it('a repository without GGUF, or without a shard, is refused', async () => {
    serveRepository('ann/plain', { 'model.safetensors': new Uint8Array(3) });
    await expect(find('ann/plain')).rejects.toThrow(/name ends in -GGUF/);
    serveRepository('ann/half', { 'x-00002-of-00002.gguf': new Uint8Array(3) });
    await expect(find('ann/half')).rejects.toThrow(/got 1 of its 2 parts/);
  });

  it('a long list has further pages', async () => {
    const page = (path: string) => text(JSON.stringify([{ type: 'file', path, size: 1 }]));
    const first = '/api/models/ann/long/tree/main?recursive=true';
    server.files.set('/next', { bytes: page('b.gguf') });
    server.files.set(first, { bytes: page('a.gguf'), link: '</next>; rel="next"' });
    expect((await find('ann/long')).map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('an address is taken at its word, a shard with its siblings', async () => {
    const { name, files } = await onlyOffer('https://x.test/a%20b/big-00002-of-00003.gguf?key=1');
    expect(name).toBe('big');
    expect(files.map(({ url }) => url)).toEqual(
      [1, 2, 3].map((n) => `https://x.test/a%20b/big-0000${n}-of-00003.gguf?key=1`),
    );
    expect(server.requests).toEqual([]);
  });
});

describe('adding by download', () => {
  it('brings a model, checks its hash, and opens it without a request', async () => {
    serveRepository('ann/tiny', { 'tiny.gguf': GOLDEN });
    const added = await openStore().add(await onlyOffer('ann/tiny'), 77, adding());
    const hash = sha256(GOLDEN);
    expect(added).toMatchObject({ name: 'tiny', state: 'ready', hash, addedAt: 77 });
    expect(new Set(told.map(({ phase }) => phase))).toEqual(new Set(['download', 'check']));
    expect(told.filter(({ phase }) => phase === 'download').at(-1)).toMatchObject({
      name: 'tiny',
      doneBytes: GOLDEN.length,
      totalBytes: GOLDEN.length,
    });
    server.requests.length = 0;
    const { file, hash: known } = await openStoredModel(root, 'tiny');
    expect(known).toBe(hash);
    const want = await readGguf(bytesSource(new Uint8Array(GOLDEN)));
    const name = 'output_norm.weight';
    expect(await file.readTensor(name)).toEqual(await want.readTensor(name));
    expect(await openStore().list()).toEqual([added]);
    expect(server.requests).toEqual([]);
  });

  it('brings all shards of a model, known by the hash of all in order', async () => {
    const shards = await inShards(new Uint8Array(GOLDEN));
    serveRepository('ann/split', shards);
    const added = await openStore().add(await onlyOffer('ann/split'), 1, adding());
    expect(added.hash).toBe(sha256(Buffer.concat(Object.values(shards))));
    const { file } = await openStoredModel(root, 'tiny');
    const want = await readGguf(bytesSource(new Uint8Array(GOLDEN)));
    expect(file.tensors.length).toBe(want.tensors.length);
    const last = want.tensors.at(-1)?.name ?? '';
    expect(await file.readTensor(last)).toEqual(await want.readTensor(last));
  });

  it('goes on after a reload, and until then says what is missing', async () => {
    server.files.set('/m.gguf', { bytes: GOLDEN, etag: '"a"' });
    const offer = await onlyOffer(`${plain()}/m.gguf`);
    // Busy from there on, at every try.
    server.fault = (_path, bytes) =>
      Number(/=(\d+)/.exec(bytes)?.[1]) >= 5 * PART ? { kind: 'status', status: 503 } : undefined;
    // Until the parts before are recorded.
    const waiting: Net = {
      ...net,
      sleep: async () => {
        const folder = root.folders.get('models')?.folders.get('m');
        if (folder === undefined) throw new Error('no folder');
        await expect.poll(() => downloadedBytes(folder, 'm.gguf')).toBe(5 * PART);
      },
    };
    const before = new ModelStore({ root, net: waiting, partBytes: PART });
    await expect(before.add(offer, 5, adding())).rejects.toThrow(/503/);
    const [half] = await openStore().list();
    expect(half).toMatchObject({ name: 'm', state: 'unfinished', fromServer: true, hash: null });
    expect(half?.doneBytes).toBe(5 * PART);
    await expect(openStoredModel(root, 'm')).rejects.toThrow(/not come whole yet/);
    server.fault = () => undefined;
    server.requests.length = 0;
    const done = await openStore().resume('m', adding());
    expect(done).toMatchObject({ state: 'ready', addedAt: 5, hash: sha256(GOLDEN) });
    // The first byte, and the parts from the sixth on; some of those the first store may still have asked for.
    expect(new Set(server.requests).size).toBe(1 + Math.ceil(GOLDEN.length / PART) - 5);
  });

  it('added again goes on, and says when it is there', async () => {
    serveRepository('ann/tiny', { 'tiny.gguf': GOLDEN });
    const offer = await onlyOffer('ann/tiny');
    const store = openStore();
    let cancelled: Promise<void> | null = null;
    const failure = store.add(offer, 1, {
      signal,
      onProgress: ({ doneBytes }) => {
        if (doneBytes > 0) cancelled ??= store.cancel('tiny');
      },
    });
    await expect(failure).rejects.toMatchObject({ code: 'cancelled' });
    await cancelled;
    await store.add(offer, 2, adding());
    await expect(store.add(offer, 3, adding())).rejects.toThrow(/in the store already/);
    expect(await store.list()).toHaveLength(1);
  });

  it('refuses junk at once, and keeps nothing of it', async () => {
    // The first 1 MiB, two parts of sixteen, tells.
    const partBytes = 512 * 1024;
    server.files.set('/junk.gguf', { bytes: new Uint8Array(16 * partBytes).fill(7) });
    server.bytesPerSecond = 4_000_000;
    const offer = await onlyOffer(`${plain()}/junk.gguf`);
    const store = new ModelStore({ root, net, partBytes });
    await expect(store.add(offer, 1, adding())).rejects.toThrow(/a GGUF file starts with/);
    expect(server.requests.length).toBeLessThan(14);
    expect(await openStore().list()).toEqual([]);
  });

  it('refuses bytes with another hash, and keeps nothing of them', async () => {
    serveRepository('ann/tiny', { 'tiny.gguf': GOLDEN });
    const offer = await onlyOffer('ann/tiny');
    const flipped = GOLDEN.slice();
    flipped[flipped.length - 9] = 255 - (flipped.at(-9) ?? 0);
    server.files.set('/ann/tiny/resolve/main/tiny.gguf', { bytes: flipped });
    await expect(openStore().add(offer, 1, adding())).rejects.toThrow(/changed or broke/);
    expect(await openStore().list()).toEqual([]);
  });

  it('of a missing or gated file leaves nothing behind', async () => {
    serveRepository('ann/tiny', { 'tiny.gguf': GOLDEN });
    const offer = await onlyOffer('ann/tiny');
    server.fault = () => ({ kind: 'status', status: 403 });
    await expect(openStore().add(offer, 1, adding())).rejects.toThrow(/gated, private/);
    expect(await openStore().list()).toEqual([]);
  });

  it('takes a free name', async () => {
    for (const path of ['/a/nano.gguf', '/b/nano.gguf']) {
      server.files.set(path, { bytes: GOLDEN });
      await openStore().add(await onlyOffer(plain() + path), 1, adding());
    }
    expect((await openStore().list()).map(({ name }) => name)).toEqual(['nano-2', 'nano-3']);
  });

  it('says what to delete when the storage is full', async () => {
    serveRepository('ann/tiny', { 'tiny.gguf': GOLDEN });
    await openStore().add(await onlyOffer('ann/tiny'), 1, adding());
    root.options.quotaBytes = 4 * PART;
    server.files.set('/more.gguf', { bytes: GOLDEN, etag: '"a"' });
    const failure = openStore().add(await onlyOffer(`${plain()}/more.gguf`), 2, adding());
    await expect(failure).rejects.toThrow(StoreError);
    await expect(failure).rejects.toThrow(/storage is full; delete the model tiny \(0 MB\)/);
  });
});

describe('adding local files', () => {
  const fileOf = (name: string, bytes: Uint8Array) => new File([new Uint8Array(bytes)], name);

  it('copies one, or all shards in any order', async () => {
    const one = await openStore().importFiles([fileOf('My model (1).gguf', GOLDEN)], 3, adding());
    expect(one).toMatchObject({ name: 'My-model-1', state: 'ready', fromServer: false });
    expect(one.hash).toBe(sha256(GOLDEN));
    const shards = await inShards(new Uint8Array(GOLDEN));
    const files = Object.entries(shards).map(([name, bytes]) => fileOf(name, bytes));
    const all = await openStore().importFiles(files.reverse(), 4, adding());
    expect(all).toMatchObject({ name: 'tiny', state: 'ready' });
    expect(all.hash).toBe(sha256(Buffer.concat(Object.values(shards))));
    expect((await openStoredModel(root, 'tiny')).file.sizeBytes).toBe(all.sizeBytes);
    await expect(openStore().importFiles(files.slice(1), 5, adding())).rejects.toThrow(
      /all of them together/,
    );
  });

  it('refuses junk before the first copy', async () => {
    const junk = fileOf('junk.gguf', new Uint8Array(1000));
    await expect(openStore().importFiles([junk], 1, adding())).rejects.toThrow(ModelFileError);
    expect(root.folders.size).toBe(0);
    expect(told).toEqual([]);
  });

  it('leaves nothing of a copy that did not fit', async () => {
    root.options.quotaBytes = 1000;
    const failure = openStore().importFiles([fileOf('m.gguf', GOLDEN)], 1, adding());
    await expect(failure).rejects.toThrow(/storage is full/);
    expect(await openStore().list()).toEqual([]);
  });
});

describe('what is kept', () => {
  it('is gone when it is deleted', async () => {
    const store = openStore();
    await store.importFiles([new File([GOLDEN], 'm.gguf')], 1, adding());
    await store.remove('m');
    expect(await store.list()).toEqual([]);
    await expect(openStoredModel(root, 'm')).rejects.toThrow(/none of this name/);
    await expect(store.resume('m', adding())).rejects.toThrow(InputError);
  });

  it('without a record can be seen and deleted', async () => {
    const folder = await root.getDirectoryHandle('models', { create: true });
    await folder.getDirectoryHandle('torn', { create: true });
    const store = openStore();
    expect(await store.list()).toMatchObject([{ name: 'torn', state: 'damaged' }]);
    await store.remove('torn');
    expect(await store.list()).toEqual([]);
  });
});

describe('progress', () => {
  it('tells the rate of the last seconds and the time left, a few times a second', () => {
    let ms = 0;
    const seen: ModelProgress[] = [];
    const meter = new ProgressMeter(
      () => ms,
      (progress) => seen.push(progress),
    );
    // 1000 bytes a second for 10 s, then 3000; told every 10 ms.
    let bytes = 500;
    const update = () =>
      meter.update({ name: 'm', phase: 'download', doneBytes: bytes, totalBytes: 100_500 });
    update();
    for (let i = 0; i < 2000; i++) {
      ms += 10;
      bytes += i < 1000 ? 10 : 30;
      update();
    }
    // Every 200 ms of 20 s, and the first.
    expect(seen).toHaveLength(101);
    expect(seen[0]).toMatchObject({ bytesPerSecond: null, secondsLeft: null });
    // The 500 bytes of the beginning are no speed.
    expect(seen[50]?.bytesPerSecond).toBeCloseTo(1000, 6);
    // 500 + 10 x 1000 + 10 x 3000 of 100500: 60000 left at 3000 a second.
    expect(seen.at(-1)?.bytesPerSecond).toBeCloseTo(3000, 6);
    expect(seen.at(-1)?.secondsLeft).toBeCloseTo(20, 6);
  });
});
