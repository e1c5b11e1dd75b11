// The engine's logits against those that a reference implementation wrote for the same model files.
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { uploadAdapter } from '../../src/engine/adapter-weights.ts';
import { MAX_SAMPLES } from '../../src/engine/decoder.ts';
import { GOLDEN_CASES, goldenAdapter, goldenEngine, goldenPath } from '../support/golden-engine.ts';

interface LogitsCase {
  ids: number[];
  with_adapter: boolean;
  argmax: number[];
  last: number[];
}

const SHARDS = [
  { shards: 'the largest shards', shardBytes: undefined },
  { shards: 'shards of 64 KiB', shardBytes: 64 * 1024 },
];

describe.each(GOLDEN_CASES)('$model, $family family', ({ model: name, family }) => {
  it.each(SHARDS)(
    'logits and arg-max, with and without its adapter, $shards',
    async ({ shardBytes }) => {
      const golden = JSON.parse(await readFile(goldenPath(`${name}.json`), 'utf8'));
      const cases: LogitsCase[] = golden.logits;
      const { gpu, model, decoder } = await goldenEngine(name, { shardBytes, family });
      const adapter = uploadAdapter(gpu, await goldenAdapter(name));
      const V = model.config.vocab;
      let [same, positions] = [0, 0];
      for (const [i, { ids, with_adapter, argmax, last }] of cases.entries()) {
        decoder.setAdapter(with_adapter ? adapter : null);
        const sequence = decoder.cache.open(`case-${i}`, ids);
        if (sequence === null) throw new Error('no slot');
        decoder.cache.reserve(sequence, ids.length);
        for (let from = 0; from < ids.length; from += MAX_SAMPLES) {
          const part = ids.slice(from, from + MAX_SAMPLES);
          const rows = part.map((id, t) => ({ id, slot: sequence.slot, position: from + t }));
          const greedy = { seed: 0, temperature: 0, topK: 0, topP: 1 };
          const samples = part.map((_, row) => ({ row, position: from + row + 1, ...greedy }));
          const { ids: best } = await decoder.step(rows, samples, 'prefill');
          best.forEach((id, t) => {
            same += id === argmax[from + t] ? 1 : 0;
          });
        }
        const count = ids.length % MAX_SAMPLES || MAX_SAMPLES;
        const got = (await decoder.readLogits(count)).slice((count - 1) * V);
        const largest = Math.max(...last.map(Math.abs));
        const worst = Math.max(...last.map((value, v) => Math.abs(value - (got[v] ?? Number.NaN))));
        expect(worst / largest, `case ${i}`).toBeLessThan(1e-4);
        positions += ids.length;
      }
      expect(new Set(cases.map((one) => one.with_adapter)).size).toBe(2);
      expect(same / positions).toBeGreaterThanOrEqual(0.97);
    },
  );
});
