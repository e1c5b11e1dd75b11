// What an episode has of its servers: their specifications, calls, and the state at the end. Knows
// no server.
import { ToolError } from '../base/errors.ts';
import type { Json, JsonObject } from '../trajectory/json.ts';
import type { ServerSpec } from '../trajectory/tool.ts';
import { checkArguments, unknownTool } from './catalogue.ts';
import type { CallOptions, McpConnection, ToolAnswer } from './mcp-client.ts';

/** The tools of one episode. */
export interface Toolbox {
  /** Shown servers, in shown order. */
  readonly servers: readonly ServerSpec[];
  /**
   * Calls a tool by server and bare name. Errors of the tool, of its arguments and of its name
   * come back as `isError`.
   * @throws {ToolError} for a server that is not shown or that is broken.
   */
  call(
    server: string,
    tool: string,
    args: JsonObject,
    options?: { signal?: AbortSignal },
  ): Promise<ToolAnswer>;
  /** Final state of every shown server that tells it, by name; null for one that does not. */
  state(): Promise<Record<string, Json>>;
  close(): Promise<void>;
}

/** A shown server: how it is reached, and how its state is read when it has one. */
export interface ToolboxServer {
  spec: ServerSpec;
  connect(): Promise<McpConnection>;
  readState?(): Promise<Json>;
}

/** A toolbox of servers that are connected at their first call. */
export function openToolbox(servers: readonly ToolboxServer[]): Toolbox {
  const open = new Map<string, Promise<McpConnection>>();
  const connection = (server: ToolboxServer) => {
    const { name } = server.spec;
    const known = open.get(name) ?? server.connect();
    open.set(name, known);
    return known;
  };
  return {
    servers: servers.map(({ spec }) => spec),
    async call(name, toolName, args, options: CallOptions = {}) {
      const server = servers.find(({ spec }) => spec.name === name);
      if (server === undefined) {
        const names = servers.map(({ spec }) => spec.name).join(', ');
        throw new ToolError(
          'unknown_server',
          `toolbox: got server '${name}', need one of ${names}.`,
        );
      }
      const tool = server.spec.tools.find((candidate) => candidate.name === toolName);
      const complaint =
        tool === undefined ? unknownTool(server.spec, toolName) : checkArguments(tool, args);
      if (complaint !== null) return { text: complaint, value: null, isError: true };
      return (await connection(server)).call(toolName, args, options);
    },
    async state() {
      const states = servers.map(
        async ({ spec, readState }): Promise<[string, Json]> => [
          spec.name,
          readState === undefined ? null : await readState(),
        ],
      );
      return Object.fromEntries(await Promise.all(states));
    },
    async close() {
      const connections = await Promise.allSettled(open.values());
      open.clear();
      // A server that never opened has nothing to close; its failure was thrown at the call.
      const closing = connections.flatMap((result) =>
        result.status === 'fulfilled' ? [result.value.close()] : [],
      );
      await Promise.all(closing);
    },
  };
}
