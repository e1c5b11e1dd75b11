// A new model from nothing: its tokenizer, metadata and random weights, from a seed and a corpus of text.

import { defined } from '../base/assert.ts';
import { Rng } from '../base/rng.ts';
import { NANO_PRE_REGEX } from '../base/split-rules.ts';
import { NANO_SPECIALS, NANO_TEMPLATE } from '../tokenizer/nano-template.ts';
import { trainBpe } from '../tokenizer/train-bpe.ts';
import type { PretrainExperiment } from '../trajectory/experiment.ts';
import { f32Entry, type GgufEntry, stringEntry, u32Entry } from '../weights/gguf-values.ts';
import { type ModelConfig, requiredTensors } from '../weights/model-config.ts';
import { tokenizerEntries } from '../weights/tokenizer-entries.ts';

export type Architecture = NonNullable<PretrainExperiment['architecture']>;

export interface NewModel {
  readonly config: ModelConfig;
  readonly metadata: ReadonlyMap<string, GgufEntry>;
  readonly values: ReadonlyMap<string, Float32Array<ArrayBuffer>>;
}

export interface NewModelOptions {
  readonly name: string;
  readonly architecture: Architecture;
  /** Text without entity values, from which the merges are learned. */
  readonly corpus: readonly string[];
  readonly toolspace: string;
  readonly seed: number;
}

const EPS = 1e-6;
/** Projections that write into the residual stream: they begin at zero, so that every layer begins as the identity. */
const ZERO = ['attn_output', 'ffn_down'];

/** Embedding normal(0, 0.02), projections normal(0, 1/sqrt(fan in)), output and down projections 0, norms 1. */
export function newModel(options: NewModelOptions): NewModel {
  const { architecture: a, corpus, seed } = options;
  const bpe = trainBpe(corpus, {
    maxVocab: a.maxVocab,
    specials: NANO_SPECIALS,
    preRegex: NANO_PRE_REGEX,
  });
  const config: ModelConfig = {
    architecture: 'qwen3',
    layers: a.layers,
    hidden: a.hidden,
    heads: a.heads,
    kvHeads: a.kvHeads,
    headDim: a.headDim,
    ffn: a.ffn,
    vocab: bpe.tokens.length,
    ropeTheta: a.ropeTheta,
    eps: EPS,
    contextLength: a.contextLength,
    tied: true,
    qkNorm: true,
    qkvBias: false,
    interleavedRope: false,
    ropeScaling: { kind: 'none' },
    ropeFactors: false,
  };
  const values = new Map<string, Float32Array<ArrayBuffer>>();
  const rng = new Rng(seed);
  for (const { name, shape } of requiredTensors(config)) {
    const size = shape.reduce((product, n) => product * n, 1);
    const scale = initScale(name, shape);
    const draw = () => (scale === null ? 1 : scale * rng.normal());
    values.set(
      name,
      scale === 0 ? new Float32Array(size) : Float32Array.from({ length: size }, draw),
    );
  }
  return { config, metadata: metadataOf(options, config, bpe), values };
}

/** Standard deviation of a tensor's start; null for the norms, which begin at 1. */
function initScale(name: string, shape: readonly number[]): number | null {
  if (shape.length === 1) return null;
  if (ZERO.some((stem) => name.includes(stem))) return 0;
  return name === 'token_embd.weight' ? 0.02 : 1 / Math.sqrt(shape[1] ?? 1);
}

function metadataOf(
  { name, toolspace }: NewModelOptions,
  config: ModelConfig,
  bpe: ReturnType<typeof trainBpe>,
): Map<string, GgufEntry> {
  const id = (token: string) => {
    const at = bpe.tokens.indexOf(token);
    return defined(at < 0 ? null : at, `token ${token}`);
  };
  return new Map<string, GgufEntry>([
    ['general.architecture', stringEntry('qwen3')],
    ['general.name', stringEntry(name)],
    ['general.alignment', u32Entry(32)],
    ['qwen3.block_count', u32Entry(config.layers)],
    ['qwen3.context_length', u32Entry(config.contextLength)],
    ['qwen3.embedding_length', u32Entry(config.hidden)],
    ['qwen3.feed_forward_length', u32Entry(config.ffn)],
    ['qwen3.attention.head_count', u32Entry(config.heads)],
    ['qwen3.attention.head_count_kv', u32Entry(config.kvHeads)],
    ['qwen3.attention.key_length', u32Entry(config.headDim)],
    ['qwen3.attention.value_length', u32Entry(config.headDim)],
    ['qwen3.rope.freq_base', f32Entry(config.ropeTheta)],
    ['qwen3.attention.layer_norm_rms_epsilon', f32Entry(config.eps)],
    ['pocket_atlas.toolspace', stringEntry(toolspace)],
    ['pocket_atlas.schema_style', stringEntry('signature')],
    ['pocket_atlas.prompt_style', stringEntry('compact')],
    ...tokenizerEntries({
      tokens: bpe.tokens,
      types: bpe.types,
      merges: bpe.merges,
      pre: 'pocket-atlas',
      eosId: id('<|im_end|>'),
      paddingId: id('<|endoftext|>'),
      chatTemplate: NANO_TEMPLATE,
    }),
  ]);
}
