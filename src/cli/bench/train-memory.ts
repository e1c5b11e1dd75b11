// What a training takes of the device's memory, every buffer of it made, against what was planned.
import type { Gpu } from '../../gpu/device.ts';
import { planTraining } from '../../train/plan-training.ts';
import { startTrainer } from '../../train/start-trainer.ts';
import { experimentSchema } from '../../trajectory/experiment.ts';
import type { Bench, Measured } from './bench.ts';
import { benchEngine } from './subject.ts';

/** As the table of a 4B step: rank 16 on all projections, one packed row of 2,048 tokens. */
const ADAPTER = { rank: 16, alpha: 16 };
const TOKENS = 2048;
const GB = 1e9;

async function measure(gpu: Gpu, path: string | null): Promise<Measured[]> {
  const before = gpu.liveBytes;
  const { file, model, decoder, free } = await benchEngine(gpu, path);
  const { limits, optimiser } = experimentSchema.shape;
  const rows: Measured[] = [];
  for (const checkpoints of ['f32', 'f16'] as const) {
    const settings = {
      adapter: ADAPTER,
      memory: { tokens: TOKENS, checkpoints },
      limits: limits.parse(undefined),
      optimiser: optimiser.parse({ learningRate: 1e-4 }),
    };
    const trainer = await startTrainer(
      { gpu, file, model, decoder },
      { ...settings, seed: 1, given: null },
    );
    trainer.reserve();
    const made = (gpu.liveBytes - before) / GB;
    const planned = planTraining(settings, file, model.config).total / GB;
    const peer = { name: 'its plan', value: planned };
    rows.push({
      name: `train-memory-${checkpoints}`,
      value: made,
      unit: 'GB',
      peer,
      ratio: made / planned,
    });
    decoder.setAdapter(null);
    trainer.free();
  }
  free();
  return rows;
}

export const trainMemory: Bench = { name: 'train-memory', measure };
