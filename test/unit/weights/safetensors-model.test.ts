import { describe, expect, test } from 'vitest';
import { ModelFileError } from '../../../src/base/errors.ts';
import { tokenizerFromMetadata } from '../../../src/tokenizer/tokenizer.ts';
import { type ByteSource, bytesSource } from '../../../src/weights/byte-source.ts';
import { type GgufFile, readGguf } from '../../../src/weights/gguf.ts';
import { modelConfig } from '../../../src/weights/model-config.ts';
import { dequantize, readTensorF32 } from '../../../src/weights/quant.ts';
import { quantizeQ4, quantizeQ8 } from '../../../src/weights/quantize.ts';
import { hashedFiles, readSafetensorsModel } from '../../../src/weights/safetensors-model.ts';
import { hfFolder, jsonSource, SIZES } from '../../support/hf-folder.ts';

const SEED = 7301;
const TEXTS = ['find the red lamp', 'Add 12,5 — naïve\n\n<think>x</think><|im_end|>', ''];

async function expectEqualModels(ours: GgufFile, theirs: GgufFile): Promise<void> {
  expect(ours.tensors.map(({ name }) => name).sort()).toEqual(
    theirs.tensors.map(({ name }) => name).sort(),
  );
  for (const { name, shape, type, sizeBytes } of theirs.tensors) {
    expect(ours.tensor(name)).toMatchObject({ name, shape, type, sizeBytes });
    expect(Buffer.compare(await ours.readTensor(name), await theirs.readTensor(name))).toBe(0);
  }
  expect(modelConfig(ours)).toEqual(modelConfig(theirs));
}

describe.each(['qwen3', 'qwen2', 'llama'] as const)('a folder of %s', (architecture) => {
  test.each(['F32', 'F16', 'BF16'] as const)('in %s is its GGUF file', async (dtype) => {
    for (const shards of [1, 3]) {
      const { folder, gguf } = hfFolder({ architecture, dtype, seed: SEED, shards });
      const ours = await readSafetensorsModel({ files: folder, quantise: 'none' });
      await expectEqualModels(ours, await readGguf(gguf));
    }
  });

  test('has the tokenizer of its GGUF file', async () => {
    for (const pairs of [false, true]) {
      const { folder, gguf } = hfFolder({ architecture, dtype: 'BF16', seed: SEED, pairs });
      const file = await readSafetensorsModel({ files: folder, quantise: 'none' });
      const theirs = await readGguf(gguf);
      for (const key of ['tokens', 'token_type', 'merges', 'pre', 'model', 'eos_token_id']) {
        const full = `tokenizer.ggml.${key}`;
        expect(file.values[full]).toEqual(theirs.values[full]);
      }
      const ours = tokenizerFromMetadata(file.values);
      const other = tokenizerFromMetadata(theirs.values);
      for (const text of TEXTS) {
        for (const special of [false, true]) {
          const ids = ours.encode(text, { special });
          expect(ids).toEqual(other.encode(text, { special }));
          expect(ours.decode(ids)).toBe(text);
        }
      }
      expect(ours.chatTemplate).toBe('T');
      expect(ours.bosToken).toBe('<|endoftext|>');
      // generation_config.json names <think> as a second end; <|endoftext|> is one by its name.
      const ends = ['<|im_end|>', '<think>', '<|endoftext|>'];
      expect(ours.eosIds).toEqual(ends.map((token) => ours.idOf(token)));
    }
  });

  test.each([
    ['Q8_0', quantizeQ8],
    ['Q4_0', quantizeQ4],
  ] as const)('is quantised to %s as it is read', async (quantise, encode) => {
    const { folder, gguf } = hfFolder({ architecture, dtype: 'BF16', seed: SEED });
    const file = await readSafetensorsModel({ files: folder, quantise });
    const theirs = await readGguf(gguf);
    for (const { name, shape } of theirs.tensors) {
      const values = await readTensorF32(theirs, name);
      const vector = shape.length === 1;
      expect(file.tensor(name).type).toBe(vector ? 'F32' : quantise);
      const expected = vector ? await theirs.readTensor(name) : encode(values);
      expect(file.tensor(name).sizeBytes).toBe(expected.length);
      expect(Buffer.compare(await file.readTensor(name), expected)).toBe(0);
      if (vector) continue;
      // Half a step of the coarsest block: 1 / 127 / 2 and 1 / 8 (Q4_0 cuts one end off), f16 scale.
      const bound = quantise === 'Q8_0' ? 0.0041 : 0.126;
      const back = dequantize(quantise, expected);
      const errors = back.map((value, i) => Math.abs(value - (values[i] ?? 0)));
      expect(errors.reduce((a, b) => Math.max(a, b))).toBeLessThan(bound);
    }
  });

  test('parts of a tensor are those of the whole', async () => {
    const { folder } = hfFolder({ architecture, dtype: 'BF16', seed: SEED });
    for (const quantise of ['Q8_0', 'Q4_0', 'none'] as const) {
      const file = await readSafetensorsModel({ files: folder, quantise });
      const name = 'blk.1.attn_q.weight';
      const whole = await file.readTensor(name);
      // Inside a block, over a head's end (16 rows), to the end, and nothing.
      const head = whole.length / SIZES.heads;
      for (const [offset, length] of [
        [5, 40],
        [head - 7, 50],
        [head + 34, 2 * head],
        [whole.length - 3, 3],
        [12, 0],
      ] as const) {
        const part = await file.readPart(name, offset, length);
        expect(Buffer.compare(part, whole.slice(offset, offset + length))).toBe(0);
      }
      await expect(file.readPart(name, whole.length, 1)).rejects.toThrow(ModelFileError);
    }
  });
});

describe('a folder', () => {
  test('of a tied model needs no head and ignores a copy of it', async () => {
    const tied = hfFolder({ architecture: 'qwen3', dtype: 'BF16', seed: SEED, tied: true });
    const untied = hfFolder({ architecture: 'qwen3', dtype: 'BF16', seed: SEED });
    const file = await readSafetensorsModel({ files: tied.folder, quantise: 'Q8_0' });
    expect(modelConfig(file).tied).toBe(true);
    const copied = { ...untied.folder, 'config.json': required(tied.folder, 'config.json') };
    const other = await readSafetensorsModel({ files: copied, quantise: 'Q8_0' });
    expect(modelConfig(other).tied).toBe(true);
    const headless = { ...tied.folder, 'config.json': required(untied.folder, 'config.json') };
    expect(await refusal(headless)).toContain('lm_head.weight is missing');
  });

  test('is opened without reading a tensor', async () => {
    const { folder } = hfFolder({ architecture: 'llama', dtype: 'BF16', seed: SEED });
    const weights = required(folder, 'model.safetensors');
    let asked = 0;
    const counted: ByteSource = {
      ...weights,
      read: (offset, length) => {
        asked += length;
        return weights.read(offset, length);
      },
    };
    const files = { ...folder, 'model.safetensors': counted };
    const file = await readSafetensorsModel({ files, quantise: 'Q8_0' });
    const first = await weights.read(0, 8);
    expect(asked).toBe(8 + Number(new DataView(first.slice().buffer).getBigUint64(0, true)));
    asked = 0;
    // One row of K = 64 values: 2 blocks, read as 128 bytes.
    await file.readPart('blk.0.ffn_gate.weight', 68, 68);
    expect(asked).toBe(128);
  });

  test('takes chat_template.jinja over tokenizer_config.json', async () => {
    const { folder } = hfFolder({ architecture: 'qwen3', dtype: 'F32', seed: SEED });
    const template = bytesSource(new TextEncoder().encode('{{ x }}'), 'chat_template.jinja');
    const files = { ...folder, 'chat_template.jinja': template };
    const file = await readSafetensorsModel({ files, quantise: 'none', name: 'mine' });
    expect(file.values['tokenizer.chat_template']).toBe('{{ x }}');
    expect([file.name, file.values['general.name']]).toEqual(['mine', 'mine']);
    const named = { chat_template: [{ name: 'default', template: 'D' }] };
    const listed = {
      ...folder,
      'tokenizer_config.json': jsonSource('tokenizer_config.json', named),
    };
    const other = await readSafetensorsModel({ files: listed, quantise: 'none' });
    expect(other.values['tokenizer.chat_template']).toBe('D');
  });

  test('is known by its configuration and its shards in order', async () => {
    const { folder } = hfFolder({ architecture: 'qwen3', dtype: 'F32', seed: SEED, shards: 2 });
    expect((await hashedFiles(folder)).map(({ name }) => name)).toEqual([
      'config.json',
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
    ]);
  });
});

describe('RoPE', () => {
  const valuesOf = async (config: Record<string, unknown>): Promise<GgufFile> => {
    const options = { architecture: 'llama', dtype: 'BF16', seed: SEED, config } as const;
    return readSafetensorsModel({ files: hfFolder(options).folder, quantise: 'none' });
  };

  test('Llama 3 factors: 1 for short waves, the factor for long ones, a blend between', async () => {
    const file = await valuesOf({
      rope_theta: 10_000,
      rope_scaling: {
        rope_type: 'llama3',
        factor: 8,
        low_freq_factor: 1,
        high_freq_factor: 4,
        original_max_position_embeddings: 256,
      },
    });
    expect(file.tensor('rope_freqs.weight').shape).toEqual([SIZES.headDim / 2]);
    const factors = [...(await readTensorF32(file, 'rope_freqs.weight'))];
    // Waves are 2 pi 10^(i/2): 6.28, 19.9, 62.8 below 256 / 4; 198.7 below 256; then above.
    // 256 / 198.692 = 1.288427; (1.288427 - 1) / 3 = 0.096142;
    // 1 / (0.903858 / 8 + 0.096142) = 4.782165.
    const [a, b, c, blend = 0, ...long] = factors;
    expect([a, b, c]).toEqual([1, 1, 1]);
    expect(blend).toBeCloseTo(4.7822, 3);
    expect(long).toEqual([8, 8, 8, 8]);
    expect(file.values['llama.rope.scaling.type']).toBeUndefined();
    expect(modelConfig(file)).toMatchObject({ ropeFactors: true, ropeScaling: { kind: 'none' } });
  });

  test('linear and YaRN become keys', async () => {
    const linear = await valuesOf({ rope_scaling: { type: 'linear', factor: 2 } });
    expect(modelConfig(linear).ropeScaling).toEqual({ kind: 'linear', factor: 2 });
    const yarn = await valuesOf({
      rope_scaling: null,
      rope_parameters: {
        rope_type: 'yarn',
        rope_theta: 5000,
        factor: 4,
        original_max_position_embeddings: 128,
        beta_fast: 16,
        attention_factor: 1.5,
      },
    });
    const config = modelConfig(yarn);
    expect(config.ropeTheta).toBe(5000);
    expect(config.ropeScaling).toMatchObject({
      kind: 'yarn',
      factor: 4,
      originalContext: 128,
      betaFast: 16,
      betaSlow: 1,
    });
    expect(config.ropeScaling.kind === 'yarn' && config.ropeScaling.magnitude).toBeCloseTo(1.5, 6);
  });
});

function required(files: Record<string, ByteSource>, name: string): ByteSource {
  const file = files[name];
  if (file === undefined) throw new Error(`no ${name}`);
  return file;
}

async function refusal(files: Record<string, ByteSource>): Promise<string> {
  const error = await readSafetensorsModel({ files, quantise: 'Q8_0' }).then(
    () => null,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(ModelFileError);
  return error instanceof Error ? error.message : '';
}

describe('refusals', () => {
  const base = { architecture: 'qwen3', dtype: 'BF16', seed: SEED } as const;
  const nested = { rope_type: 'dynamic', factor: 2 };

  test.each<[Record<string, unknown>, string]>([
    [{ model_type: 'mamba' }, 'config.json: model_type is mamba, need one of qwen3, qwen2, llama'],
    [{ hidden_act: 'gelu' }, 'hidden_act is gelu, need silu'],
    [{ num_hidden_layers: 0 }, 'num_hidden_layers is 0, need a positive whole number'],
    [{ rms_norm_eps: null }, 'rms_norm_eps is missing, need a positive number'],
    [{ head_dim: 'x' }, 'head_dim is x'],
    [{ rope_scaling: nested }, 'rope_type is dynamic, need default, linear, llama3 or yarn'],
    [{ rope_scaling: [] }, 'rope_scaling is a list, need an object'],
    [{ attention_bias: true }, 'attention_bias is true, need false'],
    [{ use_sliding_window: true }, 'use_sliding_window is true, need false'],
    [{ quantization_config: { bits: 4 } }, 'quantization_config is there'],
    [{ eos_token_id: ['a'] }, 'eos_token_id is a, need ids of tokens'],
  ])('of config.json with %o', async (config, message) => {
    expect(await refusal(hfFolder({ ...base, config }).folder)).toContain(message);
  });

  const tokenizer = hfFolder(base).jsons['tokenizer.json'] as {
    model: Record<string, unknown>;
    added_tokens: unknown[];
  };
  const bert = { type: 'BertPreTokenizer' };
  test.each<[Record<string, unknown>, string]>([
    [{ model: null }, 'tokenizer.json: model is not an object'],
    [{ model: { ...tokenizer.model, type: 'Unigram' } }, 'model.type is Unigram, need BPE'],
    [{ model: { ...tokenizer.model, byte_fallback: true } }, 'model.byte_fallback is true'],
    [{ model: { ...tokenizer.model, vocab: { a: 1e9 } } }, 'a has id 1000000000, the embedding'],
    [{ model: { ...tokenizer.model, vocab: { a: 1, b: 1 } } }, 'id 1 is two tokens, a and b'],
    [{ model: { ...tokenizer.model, merges: ['abc'] } }, 'entry 0 is abc, need two tokens'],
    [{ model: { ...tokenizer.model, ignore_merges: true } }, '(ignore_merges), need that of'],
    [{ pre_tokenizer: bert }, 'pre_tokenizer has the step BertPreTokenizer in a form'],
    [{ pre_tokenizer: null }, 'pre_tokenizer is not an object'],
    [{ normalizer: { type: 'Lowercase' } }, 'normalizer is Lowercase, need none or NFC'],
    [{ added_tokens: [{}] }, 'added_tokens has an entry without content'],
  ])('of tokenizer.json, case %#', async (changes, message) => {
    const { folder } = hfFolder(base);
    const changed = jsonSource('tokenizer.json', { ...tokenizer, ...changes });
    expect(await refusal({ ...folder, 'tokenizer.json': changed })).toContain(message);
  });

  test('of missing files and foreign tensors, by name', async () => {
    const { folder } = hfFolder({ ...base, shards: 2 });
    for (const name of ['config.json', 'tokenizer.json', 'model-00002-of-00002.safetensors']) {
      const { [name]: _, ...rest } = folder;
      expect(await refusal(rest)).toContain(`${name} is missing`);
    }
    const qwen2 = hfFolder({ ...base, architecture: 'qwen2' }).folder;
    const config = required(hfFolder(base).folder, 'config.json');
    expect(await refusal({ ...qwen2, 'config.json': config })).toContain(
      'no qwen3 model has the tensor model.layers.0.self_attn.q_proj.bias',
    );
    const index = { weight_map: { 'model.norm.weight': 'model-00001-of-00002.safetensors' } };
    const name = 'model.safetensors.index.json';
    const lost = { ...folder, [name]: jsonSource(name, index) };
    expect(await refusal(lost)).toMatch(/model.norm.weight is missing, which|embed_tokens/);
  });
});
