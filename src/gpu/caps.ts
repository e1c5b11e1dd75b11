// What an adapter can do, as one record. The browser is never sniffed: features, limits and info decide.

/**
 * Which matrix kernels are used: those of `gpu` share tiles in workgroup memory and split sums over lanes, those of `cpu` use
 * no workgroup memory, which software adapters clear and copy at great cost.
 */
export const KERNEL_FAMILIES = ['gpu', 'cpu'] as const;
export type KernelFamily = (typeof KERNEL_FAMILIES)[number];

export function isKernelFamily(value: unknown): value is KernelFamily {
  return KERNEL_FAMILIES.some((family) => family === value);
}

export interface Caps {
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  /** A driver that computes on the CPU (SwiftShader, llvmpipe). */
  readonly software: boolean;
  readonly features: readonly string[];
  /** Lanes of a subgroup when the device has one fixed size, else 0: then no kernel uses subgroups. */
  readonly subgroupSize: number;
  /** The one in use: by what the adapter is until src/kernels/choose-family.ts has measured. */
  readonly family: KernelFamily;
  readonly f16: boolean;
  readonly timestamps: boolean;
  readonly limits: {
    readonly maxBufferSize: number;
    readonly maxStorageBufferBindingSize: number;
    readonly maxComputeWorkgroupsPerDimension: number;
    readonly maxComputeInvocationsPerWorkgroup: number;
    readonly maxComputeWorkgroupStorageSize: number;
    readonly maxStorageBuffersPerShaderStage: number;
  };
}

/** Subgroup sizes that the kernels are written for. */
const KERNEL_SUBGROUP_SIZES: readonly number[] = [4, 8, 16, 32, 64];

/** Reads an adapter into a record. */
export function capsOf(adapter: GPUAdapter): Caps {
  const { info, limits, features } = adapter;
  const fixed = features.has('subgroups') && info.subgroupMinSize === info.subgroupMaxSize;
  const size = fixed ? info.subgroupMaxSize : 0;
  const text = `${info.vendor} ${info.architecture} ${info.description}`.toLowerCase();
  const software = /swiftshader|llvmpipe|lavapipe|software/.test(text);
  return {
    vendor: info.vendor,
    architecture: info.architecture,
    description: info.description,
    software,
    features: [...features].sort(),
    subgroupSize: KERNEL_SUBGROUP_SIZES.includes(size) ? size : 0,
    family: software ? 'cpu' : 'gpu',
    f16: features.has('shader-f16'),
    timestamps: features.has('timestamp-query'),
    limits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
    },
  };
}
