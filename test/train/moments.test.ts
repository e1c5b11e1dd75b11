// Moments of 8 bits in real training: the losses of moments of f32, checkpoints with the same bits, a quarter of the bytes.
// And gradients of any size, as long as they are finite.
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { StoreError } from '../../src/base/errors.ts';
import { Rng } from '../../src/base/rng.ts';
import { loadModel, readAllF32 } from '../../src/engine/load-model.ts';
import { adapterTarget, freshAdapter, fullTarget } from '../../src/train/targets.ts';
import { GpuTrainer } from '../../src/train/trainer.ts';
import type { Batch } from '../../src/trajectory/batch.ts';
import { experimentSchema, type OptimiserSettings } from '../../src/trajectory/experiment.ts';
import { bytesSource } from '../../src/weights/byte-source.ts';
import { readGguf } from '../../src/weights/gguf.ts';
import { modelConfig } from '../../src/weights/model-config.ts';
import { goldenPath } from '../support/golden-engine.ts';
import { testGpu } from '../support/gpu.ts';

const gpu = await testGpu();
const LEARNING_RATE = 0.003;

function settings(more: Partial<OptimiserSettings>): OptimiserSettings {
  const plain = { learningRate: LEARNING_RATE, beta2: 0.99, weightDecay: 0.01 };
  return { ...experimentSchema.shape.optimiser.parse(plain), ...more };
}

/** A trainer of all weights of the golden F32 model, or of an adapter over it. */
async function trainerOf(
  more: Partial<OptimiserSettings>,
  what: 'all weights' | 'an adapter' = 'all weights',
) {
  const bytes = new Uint8Array(await readFile(goldenPath('f32.gguf')));
  const file = await readGguf(bytesSource(bytes, 'f32'));
  const config = modelConfig(file);
  const options = { optimiser: settings(more) };
  if (what === 'all weights') {
    const target = fullTarget(gpu, config, await readAllF32(file), file.metadata, 'F32');
    return new GpuTrainer(gpu, target, options);
  }
  const adapter = freshAdapter(config, { rank: 4, alpha: 8 }, 5, null);
  return new GpuTrainer(
    gpu,
    adapterTarget(gpu, await loadModel(gpu, file, null), adapter),
    options,
  );
}

/** Sequences of a step that can be learned: each token is the one before and a stride, one of three. */
function batchOf(step: number): Batch {
  const rng = new Rng(step);
  const sequences = Array.from({ length: 8 }, () => {
    const [start, stride] = [rng.int(0, 99), rng.pick([1, 7, 19])];
    const ids = Array.from({ length: 24 }, (_, t) => (start + t * stride) % 100);
    return { ids, mask: ids.map((_, t) => (t === 0 ? 0 : 1)), advantage: 0 };
  });
  return { objective: { kind: 'sft', aggregate: 'token-mean' }, sequences };
}

/** Losses of steps `from` to `to` - 1. */
async function losses(trainer: GpuTrainer, from: number, to: number): Promise<number[]> {
  const list: number[] = [];
  for (let step = from; step < to; step++) {
    list.push((await trainer.accumulate(batchOf(step))).loss);
    await trainer.apply({ learningRate: LEARNING_RATE, clipNorm: 1 });
  }
  return list;
}

const mean = (list: readonly number[]) => list.reduce((sum, x) => sum + x, 0) / list.length;

describe.each(['all weights', 'an adapter'] as const)('moments of 8 bits, of %s', (what) => {
  it('give the losses of moments of f32, within 1 %', async () => {
    const curves: number[][] = [];
    for (const moments of ['f32', 'int8'] as const) {
      const trainer = await trainerOf({ moments }, what);
      curves.push(await losses(trainer, 0, 40));
      trainer.free();
    }
    const [f32 = [], int8 = []] = curves;
    expect(int8[0]).toBe(f32[0]);
    expect(mean(f32.slice(30))).toBeLessThan(0.8 * (f32[0] ?? 0));
    for (let from = 0; from < 40; from += 10) {
      const [want, got] = [f32, int8].map((list) => mean(list.slice(from, from + 10)));
      expect(Math.abs((got ?? Number.NaN) / (want ?? 0) - 1)).toBeLessThan(0.01);
    }
  });
});

type Files = Record<string, Uint8Array>;

function expectSameFiles(got: Files, want: Files): void {
  expect(Object.keys(got)).toEqual(Object.keys(want));
  for (const [name, bytes] of Object.entries(want)) {
    expect(Buffer.from(got[name] ?? []).equals(bytes), name).toBe(true);
  }
}

describe('a checkpoint', () => {
  it.each(['f32', 'int8'] as const)(
    'with moments of %s goes on to the same bits',
    async (moments) => {
      const whole = await trainerOf({ moments });
      await losses(whole, 0, 3);
      const files = await whole.checkpoint();
      const want = await losses(whole, 3, 6);
      const resumed = await trainerOf({ moments });
      await resumed.restore(files);
      expect(resumed.steps).toBe(3);
      expectSameFiles(await resumed.checkpoint(), files);
      expect(await losses(resumed, 3, 6)).toEqual(want);
      expectSameFiles(await resumed.checkpoint(), await whole.checkpoint());
      for (const trainer of [whole, resumed]) trainer.free();
    },
  );

  it('of moments of another kind is refused', async () => {
    const [f32, int8] = [await trainerOf({}), await trainerOf({ moments: 'int8' })];
    const refused = (trainer: GpuTrainer, files: Files) =>
      expect(trainer.restore(files)).rejects.toThrow(StoreError);
    await refused(f32, await int8.checkpoint());
    await expect(int8.restore(await f32.checkpoint())).rejects.toThrow(
      'checkpoint/optimiser.json: moments: got f32, need int8; set optimiser.moments as it was',
    );
    const files = await int8.checkpoint();
    await refused(int8, { ...files, 'moment-scale.u32': new Uint8Array(8) });
    const step = new TextEncoder().encode('{"v":1,"steps":2,"moments":"int4"}');
    await refused(int8, { ...files, 'optimiser.json': step });
    for (const trainer of [f32, int8]) trainer.free();
  });

  it('of a version before there were kinds has moments of f32', async () => {
    const trainer = await trainerOf({});
    const files = await trainer.checkpoint();
    const step = new TextEncoder().encode('{"v":1,"steps":2}');
    await trainer.restore({ ...files, 'optimiser.json': step });
    expect(trainer.steps).toBe(2);
    trainer.free();
  });
});

it('moments of 8 bits take a quarter of the bytes, and a scale for 32', async () => {
  const bytes = async (moments: 'f32' | 'int8') => {
    const trainer = await trainerOf({ moments });
    const { parameterBytes, parameters } = trainer;
    trainer.free();
    return { each: parameterBytes / parameters.size, size: parameters.size };
  };
  // Weight and gradient 4 + 4; moments 4 + 4 or 1 + 1 + 4 / 32.
  expect((await bytes('f32')).each).toBe(16);
  expect((await bytes('int8')).each).toBe(10.125);
});

describe.each(['f32', 'int8'] as const)('with moments of %s', (moments) => {
  it('gradients whose squares leave f32 are clipped like others', async () => {
    const values: Record<string, Float32Array> = {};
    for (const scale of [1, 1e25]) {
      const trainer = await trainerOf({ moments });
      await trainer.accumulate(batchOf(0), scale);
      const { gradNorm } = await trainer.apply({ learningRate: LEARNING_RATE, clipNorm: 0.01 });
      expect(gradNorm / scale).toBeGreaterThan(0.02);
      expect(gradNorm / scale).toBeLessThan(100);
      values[scale] = await trainer.parameters.read('w', 'blk.0.ffn_up.weight');
      trainer.free();
    }
    const [plain = new Float32Array(), huge = new Float32Array()] = Object.values(values);
    const off = plain.map((value, i) => Math.abs((huge[i] ?? Number.NaN) - value));
    // The first step moves each weight by the learning rate; the clipped gradients are the same but for rounding.
    expect(Math.max(...off)).toBeLessThan(0.02 * LEARNING_RATE);
  });

  it.each([
    { name: 'without a learning rate', learningRate: 0, clipNorm: 1, scale: 1 },
    { name: 'clipped to a tiny norm', learningRate: 0.003, clipNorm: 1e-30, scale: 1 },
    { name: 'of huge gradients, not clipped', learningRate: 0.003, clipNorm: 0, scale: 1e25 },
    { name: 'of tiny gradients', learningRate: 0.003, clipNorm: 1, scale: 1e-25 },
  ])('steps $name leave finite weights', async ({ learningRate, clipNorm, scale }) => {
    const trainer = await trainerOf({ moments });
    const before = await trainer.checkpoint();
    for (let step = 0; step < 3; step++) {
      await trainer.accumulate(batchOf(step), scale);
      const { gradNorm } = await trainer.apply({ learningRate, clipNorm });
      expect(Number.isFinite(gradNorm)).toBe(true);
    }
    const after = await trainer.checkpoint();
    const [w, start] = [after, before].map((files) => Buffer.from(files['weights.f32'] ?? []));
    const values = new Float32Array(Uint8Array.from(w ?? []).buffer);
    expect(values.length).toBe(trainer.parameters.size);
    expect(values.every(Number.isFinite)).toBe(true);
    // All else moves by its decay at the least.
    expect(start?.equals(w ?? Buffer.alloc(0))).toBe(learningRate === 0);
    trainer.free();
  });
});
