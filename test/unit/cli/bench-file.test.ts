// The model file that peers are timed on: what our own reader makes of one with small sizes.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeModelFile } from '../../../bench/model-file.mjs';
import { openModelFile, tokenizerOf } from '../../../src/cli/models.ts';
import type { GgufFile } from '../../../src/weights/gguf.ts';
import { modelConfig, requiredTensors } from '../../../src/weights/model-config.ts';
import { readTensorF32 } from '../../../src/weights/quant.ts';

const SHAPE = {
  ...{ layers: 2, hidden: 256, heads: 4, kvHeads: 2, headDim: 64, ffn: 512 },
  ...{ vocab: 512, context: 128 },
};

let folder: string;
let file: GgufFile;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bench-file-'));
  const path = join(folder, 'model.gguf');
  writeModelFile(path, SHAPE);
  file = (await openModelFile(path)).file;
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

it('has the sizes that were asked for', () => {
  const { context, ...sizes } = SHAPE;
  expect(modelConfig(file)).toMatchObject({ ...sizes, contextLength: context, qkNorm: true });
});

it('has every tensor: Q4_0 matrices of variance 1 / K, vectors near 1', async () => {
  for (const { name, shape } of requiredTensors(modelConfig(file))) {
    const tensor = file.tensor(name);
    expect([name, ...tensor.shape]).toEqual([name, ...shape]);
    expect(tensor.type).toBe(shape.length === 1 ? 'F32' : 'Q4_0');
    const values = await readTensorF32(file, name);
    const K = shape.at(-1) ?? 0;
    const square = values.reduce((sum, value) => sum + value * value, 0) / values.length;
    // Scales are uniform in 0.5 to 1.5, whose mean square is 13 / 12.
    const expected = shape.length === 1 ? 1.04 : 13 / 12 / K;
    expect(square / expected, name).toBeGreaterThan(0.9);
    expect(square / expected, name).toBeLessThan(1.1);
  }
});

it('has one token for each digit, so that a prompt has as many tokens as digits', () => {
  expect(tokenizerOf({ file }).encode('0123456789').length).toBe(10);
});
