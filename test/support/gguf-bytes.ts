// Writes GGUF v3 files with tensors of any type, also of types that src/ only reads.
// Must not know what a key or a tensor means.
import { typeOfName } from '../../src/weights/ggml-types.ts';
import { joinBytes } from '../../src/weights/gguf.ts';
import { GgufBytes, type GgufEntry } from '../../src/weights/gguf-values.ts';

const ALIGNMENT = 32;

/** A tensor to be written; `bytes` are in the encoding of `type`, `shape` is row-major. */
export interface StoredTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** The bytes of a file; metadata must not set another alignment than 32. */
export function ggufBytes(
  metadata: ReadonlyMap<string, GgufEntry>,
  tensors: readonly StoredTensor[],
): Uint8Array<ArrayBuffer> {
  const header = new GgufBytes();
  header.u32(0x46554747);
  header.u32(3);
  header.u64(tensors.length);
  header.u64(metadata.size);
  for (const [key, entry] of metadata) {
    header.string(key);
    header.entry(entry);
  }
  let offset = 0;
  const bodies: Uint8Array[] = [];
  for (const { name, shape, type, bytes } of tensors) {
    const id = typeOfName(type)?.id;
    if (id === undefined) throw new Error(`${name}: no type ${type}`);
    header.string(name);
    header.u32(shape.length);
    for (const size of [...shape].reverse()) header.u64(size);
    header.u32(id);
    header.u64(offset);
    const body = new Uint8Array(Math.ceil(bytes.length / ALIGNMENT) * ALIGNMENT);
    body.set(bytes);
    bodies.push(body);
    offset += body.length;
  }
  header.pad(ALIGNMENT);
  return joinBytes([header.finish(), ...bodies]);
}
