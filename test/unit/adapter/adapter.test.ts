import { beforeAll, describe, expect, test } from 'vitest';
import {
  ADAPTER_CONFIG,
  ADAPTER_TENSORS,
  type Adapter,
  adapterScale,
  adapterStems,
  fitAdapter,
  readAdapter,
  writeAdapter,
} from '../../../src/adapter/adapter.ts';
import { readSafetensors, writeSafetensors } from '../../../src/adapter/safetensors.ts';
import { defined } from '../../../src/base/assert.ts';
import { ModelFileError } from '../../../src/base/errors.ts';
import { readGguf } from '../../../src/weights/gguf.ts';
import { type ModelConfig, modelConfig } from '../../../src/weights/model-config.ts';
import { goldenBytes, goldenSource } from '../weights/golden.ts';

type Files = Record<string, Uint8Array<ArrayBuffer>>;

/** The tensor file of a folder. */
function tensorBytes(files: Files): Uint8Array<ArrayBuffer> {
  return defined(files[ADAPTER_TENSORS], ADAPTER_TENSORS);
}
type Header = Record<string, unknown>;

function goldenFiles(name: string): Files {
  return {
    [ADAPTER_CONFIG]: goldenBytes(`${name}.adapter/${ADAPTER_CONFIG}`),
    [ADAPTER_TENSORS]: goldenBytes(`${name}.adapter/${ADAPTER_TENSORS}`),
  };
}

/** A safetensors file of a header and a body. */
function raw(header: unknown, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(
    typeof header === 'string' ? header : JSON.stringify(header),
  );
  const bytes = new Uint8Array(8 + json.length + body.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(body, 8 + json.length);
  return bytes;
}

describe('safetensors', () => {
  const entry = (dtype: string, shape: number[], start: number, end: number): Header => ({
    dtype,
    shape,
    data_offsets: [start, end],
  });

  test('comes back with the same values, and to the same bytes', () => {
    const tensors = [
      { name: 'b', shape: [2, 1], values: Float32Array.of(1.5, -2) },
      { name: 'a', shape: [], values: Float32Array.of(3) },
      { name: 'none', shape: [0, 4], values: new Float32Array(0) },
    ];
    const bytes = writeSafetensors(tensors, { format: 'pt' });
    const back = readSafetensors(bytes);
    expect(back).toEqual({ tensors, metadata: { format: 'pt' } });
    expect(writeSafetensors(back.tensors, back.metadata)).toEqual(bytes);
    // The header's length is a multiple of 8, so that tensors are aligned.
    expect(new DataView(bytes.buffer).getUint32(0, true) % 8).toBe(0);
  });

  test('converts F16 and BF16', () => {
    const header = { h: entry('F16', [1], 0, 2), b: entry('BF16', [1], 2, 4) };
    const { tensors } = readSafetensors(raw(header, Uint8Array.of(0x00, 0xc0, 0x80, 0x3f)));
    expect(tensors.map(({ values }) => values[0])).toEqual([-2, 1]);
  });

  test.each<[string, unknown, number, string]>([
    ['a header that is no JSON', '{"a"', 0, 'the header is not JSON'],
    ['a header that is no object', '[]', 0, 'the header is not a JSON object'],
    ['an entry without dtype', { a: { shape: [1] } }, 4, 'a has no dtype'],
    ['a negative size', { a: entry('F32', [-1], 0, 4) }, 4, 'a has no shape'],
    ['another dtype', { a: entry('I64', [1], 0, 8) }, 8, 'a has dtype I64, need one of F32, F16'],
    ['bytes that do not fit', { a: entry('F32', [2], 0, 4) }, 4, 'F32 [2] needs 8'],
    ['a truncated body', { a: entry('F32', [2], 0, 8) }, 4, 'got 4 bytes, need 8'],
    ['a hole', { a: entry('F32', [1], 4, 8) }, 8, 'a starts at 4, need 0'],
    [
      'an overlap',
      { a: entry('F32', [1], 0, 4), b: entry('F32', [1], 0, 4) },
      4,
      'b starts at 0, need 4',
    ],
    ['bytes after the end', { a: entry('F32', [1], 0, 4) }, 8, '8 bytes of tensors'],
    ['metadata that is no text', { __metadata__: { a: 1 } }, 0, '__metadata__.a is not a text'],
  ])('refuses %s', (_, header, size, message) => {
    const bytes = raw(header, new Uint8Array(size));
    expect(() => readSafetensors(bytes)).toThrow(ModelFileError);
    expect(() => readSafetensors(bytes)).toThrow(message);
  });

  test('refuses every truncated beginning of a file', () => {
    const bytes = tensorBytes(goldenFiles('f32'));
    for (let length = 0; length < bytes.length; length += 97) {
      expect(() => readSafetensors(bytes.slice(0, length))).toThrow(ModelFileError);
    }
  });

  test('refuses a header length beyond the file without allocating it', () => {
    const bytes = new Uint8Array(16);
    new DataView(bytes.buffer).setBigUint64(0, 1n << 60n, true);
    expect(() => readSafetensors(bytes)).toThrow('the header has 1152921504606847000 bytes');
  });
});

describe.each(['f32', 'q8_0'])('the golden adapter of %s', (name) => {
  let config: ModelConfig;
  let adapter: Adapter;
  beforeAll(async () => {
    config = modelConfig(await readGguf(goldenSource(`${name}.gguf`)));
    adapter = readAdapter(goldenFiles(name));
  });

  test('has all seven projections of every layer and fits its model', () => {
    expect([...adapter.matrices.keys()]).toEqual(adapterStems(config));
    expect(adapter.baseModelHash).toBeNull();
    expect(() => fitAdapter(adapter, config, 'ab')).not.toThrow();
  });

  test('is written to files that read back equal, the same bytes each time', () => {
    const owned = { ...adapter, baseModelHash: 'ab'.repeat(32) };
    const files = writeAdapter(owned, { baseModel: 'random' });
    expect(readAdapter(files)).toEqual(owned);
    expect(writeAdapter(readAdapter(files), { baseModel: 'random' })).toEqual(files);
    // Tensors and names as in the golden file; only the header's metadata is ours.
    const ours = readSafetensors(tensorBytes(files));
    const golden = readSafetensors(tensorBytes(goldenFiles(name)));
    expect(ours.tensors).toEqual(golden.tensors);
    expect(ours.metadata).toEqual({ format: 'pt', base_model_sha256: 'ab'.repeat(32) });
    const text = new TextDecoder().decode(files[ADAPTER_CONFIG]);
    const goldenText = new TextDecoder().decode(goldenFiles(name)[ADAPTER_CONFIG]);
    expect(JSON.parse(text)).toEqual({
      ...JSON.parse(goldenText),
      base_model_sha256: 'ab'.repeat(32),
    });
  });

  test('is refused for another model', () => {
    const owned = { ...adapter, baseModelHash: 'aa' };
    expect(() => fitAdapter(owned, config, 'bb')).toThrow(
      'adapter of another model: got base_model_sha256 aa, need bb',
    );
    const wider = { ...config, ffn: config.ffn + 32 };
    const { rank } = adapter;
    expect(() => fitAdapter(adapter, wider)).toThrow(
      `blk.0.ffn_gate.lora_B: got [${config.ffn},${rank}], need [${config.ffn + 32},${rank}]`,
    );
    const shallow = { ...config, layers: config.layers - 1 };
    expect(() => fitAdapter(adapter, shallow)).toThrow(`the model has ${config.layers - 1} lay`);
  });
});

describe('readAdapter', () => {
  const files = goldenFiles('f32');
  const withConfig = (changes: Header): Files => {
    const config = JSON.parse(new TextDecoder().decode(files[ADAPTER_CONFIG]));
    const text = JSON.stringify({ ...config, ...changes });
    return { ...files, [ADAPTER_CONFIG]: new TextEncoder().encode(text) };
  };
  const withNames = (change: (name: string) => string | null): Files => {
    const { tensors } = readSafetensors(tensorBytes(files));
    const kept = tensors.flatMap((tensor) => {
      const name = change(tensor.name);
      return name === null ? [] : [{ ...tensor, name }];
    });
    return { ...files, [ADAPTER_TENSORS]: writeSafetensors(kept) };
  };

  test.each<[string, Files, string]>([
    ['no files', {}, 'adapter: got no files, need adapter_config.json'],
    [
      'one file',
      { [ADAPTER_CONFIG]: new Uint8Array([123, 125]) },
      'peft_type is missing, need LORA',
    ],
    ['no JSON', { ...files, [ADAPTER_CONFIG]: new Uint8Array([123]) }, 'not JSON'],
    ['another kind', withConfig({ peft_type: 'IA3' }), 'peft_type is IA3, need LORA'],
    ['a rank of 0', withConfig({ r: 0 }), 'r is 0, need a whole number from 1 on'],
    ['no alpha', withConfig({ lora_alpha: null }), 'lora_alpha is null'],
    ['DoRA', withConfig({ use_dora: true }), 'use_dora is true, need false'],
    [
      'PiSSA',
      withConfig({ init_lora_weights: 'pissa_niter_4' }),
      'is pissa_niter_4, need one that',
    ],
    [
      'an adapter that some tokens switch on',
      withConfig({ alora_invocation_tokens: [1, 2] }),
      'alora_invocation_tokens is [1,2], need none',
    ],
    ['alphas by layer', withConfig({ alpha_pattern: { q_proj: 4 } }), 'alpha_pattern is {"q_pr'],
    ['ranks by layer', withConfig({ rank_pattern: { q_proj: 4 } }), 'rank_pattern is {"q_proj":4}'],
    ['a bias', withConfig({ bias: 'all' }), 'bias is all, need none'],
    ['another rank', withConfig({ r: 4 }), 'got [2,64], need [4,K] by r in adapter_config.json'],
    [
      'a foreign name',
      withNames((name) => name.replace('q_proj', 'qkv_proj')),
      'self_attn.qkv_proj.lora_A.weight is no matrix of a LoRA adapter on attn_q',
    ],
    [
      'a missing B',
      withNames((name) => (name.endsWith('k_proj.lora_B.weight') ? null : name)),
      'layers.0.self_attn.k_proj.lora_B.weight is missing',
    ],
    ['no matrices', withNames(() => null), 'no matrices'],
  ])('refuses %s', (_, bad, message) => {
    expect(() => readAdapter(bad)).toThrow(ModelFileError);
    expect(() => readAdapter(bad)).toThrow(message);
  });
});

describe('rsLoRA', () => {
  test('is read, scales by alpha / sqrt(rank), and is written as PEFT writes it', () => {
    const files = goldenFiles('f32');
    const config = JSON.parse(new TextDecoder().decode(files[ADAPTER_CONFIG]));
    const text = JSON.stringify({ ...config, r: 2, lora_alpha: 3, use_rslora: true });
    const marked = { ...files, [ADAPTER_CONFIG]: new TextEncoder().encode(text) };
    const adapter = readAdapter(marked);
    expect(adapterScale(adapter)).toBe(3 / Math.sqrt(2));
    expect(adapterScale(readAdapter(files))).toBe(config.lora_alpha / config.r);
    const written = writeAdapter(adapter, { baseModel: 'random' });
    expect(JSON.parse(new TextDecoder().decode(written[ADAPTER_CONFIG]))).toEqual({
      ...config,
      lora_alpha: 3,
      use_rslora: true,
    });
    expect(readAdapter(written)).toEqual(adapter);
  });
});

test('target_modules names single modules where layers differ', () => {
  const adapter = readAdapter(goldenFiles('q8_0'));
  const targets = (stems: string[]): unknown => {
    const matrices = new Map([...adapter.matrices].filter(([stem]) => stems.includes(stem)));
    const files = writeAdapter({ ...adapter, matrices }, { baseModel: 'x' });
    return JSON.parse(new TextDecoder().decode(files[ADAPTER_CONFIG])).target_modules;
  };
  const both = ['blk.0.attn_q', 'blk.0.ffn_up', 'blk.1.attn_q', 'blk.1.ffn_up'];
  expect(targets(both)).toEqual(['q_proj', 'up_proj']);
  // As names end in them, PEFT would look for q_proj in layer 1 too.
  expect(targets(['blk.0.attn_q', 'blk.1.ffn_up'])).toEqual([
    'layers.0.self_attn.q_proj',
    'layers.1.mlp.up_proj',
  ]);
});
