// LoRA adapters: matrices, the PEFT folder they are kept in, and the check against a model.
// Must not know where the files lie, nor how matrices are trained.
// Source: Hu et al. 2021, arXiv:2106.09685; files as PEFT writes them (huggingface/peft,
// save_pretrained).
import { defined } from '../base/assert.ts';
import { errorMessage, ModelFileError } from '../base/errors.ts';
import { type ModelConfig, PROJECTIONS, projectionShape } from '../weights/model-config.ts';
import { shown } from '../weights/shown.ts';
import { type RowOrder, withRows } from './head-rows.ts';
import {
  compareStems,
  matrixStem,
  moduleName,
  parsePeftName,
  parseStem,
  peftName,
  targetModule,
} from './names.ts';
import { type LoraMatrices, pairMatrices } from './pairs.ts';
import { type NamedTensor, readSafetensors, writeSafetensors } from './safetensors.ts';

export const ADAPTER_CONFIG = 'adapter_config.json';
export const ADAPTER_TENSORS = 'adapter_model.safetensors';
/** What the files of an adapter call the SHA-256 of its model. */
export const HASH_KEY = 'base_model_sha256';

export interface Adapter {
  /** R */
  readonly rank: number;
  readonly alpha: number;
  /** Rank-stabilised: the product is scaled by alpha / sqrt(rank) (arXiv:2312.03732). */
  readonly rslora: boolean;
  /** SHA-256 of the model file that the adapter belongs to; null when its files do not say. */
  readonly baseModelHash: string | null;
  /** GGUF's name of the model's architecture; null when its files do not say. */
  readonly architecture: string | null;
  /** Whose order the rows of q and k stand in; the engine takes `gguf`. It differs for the Llama architecture alone. */
  readonly rows: RowOrder;
  /** By GGUF stem (`blk.0.attn_q`), by layer, in the order of PROJECTIONS. */
  readonly matrices: ReadonlyMap<string, LoraMatrices>;
}

/**
 * Reads the files of a PEFT LoRA folder, by file name; F16 and BF16 tensors are converted.
 * @throws {ModelFileError} for missing files, kinds of adapter that are not plain LoRA, and tensors
 * that do not fit.
 */
export function readAdapter(files: Readonly<Record<string, Uint8Array>>): Adapter {
  const config = readConfig(needFile(files, ADAPTER_CONFIG));
  const { tensors, metadata } = readSafetensors(needFile(files, ADAPTER_TENSORS), ADAPTER_TENSORS);
  const named = tensors.map((tensor) => ({ tensor, place: parsePeftName(tensor.name) }));
  const { rank, alpha, rslora, rows } = config;
  const matrices = pairMatrices(named, {
    file: ADAPTER_TENSORS,
    rank: { value: rank, source: `r in ${ADAPTER_CONFIG}` },
    nameOf: (stem, matrix) => defined(peftName(stem, matrix), stem),
  });
  const { [HASH_KEY]: baseModelHash = config.hash } = metadata;
  return { rank, alpha, rslora, baseModelHash, architecture: null, rows, matrices };
}

/** What B A is multiplied by: alpha / rank, or alpha / sqrt(rank) with rsLoRA. */
export function adapterScale({
  rank,
  alpha,
  rslora,
}: Pick<Adapter, 'rank' | 'alpha' | 'rslora'>): number {
  return alpha / (rslora ? Math.sqrt(rank) : rank);
}

function needFile(files: Readonly<Record<string, Uint8Array>>, name: string): Uint8Array {
  const file = files[name];
  if (file !== undefined) return file;
  const got = Object.keys(files).join(', ') || 'no files';
  throw new ModelFileError(
    'adapter-files',
    `adapter: got ${got}, need ${ADAPTER_CONFIG} and ${ADAPTER_TENSORS}; choose a PEFT folder`,
  );
}

interface PeftConfig {
  readonly rank: number;
  readonly alpha: number;
  readonly rslora: boolean;
  readonly hash: string | null;
  readonly rows: RowOrder;
}

/**
 * A key that every file has which PEFT wrote: its rows stand in Hugging Face's order. Without it, what wrote the file
 * knew no order but GGUF's.
 */
const PEFT_KEY = 'auto_mapping';

/** What makes ranks, scales or whole modules differ, or an adapter act on some tokens only. */
const NOT_PLAIN = [
  ...['rank_pattern', 'alpha_pattern', 'modules_to_save'],
  ...['trainable_token_indices', 'alora_invocation_tokens'],
] as const;
/** Ways to initialise that also change the weights of the base, which then are not those of its file. */
const CHANGES_BASE = /^(pissa|olora|loftq|corda|lora_ga)/;

function readConfig(bytes: Uint8Array): PeftConfig {
  const config = parseConfig(bytes);
  const { r, lora_alpha: alpha } = config;
  const hash = config[HASH_KEY];
  if (config['peft_type'] !== 'LORA') {
    throw badConfig('peft_type', config['peft_type'], 'LORA');
  }
  if (typeof r !== 'number' || !Number.isInteger(r) || r < 1) {
    throw badConfig('r', r, 'a whole number from 1 on');
  }
  if (typeof alpha !== 'number' || !(alpha > 0) || !Number.isFinite(alpha)) {
    throw badConfig('lora_alpha', alpha, 'a number above 0');
  }
  for (const key of ['use_dora', 'fan_in_fan_out']) {
    if (config[key] === true) throw badConfig(key, true, 'false');
  }
  for (const key of NOT_PLAIN) {
    const value = config[key] ?? {};
    const empty = typeof value === 'object' && Object.keys(value).length === 0;
    if (!empty) throw badConfig(key, JSON.stringify(value), 'none');
  }
  const bias = config['bias'] ?? 'none';
  if (bias !== 'none') throw badConfig('bias', bias, 'none');
  const init = config['init_lora_weights'];
  if (typeof init === 'string' && CHANGES_BASE.test(init)) {
    throw badConfig('init_lora_weights', init, 'one that leaves the base model as it is');
  }
  const rslora = config['use_rslora'] === true;
  const rows = config[PEFT_KEY] === undefined ? 'gguf' : 'hugging-face';
  return { rank: r, alpha, rslora, hash: typeof hash === 'string' ? hash : null, rows };
}

function parseConfig(bytes: Uint8Array): Record<string, unknown> {
  let config: unknown;
  try {
    config = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new ModelFileError(
      'adapter-config',
      `${ADAPTER_CONFIG}: not JSON: ${shown(errorMessage(cause))}; save the adapter again`,
      { cause },
    );
  }
  if (typeof config !== 'object' || config === null) {
    throw badConfig('the file', config, 'a JSON object');
  }
  return { ...config };
}

function badConfig(key: string, got: unknown, needed: string): ModelFileError {
  return new ModelFileError(
    'adapter-config',
    `${ADAPTER_CONFIG}: ${key} is ${shown(got)}, need ${needed}; save it as a plain LoRA adapter`,
    { data: { key } },
  );
}

/**
 * The files of a PEFT LoRA folder, tensors as F32. Equal input gives equal bytes.
 * @param options `baseModel` goes to `base_model_name_or_path`.
 */
export function writeAdapter(
  adapter: Adapter,
  options: { baseModel: string },
): Record<string, Uint8Array<ArrayBuffer>> {
  const { rank, alpha, rslora, baseModelHash } = adapter;
  const stems = [...adapter.matrices.keys()].sort(compareStems);
  const tensors: NamedTensor[] = [];
  for (const stem of stems) {
    const { a, b } = defined(adapter.matrices.get(stem), stem);
    const name = (matrix: 'A' | 'B'): string => defined(peftName(stem, matrix), stem);
    tensors.push({ name: name('A'), shape: [rank, a.length / rank], values: a });
    tensors.push({ name: name('B'), shape: [b.length / rank, rank], values: b });
  }
  const config = {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    ...(adapter.rows === 'gguf' ? {} : { [PEFT_KEY]: null }),
    r: rank,
    lora_alpha: alpha,
    ...(rslora ? { use_rslora: true } : {}),
    lora_dropout: 0,
    bias: 'none',
    fan_in_fan_out: false,
    target_modules: targetModules(stems),
    base_model_name_or_path: options.baseModel,
    inference_mode: true,
    ...(baseModelHash === null ? {} : { [HASH_KEY]: baseModelHash }),
  };
  const metadata: Record<string, string> = { format: 'pt' };
  if (baseModelHash !== null) metadata[HASH_KEY] = baseModelHash;
  return {
    [ADAPTER_CONFIG]: new TextEncoder().encode(`${JSON.stringify(config, null, 2)}\n`),
    [ADAPTER_TENSORS]: writeSafetensors(tensors, metadata),
  };
}

/** PEFT's `target_modules`: short names where all layers have the same projections, else one for each module. */
function targetModules(stems: readonly string[]): string[] {
  const parsed = stems.map((stem) => defined(parseStem(stem), stem));
  const layers = new Set(parsed.map(({ layer }) => layer));
  const used = PROJECTIONS.filter((name) => parsed.some(({ projection }) => projection === name));
  if (layers.size * used.length === stems.length) return used.map(targetModule);
  return parsed.map(({ layer, projection }) => moduleName(layer, projection));
}

/**
 * The adapter as the engine takes it, after checking that it fits the model: its layers, the shape of every matrix, and
 * the hash where both are known.
 * @throws {ModelFileError} saying what does not fit.
 */
export function fitAdapter(adapter: Adapter, config: ModelConfig, modelHash?: string): Adapter {
  const { rank, architecture, baseModelHash } = adapter;
  if (modelHash !== undefined && baseModelHash !== null && baseModelHash !== modelHash) {
    throw new ModelFileError(
      'adapter-model',
      `adapter of another model: got ${HASH_KEY} ${baseModelHash}, need ${modelHash}; ` +
        'open the model that it was trained on',
      { data: { got: baseModelHash, needed: modelHash } },
    );
  }
  if (architecture !== null && architecture !== config.architecture) {
    throw new ModelFileError(
      'adapter-model',
      `adapter: got one for ${architecture} models, need one for ${config.architecture}; ` +
        'open the model that it was trained on',
      { data: { got: architecture, needed: config.architecture } },
    );
  }
  for (const [stem, { a, b }] of adapter.matrices) {
    const parsed = parseStem(stem);
    if (parsed === null || parsed.layer >= config.layers) {
      throw new ModelFileError(
        'adapter-model',
        `adapter: got ${stem}, the model has ${config.layers} layers; is this for another model?`,
      );
    }
    const [rows, columns] = projectionShape(config, parsed.projection);
    checkLength(`${stem}.lora_A`, a, [rank, columns], rank * columns, 1);
    checkLength(`${stem}.lora_B`, b, [rows, rank], rows * rank, 0);
    // Equal lengths mean equal shapes: the rank is checked on reading.
  }
  return withRows(adapter, 'gguf', config);
}

function checkLength(
  name: string,
  values: Float32Array,
  needed: readonly [number, number],
  length: number,
  freeAxis: 0 | 1,
): void {
  if (values.length === length) return;
  const got = [...needed];
  got[freeAxis] = values.length / (needed[1 - freeAxis] ?? 1);
  throw new ModelFileError(
    'adapter-model',
    `${name}: got [${got}], need [${needed}]; is this adapter for another model?`,
    { data: { tensor: name, got, needed } },
  );
}

/** A fresh adapter's stems for a model, in file order: all seven projections of every layer. */
export function adapterStems(config: ModelConfig): string[] {
  const stems: string[] = [];
  for (let layer = 0; layer < config.layers; layer++) {
    for (const projection of PROJECTIONS) stems.push(matrixStem(layer, projection));
  }
  return stems;
}
