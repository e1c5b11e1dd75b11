// Model and adapter files on disk: by path, or by the name of a shipped model.
import { existsSync } from 'node:fs';
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Adapter, checkAdapter, readAdapter } from '../adapter/adapter.ts';
import { errorMessage, InputError, ModelFileError } from '../base/errors.ts';
import { type Tokenizer, tokenizerFromMetadata } from '../tokenizer/tokenizer.ts';
import type { ByteSource } from '../weights/byte-source.ts';
import { type GgufFile, readGguf } from '../weights/gguf.ts';
import { type ModelConfig, modelConfig, modelHash } from '../weights/model-config.ts';

export const SHIPPED_MODELS = ['nano', 'rookie'] as const;

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
      read: async (offset, length) => {
        const bytes = new Uint8Array(length);
        // Opened for each read: nobody would close a handle that lives as long as the source.
        const handle = await open(path, 'r');
        try {
          const { bytesRead } = await handle.read(bytes, 0, length, offset);
          return bytes.subarray(0, bytesRead);
        } finally {
          await handle.close();
        }
      },
    };
  } catch (cause) {
    throw new ModelFileError(
      'model-open',
      `${path}: cannot be read (${errorMessage(cause)}); give the path of a GGUF file, or nano or rookie`,
      { cause },
    );
  }
}

export interface OpenedModel {
  readonly name: string;
  readonly path: string;
  readonly file: GgufFile;
  readonly config: ModelConfig;
  readonly hash: string;
}

/** Opens and checks a model file. @throws {ModelFileError} when it is not usable. */
export async function openModel(name: string): Promise<OpenedModel> {
  const path = modelPath(name);
  const source = await fileSource(path);
  const file = await readGguf(source);
  return { name, path, file, config: modelConfig(file), hash: await modelHash(source) };
}

/** The tokenizer in a model file. */
export function tokenizerOf(model: { file: GgufFile }): Tokenizer {
  return tokenizerFromMetadata(model.file.values);
}

/** Reads a PEFT folder and checks that it belongs to the model. */
export async function openAdapter(folder: string, model: OpenedModel): Promise<Adapter> {
  const files: Record<string, Uint8Array> = {};
  try {
    for (const name of await readdir(folder)) {
      if (name.startsWith('adapter_')) files[name] = await readFile(join(folder, name));
    }
  } catch (cause) {
    throw new InputError(
      'adapter-open',
      `${folder}: cannot be read (${errorMessage(cause)}); give a folder with adapter_config.json and adapter_model.safetensors`,
      { cause },
    );
  }
  const adapter = readAdapter(files);
  checkAdapter(adapter, model.config, model.hash);
  return adapter;
}
