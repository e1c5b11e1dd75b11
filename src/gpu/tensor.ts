// Typed views of GPU buffers, and the shape checks of kernels.
import { ShapeError } from '../base/errors.ts';

/** `f16x2`: two f16 in a word, the first in its low half. */
export type GpuType = 'f32' | 'u32' | 'f16x2';

/** A row-major array in a buffer. `offset` is in bytes and a multiple of 256. All our element types have 4 bytes. */
export interface GpuTensor {
  readonly label: string;
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly type: GpuType;
}

/** Number of elements. */
export function sizeOf(tensor: { readonly shape: readonly number[] }): number {
  return tensor.shape.reduce((product, n) => product * n, 1);
}

/** The same elements under another shape. */
export function reshape(tensor: GpuTensor, shape: readonly number[]): GpuTensor {
  if (sizeOf({ shape }) !== sizeOf(tensor)) {
    throw new ShapeError(
      'shape',
      `${tensor.label}: got [${tensor.shape}], cannot be seen as [${shape}]`,
    );
  }
  return { ...tensor, shape };
}

/** Rows [from, from + count) of the first axis; `from` times the row size must be a multiple of 64 elements. */
export function rows(tensor: GpuTensor, from: number, count: number): GpuTensor {
  const [all = 0, ...rest] = tensor.shape;
  const rowSize = sizeOf({ shape: rest });
  const offset = tensor.offset + from * rowSize * 4;
  if (from + count > all || offset % 256 !== 0) {
    throw new ShapeError(
      'shape',
      `${tensor.label}: rows ${from}..${from + count} of [${tensor.shape}] are out of range or not on a 256-byte boundary`,
    );
  }
  return { ...tensor, offset, shape: [count, ...rest] };
}

/**
 * Checks a tensor against a shape.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function assertShape(tensor: GpuTensor, shape: readonly number[], name: string): void {
  if (tensor.shape.length !== shape.length || tensor.shape.some((n, i) => n !== shape[i])) {
    throw new ShapeError('shape', `${name}: got [${tensor.shape}], need [${shape}]`);
  }
}

/** The two sizes of a matrix. @throws {ShapeError} when it has another rank. */
export function shape2(tensor: GpuTensor, name: string): [number, number] {
  const [a, b] = tensor.shape;
  if (tensor.shape.length !== 2 || a === undefined || b === undefined) {
    throw new ShapeError('shape', `${name}: got [${tensor.shape}], need two axes`);
  }
  return [a, b];
}

/** The three sizes of a rank-3 tensor. @throws {ShapeError} when it has another rank. */
export function shape3(tensor: GpuTensor, name: string): [number, number, number] {
  const [a, b, c] = tensor.shape;
  if (tensor.shape.length !== 3 || a === undefined || b === undefined || c === undefined) {
    throw new ShapeError('shape', `${name}: got [${tensor.shape}], need three axes`);
  }
  return [a, b, c];
}
