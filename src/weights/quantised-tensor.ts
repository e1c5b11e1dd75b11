// A tensor of a safetensors file in the encoding of GGUF: rows reordered and values quantised as
// they are read. Must not know what the tensor is for.
import { defined } from '../base/assert.ts';
import { ModelFileError } from '../base/errors.ts';
import type { ByteSource } from './byte-source.ts';
import { typeOfName } from './ggml-types.ts';
import { dequantize } from './quant.ts';
import { encodeValues } from './quantize.ts';
import { dtypeBytes, type SafetensorsEntry } from './safetensors-header.ts';
import { shown } from './shown.ts';

/** What matrices become; `none` keeps the stored type. */
export const QUANTISE = ['Q8_0', 'Q4_0', 'none'] as const;
export type Quantise = (typeof QUANTISE)[number];

/** How values are encoded: blocks of `block` values in `bytes` bytes. */
interface Encoding {
  readonly type: string;
  readonly block: number;
  readonly bytes: number;
  /** Null when the stored bytes are right as they are. */
  readonly encode: ((values: Float32Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>) | null;
}

/** A tensor as GGUF has it, and where its values come from. */
export interface QuantisedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: string;
  readonly sizeBytes: number;
  readonly encoding: Encoding;
  readonly source: ByteSource;
  readonly entry: SafetensorsEntry;
  /** Values of a head whose rows are reordered, and of a row; null when rows keep their order. */
  readonly heads: { readonly headValues: number; readonly rowValues: number } | null;
}

/** The most values that are decoded at a time; a multiple of every block. */
const CHUNK_VALUES = 2 ** 20;

/**
 * How a stored tensor will be presented.
 * @param parts.heads over how many heads the rows of a matrix are reordered, null for none.
 * @throws {ModelFileError} for a tensor that is neither matrix nor vector, and for rows that cannot
 * be quantised or shared by the heads.
 */
export function quantisedTensor(parts: {
  source: ByteSource;
  entry: SafetensorsEntry;
  name: string;
  heads: number | null;
  quantise: Quantise;
}): QuantisedTensor {
  const { source, entry, name, heads, quantise } = parts;
  const { shape } = entry;
  const refuse = (what: string): never => {
    throw new ModelFileError(
      'model-shape',
      `${source.name}: ${shown(entry.name)} ${what}; choose another model or quantisation`,
      { data: { tensor: entry.name, got: shape } },
    );
  };
  const [rows = 0, rowValues = 1] = shape;
  const flat = shape.length === 1 || shape.length === 2;
  if (!flat || !(rows > 0 && rowValues > 0)) refuse(`got [${shown(shape.join())}], need a matrix`);
  const encoding = encodingOf(entry, shape.length === 2 ? quantise : 'F32');
  if (rowValues % encoding.block !== 0 && shape.length === 2) {
    refuse(`has rows of ${rowValues}, ${encoding.type} needs ${encoding.block}s`);
  }
  if (heads !== null && (shape.length !== 2 || rows % (2 * heads) !== 0)) {
    refuse(`got [${shown(shape.join())}], need rows in pairs for ${heads} heads`);
  }
  return {
    name,
    shape,
    type: encoding.type,
    sizeBytes: ((rows * rowValues) / encoding.block) * encoding.bytes,
    encoding,
    source,
    entry,
    heads: heads === null ? null : { headValues: (rows / heads) * rowValues, rowValues },
  };
}

function encodingOf({ dtype }: SafetensorsEntry, target: Quantise | 'F32'): Encoding {
  const type = target === 'none' ? dtype : target;
  const { block, bytes } = defined(typeOfName(type), type);
  const encode =
    type === dtype ? null : (values: Float32Array<ArrayBuffer>) => encodeValues(type, values);
  return { type, block, bytes, encode };
}

/**
 * Bytes of the presented tensor, quantised now.
 * @throws {ModelFileError} when the file cannot be read or a value cannot be quantised.
 */
export async function readQuantised(
  tensor: QuantisedTensor,
  offsetBytes: number,
  lengthBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const { block, bytes } = tensor.encoding;
  const first = Math.floor(offsetBytes / bytes);
  const end = Math.ceil((offsetBytes + lengthBytes) / bytes);
  const out = new Uint8Array((end - first) * bytes);
  let at = 0;
  for (let value = first * block; value < end * block; ) {
    const count = Math.min(end * block, chunkEnd(tensor, value)) - value;
    const piece = await encodePiece(tensor, value, count);
    out.set(piece, at);
    at += piece.length;
    value += count;
  }
  const skipped = offsetBytes - first * bytes;
  return out.subarray(skipped, skipped + lengthBytes);
}

/** Where the chunk that holds a value ends: after a reordered head, or after so many values. */
function chunkEnd({ heads }: QuantisedTensor, value: number): number {
  if (heads === null) return value + CHUNK_VALUES;
  return (Math.floor(value / heads.headValues) + 1) * heads.headValues;
}

async function encodePiece(
  tensor: QuantisedTensor,
  from: number,
  count: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const { heads, encoding, entry, source } = tensor;
  const stored =
    heads === null
      ? await readValues(tensor, from, count)
      : await readReordered(tensor, heads, from, count);
  if (encoding.encode === null) return stored;
  try {
    return encoding.encode(dequantize(entry.dtype, stored));
  } catch (cause) {
    if (!(cause instanceof ModelFileError)) throw cause;
    const where = `${source.name}: ${shown(entry.name)} from value ${from} on`;
    throw new ModelFileError(cause.code, `${where}: ${cause.message}`, { cause });
  }
}

/** Stored bytes of values, in the order of the file. */
function readValues(
  { source, entry }: QuantisedTensor,
  from: number,
  count: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const width = dtypeBytes(entry.dtype);
  return source.read(entry.offset + from * width, count * width);
}

/** The same of values inside one head, whose row j·(D/2) + i goes to row 2i + j. */
async function readReordered(
  tensor: QuantisedTensor,
  { headValues, rowValues }: NonNullable<QuantisedTensor['heads']>,
  from: number,
  count: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const head = Math.floor(from / headValues);
  const stored = await readValues(tensor, head * headValues, headValues);
  const width = dtypeBytes(tensor.entry.dtype);
  const rowBytes = rowValues * width;
  const half = headValues / rowValues / 2;
  const ordered = new Uint8Array(stored.length);
  for (let i = 0; i < half; i++) {
    for (const j of [0, 1]) {
      const source = (j * half + i) * rowBytes;
      ordered.set(stored.subarray(source, source + rowBytes), (2 * i + j) * rowBytes);
    }
  }
  const start = (from - head * headValues) * width;
  return ordered.subarray(start, start + count * width);
}
