// An adapter in its other forms: merged into its model, and as the files that are exported. What the engine computes
// must be what it computes with the adapter beside the model.
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Adapter } from '../../src/adapter/adapter.ts';
import { readAdapterGguf, writeAdapterGguf } from '../../src/adapter/adapter-gguf.ts';
import { type MergeType, mergeModel } from '../../src/adapter/merge-model.ts';
import { defined } from '../../src/base/assert.ts';
import { uploadAdapter } from '../../src/engine/adapter-weights.ts';
import { bytesSource } from '../../src/weights/byte-source.ts';
import { joinBytes, readGguf } from '../../src/weights/gguf.ts';
import { goldenAdapter, goldenEngine, goldenPath } from '../support/golden-engine.ts';
import { testGpu } from '../support/gpu.ts';
import { logSoftmax, openOwnModel } from '../support/own-model.ts';

interface LogitsCase {
  ids: number[];
  with_adapter: boolean;
  last: number[];
}

async function casesOf(name: string): Promise<LogitsCase[]> {
  const golden = JSON.parse(await readFile(goldenPath(`${name}.json`), 'utf8'));
  const cases: LogitsCase[] = golden.logits;
  return cases.filter(({ with_adapter }) => with_adapter);
}

async function merged(name: string, type?: MergeType): Promise<Uint8Array<ArrayBuffer>> {
  const base = await readGguf(
    bytesSource(new Uint8Array(await readFile(goldenPath(`${name}.gguf`)))),
  );
  const pieces: Uint8Array[] = [];
  const plan = mergeModel(base, await goldenAdapter(name), { type });
  for await (const piece of plan.pieces()) pieces.push(piece);
  return joinBytes(pieces);
}

/** Log-probabilities of the last position of each case on a model file without an adapter. */
async function logprobsOf(
  bytes: Uint8Array<ArrayBuffer>,
  cases: readonly LogitsCase[],
): Promise<Float64Array[]> {
  const own = await openOwnModel(await testGpu(), bytes);
  const answers = await own.logprobs(cases.map(({ ids }) => ({ ids, last: 1 })));
  own.close();
  return answers.map(([first]) => defined(first, 'position'));
}

/** The same of the golden model with an adapter beside it. */
async function unmerged(
  name: string,
  adapter: Adapter | null,
  cases: readonly LogitsCase[],
): Promise<Float64Array[]> {
  const { gpu, decoder } = await goldenEngine(name);
  decoder.setAdapter(adapter === null ? null : uploadAdapter(gpu, adapter));
  const V = decoder.model.config.vocab;
  const out: Float64Array[] = [];
  for (const [i, { ids }] of cases.entries()) {
    const sequence = defined(decoder.cache.open(`case-${i}`, ids), 'slot');
    decoder.cache.reserve(sequence, ids.length);
    const rows = ids.map((id, position) => ({ id, slot: sequence.slot, position }));
    const greedy = { seed: 0, temperature: 0, topK: 0, topP: 1 };
    await decoder.step(rows, [{ row: ids.length - 1, position: ids.length, ...greedy }], 'prefill');
    out.push(logSoftmax((await decoder.readLogits(1)).slice(0, V)));
  }
  decoder.free();
  return out;
}

/** The largest difference, relative to the largest of the second. */
function relative(got: readonly Float64Array[], want: readonly Float64Array[]): number {
  let [worst, largest] = [0, 0];
  want.forEach((list, i) => {
    list.forEach((value, id) => {
      const error = Math.abs(value - (got[i]?.[id] ?? Number.NaN));
      if (!(error <= worst)) worst = error;
      largest = Math.max(largest, Math.abs(value));
    });
  });
  return worst / largest;
}

describe('f32', () => {
  let cases: LogitsCase[];
  beforeAll(async () => {
    cases = await casesOf('f32');
  });

  it('merged is unmerged, and what the reference says', async () => {
    const [alone, beside] = [
      await logprobsOf(await merged('f32'), cases),
      await unmerged('f32', await goldenAdapter('f32'), cases),
    ];
    expect(relative(alone, beside)).toBeLessThan(1e-4);
    const golden = cases.map(({ last }) => logSoftmax(last));
    expect(relative(alone, golden)).toBeLessThan(1e-4);
    const off = await unmerged('f32', null, cases);
    expect(relative(off, golden)).toBeGreaterThan(1e-2);
  });

  it('merged with rsLoRA is unmerged with it', async () => {
    const adapter = { ...(await goldenAdapter('f32')), rslora: true };
    const base = await readGguf(
      bytesSource(new Uint8Array(await readFile(goldenPath('f32.gguf')))),
    );
    const pieces: Uint8Array[] = [];
    for await (const piece of mergeModel(base, adapter).pieces()) pieces.push(piece);
    const alone = await logprobsOf(joinBytes(pieces), cases);
    const beside = await unmerged('f32', adapter, cases);
    expect(relative(alone, beside)).toBeLessThan(1e-4);
    expect(relative(await logprobsOf(await merged('f32'), cases), beside)).toBeGreaterThan(1e-3);
  });
});

describe('as a GGUF file', () => {
  it.each(['q8_0', 'llama'])('the adapter of %s computes the same bits', async (name) => {
    const cases = await casesOf(name);
    const adapter = await goldenAdapter(name);
    const { model } = await goldenEngine(name);
    const { architecture } = model.config;
    const bytes = writeAdapterGguf(adapter, { architecture, name });
    const back = await readAdapterGguf(bytesSource(bytes));
    expect(await unmerged(name, back, cases)).toEqual(await unmerged(name, adapter, cases));
  });
});

/**
 * How far a merged model may be from the adapter beside its base, as a share of the largest log-probability: its weights
 * are rounded once more. Seen: 5e-4 for F16, 0.012 for Q8_0, 0.18 for Q4_0, 9e-7 for F32; the golden adapters are large.
 */
const BOUNDS = { F32: 1e-5, F16: 2e-3, Q8_0: 0.03, Q4_0: 0.4 } as const;
/** The types that merged matrices have, K-quants as Q8_0. */
const ROUNDED: readonly (readonly [name: string, becomes: MergeType, type?: MergeType])[] = [
  ['q8_0', 'Q8_0'],
  ['q4_0', 'Q4_0'],
  ['q4_k_m', 'Q8_0'],
  ['q8_0', 'F32', 'F32'],
  ['q8_0', 'F16', 'F16'],
  ['llama', 'F32', 'F32'],
];

describe('rounded', () => {
  it.for(ROUNDED)(
    '%s, merged to %s, loads and computes about the same',
    async (row, { annotate }) => {
      const [name, becomes, type] = row;
      const cases = (await casesOf(name)).slice(0, 1);
      const alone = await logprobsOf(await merged(name, type), cases);
      const beside = await unmerged(name, await goldenAdapter(name), cases);
      const off = relative(alone, beside);
      await annotate(`differ by ${off} of the largest`);
      expect(off).toBeLessThan(BOUNDS[becomes]);
    },
  );
});
