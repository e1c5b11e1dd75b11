// The weights under training, their gradients and moments: four flat buffers, so that an optimiser step is one dispatch
// for each group. Knows no model; tensors are views by name.
import { defined } from '../base/assert.ts';
import type { Gpu } from '../gpu/device.ts';
import type { KernelPass } from '../gpu/pass.ts';
import { type GpuTensor, sizeOf } from '../gpu/tensor.ts';
import {
  type AdamwArgs,
  encodeAdamw,
  encodeSumSquares,
  SUM_SQUARES_LANES,
} from '../kernels/optim.ts';
import type { OptimiserSettings } from '../trajectory/experiment.ts';

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
  readonly #flat: Readonly<Record<'w' | 'g' | 'm' | 'v', GpuTensor>>;
  readonly #decayed: number;
  readonly #total: number;
  readonly #partial: GpuTensor;
  readonly #norm: GpuTensor;
  /** Optimiser steps taken. */
  steps = 0;

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
    this.#decayed = decayed;
    this.#total = at;
    const flat = (name: string) => gpu.tensor(`train.${name}`, [at]);
    this.#flat = {
      w: flat('weights'),
      g: flat('gradients'),
      m: flat('moment1'),
      v: flat('moment2'),
    };
    for (const { name, values } of ordered) gpu.write(this.weight(name), Float32Array.from(values));
    this.#partial = gpu.tensor('train.partial', [SUM_SQUARES_LANES]);
    this.#norm = gpu.tensor('train.norm', [1]);
  }

  /** Number of values with padding. */
  get size(): number {
    return this.#total;
  }

  /** Bytes of weights, gradients and both moments. */
  get bytes(): number {
    return 4 * 4 * this.#total;
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

  #view(kind: 'w' | 'g' | 'm' | 'v', name: string): GpuTensor {
    const { offset, shape } = defined(this.#offsets.get(name), `parameter ${name}`);
    return { ...this.#flat[kind], label: `${name}.${kind}`, offset: offset * 4, shape };
  }

  /** Global norm of the gradients at hand. */
  async gradNorm(): Promise<number> {
    const pass = this.#gpu.pass();
    encodeSumSquares(pass, { x: this.#flat.g, partial: this.#partial, total: this.#norm });
    this.#gpu.submit(pass);
    const [sum = 0] = await this.#gpu.readF32(this.#norm, 1);
    return Math.sqrt(sum);
  }

  /** One AdamW step (decoupled decay, Loshchilov & Hutter 2017, arXiv:1711.05101); the gradients are zero after it. */
  step(settings: OptimiserSettings, learningRate: number, clipScale: number): void {
    this.steps += 1;
    const pass = this.#gpu.pass();
    const numbers = {
      lr: learningRate,
      beta1: settings.beta1,
      beta2: settings.beta2,
      eps: settings.epsilon,
      biasCorrection1: 1 - settings.beta1 ** this.steps,
      biasCorrection2: 1 - settings.beta2 ** this.steps,
      clipScale,
    };
    this.#encodeGroup(pass, 0, this.#decayed, { ...numbers, weightDecay: settings.weightDecay });
    this.#encodeGroup(pass, this.#decayed, this.#total, { ...numbers, weightDecay: 0 });
    this.#gpu.submit(pass);
  }

  #encodeGroup(
    pass: KernelPass,
    from: number,
    to: number,
    numbers: Omit<AdamwArgs, 'w' | 'g' | 'm' | 'v'>,
  ): void {
    if (to === from) return;
    const part = (kind: 'w' | 'g' | 'm' | 'v'): GpuTensor => ({
      ...this.#flat[kind],
      offset: from * 4,
      shape: [to - from],
    });
    encodeAdamw(pass, { w: part('w'), g: part('g'), m: part('m'), v: part('v'), ...numbers });
  }

  clearGradients(): void {
    const pass = this.#gpu.pass();
    pass.clear(this.#flat.g);
    this.#gpu.submit(pass);
  }

  /** Values of one tensor. */
  async read(kind: 'w' | 'g', name: string): Promise<Float32Array> {
    return await this.#gpu.readF32(this.#view(kind, name));
  }

  /** Weights and moments, whole. */
  async snapshot(): Promise<{ w: Float32Array; m: Float32Array; v: Float32Array }> {
    return {
      w: await this.#gpu.readF32(this.#flat.w),
      m: await this.#gpu.readF32(this.#flat.m),
      v: await this.#gpu.readF32(this.#flat.v),
    };
  }

  /** Takes a snapshot back. */
  restore(state: { w: Float32Array; m: Float32Array; v: Float32Array }, steps: number): void {
    this.#gpu.write(this.#flat.w, state.w);
    this.#gpu.write(this.#flat.m, state.m);
    this.#gpu.write(this.#flat.v, state.v);
    this.steps = steps;
    this.clearGradients();
  }

  free(): void {
    this.#gpu.free(...Object.values(this.#flat), this.#partial, this.#norm);
  }
}
