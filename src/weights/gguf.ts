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

/** A tensor as the header lists it. */
export interface GgufTensor {
  readonly name: string;
  /**
   * Row-major, last axis contiguous: a matrix is [N, K]. GGUF stores the axes the other way round.
   */
  readonly shape: readonly number[];
  /** ggml's name of the type, such as F32 or Q8_0. */
  readonly type: string;
  /** From the start of the file, in bytes. */
  readonly offset: number;
  readonly sizeBytes: number;
}

/** An opened GGUF file. */
export interface GgufFile {
  readonly source: ByteSource;
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
}

const MAGIC = 0x46554747;
const VERSION = 3;
const DEFAULT_ALIGNMENT = 32;
const FIRST_READ_BYTES = 1024 * 1024;
const MAX_HEADER_BYTES = 256 * 1024 * 1024;
/** The least bytes of a metadata entry and of a tensor's entry in the header. */
const MIN_ENTRY_BYTES = 13;
const MIN_TENSOR_BYTES = 32;
const MAX_AXES = 4;

interface Header {
  metadata: Map<string, GgufEntry>;
  tensors: GgufTensor[];
}

/**
 * Opens a GGUF v3 file: reads and checks its header, and no tensor.
 * @throws {ModelFileError} for another format or version, a truncated file, unknown types, and
 * offsets that overlap.
 */
export async function readGguf(source: ByteSource): Promise<GgufFile> {
  const { metadata, tensors } = await readHeader(source);
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const values: Record<string, GgufValue> = {};
  for (const [key, entry] of metadata) values[key] = plainValue(entry);
  const tensor = (name: string): GgufTensor => {
    const found = byName.get(name);
    if (found) return found;
    throw new ModelFileError(
      'gguf-no-tensor',
      `${source.name}: no tensor ${name} among ${tensors.length}; is this file whole?`,
      { data: { tensor: name } },
    );
  };
  return {
    source,
    metadata,
    values,
    tensors,
    tensor,
    async readTensor(name) {
      const { offset, sizeBytes } = tensor(name);
      return source.read(offset, sizeBytes);
    },
  };
}

/** Parses ever longer beginnings of the file, as the header's length is known only at its end. */
async function readHeader(source: ByteSource): Promise<Header> {
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
      length = Math.min(source.size, Math.max(length * 2, error.end));
    }
  }
}

function parseHeader(source: ByteSource, bytes: Uint8Array<ArrayBuffer>): Header {
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
    if (metadata.has(key)) throw damaged(source, `metadata key ${key} is there twice`);
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
  throw damaged(source, `general.alignment is ${String(value)}, need a power of two from 8 on`);
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
    throw damaged(source, `tensor ${name} has ${axes} axes, need 1 to ${MAX_AXES}`);
  }
  const shape: number[] = [];
  for (let axis = 0; axis < axes; axis++) shape.unshift(cursor.u64(name));
  const id = cursor.u32(name);
  const type = typeOfId(id);
  if (type === null) {
    throw new ModelFileError(
      'gguf-type',
      `${source.name}: tensor ${name} has unknown type ${id}; choose an F32, F16 or Q8_0 file`,
      { data: { tensor: name, type: id } },
    );
  }
  return { name, shape, type, relative: cursor.u64(name) };
}

function place(source: ByteSource, info: TensorInfo, start: number, align: number): GgufTensor {
  const { name, shape, type, relative } = info;
  const count = shape.reduce((product, size) => product * size, 1);
  const whole = shape.every((size) => Number.isSafeInteger(size) && size > 0);
  if (!whole || !Number.isSafeInteger(count * type.bytes)) {
    throw damaged(source, `tensor ${name} has the shape [${shape}]`);
  }
  const row = defined(shape.at(-1), 'row length');
  if (row % type.block !== 0) {
    throw damaged(source, `tensor ${name} has rows of ${row}, ${type.name} needs ${type.block}s`);
  }
  if (relative % align !== 0) {
    throw damaged(source, `tensor ${name} is at ${relative}, which is not a multiple of ${align}`);
  }
  const sizeBytes = (count / type.block) * type.bytes;
  const end = start + relative + sizeBytes;
  if (end > source.size) {
    throw new ModelFileError(
      'gguf-truncated',
      `${source.name}: tensor ${name} ends beyond the file: got ${source.size} bytes, ` +
        `need ${end}; is this file whole?`,
      { data: { tensor: name, got: source.size, needed: end } },
    );
  }
  return { name, shape, type: type.name, offset: start + relative, sizeBytes };
}

function checkTensors(source: ByteSource, tensors: readonly GgufTensor[]): void {
  const names = new Set<string>();
  let previous: GgufTensor | null = null;
  for (const tensor of [...tensors].sort((a, b) => a.offset - b.offset)) {
    if (names.has(tensor.name)) throw damaged(source, `tensor ${tensor.name} is there twice`);
    names.add(tensor.name);
    if (previous && previous.offset + previous.sizeBytes > tensor.offset) {
      throw damaged(source, `tensors ${previous.name} and ${tensor.name} overlap`);
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
  readonly type: 'F32' | 'Q8_0';
  readonly bytes: Uint8Array;
}

/**
 * A GGUF v3 file in pieces, to be joined in order: the header, then each tensor padded to the
 * alignment. Equal input gives equal bytes; tensors keep their order.
 */
export function writeGguf(file: {
  metadata: ReadonlyMap<string, GgufEntry>;
  tensors: readonly TensorToWrite[];
}): Uint8Array<ArrayBuffer>[] {
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
  const bodies: Uint8Array<ArrayBuffer>[] = [];
  for (const { name, shape, type, bytes } of file.tensors) {
    const { id, block, bytes: blockBytes } = defined(typeOfName(type), type);
    const count = shape.reduce((product, size) => product * size, 1);
    assert(bytes.length === (count / block) * blockBytes, `${name}: ${bytes.length} bytes`);
    header.string(name);
    header.u32(shape.length);
    for (const size of [...shape].reverse()) header.u64(size);
    header.u32(id);
    header.u64(offset);
    const body = new Uint8Array(Math.ceil(bytes.length / alignment) * alignment);
    body.set(bytes);
    bodies.push(body);
    offset += body.length;
  }
  header.pad(alignment);
  return [header.finish(), ...bodies];
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
