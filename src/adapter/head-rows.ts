// The order of the rows of q and k. Hugging Face keeps the two halves of a head one after the other; a GGUF file of the
// Llama architecture has them in pairs, so the B of an adapter must follow. Other architectures have one order.
// Source: LlamaModel.permute in convert_hf_to_gguf.py of ggml-org/llama.cpp.
import { defined } from '../base/assert.ts';
import type { ModelConfig } from '../weights/model-config.ts';
import { parseStem } from './names.ts';
import type { LoraMatrices } from './pairs.ts';

/** Whose order rows stand in. */
export type RowOrder = 'gguf' | 'hugging-face';

interface Ordered {
  readonly rank: number;
  readonly rows: RowOrder;
  readonly matrices: ReadonlyMap<string, LoraMatrices>;
}

/** The adapter in the wanted order, for a model that it fits; the matrices of `adapter` are not changed. */
export function withRows<T extends Ordered>(adapter: T, rows: RowOrder, config: ModelConfig): T {
  if (adapter.rows === rows) return adapter;
  if (!config.interleavedRope) return { ...adapter, rows };
  const matrices = new Map<string, LoraMatrices>();
  for (const [stem, { a, b }] of adapter.matrices) {
    const { projection } = defined(parseStem(stem), stem);
    const turned = projection === 'attn_q' || projection === 'attn_k';
    const ordered = turned ? reordered(b, adapter.rank, config.headDim, rows) : b;
    matrices.set(stem, { a, b: ordered });
  }
  return { ...adapter, rows, matrices };
}

/** B (N, R) with the rows of each head of D rows in the wanted order: row j D/2 + i there is row 2i + j here. */
function reordered(
  b: Float32Array,
  rank: number,
  headDim: number,
  to: RowOrder,
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(b.length);
  const half = headDim / 2;
  for (let row = 0; row < b.length / rank; row++) {
    const inHead = row % headDim;
    const paired = row - inHead + 2 * (inHead % half) + Math.floor(inHead / half);
    const [source, target] = to === 'gguf' ? [row, paired] : [paired, row];
    out.set(b.subarray(source * rank, (source + 1) * rank), target * rank);
  }
  return out;
}
