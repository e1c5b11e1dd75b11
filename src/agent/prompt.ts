// The system text of an episode and the text of tool schemas. Must not know how a policy samples.
import { deriveSeed, Rng } from '../base/rng.ts';
import { keysFor, variablesFor } from '../sandbox/identifiers.ts';
import { toolSignature } from '../tools/signature.ts';
import type { JsonObject } from '../trajectory/json.ts';
import { CODE_INTERPRETER, type ServerSpec, type ToolSpec } from '../trajectory/tool.ts';
import type { Mode } from '../trajectory/trace.ts';
import type { Piece } from './context-origins.ts';

/** `compact`: lists only, for nano; `full`: English instructions (after ATLAS, arXiv 2603.06713 appendix F.4). */
export type PromptStyle = 'compact' | 'full';
/** `signature`: one line a tool; `json`: name, description and input schema. */
export type SchemaStyle = 'signature' | 'json';

/** Meta tool of isl. */
export const FETCH_TOOLS: ToolSpec = {
  name: 'fetch_tools',
  description: 'Returns the schemas of all tools of one server.',
  inputSchema: {
    type: 'object',
    properties: { server: { type: 'string', description: 'Name of the server.' } },
    required: ['server'],
  },
};

/** Meta tool of itl. */
export const GET_SELECTED_TOOLS: ToolSpec = {
  name: 'get_selected_tools',
  description: 'Returns the schemas of the named tools of one server.',
  inputSchema: {
    type: 'object',
    properties: {
      server: { type: 'string', description: 'Name of the server.' },
      tools: { type: 'array', items: { type: 'string' }, description: 'Names of its tools.' },
    },
    required: ['server', 'tools'],
  },
};

/** Meta tool of ptc. */
export const RUN_PROGRAM: ToolSpec = {
  name: CODE_INTERPRETER,
  description:
    'Runs a JavaScript program in a notebook that keeps its variables, and returns what it printed.',
  inputSchema: {
    type: 'object',
    properties: { code: { type: 'string', description: 'The program.' } },
    required: ['code'],
  },
};

/** Schemas of tools as a policy reads them: lines of signatures, or a JSON array. */
export function schemaText(tools: readonly ToolSpec[], style: SchemaStyle): string {
  if (style === 'signature') return tools.map(toolSignature).join('\n');
  return JSON.stringify(schemaList(tools));
}

/** Schemas of tools as data. */
export function schemaList(tools: readonly ToolSpec[]): JsonObject[] {
  return tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
}

export interface SystemTextOptions {
  mode: Mode;
  style: PromptStyle;
  servers: readonly ServerSpec[];
  /** Seed of the world: shuffles the tool names of a server. */
  worldSeed: number;
}

/** System text of an episode by what it is there for; nothing when the tools come by the template and the style adds none. */
export function systemPieces(options: SystemTextOptions): Piece[] {
  const { mode, style } = options;
  const lists = listPieces(options);
  if (style === 'compact') return lists;
  const loading = LOADING[mode] ?? '';
  const texts = mode === 'ptc' ? [PROGRAM_ROLE, PROGRAM_RULES] : [ROLE, loading, RULES];
  const text = texts.filter((part) => part !== '').join('\n\n');
  return [{ text: lists.length === 0 ? text : `${text}\n\n`, origin: 'system' }, ...lists];
}

/** Text from a server that cannot write a tag of the grammar or the template: `<` before a tag becomes `‹`. */
export function defused(text: string): string {
  return text.replace(/<(?=[|/\p{L}_])/gu, '‹');
}

const ROLE = `You solve the user's request by calling tools of MCP servers.
At every step decide: if everything that was asked is done and known, give the answer; if another call would help, make it; otherwise give the best answer you have.
Think inside <think></think>, once in each message and before anything else. In your first message write a short plan there.
Then write one or more calls
<tool_call>{"name":"tool or server:tool","arguments":{}}</tool_call>
or, when you are done,
<answer>the values that were asked for, joined by ", ", or done when none was asked for</answer>`;

/** After the system text of the paper's programmatic mode, in JavaScript. */
const PROGRAM_ROLE = `You solve the user's request by writing programs that call tools of MCP servers.
At every step decide: if everything that was asked is done and known, give the answer; if another program would help, write it; otherwise give the best answer you have.
Think inside <think></think>, once in each message and before anything else. In your first message write a short plan there.
Then write one call
<tool_call>{"name":"code_interpreter","arguments":{"code":"the program"}}</tool_call>
or, when you are done,
<answer>the values that were asked for, joined by ", ", or done when none was asked for</answer>`;

const PROGRAM_RULES = `Programs are JavaScript cells of one notebook: variables stay from cell to cell, and await works at the top.
- You see the servers and the names of their tools. A server is an object, its tools are its methods: const found = await server.tool({name: value});
- A call takes one object with arguments by name, and gives the parsed result, or a text where the result is no JSON.
- Your first program must be get_tools_info(['server.tool', ...]) with all tools that you need, to read their schemas. When a result or an argument has another form than you thought, call it again.
- Only what you print(...), and the value of a last expression, comes back to you. Keep results in variables, and take what later calls need from them.
- There are no imports, no network and no timers.
Rules:
- Take arguments from the request and from results; do not invent them.
- When a call fails, read the message and mend the call; do not repeat calls that worked.
- Cover every part of the request before you answer.`;

const LOADING: Partial<Record<Mode, string>> = {
  isl: 'You see only the names of the servers. Guess from a name what a server can do, and call fetch_tools with it to get the schemas of its tools. A tool can be called only after its schema was loaded.',
  itl: 'You see the servers and the names of their tools. Before you call a tool, call get_selected_tools with its server and the names of all the tools that you need of it, to get their schemas. A tool can be called only after its schema was loaded.',
};

const RULES = `Rules:
- Load only what you need, and do not repeat a call whose result you have.
- Take arguments from the request and from results; do not invent them.
- When a call fails, read the message and mend the call.
- Cover every part of the request before you answer.`;

function listPieces({ mode, servers, worldSeed, style }: SystemTextOptions): Piece[] {
  if (mode === 'eager') return [];
  if (mode === 'isl') {
    const names = servers.map((spec) => defused(spec.name)).join(' ');
    return [{ text: `servers: ${names}`, origin: 'servers' }];
  }
  const plain = (names: readonly string[]) => names.map(defused);
  const [nameServers, nameTools] = mode === 'ptc' ? [variablesFor, keysFor] : [plain, plain];
  const serverNames = nameServers(servers.map(({ name }) => name));
  const lines = servers.flatMap((server, i): Piece[] => {
    const names = nameTools(server.tools.map((tool) => tool.name));
    const shuffled = new Rng(deriveSeed(worldSeed, server.name)).shuffle(names);
    const before = i === 0 ? '' : '\n';
    return [
      { text: `${before}${serverNames[i]}: `, origin: 'servers' },
      { text: shuffled.join(' '), origin: 'tools' },
    ];
  });
  return style === 'full' ? [{ text: `${LIST_TITLE}\n`, origin: 'system' }, ...lines] : lines;
}

const LIST_TITLE = 'Servers and their tools:';
