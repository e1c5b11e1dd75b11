// Reader and writer of safetensors files. Must not know what a tensor is for.
// Source: the format section of the README of huggingface/safetensors.
import { assert } from '../base/assert.ts';
import { dequantize, f32Bytes } from '../weights/quant.ts';
import { safetensorsHeaderOf } from '../weights/safetensors-header.ts';

/** A tensor of a file, as f32 values in row-major order. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array<ArrayBuffer>;
}

/** A whole file. */
export interface SafetensorsFile {
  readonly tensors: readonly NamedTensor[];
  /** The `__metadata__` entry; empty when there is none. */
  readonly metadata: Readonly<Record<string, string>>;
}

const LENGTH_BYTES = 8;

/**
 * Reads a file with F32, F16 and BF16 tensors; the latter two are converted.
 * @throws {ModelFileError} for a damaged header, another dtype, and offsets that do not fit.
 */
export function readSafetensors(bytes: Uint8Array, name = 'safetensors'): SafetensorsFile {
  const { tensors, metadata } = safetensorsHeaderOf(bytes, name);
  const named = tensors.map(({ name, shape, dtype, offset, sizeBytes }) => {
    const values = dequantize(dtype, bytes.subarray(offset, offset + sizeBytes));
    return { name, shape, values };
  });
  return { tensors: named, metadata };
}

/**
 * The bytes of a file with F32 tensors, in the given order. Equal input gives equal bytes.
 */
export function writeSafetensors(
  tensors: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = {};
  if (Object.keys(metadata).length > 0) header['__metadata__'] = metadata;
  let offset = 0;
  for (const { name, shape, values } of tensors) {
    const count = shape.reduce((product, size) => product * size, 1);
    assert(values.length === count, `${name}: ${values.length} values for [${shape}]`);
    assert(!(name in header), `two tensors ${name}`);
    const end = offset + values.length * 4;
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, end] };
    offset = end;
  }
  const text = JSON.stringify(header);
  const json = new TextEncoder().encode(text);
  const padded = Math.ceil(json.length / LENGTH_BYTES) * LENGTH_BYTES;
  const out = new Uint8Array(LENGTH_BYTES + padded + offset);
  out.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + padded);
  new DataView(out.buffer).setBigUint64(0, BigInt(padded), true);
  out.set(json, LENGTH_BYTES);
  let at = LENGTH_BYTES + padded;
  for (const { values } of tensors) {
    out.set(f32Bytes(values), at);
    at += values.length * 4;
  }
  return out;
}
