import { beforeAll, describe, expect, test } from 'vitest';
import {
  ADAPTER_CONFIG,
  ADAPTER_TENSORS,
  type Adapter,
  fitAdapter,
  readAdapter,
  writeAdapter,
} from '../../../src/adapter/adapter.ts';
import { withRows } from '../../../src/adapter/head-rows.ts';
import { mergeRows } from '../../../src/adapter/merge-model.ts';
import { readSafetensors } from '../../../src/adapter/safetensors.ts';
import { defined } from '../../../src/base/assert.ts';
import { readGguf } from '../../../src/weights/gguf.ts';
import { type ModelConfig, modelConfig } from '../../../src/weights/model-config.ts';
import { readTensorF32 } from '../../../src/weights/quant.ts';
import { readSafetensorsModel } from '../../../src/weights/safetensors-model.ts';
import { hfFolder } from '../../support/hf-folder.ts';
import { goldenBytes, goldenSource } from '../weights/golden.ts';

function golden(name: string, more: object = {}): Adapter {
  const config = JSON.parse(
    new TextDecoder().decode(goldenBytes(`${name}.adapter/${ADAPTER_CONFIG}`)),
  );
  return readAdapter({
    [ADAPTER_CONFIG]: new TextEncoder().encode(JSON.stringify({ ...config, ...more })),
    [ADAPTER_TENSORS]: goldenBytes(`${name}.adapter/${ADAPTER_TENSORS}`),
  });
}

const configOf = async (name: string): Promise<ModelConfig> =>
  modelConfig(await readGguf(goldenSource(`${name}.gguf`)));

describe('rows of q and k', () => {
  let config: ModelConfig;
  beforeAll(async () => {
    config = await configOf('llama');
  });

  test('of a folder that PEFT wrote turn into the order of the file, there and back', () => {
    const plain = golden('llama');
    // PEFT writes this key into every file.
    const peft = golden('llama', { auto_mapping: null });
    expect([plain.rows, peft.rows]).toEqual(['gguf', 'hugging-face']);
    expect(fitAdapter(plain, config)).toEqual(plain);
    const fitting = fitAdapter(peft, config);
    expect(fitting.rows).toBe('gguf');
    const { rank } = plain;
    const half = config.headDim / 2;
    for (const stem of ['blk.0.attn_q', 'blk.1.attn_k']) {
      const [before, after] = [peft.matrices.get(stem)?.b, fitting.matrices.get(stem)?.b];
      const rowOf = (b: Float32Array | undefined, row: number) =>
        b?.subarray(row * rank, (row + 1) * rank);
      // The second head: its row 1 · D/2 + 3 stands at 2 · 3 + 1.
      const head = config.headDim;
      expect(rowOf(after, head + 7)).toEqual(rowOf(before, head + half + 3));
      expect(rowOf(after, head + 6)).toEqual(rowOf(before, head + 3));
    }
    for (const stem of ['blk.0.attn_v', 'blk.0.attn_output', 'blk.1.ffn_up']) {
      expect(fitting.matrices.get(stem)).toEqual(peft.matrices.get(stem));
    }
    expect(withRows(fitting, 'hugging-face', config)).toEqual(peft);
  });

  test('are marked in the folder where they are as PEFT has them', () => {
    const ordered = withRows(golden('llama'), 'hugging-face', config);
    const files = writeAdapter(ordered, { baseModel: 'x' });
    expect(readAdapter(files)).toEqual(ordered);
    expect(JSON.parse(new TextDecoder().decode(files[ADAPTER_CONFIG]))).toHaveProperty(
      'auto_mapping',
      null,
    );
  });

  test('stay where they are in other architectures', async () => {
    const peft = golden('qwen2', { auto_mapping: null });
    expect(fitAdapter(peft, await configOf('qwen2')).matrices).toEqual(peft.matrices);
  });
});

test('merged rows of a Hugging Face folder are those of its GGUF form, in another order', async () => {
  const { folder } = hfFolder({ architecture: 'llama', dtype: 'F32', seed: 3 });
  const file = await readSafetensorsModel({ files: folder, quantise: 'none', name: 'folder' });
  const config = modelConfig(file);
  const [rank, N, K] = [2, config.heads * config.headDim, config.hidden];
  const lora = {
    a: Float32Array.from({ length: rank * K }, (_, i) => Math.sin(i)),
    b: Float32Array.from({ length: N * rank }, (_, i) => Math.cos(i)),
  };
  const matrices = new Map([['blk.0.attn_q', lora]]);
  const adapter: Adapter = { ...golden('llama'), rank, rows: 'hugging-face', matrices };
  const sizes = { rank, scale: 0.5 };
  const source = defined(folder['model.safetensors'], 'weights');
  const { tensors } = readSafetensors(await source.read(0, source.size));
  const name = 'model.layers.0.self_attn.q_proj.weight';
  const original = defined(tensors.find((one) => one.name === name)?.values, name).slice();
  mergeRows(original, 0, lora, sizes);
  const turned = await readTensorF32(file, 'blk.0.attn_q.weight');
  mergeRows(
    turned,
    0,
    defined(fitAdapter(adapter, config).matrices.get('blk.0.attn_q'), 'q'),
    sizes,
  );
  expect(turned).not.toEqual(original);
  const rowsOf = (values: Float32Array) =>
    Array.from({ length: N }, (_, row) => values.slice(row * K, (row + 1) * K).join()).sort();
  expect(rowsOf(turned)).toEqual(rowsOf(original));
});
