// Notebooks on two small servers, for tests in Node and in a page.
import { keysFor, variablesFor } from '../../src/sandbox/identifiers.ts';
import { NOTEBOOK_LIMITS, type NotebookLimits } from '../../src/sandbox/limits.ts';
import type {
  CellReport,
  Notebook,
  ProgramAnswer,
  ProgramCall,
  ProgramHandlers,
} from '../../src/sandbox/notebook.ts';
import type { ServerStub } from '../../src/sandbox/protocol.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';

const TOOLS: Readonly<Record<string, readonly string[]>> = {
  shop: ['find_item', 'get_price', 'list_items', 'say'],
  'odd-name': ['do-it', 'wait'],
};

export function stubs(servers = TOOLS): ServerStub[] {
  const names = Object.keys(servers);
  const identifiers = variablesFor(names);
  return names.map((name, i) => {
    const tools = servers[name] ?? [];
    const toolIdentifiers = keysFor(tools);
    return {
      name,
      identifier: identifiers[i] ?? name,
      tools: tools.map((tool, t) => ({
        name: tool,
        identifier: toolIdentifiers[t] ?? tool,
        info: `${name}.${tool}: what it does`,
        results: tool === 'find_item' ? '{"id":"string"}' : null,
      })),
    };
  });
}

/** 14 March 2025, 9:26 in UTC. */
export const CLOCK_MS = Date.UTC(2025, 2, 14, 9, 26);

export interface Bench {
  notebook: Notebook;
  run(code: string, signal?: AbortSignal): Promise<CellReport>;
  calls: ProgramCall[];
  infos: [string, readonly string[]][];
}

export interface BenchOptions {
  limits?: Partial<NotebookLimits>;
  seed?: number;
  servers?: Readonly<Record<string, readonly string[]>>;
  call?: ProgramHandlers['call'];
}

/** A notebook whose calls are noted. */
export function bench(sandbox: Sandbox, options: BenchOptions = {}): Bench {
  const { limits = {}, seed = 7, servers, call: answerOf = answer } = options;
  const calls: ProgramCall[] = [];
  const infos: [string, readonly string[]][] = [];
  const notebook = sandbox.open({
    servers: stubs(servers),
    seed,
    clockMs: CLOCK_MS,
    limits: { ...NOTEBOOK_LIMITS, ...limits },
  });
  const handlers: ProgramHandlers = {
    call: (call, signal) => {
      calls.push(call);
      return answerOf(call, signal);
    },
    info: (server, tools) => infos.push([server, tools]),
  };
  return { notebook, run: (code, signal) => notebook.run(code, handlers, signal), calls, infos };
}

/** Answers as real tools do. */
export async function answer(call: ProgramCall, signal: AbortSignal): Promise<ProgramAnswer> {
  const { tool, arguments: args, note } = call;
  if (args === null) return { text: note, isError: true };
  const value = (result: unknown) => ({ text: JSON.stringify(result), isError: false });
  switch (tool) {
    case 'find_item':
      if (args['name'] === 'red lamp') return value({ id: 'I-42', tags: ['new'] });
      return {
        text: `not found: '${String(args['name'])}', did you mean 'red lamp'?`,
        isError: true,
      };
    case 'get_price':
      if (args['id'] === undefined) {
        const why = note === '' ? '' : `; ${note}`;
        return { text: `bad arguments for get_price: need id${why}`, isError: true };
      }
      return value({ price: 12.5 });
    case 'list_items':
      return value(['red lamp', 'big cup']);
    case 'say':
      return { text: String(args['text'] ?? 'just a sentence'), isError: false };
    case 'do-it':
      return value(args);
    case 'wait':
      return new Promise((resolve) => {
        const stop = () => resolve({ text: 'no answer in time', isError: true });
        if (signal.aborted) stop();
        else signal.addEventListener('abort', stop, { once: true });
      });
    default:
      return { text: `unknown tool '${tool}'`, isError: true };
  }
}
