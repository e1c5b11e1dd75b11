// Sampling of one id a row from logits: Gumbel-max with counter-based noise, top-k and top-p without
// sorting. Knows no sequence and no end token.
import type { KernelPass } from '../gpu/pass.ts';
import { kernel } from '../gpu/pipeline.ts';
import { assertShape, type GpuTensor, shape2 } from '../gpu/tensor.ts';
import { groupsFor } from './launch.ts';

/** Vocabulary entries that one invocation goes through. */
const CHUNK = 256;
/** Ids in a word of a mask. */
export const MASK_BITS = 32;
/** Bins of one digit of the threshold, and digits of a threshold. */
const BINS = 16;
const DIGITS = 8;

const SAMPLE_CHUNK = kernel({
  file: 'sample/sample_chunk',
  params: { B: 'u32', V: 'u32', chunks: 'u32', chunk: 'u32' },
  reads: [
    'logits',
    'temperature',
    'seed',
    'position',
    'state?filter',
    'held?masked',
    'mask?masked',
  ],
  writes: ['partial'],
});

const SAMPLE_CHOOSE = kernel({
  file: 'sample/sample_choose',
  params: { B: 'u32', V: 'u32', chunks: 'u32', stride: 'u32' },
  reads: ['logits', 'partial'],
  writes: ['ids', 'logprobs', 'rows?advance'],
});

const SAMPLE_START = kernel({
  file: 'sample/sample_start',
  params: { B: 'u32', chunks: 'u32' },
  reads: ['partial'],
  writes: ['state'],
});

const SAMPLE_COUNT = kernel({
  file: 'sample/sample_count',
  params: { B: 'u32', V: 'u32', chunks: 'u32', chunk: 'u32', digit: 'u32', mass: 'u32' },
  reads: ['logits', 'temperature', 'state', 'held?masked', 'mask?masked'],
  writes: ['bins'],
});

const SAMPLE_PICK = kernel({
  file: 'sample/sample_pick',
  params: { B: 'u32', chunks: 'u32', digit: 'u32', mass: 'u32' },
  reads: ['topK', 'topP', 'bins'],
  writes: ['state'],
});

/** Shapes of the scratch tensors of {@link encodeSample}, all f32 but `state` (u32). */
export function sampleScratchShapes(
  B: number,
  V: number,
): { partial: [number, number, number]; state: [number, number]; bins: [number, number, number] } {
  const chunks = Math.ceil(V / CHUNK);
  return { partial: [B, chunks, 4], state: [B, 4], bins: [B, chunks, BINS] };
}

export interface SampleFilterArgs {
  /** (B) u32; 0 is off. Ids that tie with the k-th all stay. */
  readonly topK: GpuTensor;
  /** (B); 1 is off. Of the distribution that top-k left, at the row's temperature. */
  readonly topP: GpuTensor;
  /** (B, 4) u32, scratch */
  readonly state: GpuTensor;
  /** (B, chunks, 16), scratch */
  readonly bins: GpuTensor;
  /** Which of the two any row of the batch asks for. */
  readonly useTopK: boolean;
  readonly useTopP: boolean;
}

export interface SampleMaskArgs {
  /** (B) u32; 1 holds a row to its mask, 0 leaves it free. */
  readonly held: GpuTensor;
  /** (B, ceil(V / 32)) u32: bit id % 32 of word id / 32 of a row that is held says whether the id may come. */
  readonly mask: GpuTensor;
}

export interface SampleArgs {
  /** (B, V) */
  readonly logits: GpuTensor;
  /** (B); 0 takes the largest logit, the lowest id among equals */
  readonly temperature: GpuTensor;
  /** (B) u32 */
  readonly seed: GpuTensor;
  /** (B) u32, of the token that is sampled: an id's noise depends on (seed, position, id) alone */
  readonly position: GpuTensor;
  /** null when no row of the batch asks for top-k or top-p: 2 dispatches instead of 20 or 36 */
  readonly filter: SampleFilterArgs | null;
  /** null when no row of the batch is held to a mask; top-k and top-p choose among the ids that it leaves */
  readonly masked: SampleMaskArgs | null;
  /** (B, chunks, 4), scratch; see {@link sampleScratchShapes} */
  readonly partial: GpuTensor;
  /** (B) u32 */
  readonly ids: GpuTensor;
  /** (B), of the chosen id in the full softmax at temperature 1: neither filters nor masks change it */
  readonly logprobs: GpuTensor;
  /**
   * (fields, stride) u32, of the step that made the logits: field 0 ids, 2 positions, 3 those of RoPE, 4 the row of each id
   * that is sampled (0xffffffff: none), 6 its position. Made those of the next step, one id further; null leaves them.
   */
  readonly rows?: GpuTensor | null;
}

/**
 * Samples one id a row by the Gumbel-max trick (Maddison et al. 2014, arXiv:1411.0030). A row's
 * result does not depend on the rows beside it.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeSample(pass: KernelPass, args: SampleArgs): void {
  const { logits, temperature, seed, position, filter, masked, partial, ids, logprobs } = args;
  const { rows = null } = args;
  const [B, V] = shape2(logits, 'sample.logits');
  const shapes = sampleScratchShapes(B, V);
  const [, chunks] = shapes.partial;
  for (const [name, tensor] of Object.entries({ temperature, seed, position, ids, logprobs })) {
    assertShape(tensor, [B], `sample.${name}`);
  }
  assertShape(partial, shapes.partial, 'sample.partial');
  if (masked !== null) {
    assertShape(masked.held, [B], 'sample.held');
    assertShape(masked.mask, [B, Math.ceil(V / MASK_BITS)], 'sample.mask');
  }
  const held = masked === null ? [] : (['masked'] as const);
  const grid = groupsFor(B * chunks);
  const params = { B, V, chunks, chunk: CHUNK };
  const bind = { logits, temperature, seed, position, partial, ...masked };
  if (filter === null || !(filter.useTopK || filter.useTopP)) {
    pass.dispatch(SAMPLE_CHUNK, { params, bind, grid, variant: { on: held } });
  } else {
    // A mask may leave only small logits, and the threshold needs the largest of them.
    const first = { on: masked === null ? [] : [...held, 'noiseless' as const] };
    pass.dispatch(SAMPLE_CHUNK, { params, bind, grid, variant: first });
    encodeThreshold(pass, args, filter, [B, V]);
    const variant = { on: ['filter' as const, ...held] };
    pass.dispatch(SAMPLE_CHUNK, { params, bind: { ...bind, state: filter.state }, grid, variant });
  }
  pass.dispatch(SAMPLE_CHOOSE, {
    params: { B, V, chunks, stride: rows?.shape[1] ?? 0 },
    bind: { logits, partial, ids, logprobs, ...(rows === null ? {} : { rows }) },
    grid: groupsFor(B),
    variant: { on: rows === null ? [] : ['advance'] },
  });
}

/** Finds each row's smallest logit that stays, four bits a round from the top. */
function encodeThreshold(
  pass: KernelPass,
  { logits, temperature, partial, masked }: SampleArgs,
  { topK, topP, state, bins, useTopK, useTopP }: SampleFilterArgs,
  [B, V]: [number, number],
): void {
  const shapes = sampleScratchShapes(B, V);
  const [, chunks] = shapes.partial;
  assertShape(topK, [B], 'sample.topK');
  assertShape(topP, [B], 'sample.topP');
  assertShape(state, shapes.state, 'sample.state');
  assertShape(bins, shapes.bins, 'sample.bins');
  const variant = { on: masked === null ? [] : (['masked'] as const) };
  pass.dispatch(SAMPLE_START, {
    params: { B, chunks },
    bind: { partial, state },
    grid: groupsFor(B),
    variant,
  });
  const kinds = [...(useTopK ? [0] : []), ...(useTopP ? [1] : [])];
  for (const mass of kinds) {
    for (let digit = 0; digit < DIGITS; digit++) {
      pass.dispatch(SAMPLE_COUNT, {
        params: { B, V, chunks, chunk: CHUNK, digit, mass },
        bind: { logits, temperature, state, bins, ...masked },
        grid: groupsFor(B * chunks),
        variant,
      });
      pass.dispatch(SAMPLE_PICK, {
        params: { B, chunks, digit, mass },
        bind: { topK, topP, bins, state },
        grid: groupsFor(B),
      });
    }
  }
}
