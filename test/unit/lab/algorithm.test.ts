// What the settings of `algorithm` do to a whole run.
import { beforeAll, describe, expect, it } from 'vitest';
import { rolloutSeed } from '../../../src/lab/episode.ts';
import { runExperiment } from '../../../src/lab/run.ts';
import type { LabRuntime } from '../../../src/lab/runtime.ts';
import { TaskOrder } from '../../../src/lab/task-order.ts';
import { generateTasks } from '../../../src/toolspace/tasks.ts';
import { experimentSchema } from '../../../src/trajectory/experiment.ts';
import { traceSchema } from '../../../src/trajectory/trace.ts';
import type { Bigram } from '../../support/bigram.ts';
import {
  collect,
  episodes,
  GRPO,
  HOOK_MS,
  remains,
  runtimeOf,
  runWith,
  sha,
  taughtModel,
} from '../../support/lab-case.ts';
import { MemoryRunStore } from '../../support/memory-run-store.ts';

let taught: Bigram;
beforeAll(async () => {
  taught = await taughtModel();
}, HOOK_MS);

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

describe('resample', () => {
  const experiment = experimentSchema.parse({
    ...GRPO,
    tasks: { ...GRPO.tasks, count: 4 },
    algorithm: { kind: 'grpo', tasksPerStep: 2, group: 2, resample: { rounds: 2 } },
    steps: 3,
    checkpointEvery: 1,
  });
  const GROUP = 2;

  /** Tasks of each step in the order of their groups, and whether each group's rewards differ. */
  function drawnOf(store: MemoryRunStore) {
    const traces = store.logs.trajectories.map((line) => traceSchema.parse(JSON.parse(line)));
    const steps: { task: string; spread: boolean }[][] = [];
    for (let i = 0; i < traces.length; i += GROUP) {
      const group = traces.slice(i, i + GROUP);
      const step = Number(group[0]?.id.split('-')[0]);
      const task = group[0]?.task.id ?? '';
      const spread = new Set(group.map(({ scores }) => scores?.reward)).size > 1;
      steps[step] = [...(steps[step] ?? []), { task, spread }];
    }
    return { traces, steps };
  }

  it('draws the next tasks of the order until enough groups have spread', async () => {
    const store = new MemoryRunStore();
    await runWith(experiment, taught.copy(), store);
    const { traces, steps } = drawnOf(store);
    const order = new TaskOrder(generateTasks(experiment.tasks), experiment.seed);
    // No task is passed over, in no step.
    expect(steps.flat().map(({ task }) => task)).toEqual(
      steps.flat().map((_, position) => order.at(position).id),
    );
    const counts = steps.map((groups) => groups.length);
    expect(Math.max(...counts)).toBeGreaterThan(2);
    for (const groups of steps) {
      const spread = groups.filter((one) => one.spread).length;
      expect(spread).toBeLessThanOrEqual(2);
      // Fewer than wanted only when both further rounds were played.
      if (spread < 2) expect(groups.length).toBeGreaterThanOrEqual(2 + 2 * (2 - spread));
    }
    // A pool of four comes round within a step: its rollouts differ all the same.
    expect(new Set(traces.map(({ id }) => id)).size).toBe(traces.length);
    expect(new Set(traces.map(({ seed }) => seed)).size).toBe(traces.length);
  });

  it('leaves the seeds of runs without it as they were, also of a task that comes twice', async () => {
    const store = new MemoryRunStore();
    const algorithm = { kind: 'grpo', tasksPerStep: 6, group: 2 };
    const plain = experimentSchema.parse({ ...experiment, algorithm, steps: 1 });
    await runWith(plain, taught.copy(), store);
    const { traces } = drawnOf(store);
    expect(traces).toHaveLength(12);
    traces.forEach(({ seed, task, id }) => {
      expect(seed).toBe(rolloutSeed(plain.seed, 0, task.id, Number(id.split('-')[2])));
    });
  });

  it('goes on after a death anywhere with the same bytes', async () => {
    const whole = new MemoryRunStore();
    await runWith(experiment, taught.copy(), whole);
    for (const dieAt of [3, Math.floor(whole.operations / 2), whole.operations - 1]) {
      const store = new MemoryRunStore();
      store.dieAt = dieAt;
      await expect(runWith(experiment, taught.copy(), store)).rejects.toThrow('the process died');
      store.dieAt = Number.POSITIVE_INFINITY;
      await runWith(experiment, taught.copy(), store, { resume: true });
      expect(remains(store)).toEqual(remains(whole));
    }
  });

  it('does not fail for a later round in which every episode failed by itself', async () => {
    const model = taught.copy();
    let opened = 0;
    const runtime: LabRuntime = {
      ...runtimeOf(model),
      openEpisode: (task, episode) =>
        opened++ < 4
          ? episodes.openEpisode(task, episode)
          : Promise.reject(new Error('the server is down')),
    };
    const store = new MemoryRunStore();
    await collect(runExperiment({ experiment: { ...experiment, steps: 1 }, runtime, store }));
    const { traces } = drawnOf(store);
    expect(traces.length).toBeGreaterThan(4);
    expect(traces.slice(4).map(({ end }) => end)).toEqual(traces.slice(4).map(() => 'error'));
  });
});
