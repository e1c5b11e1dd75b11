// The recorder: turns kernel calls into entries that can be submitted once or kept as a static plan and replayed.
import { DeviceError } from '../base/errors.ts';
import type { BindingAccess, KernelSpec, ParamValues, PipelineCache } from './pipeline.ts';
import type { ShaderVariant } from './shaders.ts';
import { type GpuTensor, sizeOf } from './tensor.ts';

export interface CopyEntry {
  readonly kind: 'copy';
  readonly from: GPUBuffer;
  readonly fromOffset: number;
  readonly to: GPUBuffer;
  readonly toOffset: number;
  readonly bytes: number;
}

export type PassEntry =
  | {
      readonly kind: 'dispatch';
      readonly pipeline: GPUComputePipeline;
      readonly group: GPUBindGroup;
      readonly x: number;
      readonly y: number;
      readonly z: number;
      /** Operations, about. */
      readonly work: number;
      readonly file: string;
    }
  | CopyEntry
  | {
      readonly kind: 'clear';
      readonly buffer: GPUBuffer;
      readonly offset: number;
      readonly bytes: number;
    };

export interface DispatchArgs<P extends KernelSpec> {
  readonly params: ParamValues<P>;
  /** A tensor for each binding that the variant has. */
  readonly bind: Readonly<Record<string, GpuTensor>>;
  /** Workgroups. A one-dimensional grid above the device's limit is folded into y: see lib/grid.wesl. */
  readonly grid: readonly [number] | readonly [number, number] | readonly [number, number, number];
  readonly variant?: ShaderVariant;
  readonly overrides?: Readonly<Record<string, number>>;
  /** Operations, those of reading memory among them; by default by the elements of what is written. */
  readonly work?: number;
}

/** Operations in which an element of memory is read or written. */
export const MEMORY_WORK = 16;

/** Records kernel calls. Pipelines and bind groups come from caches, so a repeated call creates nothing. */
export class KernelPass {
  readonly entries: PassEntry[] = [];
  readonly #pipelines: PipelineCache;

  /** What one dispatch should do at most, as far as its kernel can be cut. */
  readonly mostWork: number;

  constructor(pipelines: PipelineCache, mostWork = Number.POSITIVE_INFINITY) {
    this.mostWork = mostWork;
    this.#pipelines = pipelines;
  }

  get caps() {
    return this.#pipelines.caps;
  }

  dispatch<P extends KernelSpec>(kernel: P, args: DispatchArgs<P>): void {
    const { pipeline, layout, bindings } = this.#pipelines.pipeline(
      kernel,
      args.variant ?? {},
      args.overrides ?? {},
    );
    const tensors = bindings.map((binding: BindingAccess) => {
      const tensor = args.bind[binding.name];
      if (tensor === undefined) {
        throw new DeviceError(
          'binding',
          `shaders/${kernel.file}.wesl: no tensor for ${binding.name}`,
        );
      }
      return tensor;
    });
    const group = this.#pipelines.bindGroup(kernel, layout, args.params, tensors);
    const [x, y, z] = fold(args.grid, this.caps.limits.maxComputeWorkgroupsPerDimension);
    if (x === 0 || y === 0 || z === 0) return;
    const written = bindings.map(({ writable }, i) =>
      writable ? sizeOf(tensors[i] ?? { shape: [] }) : 0,
    );
    const work = args.work ?? MEMORY_WORK * written.reduce((sum, count) => sum + count, 0);
    this.entries.push({ kind: 'dispatch', pipeline, group, x, y, z, work, file: kernel.file });
  }

  /** Copies all elements of one tensor over the first of another. */
  copy(from: GpuTensor, to: GpuTensor, count = sizeOf(from)): void {
    this.entries.push({
      kind: 'copy',
      from: from.buffer,
      fromOffset: from.offset,
      to: to.buffer,
      toOffset: to.offset,
      bytes: count * 4,
    });
  }

  /** Sets all elements to zero. */
  clear(tensor: GpuTensor): void {
    const bytes = sizeOf(tensor) * 4;
    this.entries.push({ kind: 'clear', buffer: tensor.buffer, offset: tensor.offset, bytes });
  }
}

function fold(grid: DispatchArgs<KernelSpec>['grid'], most: number): [number, number, number] {
  const [x, y, z] = grid;
  if (y === undefined && x > most) return [most, Math.ceil(x / most), 1];
  return [x, y ?? 1, z ?? 1];
}
