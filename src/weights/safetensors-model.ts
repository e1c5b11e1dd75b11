// A Hugging Face folder (config.json, tokenizer.json, safetensors) presented as a GGUF file, its
// matrices quantised as they are read. Must not know how the model computes, nor where files lie.
// Source of names and permutation: convert_hf_to_gguf.py of ggml-org/llama.cpp.
import { ModelFileError } from '../base/errors.ts';
import type { ByteSource } from './byte-source.ts';
import { type GgufFile, presentAsGguf } from './gguf.ts';
import { type GgufEntry, stringEntry } from './gguf-values.ts';
import { type HfConfig, idsOf, readHfConfig } from './hf-config.ts';
import { hfTokenizerEntries } from './hf-tokenizer.ts';
import { badField, type Fields, isFields, readJsonFile } from './json-file.ts';
import { f32Bytes } from './quant.ts';
import {
  type Quantise,
  type QuantisedTensor,
  quantisedTensor,
  readQuantised,
} from './quantised-tensor.ts';
import { readSafetensorsHeader, type SafetensorsEntry } from './safetensors-header.ts';
import { shown } from './shown.ts';

const CONFIG = 'config.json';
const TOKENIZER = 'tokenizer.json';
const TEMPLATE = 'chat_template.jinja';
const WEIGHTS = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const MAX_TEMPLATE_BYTES = 1024 * 1024;

export interface SafetensorsModelParts {
  /** By file name; files that are not needed are left alone. */
  readonly files: Readonly<Record<string, ByteSource>>;
  /** What BF16, F16 and F32 matrices become; `none` keeps them. Vectors become F32. */
  readonly quantise: Quantise;
  /** For messages; by default the name of config.json. */
  readonly name?: string;
}

/**
 * Opens a Qwen3, Qwen2 or Llama model as Hugging Face keeps it: reads JSON files and headers, and
 * no tensor. Tensor names, metadata and the order of rows are those of a converted GGUF file.
 * @throws {ModelFileError} for a file that is missing or damaged, and for what cannot be presented.
 */
export async function readSafetensorsModel(parts: SafetensorsModelParts): Promise<GgufFile> {
  const { files, quantise } = parts;
  const configFile = needed(files, CONFIG);
  const config = readHfConfig(await readJsonFile(configFile), configFile.name);
  const name = parts.name ?? configFile.name;
  const stored = await readWeights(files);
  const tensors: (QuantisedTensor | MadeTensor)[] = [];
  for (const { source, entry } of stored) {
    const ggufName = tensorName(entry.name, config, source.name);
    if (ggufName === null) continue;
    const heads = permutedHeads(ggufName, config);
    tensors.push(quantisedTensor({ source, entry, name: ggufName, heads, quantise }));
  }
  checkHead(tensors, config, name);
  if (config.ropeFactors) tensors.push(madeTensor('rope_freqs.weight', config.ropeFactors));
  const embedding = tensors.find((tensor) => tensor.name === 'token_embd.weight');
  const rows = embedding?.shape[0];
  if (rows === undefined) throw badField(name, 'model.embed_tokens.weight is missing');
  const metadata = new Map<string, GgufEntry>(config.entries);
  for (const [key, entry] of await readTokenizer(files, config, rows)) metadata.set(key, entry);
  if (parts.name !== undefined) metadata.set('general.name', stringEntry(parts.name));
  const used = new Set(stored.map(({ source }) => source));
  return presentAsGguf({
    name,
    sizeBytes: [...used].reduce((sum, { size }) => sum + size, 0),
    metadata,
    tensors,
    read: async (tensor, offset, length) =>
      'bytes' in tensor
        ? tensor.bytes.subarray(offset, offset + length)
        : readQuantised(tensor, offset, length),
  });
}

/**
 * The files by which a model is known, in the order in which they are hashed: configuration, then
 * weights.
 * @throws {ModelFileError} when one is missing.
 */
export async function hashedFiles(
  files: Readonly<Record<string, ByteSource>>,
): Promise<ByteSource[]> {
  return [needed(files, CONFIG), ...(await weightFiles(files)).map(({ source }) => source)];
}

/** A tensor that no file holds. */
interface MadeTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: 'F32';
  readonly sizeBytes: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

function madeTensor(name: string, values: Float32Array<ArrayBuffer>): MadeTensor {
  const bytes = f32Bytes(values);
  return { name, shape: [values.length], type: 'F32', sizeBytes: bytes.length, bytes };
}

function needed(files: Readonly<Record<string, ByteSource>>, name: string): ByteSource {
  const file = optional(files, name);
  if (file) return file;
  const got = Object.keys(files).slice(0, 8).join(', ');
  throw new ModelFileError(
    'model-files',
    `model: ${shown(name)} is missing, got ${got === '' ? 'no files' : got}; ` +
      'choose all files of the model',
    { data: { missing: name } },
  );
}

function optional(files: Readonly<Record<string, ByteSource>>, name: string): ByteSource | null {
  return Object.hasOwn(files, name) ? (files[name] ?? null) : null;
}

interface WeightFile {
  readonly source: ByteSource;
  /** The tensors that the index places here; null without an index. */
  readonly names: ReadonlySet<string> | null;
}

/** One file, or those of the index in the order of their names. */
async function weightFiles(files: Readonly<Record<string, ByteSource>>): Promise<WeightFile[]> {
  const index = optional(files, INDEX);
  if (index === null || optional(files, WEIGHTS) !== null) {
    return [{ source: needed(files, WEIGHTS), names: null }];
  }
  const map = (await readJsonFile(index))['weight_map'];
  if (!isFields(map)) throw badField(index.name, 'weight_map is not an object');
  const byFile = new Map<string, Set<string>>();
  for (const [tensor, file] of Object.entries(map)) {
    if (typeof file !== 'string') {
      throw badField(index.name, `weight_map: ${shown(tensor)} is in ${shown(file)}, need a file`);
    }
    const names = byFile.get(file) ?? new Set();
    byFile.set(file, names.add(tensor));
  }
  const order = [...byFile].sort(([a], [b]) => (a < b ? -1 : 1));
  return order.map(([file, names]) => ({ source: needed(files, file), names }));
}

interface StoredTensor {
  readonly source: ByteSource;
  readonly entry: SafetensorsEntry;
}

async function readWeights(files: Readonly<Record<string, ByteSource>>): Promise<StoredTensor[]> {
  const stored: StoredTensor[] = [];
  for (const { source, names } of await weightFiles(files)) {
    const { tensors } = await readSafetensorsHeader(source);
    const own = new Set(tensors.map(({ name }) => name));
    for (const name of names ?? []) {
      if (!own.has(name)) {
        throw badField(source.name, `${shown(name)} is missing, which ${INDEX} says is there`);
      }
    }
    for (const entry of tensors) {
      if (names === null || names.has(entry.name)) stored.push({ source, entry });
    }
  }
  return stored;
}

const NAMES = new Map([
  ['model.embed_tokens', 'token_embd'],
  ['model.norm', 'output_norm'],
  ['lm_head', 'output'],
]);
const LAYER_NAMES = new Map([
  ['input_layernorm', 'attn_norm'],
  ['self_attn.q_proj', 'attn_q'],
  ['self_attn.k_proj', 'attn_k'],
  ['self_attn.v_proj', 'attn_v'],
  ['self_attn.o_proj', 'attn_output'],
  ['self_attn.q_norm', 'attn_q_norm'],
  ['self_attn.k_norm', 'attn_k_norm'],
  ['post_attention_layernorm', 'ffn_norm'],
  ['mlp.gate_proj', 'ffn_gate'],
  ['mlp.up_proj', 'ffn_up'],
  ['mlp.down_proj', 'ffn_down'],
]);
const BIASED = ['attn_q', 'attn_k', 'attn_v'];

/** The GGUF name of a tensor; null for one that the model does not need. */
function tensorName(name: string, { architecture, tied }: HfConfig, file: string): string | null {
  // A table of frequencies, in old files; a copy of the embedding.
  if (name.endsWith('.rotary_emb.inv_freq')) return null;
  if (tied && name === 'lm_head.weight') return null;
  const match = /^(?:model\.layers\.(\d{1,4})\.)?([a-z_.]+)\.(weight|bias)$/.exec(name);
  const [, layer, stem = '', kind = ''] = match ?? [];
  const found = layer === undefined ? NAMES.get(stem) : LAYER_NAMES.get(stem);
  const known = kind === 'weight' || (architecture === 'qwen2' && BIASED.includes(found ?? ''));
  if (found === undefined || !known) {
    throw badField(file, `no ${architecture} model has the tensor ${shown(name)}`);
  }
  return `${layer === undefined ? '' : `blk.${Number(layer)}.`}${found}.${kind}`;
}

/** A file without an output matrix would pass for a tied one. */
function checkHead(tensors: readonly { name: string }[], { tied }: HfConfig, name: string): void {
  if (tied || tensors.some((tensor) => tensor.name === 'output.weight')) return;
  throw badField(name, 'tie_word_embeddings is false, but lm_head.weight is missing');
}

/**
 * Over how many heads a matrix's rows are reordered; null for none. Hugging Face keeps the two
 * halves of RoPE's pairs apart (i, i + D/2); for Llama, GGUF has them side by side (2i, 2i + 1).
 */
function permutedHeads(name: string, { architecture, heads, kvHeads }: HfConfig): number | null {
  if (architecture !== 'llama') return null;
  if (name.endsWith('.attn_q.weight')) return heads;
  return name.endsWith('.attn_k.weight') ? kvHeads : null;
}

async function readTokenizer(
  files: Readonly<Record<string, ByteSource>>,
  { eosIds, bosId }: HfConfig,
  rows: number,
): Promise<[string, GgufEntry][]> {
  const source = needed(files, TOKENIZER);
  const generation = await readOptional(files, 'generation_config.json');
  return hfTokenizerEntries({
    json: await readJsonFile(source),
    name: source.name,
    config: await readOptional(files, 'tokenizer_config.json'),
    template: await readTemplate(files),
    rows,
    eosIds: [...idsOf(generation, 'eos_token_id', 'generation_config.json'), ...eosIds],
    bosId,
  });
}

async function readOptional(
  files: Readonly<Record<string, ByteSource>>,
  name: string,
): Promise<Fields> {
  const source = optional(files, name);
  return source === null ? {} : readJsonFile(source);
}

async function readTemplate(files: Readonly<Record<string, ByteSource>>): Promise<string | null> {
  const source = optional(files, TEMPLATE);
  if (source === null) return null;
  if (source.size > MAX_TEMPLATE_BYTES) {
    throw badField(source.name, `${source.size} bytes, need at most ${MAX_TEMPLATE_BYTES}`);
  }
  return new TextDecoder().decode(await source.read(0, source.size));
}
