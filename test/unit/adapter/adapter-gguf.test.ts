import { beforeAll, describe, expect, test } from 'vitest';
import {
  ADAPTER_CONFIG,
  ADAPTER_TENSORS,
  type Adapter,
  adapterScale,
  fitAdapter,
  readAdapter,
  writeAdapter,
} from '../../../src/adapter/adapter.ts';
import { readAdapterGguf, writeAdapterGguf } from '../../../src/adapter/adapter-gguf.ts';
import { ModelFileError } from '../../../src/base/errors.ts';
import { bytesSource } from '../../../src/weights/byte-source.ts';
import { type GgufFile, joinBytes, readGguf, writeGguf } from '../../../src/weights/gguf.ts';
import { f32Entry, type GgufEntry, stringEntry } from '../../../src/weights/gguf-values.ts';
import { modelConfig } from '../../../src/weights/model-config.ts';
import { readTensorF32 } from '../../../src/weights/quant.ts';
import { quantizeQ8 } from '../../../src/weights/quantize.ts';
import { goldenBytes, goldenSource } from '../weights/golden.ts';

const GOLDEN = ['f32', 'q8_0', 'q4_0', 'qwen2', 'llama'] as const;
const NAME = { architecture: 'qwen3', name: 'an adapter' };

function golden(name: string): Adapter {
  return readAdapter({
    [ADAPTER_CONFIG]: goldenBytes(`${name}.adapter/${ADAPTER_CONFIG}`),
    [ADAPTER_TENSORS]: goldenBytes(`${name}.adapter/${ADAPTER_TENSORS}`),
  });
}

const opened = (bytes: Uint8Array<ArrayBuffer>): Promise<GgufFile> =>
  readGguf(bytesSource(bytes, 'lora.gguf'));
const read = (bytes: Uint8Array<ArrayBuffer>): Promise<Adapter> =>
  readAdapterGguf(bytesSource(bytes, 'lora.gguf'));

describe.each(GOLDEN)('the golden adapter of %s', (name) => {
  test('goes to GGUF and back to the same files', async () => {
    const { architecture } = modelConfig(await readGguf(goldenSource(`${name}.gguf`)));
    const adapter = { ...golden(name), baseModelHash: 'ab'.repeat(32) };
    const bytes = writeAdapterGguf(adapter, { architecture, name });
    const back = await read(bytes);
    expect(back).toEqual({ ...adapter, architecture });
    expect(writeAdapter(back, { baseModel: 'x' })).toEqual(
      writeAdapter(adapter, { baseModel: 'x' }),
    );
    expect(writeAdapterGguf(back, { architecture, name })).toEqual(bytes);
  });
});

describe('the file', () => {
  test('has the keys, names and shapes of convert_lora_to_gguf.py', async () => {
    const adapter = golden('q8_0');
    const file = await opened(writeAdapterGguf(adapter, NAME));
    expect(file.values).toEqual({
      'general.architecture': 'qwen3',
      'general.type': 'adapter',
      'general.name': 'an adapter',
      'general.file_type': 0,
      'adapter.type': 'lora',
      'adapter.lora.alpha': adapter.alpha,
    });
    expect(file.metadata.get('adapter.lora.alpha')?.type).toBe('F32');
    const { hidden, heads, headDim } = modelConfig(await readGguf(goldenSource('q8_0.gguf')));
    // Row-major; in the file the axes stand the other way round, so that A begins with the row length of W.
    expect(file.tensor('blk.1.attn_q.weight.lora_a').shape).toEqual([adapter.rank, hidden]);
    expect(file.tensor('blk.1.attn_q.weight.lora_b').shape).toEqual([
      heads * headDim,
      adapter.rank,
    ]);
    expect(file.tensors.length).toBe(2 * adapter.matrices.size);
    expect(await readTensorF32(file, 'blk.1.attn_q.weight.lora_b')).toEqual(
      adapter.matrices.get('blk.1.attn_q')?.b,
    );
  });

  test('says rsLoRA as the alpha that scales the same, and reads it back as it was', async () => {
    const adapter = { ...golden('q8_0'), alpha: 3, rslora: true };
    const bytes = writeAdapterGguf(adapter, NAME);
    const { values } = await opened(bytes);
    // llama.cpp: alpha / rank, with rank 8: 3 / sqrt(8) = (3 sqrt(8)) / 8.
    expect(values['adapter.lora.alpha']).toBe(Math.fround((3 / Math.sqrt(8)) * 8));
    const back = await read(bytes);
    expect(back).toMatchObject({ alpha: 3, rslora: true });
    expect(adapterScale(back)).toBe(adapterScale(adapter));
  });

  test('keeps an alpha that f32 cannot hold', async () => {
    const back = await read(writeAdapterGguf({ ...golden('f32'), alpha: 0.1 }, NAME));
    expect(back.alpha).toBe(0.1);
  });
});

describe('readAdapterGguf', () => {
  let file: GgufFile;
  beforeAll(async () => {
    file = await opened(writeAdapterGguf(golden('f32'), NAME));
  });

  /** The file with other metadata, and tensors renamed, left out or in another type. */
  async function changed(
    entries: Record<string, GgufEntry | null>,
    rename: (name: string) => string | null = (name) => name,
    type: 'F32' | 'Q8_0' = 'F32',
  ): Promise<Uint8Array<ArrayBuffer>> {
    const metadata = new Map(file.metadata);
    for (const [key, entry] of Object.entries(entries)) {
      if (entry === null) metadata.delete(key);
      else metadata.set(key, entry);
    }
    const tensors = [];
    for (const tensor of file.tensors) {
      const name = rename(tensor.name);
      const bytes = await file.readTensor(tensor.name);
      const blocks = type === 'Q8_0' && (tensor.shape[1] ?? 0) % 32 === 0;
      const stored = blocks ? quantizeQ8(await readTensorF32(file, tensor.name)) : bytes;
      if (name === null) continue;
      tensors.push({ name, shape: tensor.shape, type: blocks ? type : 'F32', bytes: stored });
    }
    return joinBytes(writeGguf({ metadata, tensors }));
  }

  test('takes a file without an alpha as llama.cpp does: scaled by 1', async () => {
    const adapter = await read(await changed({ 'adapter.lora.alpha': null }));
    expect(adapterScale(adapter)).toBe(1);
  });

  test('takes quantised matrices', async () => {
    const adapter = await read(await changed({}, undefined, 'Q8_0'));
    const exact = golden('f32').matrices.get('blk.0.attn_q')?.a ?? [];
    const got = adapter.matrices.get('blk.0.attn_q')?.a ?? new Float32Array();
    expect(got.length).toBe(exact.length);
    const largest = Math.max(...exact.map(Math.abs));
    const worst = Math.max(...got.map((value, i) => Math.abs(value - (exact[i] ?? 0))));
    // Half a step of 1/127 of the largest of a block, and the rounding of the scale to f16.
    expect(worst).toBeGreaterThan(0);
    expect(worst).toBeLessThan((0.5 / 127 + 2 ** -11) * largest);
  });

  const to = (from: string, name: string | null) => (old: string) =>
    old.endsWith(from) ? name : old;
  test.each<[string, () => Promise<Uint8Array<ArrayBuffer>>, string]>([
    [
      'a model',
      async () => goldenBytes('f32.gguf'),
      'lora.gguf: general.type is missing, need adapter; give a model as the model',
    ],
    [
      'a control vector',
      () => changed({ 'adapter.type': stringEntry('cvec') }),
      'adapter.type is cvec, need lora',
    ],
    [
      'an adapter that some tokens switch on',
      () =>
        changed({
          'adapter.alora.invocation_tokens': { type: 'ARRAY', items: 'U32', value: [1] },
        }),
      'some tokens switch it on',
    ],
    [
      'a foreign matrix',
      () => changed({}, to('attn_q.weight.lora_a', 'token_embd.weight.lora_a')),
      'token_embd.weight.lora_a is no matrix of a LoRA adapter on attn_q',
    ],
    [
      'a norm',
      () => changed({}, to('attn_q.weight.lora_a', 'blk.0.attn_norm.weight')),
      'blk.0.attn_norm.weight is no matrix of a LoRA adapter',
    ],
    [
      'a matrix without its other',
      () => changed({}, to('attn_k.weight.lora_b', null)),
      'blk.0.attn_k.weight.lora_b is missing',
    ],
    [
      'another rank',
      () =>
        changed({}, (name) =>
          name.replace(/lora_[ab]$/, (end) => (end === 'lora_a' ? 'lora_b' : 'lora_a')),
        ),
      'got [32,2], need [64,K] by blk.0.attn_q.weight.lora_a',
    ],
    [
      'an alpha that is none',
      () => changed({ 'adapter.lora.alpha': stringEntry('2') }),
      'adapter.lora.alpha is 2, need a number from 0 on',
    ],
    [
      'two alphas that differ',
      () => changed({ 'pocket_atlas.lora_alpha': f32Entry(7) }),
      'pocket_atlas.lora_alpha is 7, which is not the adapter.lora.alpha of',
    ],
  ])('refuses %s', async (_, bytes, message) => {
    const error = await read(await bytes()).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ModelFileError);
    expect(error).toMatchObject({ message: expect.stringContaining(message) });
  });

  test('is refused beside a model of another architecture', async () => {
    const config = modelConfig(await readGguf(goldenSource('f32.gguf')));
    const other = writeAdapterGguf(golden('f32'), { ...NAME, architecture: 'llama' });
    expect(() => fitAdapter(golden('f32'), config)).not.toThrow();
    const adapter = await read(other);
    expect(() => fitAdapter(adapter, config)).toThrow(
      'adapter: got one for llama models, need one for qwen3',
    );
  });
});
