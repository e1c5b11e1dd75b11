// LoRA adapters as llama.cpp keeps them: one GGUF file. Must not know where it lies.
// Source: convert_lora_to_gguf.py and src/llama-adapter.cpp of ggml-org/llama.cpp (0b03ada, 0650ea8): B A x is scaled by
// `adapter.lora.alpha` / R, or by 1 without an alpha; there is no key for rsLoRA.
import { assert, defined } from '../base/assert.ts';
import { ModelFileError } from '../base/errors.ts';
import type { ByteSource } from '../weights/byte-source.ts';
import { type GgufFile, joinBytes, readGguf, writeGguf } from '../weights/gguf.ts';
import {
  boolEntry,
  f32Entry,
  type GgufEntry,
  stringEntry,
  u32Entry,
} from '../weights/gguf-values.ts';
import { f32Bytes, readTensorF32 } from '../weights/quant.ts';
import { shown } from '../weights/shown.ts';
import { type Adapter, adapterScale, HASH_KEY } from './adapter.ts';
import { compareStems, ggufName, parseGgufName } from './names.ts';
import { pairMatrices } from './pairs.ts';

const ALPHA = 'adapter.lora.alpha';
/** What llama.cpp's alpha cannot say: ours with all its bits, and how it scales. */
const OWN_ALPHA = 'pocket_atlas.lora_alpha';
const OWN_RSLORA = 'pocket_atlas.rslora';
const OWN_HASH = `pocket_atlas.${HASH_KEY}`;
/** llama.cpp's name of "all F32" in `general.file_type`. */
const ALL_F32 = 0;

/**
 * An adapter that fits its model as a GGUF file, tensors as F32. Equal input gives equal bytes.
 * @param model `architecture` is GGUF's name of the base model's, `name` goes to `general.name`.
 */
export function writeAdapterGguf(
  adapter: Adapter,
  { architecture, name }: { architecture: string; name: string },
): Uint8Array<ArrayBuffer> {
  const { rank, alpha, rslora, baseModelHash } = adapter;
  assert(adapter.rows === 'gguf', `rows in the order of ${adapter.rows}`);
  assert(adapter.architecture === null || adapter.architecture === architecture, architecture);
  const metadata = new Map<string, GgufEntry>([
    ['general.architecture', stringEntry(architecture)],
    ['general.type', stringEntry('adapter')],
    ['general.name', stringEntry(name)],
    ['general.file_type', u32Entry(ALL_F32)],
    ['adapter.type', stringEntry('lora')],
    [ALPHA, f32Entry(adapterScale(adapter) * rank)],
  ]);
  if (rslora || Math.fround(alpha) !== alpha) {
    metadata.set(OWN_ALPHA, { type: 'F64', value: alpha });
    metadata.set(OWN_RSLORA, boolEntry(rslora));
  }
  if (baseModelHash !== null) metadata.set(OWN_HASH, stringEntry(baseModelHash));
  const stems = [...adapter.matrices.keys()].sort(compareStems);
  const tensors = stems.flatMap((stem) => {
    const { a, b } = defined(adapter.matrices.get(stem), stem);
    const type = 'F32';
    return [
      { name: ggufName(stem, 'A'), shape: [rank, a.length / rank], type, bytes: f32Bytes(a) },
      { name: ggufName(stem, 'B'), shape: [b.length / rank, rank], type, bytes: f32Bytes(b) },
    ];
  });
  return joinBytes(writeGguf({ metadata, tensors }));
}

/**
 * Reads an adapter from a GGUF file; tensors may have any type that the engine computes with.
 * @throws {ModelFileError} for files that are no plain LoRA adapter, and for tensors that do not fit.
 */
export async function readAdapterGguf(source: ByteSource): Promise<Adapter> {
  const file = await readGguf(source);
  needText(file, 'general.type', 'adapter', 'give a model as the model, not as its adapter');
  needText(file, 'adapter.type', 'lora', 'save it as a plain LoRA adapter');
  if (file.values['adapter.alora.invocation_tokens'] !== undefined) {
    throw refused(file, 'some tokens switch it on', 'save it as a plain LoRA adapter');
  }
  const list = [];
  for (const { name, shape } of file.tensors) {
    const place = parseGgufName(name);
    const values = place === null ? new Float32Array(0) : await readTensorF32(file, name);
    list.push({ tensor: { name, shape, values }, place });
  }
  const first = list.find(({ place }) => place?.matrix === 'A')?.tensor;
  const rank = first?.shape[0] ?? 0;
  const matrices = pairMatrices(list, {
    file: file.name,
    rank: { value: rank, source: first?.name ?? 'its tensors' },
    nameOf: ggufName,
  });
  const architecture = file.values['general.architecture'];
  const hash = file.values[OWN_HASH];
  return {
    rank,
    ...readAlpha(file, rank),
    baseModelHash: typeof hash === 'string' ? hash : null,
    architecture: typeof architecture === 'string' ? architecture : null,
    rows: 'gguf',
    matrices,
  };
}

function readAlpha(file: GgufFile, rank: number): Pick<Adapter, 'alpha' | 'rslora'> {
  const { [ALPHA]: stored = 0, [OWN_ALPHA]: own, [OWN_RSLORA]: rslora = false } = file.values;
  if (typeof stored !== 'number' || !(stored >= 0) || !Number.isFinite(stored)) {
    throw refused(file, `${ALPHA} is ${shown(stored)}, need a number from 0 on`, 'save it again');
  }
  if (own === undefined) return { alpha: stored === 0 ? rank : stored, rslora: false };
  const alpha = typeof own === 'number' ? own : Number.NaN;
  const settings = { rank, alpha, rslora: rslora === true };
  if (alpha > 0 && Math.fround(adapterScale(settings) * rank) === stored) {
    return { alpha, rslora: settings.rslora };
  }
  throw refused(
    file,
    `${OWN_ALPHA} is ${shown(own)}, which is not the ${ALPHA} of ${stored}`,
    'export it again',
  );
}

function needText(file: GgufFile, key: string, needed: string, next: string): void {
  const got = file.values[key];
  if (got === needed) return;
  throw refused(file, `${key} is ${shown(got ?? 'missing')}, need ${needed}`, next);
}

function refused(file: GgufFile, what: string, next: string): ModelFileError {
  return new ModelFileError('adapter-gguf', `${file.name}: ${what}; ${next}`);
}
