// The golden cases: losses, log-probabilities, gradients and ten AdamW steps against a float64 reference.
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { readAdapter } from '../../src/adapter/adapter.ts';
import { parsePeftName } from '../../src/adapter/names.ts';
import { readSafetensors } from '../../src/adapter/safetensors.ts';
import { loadModel, readAllF32 } from '../../src/engine/load-model.ts';
import type { KernelFamily } from '../../src/gpu/caps.ts';
import { adapterTarget, fullTarget, gradientTensors } from '../../src/train/targets.ts';
import { GpuTrainer } from '../../src/train/trainer.ts';
import { batchSchema } from '../../src/trajectory/batch.ts';
import { bytesSource } from '../../src/weights/byte-source.ts';
import { readGguf } from '../../src/weights/gguf.ts';
import { modelConfig } from '../../src/weights/model-config.ts';
import { GOLDEN_CASES, GOLDEN_MODELS } from '../support/golden-engine.ts';
import { FAMILIES, testGpuOf } from '../support/gpu.ts';

const at = (name: string) => new URL(`./data/${name}`, import.meta.url);
const bytesOf = async (name: string) => new Uint8Array(await readFile(at(name)));
const jsonOf = async (name: string) => JSON.parse(await readFile(at(name), 'utf8'));

const OPTIMISER = {
  learningRate: 0.003,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.01,
  clipNorm: 0,
  warmupSteps: 0,
  schedule: 'constant',
  finalShare: 0.05,
} as const;

async function adapterTrainer(model: string, family: KernelFamily) {
  const gpu = await testGpuOf(family);
  const file = await readGguf(bytesSource(await bytesOf(`${model}.gguf`), model));
  const adapter = readAdapter({
    'adapter_config.json': await bytesOf(`${model}.adapter/adapter_config.json`),
    'adapter_model.safetensors': await bytesOf(`${model}.adapter/adapter_model.safetensors`),
  });
  const target = adapterTarget(gpu, await loadModel(gpu, file, null), adapter);
  const trainer = new GpuTrainer(gpu, target, { optimiser: OPTIMISER, everyToken: true });
  return { trainer, target };
}

/** ‖got - want‖ / ‖want‖ */
function relative(got: ArrayLike<number>, want: ArrayLike<number>): number {
  let difference = 0;
  let size = 0;
  for (let i = 0; i < want.length; i++) {
    difference += ((got[i] ?? Number.NaN) - (want[i] ?? 0)) ** 2;
    size += (want[i] ?? 0) ** 2;
  }
  return Math.sqrt(difference / size);
}

const LOSSES = ['sft', 'grpo', 'grpo-kl-seqmean', 'dr-grpo'];

describe.each(GOLDEN_CASES)('$model with an adapter, $family family', ({ model, family }) => {
  // Losses use no matrix kernel, and software drivers take long over the GPU family: all of them on one model there.
  it.each(family === 'cpu' || model === 'q4_k_m' ? LOSSES : ['sft'])(
    '%s: loss, log-probabilities, gradients',
    async (name) => {
      const { trainer, target } = await adapterTrainer(model, family);
      const golden = await jsonOf(`${model}.json`);
      const want = golden.losses.find((entry: { name: string }) => entry.name === name);
      const batch = batchSchema.parse(await jsonOf(`${model}.${name}.batch.json`));
      const result = await trainer.accumulate(batch);
      expect(Math.abs(result.loss - want.loss)).toBeLessThan(1e-5 + 1e-4 * Math.abs(want.loss));
      want.token_logprobs.forEach((list: number[], i: number) => {
        list.forEach((value, t) => {
          expect(Math.abs((result.tokenLogprobs[i]?.[t] ?? Number.NaN) - value)).toBeLessThan(2e-4);
        });
      });
      const file = readSafetensors(await bytesOf(`${model}.${name}.grads.safetensors`));
      const got = new Map((await gradientTensors(target)).map((tensor) => [tensor.name, tensor]));
      expect(file.tensors.length).toBe(got.size);
      for (const { name: peft, values } of file.tensors) {
        const parsed = parsePeftName(peft);
        const own = got.get(`${parsed?.stem}.${parsed?.matrix}`);
        expect(relative(own?.values ?? [], values), peft).toBeLessThan(5e-4);
      }
      trainer.free();
    },
  );
});

// The optimiser is the same in both families, and software drivers take long over the steps of the other one.
describe.each(GOLDEN_MODELS)('%s with an adapter', (model) => {
  it('ten AdamW steps', async () => {
    const { trainer } = await adapterTrainer(model, 'cpu');
    const golden = await jsonOf(`${model}.json`);
    const batch = batchSchema.parse(await jsonOf(`${model}.sft.batch.json`));
    const { adamw_lora: want } = golden;
    for (const loss of want.losses) {
      const result = await trainer.accumulate(batch);
      expect(Math.abs(result.loss - loss) / loss).toBeLessThan(1e-3);
      await trainer.apply({ learningRate: want.lr, clipNorm: want.clip ?? 0 });
    }
    trainer.free();
  });
});

describe.each(FAMILIES)('f32, all weights, %s family', (family) => {
  async function fullTrainer() {
    const gpu = await testGpuOf(family);
    const file = await readGguf(bytesSource(await bytesOf('f32.gguf'), 'f32'));
    const target = fullTarget(gpu, modelConfig(file), await readAllF32(file), file.metadata, 'F32');
    const trainer = new GpuTrainer(gpu, target, { optimiser: OPTIMISER, everyToken: true });
    return { trainer, target };
  }

  it('loss and gradients', async () => {
    const { trainer, target } = await fullTrainer();
    const golden = await jsonOf('f32.json');
    const batch = batchSchema.parse(await jsonOf('f32.sft.batch.json'));
    const result = await trainer.accumulate(batch);
    expect(Math.abs(result.loss - golden.full.loss)).toBeLessThan(1e-5 + 1e-4 * golden.full.loss);
    const got = new Map((await gradientTensors(target)).map((tensor) => [tensor.name, tensor]));
    const file = readSafetensors(await bytesOf('f32.full-sft.grads.safetensors'));
    expect(file.tensors.length).toBe(got.size);
    for (const { name, values } of file.tensors) {
      expect(relative(got.get(name)?.values ?? [], values), name).toBeLessThan(5e-4);
    }
    trainer.free();
  });

  it('ten AdamW steps', async () => {
    const { trainer } = await fullTrainer();
    const { full } = await jsonOf('f32.json');
    const batch = batchSchema.parse(await jsonOf('f32.sft.batch.json'));
    for (const loss of full.adamw.losses) {
      const result = await trainer.accumulate(batch);
      expect(Math.abs(result.loss - loss) / loss).toBeLessThan(1e-3);
      await trainer.apply({ learningRate: full.adamw.lr, clipNorm: full.adamw.clip ?? 0 });
    }
    trainer.free();
  });
});
