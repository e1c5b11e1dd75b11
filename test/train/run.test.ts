// A real run of GRPO through the command line: rollouts of rookie over MCP, rewards, LoRA updates. Equal runs give equal
// bytes, also when one is killed and goes on.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Metrics, metricsSchema } from '../../src/trajectory/experiment.ts';
import { traceSchema } from '../../src/trajectory/trace.ts';

const ATLAS = fileURLToPath(new URL('../../scripts/atlas.mjs', import.meta.url));
const LOSE_DEVICE = new URL('../support/lose-device.mjs', import.meta.url).href;
/** In the rollouts of the first step, and in a later one. */
const LOST_SUBMITS = [100, 800];
const STEPS = 3;
let folder = '';

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

function atlas(...args: string[]): ChildProcess {
  return spawn(process.execPath, [ATLAS, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** What a command printed; fails when it does. */
async function output(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect(code).toBe(0);
  return text;
}

const train = (out: string, ...flags: string[]) =>
  atlas('train', join(folder, 'experiment.json'), '--out', join(folder, out), ...flags);
const read = (out: string, name: string) => readFile(join(folder, out, name));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atlas-train-'));
  await writeFile(join(folder, 'experiment.json'), JSON.stringify(EXPERIMENT));
  const printed = await output(train('first'));
  expect(printed).toBe((await read('first', 'metrics.jsonl')).toString());
}, 600_000);

afterAll(() => rm(folder, { recursive: true }));

async function metrics(out: string): Promise<Metrics[]> {
  const lines = (await read(out, 'metrics.jsonl')).toString().trim().split('\n');
  return lines.map((line) => metricsSchema.parse(JSON.parse(line)));
}

it('learns on real steps, with a sampler that agrees with the trainer', async () => {
  const rows = await metrics('first');
  expect(rows.map((row) => row.step)).toEqual([0, 1, 2]);
  const trained = rows.filter((row) => row.gradNorm > 0);
  expect(trained.length).toBeGreaterThan(0);
  for (const { logprobGap, tokens } of trained) {
    expect(tokens).toBeGreaterThan(20);
    expect(logprobGap).toBeLessThan(1e-3);
  }
  const traces = (await read('first', 'trajectories.jsonl')).toString().trim().split('\n');
  expect(traces.length).toBe(STEPS * 2 * 4);
  for (const line of traces) {
    const trace = traceSchema.parse(JSON.parse(line));
    const sampled = trace.segments.filter((segment) => segment.sampled);
    expect(sampled.length).toBeGreaterThan(0);
    for (const { ids, logprobs } of sampled) expect(logprobs?.length).toBe(ids.length);
  }
  const weights = await read('first', 'adapter/adapter_model.safetensors');
  expect(weights.length).toBeGreaterThan(10_000);
}, 60_000);

it('gives the same bytes again, although its device is lost in mid-step, twice', async () => {
  const args = ['train', join(folder, 'experiment.json'), '--out', join(folder, 'lost')];
  const child = spawn(process.execPath, ['--import', LOSE_DEVICE, ATLAS, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LOSE_AT: LOST_SUBMITS.join() },
  });
  let told = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    told += chunk.toString();
  });
  const printed = await output(child);
  expect(told.match(/GPU: the model was loaded again/g)?.length).toBe(2);
  // Every step is printed once.
  expect(printed).toBe((await read('first', 'metrics.jsonl')).toString());
  for (const name of ['metrics.jsonl', 'trajectories.jsonl', 'adapter/adapter_model.safetensors']) {
    expect((await read('lost', name)).equals(await read('first', name)), name).toBe(true);
  }
}, 600_000);

it('gives the same bytes when it is killed in mid-step and goes on', async () => {
  const child = train('killed');
  await new Promise<void>((resolve) => {
    // The first line says that step 0 is kept; half a second later the process is inside step 1.
    child.stdout?.once('data', () => setTimeout(resolve, 500));
    child.once('close', () => resolve());
  });
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('exit', resolve));
  expect((await metrics('killed')).length).toBeLessThan(STEPS);
  const resumed = await output(train('killed', '--resume'));
  expect(resumed.trim().split('\n').length).toBeLessThan(STEPS);
  for (const name of ['metrics.jsonl', 'trajectories.jsonl', 'adapter/adapter_model.safetensors']) {
    expect((await read('killed', name)).equals(await read('first', name)), name).toBe(true);
  }
}, 600_000);
