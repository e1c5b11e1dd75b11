import { describe, expect, test } from 'vitest';
import { ModelFileError } from '../../../src/base/errors.ts';
import { type ByteSource, bytesSource } from '../../../src/weights/byte-source.ts';
import { joinBytes, readGguf, writeGguf } from '../../../src/weights/gguf.ts';
import { parseShardName, readGgufShards, shardNames } from '../../../src/weights/gguf-shards.ts';
import { type GgufEntry, stringEntry, u32Entry } from '../../../src/weights/gguf-values.ts';
import { f32Bytes, readTensorF32 } from '../../../src/weights/quant.ts';

const NAMES = [['a', 'b'], [], ['c']];

/** Three shards as gguf-split writes them; the second has no tensor. */
function shards(
  change: { stem?: string; names?: string[][]; count?: number; total?: number } = {},
): ByteSource[] {
  const { stem = 'm', names = NAMES, count = names.length } = change;
  const total = change.total ?? names.flat().length;
  return names.map((own, i) => {
    const metadata = new Map<string, GgufEntry>([
      ['split.no', { type: 'U16', value: i }],
      ['split.count', { type: 'U16', value: count }],
      ['split.tensors.count', { type: 'I32', value: total }],
    ]);
    if (i === 0) metadata.set('general.architecture', stringEntry('test'));
    if (i === 0) metadata.set('general.alignment', u32Entry(64));
    const tensors = own.map((name) => ({
      name,
      shape: [2, 2],
      type: 'F32' as const,
      bytes: f32Bytes(Float32Array.of(i, 1, 2, name.charCodeAt(0))),
    }));
    const bytes = joinBytes(writeGguf({ metadata, tensors }));
    return bytesSource(bytes, shardNames({ stem, number: 1, count: names.length })[i] ?? '');
  });
}

async function refusal(sources: readonly (ByteSource | undefined)[]): Promise<string> {
  const given = sources.filter((source) => source !== undefined);
  expect(given.length).toBe(sources.length);
  const error = await readGgufShards(given).then(
    () => null,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(ModelFileError);
  return error instanceof Error ? error.message : '';
}

describe('readGgufShards', () => {
  test('presents all shards as one file, whatever their order', async () => {
    const [one, two, three] = shards();
    const sources = [three, one, two].filter((source) => source !== undefined);
    const file = await readGgufShards(sources);
    expect(file.values).toEqual({ 'general.architecture': 'test', 'general.alignment': 64 });
    expect(file.name).toBe('m-00001-of-00003.gguf');
    expect(file.sizeBytes).toBe(sources.reduce((sum, { size }) => sum + size, 0));
    expect(file.tensors.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    // a is 97, c is 99.
    expect([...(await readTensorF32(file, 'a'))]).toEqual([0, 1, 2, 97]);
    expect([...(await readTensorF32(file, 'c'))]).toEqual([2, 1, 2, 99]);
    const part = await file.readPart('c', 12, 4);
    expect([...part]).toEqual([...f32Bytes(Float32Array.of(99))]);
  });

  test('refuses a missing, a doubled and a foreign shard by name', async () => {
    const [one, two, three] = shards();
    expect(await refusal([one, three])).toBe(
      'm-00001-of-00003.gguf: m-00002-of-00003.gguf of 3 shards is missing; add it',
    );
    expect(await refusal([one, two])).toContain('m-00003-of-00003.gguf of 3 shards is missing');
    expect(await refusal([two, three])).toContain('m-00001-of-00003.gguf of 3 shards is missing');
    expect(await refusal([one, two, two, three])).toContain(
      'm-00002-of-00003.gguf: shard 2 is there twice',
    );
    const foreign = shards({ stem: 'other' });
    expect(await refusal([one, foreign[1], three])).toContain(
      'other-00002-of-00003.gguf: it does not belong to m-00001-of-00003.gguf',
    );
    const ofFour = shards({ count: 4 });
    expect(await refusal([one, ofFour[1], three])).toContain('split.count is 4');
    expect(await refusal([])).toContain('got no shards');
  });

  test('refuses shards that contradict themselves', async () => {
    expect(await refusal(shards({ total: 4 }))).toContain(
      'split.tensors.count is 4, the shards have 3 tensors',
    );
    expect(await refusal(shards({ names: [['a'], ['a']] }))).toContain(
      'm-00002-of-00002.gguf: tensor a is in m-00001-of-00002.gguf too',
    );
    const [one, two, three] = shards();
    const renamed = two && { ...two, name: 'm-00003-of-00003.gguf' };
    expect(await refusal([one, renamed, three])).toContain('not what its name says');
    const plain = bytesSource(joinBytes(writeGguf({ metadata: new Map(), tensors: [] })), 'p');
    expect(await refusal([plain])).toBe(
      'p: split.no is missing; choose all shards of one model, each once',
    );
  });

  test('a shard alone is not a model', async () => {
    const [one] = shards();
    if (one === undefined) throw new Error('no shard');
    await expect(readGguf(one)).rejects.toThrow(
      'm-00001-of-00003.gguf: one of 3 shards of a model; open all of them together',
    );
  });
});

test('parseShardName reads only names of shards', () => {
  expect(parseShardName('dir-1/X-00002-of-00010.gguf')).toEqual({
    stem: 'dir-1/X',
    number: 2,
    count: 10,
  });
  for (const name of ['X.gguf', 'X-2-of-10.gguf', 'X-00002-of-00010.gguf.part']) {
    expect(parseShardName(name)).toBeNull();
  }
});
