// What is kept of a model in OPFS: `models/NAME/` holds its files and `model.json`, the record of them. Reading a model
// needs no more than this, in any thread.
import { z } from 'zod';
import { ModelFileError, StoreError } from '../base/errors.ts';
import { type ByteSource, blobSource } from '../weights/byte-source.ts';
import type { GgufFile } from '../weights/gguf.ts';
import { QUANTISE } from '../weights/quantised-tensor.ts';
import {
  type DirectoryHandle,
  findFolder,
  isNotFound,
  readFileAt,
  writeFileAt,
} from './directory.ts';
import { openModelFiles } from './model-files.ts';

const MODELS = 'models';
const RECORD = 'model.json';

const recordSchema = z.object({
  v: z.literal(1),
  name: z.string(),
  origin: z.object({
    kind: z.enum(['file', 'url']),
    /** An address, `owner/name/file.gguf`, or the name of a local file. */
    text: z.string(),
  }),
  files: z
    .array(
      z.object({
        name: z.string(),
        /** Null for a local file. */
        url: z.string().nullable(),
        sizeBytes: z.number().nullable(),
        sha256: z.string().nullable(),
      }),
    )
    .min(1),
  /** What the matrices of safetensors become as they are read. */
  quantise: z.enum(QUANTISE).optional(),
  /** Null while files are missing. */
  complete: z.object({ sizeBytes: z.number(), hash: z.string() }).nullable(),
  /** Milliseconds since 1970. */
  addedAt: z.number(),
});
export type ModelRecord = z.infer<typeof recordSchema>;

/** The folder of all models. */
export function modelsFolder(
  root: DirectoryHandle,
  { create }: { create: boolean },
): Promise<DirectoryHandle | null> {
  return create ? root.getDirectoryHandle(MODELS, { create }) : findFolder(root, [MODELS]);
}

export function writeRecord(folder: DirectoryHandle, record: ModelRecord): Promise<void> {
  return writeFileAt(folder, RECORD, new TextEncoder().encode(JSON.stringify(record)));
}

/** The record of a model's folder; null when it has none that can be read. */
export async function readRecord(folder: DirectoryHandle): Promise<ModelRecord | null> {
  const bytes = await readFileAt(folder, RECORD);
  if (bytes === null) return null;
  try {
    const parsed = recordSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
    return parsed.success ? parsed.data : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** A model's files, in order, to be read in place. */
export async function recordSources(
  folder: DirectoryHandle,
  record: ModelRecord,
): Promise<ByteSource[]> {
  const sources: ByteSource[] = [];
  for (const { name } of record.files) {
    try {
      sources.push(blobSource(await (await folder.getFileHandle(name)).getFile(), name));
    } catch (cause) {
      if (!isNotFound(cause)) throw cause;
      throw new StoreError(
        'model-file',
        `model ${record.name}: ${name} is not in the store any more; delete the model and add it ` +
          'again',
        { cause },
      );
    }
  }
  return sources;
}

/**
 * Opens a model of the store; nothing is read but its header.
 * @throws {ModelFileError} when there is none of this name, or it is not whole.
 */
export async function openStoredModel(
  root: DirectoryHandle,
  name: string,
): Promise<{ file: GgufFile; hash: string }> {
  const folder = await findFolder(root, [MODELS, name]);
  const record = folder === null ? null : await readRecord(folder);
  if (folder === null || record === null) {
    throw new ModelFileError(
      'no-model',
      `model ${name}: there is none of this name in the store; add it on the Models page`,
    );
  }
  if (record.complete === null) {
    throw new ModelFileError(
      'model-unfinished',
      `model ${name}: it has not come whole yet; go on with its download on the Models page`,
    );
  }
  const file = await openModelFiles(await recordSources(folder, record), record);
  return { file, hash: record.complete.hash };
}
