import { describe, expect, it } from 'vitest';
import { ByteReader } from '../../../src/base/byte-reader.ts';

const BYTES = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);

/** A stream that gives buffers of its own and no others. */
function plain(): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(BYTES.slice(at, at + 300));
      at += 300;
      if (at >= BYTES.length) controller.close();
    },
  });
}

describe('a reader of bytes', () => {
  it.each([
    ['of a Blob, through one buffer', () => new Blob([BYTES]).stream(), 64],
    ['of a stream that has buffers of its own', plain, 300],
  ])('%s: every byte once', async (_, open, most) => {
    const reader = new ByteReader(open(), 64);
    const all: number[] = [];
    const buffers = new Set<number>();
    for (let piece = await reader.read(); piece !== undefined; piece = await reader.read()) {
      buffers.add(piece.buffer.byteLength);
      expect(piece.length).toBeLessThanOrEqual(most);
      all.push(...piece);
    }
    expect(all).toEqual([...BYTES]);
    expect(Math.max(...buffers)).toBe(most);
    expect(await reader.read()).toBeUndefined();
  });
});
