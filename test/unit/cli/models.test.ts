import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fileSource, openModel, tokenizerOf } from '../../../src/cli/models.ts';
import { joinBytes, readGguf, writeGguf } from '../../../src/weights/gguf.ts';
import type { GgufEntry } from '../../../src/weights/gguf-values.ts';
import { hfFolder } from '../../support/hf-folder.ts';

let folder = '';
const { folder: files, gguf } = hfFolder({
  architecture: 'qwen3',
  dtype: 'BF16',
  seed: 11,
  shards: 2,
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atlas-models-'));
  const hf = join(folder, 'my-model');
  await mkdir(hf);
  for (const [name, source] of Object.entries(files)) {
    await writeFile(join(hf, name), await source.read(0, source.size));
  }
  const whole = await readGguf(gguf);
  for (const i of [0, 1]) {
    const metadata = new Map<string, GgufEntry>(i === 0 ? whole.metadata : []);
    metadata.set('split.no', { type: 'U16', value: i });
    metadata.set('split.count', { type: 'U16', value: 2 });
    metadata.set('split.tensors.count', { type: 'I32', value: whole.tensors.length });
    const own = whole.tensors.filter((_, at) => at % 2 === i);
    const tensors = await Promise.all(
      own.map(async ({ name, shape, type }) => {
        return { name, shape, type, bytes: await whole.readTensor(name) };
      }),
    );
    const bytes = joinBytes(writeGguf({ metadata, tensors }));
    await writeFile(join(folder, `m-0000${i + 1}-of-00002.gguf`), bytes);
  }
});

afterAll(() => rm(folder, { recursive: true }));

test('any shard opens the whole model', async () => {
  const first = await openModel(join(folder, 'm-00001-of-00002.gguf'));
  const second = await openModel(join(folder, 'm-00002-of-00002.gguf'));
  const whole = await readGguf(gguf);
  expect(first.file.tensors.length).toBe(whole.tensors.length);
  expect(second.hash).toBe(first.hash);
  const name = 'blk.1.ffn_down.weight';
  expect(Buffer.compare(await second.file.readTensor(name), await whole.readTensor(name))).toBe(0);
  await expect(openModel(join(folder, 'm-00001-of-00003.gguf'))).rejects.toThrow(
    'm-00001-of-00003.gguf: cannot be read',
  );
});

test('a folder with config.json opens as a model, quantised', async () => {
  const hf = join(folder, 'my-model');
  const model = await openModel(hf);
  expect(model.file.name).toBe('my-model');
  expect(model.file.tensor('blk.0.attn_q.weight').type).toBe('Q8_0');
  expect(tokenizerOf(model).decode(tokenizerOf(model).encode('red lamp'))).toBe('red lamp');
  const other = await openModel(hf, 'Q4_0');
  expect(other.file.tensor('blk.0.attn_q.weight').type).toBe('Q4_0');
  // The same weights in another encoding compute other numbers.
  expect(other.hash).not.toBe(model.hash);
  expect((await openModel(hf)).hash).toBe(model.hash);
});

test('a file that was cut after it was opened is refused', async () => {
  const path = join(folder, 'short');
  await writeFile(path, new Uint8Array(10));
  const source = await fileSource(path);
  await writeFile(path, new Uint8Array(4));
  await expect(source.read(2, 6)).rejects.toThrow('got 2 bytes from 2 on, need 6');
  await rm(path);
  await expect(source.read(0, 1)).rejects.toThrow('cannot be read');
});
