// The optimiser of a training: its step, and the moments that it keeps beside the weights. Knows no model, and no parameter
// by name.
import { defined } from '../base/assert.ts';
import type { Gpu } from '../gpu/device.ts';
import type { KernelPass } from '../gpu/pass.ts';
import { type GpuTensor, sizeOf } from '../gpu/tensor.ts';
import {
  type AdamwNumbers,
  encodeAdamw,
  encodeAdamwInt8,
  int8MomentShapes,
} from '../kernels/optim.ts';
import type { MomentKind, OptimiserSettings } from '../trajectory/experiment.ts';
import type { Parameters } from './parameters.ts';

/** What a step is computed with; weight decay is that of the values that decay. */
interface OptimiserStep {
  readonly numbers: AdamwNumbers;
  /** Steps taken, with this one. */
  readonly count: number;
}

interface Moments {
  /** What a checkpoint keeps of them, by file name. */
  readonly kept: Readonly<Record<string, GpuTensor>>;
  encodeStep(pass: KernelPass, parameters: Parameters, step: OptimiserStep): void;
}

function f32Moments(gpu: Gpu, size: number): Moments {
  const m = gpu.tensor('train.moment1', [size]);
  const v = gpu.tensor('train.moment2', [size]);
  return {
    kept: { 'moment1.f32': m, 'moment2.f32': v },
    encodeStep: (pass, { flat: { w, g }, decayed }, { numbers }) => {
      const group = (from: number, to: number, weightDecay: number) => {
        if (to === from) return;
        const part = (all: GpuTensor) => ({ ...all, offset: from * 4, shape: [to - from] });
        const parts = { w: part(w), g: part(g), m: part(m), v: part(v) };
        encodeAdamw(pass, { ...parts, ...numbers, weightDecay });
      };
      group(0, decayed, numbers.weightDecay);
      group(decayed, size, 0);
    },
  };
}

function int8Moments(gpu: Gpu, size: number): Moments {
  const shapes = int8MomentShapes(size);
  const m = gpu.tensor('train.moment1', shapes.m, 'u32');
  const v = gpu.tensor('train.moment2', shapes.v, 'u32');
  const scale = gpu.tensor('train.moment-scale', shapes.scale, 'u32');
  return {
    kept: { 'moment1.int8': m, 'moment2.int8': v, 'moment-scale.u32': scale },
    encodeStep: (pass, { flat, decayed }, { numbers, count }) => {
      encodeAdamwInt8(pass, { ...flat, m, v, scale, decayed, ...numbers, seed: count });
    },
  };
}

/** Bytes of the moments of `size` values. */
export function momentBytes(kind: MomentKind, size: number): number {
  if (kind === 'f32') return 8 * size;
  const words = Object.values(int8MomentShapes(size)).map((shape) => sizeOf({ shape }));
  return 4 * words.reduce((sum, count) => sum + count, 0);
}

const MOMENTS = { f32: f32Moments, int8: int8Moments } as const;

export class Optimiser {
  /** How the moments are kept. */
  readonly moments: MomentKind;
  /** Steps taken. */
  steps = 0;
  readonly #gpu: Gpu;
  readonly #parameters: Parameters;
  readonly #settings: OptimiserSettings;
  readonly #moments: Moments;

  constructor(gpu: Gpu, parameters: Parameters, settings: OptimiserSettings) {
    this.moments = settings.moments ?? 'f32';
    this.#gpu = gpu;
    this.#parameters = parameters;
    this.#settings = settings;
    this.#moments = MOMENTS[this.moments](gpu, parameters.size);
  }

  /** One AdamW step (decoupled decay, Loshchilov & Hutter 2017, arXiv:1711.05101); the gradients are zero after it. */
  step(learningRate: number, clipScale: number): void {
    this.steps += 1;
    const { beta1, beta2, epsilon, weightDecay } = this.#settings;
    const numbers = {
      lr: learningRate,
      beta1,
      beta2,
      eps: epsilon,
      weightDecay,
      biasCorrection1: 1 - beta1 ** this.steps,
      biasCorrection2: 1 - beta2 ** this.steps,
      clipScale,
    };
    const pass = this.#gpu.pass();
    this.#moments.encodeStep(pass, this.#parameters, { numbers, count: this.steps });
    this.#gpu.submit(pass);
  }

  /** Bytes of the moments. */
  get bytes(): number {
    return Object.values(this.#moments.kept).reduce((sum, tensor) => sum + 4 * sizeOf(tensor), 0);
  }

  /** Weights and moments, by the names of their files. */
  get #kept(): Readonly<Record<string, GpuTensor>> {
    return { 'weights.f32': this.#parameters.flat.w, ...this.#moments.kept };
  }

  /** Bytes of each file of a snapshot. */
  get sizes(): Record<string, number> {
    const sizes = Object.entries(this.#kept).map(([name, tensor]) => [name, 4 * sizeOf(tensor)]);
    return Object.fromEntries(sizes);
  }

  /** Weights and moments, whole. */
  async snapshot(): Promise<Record<string, Uint8Array>> {
    const files: Record<string, Uint8Array> = {};
    for (const [name, tensor] of Object.entries(this.#kept)) {
      files[name] = new Uint8Array(await this.#gpu.readBytes(tensor, sizeOf(tensor)));
    }
    return files;
  }

  /** Takes a snapshot back. */
  restore(files: Readonly<Record<string, Uint8Array>>, steps: number): void {
    for (const [name, tensor] of Object.entries(this.#kept)) {
      const bytes = new Uint8Array(defined(files[name], `${name} of a snapshot`));
      this.#gpu.write(tensor, new Uint32Array(bytes.buffer));
    }
    this.steps = steps;
    this.#parameters.clearGradients();
  }

  free(): void {
    this.#gpu.free(...Object.values(this.#moments.kept));
  }
}
