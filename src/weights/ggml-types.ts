// The tensor types of ggml: id, name, values a block, bytes a block. Must not know how a block is
// decoded.
// Source: ggml.h and ggml-common.h of ggml-org/ggml at d99724f.

/** Tensor types that this project computes with. F32 and Q8_0 are also written. */
export const USABLE_TYPES = ['F32', 'F16', 'BF16', 'Q8_0', 'Q4_0', 'Q4_K', 'Q5_K', 'Q6_K'] as const;
export type UsableType = (typeof USABLE_TYPES)[number];

/** One ggml tensor type. */
export interface GgmlType {
  readonly id: number;
  readonly name: string;
  /** Values in a block. */
  readonly block: number;
  /** Bytes of a block. */
  readonly bytes: number;
}

const ROWS: readonly (readonly [number, string, number, number])[] = [
  [0, 'F32', 1, 4],
  [1, 'F16', 1, 2],
  [2, 'Q4_0', 32, 18],
  [3, 'Q4_1', 32, 20],
  [6, 'Q5_0', 32, 22],
  [7, 'Q5_1', 32, 24],
  [8, 'Q8_0', 32, 34],
  [9, 'Q8_1', 32, 36],
  [10, 'Q2_K', 256, 84],
  [11, 'Q3_K', 256, 110],
  [12, 'Q4_K', 256, 144],
  [13, 'Q5_K', 256, 176],
  [14, 'Q6_K', 256, 210],
  [15, 'Q8_K', 256, 292],
  [16, 'IQ2_XXS', 256, 66],
  [17, 'IQ2_XS', 256, 74],
  [18, 'IQ3_XXS', 256, 98],
  [19, 'IQ1_S', 256, 50],
  [20, 'IQ4_NL', 32, 18],
  [21, 'IQ3_S', 256, 110],
  [22, 'IQ2_S', 256, 82],
  [23, 'IQ4_XS', 256, 136],
  [24, 'I8', 1, 1],
  [25, 'I16', 1, 2],
  [26, 'I32', 1, 4],
  [27, 'I64', 1, 8],
  [28, 'F64', 1, 8],
  [29, 'IQ1_M', 256, 56],
  [30, 'BF16', 1, 2],
  [34, 'TQ1_0', 256, 54],
  [35, 'TQ2_0', 256, 66],
  [39, 'MXFP4', 32, 17],
];

const TYPES: readonly GgmlType[] = ROWS.map(([id, name, block, bytes]) => ({
  id,
  name,
  block,
  bytes,
}));
const BY_ID = new Map(TYPES.map((type) => [type.id, type]));
const BY_NAME = new Map(TYPES.map((type) => [type.name, type]));

/** The type of an id, or null for an id that ggml does not have. */
export function typeOfId(id: number): GgmlType | null {
  return BY_ID.get(id) ?? null;
}

/** The type of a name, or null for a name that ggml does not have. */
export function typeOfName(name: string): GgmlType | null {
  return BY_NAME.get(name) ?? null;
}

/** Whether this project can compute with tensors of that type. */
export function isUsable(name: string): name is UsableType {
  return USABLE_TYPES.some((usable) => usable === name);
}
