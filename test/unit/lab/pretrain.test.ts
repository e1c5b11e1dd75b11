import { describe, expect, it } from 'vitest';
import { runPretrain } from '../../../src/lab/pretrain.ts';
import { pretrainSchema } from '../../../src/trajectory/experiment.ts';
import { collect, episodes, fresh, remains } from '../../support/lab-case.ts';
import { MemoryRunStore } from '../../support/memory-run-store.ts';

describe('pretrain', () => {
  const experiment = pretrainSchema.parse({
    v: 1,
    name: 'from nothing',
    seed: 2,
    modes: { eager: 0.3, isl: 0.3, itl: 0.4 },
    phases: [
      { kind: 'primer', tokens: 900, tokensPerStep: 300, lossOn: 'policy' },
      { kind: 'episodes', tokens: 4000, tokensPerStep: 1200, lossOn: 'all' },
    ],
    optimiser: { learningRate: 20, clipNorm: 0, warmupSteps: 2, schedule: 'cosine' },
    checkpointEvery: 2,
  });
  const run = (store: MemoryRunStore, resume = false) =>
    collect(runPretrain({ experiment, runtime: { ...episodes, trainer: fresh() }, store, resume }));

  it('goes through its phases, and goes on after a death with the same bytes', async () => {
    const whole = new MemoryRunStore();
    const metrics = await run(whole);
    const lines = whole.logs.metrics.map((line) => JSON.parse(line));
    expect(lines.map((line) => line.phase)).toEqual(
      lines.map((line) => line.phase).toSorted((a, b) => a - b),
    );
    expect(new Set(lines.map((line) => line.phase))).toEqual(new Set([0, 1]));
    expect(lines.at(-1).seen).toBeGreaterThanOrEqual(4900);
    expect(lines[0].learningRate).toBe(10);
    // The keys of earlier versions stand where they stood; those of health follow.
    expect(Object.keys(lines[0]).slice(10, 16)).toEqual([
      ...['tokens', 'phase', 'seen', 'learningRate', 'rewardStd', 'clipFraction'],
    ]);
    expect(metrics[2]?.loss ?? Number.NaN).toBeLessThan(metrics[0]?.loss ?? 0);
    expect([...whole.files.keys()]).toEqual(['experiment.json', 'weights.f64']);
    for (const dieAt of [2, 5, 7, 8, 12]) {
      const store = new MemoryRunStore();
      store.dieAt = dieAt;
      await expect(run(store)).rejects.toThrow('the process died');
      store.dieAt = Number.POSITIVE_INFINITY;
      await run(store, true);
      expect(remains(store)).toEqual(remains(whole));
    }
  });
});
