// A real run of GRPO through the command line: rollouts of rookie over MCP, rewards, LoRA updates. Equal runs give equal
// bytes, also when one is killed and goes on.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { traceSchema } from '../../src/trajectory/trace.ts';
import { killInSecondStep, output, RunFolder } from '../support/run-folder.ts';

const LOSE_DEVICE = new URL('../support/lose-device.mjs', import.meta.url).href;
/** In the rollouts of the first step, and in a later one. */
const LOST_SUBMITS = [100, 800];
const STEPS = 3;
let runs: RunFolder;

const EXPERIMENT = {
  v: 1,
  name: 'a small run',
  seed: 3,
  model: 'rookie',
  mode: 'itl',
  tasks: { split: 'train', toolspace: 'core', count: 40, seed: 11 },
  algorithm: { kind: 'grpo', tasksPerStep: 2, group: 4, updatesPerStep: 2 },
  adapter: { rank: 8, alpha: 16 },
  optimiser: { learningRate: 0.001, beta2: 0.99 },
  reward: {
    taskFulfilment: 0.4,
    toolAppropriateness: 0.3,
    toolGrounding: 0.2,
    parameterAccuracy: 0.1,
    success: 1,
  },
  limits: { calls: 20, resultCharacters: 4000, contextTokens: 700, turnTokens: 96 },
  steps: STEPS,
  checkpointEvery: 1,
};

beforeAll(async () => {
  runs = await RunFolder.open(EXPERIMENT);
  const printed = await output(runs.train('first'));
  expect(printed).toBe((await runs.read('first', 'metrics.jsonl')).toString());
}, 600_000);

afterAll(() => runs.remove());

it('learns on real steps, with a sampler that agrees with the trainer', async () => {
  const rows = await runs.metrics('first');
  expect(rows.map((row) => row.step)).toEqual([0, 1, 2]);
  const trained = rows.filter((row) => row.gradNorm > 0);
  expect(trained.length).toBeGreaterThan(0);
  for (const { logprobGap, tokens } of trained) {
    expect(tokens).toBeGreaterThan(20);
    expect(logprobGap).toBeLessThan(1e-3);
  }
  const traces = (await runs.read('first', 'trajectories.jsonl')).toString().trim().split('\n');
  expect(traces.length).toBe(STEPS * 2 * 4);
  for (const line of traces) {
    const trace = traceSchema.parse(JSON.parse(line));
    const sampled = trace.segments.filter((segment) => segment.sampled);
    expect(sampled.length).toBeGreaterThan(0);
    for (const { ids, logprobs } of sampled) expect(logprobs?.length).toBe(ids.length);
  }
  const weights = await runs.read('first', 'adapter/adapter_model.safetensors');
  expect(weights.length).toBeGreaterThan(10_000);
}, 60_000);

it('gives the same bytes again, although its device is lost in mid-step, twice', async () => {
  const child = runs.train('lost', [], {
    node: ['--import', LOSE_DEVICE],
    env: { LOSE_AT: LOST_SUBMITS.join() },
    stderr: 'pipe',
  });
  let told = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    told += chunk.toString();
  });
  const printed = await output(child);
  expect(told.match(/GPU: the model was loaded again/g)?.length).toBe(2);
  // Every step is printed once.
  expect(printed).toBe((await runs.read('first', 'metrics.jsonl')).toString());
  await runs.expectSame('lost', 'first');
}, 600_000);

it('gives the same bytes when it is killed in mid-step and goes on', async () => {
  await killInSecondStep(runs.train('killed'));
  expect((await runs.metrics('killed')).length).toBeLessThan(STEPS);
  const resumed = await output(runs.train('killed', ['--resume']));
  expect(resumed.trim().split('\n').length).toBeLessThan(STEPS);
  await runs.expectSame('killed', 'first');
}, 600_000);
