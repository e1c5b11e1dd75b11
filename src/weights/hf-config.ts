// The config.json of a Hugging Face model as the metadata entries of a GGUF file. Must not know
// where the weights or the tokenizer lie.
// Source: convert_hf_to_gguf.py of ggml-org/llama.cpp and the model configurations of
// huggingface/transformers.
import { f32Entry, type GgufEntry, stringEntry, u32Entry } from './gguf-values.ts';
import { badField, type Fields, isFields } from './json-file.ts';
import { ARCHITECTURES, type Architecture } from './model-config.ts';
import { shown } from './shown.ts';

/** What config.json says of a model. */
export interface HfConfig {
  readonly architecture: Architecture;
  readonly heads: number;
  readonly kvHeads: number;
  /** The head is the embedding. */
  readonly tied: boolean;
  /** GGUF entries of architecture, sizes and RoPE. */
  readonly entries: readonly (readonly [string, GgufEntry])[];
  /** (D/2) what Llama 3 divides the frequencies of RoPE by; null for other models. */
  readonly ropeFactors: Float32Array<ArrayBuffer> | null;
  /** Empty when the file names none. */
  readonly eosIds: readonly number[];
  readonly bosId: number | null;
}

/** The head size that transformers takes for a Qwen3 configuration without one. */
const QWEN3_HEAD_DIM = 128;
/** Settings that change what a model computes, with the only value that we compute. */
const FIXED: readonly (readonly [string, unknown])[] = [
  ['hidden_act', 'silu'],
  ['use_sliding_window', false],
  ['mlp_bias', false],
  ['partial_rotary_factor', 1],
];

/**
 * Reads config.json; `name` is for messages.
 * @throws {ModelFileError} for another architecture, a missing size, and settings that are not
 * supported.
 */
export function readHfConfig(json: Fields, name: string): HfConfig {
  const architecture = ARCHITECTURES.find((known) => known === json['model_type']);
  if (architecture === undefined) {
    const got = shown(json['model_type']);
    throw badField(name, `model_type is ${got}, need one of ${ARCHITECTURES.join(', ')}`);
  }
  checkSettings(json, architecture, name);
  const hidden = size(json, 'hidden_size', name);
  const heads = size(json, 'num_attention_heads', name);
  const kvHeads = size(json, 'num_key_value_heads', name, heads);
  const usual = architecture === 'qwen3' ? QWEN3_HEAD_DIM : hidden / heads;
  const headDim = size(json, 'head_dim', name, usual);
  const { entries, factors } = readRope(json, headDim, name);
  const own: [string, GgufEntry][] = [
    ['block_count', u32Entry(size(json, 'num_hidden_layers', name))],
    ['context_length', u32Entry(size(json, 'max_position_embeddings', name))],
    ['embedding_length', u32Entry(hidden)],
    ['feed_forward_length', u32Entry(size(json, 'intermediate_size', name))],
    ['attention.head_count', u32Entry(heads)],
    ['attention.head_count_kv', u32Entry(kvHeads)],
    ['attention.key_length', u32Entry(headDim)],
    ['attention.value_length', u32Entry(headDim)],
    ['attention.layer_norm_rms_epsilon', f32Entry(positive(json, 'rms_norm_eps', name))],
    ...entries,
  ];
  return {
    architecture,
    heads,
    kvHeads,
    tied: json['tie_word_embeddings'] === true,
    entries: [
      ['general.architecture', stringEntry(architecture)],
      ...own.map(([key, entry]) => [`${architecture}.${key}`, entry] as const),
    ],
    ropeFactors: factors,
    eosIds: idsOf(json, 'eos_token_id', name),
    bosId: idsOf(json, 'bos_token_id', name)[0] ?? null,
  };
}

/**
 * The ids in a field that holds one, a list of them, or nothing.
 * @throws {ModelFileError} for anything else.
 */
export function idsOf(json: Fields, key: string, name: string): number[] {
  const value = json[key] ?? [];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.map((id) => {
    if (typeof id === 'number' && Number.isSafeInteger(id) && id >= 0) return id;
    throw badField(name, `${key} is ${shown(id)}, need ids of tokens`);
  });
}

function checkSettings(json: Fields, architecture: Architecture, name: string): void {
  for (const [key, needed] of FIXED) {
    const value = json[key] ?? needed;
    if (value !== needed) {
      throw badField(name, `${key} is ${shown(value)}, need ${shown(needed)}`);
    }
  }
  if (architecture !== 'qwen2' && (json['attention_bias'] ?? false) !== false) {
    throw badField(name, `attention_bias is ${shown(json['attention_bias'])}, need false`);
  }
  if ((json['quantization_config'] ?? null) !== null) {
    throw badField(name, 'quantization_config is there, need weights in BF16, F16 or F32');
  }
}

function size(json: Fields, key: string, name: string, usual?: number): number {
  const value = json[key] ?? usual;
  if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 2 ** 31) {
    return value;
  }
  throw badField(name, `${key} is ${shown(value)}, need a positive whole number`);
}

function positive(json: Fields, key: string, name: string, usual?: number): number {
  const value = json[key] ?? usual;
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
  throw badField(name, `${key} is ${shown(value)}, need a positive number`);
}

interface Rope {
  readonly entries: [string, GgufEntry][];
  readonly factors: Float32Array<ArrayBuffer> | null;
}

function readRope(json: Fields, headDim: number, name: string): Rope {
  const rope = json['rope_parameters'] ?? json['rope_scaling'] ?? {};
  if (!isFields(rope)) throw badField(name, `rope_scaling is ${shown(rope)}, need an object`);
  const theta = positive(rope, 'rope_theta', name, positive(json, 'rope_theta', name, 10_000));
  const kind = rope['rope_type'] ?? rope['type'] ?? 'default';
  const entries: [string, GgufEntry][] = [
    ['rope.freq_base', f32Entry(theta)],
    ['rope.dimension_count', u32Entry(headDim)],
  ];
  if (kind === 'default') return { entries, factors: null };
  const factor = positive(rope, 'factor', name);
  if (kind === 'llama3') return { entries, factors: llama3Factors(rope, headDim, theta, name) };
  if (kind !== 'linear' && kind !== 'yarn') {
    throw badField(name, `rope_type is ${shown(kind)}, need default, linear, llama3 or yarn`);
  }
  const add = (key: string, value: GgufEntry): number =>
    entries.push([`rope.scaling.${key}`, value]);
  add('type', stringEntry(kind));
  add('factor', f32Entry(factor));
  if (kind === 'yarn') addYarn(add, { rope, json, factor, name });
  return { entries, factors: null };
}

function addYarn(
  add: (key: string, value: GgufEntry) => number,
  { rope, json, factor, name }: { rope: Fields; json: Fields; factor: number; name: string },
): void {
  const context = size(json, 'max_position_embeddings', name);
  const original = size(rope, 'original_max_position_embeddings', name, context);
  add('original_context_length', u32Entry(original));
  for (const key of ['beta_fast', 'beta_slow']) {
    if ((rope[key] ?? null) !== null) add(`yarn_${key}`, f32Entry(positive(rope, key, name)));
  }
  if ((rope['attention_factor'] ?? null) !== null) {
    // GGUF's factor comes on top of YaRN's own, transformers' stands in its place.
    const whole = positive(rope, 'attention_factor', name);
    add('attn_factor', f32Entry(whole / (1 + 0.1 * Math.log(factor))));
  }
}

/**
 * What the frequencies of RoPE are divided by: 1 for short waves, `factor` for waves longer than
 * the first context, between them a blend. As `generate_extra_tensors` of llama.cpp's converter.
 */
function llama3Factors(
  rope: Fields,
  headDim: number,
  theta: number,
  name: string,
): Float32Array<ArrayBuffer> {
  const factor = positive(rope, 'factor', name);
  const low = positive(rope, 'low_freq_factor', name, 1);
  const high = positive(rope, 'high_freq_factor', name, 4);
  const context = positive(rope, 'original_max_position_embeddings', name, 8192);
  if (high <= low) throw badField(name, `high_freq_factor is ${high}, need more than ${low}`);
  const factors = new Float32Array(Math.floor(headDim / 2));
  for (let i = 0; i < factors.length; i++) {
    const wave = 2 * Math.PI * theta ** ((2 * i) / headDim);
    const smooth = (context / wave - low) / (high - low);
    if (wave < context / high) factors[i] = 1;
    else if (wave > context / low) factors[i] = factor;
    else factors[i] = 1 / ((1 - smooth) / factor + smooth);
  }
  return factors;
}
