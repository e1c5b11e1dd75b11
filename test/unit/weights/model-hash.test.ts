import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { bytesSource } from '../../../src/weights/byte-source.ts';
import { modelHash } from '../../../src/weights/model-hash.ts';

test('is SHA-256 of the whole file', async () => {
  // FIPS 180-2, appendix B.1: the digest of "abc".
  const digest = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  expect(await modelHash(bytesSource(new TextEncoder().encode('abc')))).toBe(digest);
});

test('several files are hashed as if they were one, in their order', async () => {
  const encode = (text: string) => bytesSource(new TextEncoder().encode(text));
  const digest = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  expect(await modelHash([encode('a'), encode(''), encode('bc')])).toBe(digest);
  expect(await modelHash([encode('bc'), encode('a')])).not.toBe(digest);
});

test('reads a long file in pieces and asks for each byte once', async () => {
  const size = 9 * 1024 * 1024 + 5;
  const asked: [number, number][] = [];
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 1000) bytes[at] = at / 1000;
  const source = {
    name: 'long',
    size,
    read: async (offset: number, length: number) => {
      asked.push([offset, length]);
      return bytes.subarray(offset, offset + length);
    },
  };
  const expected = createHash('sha256').update(bytes).digest('hex');
  expect(await modelHash(source)).toBe(expected);
  expect(asked).toEqual([
    [0, 4194304],
    [4194304, 4194304],
    // 9437189 - 8388608
    [8388608, 1048581],
  ]);
});
