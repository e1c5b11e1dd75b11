import { describe, expect, test } from 'vitest';
import {
  ADAPTER_CONFIG,
  ADAPTER_TENSORS,
  type Adapter,
  adapterScale,
  readAdapter,
} from '../../../src/adapter/adapter.ts';
import { MERGE_TYPES, mergeModel, mergeRows } from '../../../src/adapter/merge-model.ts';
import { freshAdapter } from '../../../src/train/targets.ts';
import { bytesSource } from '../../../src/weights/byte-source.ts';
import { type GgufFile, joinBytes, readGguf } from '../../../src/weights/gguf.ts';
import { modelConfig } from '../../../src/weights/model-config.ts';
import { readTensorF32 } from '../../../src/weights/quant.ts';
import { readSafetensorsModel } from '../../../src/weights/safetensors-model.ts';
import { hfFolder } from '../../support/hf-folder.ts';
import { goldenBytes, goldenSource } from '../weights/golden.ts';

function goldenAdapter(name: string): Adapter {
  return readAdapter({
    [ADAPTER_CONFIG]: goldenBytes(`${name}.adapter/${ADAPTER_CONFIG}`),
    [ADAPTER_TENSORS]: goldenBytes(`${name}.adapter/${ADAPTER_TENSORS}`),
  });
}

async function merged(
  name: string,
  adapter: Adapter,
  options: Parameters<typeof mergeModel>[2] = {},
): Promise<{ base: GgufFile; bytes: Uint8Array<ArrayBuffer>; file: GgufFile; pieces: number }> {
  const base = await readGguf(goldenSource(`${name}.gguf`));
  const plan = mergeModel(base, adapter, options);
  const pieces: Uint8Array[] = [];
  for await (const piece of plan.pieces()) pieces.push(piece);
  const bytes = joinBytes(pieces);
  expect(bytes.length).toBe(plan.sizeBytes);
  const file = await readGguf(bytesSource(bytes, name));
  return { base, bytes, file, pieces: pieces.length };
}

/** W + s B A of one tensor, entry by entry in f64. */
async function expected(base: GgufFile, adapter: Adapter, stem: string): Promise<Float64Array> {
  const w = await readTensorF32(base, `${stem}.weight`);
  const { rank } = adapter;
  const pair = adapter.matrices.get(stem);
  if (pair === undefined) return Float64Array.from(w);
  const K = pair.a.length / rank;
  return Float64Array.from(w, (value, at) => {
    const [row, column] = [Math.floor(at / K), at % K];
    let sum = 0;
    for (let r = 0; r < rank; r++) {
      sum += (pair.b[row * rank + r] ?? 0) * (pair.a[r * K + column] ?? 0);
    }
    return value + adapterScale(adapter) * sum;
  });
}

/**
 * Steps between neighbouring values of a type, relative to the largest value near by; that of Q4_0 with the rounding of
 * its scale to f16.
 */
const STEPS = {
  F32: 2 ** -23,
  F16: 2 ** -10,
  BF16: 2 ** -7,
  Q8_0: 1 / 127,
  Q4_0: 1 / 8 + 2 ** -11,
} as const;

describe('mergeRows', () => {
  const lora = { a: Float32Array.of(5, 6, 7, 8, 9, 10), b: Float32Array.of(1, 2, 3, 4) };
  const sizes = { rank: 2, scale: 0.5 };

  test('adds scale times B A', () => {
    // B = [1 2; 3 4], A = [5 6 7; 8 9 10], B A = [21 24 27; 47 54 61].
    const weight = Float32Array.of(1, 1, 1, 0, 0, 0);
    mergeRows(weight, 0, lora, sizes);
    expect([...weight]).toEqual([11.5, 13, 14.5, 23.5, 27, 30.5]);
  });

  test('gives rows alone what it gives them together', () => {
    const weight = Float32Array.of(0, 0, 0);
    mergeRows(weight, 1, lora, sizes);
    expect([...weight]).toEqual([23.5, 27, 30.5]);
    expect(() => mergeRows(weight, 2, lora, sizes)).toThrow('rows 2 + 1');
  });
});

describe.each([
  ['f32', 'F32'],
  ['f16', 'F16'],
  ['q8_0', 'Q8_0'],
  ['q4_0', 'Q4_0'],
  // K-quants are not written.
  ['q4_k_m', 'Q8_0'],
] as const)('%s', (name, becomes) => {
  const adapter = goldenAdapter(name);

  test(`merged matrices become ${becomes}; everything else stays as it is`, async () => {
    const { base, file } = await merged(name, adapter);
    expect(file.metadata).toEqual(base.metadata);
    expect(file.tensors.map((tensor) => tensor.name)).toEqual(
      base.tensors.map((tensor) => tensor.name),
    );
    let count = 0;
    for (const { name: tensor, type, shape } of base.tensors) {
      const got = file.tensor(tensor);
      expect(got.shape).toEqual(shape);
      const stem = tensor.replace('.weight', '');
      if (!adapter.matrices.has(stem)) {
        expect(got.type, tensor).toBe(type);
        expect(await file.readTensor(tensor)).toEqual(await base.readTensor(tensor));
        continue;
      }
      count += 1;
      expect(got.type, tensor).toBe(becomes);
      await isNear(file, tensor, await expected(base, adapter, stem), STEPS[becomes]);
    }
    expect(count).toBe(adapter.matrices.size);
  });
});

/** Every value is off by at most one step of the largest of its row. */
async function isNear(
  file: GgufFile,
  tensor: string,
  want: Float64Array,
  step: number,
): Promise<void> {
  const values = await readTensorF32(file, tensor);
  const K = file.tensor(tensor).shape[1] ?? 0;
  let worst = 0;
  for (let from = 0; from < values.length; from += K) {
    const row = want.subarray(from, from + K);
    const largest = row.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    row.forEach((value, k) => {
      worst = Math.max(worst, Math.abs(value - (values[from + k] ?? Number.NaN)) / largest);
    });
  }
  expect(worst, tensor).toBeLessThan(step);
  expect(values.length).toBe(want.length);
}

describe.each(MERGE_TYPES)('--type %s', (type) => {
  test('is the type of every matrix; vectors stay F32', async () => {
    const adapter = goldenAdapter('q8_0');
    const { base, file } = await merged('q8_0', adapter, { type });
    for (const { name, shape } of base.tensors) {
      const matrix = shape.length === 2;
      expect(file.tensor(name).type, name).toBe(matrix ? type : 'F32');
      if (!matrix) continue;
      const want = await expected(base, adapter, name.replace('.weight', ''));
      await isNear(file, name, want, STEPS[type]);
    }
    // ggml's LLAMA_FTYPE: all F32, mostly F16, mostly Q8_0, mostly Q4_0.
    expect(file.values['general.file_type']).toBe({ F32: 0, F16: 1, Q8_0: 7, Q4_0: 2 }[type]);
    expect(modelConfig(file)).toEqual(modelConfig(base));
  });
});

test.each(['f32', 'f16', 'q8_0', 'llama'])(
  'an adapter of zeros changes no byte of %s',
  async (name) => {
    const golden = goldenAdapter(name);
    const matrices = new Map(
      [...golden.matrices].map(([stem, { a, b }]) => [stem, { a, b: new Float32Array(b.length) }]),
    );
    const { bytes } = await merged(name, { ...golden, matrices });
    expect(Buffer.compare(bytes, goldenBytes(`${name}.gguf`))).toBe(0);
  },
);

test('the size of the pieces changes no byte', async () => {
  const adapter = goldenAdapter('q4_0');
  const whole = await merged('q4_0', adapter);
  const small = await merged('q4_0', adapter, { pieceValues: 300 });
  expect(Buffer.compare(small.bytes, whole.bytes)).toBe(0);
  expect(small.pieces).toBeGreaterThan(2 * whole.pieces);
});

test('a folder as Hugging Face keeps it becomes a merged file of the type that it is read in', async () => {
  const { folder } = hfFolder({ architecture: 'llama', dtype: 'BF16', seed: 5 });
  const base = await readSafetensorsModel({ files: folder, quantise: 'Q8_0', name: 'folder' });
  const config = modelConfig(base);
  const fresh = freshAdapter(config, { rank: 2, alpha: 4 }, 1, null);
  for (const { b } of fresh.matrices.values()) {
    b.set(Float32Array.from(b, (_, i) => Math.cos(i) / 8));
  }
  const pieces: Uint8Array[] = [];
  // Pieces that begin in the middle of a head, whose rows the reader of the folder turns.
  for await (const piece of mergeModel(base, fresh, { pieceValues: 300 }).pieces()) {
    pieces.push(piece);
  }
  const file = await readGguf(bytesSource(joinBytes(pieces)));
  expect(modelConfig(file)).toEqual(config);
  expect(file.values['tokenizer.ggml.tokens']).toEqual(base.values['tokenizer.ggml.tokens']);
  for (const stem of fresh.matrices.keys()) {
    expect(file.tensor(`${stem}.weight`).type).toBe('Q8_0');
    await isNear(file, `${stem}.weight`, await expected(base, fresh, stem), STEPS.Q8_0);
  }
});

describe('refuses', () => {
  test('an adapter of another model', async () => {
    const base = await readGguf(goldenSource('f32.gguf'));
    expect(() => mergeModel(base, goldenAdapter('q8_0'))).toThrow(
      'is this adapter for another model?',
    );
    const owned = { ...goldenAdapter('f32'), baseModelHash: 'aa' };
    expect(() => mergeModel(base, owned, { modelHash: 'bb' })).toThrow('adapter of another model');
  });

  test('rows that the type cannot hold', async () => {
    const base = await readGguf(goldenSource('f32.gguf'));
    const [first] = base.tensors.filter(({ shape }) => shape.length === 2);
    const odd = {
      ...base,
      tensors: base.tensors.map((one) => (one === first ? { ...one, shape: [10, 33] } : one)),
    };
    expect(() => mergeModel(odd, goldenAdapter('f32'), { type: 'Q8_0' })).toThrow(
      `${first?.name} has rows of 33, Q8_0 needs 32s; choose another --type`,
    );
  });
});
