// What an episode earns.
import { describe, expect, it } from 'vitest';
import { oracleScript } from '../../../src/agent/policies/oracle.ts';
import { randomScript } from '../../../src/agent/policies/random.ts';
import { playEpisode, type RewardWeights } from '../../../src/lab/episode.ts';
import { generateTasks } from '../../../src/toolspace/tasks.ts';
import { experimentSchema } from '../../../src/trajectory/experiment.ts';
import { episodes, tokenizer } from '../../support/lab-case.ts';

const [task] = generateTasks({ split: 'train', toolspace: 'core', count: 1, seed: 3 });
const { limits, reward: weights } = experimentSchema.shape;
const DEFAULTS = weights.parse(undefined);
const SUCCESS_ALONE = {
  ...{ taskFulfilment: 0, toolAppropriateness: 0, toolGrounding: 0, parameterAccuracy: 0 },
  success: 3,
};

function play(script: typeof oracleScript, reward: RewardWeights, runtime = episodes) {
  if (task === undefined) throw new Error('no task');
  return playEpisode(
    {
      task,
      mode: 'itl',
      id: 'a',
      seed: 1,
      temperature: 1,
      limits: limits.parse(undefined),
      reward,
    },
    { kind: 'scripted', policy: script(), tokenizer },
    runtime,
  );
}

describe('the reward of an episode', () => {
  it.each([
    ['oracle', oracleScript, true],
    ['random', randomScript, false],
  ] as const)('of the %s is its rubric and the bonus for success', async (_, script, succeeds) => {
    const { trace, reward } = await play(script, { ...DEFAULTS, success: 2 });
    expect(trace.success).toBe(succeeds);
    expect(reward).toBe((trace.scores?.reward ?? Number.NaN) + (succeeds ? 2 : 0));
  });

  it.each([
    ['oracle', oracleScript, 3],
    ['random', randomScript, 0],
  ] as const)('of the %s is success alone where no category counts', async (_, script, earned) => {
    expect((await play(script, SUCCESS_ALONE)).reward).toBe(earned);
  });

  it.each([
    ['its rubric', DEFAULTS],
    ['success', SUCCESS_ALONE],
  ])(
    'is missing, and not 0, when an episode that is paid for %s fails by itself',
    async (_, reward) => {
      const openEpisode = () => Promise.reject(new Error('no server'));
      const lost = await play(oracleScript, reward, { ...episodes, openEpisode });
      expect([lost.trace.end, lost.reward]).toEqual(['error', null]);
    },
  );
});
