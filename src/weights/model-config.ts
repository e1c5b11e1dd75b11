// What a model file says about its model: sizes, the tensors it must have, and its hash.
// Must not know how the model computes.
import { ModelFileError } from '../base/errors.ts';
import type { ByteSource } from './byte-source.ts';
import { isUsable, USABLE_TYPES } from './ggml-types.ts';
import type { GgufFile } from './gguf.ts';

/** Sizes of a decoder-only model with RMSNorm, RoPE, GQA and SwiGLU. */
export interface ModelConfig {
  readonly architecture: 'qwen3';
  readonly layers: number;
  /** C */
  readonly hidden: number;
  /** H */
  readonly heads: number;
  /** G */
  readonly kvHeads: number;
  /** D */
  readonly headDim: number;
  /** F */
  readonly ffn: number;
  /** V */
  readonly vocab: number;
  readonly ropeTheta: number;
  readonly eps: number;
  readonly contextLength: number;
  /** The head is the embedding: the file has no output.weight. */
  readonly tied: boolean;
  /** q and k are normalised per head before RoPE. */
  readonly qkNorm: boolean;
}

/** The seven projections of a layer that an adapter can carry, by GGUF stem. */
export const PROJECTIONS = [
  'attn_q',
  'attn_k',
  'attn_v',
  'attn_output',
  'ffn_gate',
  'ffn_up',
  'ffn_down',
] as const;
export type Projection = (typeof PROJECTIONS)[number];

/** Shape [N, K] of a projection's weight. */
export function projectionShape(config: ModelConfig, projection: Projection): [number, number] {
  const { hidden, heads, kvHeads, headDim, ffn } = config;
  switch (projection) {
    case 'attn_q':
      return [heads * headDim, hidden];
    case 'attn_k':
    case 'attn_v':
      return [kvHeads * headDim, hidden];
    case 'attn_output':
      return [hidden, heads * headDim];
    case 'ffn_gate':
    case 'ffn_up':
      return [ffn, hidden];
    case 'ffn_down':
      return [hidden, ffn];
  }
}

/**
 * Every tensor that a model of these sizes has, with its row-major shape, in the order in which we
 * write files.
 */
export function requiredTensors(config: ModelConfig): { name: string; shape: number[] }[] {
  const { hidden, headDim, vocab } = config;
  const list = [{ name: 'token_embd.weight', shape: [vocab, hidden] }];
  if (!config.tied) list.push({ name: 'output.weight', shape: [vocab, hidden] });
  list.push({ name: 'output_norm.weight', shape: [hidden] });
  for (let layer = 0; layer < config.layers; layer++) {
    const add = (stem: string, shape: number[]): void => {
      list.push({ name: `blk.${layer}.${stem}.weight`, shape });
    };
    const addProjection = (stem: Projection): void => add(stem, projectionShape(config, stem));
    add('attn_norm', [hidden]);
    for (const stem of PROJECTIONS.slice(0, 4)) addProjection(stem);
    if (config.qkNorm) {
      add('attn_q_norm', [headDim]);
      add('attn_k_norm', [headDim]);
    }
    add('ffn_norm', [hidden]);
    for (const stem of PROJECTIONS.slice(4)) addProjection(stem);
  }
  return list;
}

/**
 * The sizes of a model file, after checking that every tensor it needs is there, in shape and in a
 * usable type.
 * @throws {ModelFileError} for another architecture, missing or impossible sizes, and tensors that
 * do not fit.
 */
export function modelConfig(file: GgufFile): ModelConfig {
  const config = readSizes(file);
  checkSizes(file, config);
  checkRequired(file, config);
  return config;
}

function checkArchitecture(file: GgufFile): void {
  const name = file.source.name;
  const architecture = file.values['general.architecture'];
  if (architecture !== 'qwen3') {
    throw new ModelFileError(
      'model-architecture',
      `${name}: architecture ${String(architecture ?? 'not given')}, need qwen3; ` +
        'choose a Qwen3 file',
      { data: { architecture: String(architecture) } },
    );
  }
}

/** The sizes that a file claims, before its tensors are checked. @throws {ModelFileError} when one is missing. */
export function readSizes(file: GgufFile): ModelConfig {
  checkArchitecture(file);
  const { values } = file;
  const number = (key: string, fallback?: number): number => {
    const value = values[`qwen3.${key}`] ?? fallback;
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
    throw new ModelFileError(
      'model-size',
      `${file.source.name}: qwen3.${key} is ${String(value ?? 'missing')}, need a positive ` +
        'number; is this file whole?',
      { data: { key: `qwen3.${key}` } },
    );
  };
  const hidden = number('embedding_length');
  const heads = number('attention.head_count');
  const names = new Set(file.tensors.map((tensor) => tensor.name));
  return {
    architecture: 'qwen3',
    layers: number('block_count'),
    hidden,
    heads,
    kvHeads: number('attention.head_count_kv', heads),
    headDim: number('attention.key_length', hidden / heads),
    ffn: number('feed_forward_length'),
    vocab: file.tensor('token_embd.weight').shape[0] ?? 0,
    ropeTheta: number('rope.freq_base', 10000),
    eps: number('attention.layer_norm_rms_epsilon'),
    contextLength: number('context_length'),
    tied: !names.has('output.weight'),
    qkNorm: true,
  };
}

function checkSizes(file: GgufFile, config: ModelConfig): void {
  const { values } = file;
  const refuse = (what: string): never => {
    throw new ModelFileError('model-size', `${file.source.name}: ${what}; choose another file`);
  };
  const { layers, hidden, heads, kvHeads, headDim, ffn, contextLength } = config;
  for (const size of [layers, hidden, heads, kvHeads, headDim, ffn, contextLength]) {
    if (!Number.isInteger(size)) refuse(`a size is ${size}, need a whole number`);
  }
  if (layers > file.tensors.length) refuse(`${layers} layers but ${file.tensors.length} tensors`);
  if (heads % kvHeads !== 0) refuse(`${heads} heads cannot share ${kvHeads} KV heads`);
  if (headDim % 2 !== 0) refuse(`head size ${headDim}, RoPE needs an even one`);
  const tokens = values['tokenizer.ggml.tokens'];
  if (Array.isArray(tokens) && tokens.length !== config.vocab) {
    refuse(
      `${tokens.length} tokens in the vocabulary but ${config.vocab} rows in token_embd.weight`,
    );
  }
  for (const key of ['attention.value_length', 'rope.dimension_count']) {
    const value = values[`qwen3.${key}`] ?? headDim;
    if (value !== headDim) refuse(`qwen3.${key} is ${String(value)}, need ${headDim}`);
  }
  const scaling = values['qwen3.rope.scaling.type'] ?? 'none';
  if (scaling !== 'none') refuse(`RoPE scaling ${String(scaling)} is not supported, need none`);
}

function checkRequired(file: GgufFile, config: ModelConfig): void {
  for (const { name, shape } of requiredTensors(config)) {
    const tensor = file.tensor(name);
    if (tensor.shape.join() !== shape.join()) {
      throw new ModelFileError(
        'model-shape',
        `${file.source.name}: ${name} got [${tensor.shape}], need [${shape}]; is this file whole?`,
        { data: { tensor: name, got: tensor.shape, needed: shape } },
      );
    }
    const vector = shape.length === 1;
    if (vector ? tensor.type === 'F32' : isUsable(tensor.type)) continue;
    throw new ModelFileError(
      'gguf-type',
      `${file.source.name}: ${name} has type ${tensor.type}, need ` +
        `${vector ? 'F32' : USABLE_TYPES.join(', ')}; choose an F32, F16 or Q8_0 file`,
      { data: { tensor: name, type: tensor.type } },
    );
  }
}

/**
 * The largest file that is hashed: crypto.subtle digests one buffer, and browsers limit its length.
 */
const MAX_HASH_BYTES = 2 ** 31 - 1;
const HASH_READ_BYTES = 64 * 1024 * 1024;

/**
 * SHA-256 of a whole file, in lower-case hex.
 * @throws {ModelFileError} for a file of 2 GiB or more.
 */
export async function modelHash(file: Uint8Array<ArrayBuffer> | ByteSource): Promise<string> {
  const bytes = file instanceof Uint8Array ? file : await readWhole(file);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function readWhole(source: ByteSource): Promise<Uint8Array<ArrayBuffer>> {
  if (source.size > MAX_HASH_BYTES) {
    throw new ModelFileError(
      'model-hash',
      `${source.name}: ${source.size} bytes, at most ${MAX_HASH_BYTES} can be hashed; ` +
        'use a smaller model or a smaller quantisation',
      { data: { got: source.size, needed: MAX_HASH_BYTES } },
    );
  }
  const whole = new Uint8Array(source.size);
  for (let offset = 0; offset < source.size; offset += HASH_READ_BYTES) {
    const length = Math.min(HASH_READ_BYTES, source.size - offset);
    whole.set(await source.read(offset, length), offset);
  }
  return whole;
}
