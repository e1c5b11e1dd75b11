// A small world outside the agent: two servers in memory with tools that work, fail, throw and die, and policies that
// say what they are told to say.
import { ToolError } from '../../src/base/errors.ts';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import type { Toolbox } from '../../src/tools/toolbox.ts';
import type { GenerateRequest, TokenPolicy } from '../../src/trajectory/interfaces.ts';
import type { Json, JsonObject } from '../../src/trajectory/json.ts';
import type { OracleStep, Task } from '../../src/trajectory/task.ts';
import type { ServerSpec, ToolSpec } from '../../src/trajectory/tool.ts';
import { someTask } from './traces.ts';

function tool(name: string, properties: JsonObject, required: string[]): ToolSpec {
  const inputSchema = { type: 'object', properties, required };
  return { name, description: `Tool ${name}.`, inputSchema };
}

const text = { type: 'string' };
export const SHOP: ServerSpec = {
  name: 'shop',
  description: 'Items and prices.',
  tools: [
    tool('find_item', { name: text }, ['name']),
    tool('get_price', { id: text }, ['id']),
    tool('list_items', {}, []),
    tool('break', { how: { type: 'string', enum: ['throw', 'die'] } }, ['how']),
  ],
};
export const DIARY: ServerSpec = {
  name: 'diary',
  description: 'Events.',
  tools: [
    tool('add_event', { title: text, hour: { type: 'integer' }, place: text }, ['title', 'hour']),
    tool('list_items', {}, []),
  ],
};

export const LIMITS = { calls: 20, resultCharacters: 4000, contextTokens: 4096, turnTokens: 256 };

export interface ShopOptions {
  servers?: readonly ServerSpec[];
  /** The first call of this tool is answered with `busy, try again`. */
  busy?: string;
  stateFails?: boolean;
}

/** Opens the servers with fresh state. */
export function openShop(options: ShopOptions = {}): Toolbox {
  const events: Json[] = [];
  let busy = options.busy;
  const run = (name: string, args: JsonObject): Json | { error: string } => {
    switch (name) {
      case 'find_item':
        if (args['name'] === 'red lamp') return { id: 'I-42' };
        return { error: `not found: '${String(args['name'])}', did you mean 'red lamp'?` };
      case 'get_price':
        return args['id'] === 'I-42' ? { price: 12.5 } : { error: `not found: '${args['id']}'` };
      case 'list_items':
        return { items: ['red lamp', 'big cup'] };
      case 'add_event':
        events.push({ title: args['title'] ?? null, hour: args['hour'] ?? null });
        return { count: events.length };
      case 'break':
        if (args['how'] === 'die') throw new ToolError('server-gone', 'server shop: it is gone');
        throw new Error('a bug of the tool');
      default:
        return { error: `no tool ${name}` };
    }
  };
  return {
    servers: options.servers ?? [SHOP, DIARY],
    call: (_server, name, args) => {
      if (busy === name) {
        busy = undefined;
        return Promise.resolve({ text: 'busy, try again', value: null, isError: true });
      }
      return Promise.resolve().then(() => {
        const value = run(name, args);
        const failed = typeof value === 'object' && value !== null && 'error' in value;
        if (failed) return { text: String(value['error']), value: null, isError: true };
        return { text: JSON.stringify(value), value, isError: false };
      });
    },
    state: () =>
      options.stateFails
        ? Promise.reject(new ToolError('server-gone', 'server diary: no state'))
        : Promise.resolve({ shop: {}, diary: { events } }),
    close: () => Promise.resolve(),
  };
}

/** A step of the oracle. */
export function step(server: string, name: string, args: JsonObject, expectError = false) {
  const made: OracleStep = { server, tool: name, arguments: args };
  return expectError ? { ...made, expectError } : made;
}

/** Find the lamp and tell its price. */
export function priceTask(steps?: OracleStep[]): Task {
  return {
    ...someTask('price'),
    prompt: "What is the price of 'red lamp'?",
    servers: ['shop', 'diary'],
    oracle: {
      steps: steps ?? [
        step('shop', 'find_item', { name: 'red lamp' }),
        step('shop', 'get_price', { id: 'I-42' }),
      ],
      answer: '12.5',
    },
  };
}

/** Says given texts in turn, as tokens; an end token follows unless the text is marked as cut. */
export class SayingPolicy implements TokenPolicy {
  readonly name = 'saying';
  readonly contextLength: number;
  readonly eosIds: readonly number[];
  readonly requests: GenerateRequest[] = [];
  readonly sampled: number[][] = [];
  readonly released: string[] = [];
  readonly #tokenizer: Tokenizer;
  readonly #texts: readonly (string | { cut: string })[];

  constructor(
    tokenizer: Tokenizer,
    texts: readonly (string | { cut: string })[],
    contextLength = 100_000,
  ) {
    this.#tokenizer = tokenizer;
    this.#texts = texts;
    this.contextLength = contextLength;
    this.eosIds = tokenizer.eosIds;
  }

  generate: TokenPolicy['generate'] = (request, options) => {
    const said = this.#texts[this.requests.length] ?? '<answer>done</answer>';
    this.requests.push({ ...request, ids: [...request.ids] });
    const whole = this.#tokenizer.encode(typeof said === 'string' ? said : said.cut, {
      special: true,
    });
    const end = this.#tokenizer.eosIds[0];
    if (typeof said === 'string' && end !== undefined) whole.push(end);
    const ids = whole.slice(0, request.maxTokens);
    const logprobs = ids.map((_, t) => -(t + 1) / 8);
    for (const [t, id] of ids.entries()) options?.onTokens?.([id], [logprobs[t] ?? 0]);
    this.sampled.push(ids);
    const ended = typeof said === 'string' && ids.length === whole.length;
    return Promise.resolve({ ids, logprobs, finish: ended ? 'eos' : 'length' });
  };

  release(sequence: string): void {
    this.released.push(sequence);
  }
}
