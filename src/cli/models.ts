// Model files on disk: by path, or by the name of a shipped model.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorMessage, ModelFileError } from '../base/errors.ts';
import { SHIPPED_MODELS } from '../base/shipped-models.ts';
import { type Tokenizer, tokenizerFromMetadata } from '../tokenizer/tokenizer.ts';
import { type ByteSource, bytesSource } from '../weights/byte-source.ts';
import { type GgufFile, readGguf } from '../weights/gguf.ts';
import { parseShardName, readGgufShards, shardNames } from '../weights/gguf-shards.ts';
import { type ModelConfig, modelConfig } from '../weights/model-config.ts';
import { modelHash } from '../weights/model-hash.ts';
import type { Quantise } from '../weights/quantised-tensor.ts';
import { hashedFiles, readSafetensorsModel } from '../weights/safetensors-model.ts';

/** The folder of package.json, from the source and from the built bundle alike. */
export function projectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder)
    folder = dirname(folder);
  return folder;
}

/** The path of a model that was named on the command line. */
export function modelPath(name: string): string {
  const shipped = SHIPPED_MODELS.some((known) => known === name);
  return shipped ? join(projectRoot(), 'public', 'models', `${name}.gguf`) : name;
}

/** A file as a byte source. @throws {ModelFileError} when it cannot be opened. */
export async function fileSource(path: string): Promise<ByteSource> {
  try {
    const status = await stat(path);
    if (!status.isFile()) throw new Error('it is not a file');
    await (await open(path, 'r')).close();
    return {
      name: basename(path),
      size: status.size,
      read: (offset, length) => readRange(path, offset, length),
    };
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

async function readRange(
  path: string,
  offset: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  // Opened for each read: nobody would close a handle that lives as long as the source.
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  try {
    const { bytesRead } = await handle.read(bytes, 0, length, offset);
    if (bytesRead === length) return bytes;
    throw new ModelFileError(
      'file-truncated',
      `${path}: got ${bytesRead} bytes from ${offset} on, need ${length}; is this file whole?`,
      { data: { got: bytesRead, needed: length } },
    );
  } finally {
    await handle.close();
  }
}

function unreadable(path: string, cause: unknown): ModelFileError {
  return new ModelFileError(
    'model-open',
    `${path}: cannot be read (${errorMessage(cause)}); ` +
      'give the path of a GGUF file, of a folder with config.json, or nano or rookie',
    { cause },
  );
}

/** A model and the files by which it is known, in the order in which they are hashed. */
export interface ModelFiles {
  readonly file: GgufFile;
  readonly hashed: readonly ByteSource[];
}

/**
 * Opens a model by name or path: a GGUF file, one of its shards (all are opened), or a folder as
 * Hugging Face keeps it, whose matrices are quantised as they are read.
 * @throws {ModelFileError} when it cannot be read.
 */
export async function openModelFile(
  name: string,
  quantise: Quantise = 'Q8_0',
): Promise<ModelFiles> {
  const path = modelPath(name);
  const shard = parseShardName(basename(path));
  if (shard !== null) {
    // Only those that are there: the reader names the missing ones.
    const names = shardNames(shard).filter((sibling) => existsSync(join(dirname(path), sibling)));
    const found = names.length > 0 ? names : [basename(path)];
    const sources = await fileSources(dirname(path), found);
    return { file: await readGgufShards(sources), hashed: sources };
  }
  if (existsSync(join(path, 'config.json'))) return openFolder(path, quantise);
  const source = await fileSource(path);
  return { file: await readGguf(source), hashed: [source] };
}

async function openFolder(path: string, quantise: Quantise): Promise<ModelFiles> {
  const names = (await readdir(path)).filter((name) => /\.(json|jinja|safetensors)$/.test(name));
  const sources = await fileSources(path, names);
  const files = Object.fromEntries(sources.map((source) => [source.name, source]));
  const file = await readSafetensorsModel({ files, quantise, name: basename(resolve(path)) });
  // The same weights in another encoding are another model.
  const encoding = bytesSource(new TextEncoder().encode(quantise), 'quantise');
  return { file, hashed: [...(await hashedFiles(files)), encoding] };
}

async function fileSources(folder: string, names: readonly string[]): Promise<ByteSource[]> {
  return Promise.all(names.map((name) => fileSource(join(folder, name))));
}

export interface OpenedModel {
  readonly name: string;
  readonly path: string;
  readonly file: GgufFile;
  readonly config: ModelConfig;
  readonly hash: string;
}

/** Opens and checks a model file. @throws {ModelFileError} when it is not usable. */
export async function openModel(name: string, quantise?: Quantise): Promise<OpenedModel> {
  const { file, hashed } = await openModelFile(name, quantise);
  const config = modelConfig(file);
  const hash = await modelHash(hashed, createHash('sha256'));
  return { name, path: modelPath(name), file, config, hash };
}

/** The tokenizer in a model file. */
export function tokenizerOf(model: { file: GgufFile }): Tokenizer {
  return tokenizerFromMetadata(model.file.values);
}
