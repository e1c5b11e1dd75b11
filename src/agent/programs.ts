// The ptc mode's programs (ATLAS, arXiv 2603.06713 appendix A): one notebook an episode, in which every call is one of the
// episode's tools. Writes down each call of a program; the sandbox knows no trace.
import { InputError } from '../base/errors.ts';
import { deriveSeed } from '../base/rng.ts';
import { keysFor, variablesFor } from '../sandbox/identifiers.ts';
import { NOTEBOOK_LIMITS, type NotebookLimits } from '../sandbox/limits.ts';
import type { CellReport, Notebook, ProgramAnswer, ProgramCall } from '../sandbox/notebook.ts';
import type { ServerStub } from '../sandbox/protocol.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { unknownTool } from '../tools/catalogue.ts';
import { toolSignature } from '../tools/signature.ts';
import type { Json, JsonObject } from '../trajectory/json.ts';
import type { Task } from '../trajectory/task.ts';
import type { ServerSpec, ToolSpec } from '../trajectory/tool.ts';
import type { SchemaStyle } from './prompt.ts';

/** What a call of a program came to, before it is cut. */
export interface InnerResult {
  text: string;
  value: Json;
  isError: boolean;
}

/** What the episode does for its programs. */
export interface ProgramOwner {
  /** Whether the episode allows one more call. */
  mayCall(): boolean;
  /** @throws what ends the episode, such as a dead server. */
  callTool(server: string, tool: string, args: JsonObject): Promise<InnerResult>;
  /** Writes a call down; `server` is null for a tool that is not there. */
  record(server: string | null, tool: string, args: JsonObject, result: InnerResult): void;
  /** Writes down that a program read schemas. */
  recordInfo(tools: readonly string[], result: InnerResult): void;
}

export interface ProgramOptions {
  sandbox: Sandbox;
  servers: readonly ServerSpec[];
  task: Task;
  /** The rollout's seed. */
  seed: number;
  schemaStyle: SchemaStyle;
  owner: ProgramOwner;
  limits?: NotebookLimits;
}

/** Name of the meta call by which a program reads schemas. */
export const GET_TOOLS_INFO = 'get_tools_info';

/** The servers as programs see them. */
export function serverStubs(servers: readonly ServerSpec[], style: SchemaStyle): ServerStub[] {
  const identifiers = variablesFor(servers.map(({ name }) => name));
  return servers.map(({ name, tools }, s) => {
    const identifier = identifiers[s] ?? name;
    const toolIdentifiers = keysFor(tools.map((tool) => tool.name));
    return {
      name,
      identifier,
      tools: tools.map((tool, t) => {
        const own = toolIdentifiers[t] ?? tool.name;
        const info = toolInfo(`${identifier}.${own}`, tool, style);
        const { outputSchema } = tool;
        const results = outputSchema === undefined ? null : JSON.stringify(outputSchema);
        return { name: tool.name, identifier: own, info, results };
      }),
    };
  });
}

/** What `get_tools_info` says of a tool: in signature style one line, else description and schemas too. */
function toolInfo(path: string, tool: ToolSpec, style: SchemaStyle): string {
  const signature = toolSignature({ ...tool, name: path });
  const { description, inputSchema, outputSchema } = tool;
  if (style === 'signature') {
    return outputSchema === undefined
      ? signature
      : `${signature} returns ${JSON.stringify(outputSchema)}`;
  }
  const returns =
    outputSchema === undefined
      ? 'not declared; print a result to see its form'
      : JSON.stringify(outputSchema);
  return [
    signature,
    `  ${description}`,
    `  arguments: ${JSON.stringify(inputSchema)}`,
    `  returns: ${returns}`,
  ].join('\n');
}

/** The programs of one episode. */
export class Programs {
  readonly #options: ProgramOptions;
  readonly #stubs: readonly ServerStub[];
  #notebook: Notebook | null = null;

  constructor(options: ProgramOptions) {
    this.#options = options;
    this.#stubs = serverStubs(options.servers, options.schemaStyle);
  }

  /**
   * Runs one program.
   * @throws {SandboxError} when no worker starts; what the owner throws; the signal's reason.
   */
  async run(code: string, signal: AbortSignal | undefined): Promise<CellReport> {
    const { sandbox, seed, task, limits = NOTEBOOK_LIMITS } = this.#options;
    this.#notebook ??= sandbox.open({
      servers: this.#stubs,
      seed: deriveSeed(seed, 'notebook'),
      clockMs: clockMs(task),
      limits,
    });
    const handlers = {
      call: (call: ProgramCall, waited: AbortSignal) => this.#call(call, waited),
      info: (server: string, tools: readonly string[]) => this.#info(server, tools),
    };
    return this.#notebook.run(code, handlers, signal);
  }

  close(): void {
    this.#notebook?.close();
    this.#notebook = null;
  }

  async #call(call: ProgramCall, waited: AbortSignal): Promise<ProgramAnswer> {
    const { owner, servers } = this.#options;
    const { server: name, tool, arguments: args, note } = call;
    if (!owner.mayCall()) return { text: 'this episode allows no more calls', isError: true };
    const server = servers.find((spec) => spec.name === name);
    const known = server?.tools.some((spec) => spec.name === tool) === true;
    if (server === undefined || !known) {
      const text = server === undefined ? `unknown server '${name}'` : unknownTool(server, tool);
      return this.#failed(null, `${name}:${tool}`, args ?? {}, text);
    }
    if (args === null) return this.#failed(name, tool, {}, note);
    const answer = await this.#answered(owner.callTool(name, tool, args), waited);
    const helped = answer.isError && note !== '' ? `${answer.text}; ${note}` : answer.text;
    const result = { ...answer, text: helped };
    owner.record(name, tool, args, result);
    return result;
  }

  /** The answer, or an error when the program has waited long enough; a late answer is let go. */
  async #answered(answer: Promise<InnerResult>, waited: AbortSignal): Promise<InnerResult> {
    const { waitMs } = this.#options.limits ?? NOTEBOOK_LIMITS;
    const text = `no answer within the ${waitMs} ms that a program may wait for its calls`;
    // One that fails after all is nobody's any more.
    answer.catch(() => undefined);
    let stop: () => void = () => undefined;
    const over = new Promise<InnerResult>((resolve) => {
      stop = () => resolve({ text, value: null, isError: true });
      if (waited.aborted) stop();
      else waited.addEventListener('abort', stop, { once: true });
    });
    try {
      return await Promise.race([answer, over]);
    } finally {
      waited.removeEventListener('abort', stop);
    }
  }

  #failed(server: string | null, tool: string, args: JsonObject, text: string): ProgramAnswer {
    this.#options.owner.record(server, tool, args, { text, value: null, isError: true });
    return { text, isError: true };
  }

  /** What a program read is what the stubs say: it is written down without asking it. */
  #info(server: string, tools: readonly string[]): void {
    const found = tools.map((name) => this.#infoOf(server, name));
    const missing = tools.filter((_, i) => found[i] === undefined);
    const text = [
      ...found.filter((info) => info !== undefined),
      ...missing.map((name) => `unknown tool '${name}'`),
    ].join('\n');
    this.#options.owner.recordInfo(tools, { text, value: null, isError: missing.length > 0 });
  }

  #infoOf(server: string, name: string): string | undefined {
    for (const stub of this.#stubs) {
      if (server !== '' && stub.name !== server) continue;
      const tool = stub.tools.find((one) => {
        const names = [
          `${stub.identifier}.${one.identifier}`,
          `${stub.identifier}.${one.name}`,
          `${stub.name}:${one.name}`,
        ];
        return names.includes(name) || (server !== '' && [one.name, one.identifier].includes(name));
      });
      if (tool !== undefined) return tool.info;
    }
    return undefined;
  }
}

/** The world's clock has no zone: it is taken for UTC. */
function clockMs({ world }: Task): number {
  const ms = Date.parse(`${world.clock}Z`);
  if (Number.isFinite(ms)) return ms;
  throw new InputError('world-clock', `task: got the clock ${world.clock}, need ISO 8601, no zone`);
}

/** The sandbox, or why the mode cannot be played. */
export function needSandbox(sandbox: Sandbox | undefined): Sandbox {
  if (sandbox !== undefined) return sandbox;
  throw new InputError(
    'mode-ptc',
    'mode: got ptc, which needs a sandbox for its programs, and there is none; choose eager, isl or itl',
  );
}
