// The commands that need a device, each as a process of its own, as a person runs them.
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSafetensors } from '../../src/adapter/safetensors.ts';
import { linesOf, type Ran, runAtlas } from '../support/command-line.ts';
import { goldenPath } from '../support/golden-engine.ts';

const MODEL = goldenPath('f32.gguf');
let folder = '';
const at = (...names: string[]) => join(folder, ...names);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atlas-engine-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Fails with what the command said unless it succeeded; gives what it printed. */
function printed(ran: Ran): Record<string, unknown>[] {
  expect(ran.stderr).not.toMatch(/error:|Deprecat|on garbage collection/);
  expect(ran.code).toBe(0);
  return linesOf(ran);
}

async function golden() {
  return JSON.parse(await readFile(goldenPath('f32.json'), 'utf8'));
}

describe('logits and generate', () => {
  it('logits are the reference logits', async () => {
    const { logits } = await golden();
    for (const one of [logits[1], logits.find((c: { with_adapter: boolean }) => c.with_adapter)]) {
      const adapter = one.with_adapter ? ['--adapter', goldenPath('f32.adapter')] : [];
      const ids: number[] = one.ids;
      const [got] = printed(await runAtlas(['logits', MODEL, '--ids', ids.join(), ...adapter]));
      expect(Object.keys(got ?? {})).toEqual(['argmax', 'last']);
      const last = got?.['last'] as number[];
      const largest = Math.max(...one.last.map(Math.abs));
      one.last.forEach((value: number, v: number) => {
        expect(Math.abs(value - (last[v] ?? Number.NaN)) / largest).toBeLessThan(1e-4);
      });
      expect((got?.['argmax'] as number[]).length).toBe(ids.length);
    }
  });

  it('a completion does not depend on how many are drawn with it', async () => {
    const flags = ['--prompt', 'the task', '--max-tokens', '12', '--ignore-eos'];
    const sampled = ['generate', MODEL, ...flags, '--temperature', '1', '--seed', '3', '--n'];
    const [one] = printed(await runAtlas([...sampled, '1']));
    const [four] = printed(await runAtlas([...sampled, '4']));
    const completions = four?.['completions'] as { ids: number[]; text: string }[];
    expect(completions[0]).toEqual((one?.['completions'] as unknown[])[0]);
    expect(new Set(completions.map(({ ids }) => ids.join())).size).toBe(4);
    for (const { ids, text } of completions) {
      expect(ids.length).toBe(12);
      expect(text).not.toContain('<|im_end|>');
    }
    const counts = one?.['counts'] as Record<string, number>;
    expect(counts).toMatchObject({ bindGroupsPerToken: 0, buffersAfterWarmup: 0 });
    // One layer: embed, 2 norms, 7 projections, 2 ropes, write, attention, SwiGLU, and the sampler's few.
    expect(counts['dispatchesPerToken']).toBeGreaterThan(15);
    expect(counts['dispatchesPerToken']).toBeLessThan(40);
    // The first token comes out of the prefill, so a completion of 12 has 11 decode steps.
    expect(one?.['timing']).toMatchObject({ decodeTokens: 11 });
  });

  it('--chat goes through the template', async () => {
    const greedy = ['--max-tokens', '4', '--ignore-eos'];
    const chat = await runAtlas(['generate', MODEL, '--chat', 'hi', ...greedy]);
    const text = '<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n';
    const prompt = await runAtlas(['generate', MODEL, '--prompt', text, ...greedy]);
    expect(printed(chat)[0]?.['completions']).toEqual(printed(prompt)[0]?.['completions']);
  });
});

describe('grads', () => {
  it.each([
    ['an adapter', ['--adapter', goldenPath('f32.adapter')], 'f32.sft'],
    ['all weights', [], 'f32.full-sft'],
  ])('%s: the reference names, shapes and values', async (_, adapter, name) => {
    const out = at(`${name}.safetensors`);
    const batch = goldenPath('f32.sft.batch.json');
    const command = ['grads', MODEL, '--batch', batch, '--out', out, ...adapter];
    const [got] = printed(await runAtlas(command));
    expect(Object.keys(got ?? {})).toEqual([
      'loss',
      'tokenLogprobs',
      'gradNorm',
      'timing',
      'memory',
    ]);
    const want = readSafetensors(
      new Uint8Array(await readFile(goldenPath(`${name}.grads.safetensors`))),
    );
    const written = readSafetensors(new Uint8Array(await readFile(out)));
    const mine = new Map(written.tensors.map((tensor) => [tensor.name, tensor]));
    expect([...mine.keys()].sort()).toEqual(want.tensors.map((tensor) => tensor.name).sort());
    let squares = 0;
    for (const tensor of want.tensors) {
      const own = mine.get(tensor.name);
      expect(own?.shape, tensor.name).toEqual(tensor.shape);
      let [difference, size] = [0, 0];
      tensor.values.forEach((value, i) => {
        difference += (value - (own?.values[i] ?? Number.NaN)) ** 2;
        size += value ** 2;
      });
      expect(Math.sqrt(difference / size), tensor.name).toBeLessThan(5e-4);
      squares += size;
    }
    expect(Math.abs(Number(got?.['gradNorm']) / Math.sqrt(squares) - 1)).toBeLessThan(1e-3);
    const { forwardMs, backwardMs } = got?.['timing'] as Record<string, number>;
    expect(forwardMs).toBeGreaterThan(0);
    expect(backwardMs).toBeGreaterThan(0);
  });
});

describe('agent and score', () => {
  it('a model plays; the same seed plays the same; scores are read back', async () => {
    const play = [
      'agent',
      MODEL,
      '--mode',
      'itl',
      '--tasks',
      'test',
      '--count',
      '2',
      '--seed',
      '4',
    ];
    const first = await runAtlas([...play, '--temperature', '1']);
    const lines = printed(first);
    expect(lines.length).toBe(3);
    expect(lines[2]?.['summary']).toMatchObject({ count: 2 });
    const again = await runAtlas([...play, '--temperature', '1']);
    expect(printed(again).at(-1)).toEqual(lines[2]);
    const messages = (ran: Ran) => linesOf(ran).map((line) => line['messages']);
    expect(messages(again)).toEqual(messages(first));
    await writeFile(at('played.jsonl'), first.stdout);
    const scores = printed(await runAtlas(['score', at('played.jsonl')]));
    expect(scores.map(({ id }) => id)).toEqual(lines.slice(0, 2).map(({ id }) => id));
    for (const { criteria } of scores) expect((criteria as unknown[]).length).toBe(12);
  });
});

const SFT = {
  v: 1,
  name: 'small',
  seed: 5,
  model: MODEL,
  mode: 'eager',
  tasks: { split: 'train', count: 20, seed: 2 },
  algorithm: { kind: 'sft', tokensPerStep: 400 },
  adapter: { rank: 4, alpha: 8 },
  optimiser: { learningRate: 0.01 },
  limits: { contextTokens: 4096 },
  steps: 5,
  checkpointEvery: 2,
};

/** Starts a training run and kills it as soon as it has printed `steps` lines. */
async function killAfter(steps: number, experiment: string, out: string): Promise<void> {
  const script = fileURLToPath(new URL('../../scripts/atlas.mjs', import.meta.url));
  const command = [script, 'train', experiment, '--out', out];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  child.stdout.on('data', (bytes: Buffer) => {
    text += bytes.toString();
    if (text.split('\n').length > steps) child.kill('SIGKILL');
  });
  const signal = await new Promise((resolve) => {
    child.on('close', (_, by) => resolve(by));
  });
  expect(signal).toBe('SIGKILL');
}

describe('train', () => {
  it('learns, writes its directory, and a killed run resumes to the same bytes', async () => {
    const experiment = at('sft.json');
    await writeFile(experiment, JSON.stringify(SFT));
    const whole = printed(await runAtlas(['train', experiment, '--out', at('whole')]));
    expect(whole.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4]);
    expect(Object.keys(whole[0] ?? {}).join()).toBe(
      'step,loss,reward,success,entropy,kl,gradNorm,zeroSpread,logprobGap,tiers,tokens',
    );
    expect(Number(whole[4]?.['loss'])).toBeLessThan(Number(whole[0]?.['loss']));
    const names = await readdir(at('whole'));
    for (const name of [
      'adapter',
      'checkpoint',
      'experiment.json',
      'metrics.jsonl',
      'timing.jsonl',
    ]) {
      expect(names).toContain(name);
    }
    await killAfter(3, experiment, at('killed'));
    const resume = ['train', experiment, '--out', at('killed'), '--resume'];
    const rest = printed(await runAtlas(resume));
    // The last whole checkpoint is the one after step 1; what came after it is done again.
    expect(rest.map(({ step }) => step)).toEqual([2, 3, 4]);
    for (const file of [
      'metrics.jsonl',
      'trajectories.jsonl',
      'adapter/adapter_model.safetensors',
    ]) {
      const got = await readFile(at('killed', file));
      expect(got.equals(await readFile(at('whole', file))), file).toBe(true);
    }
    // The adapter is one that the engine takes.
    const use = ['logits', MODEL, '--ids', '1,2', '--adapter', at('whole', 'adapter')];
    const [plain] = printed(await runAtlas(['logits', MODEL, '--ids', '1,2']));
    const [adapted] = printed(await runAtlas(use));
    expect(adapted?.['last']).not.toEqual(plain?.['last']);
  });

  it('GRPO samples from the weights that it trains', async () => {
    const grpo = {
      ...SFT,
      algorithm: { kind: 'grpo', tasksPerStep: 2, group: 4, updatesPerStep: 1 },
      limits: { contextTokens: 4096, calls: 3, turnTokens: 24 },
      // Random weights never solve a task: only the share for the final state can differ.
      optimiser: { learningRate: 0.01 },
      steps: 3,
      checkpointEvery: 3,
    };
    await writeFile(at('grpo.json'), JSON.stringify(grpo));
    const steps = printed(await runAtlas(['train', at('grpo.json'), '--out', at('grpo')]));
    expect(steps.length).toBe(3);
    for (const { logprobGap, tokens, reward } of steps) {
      // What the sampler said of its tokens is what the trainer says: stale keys or weights would differ by nats.
      expect(Number(logprobGap)).toBeLessThan(1e-3);
      expect(Number(tokens)).toBeGreaterThan(0);
      expect(reward).not.toBeNull();
    }
  });
});
