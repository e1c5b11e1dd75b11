// What a training takes of the device's memory, before anything is made: weights, what is trained of them, the KV cache of its
// rollouts, the buffers of a step; and which setting would make it fit. Pure host code.
import type { AdapterWeights } from '../engine/adapter-weights.ts';
import { paddedRank } from '../engine/adapter-weights.ts';
import { joinedValues } from '../engine/joined-adapter.ts';
import type { MomentKind } from '../trajectory/experiment.ts';
import {
  type ModelConfig,
  PROJECTIONS,
  projectionShape,
  requiredTensors,
} from '../weights/model-config.ts';
import {
  type BufferPart,
  bufferBytes,
  type Checkpoints,
  lendBuffers,
  type TrainSizes,
  trainLayout,
} from './layout.ts';
import { momentBytes } from './optimiser.ts';
import { flatLength } from './parameters.ts';

/** Tokens of a packed row when nobody says. */
export const DEFAULT_ROW_TOKENS = 2048;

/** Activations up to this many bytes are all kept: nothing is computed twice. */
const KEEP_ALL_BYTES = 512 * 1024 * 1024;

/** Weights and gradients, f32; the moments come on top. */
const BYTES_PER_TRAINED = 8;

function stepBytes(sizes: TrainSizes): Record<BufferPart, number> {
  const bytes: Record<BufferPart, number> = { checkpoints: 0, layer: 0, head: 0, batch: 0 };
  for (const { shape, part } of trainLayout(sizes).values()) bytes[part] += bufferBytes(shape);
  return bytes;
}

/** What is kept of each layer when nobody says: everything, where that is small. */
function defaultCheckpoints(sizes: Omit<TrainSizes, 'checkpoints'>): Checkpoints {
  const { checkpoints, layer } = stepBytes({ ...sizes, checkpoints: 'all' });
  return checkpoints + layer <= KEEP_ALL_BYTES ? 'all' : 'f32';
}

interface AskedSizes {
  readonly tokens: number;
  readonly lossTokens: number;
  readonly checkpoints: Checkpoints | undefined;
}

function sizesOf(
  config: ModelConfig,
  adapter: { readonly rank: number; readonly stems: readonly string[] } | null,
  asked: AskedSizes,
): TrainSizes {
  const tile = (count: number) => Math.ceil(count / 64) * 64;
  const sizes = {
    config,
    rank: adapter?.rank ?? 0,
    stems: adapter?.stems ?? [],
    tokens: tile(asked.tokens),
    lossTokens: tile(asked.lossTokens),
  };
  return { ...sizes, checkpoints: asked.checkpoints ?? defaultCheckpoints(sizes) };
}

/** Sizes of a step that trains a model, or an adapter over it: rows in whole tiles of 64. */
export function trainSizes(
  {
    model: { config },
    adapter,
  }: { model: { config: ModelConfig }; adapter: AdapterWeights | null },
  asked: AskedSizes,
): TrainSizes {
  if (adapter === null) return sizesOf(config, null, asked);
  const layers = Array.from({ length: config.layers }, (_, l) => l);
  const stems = PROJECTIONS.filter((name) =>
    layers.some((l) => adapter.pairs.has(`blk.${l}.${name}`)),
  );
  return sizesOf(config, { rank: adapter.paddedRank, stems }, asked);
}

export interface PlanRequest {
  readonly config: ModelConfig;
  /** Bytes of the model's own weights on the device, and of the buffers of the KV cache that rollouts use. */
  readonly weightBytes: number;
  readonly kvBuffers: readonly number[];
  /** How those keep keys and values; f32 by default. */
  readonly kv?: 'f32' | 'f16';
  /** Null trains all weights, in F32; by default all projections have an adapter. */
  readonly adapter: {
    readonly rank: number;
    readonly targets?: readonly string[] | undefined;
  } | null;
  /** Tokens of a packed row, and of the longest sequence, which is never cut. */
  readonly rowTokens: number;
  readonly sequenceTokens: number;
  readonly checkpoints?: Checkpoints | undefined;
  /** f32 by default. */
  readonly moments?: MomentKind | undefined;
}

export interface MemoryPlan {
  readonly checkpoints: Checkpoints;
  /** Tokens of a row. */
  readonly tokens: number;
  /**
   * Bytes by what they are for. `trained`: weights, gradients and moments of what is trained; `joined`: the adapter's matrices
   * once more, as decoding reads them.
   */
  readonly bytes: Readonly<Record<'weights' | 'trained' | 'joined' | 'kv' | BufferPart, number>>;
  /** Bytes of a step that lie in the buffers of the KV cache, which nobody needs meanwhile. */
  readonly lent: number;
  /** Of all of it, what is lent counted once. */
  readonly total: number;
  /** The largest buffer of a step. */
  readonly largest: { readonly name: string; readonly bytes: number };
}

/** Shapes of everything that is trained. */
function trainedShapes({ config, adapter }: PlanRequest): (readonly number[])[] {
  if (adapter === null) return requiredTensors(config).map(({ shape }) => shape);
  const rank = paddedRank(adapter.rank);
  const targets = PROJECTIONS.filter((name) => adapter.targets?.includes(name) ?? true);
  const pairs = targets.flatMap((name) => {
    const [N, K] = projectionShape(config, name);
    return [
      [rank, K],
      [N, rank],
    ];
  });
  return Array.from({ length: config.layers }, () => pairs).flat();
}

/** Counts the memory of a training. */
export function planMemory(request: PlanRequest): MemoryPlan {
  const { config, adapter, weightBytes, kvBuffers } = request;
  const tokens = Math.max(request.rowTokens, request.sequenceTokens);
  const stems = PROJECTIONS.filter((name) => adapter?.targets?.includes(name) ?? true);
  const sizes = sizesOf(
    config,
    adapter === null ? null : { rank: paddedRank(adapter.rank), stems },
    { tokens, lossTokens: tokens, checkpoints: request.checkpoints },
  );
  const flat = flatLength(trainedShapes(request));
  const step = stepBytes(sizes);
  const bytes = {
    // All weights move into what is trained.
    weights: adapter === null ? 0 : weightBytes,
    trained: BYTES_PER_TRAINED * flat + momentBytes(request.moments ?? 'f32', flat),
    joined: adapter === null ? 0 : 4 * joinedValues(config, paddedRank(adapter.rank)),
    kv: kvBuffers.reduce((sum, size) => sum + size, 0),
    ...step,
  };
  const layout = trainLayout(sizes);
  const buffers = [...layout].map(([name, { shape }]) => ({ name, bytes: bufferBytes(shape) }));
  const places = lendBuffers(layout, kvBuffers);
  const inCache = buffers.filter(({ name }) => places.has(name));
  const lent = inCache.reduce((sum, buffer) => sum + buffer.bytes, 0);
  const flatBuffer = { name: 'trained weights', bytes: 4 * flat };
  const largest = [...buffers, flatBuffer].reduce((a, b) => (b.bytes > a.bytes ? b : a));
  const total = Object.values(bytes).reduce((sum, part) => sum + part, 0) - lent;
  return { checkpoints: sizes.checkpoints, tokens: sizes.tokens, bytes, lent, total, largest };
}

/** A change of settings, in words, and what the plan would be with it. */
export interface WayToFit {
  readonly change: string;
  readonly total: number;
}

/**
 * Settings that bring a plan below `limit` bytes: those of one change that do, mildest first, else the first combination that
 * does; empty when nothing of it is enough.
 */
export function waysToFit(request: PlanRequest, limit: number): WayToFit[] {
  const changes = changesOf(request);
  const planOf = (parts: readonly Change[]) =>
    planMemory(Object.assign({}, request, ...parts.map(({ to }) => to))).total;
  const single = changes
    .map((part) => ({ change: part.change, total: planOf([part]) }))
    .filter(({ total }) => total <= limit);
  if (single.length > 0) return single;
  for (let count = 2; count <= changes.length; count++) {
    const parts = changes.slice(0, count);
    const total = planOf(parts);
    if (total <= limit) return [{ change: wordsOf(parts), total }];
  }
  return [];
}

interface Change {
  readonly setting: string;
  readonly change: string;
  readonly to: Partial<PlanRequest>;
}

/** The last of each setting, joined. */
function wordsOf(parts: readonly Change[]): string {
  return [...new Map(parts.map(({ setting, change }) => [setting, change])).values()].join(', ');
}

/** Changes that save memory, mildest first; those of one setting go further and further. */
function changesOf(request: PlanRequest): Change[] {
  const { adapter, rowTokens, sequenceTokens, kvBuffers, kv = 'f32' } = request;
  const kinds = (['f32', 'f16'] as const).map((checkpoints) => ({
    setting: 'checkpoints',
    change: `memory.checkpoints ${checkpoints}`,
    to: { checkpoints },
  }));
  const now = planMemory(request).checkpoints;
  const fewer = kinds.filter(({ to }) =>
    now === 'all' ? true : now === 'f32' && to.checkpoints === 'f16',
  );
  const caches =
    kv === 'f32' && kvBuffers.length > 0
      ? [
          {
            setting: 'kv',
            change: 'sampling.kv f16',
            to: { kv: 'f16' as const, kvBuffers: kvBuffers.map((size) => size / 2) },
          },
        ]
      : [];
  const halves = (from: number, least: number) => {
    const values: number[] = [];
    for (let n = Math.floor(from / 2); n >= least; n = Math.floor(n / 2)) values.push(n);
    return values;
  };
  const rows = halves(Math.max(rowTokens, sequenceTokens), 128).map((tokens) => {
    const shorter = tokens < sequenceTokens ? ` and limits.contextTokens ${tokens}` : '';
    const to = { rowTokens: tokens, sequenceTokens: Math.min(tokens, sequenceTokens) };
    return { setting: 'tokens', change: `memory.tokens ${tokens}${shorter}`, to };
  });
  const ranks = halves(adapter?.rank ?? 0, 4).map((rank) => ({
    setting: 'rank',
    change: `adapter.rank ${rank}`,
    to: { adapter: { ...adapter, rank } },
  }));
  const int8 = {
    setting: 'moments',
    change: 'optimiser.moments int8',
    to: { moments: 'int8' } as const,
  };
  const moments = request.moments === 'int8' ? [] : [int8];
  return [...fewer, ...caches, ...moments, ...rows, ...ranks];
}
