// What a model file says about its model: sizes and the tensors it must have.
// Must not know how the model computes.

import { ModelFileError } from '../base/errors.ts';
import { PROJECTIONS, type Projection } from '../base/projections.ts';
import { isUsable, USABLE_TYPES } from './ggml-types.ts';
import type { GgufFile } from './gguf.ts';
import { shown } from './shown.ts';

/** What we load: decoder-only models with RMSNorm, RoPE, GQA and SwiGLU. */
export const ARCHITECTURES = ['qwen3', 'qwen2', 'llama'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** How RoPE's frequencies are changed for contexts beyond the one of pretraining. */
export type RopeScaling =
  | { readonly kind: 'none' }
  | { readonly kind: 'linear'; readonly factor: number }
  | {
      readonly kind: 'yarn';
      readonly factor: number;
      readonly originalContext: number;
      readonly betaFast: number;
      readonly betaSlow: number;
      /** Of cosines and sines. */
      readonly magnitude: number;
    };

/** Sizes of a model. */
export interface ModelConfig {
  readonly architecture: Architecture;
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
  /** q, k and v have biases. */
  readonly qkvBias: boolean;
  /** RoPE's pairs are (2i, 2i + 1) of a head, else (i, i + D/2). */
  readonly interleavedRope: boolean;
  readonly ropeScaling: RopeScaling;
  /** The file has `rope_freqs.weight`: frequencies are divided by it (Llama 3). */
  readonly ropeFactors: boolean;
}

export { PROJECTIONS, type Projection };

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
  const { hidden, heads, kvHeads, headDim, vocab } = config;
  const list = [{ name: 'token_embd.weight', shape: [vocab, hidden] }];
  if (config.ropeFactors) list.push({ name: 'rope_freqs.weight', shape: [headDim / 2] });
  if (!config.tied) list.push({ name: 'output.weight', shape: [vocab, hidden] });
  list.push({ name: 'output_norm.weight', shape: [hidden] });
  for (let layer = 0; layer < config.layers; layer++) {
    const add = (stem: string, shape: number[]): void => {
      list.push({ name: `blk.${layer}.${stem}.weight`, shape });
    };
    const addProjection = (stem: Projection): void => add(stem, projectionShape(config, stem));
    add('attn_norm', [hidden]);
    for (const stem of PROJECTIONS.slice(0, 4)) addProjection(stem);
    if (config.qkvBias) {
      list.push({ name: `blk.${layer}.attn_q.bias`, shape: [heads * headDim] });
      list.push({ name: `blk.${layer}.attn_k.bias`, shape: [kvHeads * headDim] });
      list.push({ name: `blk.${layer}.attn_v.bias`, shape: [kvHeads * headDim] });
    }
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

function architectureOf(file: GgufFile): Architecture {
  const got = file.values['general.architecture'];
  const known = ARCHITECTURES.find((name) => name === got);
  if (known !== undefined) return known;
  throw new ModelFileError(
    'model-architecture',
    `${file.name}: architecture ${shown(got ?? 'not given')}, need one of ` +
      `${ARCHITECTURES.join(', ')}; choose another file`,
    { data: { architecture: shown(got) } },
  );
}

/** The sizes that a file claims, before its tensors are checked. @throws {ModelFileError} when one is missing. */
export function readSizes(file: GgufFile): ModelConfig {
  const architecture = architectureOf(file);
  const number = numberReader(file, architecture);
  const hidden = number('embedding_length');
  const heads = number('attention.head_count');
  const names = new Set(file.tensors.map((tensor) => tensor.name));
  const contextLength = number('context_length');
  return {
    architecture,
    layers: number('block_count'),
    hidden,
    heads,
    kvHeads: number('attention.head_count_kv', heads),
    headDim: number('attention.key_length', hidden / heads),
    ffn: number('feed_forward_length'),
    vocab: file.tensor('token_embd.weight').shape[0] ?? 0,
    ropeTheta: number('rope.freq_base', 10000),
    eps: number('attention.layer_norm_rms_epsilon'),
    contextLength,
    tied: !names.has('output.weight'),
    qkNorm: architecture === 'qwen3',
    qkvBias: architecture === 'qwen2',
    interleavedRope: architecture === 'llama',
    ropeScaling: readScaling(file, architecture, contextLength),
    ropeFactors: names.has('rope_freqs.weight'),
  };
}

type NumberReader = (key: string, fallback?: number) => number;

function numberReader(file: GgufFile, architecture: Architecture): NumberReader {
  return (key, fallback) => {
    const value = file.values[`${architecture}.${key}`] ?? fallback;
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
    throw new ModelFileError(
      'model-size',
      `${file.name}: ${architecture}.${key} is ${shown(value ?? 'missing')}, need a positive ` +
        'number; is this file whole?',
      { data: { key: `${architecture}.${key}` } },
    );
  };
}

/** llama.cpp's keys: `rope.scaling.type`, `.factor` and, for YaRN, `.original_context_length` and more. */
function readScaling(
  file: GgufFile,
  architecture: Architecture,
  contextLength: number,
): RopeScaling {
  const number = numberReader(file, architecture);
  const kind = file.values[`${architecture}.rope.scaling.type`] ?? 'none';
  if (kind === 'none') return { kind };
  if (kind === 'linear') return { kind, factor: number('rope.scaling.factor') };
  if (kind === 'yarn') {
    const factor = number('rope.scaling.factor');
    return {
      kind,
      factor,
      originalContext: number('rope.scaling.original_context_length', contextLength),
      betaFast: number('rope.scaling.yarn_beta_fast', 32),
      betaSlow: number('rope.scaling.yarn_beta_slow', 1),
      magnitude: number('rope.scaling.attn_factor', 1) * (1 + 0.1 * Math.log(factor)),
    };
  }
  throw new ModelFileError(
    'model-rope',
    `${file.name}: RoPE scaling ${shown(kind)}, need none, linear or yarn; choose another file`,
    { data: { scaling: shown(kind) } },
  );
}

function checkSizes(file: GgufFile, config: ModelConfig): void {
  const { values } = file;
  const refuse = (what: string): never => {
    throw new ModelFileError('model-size', `${file.name}: ${what}; choose another file`);
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
    const value = values[`${config.architecture}.${key}`] ?? headDim;
    if (value !== headDim) {
      refuse(`${config.architecture}.${key} is ${shown(value)}, need ${headDim}`);
    }
  }
}

function checkRequired(file: GgufFile, config: ModelConfig): void {
  for (const { name, shape } of requiredTensors(config)) {
    const tensor = file.tensor(name);
    if (tensor.shape.join() !== shape.join()) {
      throw new ModelFileError(
        'model-shape',
        `${file.name}: ${name} got [${tensor.shape}], need [${shape}]; is this file whole?`,
        { data: { tensor: name, got: tensor.shape, needed: shape } },
      );
    }
    const vector = shape.length === 1;
    if (vector ? tensor.type === 'F32' : isUsable(tensor.type)) continue;
    throw new ModelFileError(
      'gguf-type',
      `${file.name}: ${name} has type ${tensor.type}, need ` +
        `${vector ? 'F32' : USABLE_TYPES.join(', ')}; choose another quantisation`,
      { data: { tensor: name, type: tensor.type } },
    );
  }
}
