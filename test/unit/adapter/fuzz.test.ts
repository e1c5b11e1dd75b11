import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ADAPTER_CONFIG,
  ADAPTER_TENSORS,
  type Adapter,
  fitAdapter,
  readAdapter,
} from '../../../src/adapter/adapter.ts';
import { readAdapterGguf, writeAdapterGguf } from '../../../src/adapter/adapter-gguf.ts';
import { readAdapterZip, writeAdapterZip } from '../../../src/adapter/adapter-zip.ts';
import { ModelFileError } from '../../../src/base/errors.ts';
import { bytesSource } from '../../../src/weights/byte-source.ts';
import { readGguf } from '../../../src/weights/gguf.ts';
import { modelConfig } from '../../../src/weights/model-config.ts';
import { damage, mutations } from '../../support/mutations.ts';
import { goldenBytes, goldenSource } from '../weights/golden.ts';

const SEED = 4711;
const RUNS = 1000;
const TIMEOUT_MS = 120_000;
const NAME = 'f';

const FILES = {
  [ADAPTER_CONFIG]: goldenBytes(`f32.adapter/${ADAPTER_CONFIG}`),
  [ADAPTER_TENSORS]: goldenBytes(`f32.adapter/${ADAPTER_TENSORS}`),
};
const GGUF = writeAdapterGguf(readAdapter(FILES), { architecture: 'qwen3', name: 'a' });
const BODY_BYTES =
  4 * [...readAdapter(FILES).matrices.values()].reduce((n, { a, b }) => n + a.length + b.length, 0);
const ZIP = writeAdapterZip(FILES);

const READERS: readonly [
  string,
  Uint8Array,
  number,
  (bytes: Uint8Array<ArrayBuffer>) => Adapter | Promise<Adapter>,
][] = [
  [
    'GGUF file',
    GGUF,
    GGUF.length - BODY_BYTES,
    (bytes) => readAdapterGguf(bytesSource(bytes, NAME)),
  ],
  ['zip', ZIP, ZIP.length, (bytes) => readAdapter(readAdapterZip(bytes, NAME))],
  [
    'configuration',
    FILES[ADAPTER_CONFIG],
    FILES[ADAPTER_CONFIG].length,
    (bytes) => readAdapter({ ...FILES, [ADAPTER_CONFIG]: bytes }),
  ],
];

describe.each(READERS)('a damaged %s', (_, whole, end, read) => {
  test('is refused in one line, or is an adapter', { timeout: TIMEOUT_MS }, async () => {
    const config = modelConfig(await readGguf(goldenSource('f32.gguf')));
    const seen = { good: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(mutations, async (list) => {
        try {
          const adapter = await read(damage(whole, list, end));
          expect(adapter.matrices.size).toBeGreaterThan(0);
          expect(Number.isFinite(adapter.alpha) && adapter.alpha > 0).toBe(true);
          fitAdapter(adapter, config);
          seen.good += 1;
        } catch (error) {
          if (!(error instanceof ModelFileError)) throw error;
          expect(error.message).toMatch(/^.+; .+$/);
          expect(error.message.length).toBeLessThan(700);
          seen.refused += 1;
        }
      }),
      { seed: SEED, numRuns: RUNS },
    );
    expect(Math.min(seen.good, seen.refused)).toBeGreaterThan(RUNS / 50);
  });
});

test('an alpha beyond all numbers is refused', () => {
  const text = new TextDecoder()
    .decode(FILES[ADAPTER_CONFIG])
    .replace('"lora_alpha": 4.0', '"lora_alpha": 1e999');
  const files = { ...FILES, [ADAPTER_CONFIG]: new TextEncoder().encode(text) };
  expect(() => readAdapter(files)).toThrow('lora_alpha is Infinity, need a number above 0');
});
