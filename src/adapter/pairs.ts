// The matrices of a file, put together to pairs of A and B. Must not know the format of the file.
import { ModelFileError } from '../base/errors.ts';
import { PROJECTIONS } from '../weights/model-config.ts';
import { shown } from '../weights/shown.ts';
import { compareStems } from './names.ts';
import type { NamedTensor } from './safetensors.ts';

/** The two matrices of one projection: y += s · B A x; s is the adapter's scale. */
export interface LoraMatrices {
  /** (R, K), row-major. */
  readonly a: Float32Array<ArrayBuffer>;
  /** (N, R), row-major. */
  readonly b: Float32Array<ArrayBuffer>;
}

/** A tensor of an adapter's file, and which matrix it is; null for a foreign one. */
export interface PlacedMatrix {
  readonly tensor: NamedTensor;
  readonly place: { readonly stem: string; readonly matrix: 'A' | 'B' } | null;
}

export interface PairOptions {
  /** For messages. */
  readonly file: string;
  /** R of every matrix, and what says so. */
  readonly rank: { readonly value: number; readonly source: string };
  /** What the file calls a matrix. */
  nameOf(stem: string, matrix: 'A' | 'B'): string;
}

/**
 * Pairs by stem, by layer and in the order of PROJECTIONS.
 * @throws {ModelFileError} naming the tensor that is foreign, missing or of another rank.
 */
export function pairMatrices(
  list: readonly PlacedMatrix[],
  { file, rank, nameOf }: PairOptions,
): Map<string, LoraMatrices> {
  const misfit = (what: string, next: string): ModelFileError =>
    new ModelFileError('adapter-tensors', `${file}: ${what}; ${next}`);
  const pairs = new Map<string, { A?: NamedTensor; B?: NamedTensor }>();
  for (const { tensor, place } of list) {
    if (place === null) {
      throw misfit(
        `${shown(tensor.name)} is no matrix of a LoRA adapter on ${PROJECTIONS.join(', ')}`,
        'is this an adapter for another kind of model?',
      );
    }
    const axis = place.matrix === 'A' ? 0 : 1;
    if (tensor.shape.length !== 2 || tensor.shape[axis] !== rank.value) {
      const needed = axis === 0 ? `[${rank.value},K]` : `[N,${rank.value}]`;
      throw misfit(
        `${tensor.name}: got [${tensor.shape}], need ${needed} by ${rank.source}`,
        'adapters with one rank for all matrices are taken',
      );
    }
    pairs.set(place.stem, { ...pairs.get(place.stem), [place.matrix]: tensor });
  }
  if (pairs.size === 0) throw misfit('no matrices', 'is this file whole?');
  const matrices = new Map<string, LoraMatrices>();
  for (const stem of [...pairs.keys()].sort(compareStems)) {
    const { A, B } = pairs.get(stem) ?? {};
    if (A === undefined || B === undefined) {
      const missing = nameOf(stem, A === undefined ? 'A' : 'B');
      throw misfit(`${missing} is missing`, 'is this file whole?');
    }
    matrices.set(stem, { a: A.values, b: B.values });
  }
  return matrices;
}
