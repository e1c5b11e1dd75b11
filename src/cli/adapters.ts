// Adapters on disk: a PEFT folder, a zip of one, or llama.cpp's GGUF file.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ADAPTER_CONFIG,
  ADAPTER_TENSORS,
  type Adapter,
  fitAdapter,
  readAdapter,
} from '../adapter/adapter.ts';
import { readAdapterGguf } from '../adapter/adapter-gguf.ts';
import { readAdapterZip } from '../adapter/adapter-zip.ts';
import { errorMessage, InputError } from '../base/errors.ts';
import { fileSource, type OpenedModel } from './models.ts';

/** An adapter, and the files of its PEFT folder; null where it is kept otherwise. */
export interface AdapterFiles {
  readonly adapter: Adapter;
  readonly peft: Readonly<Record<string, Uint8Array>> | null;
}

/** What files of a kind begin with. */
const GGUF_MAGIC = 'GGUF';
const ZIP_MAGIC = 'PK';

/**
 * Reads an adapter by path: a folder, a run's directory (its `adapter/`), a zip or a GGUF file.
 * @throws {InputError} when it cannot be read, {ModelFileError} when it is no adapter.
 */
export async function readAdapterAt(path: string): Promise<AdapterFiles> {
  try {
    if ((await stat(path)).isDirectory()) return fromPeft(await folderFiles(path));
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && 'syscall' in cause)) throw cause;
    throw new InputError(
      'adapter-open',
      `${path}: cannot be read (${errorMessage(cause)}); give a folder with ${ADAPTER_CONFIG} and ${ADAPTER_TENSORS}, a zip of one, or a GGUF file`,
      { cause },
    );
  }
  const source = await fileSource(path);
  const magic = new TextDecoder().decode(await source.read(0, Math.min(4, source.size)));
  if (magic === GGUF_MAGIC) return { adapter: await readAdapterGguf(source), peft: null };
  if (magic.startsWith(ZIP_MAGIC)) {
    return fromPeft(readAdapterZip(await source.read(0, source.size), source.name));
  }
  throw new InputError(
    'adapter-open',
    `${path}: got a file that begins with ${JSON.stringify(magic)}, need a GGUF or a zip file, or a PEFT folder`,
  );
}

function fromPeft(peft: Record<string, Uint8Array>): AdapterFiles {
  return { adapter: readAdapter(peft), peft };
}

async function folderFiles(folder: string): Promise<Record<string, Uint8Array>> {
  const names = await readdir(folder);
  const own = [ADAPTER_CONFIG, ADAPTER_TENSORS].filter((name) => names.includes(name));
  if (own.length === 0 && names.includes('adapter')) return folderFiles(join(folder, 'adapter'));
  const files: Record<string, Uint8Array> = {};
  for (const name of own) files[name] = new Uint8Array(await readFile(join(folder, name)));
  return files;
}

/** Reads an adapter for a model, after checking that it belongs to it. */
export async function openAdapter(path: string, model: OpenedModel): Promise<Adapter> {
  const { adapter } = await readAdapterAt(path);
  return fitAdapter(adapter, model.config, model.hash);
}
