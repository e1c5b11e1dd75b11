import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../src/base/rng.ts';
import { checkCollapse, collapseSigns, newSigns } from '../../../src/lab/monitor.ts';
import { runExperiment } from '../../../src/lab/run.ts';
import {
  type Experiment,
  experimentSchema,
  type Metrics,
  monitorSchema,
} from '../../../src/trajectory/experiment.ts';
import { collect, fresh, GRPO, runtimeOf } from '../../support/lab-case.ts';
import { MemoryRunStore } from '../../support/memory-run-store.ts';

/** A healthy line of a step with rollouts. */
function lineOf(step: number, more: Partial<Metrics> = {}): Metrics {
  return {
    ...{ step, loss: 0, reward: 0.5, success: 0.5, entropy: 1, kl: 0, gradNorm: 1 },
    ...{ zeroSpread: 0.2, logprobGap: 0, tiers: {}, tokens: 100, repeats: 0.4 },
    ...more,
  };
}

const series = (steps: number, more: (step: number) => Partial<Metrics>): Metrics[] =>
  Array.from({ length: steps }, (_, step) => lineOf(step, more(step)));
const kindsOf = (lines: Metrics[]) => collapseSigns(lines).map(({ kind }) => kind);
const textOf = (lines: Metrics[]) => collapseSigns(lines)[0]?.text;

describe('collapseSigns', () => {
  it('finds nothing in a healthy run, nor in the very first steps', () => {
    expect(kindsOf([])).toEqual([]);
    expect(kindsOf(series(60, () => ({})))).toEqual([]);
    const worst = { entropy: 0, success: 0, repeats: 1, zeroSpread: 1 };
    expect(kindsOf(series(4, () => worst))).toEqual([]);
  });

  it('entropy below a share of its start', () => {
    const falling = (low: number) => series(20, (step) => ({ entropy: step < 10 ? 0.5 : low }));
    expect(kindsOf(falling(0.11))).toEqual([]);
    expect(kindsOf(falling(0.09))).toEqual(['entropy']);
    expect(textOf(falling(0.09))).toBe(
      'entropy fell to 0.090 nats a token over the last 5 steps, from 0.50 over the first 5 (below ' +
        '20% of it): the policy hardly tries anything new; lower optimiser.learningRate or raise ' +
        'algorithm.kl',
    );
    // Steps that trained nothing have an entropy of 0 that nobody measured.
    const untrained = series(30, (step) => (step < 12 ? {} : { entropy: 0, tokens: 0 }));
    expect(kindsOf(untrained)).toEqual([]);
  });

  it('repeats and zero spread above a share over the last steps', () => {
    const late = (more: Partial<Metrics>) => series(12, (step) => (step < 7 ? {} : more));
    expect(kindsOf(late({ repeats: 0.69 }))).toEqual([]);
    expect(kindsOf(late({ repeats: 0.71 }))).toEqual(['repeats']);
    expect(textOf(late({ repeats: 0.9 }))).toMatch(
      /^90% of the tokens of the last 5 steps repeat .* \(above 70%\)/,
    );
    expect(kindsOf(late({ zeroSpread: 0.9 }))).toEqual([]);
    expect(kindsOf(late({ zeroSpread: 1 }))).toEqual(['zeroSpread']);
    expect(textOf(late({ zeroSpread: 1 }))).toMatch(/^100% of the groups .*algorithm\.resample$/);
    // Lines of an earlier version say nothing of repeats.
    const older = series(12, () => ({ repeats: undefined }) as Partial<Metrics>);
    expect(kindsOf(older)).toEqual([]);
  });

  it('success clearly below its best', () => {
    const drop = (low: number) => series(30, (step) => ({ success: step < 15 ? 0.6 : low }));
    expect(kindsOf(drop(0.31))).toEqual([]);
    expect(kindsOf(drop(0.2))).toEqual(['success']);
    expect(textOf(drop(0.2))).toMatch(
      /^success fell to 0\.20 over the last 5 steps, from 0\.60 at its best/,
    );
  });

  it('does not take the noise of few rollouts for a fall', () => {
    // 400 runs of 60 steps with four rollouts each, of a policy that never changes.
    let alarms = 0;
    for (let seed = 0; seed < 400; seed++) {
      const rng = new Rng(seed);
      const draw = () => [0, 1, 2, 3].filter(() => rng.chance(0.3)).length / 4;
      const lines = series(60, () => ({ success: draw() }));
      if (lines.some((_, i) => kindsOf(lines.slice(0, i + 1)).length > 0)) alarms++;
    }
    expect(alarms).toBeLessThanOrEqual(12);
  });

  it('leaves out steps without rollouts, and follows its settings', () => {
    const lessons = series(40, (step) => ({
      reward: null,
      success: null,
      entropy: 1 / (step + 1),
    }));
    expect(kindsOf(lessons)).toEqual([]);
    const settings = monitorSchema.parse({ window: 2, repeats: 0.3 });
    expect(
      collapseSigns(
        series(2, () => ({})),
        settings,
      ).map(({ kind }) => kind),
    ).toEqual(['repeats']);
  });

  it.each(['nano', 'rookie', 'rookie-grpo'])('has no false alarm in the run of %s', (name) => {
    const file = new URL(`../../../experiments/results/${name}.metrics.jsonl`, import.meta.url);
    const lines: Metrics[] = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.length).toBeGreaterThan(30);
    const every = Math.ceil(lines.length / 100);
    for (let end = 1; end <= lines.length; end += every) {
      expect(kindsOf(lines.slice(0, end))).toEqual([]);
    }
  });
});

describe('newSigns', () => {
  it('tells a sign once, when it comes', () => {
    const lines = series(20, (step) => ({ zeroSpread: step < 10 ? 0 : 1 }));
    const told = lines.map((_, i) => newSigns(lines.slice(0, i + 1)).length);
    // Five lines of the last ten: 10 to 14.
    expect(told.flatMap((count, step) => (count > 0 ? [step] : []))).toEqual([14]);
  });
});

describe('checkCollapse', () => {
  const lines = series(6, () => ({ zeroSpread: 1 }));

  it('refuses to go on only when the run says so', () => {
    checkCollapse(lines);
    checkCollapse(lines, monitorSchema.parse({}));
    checkCollapse(
      series(6, () => ({})),
      monitorSchema.parse({ stop: true }),
    );
    expect(() => checkCollapse(lines, monitorSchema.parse({ stop: true }))).toThrow(
      /^run: stopped after 6 steps, as monitor\.stop asks: 100% of the groups/,
    );
  });
});

describe('a run', () => {
  // Nothing is learnt where no reward counts: every group has zero spread.
  const reward = {
    ...{ taskFulfilment: 0, toolAppropriateness: 0, toolGrounding: 0, parameterAccuracy: 1 },
    success: 0,
  };
  const limits = { ...GRPO.limits, calls: 1, turnTokens: 8 };
  const base = {
    ...GRPO,
    algorithm: { kind: 'grpo', tasksPerStep: 1, group: 2 },
    ...{ reward, limits, steps: 8, checkpointEvery: 3 },
  };

  async function run(experiment: Experiment, store: MemoryRunStore, resume = false) {
    const warnings: string[] = [];
    const steps: number[] = [];
    const lab = runExperiment({
      ...{ experiment, runtime: runtimeOf(fresh()), store, resume },
      onProgress: (told) => {
        if (told.kind === 'warning') warnings.push(`${told.step}: ${told.text}`);
        if (told.kind === 'step') steps.push(told.step);
      },
    });
    const error = await collect(lab).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    return { warnings, steps, error };
  }

  it('warns at the step that shows a collapse, and goes on', async () => {
    const store = new MemoryRunStore();
    const { warnings, steps, error } = await run(experimentSchema.parse(base), store);
    expect(error).toBeNull();
    expect(steps).toHaveLength(8);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^4: 100% of the groups of the last 5 steps/);
  });

  it('stops behind it under monitor.stop, and a resumed run stays stopped', async () => {
    const experiment = experimentSchema.parse({ ...base, monitor: { stop: true } });
    const store = new MemoryRunStore();
    const { steps, error } = await run(experiment, store);
    expect(error).toMatchObject({ code: 'run-collapsed' });
    expect(steps).toEqual([0, 1, 2, 3, 4]);
    const lines = [...store.logs.metrics];
    // From the checkpoint behind step 2.
    const again = await run(experiment, store, true);
    expect(again.steps).toEqual([3, 4]);
    expect(again.error).toMatchObject({ code: 'run-collapsed' });
    expect(store.logs.metrics).toEqual(lines);
  });
});
