// What the settings of `algorithm` do to a whole run.
import { beforeAll, describe, expect, it } from 'vitest';
import { experimentSchema } from '../../../src/trajectory/experiment.ts';
import { traceSchema } from '../../../src/trajectory/trace.ts';
import type { Bigram } from '../../support/bigram.ts';
import { GRPO, runWith, sha, taughtModel } from '../../support/lab-case.ts';
import { MemoryRunStore } from '../../support/memory-run-store.ts';

let taught: Bigram;
beforeAll(async () => {
  taught = await taughtModel();
});

describe('overlong', () => {
  it('punishes overlong episodes in what it trains, and says so on the trace', async () => {
    const run = async (algorithm: object) => {
      const store = new MemoryRunStore();
      const experiment = experimentSchema.parse({
        ...GRPO,
        algorithm: { ...GRPO.algorithm, ...algorithm },
        steps: 1,
      });
      const model = taught.copy();
      const [metrics] = await runWith(experiment, model, store);
      const traces = store.logs.trajectories.map((line) => traceSchema.parse(JSON.parse(line)));
      return { metrics, traces, weights: sha(Object.values(await model.checkpoint())[0] ?? '') };
    };
    const plain = await run({});
    const punished = await run({ overlong: { limit: 60, buffer: 40, penalty: 2 } });
    expect(plain.traces.some((trace) => 'overlong' in trace)).toBe(false);
    const penalties = punished.traces.map((trace) => trace.overlong ?? Number.NaN);
    punished.traces.forEach(({ segments }, i) => {
      const length = segments.flatMap(({ sampled, ids }) => (sampled ? ids : [])).length;
      expect(penalties[i]).toBeCloseTo(-2 * Math.min(1, Math.max(0, (length - 20) / 40)), 12);
    });
    expect(Math.min(...penalties)).toBeLessThan(0);
    // The same episodes, and the same reward for what they did; only what is trained differs.
    expect(punished.traces.map(({ overlong: _, ...trace }) => trace)).toEqual(plain.traces);
    expect(punished.metrics?.reward).toBe(plain.metrics?.reward);
    expect(punished.weights).not.toBe(plain.weights);
  });
});
