// The same random weights and vocabulary twice: as a Hugging Face folder, and as the GGUF file that
// it should be presented as. Knows the names and the order of rows from transformers, not from our
// reader.
import { Rng } from '../../src/base/rng.ts';
import { type Bpe, trainBpe } from '../../src/tokenizer/train-bpe.ts';
import { type ByteSource, bytesSource } from '../../src/weights/byte-source.ts';
import { joinBytes, type TensorToWrite, writeGguf } from '../../src/weights/gguf.ts';
import { f32Entry, type GgufEntry, stringEntry, u32Entry } from '../../src/weights/gguf-values.ts';
import { f32ToF16 } from '../../src/weights/half.ts';
import { tokenizerEntries } from '../../src/weights/tokenizer-entries.ts';

const QWEN_REGEX =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const SPECIALS = ['<|endoftext|>', '<|im_start|>', '<|im_end|>', '<think>', '</think>'];
const CORPUS = ['find the red lamp find the price', 'find a red lamp, add 12 to the price'];

const BPE = trainBpe([...CORPUS, ...CORPUS], {
  maxVocab: 300,
  specials: SPECIALS,
  preRegex: QWEN_REGEX,
});

/** Sizes of every model that is written here. */
export const SIZES = { layers: 2, hidden: 64, heads: 4, kvHeads: 2, headDim: 16, ffn: 96 };
/** Rows of the embedding beyond the tokens of the vocabulary. */
const SPARE_ROWS = 3;

export interface HfFolderOptions {
  readonly architecture: 'qwen3' | 'qwen2' | 'llama';
  readonly dtype: 'F32' | 'F16' | 'BF16';
  readonly seed: number;
  /** Shards beside an index; 1 is a single file without one. */
  readonly shards?: number;
  readonly tied?: boolean;
  /** Merges as pairs, as newer files have them. */
  readonly pairs?: boolean;
  /** Laid over config.json. */
  readonly config?: Record<string, unknown>;
}

interface Tensor {
  readonly hf: string;
  readonly gguf: string;
  readonly shape: number[];
  /** In the order of the GGUF file, exact in the dtype. */
  readonly values: Float32Array<ArrayBuffer>;
}

/** Both forms of one model. `folder` and `gguf` hold the same weights, `bpe` is the vocabulary. */
export function hfFolder(options: HfFolderOptions): {
  folder: Record<string, ByteSource>;
  gguf: ByteSource;
  bpe: Bpe;
  jsons: Record<string, unknown>;
} {
  const bpe = BPE;
  const tensors = makeTensors(options, bpe.tokens.length + SPARE_ROWS);
  const jsons = {
    'config.json': { ...configJson(options, bpe), ...options.config },
    'tokenizer.json': tokenizerJson(bpe, options.pairs ?? false),
    'tokenizer_config.json': { eos_token: '<|im_end|>', chat_template: 'T', add_bos_token: false },
    'generation_config.json': { eos_token_id: ['<|im_end|>', '<think>'].map((t) => idIn(bpe, t)) },
  };
  const folder: Record<string, ByteSource> = {};
  for (const [name, json] of Object.entries(jsons)) folder[name] = jsonSource(name, json);
  Object.assign(folder, weightFiles(tensors, options));
  return { folder, gguf: ggufFile(tensors, options, bpe), bpe, jsons };
}

/** A JSON file in memory. */
export function jsonSource(name: string, json: unknown): ByteSource {
  return bytesSource(new TextEncoder().encode(JSON.stringify(json)), name);
}

function idIn({ tokens }: Bpe, token: string): number {
  return tokens.indexOf(token);
}

function makeTensors(options: HfFolderOptions, rows: number): Tensor[] {
  const { architecture, dtype, seed, tied = false } = options;
  const { layers, hidden, heads, kvHeads, headDim, ffn } = SIZES;
  const rng = new Rng(seed);
  const tensors: Tensor[] = [];
  const add = (hf: string, gguf: string, shape: number[]): void => {
    const count = shape.reduce((product, size) => product * size, 1);
    const values = Float32Array.from({ length: count }, () => exact(rng.next() * 2 - 1, dtype));
    tensors.push({ hf, gguf, shape, values });
  };
  add('model.embed_tokens.weight', 'token_embd.weight', [rows, hidden]);
  for (let layer = 0; layer < layers; layer++) {
    const put = (hf: string, gguf: string, shape: number[]): void =>
      add(`model.layers.${layer}.${hf}`, `blk.${layer}.${gguf}`, shape);
    put('input_layernorm.weight', 'attn_norm.weight', [hidden]);
    put('self_attn.q_proj.weight', 'attn_q.weight', [heads * headDim, hidden]);
    put('self_attn.k_proj.weight', 'attn_k.weight', [kvHeads * headDim, hidden]);
    put('self_attn.v_proj.weight', 'attn_v.weight', [kvHeads * headDim, hidden]);
    put('self_attn.o_proj.weight', 'attn_output.weight', [hidden, heads * headDim]);
    if (architecture === 'qwen2') {
      put('self_attn.q_proj.bias', 'attn_q.bias', [heads * headDim]);
      put('self_attn.k_proj.bias', 'attn_k.bias', [kvHeads * headDim]);
      put('self_attn.v_proj.bias', 'attn_v.bias', [kvHeads * headDim]);
    }
    if (architecture === 'qwen3') {
      put('self_attn.q_norm.weight', 'attn_q_norm.weight', [headDim]);
      put('self_attn.k_norm.weight', 'attn_k_norm.weight', [headDim]);
    }
    put('post_attention_layernorm.weight', 'ffn_norm.weight', [hidden]);
    put('mlp.gate_proj.weight', 'ffn_gate.weight', [ffn, hidden]);
    put('mlp.up_proj.weight', 'ffn_up.weight', [ffn, hidden]);
    put('mlp.down_proj.weight', 'ffn_down.weight', [hidden, ffn]);
  }
  add('model.norm.weight', 'output_norm.weight', [hidden]);
  if (!tied) add('lm_head.weight', 'output.weight', [rows, hidden]);
  return tensors;
}

/** The nearest value towards zero that the dtype holds. */
function exact(value: number, dtype: HfFolderOptions['dtype']): number {
  if (dtype === 'F32') return value;
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  const [word = 0] = bits;
  // BF16 keeps 7 bits of the mantissa, F16 10 of it: 13 less than F32.
  bits[0] = dtype === 'BF16' ? word & 0xffff0000 : word & 0xffffe000;
  const [cut = 0] = new Float32Array(bits.buffer);
  // Below 2^-14 F16 has fewer bits.
  return dtype === 'F16' && Math.abs(cut) < 2 ** -14 ? 0 : cut;
}

function storedBytes(values: Float32Array, dtype: HfFolderOptions['dtype']): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * (dtype === 'F32' ? 4 : 2)));
  values.forEach((value, i) => {
    if (dtype === 'F32') view.setFloat32(i * 4, value, true);
    else if (dtype === 'F16') view.setUint16(i * 2, f32ToF16(value), true);
    else {
      const [word = 0] = new Uint32Array(Float32Array.of(value).buffer);
      view.setUint16(i * 2, word >>> 16, true);
    }
  });
  return new Uint8Array(view.buffer);
}

/**
 * As convert_llama_weights_to_hf.py of transformers does: view(heads, D/2, 2, K).transpose(1, 2).
 */
function toHalves(values: Float32Array, rows: number, heads: number): Float32Array<ArrayBuffer> {
  const columns = values.length / rows;
  const half = rows / heads / 2;
  const out = new Float32Array(values.length);
  for (let head = 0; head < heads; head++) {
    for (let pair = 0; pair < half; pair++) {
      for (let part = 0; part < 2; part++) {
        const from = ((head * half + pair) * 2 + part) * columns;
        const to = ((head * 2 + part) * half + pair) * columns;
        out.set(values.subarray(from, from + columns), to);
      }
    }
  }
  return out;
}

function weightFiles(
  tensors: readonly Tensor[],
  { architecture, dtype, shards = 1 }: HfFolderOptions,
): Record<string, ByteSource> {
  const files: Record<string, ByteSource> = {};
  const map: Record<string, string> = {};
  for (let shard = 0; shard < shards; shard++) {
    const own = tensors.filter((_, i) => i % shards === shard);
    const name =
      shards === 1 ? 'model.safetensors' : `model-0000${shard + 1}-of-0000${shards}.safetensors`;
    const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
    const bodies: Uint8Array[] = [];
    let at = 0;
    for (const { hf, shape, values } of own) {
      const heads = hf.includes('q_proj') ? SIZES.heads : SIZES.kvHeads;
      const halves = architecture === 'llama' && /[qk]_proj/.test(hf);
      const rows = shape[0] ?? 0;
      const body = storedBytes(halves ? toHalves(values, rows, heads) : values, dtype);
      header[hf] = { dtype, shape, data_offsets: [at, at + body.length] };
      at += body.length;
      bodies.push(body);
      map[hf] = name;
    }
    const json = new TextEncoder().encode(JSON.stringify(header));
    const length = new Uint8Array(new BigUint64Array([BigInt(json.length)]).buffer);
    files[name] = bytesSource(joinBytes([length, json, ...bodies]), name);
  }
  const index = 'model.safetensors.index.json';
  if (shards > 1) files[index] = jsonSource(index, { metadata: {}, weight_map: map });
  return files;
}

function configJson(options: HfFolderOptions, bpe: Bpe): Record<string, unknown> {
  const { layers, hidden, heads, kvHeads, headDim, ffn } = SIZES;
  return {
    model_type: options.architecture,
    hidden_act: 'silu',
    num_hidden_layers: layers,
    hidden_size: hidden,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    head_dim: headDim,
    intermediate_size: ffn,
    max_position_embeddings: 512,
    rms_norm_eps: 1e-6,
    rope_theta: 10_000,
    rope_scaling: null,
    tie_word_embeddings: options.tied ?? false,
    vocab_size: bpe.tokens.length + SPARE_ROWS,
    bos_token_id: idIn(bpe, '<|endoftext|>'),
    eos_token_id: idIn(bpe, '<|im_end|>'),
  };
}

function tokenizerJson({ tokens, types, merges }: Bpe, pairs: boolean): Record<string, unknown> {
  const vocab: Record<string, number> = {};
  const added: unknown[] = [];
  tokens.forEach((content, id) => {
    if (types[id] === 1) vocab[content] = id;
    else added.push({ id, content, special: types[id] === 3, normalized: false });
  });
  const split = { type: 'Split', pattern: { Regex: QWEN_REGEX }, behavior: 'Isolated' };
  const bytes = { type: 'ByteLevel', add_prefix_space: false, use_regex: false };
  return {
    added_tokens: added,
    normalizer: { type: 'NFC' },
    pre_tokenizer: { type: 'Sequence', pretokenizers: [{ ...split, invert: false }, bytes] },
    model: {
      type: 'BPE',
      byte_fallback: false,
      continuing_subword_prefix: '',
      ignore_merges: false,
      vocab,
      merges: pairs ? merges.map((merge) => merge.split(' ')) : merges,
    },
  };
}

function ggufFile(
  tensors: readonly Tensor[],
  { architecture, dtype }: HfFolderOptions,
  { tokens, types, merges }: Bpe,
): ByteSource {
  const { layers, hidden, heads, kvHeads, headDim, ffn } = SIZES;
  const spare = Array.from({ length: SPARE_ROWS }, (_, i) => `[PAD${tokens.length + i}]`);
  const sizes: [string, GgufEntry][] = [
    ['block_count', u32Entry(layers)],
    ['context_length', u32Entry(512)],
    ['embedding_length', u32Entry(hidden)],
    ['feed_forward_length', u32Entry(ffn)],
    ['attention.head_count', u32Entry(heads)],
    ['attention.head_count_kv', u32Entry(kvHeads)],
    ['attention.key_length', u32Entry(headDim)],
    ['attention.layer_norm_rms_epsilon', f32Entry(Math.fround(1e-6))],
    ['rope.freq_base', f32Entry(10_000)],
  ];
  const metadata = new Map<string, GgufEntry>([
    ['general.architecture', stringEntry(architecture)],
    ...sizes.map(([key, entry]): [string, GgufEntry] => [`${architecture}.${key}`, entry]),
    ...tokenizerEntries({
      tokens: [...tokens, ...spare],
      types: [...types, ...spare.map(() => 5)],
      merges,
      pre: 'qwen2',
      eosId: tokens.indexOf('<|im_end|>'),
      paddingId: tokens.indexOf('<|endoftext|>'),
      chatTemplate: 'T',
    }),
  ]);
  const written: TensorToWrite[] = tensors.map(({ gguf, shape, values }) => {
    const type = shape.length === 1 ? 'F32' : dtype;
    return { name: gguf, shape, type, bytes: storedBytes(values, type) };
  });
  return bytesSource(joinBytes(writeGguf({ metadata, tensors: written })), 'model.gguf');
}
