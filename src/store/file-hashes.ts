// SHA-256 of a model's files, all in one reading. Must not know what is in them.
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { type ByteSource, pieces } from '../weights/byte-source.ts';

const READ_BYTES = 4 * 1024 * 1024;

export interface FileHashes {
  /** Of all files one after the other: the hash that the model is known by. */
  whole: string;
  /** By file. */
  each: string[];
}

/** The hashes of files in order, lower-case hex. @param onBytes hears how far it is. */
export async function hashFiles(
  sources: readonly ByteSource[],
  { signal, onBytes }: { signal: AbortSignal; onBytes: (doneBytes: number) => void },
): Promise<FileHashes> {
  const whole = sha256.create();
  const each: string[] = [];
  let done = 0;
  for (const source of sources) {
    const own = sources.length === 1 ? null : sha256.create();
    for await (const bytes of pieces(source, READ_BYTES, signal)) {
      whole.update(bytes);
      own?.update(bytes);
      done += bytes.length;
      onBytes(done);
    }
    if (own !== null) each.push(bytesToHex(own.digest()));
  }
  const hash = bytesToHex(whole.digest());
  return { whole: hash, each: sources.length === 1 ? [hash] : each };
}
