// A folder with safetensors in the model store: found on the hub, downloaded, copied from files, opened as GGUF.
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ModelFileError } from '../../../src/base/errors.ts';
import type { Net } from '../../../src/store/http.ts';
import { findOffers } from '../../../src/store/model-offers.ts';
import { openStoredModel } from '../../../src/store/model-record.ts';
import { ModelStore } from '../../../src/store/model-store.ts';
import { bytesSource } from '../../../src/weights/byte-source.ts';
import { modelHash } from '../../../src/weights/model-hash.ts';
import type { Quantise } from '../../../src/weights/quantised-tensor.ts';
import { hashedFiles, readSafetensorsModel } from '../../../src/weights/safetensors-model.ts';
import { type FileServer, serveFiles } from '../../support/file-server.ts';
import { hfFolder } from '../../support/hf-folder.ts';
import { MemoryDirectory } from '../../support/memory-directory.ts';

const { folder } = hfFolder({ architecture: 'qwen3', dtype: 'BF16', seed: 4, shards: 2 });
const signal = new AbortController().signal;
const net: Net = {
  fetch: (...args) => fetch(...args),
  sleep: async (_ms, given) => given.throwIfAborted(),
  now: () => performance.now(),
};

let server: FileServer;
let root: MemoryDirectory;
beforeEach(async () => {
  server = await serveFiles();
  root = new MemoryDirectory({ sync: true });
  await serveFolder();
});
afterEach(() => server.close());

const store = () => new ModelStore({ root, net, partBytes: 20_000 });
const adding = { signal, onProgress: () => undefined };
const find = (place: string) => findOffers(place, { net, signal, hub: server.url });

const bytesOf = async (name: string) => {
  const source = folder[name];
  if (source === undefined) throw new Error(name);
  return source.read(0, source.size);
};

/** The folder as a repository, among files that a model does not need; `wrong` has another hash than the hub says. */
async function serveFolder(wrong = ''): Promise<void> {
  const tree = [{ type: 'file', path: 'README.md', size: 5 }];
  for (const name of [...Object.keys(folder), 'extra/model.safetensors']) {
    const bytes = await bytesOf(name.replace('extra/model', 'model-00001-of-00002'));
    const oid = createHash('sha256')
      .update(name === wrong ? 'x' : bytes)
      .digest('hex');
    const lfs = name.endsWith('.safetensors') ? { lfs: { oid, size: bytes.length } } : {};
    tree.push({ type: 'file', path: name, size: bytes.length, ...lfs });
    server.files.set(`/ann/tiny/resolve/main/${name}`, { bytes });
  }
  server.files.set('/api/models/ann/tiny/tree/main?recursive=true', {
    bytes: new TextEncoder().encode(JSON.stringify(tree)),
    type: 'application/json',
  });
}

/** The hash of the same folder on the command line. */
async function hashOf(quantise: Quantise): Promise<string> {
  const encoding = bytesSource(new TextEncoder().encode(quantise), 'quantise');
  return modelHash([...(await hashedFiles(folder)), encoding]);
}

async function tensorsOf(name: string) {
  const { file, hash } = await openStoredModel(root, name);
  const tensors = await Promise.all(
    file.tensors.map(async (tensor) => [
      tensor.name,
      tensor.type,
      await file.readTensor(tensor.name),
    ]),
  );
  return { hash, tensors };
}

async function expected(quantise: Quantise) {
  const file = await readSafetensorsModel({ files: folder, quantise });
  return Promise.all(
    file.tensors.map(async (tensor) => [
      tensor.name,
      tensor.type,
      await file.readTensor(tensor.name),
    ]),
  );
}

test('a repository without GGUF is offered once for each encoding, its whole folder', async () => {
  const offers = await find('ann/tiny');
  expect(offers.map(({ name, quantise }) => [name, quantise])).toEqual([
    ['tiny-Q8_0', 'Q8_0'],
    ['tiny-Q4_0', 'Q4_0'],
  ]);
  const names = offers[0]?.files.map((file) => file.name) ?? [];
  expect([...names].sort()).toEqual(Object.keys(folder).sort());
  expect((await find('ann/tiny:q4_0')).map(({ name }) => name)).toEqual(['tiny-Q4_0']);
  await expect(find('ann/tiny:Q6_K')).rejects.toThrow('can be read as Q8_0 or Q4_0');
});

test('downloads are opened in their encoding, and known as on the command line', async () => {
  for (const offer of await find('ann/tiny')) {
    const added = await store().add(offer, 1, adding);
    expect(added.state).toBe('ready');
    const { hash, tensors } = await tensorsOf(added.name);
    const quantise = offer.quantise ?? 'none';
    expect(hash).toBe(await hashOf(quantise));
    expect(tensors).toEqual(await expected(quantise));
  }
  expect(await store().list()).toHaveLength(2);
});

test('a file with another hash than the hub says is refused, and nothing stays', async () => {
  await serveFolder('model-00002-of-00002.safetensors');
  const [offer] = await find('ann/tiny');
  if (offer === undefined) throw new Error('no offer');
  await expect(store().add(offer, 1, adding)).rejects.toThrow(
    'model-00002-of-00002.safetensors: got bytes',
  );
  expect(await store().list()).toEqual([]);
});

test.each(['Q8_0', 'Q4_0', 'none'] as const)(
  'local files are copied in, as %s',
  async (quantise) => {
    const files = await Promise.all(
      Object.keys(folder).map(async (name) => new File([await bytesOf(name)], name)),
    );
    const { name } = await store().importFiles(files, 1, { ...adding, quantise });
    expect(name).toBe(`model-${quantise}`);
    const { hash, tensors } = await tensorsOf(name);
    expect(hash).toBe(await hashOf(quantise));
    expect(tensors).toEqual(await expected(quantise));
  },
);

test('a folder without its configuration is refused before anything is copied', async () => {
  const name = 'model-00001-of-00002.safetensors';
  const files = [new File([await bytesOf(name)], name)];
  const failed = store().importFiles(files, 1, adding);
  await expect(failed).rejects.toBeInstanceOf(ModelFileError);
  await expect(failed).rejects.toThrow('config.json');
  expect(await store().list()).toEqual([]);
});
