// Work cut for slow devices: as many submits and dispatches as it takes, with the bits of one.
import { describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import type { KernelFamily } from '../../src/gpu/caps.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { DeviceSpeed, DISPATCH_MS, SUBMIT_MS } from '../../src/gpu/device-speed.ts';
import type { KernelPass } from '../../src/gpu/pass.ts';
import { encodeLinear, encodeLinearInputGrad } from '../../src/kernels/linear.ts';
import { encodeMatvec } from '../../src/kernels/matvec.ts';
import { encodeAxpy } from '../../src/kernels/optim.ts';
import { adapterTarget, freshAdapter } from '../../src/train/targets.ts';
import { GpuTrainer } from '../../src/train/trainer.ts';
import type { Batch } from '../../src/trajectory/batch.ts';
import { experimentSchema } from '../../src/trajectory/experiment.ts';
import type { GenerateRequest } from '../../src/trajectory/interfaces.ts';
import { FixedSpeed } from '../support/fixed-speed.ts';
import { goldenEngine } from '../support/golden-engine.ts';
import { FAMILIES, testGpu } from '../support/gpu.ts';
import { guarded, normals, valuesOf } from '../support/guarded.ts';
import { weightsOf } from '../support/matrix-case.ts';

const SEED = 53;

/** The file's device, as if it were a GPU that did so many units of work a millisecond. */
async function gpuOf(perMs: number, family: KernelFamily = 'cpu'): Promise<Gpu> {
  const { device, caps } = await testGpu();
  return new Gpu(device, { ...caps, family, software: false }, new FixedSpeed(perMs));
}

const FAST = 1e12;
/** Every dispatch is a submit of its own, and as small as it can be. */
const SLOW = 1e-3;

describe('a plan', () => {
  it.each([
    // Ten dispatches of 16 x 1000 units. Of 3.5 of them three fit: 3 + 3 + 3 + 1.
    { fits: 3.5, submits: 4 },
    { fits: 1, submits: 10 },
    { fits: 0.2, submits: 10 },
    { fits: 9.99, submits: 2 },
    { fits: 10, submits: 1 },
    { fits: 1e6, submits: 1 },
  ])('is sent in $submits submits where $fits of its dispatches fit', async ({ fits, submits }) => {
    const gpu = await gpuOf((fits * 16_000) / SUBMIT_MS);
    const x = gpu.upload('x', [1000], new Float32Array(1000).fill(1));
    const y = gpu.tensor('y', [1000]);
    const pass = gpu.pass();
    for (let i = 0; i < 10; i++) encodeAxpy(pass, { a: i, x, y });
    gpu.submit(pass);
    expect(gpu.submits).toBe(submits);
    // 0 + 1 + .. + 9
    expect(new Set(await gpu.readF32(y))).toEqual(new Set([45]));
  });

  it('keeps the size of a dispatch until the speed is another', async () => {
    const { device, caps } = await testGpu();
    let perMs = 1000;
    const speed = new (class extends DeviceSpeed {
      override workIn = (ms: number) => ms * perMs;
    })();
    const gpu = new Gpu(device, { ...caps, software: false }, speed);
    const at = (value: number): number => {
      perMs = value;
      return gpu.dispatchWork;
    };
    // 50 ms of 1000 are 50,000 units, and 4^7 = 16,384 the power of four below.
    expect([at(1000), at(400), at(5000), at(1000)]).toEqual([16384, 16384, 16384, 16384]);
    expect([at(300), at(1000), at(6000)]).toEqual([4096, 4096, 262144]);
  });

  it('tells the speed what it did', async () => {
    const { device, caps } = await testGpu();
    const gpu = new Gpu(device, caps);
    const before = gpu.speed.workIn(1);
    const [x, y] = [gpu.tensor('x', [2 ** 22]), gpu.tensor('y', [2 ** 22])];
    for (let i = 0; i < 3; i++) {
      const pass = gpu.pass();
      for (let j = 0; j < 8; j++) encodeAxpy(pass, { a: 1, x, y });
      gpu.submit(pass);
      await gpu.idle();
    }
    expect(gpu.speed.workIn(1)).not.toBe(before);
  });
});

describe.each(FAMILIES)('products, %s family', (family) => {
  it.each(['F32', 'Q8_0', 'Q4_K'] as const)(
    '%s in pieces have the bits of whole ones',
    async (format) => {
      const [N, K] = [700, 256];
      const run = async (perMs: number) => {
        const gpu = await gpuOf(perMs, family);
        const { w } = weightsOf(gpu, format, [N, K]);
        const counts: number[] = [];
        const outputs: Float32Array[] = [];
        const play = async (
          shape: [number, number],
          encode: (pass: KernelPass, y: typeof w0) => void,
        ) => {
          const y = guarded(gpu, shape, normals(4, shape[0] * shape[1]));
          const pass = gpu.pass();
          encode(pass, y.view);
          gpu.submit(pass);
          counts.push(pass.entries.length);
          outputs.push(await valuesOf(gpu, y));
        };
        const w0 = gpu.upload('x', [150, K], normals(1, 150 * K));
        const few = { ...w0, shape: [3, K] };
        const dy = gpu.upload('dy', [150, N], normals(2, 150 * N));
        const bias = gpu.upload('bias', [N], normals(3, N));
        await play([150, N], (pass, y) => encodeLinear(pass, { x: w0, w, y, bias }));
        await play([3, N], (pass, y) => encodeMatvec(pass, { x: few, w, y, accumulate: true }));
        await play([150, K], (pass, dx) => encodeLinearInputGrad(pass, { dy, w, dx }));
        return { counts, outputs };
      };
      const whole = await run(FAST);
      const cut = await run(SLOW);
      expect(whole.counts).toEqual([1, 1, 1]);
      // 700 rows of weights in pieces of 256, 150 rows of dy in pieces of 64.
      expect(cut.counts).toEqual([3, 3, 3]);
      expect(cut.outputs).toEqual(whole.outputs);
      // 150 rows: 2 x 150 + 16 operations a weight. What fits 2048 rows of weights is cut at a power of four of at most that,
      // so at 512 or more: one piece, or one of 512 and the rest.
      const some = await run((2048 * K * (2 * 150 + 16)) / DISPATCH_MS);
      expect(some.counts[0]).toBeLessThanOrEqual(2);
      expect(some.outputs).toEqual(whole.outputs);
    },
  );
});

describe.each(FAMILIES)('a slow device, %s family', (family) => {
  const rng = new Rng(SEED);
  const list = [150, 9, 90].map((length, i): GenerateRequest => {
    const ids = Array.from({ length }, () => rng.int(0, 119));
    return { ids, sequence: `s-${i}`, maxTokens: 12, temperature: 1, seed: i };
  });

  it(`samples what a fast one does (seed ${SEED})`, async () => {
    const run = async (perMs: number) => {
      const gpu = await gpuOf(perMs, family);
      const { policy, decoder } = await goldenEngine('q8_0', { on: gpu });
      const results = await Promise.all(list.map((request) => policy.generate(request)));
      return { gpu, results, rows: decoder.promptRows, dispatches: decoder.lastDispatches };
    };
    const [fast, slow] = [await run(FAST), await run(SLOW)];
    expect([fast.rows, slow.rows]).toEqual([256, 64]);
    expect(slow.results).toEqual(fast.results);
    expect(slow.gpu.submits).toBeGreaterThan(fast.gpu.submits * 10);
  });

  it(`trains as a fast one does (seed ${SEED})`, async () => {
    const batch: Batch = {
      objective: { kind: 'sft', aggregate: 'token-mean' },
      sequences: list.map(({ ids }) => ({
        ids: [...ids],
        mask: ids.map((_, t): 0 | 1 => (t === 0 ? 0 : 1)),
        advantage: 1,
      })),
    };
    const run = async (perMs: number) => {
      const gpu = await gpuOf(perMs, family);
      const { model } = await goldenEngine('q8_0', { on: gpu });
      const start = freshAdapter(model.config, { rank: 4, alpha: 8 }, 7, null);
      const optimiser = experimentSchema.shape.optimiser.parse({ learningRate: 0.1 });
      const trainer = new GpuTrainer(gpu, adapterTarget(gpu, model, start), { optimiser });
      const before = gpu.submits;
      const loss = await trainer.accumulate(batch);
      const submits = gpu.submits - before;
      const { gradNorm } = await trainer.apply({ learningRate: 0.1, clipNorm: 1 });
      return { submits, got: { loss, gradNorm, after: await trainer.accumulate(batch) } };
    };
    const [fast, slow] = [await run(FAST), await run(SLOW)];
    expect(fast.submits).toBe(1);
    expect(slow.submits).toBeGreaterThan(40);
    expect(slow.got).toEqual(fast.got);
  });
});
