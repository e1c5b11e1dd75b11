// What the tests of matrix kernels share: devices and the formats tried on each, random weights, and the bound.
import type { Caps } from '../../src/gpu/caps.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { uploadMatrix, type WeightMatrix } from '../../src/kernels/weight-matrix.ts';
import { USABLE_TYPES, type UsableType } from '../../src/weights/ggml-types.ts';
import { encoded } from './encoded.ts';

export const MATRIX_DEVICES = [
  'with subgroups',
  'without subgroups',
  'of the GPU family',
  'of the GPU family without subgroups',
] as const;

/**
 * The device in both families, and without subgroups. There only the tile and the adding of lanes differ, so a few formats
 * stand for all: each takes software drivers seconds to compile.
 */
export function matrixDevices(
  gpu: Gpu,
): Record<(typeof MATRIX_DEVICES)[number], { gpu: Gpu; formats: readonly UsableType[] }> {
  const as = (caps: Partial<Caps>) => new Gpu(gpu.device, { ...gpu.caps, ...caps });
  return {
    'with subgroups': { gpu: as({ family: 'cpu' }), formats: USABLE_TYPES },
    'without subgroups': {
      gpu: as({ family: 'cpu', subgroupSize: 0 }),
      formats: ['F32', 'Q4_K'],
    },
    'of the GPU family': { gpu: as({ family: 'gpu' }), formats: USABLE_TYPES },
    'of the GPU family without subgroups': {
      gpu: as({ family: 'gpu', subgroupSize: 0 }),
      formats: ['F32'],
    },
  };
}

/** Random weights [N, K] in a format, on the device and as they decode. */
export function weightsOf(
  gpu: Gpu,
  format: UsableType,
  [N, K]: [number, number],
  shardBytes?: number,
): { w: WeightMatrix; values: Float32Array } {
  const { bytes, values } = encoded(format, N * 31 + K, N * K);
  return { w: uploadMatrix(gpu, 'w', format, [N, K], bytes, shardBytes), values };
}

/** Of a sum of K products of standard normals in f32, relative to 1 + |sum|. */
export const productBound = (K: number): number => 2e-6 * Math.sqrt(K) + 1e-6;
