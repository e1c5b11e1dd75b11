// Reader and writer of safetensors files. Must not know what a tensor is for.
// Source: the format section of the README of huggingface/safetensors.
import { assert } from '../base/assert.ts';
import { errorMessage, ModelFileError } from '../base/errors.ts';
import { bf16BytesToF32, f16BytesToF32, f32Bytes, f32BytesToF32 } from '../weights/quant.ts';

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

const READERS = new Map([
  ['F32', { bytes: 4, read: f32BytesToF32 }],
  ['F16', { bytes: 2, read: f16BytesToF32 }],
  ['BF16', { bytes: 2, read: bf16BytesToF32 }],
]);
const LENGTH_BYTES = 8;
const MAX_HEADER_BYTES = 100_000_000;

/**
 * Reads a file with F32, F16 and BF16 tensors; the latter two are converted.
 * @throws {ModelFileError} for a damaged header, another dtype, and offsets that do not fit.
 */
export function readSafetensors(bytes: Uint8Array, name = 'safetensors'): SafetensorsFile {
  const { header, body } = readHeader(bytes, name);
  const tensors: NamedTensor[] = [];
  let metadata: Record<string, string> = {};
  for (const [key, value] of Object.entries(header)) {
    if (key === '__metadata__') metadata = readMetadata(value, name);
    else tensors.push(readTensor(key, value, body, name));
  }
  checkOffsets(header, body.length, name);
  return { tensors, metadata };
}

function readHeader(
  bytes: Uint8Array,
  name: string,
): { header: Record<string, unknown>; body: Uint8Array } {
  if (bytes.length < LENGTH_BYTES) throw truncated(name, 'the header', bytes.length, LENGTH_BYTES);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES) {
    throw damaged(name, `the header has ${length} bytes, need at most ${MAX_HEADER_BYTES}`);
  }
  const end = LENGTH_BYTES + length;
  if (end > bytes.length) throw truncated(name, 'the header', bytes.length, end);
  const text = new TextDecoder().decode(bytes.subarray(LENGTH_BYTES, end));
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (cause) {
    throw damaged(name, `the header is not JSON (${errorMessage(cause)})`, cause);
  }
  if (!isRecord(header)) throw damaged(name, 'the header is not a JSON object');
  return { header, body: bytes.subarray(end) };
}

function readMetadata(value: unknown, name: string): Record<string, string> {
  const metadata: Record<string, string> = {};
  if (!isRecord(value)) throw damaged(name, '__metadata__ is not an object');
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw damaged(name, `__metadata__.${key} is not a text`);
    metadata[key] = text;
  }
  return metadata;
}

function readTensor(key: string, value: unknown, body: Uint8Array, name: string): NamedTensor {
  const { dtype, shape, start, end } = readInfo(key, value, name);
  const reader = READERS.get(dtype);
  if (reader === undefined) {
    throw new ModelFileError(
      'safetensors-dtype',
      `${name}: ${key} has dtype ${dtype}, need one of ${[...READERS.keys()].join(', ')}; ` +
        'save the adapter in one of them',
      { data: { tensor: key, dtype } },
    );
  }
  const count = shape.reduce((product, size) => product * size, 1);
  if (end - start !== count * reader.bytes) {
    throw damaged(
      name,
      `${key} has ${end - start} bytes, ${dtype} [${shape}] needs ${count * reader.bytes}`,
    );
  }
  if (end > body.length) throw truncated(name, key, body.length, end);
  return { name: key, shape, values: reader.read(body.subarray(start, end)) };
}

function readInfo(
  key: string,
  value: unknown,
  name: string,
): { dtype: string; shape: number[]; start: number; end: number } {
  if (isRecord(value)) {
    const { dtype, shape, data_offsets: offsets } = value;
    if (typeof dtype === 'string' && isSizes(shape) && isSizes(offsets)) {
      const [start, end] = offsets;
      if (offsets.length === 2 && start !== undefined && end !== undefined && start <= end) {
        return { dtype, shape, start, end };
      }
    }
  }
  throw damaged(name, `${key} has the entry ${JSON.stringify(value)}`);
}

/** Tensors fill the body without holes and without overlaps. */
function checkOffsets(header: Record<string, unknown>, length: number, name: string): void {
  const spans = Object.entries(header)
    .filter(([key]) => key !== '__metadata__')
    .map(([key, value]) => ({ key, ...readInfo(key, value, name) }))
    .sort((a, b) => a.start - b.start || a.end - b.end);
  let at = 0;
  for (const { key, start, end } of spans) {
    if (start !== at) throw damaged(name, `${key} starts at ${start}, need ${at}`);
    at = end;
  }
  if (at !== length) throw damaged(name, `${length} bytes of tensors, the header names ${at}`);
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

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function truncated(name: string, what: string, got: number, needed: number): ModelFileError {
  return new ModelFileError(
    'safetensors-truncated',
    `${name}: ${what} ends beyond the file: got ${got} bytes, need ${needed}; is this file whole?`,
    { data: { got, needed } },
  );
}

function damaged(name: string, what: string, cause?: unknown): ModelFileError {
  return new ModelFileError('safetensors-damaged', `${name}: ${what}; is this file damaged?`, {
    cause,
  });
}
