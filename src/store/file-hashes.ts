// SHA-256 of a model's files, all in one reading. Must not know what is in them.
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { DirectoryHandle } from './directory.ts';
import type { HashedBytes } from './model-files.ts';
import { openRandomFile } from './random-file.ts';

const READ_BYTES = 4 * 1024 * 1024;

export interface FileHashes {
  /** Of the files one after the other: the hash that the model is known by. */
  whole: string;
  /** By the name of the file. */
  each: ReadonlyMap<string, string>;
}

/**
 * The hashes of files of a folder, lower-case hex. They go through one buffer, since engines collect buffers
 * late. @param onBytes hears how far it is.
 * @throws {StoreError} when another tab writes one of them.
 */
export async function hashFiles(
  folder: DirectoryHandle,
  { names, count: known, tail }: HashedBytes,
  { signal, onBytes }: { signal: AbortSignal; onBytes: (doneBytes: number) => void },
): Promise<FileHashes> {
  const buffer = new Uint8Array(READ_BYTES);
  const whole = sha256.create();
  const each = new Map<string, string>();
  let done = 0;
  for (const [i, name] of names.entries()) {
    const own = names.length === 1 ? null : sha256.create();
    const file = await openRandomFile(await folder.getFileHandle(name), name);
    try {
      for (let offset = 0; ; ) {
        signal.throwIfAborted();
        const count = await file.readInto(offset, buffer);
        if (count === 0) break;
        const bytes = buffer.subarray(0, count);
        if (i < known) whole.update(bytes);
        own?.update(bytes);
        offset += count;
        done += count;
        onBytes(done);
        // A synchronous read is no pause: calls that came meanwhile, a cancel among them, are heard here.
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    } finally {
      await file.close();
    }
    if (own !== null) each.set(name, bytesToHex(own.digest()));
  }
  const hash = bytesToHex(whole.update(tail).digest());
  const [only] = names;
  if (names.length === 1 && only !== undefined) each.set(only, hash);
  return { whole: hash, each };
}
