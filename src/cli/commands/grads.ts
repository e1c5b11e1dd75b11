// `atlas grads`: loss and gradients of a batch, of an adapter or of all weights.
import { writeFile } from 'node:fs/promises';
import type { Adapter } from '../../adapter/adapter.ts';
import { peftName } from '../../adapter/names.ts';
import { type NamedTensor, writeSafetensors } from '../../adapter/safetensors.ts';
import { defined } from '../../base/assert.ts';
import { InputError } from '../../base/errors.ts';
import { loadModel, readAllF32 } from '../../engine/load-model.ts';
import { assertIds, modelBytes } from '../../engine/model.ts';
import type { Gpu } from '../../gpu/device.ts';
import { adapterTarget, fullTarget, gradientTensors } from '../../train/targets.ts';
import { GpuTrainer, type TrainTarget } from '../../train/trainer.ts';
import { type Batch, batchSchema } from '../../trajectory/batch.ts';
import { experimentSchema } from '../../trajectory/experiment.ts';
import { openAdapter } from '../adapters.ts';
import { Flags } from '../flags.ts';
import { readJsonFile } from '../json-file.ts';
import { type OpenedModel, openModel } from '../models.ts';
import { DEVICE_FLAGS, openNodeGpu } from '../node-gpu.ts';
import { printJson } from '../output.ts';

async function targetOf(
  gpu: Gpu,
  opened: OpenedModel,
  adapter: Adapter | null,
): Promise<TrainTarget> {
  const { file, config, hash } = opened;
  if (adapter !== null) {
    return adapterTarget(gpu, await loadModel(gpu, file, hash), adapter);
  }
  return fullTarget(gpu, config, await readAllF32(file), file.metadata, 'F32');
}

/** What can be refused before a device is opened. @throws {InputError} */
function check({ file, config, name }: OpenedModel, batch: Batch, full: boolean): void {
  batch.sequences.forEach(({ ids }, i) => {
    assertIds(ids, config, `grads: batch.sequences.${i}`);
  });
  const other = file.tensors.find(({ type }) => type !== 'F32');
  if (!full || other === undefined) return;
  throw new InputError(
    'full-gradients',
    `grads: ${name}: ${other.name} is ${other.type}; gradients of all weights need an F32 model, or give --adapter`,
  );
}

export async function grads(argv: readonly string[]): Promise<void> {
  const options = { adapter: 'string', batch: 'string', out: 'string', ...DEVICE_FLAGS } as const;
  const flags = new Flags('grads', argv, options);
  const opened = await openModel(flags.positional(0, 'model'));
  const batch = await readJsonFile(flags.required('batch'), batchSchema);
  const folder = flags.text('adapter');
  check(opened, batch, folder === undefined);
  const adapter = folder === undefined ? null : await openAdapter(folder, opened);
  const gpu = await openNodeGpu(flags);
  const target = await targetOf(gpu, opened, adapter);
  const optimiser = experimentSchema.shape.optimiser.parse({ learningRate: 1e-3 });
  const trainer = new GpuTrainer(gpu, target, { optimiser, everyToken: true });
  // The first call of each makes its pipelines; later ones are timed.
  await trainer.policyLogprobs(batch.sequences);
  const { loss, tokenLogprobs } = await trainer.accumulate(batch);
  const gradNorm = await trainer.parameters.gradNorm();
  const tensors = await gradientTensors(target);
  const forwardMs = await fastestMs(() => trainer.policyLogprobs(batch.sequences));
  const bothMs = await fastestMs(() => trainer.accumulate(batch));
  const backwardMs = Math.max(0, bothMs - forwardMs);
  const out = flags.text('out');
  if (out !== undefined) await writeFile(out, writeSafetensors(tensors.map(named)));
  printJson({
    loss,
    tokenLogprobs,
    gradNorm,
    timing: { forwardMs, backwardMs },
    memory: {
      peakBytes: gpu.peakBytes,
      plan: {
        weights: target.adapter === null ? 0 : modelBytes(target.model),
        parameters: trainer.parameterBytes,
        workspace: trainer.workspaceBytes,
      },
    },
  });
  gpu.destroy();
}

/** Short work is timed up to this often, as long as it takes less than this together. */
const REPEATS = 5;
const REPEAT_MS = 1000;

/** The least time that some work took: other processes only ever add to it. */
async function fastestMs(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  let fastest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < REPEATS && (i === 0 || performance.now() - began < REPEAT_MS); i++) {
    const started = performance.now();
    await work();
    fastest = Math.min(fastest, performance.now() - started);
  }
  return fastest;
}

/** Adapter matrices under their PEFT names, weights under their GGUF names. */
function named(tensor: NamedTensor & { stem: string; matrix: 'A' | 'B' | null }): NamedTensor {
  const { stem, matrix, shape, values } = tensor;
  const name = matrix === null ? stem : defined(peftName(stem, matrix), `PEFT name of ${stem}`);
  return { name, shape, values };
}
