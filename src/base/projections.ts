// Names that model files and experiments share.

/** The seven projections of a layer that an adapter can carry, by GGUF stem. */
export const PROJECTIONS = [
  'attn_q',
  'attn_k',
  'attn_v',
  'attn_output',
  'ffn_gate',
  'ffn_up',
  'ffn_down',
] as const;
export type Projection = (typeof PROJECTIONS)[number];
