// What a training takes of the device's memory, before anything is made: the buffers of a step, the weights, what is trained
// of them. Pure host code.
import type { AdapterWeights } from '../engine/adapter-weights.ts';
import { type ModelConfig, PROJECTIONS } from '../weights/model-config.ts';
import { type BufferPart, type Checkpoints, type TrainSizes, trainLayout } from './layout.ts';

/** Activations up to this many bytes are all kept: nothing is computed twice. */
const KEEP_ALL_BYTES = 512 * 1024 * 1024;

/** Bytes of the buffers of a step, by what they are for. */
export function stepBytes(sizes: TrainSizes): Record<BufferPart, number> {
  const bytes: Record<BufferPart, number> = { checkpoints: 0, layer: 0, head: 0, batch: 0 };
  for (const { shape, part } of trainLayout(sizes).values()) bytes[part] += bufferBytes(shape);
  return bytes;
}

/** As Gpu.tensor makes them. */
function bufferBytes(shape: readonly number[]): number {
  const elements = shape.reduce((product, n) => product * n, 1);
  return Math.max(16, Math.ceil((elements * 4) / 16) * 16);
}

/** What is kept of each layer when nobody says: everything, where that is small. */
export function defaultCheckpoints(sizes: Omit<TrainSizes, 'checkpoints'>): Checkpoints {
  const { checkpoints, layer } = stepBytes({ ...sizes, checkpoints: 'all' });
  return checkpoints + layer <= KEEP_ALL_BYTES ? 'all' : 'f32';
}

/** Sizes of a step over a model: rows in whole tiles of 64. */
export function trainSizes(
  {
    model: { config },
    adapter,
  }: { model: { config: ModelConfig }; adapter: AdapterWeights | null },
  asked: { tokens: number; lossTokens: number; checkpoints: Checkpoints | undefined },
): TrainSizes {
  const sizes = {
    config,
    rank: adapter?.paddedRank ?? 0,
    stems: adaptedStems(config, adapter),
    tokens: Math.ceil(asked.tokens / 64) * 64,
    lossTokens: Math.ceil(asked.lossTokens / 64) * 64,
  };
  return { ...sizes, checkpoints: asked.checkpoints ?? defaultCheckpoints(sizes) };
}

/** Stems of projections that an adapter has in some layer. */
function adaptedStems({ layers }: ModelConfig, adapter: AdapterWeights | null): string[] {
  if (adapter === null) return [];
  const all = Array.from({ length: layers }, (_, l) => l);
  return PROJECTIONS.filter((name) => all.some((l) => adapter.pairs.has(`blk.${l}.${name}`)));
}
