// The weights under training and their gradients: two flat buffers, so that an optimiser step is one dispatch for each
// group. Knows no model; tensors are views by name.
import { defined } from '../base/assert.ts';
import type { Gpu } from '../gpu/device.ts';
import { type GpuTensor, sizeOf } from '../gpu/tensor.ts';
import { sumSquares } from '../kernels/cpu/optim.ts';
import { encodeSumSquares, SUM_SQUARES_LANES } from '../kernels/optim.ts';

export interface ParameterInit {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
  /** Weight decay applies (matrices, not norms). */
  readonly decay: boolean;
}

/** Views start on 256-byte boundaries. */
const ALIGN = 64;

/** Values of flat buffers that hold tensors of some shapes, with what lies between them. */
export function flatLength(shapes: readonly (readonly number[])[]): number {
  return shapes.reduce((sum, shape) => sum + alignedSize(shape), 0);
}

function alignedSize(shape: readonly number[]): number {
  return Math.ceil(sizeOf({ shape }) / ALIGN) * ALIGN;
}

export class Parameters {
  readonly names: readonly string[];
  readonly #gpu: Gpu;
  readonly #offsets = new Map<string, { offset: number; shape: readonly number[] }>();
  /** All weights and all gradients, one after the other. */
  readonly flat: Readonly<Record<'w' | 'g', GpuTensor>>;
  /** Weight decay applies to so many first values. */
  readonly decayed: number;
  /** Number of values with padding. */
  readonly size: number;
  readonly #partial: GpuTensor;
  readonly #norm: GpuTensor;

  constructor(gpu: Gpu, inits: readonly ParameterInit[]) {
    this.#gpu = gpu;
    const ordered = [...inits.filter((p) => p.decay), ...inits.filter((p) => !p.decay)];
    let at = 0;
    let decayed = 0;
    for (const { name, shape, decay } of ordered) {
      this.#offsets.set(name, { offset: at, shape });
      at += alignedSize(shape);
      if (decay) decayed = at;
    }
    this.names = ordered.map((p) => p.name);
    this.decayed = decayed;
    this.size = at;
    this.flat = {
      w: gpu.tensor('train.weights', [at]),
      g: gpu.tensor('train.gradients', [at]),
    };
    for (const { name, values } of ordered) gpu.write(this.weight(name), Float32Array.from(values));
    this.#partial = gpu.tensor('train.partial', [SUM_SQUARES_LANES]);
    this.#norm = gpu.tensor('train.norm', [1]);
  }

  /** Bytes of weights and gradients. */
  get bytes(): number {
    return 2 * 4 * this.size;
  }

  weight(name: string): GpuTensor {
    return this.#view('w', name);
  }

  grad(name: string): GpuTensor {
    return this.#view('g', name);
  }

  has(name: string): boolean {
    return this.#offsets.has(name);
  }

  #view(kind: 'w' | 'g', name: string): GpuTensor {
    const { offset, shape } = defined(this.#offsets.get(name), `parameter ${name}`);
    return { ...this.flat[kind], label: `${name}.${kind}`, offset: offset * 4, shape };
  }

  /** Global norm of the gradients at hand. */
  async gradNorm(): Promise<number> {
    const { g } = this.flat;
    const pass = this.#gpu.pass();
    encodeSumSquares(pass, { x: g, partial: this.#partial, total: this.#norm });
    this.#gpu.submit(pass);
    const [sum = 0] = await this.#gpu.readF32(this.#norm, 1);
    if (Number.isFinite(sum)) return Math.sqrt(sum);
    // Squares of large gradients leave f32, but not double precision.
    return Math.sqrt(sumSquares(await this.#gpu.readF32(g)));
  }

  clearGradients(): void {
    const pass = this.#gpu.pass();
    pass.clear(this.flat.g);
    this.#gpu.submit(pass);
  }

  /** Values of one tensor. */
  async read(kind: 'w' | 'g', name: string): Promise<Float32Array> {
    return await this.#gpu.readF32(this.#view(kind, name));
  }

  free(): void {
    this.#gpu.free(...Object.values(this.flat), this.#partial, this.#norm);
  }
}
