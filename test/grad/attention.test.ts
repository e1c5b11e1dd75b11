import { describe, expect, it } from 'vitest';
import { Gpu } from '../../src/gpu/device.ts';
import { encodeAttention, encodeAttentionGrad } from '../../src/kernels/attention.ts';
import { attention, attentionGrad } from '../../src/kernels/cpu/attention.ts';
import {
  type AttentionCase,
  attentionCase,
  attentionInput,
  TREE_CASES,
  uploadAttention,
} from '../support/attention-case.ts';
import { testGpu } from '../support/gpu.ts';
import { guarded, valuesOf, withSubgroups, worstError } from '../support/guarded.ts';
import { TOLERANCES } from '../support/tolerances.ts';

const H_STEP = 1e-5;
const real = await testGpu();
const plain = withSubgroups(real, Gpu, 0);

async function run(gpu: Gpu, { shape }: AttentionCase, input: ReturnType<typeof attentionInput>) {
  const { M, H, G, D } = shape;
  const outs = {
    dq: guarded(gpu, [M, H, D]),
    dk: guarded(gpu, [M, G, D]),
    dv: guarded(gpu, [M, G, D]),
  };
  const common = {
    ...uploadAttention(gpu, shape, input),
    o: gpu.tensor('o', [M, H, D]),
    lse: gpu.tensor('lse', [M, H]),
  };
  const pass = gpu.pass();
  encodeAttention(pass, common);
  encodeAttentionGrad(pass, {
    ...common,
    dO: gpu.upload('dO', [M, H, D], input.dO),
    row: gpu.tensor('row', [M, H, 2]),
    dq: outs.dq.view,
    dk: outs.dk.view,
    dv: outs.dv.view,
  });
  gpu.submit(pass);
  return {
    dq: await valuesOf(gpu, outs.dq),
    dk: await valuesOf(gpu, outs.dk),
    dv: await valuesOf(gpu, outs.dv),
  };
}

async function compare(gpu: Gpu, given: AttentionCase): Promise<void> {
  const input = attentionInput(given);
  const got = await run(gpu, given, input);
  const want = attentionGrad(input, input.dO, given.shape);
  for (const name of ['dq', 'dk', 'dv'] as const) {
    expect(worstError(got[name], want[name]), name).toBeLessThan(TOLERANCES.attentionGrad);
  }
}

describe('twin of the gradient of attention', () => {
  it.each([attentionCase([5, 1, 4], [4, 2, 4]), ...TREE_CASES.slice(0, 1)])(
    'of $name is the slope of the weighted output',
    (given) => {
      const { q, k, v, dO, tree } = attentionInput(given);
      const inputs = {
        q: Float64Array.from(q),
        k: Float64Array.from(k),
        v: Float64Array.from(v),
      };
      const loss = (at: typeof inputs) =>
        attention({ ...at, tree }, given.shape).o.reduce((sum, o, i) => sum + o * (dO[i] ?? 0), 0);
      const grads = attentionGrad({ ...inputs, tree }, dO, given.shape);
      for (const [name, grad] of [
        ['q', grads.dq],
        ['k', grads.dk],
        ['v', grads.dv],
      ] as const) {
        const slopes = inputs[name].map((value, i) => {
          const at = (x: number) => loss({ ...inputs, [name]: inputs[name].with(i, x) });
          return (at(value + H_STEP) - at(value - H_STEP)) / (2 * H_STEP);
        });
        expect(worstError(grad, slopes), name).toBeLessThan(TOLERANCES.differences);
      }
    },
  );
});

describe('gradient of attention with the subgroups of the device', () => {
  it.each([
    attentionCase([1], [1, 1, 4]),
    attentionCase([7], [4, 2, 32]),
    attentionCase([3, 1, 21, 1, 1, 40], [4, 2, 32]),
    attentionCase([33, 50], [6, 2, 20]),
    attentionCase([18, 5], [14, 2, 64]),
    attentionCase([17, 4], [4, 1, 128]),
    attentionCase([100, 156], [4, 2, 32]),
    attentionCase([3, 600], [2, 1, 32]),
    ...TREE_CASES,
  ])('of $name is its twin', (given) => compare(real, given));

  it('gives a sequence the same bits alone and among others', async () => {
    const [H, G, D] = [4, 2, 32];
    const many = attentionCase([5, 37, 3, 20], [H, G, D]);
    const input = attentionInput(many);
    const all = await run(real, many, input);
    const one = attentionCase([37], [H, G, D]);
    const [from, to] = [5, 42];
    const alone = await run(real, one, {
      ...attentionInput(one),
      q: input.q.slice(from * H * D, to * H * D),
      k: input.k.slice(from * G * D, to * G * D),
      v: input.v.slice(from * G * D, to * G * D),
      dO: input.dO.slice(from * H * D, to * H * D),
    });
    expect(alone.dq).toEqual(all.dq.slice(from * H * D, to * H * D));
    expect(alone.dk).toEqual(all.dk.slice(from * G * D, to * G * D));
    expect(alone.dv).toEqual(all.dv.slice(from * G * D, to * G * D));
  });
});

it('the build for hardware, whose loops have constant bounds, is its twin', () =>
  compare(
    new Gpu(real.device, { ...real.caps, software: false }),
    attentionCase([5, 19], [2, 1, 8]),
  ));

describe('gradient of attention without subgroups', () => {
  it.each([
    attentionCase([1], [4, 2, 32]),
    attentionCase([3, 1, 21, 70, 1], [4, 2, 32]),
    ...TREE_CASES,
  ])('of $name is its twin', (given) => compare(plain, given));
});
