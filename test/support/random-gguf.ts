// GGUF files with random weights in the Qwen3, Qwen2 and Llama architectures and every weight format.
// Must not know how an engine reads them.
import { Rng } from '../../src/base/rng.ts';
import { BYTE_ALPHABET } from '../../src/tokenizer/bytes.ts';
import { type Bpe, trainBpe } from '../../src/tokenizer/train-bpe.ts';
import { joinBytes, writeGguf } from '../../src/weights/gguf.ts';
import { f32Entry, type GgufEntry, stringEntry, u32Entry } from '../../src/weights/gguf-values.ts';
import { tokenizerEntries } from '../../src/weights/tokenizer-entries.ts';
import { encodeValues, STORED_TYPES, type StoredType } from './quantize.ts';

export const RANDOM_ARCHITECTURES = ['qwen3', 'qwen2', 'llama'] as const;
export type RandomArchitecture = (typeof RANDOM_ARCHITECTURES)[number];

/** A type of all matrices, or Q4_K_M: Q6_K where llama.cpp's mixture has it, Q4_K elsewhere. */
export const RANDOM_FORMATS = [...STORED_TYPES, 'Q4_K_M'] as const;
export type RandomFormat = (typeof RANDOM_FORMATS)[number];
const Q6_IN_MIXTURE = ['token_embd', 'output.weight', 'attn_v', 'ffn_down'];

/** Sizes of every file; the rows of each matrix are whole K-quant blocks. */
const LAYERS = 2;
const HIDDEN = 256;
const HEADS = 4;
const KV_HEADS = 2;
const HEAD_DIM = 64;
const FFN = 512;
const MAX_VOCAB = 512;
/**
 * Standard deviation of the logits: enough for a clear first token, not so much that the activations
 * that llama.cpp rounds to 8 bits drown the comparison.
 */
const LOGIT_DEVIATION = 1.25;

const SPECIALS = ['<|endoftext|>', '<|im_start|>', '<|im_end|>', '<think>', '</think>'];

export interface RandomTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** The random values of an architecture; one set makes the files of all formats. */
export function randomTensors(
  architecture: RandomArchitecture,
  {
    seed,
    vocab,
    untied = architecture !== 'qwen3',
  }: {
    seed: number;
    vocab: number;
    untied?: boolean;
  },
): RandomTensor[] {
  const rng = new Rng(seed);
  const list: RandomTensor[] = [];
  const add = (name: string, shape: number[], mean: number, deviation: number): void => {
    const length = shape.reduce((product, size) => product * size, 1);
    const draw = (): number => mean + deviation * rng.normal();
    list.push({ name, shape, values: Float32Array.from({ length }, draw) });
  };
  const norm = (name: string, size: number): void => add(`${name}.weight`, [size], 1, 0.1);
  const matrix = (name: string, N: number, K: number, gain = 1): void =>
    add(`${name}.weight`, [N, K], 0, gain / Math.sqrt(K));
  const [q, kv] = [HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM];
  matrix('token_embd', vocab, HIDDEN, LOGIT_DEVIATION);
  if (untied) matrix('output', vocab, HIDDEN, LOGIT_DEVIATION);
  if (architecture === 'llama') list.push(ropeFactors());
  norm('output_norm', HIDDEN);
  for (let layer = 0; layer < LAYERS; layer++) {
    const stem = `blk.${layer}`;
    norm(`${stem}.attn_norm`, HIDDEN);
    matrix(`${stem}.attn_q`, q, HIDDEN);
    matrix(`${stem}.attn_k`, kv, HIDDEN);
    matrix(`${stem}.attn_v`, kv, HIDDEN);
    matrix(`${stem}.attn_output`, HIDDEN, q);
    if (architecture === 'qwen3') {
      norm(`${stem}.attn_q_norm`, HEAD_DIM);
      norm(`${stem}.attn_k_norm`, HEAD_DIM);
    }
    if (architecture === 'qwen2') {
      add(`${stem}.attn_q.bias`, [q], 0, 0.3);
      add(`${stem}.attn_k.bias`, [kv], 0, 0.3);
      add(`${stem}.attn_v.bias`, [kv], 0, 0.3);
    }
    norm(`${stem}.ffn_norm`, HIDDEN);
    matrix(`${stem}.ffn_gate`, FFN, HIDDEN);
    matrix(`${stem}.ffn_up`, FFN, HIDDEN);
    matrix(`${stem}.ffn_down`, HIDDEN, FFN);
  }
  return list;
}

/** Llama 3's slower rotation of the low frequencies. */
function ropeFactors(): RandomTensor {
  const length = HEAD_DIM / 2;
  const values = Float32Array.from({ length }, (_, i) => (i < length / 2 ? 1 : 8));
  return { name: 'rope_freqs.weight', shape: [length], values };
}

/**
 * Makes some tokens all but impossible, whatever the text: channel 0 of the residual stream gets a
 * positive constant that no layer changes, and their rows of the untied head a negative weight on it.
 */
export function silenceTokens(tensors: readonly RandomTensor[], ids: readonly number[]): void {
  for (const { name, shape, values } of tensors) {
    const K = shape.at(-1) ?? 0;
    if (name === 'token_embd.weight') {
      for (let at = 0; at < values.length; at += K) values[at] = 1;
    }
    if (name.endsWith('attn_output.weight') || name.endsWith('ffn_down.weight')) {
      values.fill(0, 0, K);
    }
    if (name === 'output.weight') for (const id of ids) values[id * K] = -200;
  }
}

/**
 * A vocabulary learned without any cutting, so that its merges cross every border that a rule for
 * cutting text can draw: words, digits, spaces and newlines merge freely.
 */
export function crossingVocabulary(corpus: readonly string[]): Bpe {
  return trainBpe(corpus, { maxVocab: MAX_VOCAB, specials: SPECIALS, preRegex: '[\\s\\S]+' });
}

/** The tokens that are whole ASCII texts, and the merges among them. */
export function asciiOnly({ tokens, types, merges }: Bpe): Bpe {
  const kept = tokens.map((token) => isAscii(token));
  return {
    tokens: tokens.filter((_, id) => kept[id]),
    types: types.filter((_, id) => kept[id]),
    merges: merges.filter((merge) => isAscii(merge.replace(' ', ''))),
  };
}

const ASCII = new Set(BYTE_ALPHABET.slice(0, 128));

/** Whether a token, in the byte alphabet, is an ASCII text. */
export function isAscii(token: string): boolean {
  return [...token].every((character) => ASCII.has(character));
}

/** The bytes of a file. `pre` names the rule that cuts text before BPE. */
export function randomGguf(options: {
  architecture: RandomArchitecture;
  format: RandomFormat;
  tensors: readonly RandomTensor[];
  vocabulary: Bpe;
  pre: string;
}): Uint8Array<ArrayBuffer> {
  const tensors = options.tensors.map(({ name, shape, values }) => {
    const type = storedType(name, shape, options.format);
    return { name, shape, type, bytes: encodeValues(type, values) };
  });
  const metadata = metadataOf(options.architecture, options.vocabulary, options.pre);
  return joinBytes(writeGguf({ metadata, tensors }));
}

function storedType(name: string, shape: readonly number[], format: RandomFormat): StoredType {
  if (shape.length === 1) return 'F32';
  if (format !== 'Q4_K_M') return format;
  return Q6_IN_MIXTURE.some((stem) => name.includes(stem)) ? 'Q6_K' : 'Q4_K';
}

function metadataOf(
  architecture: RandomArchitecture,
  { tokens, types, merges }: Bpe,
  pre: string,
): Map<string, GgufEntry> {
  const size = (key: string, value: number): [string, GgufEntry] => [
    `${architecture}.${key}`,
    u32Entry(value),
  ];
  return new Map<string, GgufEntry>([
    ['general.architecture', stringEntry(architecture)],
    ['general.name', stringEntry('random')],
    ['general.alignment', u32Entry(32)],
    size('block_count', LAYERS),
    size('context_length', 512),
    size('embedding_length', HIDDEN),
    size('feed_forward_length', FFN),
    size('attention.head_count', HEADS),
    size('attention.head_count_kv', KV_HEADS),
    size('attention.key_length', HEAD_DIM),
    size('attention.value_length', HEAD_DIM),
    [`${architecture}.rope.freq_base`, f32Entry(10000)],
    [`${architecture}.attention.layer_norm_rms_epsilon`, f32Entry(1e-6)],
    ...tokenizerEntries({
      tokens,
      types,
      merges,
      pre,
      eosId: tokens.indexOf('<|im_end|>'),
      paddingId: tokens.indexOf('<|endoftext|>'),
      chatTemplate: '{% for m in messages %}{{ m.content }}{% endfor %}',
    }),
  ]);
}
