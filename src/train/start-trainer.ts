// Puts a trainer beside a decoder that samples from the weights that it moves. Must not know where files lie.

import { type Adapter, fitAdapter } from '../adapter/adapter.ts';
import { assert } from '../base/assert.ts';
import { deriveSeed } from '../base/rng.ts';
import type { Decoder } from '../engine/decoder.ts';
import { readAllF32 } from '../engine/load-model.ts';
import type { Model } from '../engine/model.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Experiment, OptimiserSettings } from '../trajectory/experiment.ts';
import type { GgufFile } from '../weights/gguf.ts';
import { assertFits, planTraining } from './plan-training.ts';
import { adapterTarget, type FreshAdapter, freshAdapter, fullTarget } from './targets.ts';
import { GpuTrainer } from './trainer.ts';

/** What to train, and from where. */
export interface TrainerStart {
  readonly optimiser: OptimiserSettings;
  /** Null trains all weights (F32 models). */
  readonly adapter: FreshAdapter | null;
  /** The experiment's, of which a fresh adapter's matrices are drawn. */
  readonly seed: number;
  /** The adapter to go on with in place of a fresh one; null for none. Not used where all weights are trained. */
  readonly given: Adapter | null;
  readonly memory?: Experiment['memory'];
  readonly limits: Experiment['limits'];
  /** Its `kv` is that of the decoder's cache. */
  readonly sampling?: Experiment['sampling'];
}

/**
 * A trainer of a loaded model; from now on its decoder reads the weights that the trainer moves.
 * @param loaded `file` is what `model` was loaded from.
 * @throws {ModelFileError} for a given adapter of another model, {InputError} for what cannot be trained or does not fit.
 */
export async function startTrainer(
  loaded: { gpu: Gpu; file: GgufFile; model: Model; decoder: Decoder },
  { optimiser, adapter, seed, given, memory = {}, limits, sampling }: TrainerStart,
): Promise<GpuTrainer> {
  const { gpu, file, model, decoder } = loaded;
  const { config, hash } = model;
  const { kv = 'f32' } = sampling ?? {};
  assert(decoder.cache.type === kv, `a cache of ${kv}, since the trainer rounds so`);
  const planned = adapter === null || given === null ? adapter : { rank: given.rank };
  const plan = planTraining(
    { adapter: planned, memory, limits, optimiser, sampling },
    file,
    config,
  );
  assertFits(plan, gpu.caps.limits.maxStorageBufferBindingSize);
  const { tokens: maxTokens, checkpoints } = memory;
  const options = {
    optimiser,
    kv,
    onMoved: () => decoder.weightsMoved(),
    lend: () => decoder.cache.lend(),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(checkpoints === undefined ? {} : { checkpoints }),
  };
  if (adapter === null) {
    const target = fullTarget(gpu, config, await readAllF32(file), file.metadata, 'F32');
    decoder.setModel(target.model);
    return new GpuTrainer(gpu, target, options);
  }
  const start = given ?? freshAdapter(config, adapter, deriveSeed(seed, 'adapter'), hash);
  const target = adapterTarget(gpu, model, fitAdapter(start, config, hash ?? undefined));
  decoder.setAdapter(target.adapter);
  return new GpuTrainer(gpu, target, options);
}
