// `atlas agent`: a policy on tasks; trajectories as JSON lines, then a summary.
import type { AgentPolicy, Script } from '../../agent/agent-policy.ts';
import { oracleScript } from '../../agent/policies/oracle.ts';
import { randomScript } from '../../agent/policies/random.ts';
import { InputError } from '../../base/errors.ts';
import { evaluate } from '../../lab/evaluate.ts';
import type { EpisodeRuntime } from '../../lab/runtime.ts';
import { openAiPolicy } from '../../remote/openai.ts';
import type { Toolbox } from '../../tools/toolbox.ts';
import { openEpisode, openExtendedEpisode } from '../../toolspace/episode.ts';
import { generateTasks } from '../../toolspace/tasks.ts';
import { FULL } from '../../toolspace/toolspaces.ts';
import { experimentSchema } from '../../trajectory/experiment.ts';
import { splitSchema, type Task, taskSchema } from '../../trajectory/task.ts';
import { modeSchema } from '../../trajectory/trace.ts';
import { agentPolicyOf, openEngine, stylesOfFile, toolspaceOfFile } from '../engine.ts';
import { Flags } from '../flags.ts';
import { readJsonLines } from '../json-file.ts';
import { openModel, tokenizerOf } from '../models.ts';
import { DEVICE_FLAGS } from '../node-gpu.ts';
import { nodeSandbox } from '../node-worker.ts';
import { Progress, printJson } from '../output.ts';
import { addedServers, SERVER_FLAGS } from '../server-flags.ts';
import { interruptSignal } from '../signals.ts';

const FLAGS = {
  mode: 'string',
  tasks: 'string',
  count: 'string',
  task: 'string',
  seed: 'string',
  adapter: 'string',
  kv: 'string',
  activations: 'string',
  temperature: 'string',
  toolspace: 'string',
  tokenizer: 'string',
  ...SERVER_FLAGS,
  cache: 'string',
  constrain: 'boolean',
  search: 'boolean',
  ...DEVICE_FLAGS,
} as const;

/** Fresh prompts of the endpoint's policy are counted in tokens of this model. */
const DEFAULT_TOKENIZER = 'nano';
const CONTEXT_TOKENS = 32768;

const SCRIPTS: Readonly<Record<string, () => Script>> = {
  oracle: () => oracleScript({}),
  random: () => randomScript(),
};
const ENDPOINT = /^https?:\/\//;

interface Seat {
  policy: AgentPolicy;
  styles: Pick<EpisodeRuntime, 'promptStyle' | 'schemaStyle'>;
  toolspace: string | null;
  contextTokens: number;
  close(): void;
}

/** Who plays: a script, an endpoint or a model on a device. */
async function seatOf(name: string, flags: Flags): Promise<Seat> {
  const script = SCRIPTS[name];
  if (script === undefined && !ENDPOINT.test(name)) {
    const engine = await openEngine(name, flags);
    return {
      policy: agentPolicyOf(engine),
      styles: stylesOfFile(engine.opened),
      toolspace: toolspaceOfFile(engine.opened),
      contextTokens: engine.policy.contextLength,
      close: () => engine.close(),
    };
  }
  const opened = await openModel(flags.text('tokenizer') ?? DEFAULT_TOKENIZER);
  const tokenizer = tokenizerOf(opened);
  const shared = { toolspace: null, contextTokens: CONTEXT_TOKENS, close: () => undefined };
  if (script !== undefined) {
    const policy: AgentPolicy = { kind: 'scripted', policy: script(), tokenizer };
    return { ...shared, policy, styles: stylesOfFile(opened) };
  }
  const chat = openAiPolicy({
    baseUrl: name,
    model: process.env['ATLAS_MODEL'] ?? 'default',
    apiKey: process.env['ATLAS_API_KEY'],
  });
  const styles = { promptStyle: 'full', schemaStyle: 'json' } as const;
  return { ...shared, policy: { kind: 'chat', policy: chat, tokenizer }, styles };
}

async function tasksOf(flags: Flags, toolspace: string): Promise<Task[]> {
  const file = flags.text('task');
  if (file !== undefined) return await readJsonLines(file, taskSchema);
  return generateTasks({
    split: flags.choice('tasks', splitSchema.options),
    count: flags.integer('count', 1, 1, 100_000),
    seed: flags.integer('seed', 0),
    toolspace,
  });
}

export async function agent(argv: readonly string[]): Promise<void> {
  const flags = new Flags('agent', argv, FLAGS);
  const name = flags.positional(0, 'policy');
  const mode = flags.choice('mode', modeSchema.options);
  if (flags.has('cache')) {
    throw new InputError('not-built', 'agent: --cache is not built yet; leave it out');
  }
  if (flags.has('constrain') && (Object.hasOwn(SCRIPTS, name) || ENDPOINT.test(name))) {
    throw new InputError(
      'flags',
      `agent: --constrain: got the policy ${name}, need a model whose tokens are sampled here`,
    );
  }
  const servers = addedServers(flags);
  const seat = await seatOf(name, flags);
  const toolspace = flags.text('toolspace') ?? seat.toolspace ?? FULL.name;
  const tasks = await tasksOf(flags, toolspace);
  const { limits, reward } = experimentSchema.shape;
  const progress = new Progress(`agent ${name}`);
  const open = (
    { world, servers: shown, toolspace: space }: Task,
    episode: string,
  ): Promise<Toolbox> => {
    const options = { world, servers: shown, toolspace: space, episode };
    return servers.length === 0 ? openEpisode(options) : openExtendedEpisode(options, servers);
  };
  const sandbox = nodeSandbox();
  const { summary } = await evaluate({
    tasks,
    mode,
    policy: seat.policy,
    runtime: { tokenizer: seat.policy.tokenizer, openEpisode: open, sandbox, ...seat.styles },
    limits: { ...limits.parse(undefined), contextTokens: seat.contextTokens },
    reward: reward.parse(undefined),
    seed: flags.integer('seed', 0),
    temperature: flags.number('temperature', 0, 0),
    constrain: flags.has('constrain'),
    search: flags.has('search'),
    signal: interruptSignal(),
    onTrace: (trace, index) => {
      printJson(trace);
      progress.update(index + 1, tasks.length);
    },
  });
  printJson({ summary });
  sandbox.close();
  seat.close();
}
