// The trainer's own part of a checkpoint: flat weights, both moments, the optimiser's step, and what else decides bits.
import { StoreError } from '../base/errors.ts';
import { isKernelFamily, KERNEL_FAMILIES, type KernelFamily } from '../gpu/caps.ts';

export interface TrainState {
  readonly w: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
}

const FILES = { w: 'weights.f32', m: 'moment1.f32', v: 'moment2.f32' } as const;
const STEP_FILE = 'optimiser.json';

/** Where a training stands. */
export interface TrainPlace {
  readonly steps: number;
  /** The matrix kernels that it was computed with: others add up in another order. */
  readonly kernels: KernelFamily;
}

export function checkpointFiles(state: TrainState, place: TrainPlace): Record<string, Uint8Array> {
  const bytes = (values: Float32Array) =>
    new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return {
    [FILES.w]: bytes(state.w),
    [FILES.m]: bytes(state.m),
    [FILES.v]: bytes(state.v),
    [STEP_FILE]: new TextEncoder().encode(JSON.stringify({ v: 1, ...place })),
  };
}

/** @throws {StoreError} when a file is missing or has another size than this training needs. */
export function readCheckpointFiles(
  files: Readonly<Record<string, Uint8Array>>,
  size: number,
): { state: TrainState; place: TrainPlace } {
  const floats = (name: string): Float32Array => {
    const bytes = files[name];
    if (bytes === undefined || bytes.byteLength !== size * 4) {
      throw new StoreError(
        'checkpoint',
        `checkpoint/${name}: got ${bytes?.byteLength ?? 0} bytes, need ${size * 4}; is it of another experiment?`,
      );
    }
    return new Float32Array(new Uint8Array(bytes).buffer);
  };
  const place: unknown = JSON.parse(new TextDecoder().decode(files[STEP_FILE] ?? new Uint8Array()));
  if (typeof place !== 'object' || place === null || !('steps' in place)) {
    throw new StoreError('checkpoint', `checkpoint/${STEP_FILE}: no step count; is it whole?`);
  }
  // Checkpoints of the first version knew one family.
  const kernels = 'kernels' in place ? place.kernels : 'cpu';
  if (!isKernelFamily(kernels)) {
    const known = KERNEL_FAMILIES.join(' or ');
    throw new StoreError(
      'checkpoint',
      `checkpoint/${STEP_FILE}: kernels: got ${kernels}, need ${known}`,
    );
  }
  const state = { w: floats(FILES.w), m: floats(FILES.m), v: floats(FILES.v) };
  return { state, place: { steps: Number(place.steps), kernels } };
}
