// A real run of GRPO on a cache of f16, through the command line: the trainer rounds keys and values alike, so it agrees with
// what was sampled, and equal runs give equal bytes.
import { expect, it } from 'vitest';
import { killInSecondStep, output, RunFolder } from '../support/run-folder.ts';

const STEPS = 2;
const EXPERIMENT = {
  v: 1,
  name: 'a small run on a cache of f16',
  seed: 3,
  model: 'rookie',
  mode: 'itl',
  tasks: { split: 'train', toolspace: 'core', count: 40, seed: 11 },
  algorithm: { kind: 'grpo', tasksPerStep: 1, group: 4 },
  adapter: { rank: 8, alpha: 16 },
  optimiser: { learningRate: 0.001, beta2: 0.99 },
  sampling: { kv: 'f16' },
  limits: { calls: 6, resultCharacters: 1000, contextTokens: 400, turnTokens: 64 },
  steps: STEPS,
  checkpointEvery: 1,
};

it('agrees with what was sampled, and gives the same bytes when it is killed and goes on', async () => {
  const runs = await RunFolder.open(EXPERIMENT);
  await output(runs.train('whole'));
  const rows = await runs.metrics('whole');
  expect(rows.length).toBe(STEPS);
  const trained = rows.filter(({ gradNorm }) => gradNorm > 0);
  expect(trained.length).toBeGreaterThan(0);
  for (const { logprobGap, tokens } of trained) {
    expect(tokens).toBeGreaterThan(20);
    expect(logprobGap).toBeLessThan(1e-3);
  }
  await killInSecondStep(runs.train('killed'));
  expect((await runs.metrics('killed')).length).toBeLessThan(STEPS);
  await output(runs.train('killed', ['--resume']));
  await runs.expectSame('killed', 'whole');
  await runs.remove();
}, 600_000);
