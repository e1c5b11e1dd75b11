import { appendFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { AtlasError, DeviceError, InputError } from '../../../src/base/errors.ts';
import { openRunDirectory } from '../../../src/cli/run-store.ts';
import { evaluate } from '../../../src/lab/evaluate.ts';
import { runExperiment } from '../../../src/lab/run.ts';
import type { LabRuntime } from '../../../src/lab/runtime.ts';
import { generateTasks } from '../../../src/toolspace/tasks.ts';
import {
  type Experiment,
  experimentSchema,
  type Metrics,
  metricsSchema,
} from '../../../src/trajectory/experiment.ts';
import type { TokenPolicy } from '../../../src/trajectory/interfaces.ts';
import { traceSchema } from '../../../src/trajectory/trace.ts';
import type { Bigram } from '../../support/bigram.ts';
import {
  collect,
  episodes,
  fresh,
  GRPO,
  HOOK_MS,
  remains,
  runtimeOf,
  runWith,
  SFT,
  sha,
  taughtModel,
  tokenizer,
} from '../../support/lab-case.ts';
import { MemoryRunStore } from '../../support/memory-run-store.ts';

let taught: Bigram;
beforeAll(async () => {
  taught = await taughtModel();
}, HOOK_MS);

describe('sft', () => {
  it('learns, and writes metrics, trajectories, timing, a checkpoint and the weights', async () => {
    const store = new MemoryRunStore();
    const metrics = await runWith(SFT, fresh(), store);
    expect(metrics.map((line) => line.step)).toEqual([0, 1, 2, 3, 4, 5]);
    // Before the first step the table is nearly flat: the loss is ln(vocabulary).
    expect(metrics[0]?.loss).toBeCloseTo(Math.log(tokenizer.vocabSize), 1);
    expect(metrics[5]?.loss ?? Number.NaN).toBeLessThan(0.8 * (metrics[0]?.loss ?? 0));
    expect(store.logs.metrics).toEqual(metrics.map((line) => JSON.stringify(line)));
    for (const line of store.logs.metrics) {
      const parsed = metricsSchema.parse(JSON.parse(line));
      expect(Object.keys(JSON.parse(line))).toEqual(Object.keys(metricsSchema.shape));
      expect([parsed.reward, parsed.success, parsed.zeroSpread]).toEqual([null, null, null]);
    }
    const traces = store.logs.trajectories.map((line) => traceSchema.parse(JSON.parse(line)));
    const tokens = traces.reduce((sum, trace) => sum + trace.contextTokens, 0);
    expect(tokens).toBeLessThanOrEqual(6 * 1500);
    expect(tokens).toBeGreaterThan(6 * 750);
    expect(store.logs.timing).toHaveLength(6);
    expect(store.checkpoints).toBe(3);
    expect([...store.files.keys()]).toEqual(['experiment.json', 'adapter/weights.f64']);
    expect(traces.every((trace) => trace.end === 'answer')).toBe(true);
  });
});

describe('grpo', () => {
  it('gives the same bytes twice', async () => {
    const [one, two] = [new MemoryRunStore(), new MemoryRunStore()];
    const metrics = await runWith(GRPO, taught.copy(), one);
    await runWith(GRPO, taught.copy(), two);
    expect(remains(two)).toEqual(remains(one));
    expect(metrics).toHaveLength(5);
    expect(one.logs.trajectories).toHaveLength(5 * 3 * 6);
    const first = metrics[0];
    expect(first?.zeroSpread).toBeLessThan(1);
    expect(first?.tokens).toBeGreaterThan(0);
    // Sampler and trainer share one table: the gap is rounding only.
    expect(first?.logprobGap).toBeLessThan(1e-12);
    expect(first?.gradNorm).toBeGreaterThan(0);
  });

  it('changes nothing by truncate where sampler and trainer agree', async () => {
    const [plain, corrected] = [new MemoryRunStore(), new MemoryRunStore()];
    const { algorithm } = GRPO;
    if (algorithm.kind !== 'grpo') throw new Error('not grpo');
    await runWith(GRPO, taught.copy(), plain);
    const truncating = { ...GRPO, algorithm: { ...algorithm, truncate: 2 } };
    const metrics = await runWith(truncating, taught.copy(), corrected);
    expect(corrected.logs.metrics).toEqual(plain.logs.metrics);
    expect(metrics[0]?.logprobGap).toBeLessThan(1e-12);
  });

  it('halves the gradient by truncate 0.5 where sampler and trainer agree', async () => {
    const { algorithm } = GRPO;
    if (algorithm.kind !== 'grpo') throw new Error('not grpo');
    const one = { ...GRPO, steps: 1, algorithm: { ...algorithm, kl: 0, updatesPerStep: 1 } };
    const half = { ...one, algorithm: { ...one.algorithm, truncate: 0.5 } };
    const [whole] = await runWith(one, taught.copy(), new MemoryRunStore());
    const [halved] = await runWith(half, taught.copy(), new MemoryRunStore());
    expect(whole?.gradNorm).toBeGreaterThan(0);
    expect(halved?.gradNorm).toBeCloseTo((whole?.gradNorm ?? Number.NaN) / 2, 10);
  });

  it('draws tasks in order, and keeps rollouts by task and member', async () => {
    const store = new MemoryRunStore();
    await runWith({ ...GRPO, steps: 4 }, taught.copy(), store);
    const traces = store.logs.trajectories.map((line) => traceSchema.parse(JSON.parse(line)));
    const drawn = traces.filter((_, i) => i % 6 === 0).map((trace) => trace.task.id);
    expect(new Set(drawn).size).toBe(12);
    traces.forEach((trace, i) => {
      expect(trace.task.id).toBe(drawn[Math.floor(i / 6)]);
    });
    expect(new Set(traces.map((trace) => trace.seed)).size).toBe(traces.length);
  });

  it('raises the reward', async () => {
    // A table of pairs cannot read a request: it is taught one task, half, and what it samples then scores now and then.
    const tasks = { ...GRPO.tasks, count: 1 };
    const half = fresh();
    await runWith({ ...SFT, tasks, steps: 12 }, half, new MemoryRunStore());
    const experiment = experimentSchema.parse({
      ...GRPO,
      tasks,
      algorithm: { kind: 'grpo', tasksPerStep: 1, group: 24 },
      optimiser: { learningRate: 200, clipNorm: 0 },
      steps: 24,
      checkpointEvery: 100,
    });
    const metrics = await runWith(experiment, half, new MemoryRunStore());
    const mean = (part: Metrics[]) =>
      part.reduce((sum, line) => sum + (line.reward ?? 0), 0) / part.length;
    expect(mean(metrics.slice(0, 8))).toBeGreaterThan(0);
    expect(mean(metrics.slice(-8))).toBeGreaterThan(1.8 * mean(metrics.slice(0, 8)));
  });

  it('goes on after a death anywhere with the bytes of a run that was never stopped', async () => {
    const experiment = experimentSchema.parse({
      ...GRPO,
      algorithm: { kind: 'grpo', tasksPerStep: 2, group: 4 },
      steps: 2,
      checkpointEvery: 1,
    });
    const whole = new MemoryRunStore();
    await runWith(experiment, taught.copy(), whole);
    // After experiment.json a step appends 8 traces, metrics and timing, then writes a checkpoint:
    // die at experiment.json, the first trace, the metrics, round the checkpoint, in the next step
    // and at the weights.
    const places = [1, 2, 10, 12, 13, 15];
    for (const dieAt of [...places, whole.operations]) {
      const store = new MemoryRunStore();
      store.dieAt = dieAt;
      await expect(runWith(experiment, taught.copy(), store)).rejects.toThrow('the process died');
      store.dieAt = Number.POSITIVE_INFINITY;
      const start = store.checkpoints;
      const again = await runWith(experiment, taught.copy(), store, { resume: true });
      expect(again.map((line) => line.step)).toEqual([0, 1].slice(start));
      expect(remains(store)).toEqual(remains(whole));
    }
  });

  it('a device that is lost under one rollout ends the step, and the run goes on from its checkpoint', async () => {
    const whole = new MemoryRunStore();
    await runWith(GRPO, taught.copy(), whole);
    // 18 rollouts a step with at least one turn each: in the second step, and in the third or later.
    for (const lostAt of [20, 60]) {
      const store = new MemoryRunStore();
      const model = taught.copy();
      let calls = 0;
      const policy: TokenPolicy = {
        ...{ name: model.name, contextLength: model.contextLength, eosIds: model.eosIds },
        generate: async (request) => {
          calls += 1;
          if (calls === lostAt) throw new DeviceError('device-lost', 'GPU: the device was lost');
          return model.generate(request);
        },
        release: (sequence) => model.release(sequence),
      };
      const runtime = { ...runtimeOf(model), policy };
      const run = collect(runExperiment({ experiment: GRPO, runtime, store }));
      await expect(run).rejects.toMatchObject({ code: 'device-lost' });
      // Nothing of the step that was cut off is kept.
      expect(store.logs.trajectories.length).toBe(18 * store.logs.metrics.length);
      await runWith(GRPO, taught.copy(), store, { resume: true });
      expect(remains(store)).toEqual(remains(whole));
    }
  });

  it('writes the same files in a directory, stopped and resumed or not', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'atlas-lab-'));
    const experiment = { ...GRPO, steps: 3, checkpointEvery: 2 };
    const runIn = async (name: string, resume: boolean, stopAfter: number) => {
      const store = await openRunDirectory(join(dir, name), { resume });
      const runtime = runtimeOf(taught.copy());
      let steps = 0;
      for await (const _ of runExperiment({ experiment, runtime, store, resume })) {
        if (++steps === stopAfter) break;
      }
      await store.close();
      return steps;
    };
    const filesOf = async (name: string) => {
      const entries = await readdir(join(dir, name), { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile() && entry.name !== 'timing.jsonl');
      const paths = files.map((file) => join(file.parentPath, file.name)).sort();
      return Promise.all(
        paths.map(
          async (path) => `${path.slice(join(dir, name).length)} ${sha(await readFile(path))}`,
        ),
      );
    };
    try {
      expect(await runIn('whole', false, 9)).toBe(3);
      // Stopped before its weights were written, with half a line behind the last checkpoint.
      expect(await runIn('stopped', false, 3)).toBe(3);
      await rm(join(dir, 'stopped', 'adapter'), { recursive: true, force: true });
      await appendFile(join(dir, 'stopped', 'trajectories.jsonl'), '{"half a li');
      await runIn('stopped', true, 9);
      expect(await runIn('early', false, 1)).toBe(1);
      expect(await runIn('early', true, 9)).toBe(3);
      const whole = await filesOf('whole');
      expect(whole.map((line) => line.split(' ')[0])).toEqual([
        '/adapter/weights.f64',
        '/checkpoint/state.json',
        '/checkpoint/trainer/table.f64',
        '/experiment.json',
        '/metrics.jsonl',
        '/trajectories.jsonl',
      ]);
      expect(await filesOf('stopped')).toEqual(whole);
      expect(await filesOf('early')).toEqual(whole);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });

  it('refuses to resume another experiment', async () => {
    const store = new MemoryRunStore();
    await runWith({ ...GRPO, steps: 1 }, taught.copy(), store);
    await expect(
      runWith({ ...GRPO, steps: 1, seed: 12 }, taught.copy(), store, { resume: true }),
    ).rejects.toThrow(InputError);
  });

  it('leaves a failed rollout out of its group, and fails when all failed', async () => {
    const store = new MemoryRunStore();
    let opened = 0;
    const model = taught.copy();
    const runtime: LabRuntime = {
      ...runtimeOf(model),
      openEpisode: (task, episode) =>
        opened++ === 2
          ? Promise.reject(new Error('the server is down'))
          : episodes.openEpisode(task, episode),
    };
    const experiment = { ...GRPO, steps: 1 };
    const [metrics] = await collect(runExperiment({ experiment, runtime, store }));
    const traces = store.logs.trajectories.map((line) => traceSchema.parse(JSON.parse(line)));
    const failed = traces.filter((trace) => trace.end === 'error');
    expect(failed.map((trace) => [trace.error, trace.scores])).toEqual([
      ['open episode: the server is down', null],
    ]);
    const rewards = traces.flatMap((trace) => trace.scores?.reward ?? []);
    expect(rewards).toHaveLength(17);
    const mean = rewards.reduce((sum, reward) => sum + reward, 0) / 17;
    expect(metrics?.reward).toBeCloseTo(mean, 12);

    const dead: LabRuntime = {
      ...runtimeOf(model),
      openEpisode: () => Promise.reject(new Error('all down')),
    };
    const run = runExperiment({ experiment, runtime: dead, store: new MemoryRunStore() });
    await expect(collect(run)).rejects.toThrow(AtlasError);
  });

  it('stops on a signal before the step is written', async () => {
    const store = new MemoryRunStore();
    const controller = new AbortController();
    const run = runWith(GRPO, taught.copy(), store, {
      signal: controller.signal,
      onProgress: (progress) => {
        if (progress.kind === 'rollout' && progress.step === 1) controller.abort();
      },
    });
    await expect(run).rejects.toThrow(/abort/i);
    expect(store.logs.metrics).toHaveLength(1);
  });

  it('refuses a temperature that the trainer does not know before anything is written', async () => {
    const store = new MemoryRunStore();
    const algorithm = { ...GRPO.algorithm, temperature: 0.5 } as Experiment['algorithm'];
    await expect(runWith({ ...GRPO, algorithm }, taught.copy(), store)).rejects.toThrow(InputError);
    expect(store.operations).toBe(0);
  });
});

describe('evaluate', () => {
  const tasks = generateTasks({ split: 'test', count: 6, seed: 1, toolspace: 'core' });

  it('gives traces in the order of the tasks, the same at any concurrency', async () => {
    const of = (concurrency: number, onTrace: (index: number) => void) =>
      evaluate({
        tasks,
        mode: 'itl',
        policy: { kind: 'tokens', policy: taught.copy(), tokenizer },
        runtime: episodes,
        limits: GRPO.limits,
        reward: GRPO.reward,
        seed: 4,
        temperature: 1,
        concurrency,
        onTrace: (_, index) => onTrace(index),
      });
    const told: number[] = [];
    const one = await of(1, () => undefined);
    const four = await of(4, (index) => told.push(index));
    expect(told).toEqual([0, 1, 2, 3, 4, 5]);
    expect(four).toEqual(one);
    expect(one.traces.map((trace) => trace.task.id)).toEqual(tasks.map((task) => task.id));
    expect(one.summary.count).toBe(6);
  });
});

it('rollouts are constrained only when the experiment says so', async () => {
  expect('sampling' in GRPO).toBe(false);
  const constraintsOf = async (sampling: Experiment['sampling']) => {
    const model = taught.copy();
    const seen: boolean[] = [];
    const policy: LabRuntime['policy'] = {
      name: model.name,
      contextLength: model.contextLength,
      eosIds: model.eosIds,
      generate: (request) => {
        seen.push(request.constraint !== undefined);
        return model.generate(request);
      },
      release: () => undefined,
    };
    const experiment = experimentSchema.parse({ ...GRPO, sampling, steps: 1 });
    const runtime = { ...episodes, policy, trainer: model };
    await collect(runExperiment({ experiment, runtime, store: new MemoryRunStore() }));
    return [...new Set(seen)];
  };
  expect(await constraintsOf(undefined)).toEqual([false]);
  expect(await constraintsOf({ constrain: false })).toEqual([false]);
  expect(await constraintsOf({ constrain: true })).toEqual([true]);
});
