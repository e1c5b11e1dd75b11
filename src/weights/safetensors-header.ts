// The header of a safetensors file: names, dtypes, shapes and places of its tensors. Must not know
// what a tensor is for.
// Source: the format section of the README of huggingface/safetensors.
import { errorMessage, ModelFileError } from '../base/errors.ts';
import type { ByteSource } from './byte-source.ts';
import { isFields } from './json-file.ts';
import { shown } from './shown.ts';

/** The dtypes that we compute with, and the bytes of a value. */
const DTYPE_BYTES = { F32: 4, F16: 2, BF16: 2 } as const;
export type SafetensorsDtype = keyof typeof DTYPE_BYTES;

/** A tensor as the header lists it. */
export interface SafetensorsEntry {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** From the start of the file, in bytes. */
  readonly offset: number;
  readonly sizeBytes: number;
}

export interface SafetensorsHeader {
  /** In the order of the header. */
  readonly tensors: readonly SafetensorsEntry[];
  /** The `__metadata__` entry; empty when there is none. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Bytes of the header's length, which a file begins with. */
const LENGTH_BYTES = 8;
const MAX_HEADER_BYTES = 100_000_000;

/** Bytes of one value of a dtype. */
export function dtypeBytes(dtype: SafetensorsDtype): number {
  return DTYPE_BYTES[dtype];
}

/**
 * Reads and checks the header of a file, and no tensor.
 * @throws {ModelFileError} for a damaged header, another dtype, and offsets that do not fit.
 */
export async function readSafetensorsHeader(source: ByteSource): Promise<SafetensorsHeader> {
  const { name, size } = source;
  const first = await source.read(0, Math.min(LENGTH_BYTES, size));
  const end = headerEnd(first, size, name);
  const json = await source.read(LENGTH_BYTES, end - LENGTH_BYTES);
  return parseHeader(json, end, size, name);
}

/** The same for a file in memory. @throws {ModelFileError} as {@link readSafetensorsHeader}. */
export function safetensorsHeaderOf(bytes: Uint8Array, name: string): SafetensorsHeader {
  const end = headerEnd(bytes.subarray(0, LENGTH_BYTES), bytes.length, name);
  return parseHeader(bytes.subarray(LENGTH_BYTES, end), end, bytes.length, name);
}

function headerEnd(first: Uint8Array, size: number, name: string): number {
  if (first.length < LENGTH_BYTES) throw truncated(name, 'the header', size, LENGTH_BYTES);
  const view = new DataView(first.buffer, first.byteOffset, first.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES) {
    throw damaged(name, `the header has ${length} bytes, need at most ${MAX_HEADER_BYTES}`);
  }
  const end = LENGTH_BYTES + length;
  if (end > size) throw truncated(name, 'the header', size, end);
  return end;
}

function parseHeader(json: Uint8Array, end: number, size: number, name: string): SafetensorsHeader {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder().decode(json));
  } catch (cause) {
    throw damaged(name, `the header is not JSON (${shown(errorMessage(cause))})`, cause);
  }
  if (!isFields(header)) throw damaged(name, 'the header is not a JSON object');
  const tensors: SafetensorsEntry[] = [];
  let metadata: Readonly<Record<string, string>> = {};
  for (const [key, value] of Object.entries(header)) {
    if (key === '__metadata__') metadata = readMetadata(value, name);
    else tensors.push(readEntry(key, value, end, name));
  }
  checkOffsets(tensors, end, size, name);
  return { tensors, metadata };
}

function readMetadata(value: unknown, name: string): Record<string, string> {
  if (!isFields(value)) throw damaged(name, '__metadata__ is not an object');
  const texts: [string, string][] = [];
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw damaged(name, `__metadata__.${shown(key)} is not a text`);
    texts.push([key, text]);
  }
  return Object.fromEntries(texts);
}

function readEntry(key: string, value: unknown, bodyAt: number, name: string): SafetensorsEntry {
  const { dtype, shape, start, end } = readFields(key, value, name);
  if (!isDtype(dtype)) {
    throw new ModelFileError(
      'safetensors-dtype',
      `${name}: ${shown(key)} has dtype ${shown(dtype)}, need one of ` +
        `${Object.keys(DTYPE_BYTES).join(', ')}; save it in one of them`,
      { data: { tensor: key, dtype } },
    );
  }
  const needed = shape.reduce((product, size) => product * size, 1) * DTYPE_BYTES[dtype];
  if (end - start !== needed) {
    throw damaged(
      name,
      `${shown(key)} has ${end - start} bytes, ${dtype} [${shown(shape.join())}] needs ${needed}`,
    );
  }
  return { name: key, dtype, shape, offset: bodyAt + start, sizeBytes: needed };
}

function readFields(
  key: string,
  value: unknown,
  name: string,
): { dtype: string; shape: number[]; start: number; end: number } {
  if (!isFields(value)) throw damaged(name, `${shown(key)} is not an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string') throw damaged(name, `${shown(key)} has no dtype`);
  if (!isSizes(shape)) throw damaged(name, `${shown(key)} has no shape of whole numbers`);
  if (isSizes(offsets) && offsets.length === 2) {
    const [start, end] = offsets;
    if (start !== undefined && end !== undefined && start <= end) {
      return { dtype, shape, start, end };
    }
  }
  throw damaged(name, `${shown(key)} has no data_offsets of a start and an end`);
}

/** Tensors fill the body without holes and without overlaps. */
function checkOffsets(
  tensors: readonly SafetensorsEntry[],
  bodyAt: number,
  size: number,
  name: string,
): void {
  const inOrder = [...tensors].sort((a, b) => a.offset - b.offset || a.sizeBytes - b.sizeBytes);
  let at = bodyAt;
  for (const { name: key, offset, sizeBytes } of inOrder) {
    if (offset !== at) {
      throw damaged(name, `${shown(key)} starts at ${offset - bodyAt}, need ${at - bodyAt}`);
    }
    at += sizeBytes;
    if (at > size) throw truncated(name, shown(key), size - bodyAt, at - bodyAt);
  }
  if (at !== size) {
    throw damaged(name, `${size - bodyAt} bytes of tensors, the header names ${at - bodyAt}`);
  }
}

function isDtype(dtype: string): dtype is SafetensorsDtype {
  return Object.hasOwn(DTYPE_BYTES, dtype);
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
