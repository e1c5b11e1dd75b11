// Matrix products at the sizes that other engines are timed at. Every timed product is also checked against float64.
import { assert, defined } from '../../base/assert.ts';
import { Rng } from '../../base/rng.ts';
import { Gpu } from '../../gpu/device.ts';
import { encodeLinear } from '../../kernels/linear.ts';
import { encodeMatvec } from '../../kernels/matvec.ts';
import { encodeQuantizeRows, type QuantizedRows } from '../../kernels/quantize-rows.ts';
import { tensorsOf, uploadMatrix, type WeightMatrix } from '../../kernels/weight-matrix.ts';
import { f32ToF16 } from '../../weights/half.ts';
import { dequantize, f32Bytes } from '../../weights/quant.ts';
import { alone, type Bench, interleaved, type Measured, settled, timeMs } from './bench.ts';

/** y = x wᵀ for x (M, K), w (N, K), as often as a timed submit has it. */
interface Product {
  readonly name: string;
  readonly format: 'Q4_0' | 'F32';
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly repeats: number;
  /** Rows of x are rounded to 8 bits in each product. */
  readonly int8?: boolean;
}

const MATVEC_Q4: Product = {
  ...{ name: 'matvec-q4', format: 'Q4_0' },
  ...{ M: 1, N: 9728, K: 2560, repeats: 8 },
};
const MATVEC_Q4_INT8: Product = { ...MATVEC_Q4, name: 'matvec-q4-int8', int8: true };
const GEMM_Q4: Product = {
  ...{ name: 'gemm-q4', format: 'Q4_0' },
  ...{ M: 64, N: 2560, K: 2560, repeats: 1 },
};
const GEMM_F32: Product = {
  ...{ name: 'gemm-f32', format: 'F32' },
  ...{ M: 512, N: 512, K: 512, repeats: 4 },
};
const FAMILY_ROUNDS = 5;

/** Outputs that are checked, and their error relative to the sum of the sizes of what is added. */
const CHECKED = 32;
const BOUND = 1e-5;
/** Of 8 bits: half a step of a block's largest value, of which a sum keeps a part. */
const INT8_BOUND = 2e-3;

/** Bytes of Q4_0 blocks with values of variance 1 / K. */
function randomQ4(rng: Rng, count: number, K: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array((count / 32) * 18);
  const view = new DataView(bytes.buffer);
  // Half bytes less 8 have the deviation 4.6.
  const scale = 1 / (4.6 * Math.sqrt(K));
  for (let at = 0; at < bytes.length; at += 18) {
    view.setUint16(at, f32ToF16(scale * (0.5 + rng.next())), true);
    for (let word = 2; word < 18; word += 4) {
      view.setUint16(at + word, rng.nextU32() & 0xffff, true);
      view.setUint16(at + word + 2, rng.nextU32() & 0xffff, true);
    }
  }
  return bytes;
}

function uniform(rng: Rng, length: number, deviation: number): Float32Array<ArrayBuffer> {
  const width = deviation * Math.sqrt(12);
  return Float32Array.from({ length }, () => (rng.next() - 0.5) * width);
}

/** A product on a device, with what is needed to time and check it. */
class TimedProduct {
  readonly #gpu: Gpu;
  readonly #product: Product;
  readonly #x: Float32Array<ArrayBuffer>;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #w: WeightMatrix;
  readonly #tensors;
  readonly #x8: QuantizedRows | null;
  readonly #poison: Float32Array<ArrayBuffer>;

  constructor(gpu: Gpu, product: Product) {
    const { name, format, M, N, K } = product;
    const rng = new Rng(11);
    this.#gpu = gpu;
    this.#product = product;
    this.#x = uniform(rng, M * K, 1);
    this.#bytes =
      format === 'F32' ? f32Bytes(uniform(rng, N * K, 1 / Math.sqrt(K))) : randomQ4(rng, N * K, K);
    this.#w = uploadMatrix(gpu, name, format, [N, K], this.#bytes);
    this.#tensors = { x: gpu.upload('bench.x', [M, K], this.#x), y: gpu.tensor('bench.y', [M, N]) };
    this.#x8 =
      product.int8 === true
        ? {
            q: gpu.tensor('bench.x8', [M, K / 4], 'u32'),
            scale: gpu.tensor('bench.x8Scale', [M, K / 32, 4]),
          }
        : null;
    this.#poison = new Float32Array(M * N).fill(Number.NaN);
  }

  /** GFLOP/s of one submit, on a device that shares the tensors. */
  async rate(gpu: Gpu): Promise<number> {
    const { M, N, K, repeats } = this.#product;
    gpu.write(this.#tensors.y, this.#poison);
    await gpu.idle();
    const pass = gpu.pass();
    for (let i = 0; i < repeats; i++) {
      const args = { ...this.#tensors, x8: this.#x8, w: this.#w };
      if (this.#x8 !== null) encodeQuantizeRows(pass, { x: args.x, gains: null, to: this.#x8 });
      if (M === 1) encodeMatvec(pass, args);
      else encodeLinear(pass, { ...this.#tensors, w: this.#w });
    }
    const ms = await timeMs(async () => {
      gpu.submit(pass);
      await gpu.idle();
    });
    return (2 * M * N * K * repeats) / (ms * 1e6);
  }

  /** Compares the last product with float64. */
  async check(): Promise<void> {
    const { name, format, M, N, K } = this.#product;
    const rng = new Rng(12);
    const y = await this.#gpu.readF32(this.#tensors.y);
    assert(y.every(Number.isFinite), `${name}: outputs were not written`);
    const rowBytes = this.#bytes.length / N;
    for (let i = 0; i < CHECKED; i++) {
      const [m, n] = [rng.int(0, M - 1), rng.int(0, N - 1)];
      const row = dequantize(format, this.#bytes.slice(n * rowBytes, (n + 1) * rowBytes));
      let [sum, size] = [0, 0];
      for (let k = 0; k < K; k++) {
        const term = defined(row[k], 'weight') * defined(this.#x[m * K + k], 'value');
        sum += term;
        size += Math.abs(term);
      }
      const error = Math.abs(defined(y[m * N + n], 'output') - sum) / size;
      assert(
        error < (this.#x8 === null ? BOUND : INT8_BOUND),
        `${name}: output (${m}, ${n}) is off by ${error}`,
      );
    }
  }

  free(): void {
    const x8 = this.#x8 === null ? [] : [this.#x8.q, this.#x8.scale];
    this.#gpu.free(this.#tensors.x, this.#tensors.y, ...x8, ...tensorsOf(this.#w));
  }
}

function benchOf(product: Product): Bench {
  return {
    name: product.name,
    measure: async (gpu) => {
      const timed = new TimedProduct(gpu, product);
      const value = await settled(() => timed.rate(gpu));
      await timed.check();
      timed.free();
      return [alone(product.name, value, 'GFLOP/s')];
    },
  };
}

/** The kernel family that the device gets, and the other one, on the same device. */
async function measureFamilies(gpu: Gpu): Promise<Measured[]> {
  const family = gpu.caps.family === 'gpu' ? 'cpu' : 'gpu';
  const other = new Gpu(gpu.device, { ...gpu.caps, family });
  const rows: Measured[] = [];
  for (const product of [MATVEC_Q4, MATVEC_Q4_INT8, GEMM_Q4, GEMM_F32]) {
    const timed = new TimedProduct(gpu, product);
    const { first, second, ratio } = await interleaved(
      FAMILY_ROUNDS,
      () => timed.rate(gpu),
      () => timed.rate(other),
    );
    await timed.check();
    timed.free();
    const peer = { name: `${family} family`, value: second };
    rows.push({ name: `${product.name}-family`, value: first, unit: 'GFLOP/s', peer, ratio });
  }
  return rows;
}

export const matvecQ4 = benchOf(MATVEC_Q4);
export const matvecQ4Int8 = benchOf(MATVEC_Q4_INT8);
export const gemmQ4 = benchOf(GEMM_Q4);
export const gemmF32 = benchOf(GEMM_F32);
export const families: Bench = { name: 'families', measure: measureFamilies };
