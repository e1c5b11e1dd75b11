// What the agent and its tools cost without a model: 64 episodes at once of the scripted teacher, every call over real MCP
// in this process. Needs no device.
import { oracleScript } from '../../agent/policies/oracle.ts';
import { evaluate } from '../../lab/evaluate.ts';
import { openEpisode } from '../../toolspace/episode.ts';
import { generateTasks } from '../../toolspace/tasks.ts';
import { experimentSchema } from '../../trajectory/experiment.ts';
import { openModel, tokenizerOf } from '../models.ts';
import { type Bench, type Measured, median } from './bench.ts';

const TASKS = 256;
const AT_ONCE = 64;
const ROUNDS = 3;
/** What a rollout of many episodes must not fall below, whatever the policy. */
const LEAST_CALLS_A_SECOND = 500;

async function measure(): Promise<Measured[]> {
  const tokenizer = tokenizerOf(await openModel('nano'));
  const tasks = generateTasks({ split: 'test', count: TASKS, seed: 5, toolspace: 'full' });
  const { limits, reward } = experimentSchema.shape;
  const play = async (): Promise<number> => {
    const started = performance.now();
    const { traces } = await evaluate({
      tasks,
      mode: 'itl',
      policy: { kind: 'scripted', policy: oracleScript(), tokenizer },
      runtime: {
        tokenizer,
        openEpisode: ({ world, servers, toolspace }, episode) =>
          openEpisode({ world, servers, toolspace, episode }),
        promptStyle: 'compact',
        schemaStyle: 'signature',
      },
      limits: { ...limits.parse(undefined), contextTokens: 16_384 },
      reward: reward.parse(undefined),
      seed: 1,
      temperature: 0,
      concurrency: AT_ONCE,
    });
    const calls = traces.flatMap((trace) => trace.calls).filter(({ meta }) => !meta).length;
    return calls / ((performance.now() - started) / 1000);
  };
  await play();
  const rates: number[] = [];
  for (let i = 0; i < ROUNDS; i++) rates.push(await play());
  const value = median(rates);
  return [
    {
      name: 'episodes-64',
      value,
      unit: 'calls/s',
      peer: { name: 'the least', value: LEAST_CALLS_A_SECOND },
      ratio: value / LEAST_CALLS_A_SECOND,
    },
  ];
}

export const episodes: Bench = { name: 'episodes', measure };
