// A training step against its own forward pass, for an adapter and for all weights; a group whose prompt is computed once
// against its sequences one by one; a step that computes layers again against one that keeps them.
import { defined } from '../../base/assert.ts';
import { Rng } from '../../base/rng.ts';
import type { Gpu } from '../../gpu/device.ts';
import { adapterTarget, freshAdapter, fullTarget } from '../../train/targets.ts';
import { GpuTrainer, type TrainerOptions, type TrainTarget } from '../../train/trainer.ts';
import type { Batch } from '../../trajectory/batch.ts';
import { experimentSchema } from '../../trajectory/experiment.ts';
import { type Bench, interleaved, type Measured, timeMs } from './bench.ts';
import { groupBatch } from './group-batch.ts';
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

/** How much longer the gradients of a batch take with `options` than without. */
async function stepAgainstOther(
  gpu: Gpu,
  { name, peer, batch, options }: StepChange,
  target: TrainTarget,
): Promise<Measured> {
  const optimiser = experimentSchema.shape.optimiser.parse({ learningRate: 1e-4 });
  const trainers = [options, {}].map(
    (more) => new GpuTrainer(gpu, target, { optimiser, checkpoints: 'all', ...more }),
  );
  const [other, own] = trainers.map(
    (trainer) => () =>
      timeMs(async () => {
        await trainer.accumulate(batch);
      }),
  );
  const { second, ...rest } = await interleaved(
    ROUNDS,
    defined(other, 'other'),
    defined(own, 'own'),
  );
  for (const trainer of trainers) trainer.freeWorkspace();
  return {
    name,
    value: second,
    unit: 'ms',
    peer: { name: peer, value: rest.first },
    ratio: rest.ratio,
  };
}

interface StepChange {
  readonly name: string;
  readonly peer: string;
  readonly batch: Batch;
  readonly options: Partial<TrainerOptions>;
}

async function measure(gpu: Gpu): Promise<Measured[]> {
  const { config, values, metadata } = randomModel();
  const { model, free } = await benchEngine(gpu);
  const adapter = adapterTarget(gpu, model, freshAdapter(config, ADAPTER, 1, null));
  const apart = {
    name: 'train-prefix',
    peer: 'each sequence by itself',
    options: { share: false },
  };
  const again = {
    name: 'train-keep',
    peer: 'layers again',
    options: { checkpoints: 'f32' },
  } as const;
  const rows = [
    await stepAgainstOther(gpu, { ...apart, batch: groupBatch() }, adapter),
    await stepAgainstOther(gpu, { ...again, batch: batchOf() }, adapter),
    await stepAgainstForward(gpu, 'train-adapter', adapter),
  ];
  free();
  const full = fullTarget(gpu, config, values, metadata, 'F32');
  rows.push(await stepAgainstForward(gpu, 'train-full', full));
  gpu.free(full.model.cosSin);
  return rows;
}

export const train: Bench = { name: 'train', measure };
