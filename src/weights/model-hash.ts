// The hash by which a model is known. Must not know what is in its files.
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { type ByteSource, pieces } from './byte-source.ts';

/** What is in memory at a time. */
const READ_BYTES = 4 * 1024 * 1024;

/** A SHA-256 under way. */
export interface Hasher {
  update(bytes: Uint8Array): unknown;
  digest(): Uint8Array;
}

/**
 * SHA-256 of a file, or of several files one after the other, in lower-case hex. Of any size:
 * crypto.subtle digests one buffer only, so it is not used here.
 * @param hasher a faster one, where the platform has it.
 * @throws {ModelFileError} when a file cannot be read.
 */
export async function modelHash(
  files: ByteSource | readonly ByteSource[],
  hasher: Hasher = sha256.create(),
): Promise<string> {
  for (const source of 'read' in files ? [files] : files) {
    for await (const bytes of pieces(source, READ_BYTES)) hasher.update(bytes);
  }
  return bytesToHex(hasher.digest());
}
