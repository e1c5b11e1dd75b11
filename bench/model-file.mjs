// Writes a GGUF file with the sizes of Qwen3 0.6B and random Q4_0 weights. Knows no engine.
import { closeSync, existsSync, openSync, renameSync, writeSync } from 'node:fs';

/** Sizes of Qwen3 0.6B; a short context, so that the cache stays small. */
export const SHAPE = {
  ...{ layers: 28, hidden: 1024, heads: 16, kvHeads: 8, headDim: 128, ffn: 3072 },
  ...{ vocab: 151936, context: 1024 },
};

const [TYPE_U32, TYPE_F32, TYPE_BOOL, TYPE_STRING, TYPE_ARRAY] = [4, 6, 7, 8, 9];
const TENSOR_F32 = 0;
const TENSOR_Q4_0 = 2;
const ALIGNMENT = 32;
/** Half bytes less 8 have this deviation. */
const HALF_DEVIATION = 4.6;
const SPECIALS = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'];

const u32 = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const u64 = (value) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
const f32 = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
};
const text = (value) => {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
};
const entry = (key, type, value) => Buffer.concat([text(key), u32(type), value]);
const array = (type, values) =>
  Buffer.concat([u32(type), u64(values.length), ...values.map(type === TYPE_STRING ? text : u32)]);
const padded = (size) => Math.ceil(size / ALIGNMENT) * ALIGNMENT;

/** A positive number that f16 holds as a normal one, cut to its 10 bits. */
function half(value) {
  const bits = f32(value).readUInt32LE();
  return (((bits >>> 23) - 112) << 10) | ((bits >>> 13) & 0x3ff);
}

function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

/** Printable ASCII, a newline, names without a meaning, and the special tokens: whatever is sampled is valid text. */
function tokensOf(vocab) {
  const tokens = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i));
  // A space and a newline in the byte alphabet.
  tokens.push('\u0120', '\u010a');
  while (tokens.length < vocab - SPECIALS.length) tokens.push(`<pad${tokens.length}>`);
  return [...tokens, ...SPECIALS];
}

function metadataOf(shape) {
  const tokens = tokensOf(shape.vocab);
  const size = (key, value) => entry(`qwen3.${key}`, TYPE_U32, u32(value));
  return [
    entry('general.architecture', TYPE_STRING, text('qwen3')),
    entry('general.name', TYPE_STRING, text('random weights')),
    entry('general.alignment', TYPE_U32, u32(ALIGNMENT)),
    entry('general.file_type', TYPE_U32, u32(2)),
    size('block_count', shape.layers),
    size('context_length', shape.context),
    size('embedding_length', shape.hidden),
    size('feed_forward_length', shape.ffn),
    size('attention.head_count', shape.heads),
    size('attention.head_count_kv', shape.kvHeads),
    size('attention.key_length', shape.headDim),
    size('attention.value_length', shape.headDim),
    entry('qwen3.rope.freq_base', TYPE_F32, f32(1e6)),
    entry('qwen3.attention.layer_norm_rms_epsilon', TYPE_F32, f32(1e-6)),
    entry('tokenizer.ggml.model', TYPE_STRING, text('gpt2')),
    entry('tokenizer.ggml.pre', TYPE_STRING, text('qwen2')),
    entry('tokenizer.ggml.tokens', TYPE_ARRAY, array(TYPE_STRING, tokens)),
    entry(
      'tokenizer.ggml.token_type',
      TYPE_ARRAY,
      array(
        TYPE_U32 + 1,
        tokens.map((token) => (SPECIALS.includes(token) ? 3 : 1)),
      ),
    ),
    entry('tokenizer.ggml.merges', TYPE_ARRAY, array(TYPE_STRING, [])),
    entry('tokenizer.ggml.eos_token_id', TYPE_U32, u32(shape.vocab - 1)),
    entry('tokenizer.ggml.padding_token_id', TYPE_U32, u32(shape.vocab - SPECIALS.length)),
    entry('tokenizer.ggml.add_bos_token', TYPE_BOOL, Buffer.from([0])),
  ];
}

function tensorsOf({ layers, hidden, heads, kvHeads, headDim, ffn, vocab }) {
  const matrix = (name, N, K) => ({ name, dims: [K, N] });
  const vector = (name, size) => ({ name, dims: [size] });
  const [q, kv] = [heads * headDim, kvHeads * headDim];
  const layer = (l) => [
    vector(`blk.${l}.attn_norm.weight`, hidden),
    matrix(`blk.${l}.attn_q.weight`, q, hidden),
    matrix(`blk.${l}.attn_k.weight`, kv, hidden),
    matrix(`blk.${l}.attn_v.weight`, kv, hidden),
    matrix(`blk.${l}.attn_output.weight`, hidden, q),
    vector(`blk.${l}.attn_q_norm.weight`, headDim),
    vector(`blk.${l}.attn_k_norm.weight`, headDim),
    vector(`blk.${l}.ffn_norm.weight`, hidden),
    matrix(`blk.${l}.ffn_gate.weight`, ffn, hidden),
    matrix(`blk.${l}.ffn_up.weight`, ffn, hidden),
    matrix(`blk.${l}.ffn_down.weight`, hidden, ffn),
  ];
  const all = Array.from({ length: layers }, (_, l) => layer(l));
  const embedding = matrix('token_embd.weight', vocab, hidden);
  return [embedding, vector('output_norm.weight', hidden), ...all.flat()];
}

/** Q4_0 blocks of random half bytes, of variance about 1 / K; F32 ones for a vector. */
function bytesOf({ dims }, next) {
  const count = dims.reduce((product, size) => product * size, 1);
  if (dims.length === 1) {
    return Buffer.from(Float32Array.from({ length: count }, () => 0.8 + next() / 1e10).buffer);
  }
  const bytes = Buffer.alloc((count / 32) * 18);
  const scale = 1 / (HALF_DEVIATION * Math.sqrt(dims[0]));
  for (let at = 0; at < bytes.length; at += 18) {
    bytes.writeUInt16LE(half(scale * (0.5 + next() / 2 ** 32)), at);
    for (let word = 2; word < 18; word += 4) bytes.writeUInt32LE(next(), at + word);
  }
  return bytes;
}

/** Writes the file unless it is there. */
export function writeModelFile(path, shape = SHAPE) {
  if (existsSync(path)) return;
  const metadata = metadataOf(shape);
  const tensors = tensorsOf(shape);
  let offset = 0;
  const headers = tensors.map(({ name, dims }) => {
    const type = dims.length === 1 ? TENSOR_F32 : TENSOR_Q4_0;
    const count = dims.reduce((product, size) => product * size, 1);
    const place = Buffer.concat([u32(type), u64(offset)]);
    offset += padded(type === TENSOR_F32 ? count * 4 : (count / 32) * 18);
    return Buffer.concat([text(name), u32(dims.length), ...dims.map(u64), place]);
  });
  const head = [Buffer.from('GGUF'), u32(3), u64(tensors.length), u64(metadata.length)];
  const next = generator(1);
  const file = openSync(`${path}.part`, 'w');
  const write = (bytes) => {
    writeSync(file, bytes);
    writeSync(file, Buffer.alloc(padded(bytes.length) - bytes.length));
  };
  write(Buffer.concat([...head, ...metadata, ...headers]));
  for (const tensor of tensors) write(bytesOf(tensor, next));
  closeSync(file);
  renameSync(`${path}.part`, path);
}
