// The matrix kernels at the size of nano's widest projection and a row of 512 tokens.
import type { Gpu } from '../../gpu/device.ts';
import type { KernelPass } from '../../gpu/pass.ts';
import {
  encodeLinear,
  encodeLinearInputGrad,
  encodeLinearWeightGrad,
} from '../../kernels/linear.ts';
import { f32Matrix } from '../../kernels/weight-matrix.ts';
import { alone, type Bench, type Measured, median, timeMs } from './bench.ts';

const [M, N, K] = [512, 384, 128];
const ROUNDS = 7;
/** Dispatches of one timed submit: the way to the device and back is shared by them. */
const REPEATS = 16;

async function measure(gpu: Gpu): Promise<Measured[]> {
  const x = gpu.tensor('bench.x', [M, K]);
  const y = gpu.tensor('bench.y', [M, N]);
  const weights = gpu.tensor('bench.w', [N, K]);
  const w = f32Matrix(weights);
  const dx = gpu.tensor('bench.dx', [M, K]);
  const dw = gpu.tensor('bench.dw', [N, K]);
  const kernels: readonly [string, (pass: KernelPass) => void][] = [
    ['linear', (pass) => encodeLinear(pass, { x, w, y })],
    ['linear-input-grad', (pass) => encodeLinearInputGrad(pass, { dy: y, w, dx })],
    ['linear-weight-grad', (pass) => encodeLinearWeightGrad(pass, { dy: y, x, dw })],
  ];
  const rows: Measured[] = [];
  for (const [name, encode] of kernels) {
    const pass = gpu.pass();
    for (let i = 0; i < REPEATS; i++) encode(pass);
    const times: number[] = [];
    for (let i = -1; i < ROUNDS; i++) {
      const ms = await timeMs(async () => {
        gpu.submit(pass);
        await gpu.idle();
      });
      if (i >= 0) times.push(ms);
    }
    rows.push(alone(name, (2 * M * N * K * REPEATS) / (median(times) * 1e6), 'GFLOP/s'));
  }
  gpu.free(x, y, weights, dx, dw);
  return rows;
}

export const linear: Bench = { name: 'linear', measure };
