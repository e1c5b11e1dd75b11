// Toolspace full over streamable HTTP: real sockets, every episode with states of its own.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { oracleScript } from '../../../src/agent/policies/oracle.ts';
import { type Serving, serveHttp } from '../../../src/cli/serve.ts';
import { evaluate } from '../../../src/lab/evaluate.ts';
import { openRemoteEpisode } from '../../../src/toolspace/episode.ts';
import { createHost } from '../../../src/toolspace/host.ts';
import { generateTasks } from '../../../src/toolspace/tasks.ts';
import { experimentSchema } from '../../../src/trajectory/experiment.ts';
import { smallTokenizer } from '../../support/tokenizers.ts';

const TASKS = 200;
const TIMEOUT_MS = 180_000;
const host = createHost({ toolspace: 'full' });
let serving: Serving;
beforeAll(async () => {
  serving = await serveHttp(host.fetch, 0);
});
afterAll(async () => {
  await serving.close();
  await host.close();
});

test(
  'the oracle solves every task',
  async () => {
    const tokenizer = smallTokenizer();
    const splits = ['train', 'test', 'unseen'] as const;
    const tasks = splits.flatMap((split, i) =>
      generateTasks({ toolspace: 'full', split, count: i === 0 ? TASKS - 120 : 60, seed: 21 }),
    );
    expect(tasks).toHaveLength(TASKS);
    const { limits, reward } = experimentSchema.shape;
    const { summary, traces } = await evaluate({
      tasks,
      mode: 'itl',
      policy: { kind: 'scripted', policy: oracleScript(), tokenizer },
      runtime: {
        tokenizer,
        openEpisode: ({ world, servers, toolspace }, episode) =>
          openRemoteEpisode({ world, servers, toolspace, episode, url: `${serving.url}/mcp` }),
        promptStyle: 'full',
        schemaStyle: 'json',
      },
      limits: { ...limits.parse(undefined), contextTokens: 200_000 },
      reward: reward.parse(undefined),
      seed: 1,
      temperature: 0,
    });
    const failed = traces.filter(({ success }) => success !== true);
    expect(failed.map(({ task, error, end }) => [task.prompt, end, error])).toEqual([]);
    expect(summary.success).toBe(1);
  },
  TIMEOUT_MS,
);
