// What the page makes of numbers, browsers and settings.
import { describe, expect, it } from 'vitest';
import { bytes, compact, count, fixed, percent, plural } from '../../../src/app/logic/format.ts';
import { adviceFor, gpuProblem } from '../../../src/app/logic/gpu-support.ts';
import { PRESET_CHOICES, presetExperiment } from '../../../src/app/logic/preset.ts';
import { scoreRows } from '../../../src/app/logic/score-rows.ts';
import { twistsOf } from '../../../src/app/logic/toolspaces.ts';
import { generateTasks } from '../../../src/toolspace/tasks.ts';
import { experimentSchema } from '../../../src/trajectory/experiment.ts';
import { traceWith } from '../../support/traces.ts';

describe('numbers', () => {
  it('read as people write them', () => {
    expect([percent(0.625), percent(null), percent(1)]).toEqual(['63%', '–', '100%']);
    expect([fixed(0.5), fixed(null), fixed(1, 0)]).toEqual(['0.50', '–', '1']);
    expect([compact(0), compact(0.00012), compact(0.12345), compact(1234.5)]).toEqual([
      '0',
      '1.2e-4',
      '0.123',
      '1230',
    ]);
    expect([bytes(0), bytes(999), bytes(1_408_928), bytes(11e9)]).toEqual([
      '0 B',
      '999 B',
      '1.4 MB',
      '11 GB',
    ]);
    expect([count(463), count(46_300), count(1_314_432), count(4e9)]).toEqual([
      '463',
      '46 k',
      '1.3 M',
      '4.0 B',
    ]);
    expect([plural(1, 'call'), plural(0, 'call'), plural(2, 'try', 'tries')]).toEqual([
      '1 call',
      '0 calls',
      '2 tries',
    ]);
  });
});

describe('GPU support', () => {
  const adapter = { requestAdapter: (): Promise<object | null> => Promise.resolve({}) };
  it.each([
    [{ isSecureContext: true, gpu: adapter }, null],
    [{ isSecureContext: false, gpu: undefined }, 'insecure'],
    [{ isSecureContext: true, gpu: undefined }, 'missing'],
    [
      {
        isSecureContext: true,
        gpu: { requestAdapter: (): Promise<object | null> => Promise.resolve(null) },
      },
      'no-adapter',
    ],
  ] as const)('%o: %s', async (facts, problem) => {
    expect(await gpuProblem(facts)).toBe(problem);
  });

  it('says why and what to do', () => {
    for (const problem of ['insecure', 'missing', 'no-adapter'] as const) {
      const { why, steps } = adviceFor(problem);
      expect(why).toMatch(/\.$/);
      expect(steps.length).toBeGreaterThanOrEqual(2);
    }
  });
});

const SMALL = { toolspace: 'core', limits: experimentSchema.shape.limits.parse(undefined) };

describe('a task of full', () => {
  const [refused, unsaid] = [/^cannot$/, /^(at what|which) /];

  it('is said to have a part that cannot be done or must be asked for, as its answer has', () => {
    const draw = { toolspace: 'full', split: 'test', count: 60, seed: 5 } as const;
    const tasks = generateTasks(draw);
    for (const { families, oracle } of tasks) {
      const last = oracle.answer.split(', ').at(-1) ?? '';
      expect(twistsOf(families).join()).toMatch(
        refused.test(last) ? /no tool/ : unsaid.test(last) ? /asked for/ : /^$/,
      );
    }
    expect(tasks.filter(({ families }) => twistsOf(families).length > 0).length).toBeGreaterThan(3);
  });
});

describe('the preset', () => {
  it('is a whole experiment: parsing adds nothing', () => {
    for (const memory of [{}, { checkpoints: 'f16' }] as const) {
      const experiment = presetExperiment({ ...PRESET_CHOICES, memory }, SMALL);
      expect(experimentSchema.parse(experiment)).toEqual(experiment);
    }
  });

  it('takes what a person chose', () => {
    const chosen = { ...PRESET_CHOICES, tasksPerStep: 3, group: 4, steps: 5, seed: 6, rank: 4 };
    const { algorithm, steps, seed, tasks, adapter } = presetExperiment(chosen, SMALL);
    expect(algorithm).toMatchObject({ kind: 'grpo', tasksPerStep: 3, group: 4 });
    expect([steps, seed, tasks.seed]).toEqual([5, 6, 6]);
    expect(adapter).toEqual({ rank: 4, alpha: 16 });
    const model = { kind: 'stored', name: 'own', hash: 'h' } as const;
    const own = presetExperiment({ ...chosen, model }, SMALL);
    expect(own.adapter).toEqual({ rank: 4, alpha: 8 });
  });

  it('draws tasks of the chosen toolspace for a model of the store, of its own for a shipped one', () => {
    const model = { kind: 'stored', name: 'guest', hash: '' } as const;
    const chosen = { ...PRESET_CHOICES, toolspace: 'full' } as const;
    expect(presetExperiment({ ...chosen, model }, SMALL).tasks.toolspace).toBe('full');
    expect(presetExperiment(chosen, SMALL).tasks.toolspace).toBe('core');
  });
});

describe('score rows', () => {
  it('stand by category, with a score for each criterion', () => {
    const trace = traceWith([]);
    const criteria = trace.task.rubric.criteria.map((_, i) => (i === 1 ? null : i / 11));
    const categories = {
      taskFulfilment: 0.25,
      toolAppropriateness: null,
      toolGrounding: 1,
      parameterAccuracy: 0,
    };
    const rows = scoreRows({ ...trace, scores: { criteria, categories, reward: 0.5 } });
    expect(rows.map((row) => row.criteria.length)).toEqual([5, 3, 2, 2]);
    expect(rows.map((row) => row.score)).toEqual([0.25, null, 1, 0]);
    expect(rows.flatMap((row) => row.criteria.map(({ score }) => score))).toEqual(criteria);
  });
});
