import { describe, expect, test } from 'vitest';
import { ModelFileError } from '../../../src/base/errors.ts';
import { bytesSource } from '../../../src/weights/byte-source.ts';
import { joinBytes, readGguf, type TensorToWrite, writeGguf } from '../../../src/weights/gguf.ts';
import {
  boolEntry,
  f32Entry,
  type GgufEntry,
  i32sEntry,
  stringEntry,
  stringsEntry,
  u32Entry,
} from '../../../src/weights/gguf-values.ts';
import { modelConfig, requiredTensors } from '../../../src/weights/model-config.ts';
import { f32Bytes, readTensorF32 } from '../../../src/weights/quant.ts';
import { goldenBytes, goldenSource } from './golden.ts';

const METADATA: [string, GgufEntry][] = [
  ['general.architecture', stringEntry('test')],
  ['a.count', u32Entry(7)],
  ['a.scale', f32Entry(0.5)],
  ['a.flag', boolEntry(true)],
  ['a.words', stringsEntry(['x', 'ü', ''])],
  ['a.types', i32sEntry([1, -3])],
  ['a.big', { type: 'U64', value: 5n }],
];
const VALUES = Float32Array.from({ length: 6 }, (_, i) => i / 4);
const TENSORS: TensorToWrite[] = [
  { name: 'm', shape: [2, 3], type: 'F32', bytes: f32Bytes(VALUES) },
  { name: 'q', shape: [1, 32], type: 'Q8_0', bytes: new Uint8Array(34).fill(1) },
];

function small(metadata: [string, GgufEntry][] = METADATA): Uint8Array<ArrayBuffer> {
  return joinBytes(writeGguf({ metadata: new Map(metadata), tensors: TENSORS }));
}

async function refusal(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const error = await readGguf(bytesSource(bytes, 'x.gguf')).then(
    () => null,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(ModelFileError);
  const message = error instanceof Error ? error.message : '';
  expect(message).not.toContain('\n');
  return message;
}

/**
 * The offset of a tensor's entry behind its name: axes (4), dims (8 each), type (4), offset (8).
 */
function afterName(bytes: Uint8Array, name: string): number {
  const pattern = [name.length, 0, 0, 0, 0, 0, 0, 0, ...new TextEncoder().encode(name)];
  for (let at = 24; at < bytes.length; at++) {
    if (pattern.every((byte, i) => bytes[at + i] === byte)) return at + pattern.length;
  }
  throw new Error(`no ${name}`);
}

function patched(write: (view: DataView, bytes: Uint8Array) => void): Uint8Array<ArrayBuffer> {
  const bytes = small();
  write(new DataView(bytes.buffer), bytes);
  return bytes;
}

describe('readGguf', () => {
  test('reads what writeGguf wrote, and writing it again gives the same bytes', async () => {
    const bytes = small();
    const file = await readGguf(bytesSource(bytes));
    expect(file.values).toEqual({
      'general.architecture': 'test',
      'a.count': 7,
      'a.scale': 0.5,
      'a.flag': true,
      'a.words': ['x', 'ü', ''],
      'a.types': [1, -3],
      'a.big': 5,
    });
    expect(file.tensors.map(({ name, shape, type }) => [name, shape, type])).toEqual([
      ['m', [2, 3], 'F32'],
      ['q', [1, 32], 'Q8_0'],
    ]);
    expect(await readTensorF32(file, 'm')).toEqual(VALUES);
    const again = writeGguf({ metadata: file.metadata, tensors: TENSORS });
    expect(joinBytes(again)).toEqual(bytes);
  });

  test.each(['f32', 'q8_0'])('rewrites %s.gguf to the same bytes', async (name) => {
    const bytes = goldenBytes(`${name}.gguf`);
    const file = await readGguf(bytesSource(bytes));
    const tensors: TensorToWrite[] = [];
    for (const tensor of file.tensors) {
      const type = tensor.type === 'F32' ? 'F32' : 'Q8_0';
      const { name, shape } = tensor;
      tensors.push({ name, shape, type, bytes: await file.readTensor(name) });
    }
    const written = joinBytes(writeGguf({ metadata: file.metadata, tensors }));
    expect(Buffer.compare(written, bytes)).toBe(0);
  });

  test('reads a header that is longer than the first read', async () => {
    // 2^17 words of 8 + 12 bytes: 2.6 MB, beyond the first megabyte.
    const words = Array.from({ length: 131072 }, (_, i) => String(i).padStart(12, '0'));
    const bytes = small([...METADATA, ['a.long', stringsEntry(words)]]);
    const file = await readGguf(bytesSource(bytes));
    expect(file.values['a.long']).toEqual(words);
    expect(await readTensorF32(file, 'm')).toEqual(VALUES);
  });

  test('refuses another format and another version', async () => {
    expect(await refusal(patched((view) => view.setUint32(0, 0x04034b50, true)))).toBe(
      'x.gguf: starts with 0x04034b50, a GGUF file starts with 0x46554747; choose a .gguf file',
    );
    expect(await refusal(patched((view) => view.setUint32(4, 2, true)))).toContain(
      'GGUF version 2, need 3',
    );
  });

  test('refuses every truncated beginning of a file', async () => {
    const bytes = small();
    for (let length = 0; length < bytes.length - 32; length++) {
      expect(await refusal(bytes.slice(0, length))).toContain('is this file whole?');
    }
  });

  test('names the tensor beyond the end, with bytes', async () => {
    const bytes = small();
    // The last tensor has 34 bytes and is padded to 64: 40 bytes less cut into it.
    expect(await refusal(bytes.slice(0, bytes.length - 40))).toBe(
      `x.gguf: tensor q ends beyond the file: got ${bytes.length - 40} bytes, ` +
        `need ${bytes.length - 30}; is this file whole?`,
    );
  });

  test('refuses absurd counts without allocating by them', async () => {
    const huge = 0x0fff_ffff_ffff_ffffn;
    for (const at of [8, 16]) {
      const message = await refusal(patched((view) => view.setBigUint64(at, huge, true)));
      expect(message).toContain('cannot fit into');
    }
    const list = await refusal(
      patched((view, bytes) => view.setBigUint64(afterName(bytes, 'a.types') + 8, huge, true)),
    );
    expect(list).toContain('the length of a.types is 1152921504606847000');
    const text = await refusal(
      patched((view, bytes) => {
        view.setBigUint64(afterName(bytes, 'general.architecture') + 4, huge, true);
      }),
    );
    expect(text).toContain('the header ends inside general.architecture');
  });

  test('refuses unknown types, bad shapes and bad offsets', async () => {
    const at = (bytes: Uint8Array, name: string, offset: number): number =>
      afterName(bytes, name) + offset;
    const change = (name: string, offset: number, value: bigint): Promise<string> =>
      refusal(patched((view, b) => view.setBigUint64(at(b, name, offset), value, true)));
    const change32 = (name: string, offset: number, value: number): Promise<string> =>
      refusal(patched((view, b) => view.setUint32(at(b, name, offset), value, true)));
    expect(await change32('m', 20, 99)).toContain('tensor m has unknown type 99; choose');
    expect(await change32('m', 0, 9)).toContain('tensor m has 9 axes');
    expect(await change('m', 4, 0n)).toContain('tensor m has the shape [2,0]');
    expect(await change('m', 4, 1n << 52n)).toContain('tensor m has the shape');
    expect(await change('q', 4, 31n)).toContain('tensor q has rows of 31, Q8_0 needs 32s');
    expect(await change('q', 24, 33n)).toContain('tensor q is at 33, which is not a multiple of');
    expect(await change('q', 24, 0n)).toContain('tensors m and q overlap');
    expect(await change32('a.count', 0, 77)).toContain('a.count has value type 77');
    expect(await refusal(patched((_, b) => b.set([113], at(b, 'm', -1))))).toContain(
      'tensor q is there twice',
    );
    const alignment: [string, GgufEntry] = ['general.alignment', u32Entry(48)];
    expect(await refusal(small([alignment]))).toContain('general.alignment is 48');
  });
});

describe('modelConfig', () => {
  test('reads the sizes of the golden files', async () => {
    expect(modelConfig(await readGguf(goldenSource('f32.gguf')))).toEqual({
      architecture: 'qwen3',
      layers: 1,
      hidden: 64,
      heads: 2,
      kvHeads: 1,
      headDim: 32,
      ffn: 160,
      vocab: 128,
      ropeTheta: 1e6,
      eps: Math.fround(1e-6),
      contextLength: 4096,
      tied: true,
      qkNorm: true,
      qkvBias: false,
      interleavedRope: false,
      ropeScaling: { kind: 'none' },
      ropeFactors: false,
    });
  });

  test('lists exactly the tensors of a file', async () => {
    const file = await readGguf(goldenSource('q8_0.gguf'));
    const listed = requiredTensors(modelConfig(file));
    expect(new Set(listed.map(({ name }) => name))).toEqual(
      new Set(file.tensors.map(({ name }) => name)),
    );
    expect(listed.length).toBe(file.tensors.length);
  });

  async function changed(
    change: (metadata: Map<string, GgufEntry>, tensors: TensorToWrite[]) => void,
  ): Promise<string> {
    const file = await readGguf(goldenSource('f32.gguf'));
    const metadata = new Map(file.metadata);
    const tensors: TensorToWrite[] = [];
    for (const { name, shape } of file.tensors) {
      tensors.push({ name, shape, type: 'F32', bytes: await file.readTensor(name) });
    }
    change(metadata, tensors);
    const other = await readGguf(bytesSource(joinBytes(writeGguf({ metadata, tensors })), 'y'));
    try {
      modelConfig(other);
    } catch (error) {
      expect(error).toBeInstanceOf(ModelFileError);
      if (error instanceof Error) return error.message;
    }
    throw new Error('not refused');
  }

  test('refuses what it cannot run, by name', async () => {
    const set = (key: string, entry: GgufEntry): Promise<string> =>
      changed((metadata) => metadata.set(key, entry));
    expect(await set('general.architecture', stringEntry('mamba'))).toBe(
      'y: architecture mamba, need one of qwen3, qwen2, llama; choose another file',
    );
    expect(await changed((metadata) => metadata.delete('qwen3.block_count'))).toContain(
      'qwen3.block_count is missing',
    );
    expect(await set('qwen3.block_count', u32Entry(2))).toContain('no tensor blk.1.attn_norm');
    expect(await set('qwen3.feed_forward_length', u32Entry(64))).toContain(
      'blk.0.ffn_gate.weight got [160,64], need [64,64]; is this file whole?',
    );
    expect(await set('qwen3.attention.head_count_kv', u32Entry(3))).toContain('share 3 KV heads');
    expect(await set('qwen3.rope.scaling.type', stringEntry('longrope'))).toContain(
      'RoPE scaling longrope, need none, linear or yarn',
    );
    expect(await set('tokenizer.ggml.tokens', stringsEntry(['a']))).toContain('1 tokens');
    const missing = await changed((_, tensors) => {
      const at = tensors.findIndex(({ name }) => name === 'blk.0.attn_q_norm.weight');
      tensors.splice(at, 1);
    });
    expect(missing).toContain('no tensor blk.0.attn_q_norm.weight');
  });

  test('refuses a tensor type by name, with the list of what works', async () => {
    const bytes = goldenBytes('q8_0.gguf');
    const at = afterName(bytes, 'blk.0.attn_q.weight');
    // Type 3 is Q4_1: 20 bytes a block, so the tensor stays inside its room.
    new DataView(bytes.buffer).setUint32(at + 4 + 16, 3, true);
    const file = await readGguf(bytesSource(bytes, 'z'));
    expect(() => modelConfig(file)).toThrow(
      'z: blk.0.attn_q.weight has type Q4_1, need F32, F16, BF16, Q8_0, Q4_0,',
    );
    await expect(readTensorF32(file, 'blk.0.attn_q.weight')).rejects.toThrow('got type Q4_1');
  });
});

describe('readPart', () => {
  test('reads bytes inside one tensor and nothing else', async () => {
    const file = await readGguf(bytesSource(small(), 'x.gguf'));
    const whole = await file.readTensor('m');
    expect(await file.readPart('m', 4, 12)).toEqual(whole.slice(4, 16));
    expect(await file.readPart('m', 24, 0)).toEqual(new Uint8Array(0));
    expect([file.name, file.sizeBytes]).toEqual(['x.gguf', small().length]);
    // Six floats are 24 bytes.
    await expect(file.readPart('m', 20, 5)).rejects.toThrow(
      'x.gguf: m: got the bytes 20 to 25, it has 24',
    );
    await expect(file.readPart('m', -4, 4)).rejects.toThrow(ModelFileError);
    await expect(file.readPart('m', 0.5, 4)).rejects.toThrow(ModelFileError);
    await expect(file.readPart('none', 0, 4)).rejects.toThrow('x.gguf: no tensor none among 2');
  });
});
