// The names of LoRA matrices: GGUF stems on our side, PEFT's and llama.cpp's names in files. Must not know shapes.
import { defined } from '../base/assert.ts';
import { PROJECTIONS, type Projection } from '../weights/model-config.ts';

const MODULES: Readonly<Record<Projection, string>> = {
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
};

const PROJECTION_OF = new Map(
  Object.entries(MODULES).map(([projection, module]) => [module, projection]),
);
const PEFT_NAME =
  /^base_model\.model\.model\.layers\.(0|[1-9][0-9]*)\.([a-z_]+\.[a-z_]+)\.lora_([AB])\.weight$/;
const STEM = /^blk\.(0|[1-9][0-9]*)\.([a-z_]+)$/;

/** A stem such as `blk.0.attn_q`. */
export function matrixStem(layer: number, projection: Projection): string {
  return `blk.${layer}.${projection}`;
}

/** Layer and projection of a stem; null for another text. */
export function parseStem(stem: string): { layer: number; projection: Projection } | null {
  const match = STEM.exec(stem);
  const projection = match?.[2];
  if (match === null || projection === undefined || !isProjection(projection)) return null;
  return { layer: Number(match[1]), projection };
}

/** Order of stems: by layer, then as in PROJECTIONS. */
export function compareStems(left: string, right: string): number {
  const order = (stem: string): number => {
    const { layer, projection } = defined(parseStem(stem), `stem ${stem}`);
    return layer * PROJECTIONS.length + PROJECTIONS.indexOf(projection);
  };
  return order(left) - order(right);
}

/** Stem and matrix of a name in a GGUF adapter, such as `blk.0.attn_q.weight.lora_a`; null for a foreign name. */
export function parseGgufName(name: string): { stem: string; matrix: 'A' | 'B' } | null {
  const [, stem = '', matrix] = /^(.+)\.weight\.lora_([ab])$/.exec(name) ?? [];
  if (parseStem(stem) === null) return null;
  return { stem, matrix: matrix === 'a' ? 'A' : 'B' };
}

/** The name of matrix A or B of a stem in a GGUF adapter. */
export function ggufName(stem: string, matrix: 'A' | 'B'): string {
  return `${stem}.weight.lora_${matrix === 'A' ? 'a' : 'b'}`;
}

/** PEFT's name of matrix A or B of a stem; null for another text. */
export function peftName(stem: string, matrix: 'A' | 'B'): string | null {
  const parsed = parseStem(stem);
  if (parsed === null) return null;
  const module = moduleName(parsed.layer, parsed.projection);
  return `base_model.model.model.${module}.lora_${matrix}.weight`;
}

/** Stem and matrix of a PEFT name; null for a foreign name. */
export function parsePeftName(name: string): { stem: string; matrix: 'A' | 'B' } | null {
  const match = PEFT_NAME.exec(name);
  const projection = PROJECTION_OF.get(match?.[2] ?? '');
  if (match === null || projection === undefined) return null;
  return { stem: `blk.${match[1]}.${projection}`, matrix: match[3] === 'A' ? 'A' : 'B' };
}

/** A projection's place in a Hugging Face model, such as `layers.0.self_attn.q_proj`. */
export function moduleName(layer: number, projection: Projection): string {
  return `layers.${layer}.${MODULES[projection]}`;
}

/** PEFT's short name of a projection, as in `target_modules`. */
export function targetModule(projection: Projection): string {
  return MODULES[projection].split('.')[1] ?? projection;
}

function isProjection(text: string): text is Projection {
  return Object.hasOwn(MODULES, text);
}
