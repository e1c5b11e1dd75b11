// What the files of a stored model are: GGUF, whole or in shards, or those of a Hugging Face folder with safetensors, which
// are quantised as they are read. Must not know where they lie.
import type { ByteSource } from '../weights/byte-source.ts';
import { type GgufFile, readGguf, readGgufHeader } from '../weights/gguf.ts';
import { readGgufShards } from '../weights/gguf-shards.ts';
import { modelConfig } from '../weights/model-config.ts';
import type { Quantise } from '../weights/quantised-tensor.ts';
import { readSafetensorsHeader } from '../weights/safetensors-header.ts';
import { hashedFiles, readSafetensorsModel } from '../weights/safetensors-model.ts';

/** What matrices of safetensors become unless something else was chosen. */
export const DEFAULT_QUANTISE: Quantise = 'Q8_0';

/** Files of a Hugging Face folder that a model needs, or may need. */
const FOLDER_FILE =
  /^((config|tokenizer|tokenizer_config|generation_config)\.json|chat_template\.jinja|model(-\d{5}-of-\d{5})?\.safetensors|model\.safetensors\.index\.json)$/;

export function isFolderFile(name: string): boolean {
  return FOLDER_FILE.test(name);
}

/** Whether these are the files of a folder with safetensors. */
export function isFolder(names: readonly string[]): boolean {
  return names.some((name) => name.endsWith('.safetensors'));
}

function byName(sources: readonly ByteSource[]): Record<string, ByteSource> {
  return Object.fromEntries(sources.map((source) => [source.name, source]));
}

/**
 * Opens a model: reads headers and JSON, no tensor.
 * @throws {ModelFileError} when they are no model that can be used.
 */
export function openModelFiles(
  sources: readonly ByteSource[],
  { name, quantise = DEFAULT_QUANTISE }: { name: string; quantise?: Quantise | undefined },
): Promise<GgufFile> {
  if (isFolder(sources.map((source) => source.name))) {
    return readSafetensorsModel({ files: byName(sources), quantise, name });
  }
  const [only] = sources;
  return sources.length === 1 && only !== undefined ? readGguf(only) : readGgufShards(sources);
}

/** Which bytes the hash of a model is of: its files in this order, the first `count` of them, then the `tail`. */
export interface HashedBytes {
  readonly names: readonly string[];
  readonly count: number;
  readonly tail: Uint8Array<ArrayBuffer>;
}

/** Of a folder: configuration and weights, and what they become, since in another encoding they are another model. */
export async function hashedBytes(
  sources: readonly ByteSource[],
  quantise: Quantise = DEFAULT_QUANTISE,
): Promise<HashedBytes> {
  const names = sources.map(({ name }) => name);
  if (!isFolder(names)) return { names, count: names.length, tail: new Uint8Array(0) };
  const known = (await hashedFiles(byName(sources))).map(({ name }) => name);
  const rest = names.filter((name) => !known.includes(name));
  const tail = new TextEncoder().encode(quantise);
  return { names: [...known, ...rest], count: known.length, tail };
}

/** What the bytes that came of one file so far can tell; of several GGUF files only whether each is one. */
export async function checkModelFile(source: ByteSource, files: number): Promise<void> {
  if (source.name.endsWith('.safetensors')) await readSafetensorsHeader(source);
  else if (isFolderFile(source.name)) return;
  else if (files === 1) modelConfig(await readGguf(source));
  else await readGgufHeader(source);
}
