// The agent modes: what an episode shows at its start, how more is loaded, and where a call goes. Calls no tool itself.
import type { CallForm } from '../trajectory/interfaces.ts';
import type { Json, JsonObject } from '../trajectory/json.ts';
import type { ServerSpec, ToolCall, ToolSpec } from '../trajectory/tool.ts';
import type { Mode } from '../trajectory/trace.ts';
import type { Piece } from './context-origins.ts';
import { callForms, callName, findTool, suggestion } from './names.ts';
import {
  defused,
  FETCH_TOOLS,
  GET_SELECTED_TOOLS,
  type PromptStyle,
  RUN_PROGRAM,
  type SchemaStyle,
  schemaList,
  schemaText,
  systemPieces,
} from './prompt.ts';

/** Where a call goes: answered by the mode itself, on to a server, run as a program, or refused with a text for the policy. */
export type Route =
  | { kind: 'meta'; tool: string; text: string; value: Json; isError: boolean }
  | { kind: 'tool'; server: string; tool: string }
  | { kind: 'program'; tool: string; code: string }
  | { kind: 'refused'; server: string | null; tool: string; text: string };

/** One mode in one episode. `route` remembers what was loaded. */
export interface ModeInEpisode {
  /** The system text, by what it is there for. */
  readonly system: readonly Piece[];
  /** Tools that the chat template lists. */
  readonly templateTools: readonly ToolSpec[];
  route(call: ToolCall): Route;
  /** The calls that `route` would not refuse now. */
  callable(): readonly CallForm[];
}

export interface ModeOptions {
  mode: Mode;
  servers: readonly ServerSpec[];
  worldSeed: number;
  promptStyle: PromptStyle;
  schemaStyle: SchemaStyle;
}

/** A mode at the start of an episode. */
export function startMode(options: ModeOptions): ModeInEpisode {
  const { mode, servers, promptStyle, worldSeed } = options;
  const system = systemPieces({ mode, style: promptStyle, servers, worldSeed });
  switch (mode) {
    case 'eager':
      return {
        system,
        templateTools: eagerTools(servers),
        route: eagerRoute(servers),
        callable: () => callForms(servers, () => true),
      };
    case 'isl':
      return loading(options, system, FETCH_TOOLS, fetchTools);
    case 'itl':
      return loading(options, system, GET_SELECTED_TOOLS, getSelectedTools);
    case 'ptc':
      return {
        system,
        templateTools: [RUN_PROGRAM],
        route: programRoute(servers),
        callable: () => [{ name: RUN_PROGRAM.name, inputSchema: RUN_PROGRAM.inputSchema }],
      };
    default:
      return mode satisfies never;
  }
}

function eagerTools(servers: readonly ServerSpec[]): ToolSpec[] {
  return servers.flatMap((server) =>
    server.tools.map((tool) => ({
      ...tool,
      name: callName(servers, server.name, tool.name),
      description: defused(tool.description),
    })),
  );
}

function eagerRoute(servers: readonly ServerSpec[]): ModeInEpisode['route'] {
  return (call) => {
    const found = findTool(servers, call.name);
    if ('complaint' in found) return refused(call.name, found.complaint);
    return { kind: 'tool', server: found.server.name, tool: found.tool.name };
  };
}

function programRoute(servers: readonly ServerSpec[]): ModeInEpisode['route'] {
  const { name: tool } = RUN_PROGRAM;
  return (call) => {
    if (call.name !== tool) {
      const found = findTool(servers, call.name);
      const complaint = 'complaint' in found ? found.complaint : `'${call.name}' is no tool here`;
      return refused(call.name, `${complaint}; write a program that calls it, for ${tool}`);
    }
    const { code } = call.arguments;
    if (typeof code === 'string') return { kind: 'program', tool, code };
    const text = 'code: need a text with a JavaScript program';
    return { kind: 'meta', tool, text, value: null, isError: true };
  };
}

/** A meta call's outcome: the tools to load and what was wrong, if anything. */
interface Loaded {
  server: string;
  tools: ToolSpec[];
  complaint: string | null;
}
type Loader = (servers: readonly ServerSpec[], call: ToolCall) => Loaded | { complaint: string };

function loading(
  { servers, promptStyle, schemaStyle }: ModeOptions,
  system: readonly Piece[],
  meta: ToolSpec,
  load: Loader,
): ModeInEpisode {
  const known = new Set<string>();
  const answerMeta = (call: ToolCall): Route => {
    const loaded = load(servers, call);
    if (!('tools' in loaded)) {
      return { kind: 'meta', tool: meta.name, text: loaded.complaint, value: null, isError: true };
    }
    for (const tool of loaded.tools) known.add(`${loaded.server}:${tool.name}`);
    const schemas = loaded.tools.length > 0 ? schemaText(loaded.tools, schemaStyle) : '';
    const parts = [schemas, loaded.complaint ?? ''].filter((part) => part !== '');
    const isError = loaded.complaint !== null;
    const value = schemaStyle === 'json' && !isError ? schemaList(loaded.tools) : null;
    return { kind: 'meta', tool: meta.name, text: parts.join('\n'), value, isError };
  };
  return {
    system,
    templateTools: promptStyle === 'full' ? [meta] : [],
    callable: () => [
      { name: meta.name, inputSchema: loadingSchema(meta, servers) },
      ...callForms(servers, (server, tool) => known.has(`${server.name}:${tool.name}`)),
    ],
    route: (call) => {
      if (call.name === meta.name) return answerMeta(call);
      const found = findTool(servers, call.name);
      if ('complaint' in found) return refused(call.name, found.complaint);
      const { server, tool } = found;
      if (known.has(`${server.name}:${tool.name}`)) {
        return { kind: 'tool', server: server.name, tool: tool.name };
      }
      const args =
        meta === FETCH_TOOLS
          ? { server: server.name }
          : { server: server.name, tools: [tool.name] };
      const first = `load it first: ${meta.name} ${JSON.stringify(args)}`;
      return { kind: 'refused', server: server.name, tool: tool.name, text: first };
    },
  };
}

/** The arguments of a meta tool that name what is there. */
function loadingSchema(meta: ToolSpec, servers: readonly ServerSpec[]): JsonObject {
  const isServerLoader = meta === FETCH_TOOLS;
  const anyOf = servers.map(({ name, tools }) => {
    const items = { enum: tools.map((tool) => tool.name) };
    const list = { type: 'array', items, minItems: 1, maxItems: tools.length };
    const properties: JsonObject = { server: { const: name } };
    if (!isServerLoader) properties['tools'] = list;
    return { type: 'object', properties, required: Object.keys(properties) };
  });
  return { anyOf };
}

function refused(tool: string, text: string): Route {
  return { kind: 'refused', server: null, tool, text };
}

function fetchTools(servers: readonly ServerSpec[], call: ToolCall): ReturnType<Loader> {
  const server = namedServer(servers, call);
  if ('complaint' in server) return server;
  return { server: server.name, tools: server.tools, complaint: null };
}

function getSelectedTools(servers: readonly ServerSpec[], call: ToolCall): ReturnType<Loader> {
  const server = namedServer(servers, call);
  if ('complaint' in server) return server;
  const wanted = call.arguments['tools'];
  const names = Array.isArray(wanted) ? wanted : [];
  const isName = (name: Json): name is string => typeof name === 'string';
  if (names.length === 0 || !names.every(isName)) {
    return { complaint: 'tools: need a list of tool names, such as ["find_item"]' };
  }
  const tools: ToolSpec[] = [];
  const complaints: string[] = [];
  const all = server.tools.map((tool) => tool.name);
  for (const name of new Set(names)) {
    const tool = server.tools.find(
      (item) => item.name === name || `${server.name}:${item.name}` === name,
    );
    if (tool) tools.push(tool);
    else complaints.push(`no tool '${name}'${suggestion(name, all, `tools: ${all.join(' ')}`)}`);
  }
  const complaint = complaints.length > 0 ? complaints.join('\n') : null;
  return { server: server.name, tools, complaint };
}

function namedServer(
  servers: readonly ServerSpec[],
  call: ToolCall,
): ServerSpec | { complaint: string } {
  const wanted = call.arguments['server'];
  const names = servers.map((server) => server.name);
  const shown = `servers: ${names.join(' ')}`;
  if (typeof wanted !== 'string') return { complaint: `server: need the name of one; ${shown}` };
  const server = servers.find((item) => item.name === wanted);
  if (server) return server;
  return { complaint: `unknown server '${wanted}'${suggestion(wanted, names, shown)}` };
}
