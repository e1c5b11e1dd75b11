// The command line: finds the command, runs it, and turns what it throws into one line and an exit code.
import { errorMessage, InputError, ModelFileError } from '../base/errors.ts';
import { note } from './output.ts';

type Command = (argv: readonly string[]) => Promise<void>;

/** Commands are loaded when they are used. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  devices: async () => (await import('./commands/devices.ts')).devices,
  inspect: async () => (await import('./commands/inspect.ts')).inspect,
  tokenize: async () => (await import('./commands/tokenize.ts')).tokenize,
  logits: async () => (await import('./commands/logits.ts')).logits,
  generate: async () => (await import('./commands/generate.ts')).generate,
  grads: async () => (await import('./commands/grads.ts')).grads,
  servers: async () => (await import('./commands/servers.ts')).servers,
  tasks: async () => (await import('./commands/tasks.ts')).tasks,
  agent: async () => (await import('./commands/agent.ts')).agent,
  score: async () => (await import('./commands/score.ts')).score,
  'sft-data': async () => (await import('./commands/sft-data.ts')).sftData,
  train: async () => (await import('./commands/train.ts')).train,
  pretrain: async () => (await import('./commands/pretrain.ts')).pretrain,
  export: async () => (await import('./commands/export.ts')).exportRun,
  schema: async () => (await import('./commands/schema.ts')).schema,
  bench: async () => (await import('./commands/bench.ts')).bench,
};

/** Only a signal aborts what a command does. */
const STOPPED =
  'stopped by a signal: what was written is whole; a run goes on from its last checkpoint with --resume';

const EXIT_FAILED = 1;
const EXIT_INPUT = 2;

async function run(argv: readonly string[]): Promise<void> {
  const [name, ...rest] = argv;
  const names = Object.keys(COMMANDS).join(', ');
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    throw new InputError('command', `atlas: got no command, need one of ${names}`);
  }
  const load = COMMANDS[name];
  if (load === undefined) {
    throw new InputError('command', `atlas: got the command "${name}", need one of ${names}`);
  }
  await (await load())(rest);
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

/** Runs one command line; resolves to the exit code. */
export async function main(argv: string[]): Promise<number> {
  try {
    await run(argv);
    return 0;
  } catch (error) {
    note(`error: ${isAbort(error) ? STOPPED : errorMessage(error).split('\n')[0]}`);
    if (process.env['ATLAS_DEBUG'] !== undefined && error instanceof Error) note(error.stack ?? '');
    const input = error instanceof InputError || error instanceof ModelFileError;
    return input ? EXIT_INPUT : EXIT_FAILED;
  }
}
