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
      expect(got?.['argmax']).toHaveLength(ids.length);
    }
  });

  it('a completion does not depend on how many are drawn with it', async () => {
    const flags = ['--prompt', 'the task', '--max-tokens', '12', '--ignore-eos'];
    const sampled = ['generate', MODEL, ...flags, '--temperature', '1', '--seed', '3', '--n'];
    const [one] = printed(await runAtlas([...sampled, '1']));
    const [four] = printed(await runAtlas([...sampled, '4']));
    const completions = four?.['completions'] as { ids: number[]; text: string }[];
    expect(completions[0]).toEqual(Object(one?.['completions'])[0]);
    expect(new Set(completions.map(({ ids }) => ids.join())).size).toBe(4);
    for (const { ids, text } of completions) {
      expect(ids.length).toBe(12);
      expect(text).not.toContain('<|im_end|>');
    }
    const counts = one?.['counts'] as Record<string, number>;
    expect(counts).toMatchObject({ bindGroupsPerToken: 0, buffersAfterWarmup: 0 });
    // One layer of 6; embed, the row that is sampled, the head, and 2 of the sampler.
    expect(counts['dispatchesPerToken']).toBe(6 + 5);
    // The first token comes out of the prefill, so a completion of 12 has 11 decode steps.
    expect(one?.['timing']).toMatchObject({ decodeTokens: 11 });
  });

  it('--stop ends a completion with the text that it names', async () => {
    const flags = ['--prompt', 'the task', '--max-tokens', '12', '--ignore-eos'];
    const run = async (...more: string[]) => {
      const [ran] = printed(await runAtlas(['generate', MODEL, ...flags, ...more]));
      const list = ran?.['completions'] as { ids: number[]; text: string; finish: string }[];
      return list[0];
    };
    const free = await run();
    expect(free?.finish).toBe('length');
    const stop = free?.text.slice(4, 6) ?? '';
    const stopped = await run('--stop', 'not in it', '--stop', stop);
    expect(stopped?.finish).toBe('stop');
    expect(stopped?.text).toContain(stop);
    expect(free?.text.startsWith(stopped?.text ?? '?')).toBe(true);
    expect(stopped?.ids).toEqual(free?.ids.slice(0, stopped?.ids.length));
    expect(stopped?.ids.length).toBeLessThan(12);
  });

  it('--kv f16 and int8 keep the same cache in fewer bytes', async () => {
    const flags = ['--prompt', 'the task', '--max-tokens', '12', '--ignore-eos'];
    const run = async (...kv: string[]) => {
      const [got] = printed(await runAtlas(['generate', MODEL, ...flags, ...kv]));
      const memory = got?.['memory'] as { devicePeakBytes: number };
      return { bytes: memory.devicePeakBytes, completions: got?.['completions'] };
    };
    const [f32, same, int8] = [await run(), await run('--kv', 'f32'), await run('--kv', 'int8')];
    const f16 = await run('--kv', 'f16');
    expect(same).toEqual(f32);
    expect(int8.completions).not.toEqual(f32.completions);
    expect(f16.completions).not.toEqual(f32.completions);
    expect(f32.bytes - f16.bytes).toBe(4 * 2 * (32 - 16) * 64 * 4096);
    // One layer with one key head of 32: 2 x 32 floats become 2 x 9 words, in each position of 64 contexts of 4,096.
    expect(f32.bytes - int8.bytes).toBe(4 * 2 * (32 - 9) * 64 * 4096);
  });

  it('--chat goes through the template, and --prompt is raw text', async () => {
    const text = '<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n';
    const run = async (...how: string[]) => {
      const command = ['generate', MODEL, ...how, '--max-tokens', '4', '--ignore-eos'];
      return printed(await runAtlas(command))[0]?.['completions'];
    };
    const idsOf = async (...special: string[]) => {
      const ran = await runAtlas(['tokenize', MODEL, '--text', text, ...special]);
      return String(printed(ran)[0]?.['ids']);
    };
    const [parsed, raw] = [await idsOf('--special'), await idsOf()];
    expect(raw.length).toBeGreaterThan(parsed.length);
    expect(await run('--chat', 'hi')).toEqual(await run('--ids', parsed));
    expect(await run('--prompt', text)).toEqual(await run('--ids', raw));
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
    const { forwardMs, backwardMs } = Object(got?.['timing']);
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

/** Small enough to learn the form of calls in seconds; its file asks for short prompts. */
const PRETRAIN = {
  v: 1,
  name: 'mini',
  seed: 1,
  architecture: {
    layers: 1,
    hidden: 64,
    heads: 2,
    kvHeads: 1,
    headDim: 32,
    ffn: 128,
    ropeTheta: 10000,
    contextLength: 1024,
    maxVocab: 512,
  },
  phases: [{ kind: 'episodes', tokens: 60_000, tokensPerStep: 2000, lossOn: 'all' }],
  optimiser: { learningRate: 0.01 },
  output: 'F32',
};

/** An experiment on that model. */
const experimentOn = (model: string) => ({
  v: 1,
  name: 'small',
  seed: 5,
  model,
  mode: 'itl',
  tasks: { split: 'train', count: 20, seed: 2 },
  algorithm: { kind: 'sft', tokensPerStep: 400 },
  adapter: { rank: 4, alpha: 8 },
  optimiser: { learningRate: 0.01 },
  limits: { contextTokens: 768, calls: 6, turnTokens: 64 },
  steps: 5,
  checkpointEvery: 2,
});

/** Starts a training run and sends it a signal as soon as it has printed `steps` lines; how it ended. */
async function stopAfter(
  steps: number,
  signal: 'SIGKILL' | 'SIGTERM',
  [experiment, out]: readonly [string, string],
): Promise<{ code: number | null; by: string | null; stderr: string }> {
  const script = fileURLToPath(new URL('../../scripts/atlas.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, 'train', experiment, '--out', out]);
  let [stdout, stderr, sent] = ['', '', false];
  child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
  child.stdout.on('data', (bytes: Buffer) => {
    stdout += bytes.toString();
    if (sent || stdout.split('\n').length <= steps) return;
    sent = child.kill(signal);
  });
  return new Promise((resolve) => {
    child.on('close', (code, by) => resolve({ code, by, stderr }));
  });
}

describe('pretrain and train', () => {
  const model = () => at('mini', 'model.gguf');

  beforeAll(async () => {
    await writeFile(at('mini.json'), JSON.stringify(PRETRAIN));
    const steps = printed(await runAtlas(['pretrain', at('mini.json'), '--out', at('mini')]));
    // ln 512 = 6.24 nats before the first step.
    expect(Math.abs(Number(steps[0]?.['loss']) - Math.log(512))).toBeLessThan(0.2);
    expect(Number(steps.at(-1)?.['loss'])).toBeLessThan(3);
    const [seen] = printed(await runAtlas(['inspect', model()]));
    expect(seen).toMatchObject({ toolspace: 'core', tensors: { F32: 13 } });
  });

  it('writes its directory, and a killed run resumes to the same bytes', async () => {
    const experiment = at('sft.json');
    await writeFile(experiment, JSON.stringify(experimentOn(model())));
    const whole = printed(await runAtlas(['train', experiment, '--out', at('whole')]));
    expect(whole.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4]);
    expect(Object.keys(whole[0] ?? {}).join()).toBe(
      'step,loss,reward,success,entropy,kl,gradNorm,zeroSpread,logprobGap,tiers,tokens,' +
        'rewardStd,clipFraction,ratioMax,groups,trained,skipped,learningRate,repeats,length,' +
        'truncated,overlong',
    );
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
    const killed = await stopAfter(3, 'SIGKILL', [experiment, at('killed')]);
    expect(killed.by).toBe('SIGKILL');
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
    // Another experiment is refused, and what is there stays as it was.
    const kept = ['experiment.json', 'metrics.jsonl', 'trajectories.jsonl'];
    const before = await Promise.all(kept.map((file) => readFile(at('whole', file))));
    await writeFile(at('other.json'), JSON.stringify({ ...experimentOn(model()), seed: 99 }));
    const other = ['train', at('other.json'), '--out', at('whole'), '--resume'];
    const refused = await runAtlas(other);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('give the experiment.json of the run');
    for (const [i, file] of kept.entries()) {
      expect((await readFile(at('whole', file))).equals(before[i] ?? Buffer.of()), file).toBe(true);
    }
    // The adapter is one that the engine takes.
    const use = ['logits', model(), '--ids', '1,2', '--adapter', at('whole', 'adapter')];
    const [plain] = printed(await runAtlas(['logits', model(), '--ids', '1,2']));
    const [adapted] = printed(await runAtlas(use));
    expect(adapted?.['last']).not.toEqual(plain?.['last']);
  });

  it('ends by itself after programs, and plays them', async () => {
    const algorithm = { kind: 'sft', tokensPerStep: 1200 };
    const ptc = { ...experimentOn(model()), mode: 'ptc', algorithm, steps: 1 };
    await writeFile(at('ptc.json'), JSON.stringify(ptc));
    const { code, stdout } = await runAtlas(['train', at('ptc.json'), '--out', at('ptc')]);
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(1);
    expect(await readFile(at('ptc', 'trajectories.jsonl'), 'utf8')).toContain('code_interpreter');
  });

  it('GRPO samples from the weights that it trains', async () => {
    const grpo = {
      ...experimentOn(model()),
      algorithm: { kind: 'grpo', tasksPerStep: 4, group: 4 },
      steps: 3,
      checkpointEvery: 1,
    };
    await writeFile(at('grpo.json'), JSON.stringify(grpo));
    const steps = printed(await runAtlas(['train', at('grpo.json'), '--out', at('grpo')]));
    expect(steps.length).toBe(3);
    for (const { logprobGap, tokens, gradNorm, zeroSpread } of steps) {
      // What the sampler said of its tokens is what the trainer says, after updates too.
      expect(Number(logprobGap)).toBeLessThan(1e-4);
      expect(Number(tokens)).toBeGreaterThan(0);
      expect(Number(gradNorm)).toBeGreaterThan(0);
      expect(Number(zeroSpread)).toBeLessThan(1);
    }
    const lines = (await readFile(at('grpo', 'trajectories.jsonl'), 'utf8')).trimEnd().split('\n');
    expect(lines.length).toBe(3 * 4 * 4);
    // Asked to stop in the middle of rollouts it ends by itself, and goes on to the same bytes.
    const stopped = await stopAfter(1, 'SIGTERM', [at('grpo.json'), at('stopped')]);
    expect(stopped.stderr).toContain('error: stopped by a signal: what was written is whole');
    expect(stopped).toMatchObject({ code: 1, by: null });
    const resume = ['train', at('grpo.json'), '--out', at('stopped'), '--resume'];
    expect(printed(await runAtlas(resume)).at(-1)).toEqual(steps.at(-1));
    const got = await readFile(at('stopped', 'trajectories.jsonl'), 'utf8');
    expect(got.trimEnd().split('\n')).toEqual(lines);
  });

  it('GRPO draws on, punishes length, tells of a collapse and stops at it', async () => {
    const experiment = {
      ...experimentOn(model()),
      algorithm: {
        ...{ kind: 'grpo', tasksPerStep: 2, group: 3, advantage: 'rloo' },
        ...{ overlong: { limit: 100, buffer: 90 }, resample: { rounds: 2 } },
      },
      guard: { spike: 100 },
      // Entropy is below a hundred times its start: this is no collapse, and counts as one here.
      monitor: { stop: true, window: 1, entropyShare: 100 },
    };
    await writeFile(at('watched.json'), JSON.stringify(experiment));
    const { code, stdout, stderr } = await runAtlas([
      ...['train', at('watched.json'), '--out', at('watched')],
    ]);
    expect(code).toBe(1);
    const steps = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(steps.map(({ step }) => step)).toEqual([0, 1]);
    expect(stderr).toContain('train: step 1: entropy fell to ');
    expect(stderr).toMatch(
      /error: run: stopped after 2 steps, as monitor\.stop asks: entropy fell/,
    );
    for (const { groups, trained, overlong, skipped, learningRate, ratioMax } of steps) {
      expect(groups).toBeGreaterThanOrEqual(2);
      expect(trained).toBeLessThanOrEqual(2);
      expect(overlong).toBeLessThan(0);
      expect([skipped, learningRate]).toEqual([0, 0.01]);
      // One update a step: the policy is still the one that sampled.
      expect(Math.abs(ratioMax - 1)).toBeLessThan(1e-3);
    }
    const timing = await readFile(at('watched', 'timing.jsonl'), 'utf8');
    expect(JSON.parse(timing.split('\n')[0] ?? '').memoryBytes).toBeGreaterThan(1000);
  });
});
