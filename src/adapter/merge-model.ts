// A model with its adapter merged: W + s B A, as the bytes of a GGUF file, made and handed on in pieces, so that the
// memory it takes is that of a few rows. Must not know where the bytes go.
import { assert, defined } from '../base/assert.ts';
import { ModelFileError } from '../base/errors.ts';
import { isUsable, typeOfName } from '../weights/ggml-types.ts';
import { type GgufFile, type GgufTensor, ggufHead, tensorBytes } from '../weights/gguf.ts';
import { u32Entry } from '../weights/gguf-values.ts';
import { modelConfig } from '../weights/model-config.ts';
import { dequantize } from '../weights/quant.ts';
import { encodeValues, isWritable, type WritableType } from '../weights/quantize.ts';
import { type Adapter, adapterScale, fitAdapter } from './adapter.ts';
import type { LoraMatrices } from './pairs.ts';

/** Types that all matrices of a merged model can be given, and what llama.cpp calls such a file (`general.file_type`). */
const FILE_TYPES = { F32: 0, F16: 1, Q8_0: 7, Q4_0: 2 } as const;
export type MergeType = keyof typeof FILE_TYPES;
export const MERGE_TYPES = Object.keys(FILE_TYPES) as MergeType[];

/** What a merged matrix becomes where its own type can be read and not written (K-quants). */
const FALLBACK: WritableType = 'Q8_0';
/** Values of a tensor that are in memory at a time; at least one row. */
const PIECE_VALUES = 2 ** 20;

/** What a merge can be told. */
export interface MergeOptions {
  /** SHA-256 of the base; compared with the adapter's where it names one. */
  readonly modelHash?: string;
  /** Of all matrices, in place of their own. */
  readonly type?: MergeType | undefined;
  readonly pieceValues?: number;
}

/** A tensor of the merged model. `encode` is null where the stored bytes stay. */
interface MergedTensor {
  readonly from: GgufTensor;
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: string;
  readonly encode: WritableType | null;
  readonly lora: LoraMatrices | null;
}

export interface MergedModel {
  /** Of the whole file. */
  readonly sizeBytes: number;
  /** The file from its beginning to its end. @throws {ModelFileError} when the base cannot be read. */
  pieces(): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void>;
}

/**
 * Merges an adapter into a model file. Metadata, tokenizer and the order of tensors are kept; so are the bytes of tensors
 * that the adapter leaves alone. A merged matrix is written in its own type where we can (F32, F16, BF16, Q8_0, Q4_0),
 * else as Q8_0.
 * @throws {ModelFileError} for an adapter of another model, and for rows that the type cannot hold.
 */
export function mergeModel(
  file: GgufFile,
  adapter: Adapter,
  options: MergeOptions = {},
): MergedModel {
  const fitting = fitAdapter(adapter, modelConfig(file), options.modelHash);
  const { type, pieceValues = PIECE_VALUES } = options;
  const tensors = file.tensors.map((tensor) => mergedTensor(file, fitting, tensor, type));
  const metadata = new Map(file.metadata);
  if (type !== undefined) metadata.set('general.file_type', u32Entry(FILE_TYPES[type]));
  const { bytes: head, alignment } = ggufHead({ metadata, tensors });
  const padding = (tensor: MergedTensor): number =>
    (alignment - (tensorBytes(tensor) % alignment)) % alignment;
  const bodies = tensors.map((tensor) => tensorBytes(tensor) + padding(tensor));
  const scale = adapterScale(adapter);
  return {
    sizeBytes: bodies.reduce((sum, bytes) => sum + bytes, head.length),
    async *pieces() {
      yield head;
      for (const tensor of tensors) {
        yield* tensorPieces(file, tensor, { rank: adapter.rank, scale, pieceValues });
        const zeros = padding(tensor);
        if (zeros > 0) yield new Uint8Array(zeros);
      }
    },
  };
}

function mergedTensor(
  file: GgufFile,
  adapter: Adapter,
  from: GgufTensor,
  wanted: MergeType | undefined,
): MergedTensor {
  const { name, shape } = from;
  const lora = adapter.matrices.get(name.replace(/\.weight$/, '')) ?? null;
  // Tensors that the model does not use may have types that cannot be read.
  const matrix = shape.length === 2 && isUsable(from.type);
  const own = isWritable(from.type) ? from.type : FALLBACK;
  const to = matrix && wanted !== undefined ? wanted : lora === null ? null : own;
  const encode = lora === null && to === from.type ? null : to;
  const type = encode ?? from.type;
  const { block } = defined(typeOfName(type), type);
  const row = shape.at(-1) ?? 0;
  if (row % block === 0) return { from, name, shape, type, encode, lora };
  throw new ModelFileError(
    'merge-type',
    `${file.name}: ${name} has rows of ${row}, ${type} needs ${block}s; choose another --type`,
    { data: { tensor: name, type } },
  );
}

/** The bytes of a merged tensor, some rows at a time. */
async function* tensorPieces(
  file: GgufFile,
  { from, name, shape, encode, lora }: MergedTensor,
  { rank, scale, pieceValues }: { rank: number; scale: number; pieceValues: number },
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  const [N = 1, K = 1] = shape.length === 2 ? shape : [1, from.shape.reduce((a, b) => a * b, 1)];
  const rowBytes = from.sizeBytes / N;
  const step = Math.max(1, Math.floor(pieceValues / K));
  for (let first = 0; first < N; first += step) {
    const rows = Math.min(step, N - first);
    const stored = await file.readPart(name, first * rowBytes, rows * rowBytes);
    if (encode === null) {
      yield stored;
      continue;
    }
    const values = dequantize(from.type, stored);
    if (lora !== null) mergeRows(values, first, lora, { rank, scale });
    yield encodeValues(encode, values);
  }
}

/**
 * Adds s B A to rows of a weight, summed over the rank in f64 and rounded once.
 * @param weight (rows, K), row-major: the rows of W from `first` on; changed in place.
 */
export function mergeRows(
  weight: Float32Array,
  first: number,
  { a, b }: LoraMatrices,
  { rank, scale }: { rank: number; scale: number },
): void {
  const K = a.length / rank;
  const rows = weight.length / K;
  assert(Number.isInteger(rows) && (first + rows) * rank <= b.length, `rows ${first} + ${rows}`);
  const product = new Float64Array(K);
  for (let row = 0; row < rows; row++) {
    product.fill(0);
    for (let r = 0; r < rank; r++) {
      const factor = b[(first + row) * rank + r] as number;
      for (let k = 0; k < K; k++) {
        product[k] = (product[k] as number) + factor * (a[r * K + k] as number);
      }
    }
    const at = row * K;
    for (let k = 0; k < K; k++) {
      weight[at + k] = (weight[at + k] as number) + scale * (product[k] as number);
    }
  }
}
