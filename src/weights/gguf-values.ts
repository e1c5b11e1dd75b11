// The typed metadata values of a GGUF file, their decoder and encoder. Must not know what any key
// means.
// Source: docs/gguf.md of ggml-org/ggml at d99724f.
import { assert } from '../base/assert.ts';
import { ModelFileError } from '../base/errors.ts';
import { shown } from './shown.ts';

export type GgufScalarType =
  | 'U8'
  | 'I8'
  | 'U16'
  | 'I16'
  | 'U32'
  | 'I32'
  | 'F32'
  | 'BOOL'
  | 'STRING'
  | 'U64'
  | 'I64'
  | 'F64';

/** Ten times the largest vocabularies; a list takes more memory than its bytes in the file. */
const MAX_ITEMS = 4 * 1024 * 1024;

/** A single value: 64-bit integers are bigint, all other numbers number. */
export type GgufScalar = number | bigint | boolean | string;

/** A metadata value with its stored type, so that a file can be written back to the same bytes. */
export type GgufEntry =
  | { readonly type: GgufScalarType; readonly value: GgufScalar }
  | {
      readonly type: 'ARRAY';
      readonly items: GgufScalarType;
      readonly value: readonly GgufScalar[];
    };

/** Metadata without types: 64-bit integers that fit are numbers. */
export type GgufValue = GgufScalar | readonly GgufScalar[];

const TYPE_NAMES: readonly (GgufScalarType | 'ARRAY')[] = [
  'U8',
  'I8',
  'U16',
  'I16',
  'U32',
  'I32',
  'F32',
  'BOOL',
  'STRING',
  'ARRAY',
  'U64',
  'I64',
  'F64',
];

const SIZES: Readonly<Record<GgufScalarType, number>> = {
  U8: 1,
  I8: 1,
  U16: 2,
  I16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  BOOL: 1,
  STRING: 8,
  U64: 8,
  I64: 8,
  F64: 8,
};

const READERS: Readonly<
  Record<Exclude<GgufScalarType, 'STRING'>, (view: DataView, at: number) => GgufScalar>
> = {
  U8: (view, at) => view.getUint8(at),
  I8: (view, at) => view.getInt8(at),
  U16: (view, at) => view.getUint16(at, true),
  I16: (view, at) => view.getInt16(at, true),
  U32: (view, at) => view.getUint32(at, true),
  I32: (view, at) => view.getInt32(at, true),
  F32: (view, at) => view.getFloat32(at, true),
  BOOL: (view, at) => view.getUint8(at) !== 0,
  U64: (view, at) => view.getBigUint64(at, true),
  I64: (view, at) => view.getBigInt64(at, true),
  F64: (view, at) => view.getFloat64(at, true),
};

/** A 32-bit unsigned integer entry. */
export function u32Entry(value: number): GgufEntry {
  return { type: 'U32', value };
}

/** A 32-bit float entry, rounded as the file will hold it. */
export function f32Entry(value: number): GgufEntry {
  return { type: 'F32', value: Math.fround(value) };
}

/** A boolean entry. */
export function boolEntry(value: boolean): GgufEntry {
  return { type: 'BOOL', value };
}

/** A text entry. */
export function stringEntry(value: string): GgufEntry {
  return { type: 'STRING', value };
}

/** A list of texts. */
export function stringsEntry(value: readonly string[]): GgufEntry {
  return { type: 'ARRAY', items: 'STRING', value };
}

/** A list of 32-bit signed integers. */
export function i32sEntry(value: readonly number[]): GgufEntry {
  return { type: 'ARRAY', items: 'I32', value };
}

/** An entry without its type. */
export function plainValue(entry: GgufEntry): GgufValue {
  return entry.type === 'ARRAY' ? entry.value.map(plainScalar) : plainScalar(entry.value);
}

function plainScalar(value: GgufScalar): GgufScalar {
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Thrown inside the parser when it needs bytes that are in the file but were not read yet. */
export class NeedMoreBytes extends Error {
  readonly end: number;
  constructor(end: number) {
    super(`needs the bytes up to ${end}`);
    this.end = end;
  }
}

/** Reads a header from its first bytes; every step checks against the file's size. */
export class GgufCursor {
  offset = 0;
  readonly #name: string;
  readonly #size: number;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  /** `bytes` are the first bytes of a file of `size` bytes; `name` is for messages. */
  constructor(name: string, size: number, bytes: Uint8Array<ArrayBuffer>) {
    this.#name = name;
    this.#size = size;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Steps over `length` bytes and returns where they start. */
  take(length: number, what: string): number {
    const start = this.offset;
    const end = start + length;
    if (!(end <= this.#size)) {
      throw new ModelFileError(
        'gguf-truncated',
        `${this.#name}: the header ends inside ${shown(what)}: got ${this.#size} bytes, ` +
          `need ${end}; is this file whole?`,
        { data: { got: this.#size, needed: end } },
      );
    }
    if (end > this.#bytes.length) throw new NeedMoreBytes(end);
    this.offset = end;
    return start;
  }

  u32(what: string): number {
    return this.#view.getUint32(this.take(4, what), true);
  }

  u64(what: string): number {
    return Number(this.#view.getBigUint64(this.take(8, what), true));
  }

  string(what: string): string {
    const length = this.u64(what);
    const start = this.take(length, what);
    return this.#decoder.decode(this.#bytes.subarray(start, start + length));
  }

  /**
   * A count whose items take at least `itemBytes` each: checked before anything is allocated by it.
   */
  count(what: string, itemBytes: number): number {
    const count = this.u64(what);
    const left = this.#size - this.offset;
    if (count * itemBytes <= left) return count;
    throw new ModelFileError(
      'gguf-count',
      `${this.#name}: ${shown(what)} is ${count}, which cannot fit into the ${left} bytes left; ` +
        'is this file whole?',
      { data: { count, left } },
    );
  }

  entry(key: string): GgufEntry {
    const type = this.#type(key);
    if (type !== 'ARRAY') return { type, value: this.#scalar(type, key) };
    const items = this.#type(key);
    if (items === 'ARRAY') {
      throw new ModelFileError(
        'gguf-value',
        `${this.#name}: metadata key ${shown(key)} is a list of lists, which is not supported; ` +
          'use another file',
      );
    }
    const count = this.count(`the length of ${key}`, SIZES[items]);
    if (count > MAX_ITEMS) {
      throw new ModelFileError(
        'gguf-count',
        `${this.#name}: metadata key ${shown(key)} has ${count} items, ` +
          `at most ${MAX_ITEMS} are read; is this file damaged?`,
        { data: { count, needed: MAX_ITEMS } },
      );
    }
    const value: GgufScalar[] = [];
    for (let i = 0; i < count; i++) value.push(this.#scalar(items, key));
    return { type: 'ARRAY', items, value };
  }

  #type(key: string): GgufScalarType | 'ARRAY' {
    const id = this.u32(key);
    const type = TYPE_NAMES[id];
    if (type !== undefined) return type;
    throw new ModelFileError(
      'gguf-value',
      `${this.#name}: metadata key ${shown(key)} has value type ${id}, ` +
        `need 0 to ${TYPE_NAMES.length - 1}; is this a GGUF v3 file?`,
    );
  }

  #scalar(type: GgufScalarType, key: string): GgufScalar {
    if (type === 'STRING') return this.string(key);
    const at = this.take(SIZES[type], key);
    return READERS[type](this.#view, at);
  }
}

/** Collects the bytes of a header. */
export class GgufBytes {
  #bytes = new Uint8Array(4096);
  #length = 0;

  u32(value: number): void {
    const at = this.#grow(4);
    new DataView(this.#bytes.buffer).setUint32(at, value, true);
  }

  u64(value: number): void {
    const at = this.#grow(8);
    new DataView(this.#bytes.buffer).setBigUint64(at, BigInt(value), true);
  }

  raw(bytes: Uint8Array): void {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
  }

  string(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.u64(bytes.length);
    this.raw(bytes);
  }

  entry(entry: GgufEntry): void {
    this.u32(TYPE_NAMES.indexOf(entry.type));
    if (entry.type !== 'ARRAY') {
      this.#scalar(entry.type, entry.value);
      return;
    }
    this.u32(TYPE_NAMES.indexOf(entry.items));
    this.u64(entry.value.length);
    for (const value of entry.value) this.#scalar(entry.items, value);
  }

  /** Zeros up to the next multiple of `alignment`. */
  pad(alignment: number): void {
    this.#grow((alignment - (this.#length % alignment)) % alignment);
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  #scalar(type: GgufScalarType, value: GgufScalar): void {
    if (typeof value === 'string') {
      assert(type === 'STRING', `a text written as ${type}`);
      this.string(value);
      return;
    }
    assert(type !== 'STRING', 'a number written as STRING');
    const at = this.#grow(SIZES[type]);
    const view = new DataView(this.#bytes.buffer);
    if (type === 'U64') view.setBigUint64(at, BigInt(value), true);
    else if (type === 'I64') view.setBigInt64(at, BigInt(value), true);
    else if (type === 'F32') view.setFloat32(at, Number(value), true);
    else if (type === 'F64') view.setFloat64(at, Number(value), true);
    else if (SIZES[type] === 4) view.setUint32(at, Number(value), true);
    else if (SIZES[type] === 2) view.setUint16(at, Number(value), true);
    else view.setUint8(at, Number(value));
  }

  #grow(length: number): number {
    const at = this.#length;
    this.#length += length;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    return at;
  }
}
