// A training step against its own forward pass, for an adapter and for all weights.
import { Rng } from '../../base/rng.ts';
import type { Gpu } from '../../gpu/device.ts';
import { adapterTarget, freshAdapter, fullTarget } from '../../train/targets.ts';
import { GpuTrainer, type TrainTarget } from '../../train/trainer.ts';
import type { Batch } from '../../trajectory/batch.ts';
import { experimentSchema } from '../../trajectory/experiment.ts';
import { type Bench, interleaved, type Measured, timeMs } from './bench.ts';
import { benchEngine, randomModel } from './subject.ts';

const ROUNDS = 5;
const SEQUENCES = 4;
const LENGTH = 128;
const ADAPTER = { rank: 8, alpha: 16 };

/** Every token but the first of each sequence is trained. */
function batchOf(): Batch {
  const rng = new Rng(3);
  const sequences = Array.from({ length: SEQUENCES }, () => ({
    ids: Array.from({ length: LENGTH }, () => rng.int(1, 200)),
    mask: Array.from({ length: LENGTH }, (_, t) => (t === 0 ? 0 : 1)),
    advantage: 0,
  }));
  return { objective: { kind: 'sft', aggregate: 'token-mean' }, sequences };
}

async function stepAgainstForward(gpu: Gpu, name: string, target: TrainTarget): Promise<Measured> {
  const optimiser = experimentSchema.shape.optimiser.parse({ learningRate: 1e-4 });
  const trainer = new GpuTrainer(gpu, target, { optimiser, everyToken: true });
  const batch = batchOf();
  const step = () =>
    timeMs(async () => {
      await trainer.accumulate(batch);
      await trainer.apply({ learningRate: 1e-4, clipNorm: 1 });
      await gpu.idle();
    });
  const forward = () =>
    timeMs(async () => {
      await trainer.policyLogprobs(batch.sequences);
      await gpu.idle();
    });
  const { first, second, ratio } = await interleaved(ROUNDS, step, forward);
  trainer.free();
  return {
    name,
    value: first,
    unit: 'ms',
    peer: { name: 'its forward pass', value: second },
    ratio,
  };
}

async function measure(gpu: Gpu): Promise<Measured[]> {
  const { config, values, metadata } = randomModel();
  const { model, free } = await benchEngine(gpu);
  const adapter = adapterTarget(gpu, model, freshAdapter(config, ADAPTER, 1, null));
  const rows = [await stepAgainstForward(gpu, 'train-adapter', adapter)];
  free();
  const full = fullTarget(gpu, config, values, metadata, 'F32');
  rows.push(await stepAgainstForward(gpu, 'train-full', full));
  gpu.free(full.model.cosSin);
  return rows;
}

export const train: Bench = { name: 'train', measure };
