// A policy of text that acts at random: the floor that any other policy must beat. Sees the shown tools only.
import { deriveSeed, Rng } from '../../base/rng.ts';
import type { Json, JsonObject } from '../../trajectory/json.ts';
import type { ServerSpec, ToolSpec } from '../../trajectory/tool.ts';
import type { Message } from '../../trajectory/trace.ts';
import type { Script, ScriptContext } from '../agent-policy.ts';
import { callText } from '../grammar.ts';
import { callName } from '../names.ts';
import { FETCH_TOOLS, GET_SELECTED_TOOLS, RUN_PROGRAM } from '../prompt.ts';
import { ProgramText } from './program-text.ts';

const ANSWER_SHARE = 0.2;
const OPTIONAL_SHARE = 0.3;
/** Share of programs that read a schema. */
const INFO_SHARE = 0.3;

/** Loads and calls shown tools at random, with arguments of the schema's types, or answers. */
export function randomScript(): Script {
  return {
    name: 'random',
    make: (context) => {
      const loaded = new Set<string>();
      return {
        name: 'random',
        reply: (messages, { seed }) => {
          const rng = new Rng(deriveSeed(seed, 'random', messages.length));
          return Promise.resolve(act(context, loaded, messages, rng));
        },
      };
    },
  };
}

function act(
  { servers, mode }: ScriptContext,
  loaded: Set<string>,
  messages: readonly Message[],
  rng: Rng,
): string {
  const words = wordsOf(messages);
  const shown = servers.filter((server) => server.tools.length > 0);
  if (shown.length === 0 || rng.chance(ANSWER_SHARE)) return `<answer>${rng.pick(words)}</answer>`;
  const server: ServerSpec = rng.pick(shown);
  const tool = rng.pick(server.tools);
  if (mode === 'ptc') return program(servers, server, tool, words, rng);
  const key = mode === 'isl' ? server.name : `${server.name}:${tool.name}`;
  if (mode !== 'eager' && !loaded.has(key)) {
    loaded.add(key);
    if (mode === 'isl')
      return callText({ name: FETCH_TOOLS.name, arguments: { server: server.name } });
    const args = { server: server.name, tools: [tool.name] };
    return callText({ name: GET_SELECTED_TOOLS.name, arguments: args });
  }
  const name = callName(servers, server.name, tool.name);
  return callText({ name, arguments: randomArguments(tool, words, rng) });
}

/** A program with one call, or one that reads a schema. */
function program(
  servers: readonly ServerSpec[],
  server: ServerSpec,
  tool: ToolSpec,
  words: readonly string[],
  rng: Rng,
): string {
  const path = new ProgramText(servers, '').path({ server: server.name, tool: tool.name });
  const args = JSON.stringify(randomArguments(tool, words, rng));
  const code = rng.chance(INFO_SHARE) ? `get_tools_info(['${path}'])` : `await ${path}(${args})`;
  return callText({ name: RUN_PROGRAM.name, arguments: { code } });
}

/** Words of the request, never an empty list. */
function wordsOf(messages: readonly Message[]): string[] {
  const request = messages.find(({ role }) => role === 'user')?.content ?? '';
  const words = request.match(/[\p{L}\p{N}][\p{L}\p{N}:_-]*/gu) ?? [];
  return words.length > 0 ? [...words] : ['done'];
}

function randomArguments(tool: ToolSpec, words: readonly string[], rng: Rng): JsonObject {
  const { properties, required } = tool.inputSchema;
  const args: JsonObject = {};
  for (const [name, schema] of Object.entries(isObject(properties) ? properties : {})) {
    const needed = Array.isArray(required) && required.includes(name);
    if (needed || rng.chance(OPTIONAL_SHARE)) args[name] = randomValue(schema, words, rng);
  }
  return args;
}

function randomValue(schema: Json, words: readonly string[], rng: Rng): Json {
  if (!isObject(schema)) return rng.pick(words);
  const { enum: values, type } = schema;
  if (Array.isArray(values) && values.length > 0) return rng.pick(values);
  switch (type) {
    case 'integer':
      return rng.int(0, 100);
    case 'number':
      return rng.int(0, 1000) / 10;
    case 'boolean':
      return rng.chance(0.5);
    case 'array':
      return [randomValue(schema['items'] ?? {}, words, rng)];
    case 'object':
      return {};
    default:
      return rng.pick(words);
  }
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
