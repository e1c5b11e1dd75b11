// `atlas sft-data`: teacher trajectories with masks, in the tokens of a model.
import { InputError } from '../../base/errors.ts';
import { teach } from '../../lab/teacher.ts';
import { sftSequence } from '../../rl/sft.ts';
import { openEpisode } from '../../toolspace/episode.ts';
import { generateTasks } from '../../toolspace/tasks.ts';
import { experimentSchema } from '../../trajectory/experiment.ts';
import { splitSchema } from '../../trajectory/task.ts';
import { modeSchema } from '../../trajectory/trace.ts';
import { stylesOfFile, toolspaceOfFile } from '../engine.ts';
import { Flags } from '../flags.ts';
import { openModel, tokenizerOf } from '../models.ts';
import { nodeSandbox } from '../node-worker.ts';
import { printJson } from '../output.ts';

const FLAGS = {
  split: 'string',
  count: 'string',
  seed: 'string',
  mode: 'string',
  toolspace: 'string',
  thinking: 'string',
} as const;

/** Longest teacher trajectory that is written, tokens. */
const CONTEXT_TOKENS = 32768;

export async function sftData(argv: readonly string[]): Promise<void> {
  const flags = new Flags('sft-data', argv, FLAGS);
  const opened = await openModel(flags.positional(0, 'model'));
  const thinking = flags.text('thinking') ?? 'template';
  if (thinking !== 'template') {
    throw new InputError(
      'not-built',
      `sft-data: --thinking ${thinking} is not built yet; use template`,
    );
  }
  const mode = flags.choice('mode', modeSchema.options, 'itl');
  const seed = flags.integer('seed', 0);
  const tasks = generateTasks({
    split: flags.choice('split', splitSchema.options, 'train'),
    count: flags.integer('count', 1, 1, 100_000),
    seed,
    toolspace: flags.text('toolspace') ?? toolspaceOfFile(opened) ?? 'core',
  });
  const limits = {
    ...experimentSchema.shape.limits.parse(undefined),
    contextTokens: Math.min(opened.config.contextLength, CONTEXT_TOKENS),
  };
  const sandbox = nodeSandbox();
  const runtime = {
    sandbox,
    tokenizer: tokenizerOf(opened),
    openEpisode: (task: (typeof tasks)[number], episode: string) =>
      openEpisode({ world: task.world, servers: task.servers, toolspace: task.toolspace, episode }),
    ...stylesOfFile(opened),
  };
  for (const [i, task] of tasks.entries()) {
    const id = `teacher-${i}`;
    const trace = await teach({ task, id, mode, seed, limits, habits: undefined }, runtime);
    const { ids, mask } = sftSequence(trace, 'policy');
    printJson({ id, task, mode, messages: trace.messages, ids, mask });
  }
  sandbox.close();
}
