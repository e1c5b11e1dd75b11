// The command line: finds the command, runs it, and turns what it throws into one line and an exit code.
import '../base/zod-config.ts';
import { errorMessage, InputError, ModelFileError } from '../base/errors.ts';
import { note } from './output.ts';

type Command = (argv: readonly string[]) => Promise<void>;

/** Commands are loaded when they are used. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  pretrain: async () => (await import('./commands/pretrain.ts')).pretrain,
};

/** Commands of the contract that are not built yet. */
const LATER: readonly string[] = ['export'];

const EXIT_FAILED = 1;
const EXIT_INPUT = 2;

async function run(argv: readonly string[]): Promise<void> {
  const [name, ...rest] = argv;
  const names = Object.keys(COMMANDS).join(', ');
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    throw new InputError('command', `atlas: got no command, need one of ${names}`);
  }
  if (LATER.includes(name)) {
    throw new InputError('command', `atlas: ${name} is not built yet; there are ${names}`);
  }
  const load = COMMANDS[name];
  if (load === undefined) {
    throw new InputError('command', `atlas: got the command "${name}", need one of ${names}`);
  }
  await (await load())(rest);
}

/** Runs one command line; resolves to the exit code. */
export async function main(argv: string[]): Promise<number> {
  try {
    await run(argv);
    return 0;
  } catch (error) {
    note(`error: ${errorMessage(error).split('\n')[0]}`);
    if (process.env['ATLAS_DEBUG'] !== undefined && error instanceof Error) note(error.stack ?? '');
    const input = error instanceof InputError || error instanceof ModelFileError;
    return input ? EXIT_INPUT : EXIT_FAILED;
  }
}
