// A step of AdamW over a million weights: with moments of 8 bits against moments of f32.
import type { Gpu } from '../../gpu/device.ts';
import type { KernelPass } from '../../gpu/pass.ts';
import { encodeAdamw, encodeAdamwInt8, int8MomentShapes } from '../../kernels/optim.ts';
import { alone, type Bench, interleaved, type Measured, timeMs } from './bench.ts';

const SIZE = 2 ** 20;
const ROUNDS = 15;
/** Steps of one timed submit: the way to the device and back is shared by them. */
const REPEATS = 4;
const NUMBERS = {
  ...{ lr: 1e-3, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1 },
  ...{ biasCorrection1: 1, biasCorrection2: 1, clipScale: 1 },
};

async function measure(gpu: Gpu): Promise<Measured[]> {
  const flat = (name: string) => gpu.tensor(`bench.${name}`, [SIZE]);
  const [w, g, m, v] = [flat('w'), flat('g'), flat('m'), flat('v')];
  const shapes = int8MomentShapes(SIZE);
  const codes = {
    m: gpu.tensor('bench.m8', shapes.m, 'u32'),
    v: gpu.tensor('bench.v8', shapes.v, 'u32'),
    scale: gpu.tensor('bench.scale', shapes.scale, 'u32'),
  };
  const timed = (encode: (pass: KernelPass) => void) => {
    const pass = gpu.pass();
    for (let i = 0; i < REPEATS; i++) encode(pass);
    return async () => {
      const ms = await timeMs(async () => {
        gpu.submit(pass);
        await gpu.idle();
      });
      return ms / REPEATS;
    };
  };
  const { first, second, ratio } = await interleaved(
    ROUNDS,
    timed((pass) => {
      encodeAdamwInt8(pass, { w, g, ...codes, ...NUMBERS, decayed: SIZE, seed: 1 });
    }),
    timed((pass) => encodeAdamw(pass, { w, g, m, v, ...NUMBERS })),
  );
  gpu.free(w, g, m, v, ...Object.values(codes));
  const peer = { name: 'f32', value: second };
  return [
    alone('adamw', second, 'ms/million'),
    { name: 'adamw-int8', value: first, unit: 'ms/million', peer, ratio },
  ];
}

export const optimiser: Bench = { name: 'optimiser', measure };
