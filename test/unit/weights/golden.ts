// Golden model files for the unit tests of this folder and its neighbours.
import { readFileSync } from 'node:fs';
import { type ByteSource, bytesSource } from '../../../src/weights/byte-source.ts';

const FOLDER = new URL('../../golden/data/', import.meta.url);

/** The bytes of a file in test/golden/data. */
export function goldenBytes(path: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(new URL(path, FOLDER)));
}

/** The same as a source. */
export function goldenSource(path: string): ByteSource {
  return bytesSource(goldenBytes(path), path);
}
