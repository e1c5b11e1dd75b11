// The trainer's own part of a checkpoint: flat weights, both moments, the optimiser's step, and what else decides bits.
import { StoreError } from '../base/errors.ts';
import { isKernelFamily, KERNEL_FAMILIES, type KernelFamily } from '../gpu/caps.ts';
import { MOMENT_KINDS, type MomentKind } from '../trajectory/experiment.ts';

/** Weights and moments by the names of their files. */
export type TrainState = Readonly<Record<string, Uint8Array>>;

const STEP_FILE = 'optimiser.json';

/** Where a training stands. */
export interface TrainPlace {
  readonly steps: number;
  /** The matrix kernels that it was computed with: others add up in another order. */
  readonly kernels: KernelFamily;
  /** How its moments are kept. */
  readonly moments: MomentKind;
}

export function checkpointFiles(state: TrainState, place: TrainPlace): Record<string, Uint8Array> {
  const text = JSON.stringify({ v: 1, ...place });
  return { ...state, [STEP_FILE]: new TextEncoder().encode(text) };
}

function wrong(file: string, problem: string): StoreError {
  return new StoreError('checkpoint', `checkpoint/${file}: ${problem}`);
}

function readPlace(bytes: Uint8Array | undefined): TrainPlace {
  const place: unknown = JSON.parse(new TextDecoder().decode(bytes ?? new Uint8Array()));
  if (typeof place !== 'object' || place === null || !('steps' in place)) {
    throw wrong(STEP_FILE, 'no step count; is it whole?');
  }
  // Checkpoints of the first versions knew one family, and moments of one kind.
  const kernels = 'kernels' in place ? place.kernels : 'cpu';
  if (!isKernelFamily(kernels)) {
    throw wrong(STEP_FILE, `kernels: got ${kernels}, need ${KERNEL_FAMILIES.join(' or ')}`);
  }
  const kept = 'moments' in place ? place.moments : 'f32';
  const moments = MOMENT_KINDS.find((kind) => kind === kept);
  if (moments === undefined) {
    throw wrong(STEP_FILE, `moments: got ${kept}, need ${MOMENT_KINDS.join(' or ')}`);
  }
  return { steps: Number(place.steps), kernels, moments };
}

/**
 * @param sizes bytes of each file of the state.
 * @throws {StoreError} when a file is missing or has another size than this training needs, or its moments are of another kind.
 */
export function readCheckpointFiles(
  files: Readonly<Record<string, Uint8Array>>,
  sizes: Readonly<Record<string, number>>,
  moments: MomentKind,
): { state: TrainState; place: TrainPlace } {
  const place = readPlace(files[STEP_FILE]);
  if (place.moments !== moments) {
    throw wrong(
      STEP_FILE,
      `moments: got ${place.moments}, need ${moments}; set optimiser.moments as it was, or start anew`,
    );
  }
  const state: Record<string, Uint8Array> = {};
  for (const [name, size] of Object.entries(sizes)) {
    const bytes = files[name];
    if (bytes?.byteLength !== size) {
      throw wrong(
        name,
        `got ${bytes?.byteLength ?? 0} bytes, need ${size}; is it of another experiment?`,
      );
    }
    state[name] = bytes;
  }
  return { state, place };
}
