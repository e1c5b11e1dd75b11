// The trainer's own part of a checkpoint: flat weights, both moments, and the optimiser's step.
import { StoreError } from '../base/errors.ts';

export interface TrainState {
  readonly w: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
}

const FILES = { w: 'weights.f32', m: 'moment1.f32', v: 'moment2.f32' } as const;
const STEP_FILE = 'optimiser.json';

export function checkpointFiles(state: TrainState, steps: number): Record<string, Uint8Array> {
  const bytes = (values: Float32Array) =>
    new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return {
    [FILES.w]: bytes(state.w),
    [FILES.m]: bytes(state.m),
    [FILES.v]: bytes(state.v),
    [STEP_FILE]: new TextEncoder().encode(JSON.stringify({ v: 1, steps })),
  };
}

/** @throws {StoreError} when a file is missing or has another size than this training needs. */
export function readCheckpointFiles(
  files: Readonly<Record<string, Uint8Array>>,
  size: number,
): { state: TrainState; steps: number } {
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
  const step: unknown = JSON.parse(new TextDecoder().decode(files[STEP_FILE] ?? new Uint8Array()));
  if (typeof step !== 'object' || step === null || !('steps' in step)) {
    throw new StoreError('checkpoint', `checkpoint/${STEP_FILE}: no step count; is it whole?`);
  }
  const state = { w: floats(FILES.w), m: floats(FILES.m), v: floats(FILES.v) };
  return { state, steps: Number(step.steps) };
}
