// Reader and writer of GGUF v3 files: typed metadata and named tensors.
// Must not know what a key or a tensor means, nor where the file lies.
// Source: docs/gguf.md of ggml-org/ggml at d99724f.
import { assert, defined } from '../base/assert.ts';
import { ModelFileError } from '../base/errors.ts';
import type { ByteSource } from './byte-source.ts';
import { type GgmlType, typeOfId, typeOfName } from './ggml-types.ts';
import {
  GgufBytes,
  GgufCursor,
  type GgufEntry,
  type GgufValue,
  NeedMoreBytes,
  plainValue,
} from './gguf-values.ts';
import { shown } from './shown.ts';

/** A tensor as the header lists it. */
export interface GgufTensor {
  readonly name: string;
  /**
   * Row-major, last axis contiguous: a matrix is [N, K]. GGUF stores the axes the other way round.
   */
  readonly shape: readonly number[];
  /** ggml's name of the type, such as F32 or Q8_0. */
  readonly type: string;
  readonly sizeBytes: number;
}

/** An opened model: one GGUF file, its shards, or another format that is presented as one. */
export interface GgufFile {
  /** For error messages. */
  readonly name: string;
  /** All files together. */
  readonly sizeBytes: number;
  /** Typed entries in file order. */
  readonly metadata: ReadonlyMap<string, GgufEntry>;
  /** The same without types. */
  readonly values: Readonly<Record<string, GgufValue>>;
  /** In file order. */
  readonly tensors: readonly GgufTensor[];
  /** @throws {ModelFileError} naming a tensor that is not there. */
  tensor(name: string): GgufTensor;
  /**
   * The stored bytes of a tensor. @throws {ModelFileError} when it is not there or cannot be read.
   */
  readTensor(name: string): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * `lengthBytes` stored bytes of a tensor from its byte `offsetBytes` on, whole blocks or not.
   * @throws {ModelFileError} when it is not there, too short, or cannot be read.
   */
  readPart(
    name: string,
    offsetBytes: number,
    lengthBytes: number,
  ): Promise<Uint8Array<ArrayBuffer>>;
}

const MAGIC = 0x46554747;
const VERSION = 3;
const DEFAULT_ALIGNMENT = 32;
const FIRST_READ_BYTES = 1024 * 1024;
/** Each try decodes the vocabulary's beginning again, so there must not be many. */
const GROWTH = 4;
/** Ten times what the largest vocabularies need; bounds what a damaged header can allocate. */
const MAX_HEADER_BYTES = 64 * 1024 * 1024;
/** The least bytes of a metadata entry and of a tensor's entry in the header. */
const MIN_ENTRY_BYTES = 13;
const MIN_TENSOR_BYTES = 32;
const MAX_AXES = 4;

/** A tensor and where it begins in its file. */
export interface PlacedTensor extends GgufTensor {
  /** From the start of the file, in bytes. */
  readonly offset: number;
}

/** What stands before the tensors' bytes. */
export interface GgufHeader {
  readonly metadata: ReadonlyMap<string, GgufEntry>;
  readonly tensors: readonly PlacedTensor[];
}

/**
 * Opens a GGUF v3 file: reads and checks its header, and no tensor.
 * @throws {ModelFileError} for another format or version, a truncated file, unknown types,
 * offsets that overlap, and a shard of a model in several files.
 */
export async function readGguf(source: ByteSource): Promise<GgufFile> {
  const { metadata, tensors } = await readGgufHeader(source);
  const count = metadata.get('split.count')?.value ?? 1;
  if (Number(count) > 1) {
    throw new ModelFileError(
      'gguf-shard',
      `${source.name}: one of ${String(count)} shards of a model; open all of them together`,
      { data: { count: Number(count) } },
    );
  }
  return presentAsGguf({
    name: source.name,
    sizeBytes: source.size,
    metadata,
    tensors,
    read: ({ offset }, start, length) => source.read(offset + start, length),
  });
}

/** What {@link presentAsGguf} makes a file of. */
export interface GgufParts<T extends GgufTensor> {
  readonly name: string;
  readonly sizeBytes: number;
  readonly metadata: ReadonlyMap<string, GgufEntry>;
  readonly tensors: readonly T[];
  /** Reads a range that lies inside the tensor. */
  readonly read: (
    tensor: T,
    offsetBytes: number,
    lengthBytes: number,
  ) => Promise<Uint8Array<ArrayBuffer>>;
}

/** A model over any storage; all of {@link GgufFile} follows from its parts. */
export function presentAsGguf<T extends GgufTensor>(parts: GgufParts<T>): GgufFile {
  const { name: file, sizeBytes, metadata, tensors, read } = parts;
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  // Without a prototype, so that the key `__proto__` is an entry like any other.
  const values: Record<string, GgufValue> = Object.create(null);
  for (const [key, entry] of metadata) values[key] = plainValue(entry);
  const tensor = (name: string): T => {
    const found = byName.get(name);
    if (found) return found;
    throw new ModelFileError(
      'gguf-no-tensor',
      `${file}: no tensor ${name} among ${tensors.length}; is this file whole?`,
      { data: { tensor: name } },
    );
  };
  const readPart: GgufFile['readPart'] = async (name, offset, length) => {
    const found = tensor(name);
    const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(length);
    if (whole && offset >= 0 && length >= 0 && offset + length <= found.sizeBytes) {
      return read(found, offset, length);
    }
    throw new ModelFileError(
      'gguf-range',
      `${file}: ${name}: got the bytes ${offset} to ${offset + length}, it has ` +
        `${found.sizeBytes}; is this file whole?`,
      { data: { tensor: name, offset, length, sizeBytes: found.sizeBytes } },
    );
  };
  return {
    name: file,
    sizeBytes,
    metadata,
    values,
    tensors,
    tensor,
    readPart,
    readTensor: async (name) => readPart(name, 0, tensor(name).sizeBytes),
  };
}

/**
 * The checked header of one file, a shard or not. Parses ever longer beginnings of the file, as the
 * header's length is known only at its end.
 * @throws {ModelFileError} as {@link readGguf} does, shards apart.
 */
export async function readGgufHeader(source: ByteSource): Promise<GgufHeader> {
  let length = Math.min(source.size, FIRST_READ_BYTES);
  for (;;) {
    const bytes = await source.read(0, length);
    try {
      return parseHeader(source, bytes);
    } catch (error) {
      if (!(error instanceof NeedMoreBytes)) throw error;
      if (error.end > MAX_HEADER_BYTES) {
        throw new ModelFileError(
          'gguf-count',
          `${source.name}: the header needs ${error.end} bytes, at most ${MAX_HEADER_BYTES} are ` +
            'read; is this file damaged?',
          { data: { needed: error.end } },
        );
      }
      const next = Math.min(Math.max(length * GROWTH, error.end), MAX_HEADER_BYTES);
      length = Math.min(source.size, next);
    }
  }
}

function parseHeader(source: ByteSource, bytes: Uint8Array<ArrayBuffer>): GgufHeader {
  const cursor = new GgufCursor(source.name, source.size, bytes);
  const magic = cursor.u32('the magic number');
  if (magic !== MAGIC) {
    throw new ModelFileError(
      'gguf-magic',
      `${source.name}: starts with ${hex(magic)}, a GGUF file starts with ${hex(MAGIC)}; ` +
        'choose a .gguf file',
    );
  }
  const version = cursor.u32('the version');
  if (version !== VERSION) {
    throw new ModelFileError(
      'gguf-version',
      `${source.name}: GGUF version ${version}, need ${VERSION}; convert the file again`,
      { data: { got: version, needed: VERSION } },
    );
  }
  const tensorCount = cursor.count('the number of tensors', MIN_TENSOR_BYTES);
  const entryCount = cursor.count('the number of metadata entries', MIN_ENTRY_BYTES);
  const metadata = new Map<string, GgufEntry>();
  for (let i = 0; i < entryCount; i++) {
    const key = cursor.string('a metadata key');
    if (metadata.has(key)) throw damaged(source, `metadata key ${shown(key)} is there twice`);
    metadata.set(key, cursor.entry(key));
  }
  const alignment = readAlignment(source, metadata);
  const infos: TensorInfo[] = [];
  for (let i = 0; i < tensorCount; i++) infos.push(readTensorInfo(source, cursor));
  const start = Math.ceil(cursor.offset / alignment) * alignment;
  const tensors = infos.map((tensor) => place(source, tensor, start, alignment));
  checkTensors(source, tensors);
  return { metadata, tensors };
}

function readAlignment(source: ByteSource, metadata: ReadonlyMap<string, GgufEntry>): number {
  const entry = metadata.get('general.alignment');
  if (entry === undefined) return DEFAULT_ALIGNMENT;
  const value = plainValue(entry);
  const valid = typeof value === 'number' && value >= 8 && Number.isInteger(Math.log2(value));
  if (valid && value <= 65536) return value;
  throw damaged(source, `general.alignment is ${shown(value)}, need a power of two from 8 on`);
}

interface TensorInfo {
  name: string;
  shape: number[];
  type: GgmlType;
  relative: number;
}

function readTensorInfo(source: ByteSource, cursor: GgufCursor): TensorInfo {
  const name = cursor.string('a tensor name');
  const axes = cursor.u32(name);
  if (axes < 1 || axes > MAX_AXES) {
    throw damaged(source, `tensor ${shown(name)} has ${axes} axes, need 1 to ${MAX_AXES}`);
  }
  const shape: number[] = [];
  for (let axis = 0; axis < axes; axis++) shape.unshift(cursor.u64(name));
  const id = cursor.u32(name);
  const type = typeOfId(id);
  if (type === null) {
    throw new ModelFileError(
      'gguf-type',
      `${source.name}: tensor ${shown(name)} has unknown type ${id}; choose another quantisation`,
      { data: { tensor: name, type: id } },
    );
  }
  return { name, shape, type, relative: cursor.u64(name) };
}

function place(source: ByteSource, info: TensorInfo, start: number, align: number): PlacedTensor {
  const { name, shape, type, relative } = info;
  const count = shape.reduce((product, size) => product * size, 1);
  const whole = shape.every((size) => Number.isSafeInteger(size) && size > 0);
  if (!whole || !Number.isSafeInteger(count * type.bytes)) {
    throw damaged(source, `tensor ${shown(name)} has the shape [${shape}]`);
  }
  const row = defined(shape.at(-1), 'row length');
  if (row % type.block !== 0) {
    throw damaged(
      source,
      `tensor ${shown(name)} has rows of ${row}, ${type.name} needs ${type.block}s`,
    );
  }
  if (relative % align !== 0) {
    throw damaged(
      source,
      `tensor ${shown(name)} is at ${relative}, which is not a multiple of ${align}`,
    );
  }
  const sizeBytes = (count / type.block) * type.bytes;
  const end = start + relative + sizeBytes;
  if (end > source.size) {
    throw new ModelFileError(
      'gguf-truncated',
      `${source.name}: tensor ${shown(name)} ends beyond the file: got ${source.size} bytes, ` +
        `need ${end}; is this file whole?`,
      { data: { tensor: name, got: source.size, needed: end } },
    );
  }
  return { name, shape, type: type.name, offset: start + relative, sizeBytes };
}

function checkTensors(source: ByteSource, tensors: readonly PlacedTensor[]): void {
  const names = new Set<string>();
  let previous: PlacedTensor | null = null;
  for (const tensor of [...tensors].sort((a, b) => a.offset - b.offset)) {
    if (names.has(tensor.name))
      throw damaged(source, `tensor ${shown(tensor.name)} is there twice`);
    names.add(tensor.name);
    if (previous && previous.offset + previous.sizeBytes > tensor.offset) {
      throw damaged(source, `tensors ${shown(previous.name)} and ${shown(tensor.name)} overlap`);
    }
    previous = tensor;
  }
}

function damaged(source: ByteSource, what: string): ModelFileError {
  return new ModelFileError('gguf-damaged', `${source.name}: ${what}; is this file damaged?`);
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}

/** A tensor to be written; `bytes` are in the encoding of `type`. */
export interface TensorToWrite {
  readonly name: string;
  /** Row-major, last axis contiguous. */
  readonly shape: readonly number[];
  /** ggml's name of the type. */
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** The beginning of a file that is written piece by piece. */
export interface GgufHead {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Every tensor is followed by zeros up to a multiple of so many bytes. */
  readonly alignment: number;
}

/** Bytes of a tensor in the encoding of its type. */
export function tensorBytes({ shape, type }: Pick<TensorToWrite, 'shape' | 'type'>): number {
  const { block, bytes } = defined(typeOfName(type), type);
  return (shape.reduce((product, size) => product * size, 1) / block) * bytes;
}

/** All of a GGUF v3 file that stands before its tensors, which follow in order. */
export function ggufHead(file: {
  metadata: ReadonlyMap<string, GgufEntry>;
  tensors: readonly Omit<TensorToWrite, 'bytes'>[];
}): GgufHead {
  const entry = file.metadata.get('general.alignment');
  const alignment = entry === undefined ? DEFAULT_ALIGNMENT : Number(plainValue(entry));
  const header = new GgufBytes();
  header.u32(MAGIC);
  header.u32(VERSION);
  header.u64(file.tensors.length);
  header.u64(file.metadata.size);
  for (const [key, value] of file.metadata) {
    header.string(key);
    header.entry(value);
  }
  let offset = 0;
  for (const tensor of file.tensors) {
    header.string(tensor.name);
    header.u32(tensor.shape.length);
    for (const size of [...tensor.shape].reverse()) header.u64(size);
    header.u32(defined(typeOfName(tensor.type), tensor.type).id);
    header.u64(offset);
    offset += Math.ceil(tensorBytes(tensor) / alignment) * alignment;
  }
  header.pad(alignment);
  return { bytes: header.finish(), alignment };
}

/**
 * A GGUF v3 file in pieces, to be joined in order: the header, then each tensor padded to the
 * alignment. Equal input gives equal bytes; tensors keep their order.
 */
export function writeGguf(file: {
  metadata: ReadonlyMap<string, GgufEntry>;
  tensors: readonly TensorToWrite[];
}): Uint8Array<ArrayBuffer>[] {
  const { bytes: head, alignment } = ggufHead(file);
  const bodies = file.tensors.map((tensor) => {
    const { name, bytes } = tensor;
    assert(bytes.length === tensorBytes(tensor), `${name}: ${bytes.length} bytes`);
    const body = new Uint8Array(Math.ceil(bytes.length / alignment) * alignment);
    body.set(bytes);
    return body;
  });
  return [head, ...bodies];
}

/** The pieces of {@link writeGguf} as one array. */
export function joinBytes(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}
