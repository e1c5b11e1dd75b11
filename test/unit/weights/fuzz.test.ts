import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readSafetensors, writeSafetensors } from '../../../src/adapter/safetensors.ts';
import { ModelFileError } from '../../../src/base/errors.ts';
import { tokenizerFromMetadata } from '../../../src/tokenizer/tokenizer.ts';
import { type ByteSource, bytesSource } from '../../../src/weights/byte-source.ts';
import { joinBytes, readGguf, writeGguf } from '../../../src/weights/gguf.ts';
import {
  boolEntry,
  f32Entry,
  i32sEntry,
  stringEntry,
  stringsEntry,
  u32Entry,
} from '../../../src/weights/gguf-values.ts';
import { modelConfig } from '../../../src/weights/model-config.ts';
import { f32Bytes } from '../../../src/weights/quant.ts';
import { readSafetensorsHeader } from '../../../src/weights/safetensors-header.ts';
import { readSafetensorsModel } from '../../../src/weights/safetensors-model.ts';
import { hfFolder } from '../../support/hf-folder.ts';
import { damage, mutations } from '../../support/mutations.ts';

const SEED = 90210;
const RUNS = 10_000;
/** Model files and JSON are larger, and each run does more. */
const FEW_RUNS = 1000;
/** A run takes less than a millisecond; the rest is for a busy machine. */
const MAX_MS = 5000;
const TIMEOUT_MS = 120_000;
const NAME = 'f';
/** Where: what is wrong; what to do. */
const FORM = /^[\w.-]+: .{8,}; .{8,}$/;
/** The parts of a file; a message names one of them. */
const GGUF_FIELDS =
  /starts with 0x|version|number of|tensor|metadata|header|general\.|the length of|shards/;
const SAFETENSORS_FIELDS = /header|__metadata__|dtype|shape|data_offsets|bytes|starts at|an object/;
const ANY_FIELD = /[a-z]{3}/;

/** A file that refuses reads outside of it and counts what is asked for. */
function watched(bytes: Uint8Array<ArrayBuffer>): { source: ByteSource; asked: () => number } {
  let sum = 0;
  const inner = bytesSource(bytes, NAME);
  const source: ByteSource = {
    ...inner,
    read(offset, length) {
      expect(offset >= 0 && length >= 0 && offset + length <= bytes.length).toBe(true);
      sum += length;
      return inner.read(offset, length);
    },
  };
  return { source, asked: () => sum };
}

/** The value, or null after a refusal of the right kind; anything else fails the test. */
async function valueOrRefusal<T>(
  open: () => T | Promise<T>,
  fields = ANY_FIELD,
): Promise<T | null> {
  const started = performance.now();
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof ModelFileError)) throw error;
    expect(error.message).toMatch(FORM);
    expect(error.message).toMatch(fields);
    expect(error.message.length).toBeLessThan(600);
    return null;
  } finally {
    expect(performance.now() - started).toBeLessThan(MAX_MS);
  }
}

const GGUF = joinBytes(
  writeGguf({
    metadata: new Map([
      ['general.architecture', stringEntry('test')],
      ['general.alignment', u32Entry(32)],
      ['a.words', stringsEntry(['x', 'ü', '', 'longer'])],
      ['a.types', i32sEntry([1, -3, 4])],
      ['a.scale', f32Entry(0.5)],
      ['a.flag', boolEntry(true)],
      ['a.big', { type: 'U64', value: 5n }],
    ]),
    tensors: [
      { name: 'm', shape: [2, 3], type: 'F32', bytes: f32Bytes(new Float32Array(6)) },
      { name: 'blk.0.q', shape: [2, 32], type: 'Q8_0', bytes: new Uint8Array(68) },
      { name: 'v', shape: [4], type: 'F16', bytes: new Uint8Array(8) },
    ],
  }),
);
/** Three tensors of 32, 96 and 32 bytes with their padding follow the header. */
const GGUF_HEADER_BYTES = GGUF.length - 160;

describe('a damaged GGUF file', () => {
  test('is refused by name or is whole', { timeout: TIMEOUT_MS }, async () => {
    const seen = { good: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(mutations, async (list) => {
        const bytes = damage(GGUF, list, GGUF_HEADER_BYTES);
        const { source, asked } = watched(bytes);
        const file = await valueOrRefusal(() => readGguf(source), GGUF_FIELDS);
        expect(asked()).toBeLessThanOrEqual(bytes.length);
        if (file === null) {
          seen.refused++;
          return;
        }
        seen.good++;
        // An item of a list takes at least a byte of the file, a tensor at least 32.
        for (const value of Object.values(file.values)) {
          if (Array.isArray(value)) expect(value.length).toBeLessThan(bytes.length);
        }
        expect(file.tensors.length * 32).toBeLessThan(Math.max(bytes.length, 1));
        for (const { name, sizeBytes } of file.tensors) {
          expect((await file.readTensor(name)).length).toBe(sizeBytes);
        }
      }),
      { seed: SEED, numRuns: RUNS },
    );
    // Both happen: the damage is neither harmless nor always fatal.
    expect(Math.min(seen.good, seen.refused)).toBeGreaterThan(RUNS / 50);
  });

  test('never gets a model or a tokenizer to fail otherwise', { timeout: TIMEOUT_MS }, async () => {
    const { gguf } = hfFolder({ architecture: 'qwen3', dtype: 'BF16', seed: SEED });
    const bytes = await gguf.read(0, gguf.size);
    const file = await readGguf(gguf);
    const body = file.tensors.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    await fc.assert(
      fc.asyncProperty(mutations, async (list) => {
        const damaged = bytesSource(damage(bytes, list, bytes.length - body), NAME);
        const opened = await valueOrRefusal(() => readGguf(damaged));
        if (opened === null) return;
        await valueOrRefusal(() => modelConfig(opened));
        await valueOrRefusal(() => tokenizerFromMetadata(opened.values));
      }),
      { seed: SEED, numRuns: FEW_RUNS },
    );
  });
});

const SAFETENSORS = writeSafetensors(
  [
    { name: 'a.weight', shape: [2, 3], values: new Float32Array(6) },
    { name: 'b.weight', shape: [4], values: new Float32Array(4) },
    { name: 'none', shape: [0, 7], values: new Float32Array(0) },
  ],
  { format: 'pt', more: 'x' },
);
const SAFETENSORS_HEADER_BYTES = SAFETENSORS.length - 40;
/** JSON in the place of a number of the header. */
const REPLACEMENTS = [
  '0',
  '-1',
  '1.5',
  '1e308',
  '1e999',
  '9007199254740993',
  '4294967296',
  'null',
].concat(['[]', '{}', '"x"', '[[]]', `${'['.repeat(20_000)}${']'.repeat(20_000)}`, '']);

/** Replaces the n-th number of the header and sets its length anew. */
function withNumber(n: number, replacement: string): Uint8Array<ArrayBuffer> {
  const text = new TextDecoder().decode(SAFETENSORS.subarray(8, SAFETENSORS_HEADER_BYTES));
  const numbers = [...text.matchAll(/(?<=[[,])\d+/g)];
  const at = numbers[n % numbers.length];
  const start = at?.index ?? 0;
  const json = new TextEncoder().encode(
    text.slice(0, start) + replacement + text.slice(start + (at?.[0].length ?? 0)),
  );
  const length = new Uint8Array(new BigUint64Array([BigInt(json.length)]).buffer);
  return joinBytes([length, json, SAFETENSORS.subarray(SAFETENSORS_HEADER_BYTES)]);
}

describe('a damaged safetensors file', () => {
  const damaged = fc.oneof(
    {
      weight: 3,
      arbitrary: mutations.map((m) => damage(SAFETENSORS, m, SAFETENSORS_HEADER_BYTES)),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.nat(), fc.constantFrom(...REPLACEMENTS))
        .map(([n, replacement]) => withNumber(n, replacement)),
    },
  );

  test('is refused by name or is whole', { timeout: TIMEOUT_MS }, async () => {
    const seen = { good: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(damaged, async (bytes) => {
        const { source, asked } = watched(bytes);
        const header = await valueOrRefusal(
          () => readSafetensorsHeader(source),
          SAFETENSORS_FIELDS,
        );
        expect(asked()).toBeLessThanOrEqual(bytes.length);
        const file = await valueOrRefusal(() => readSafetensors(bytes, NAME));
        expect(file === null).toBe(header === null);
        if (header === null) {
          seen.refused++;
          return;
        }
        seen.good++;
        // A tensor takes at least 40 bytes of the header.
        expect(header.tensors.length * 40).toBeLessThan(bytes.length);
        for (const { offset, sizeBytes } of header.tensors) {
          expect(offset + sizeBytes).toBeLessThanOrEqual(bytes.length);
        }
      }),
      { seed: SEED, numRuns: RUNS },
    );
    expect(Math.min(seen.good, seen.refused)).toBeGreaterThan(RUNS / 50);
  });

  test('and damaged JSON beside it are refused by name', { timeout: TIMEOUT_MS }, async () => {
    const { folder } = hfFolder({ architecture: 'llama', dtype: 'BF16', seed: SEED, shards: 2 });
    const contents = new Map<string, Uint8Array<ArrayBuffer>>();
    for (const [name, source] of Object.entries(folder)) {
      contents.set(name, await source.read(0, source.size));
    }
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...contents.keys()), mutations, async (name, list) => {
        const bytes = contents.get(name) ?? new Uint8Array(0);
        // The headers of these shards are shorter than 4000 bytes.
        const end = name.endsWith('.safetensors') ? 4000 : bytes.length;
        const files = { ...folder, [name]: bytesSource(damage(bytes, list, end), name) };
        const quantise = 'Q8_0' as const;
        const opened = await valueOrRefusal(() => readSafetensorsModel({ files, quantise }));
        if (opened === null) return;
        await valueOrRefusal(() => modelConfig(opened));
        await valueOrRefusal(() => tokenizerFromMetadata(opened.values));
      }),
      { seed: SEED, numRuns: FEW_RUNS },
    );
  });
});
