import { type Schema, Validator } from '@cfworker/json-schema';
import { describe, expect, test } from 'vitest';
import { type AgentEvent, cutText, runEpisode } from '../../../src/agent/run-episode.ts';
import { InputError } from '../../../src/base/errors.ts';
import { NANO_TEMPLATE } from '../../../src/tokenizer/nano-template.ts';
import type { Tokenizer } from '../../../src/tokenizer/tokenizer.ts';
import type { GenerateRequest } from '../../../src/trajectory/interfaces.ts';
import type { JsonObject } from '../../../src/trajectory/json.ts';
import { type Trace, traceSchema } from '../../../src/trajectory/trace.ts';
import {
  LIMITS,
  openShop,
  priceTask,
  SayingPolicy,
  SHOP,
  type ShopOptions,
} from '../../support/shop.ts';
import { smallTokenizer } from '../../support/tokenizers.ts';

const tokenizer = smallTokenizer();
const call = (name: string, args: object = {}): string =>
  `<tool_call>${JSON.stringify({ name, arguments: args })}</tool_call>`;
const load = (...tools: string[]): string => call('get_selected_tools', { server: 'shop', tools });

interface Play extends ShopOptions {
  mode?: Trace['mode'];
  limits?: Partial<typeof LIMITS>;
  contextLength?: number;
  json?: boolean;
  constrain?: boolean;
  vocabulary?: Tokenizer;
  signal?: AbortSignal;
  onEvent?: (event: AgentEvent) => void;
}

async function play(texts: (string | { cut: string })[], options: Play = {}) {
  const { constrain, vocabulary = tokenizer } = options;
  const policy = new SayingPolicy(vocabulary, texts, options.contextLength);
  const { mode = 'eager', limits = {}, signal, onEvent, json = false, ...shop } = options;
  const trace = await runEpisode({
    task: priceTask(),
    id: 'e1',
    mode,
    policy: { kind: 'tokens', policy, tokenizer: vocabulary },
    toolbox: openShop(shop),
    limits: { ...LIMITS, ...limits },
    seed: 5,
    temperature: 1,
    promptStyle: json ? 'full' : 'compact',
    schemaStyle: json ? 'json' : 'signature',
    ...(constrain === undefined ? {} : { constrain }),
    ...(signal === undefined ? {} : { signal }),
    ...(onEvent === undefined ? {} : { onEvent }),
  });
  return { trace: traceSchema.parse(trace), policy };
}

const results = (trace: Trace): string[] => trace.calls.map(({ result }) => result.text);

describe('tokens', () => {
  test('the joined segments are what the policy saw, and only its own tokens are sampled', async () => {
    const texts = [
      `<think>plan</think>${call('find_item', { name: 'red lamp' })}`,
      `${call('get_price', { id: 'I-42' })}${call('shop:list_items')}`,
      '<answer>12.5</answer>',
    ];
    const { trace, policy } = await play(texts);
    const ids = trace.segments.flatMap((segment) => segment.ids);
    for (const [turn, request] of policy.requests.entries()) {
      expect(ids.slice(0, request.ids.length)).toEqual(request.ids);
      expect([request.seed, request.sequence, request.temperature]).toEqual([5, 'e1', 1]);
      const sampled = policy.sampled[turn] ?? [];
      expect(ids.slice(request.ids.length, request.ids.length + sampled.length)).toEqual(sampled);
    }
    const sampled = trace.segments.filter((segment) => segment.sampled);
    expect(sampled.map((segment) => segment.ids)).toEqual(policy.sampled);
    expect(sampled[0]?.logprobs?.slice(0, 2)).toEqual([-0.125, -0.25]);
    expect(trace.contextTokens).toBe(ids.length);
    expect(policy.released).toEqual(['e1']);
    expect([trace.end, trace.answer, trace.error]).toEqual(['answer', '12.5', null]);
    expect(trace.calls.map((made) => [made.turn, made.server, made.tool])).toEqual([
      [0, 'shop', 'find_item'],
      [1, 'shop', 'get_price'],
      [1, 'shop', 'list_items'],
    ]);
    expect(trace.finalState).toEqual({ shop: {}, diary: { events: [] } });
  });

  test('events tell the same story, and token pieces join to the turn', async () => {
    const events: AgentEvent[] = [];
    const said = call('find_item', { name: 'ré lamp' });
    await play([said], { onEvent: (event) => events.push(event) });
    expect(events.map(({ kind }) => kind).filter((kind) => kind !== 'tokens')).toEqual([
      'start',
      'message',
      'call',
      'observation',
      'message',
      'end',
    ]);
    const pieces = events.flatMap((event) =>
      event.kind === 'tokens' && event.turn === 0 ? [event.text] : [],
    );
    expect(pieces.join('')).toBe(said);
  });
});

describe('errors are results that help', () => {
  test.each([
    ['unknown tool', call('get_prize'), "unknown tool 'get_prize', did you mean get_price?"],
    ['unknown and far', call('xyzzyplugh'), "unknown tool 'xyzzyplugh'; servers: shop, diary"],
    ['shared name', call('list_items'), 'use shop:list_items or diary:list_items'],
    ['throwing tool', call('break', { how: 'throw' }), 'the tool failed: a bug of the tool'],
    ['malformed', '<tool_call>{"name":</tool_call>', 'malformed call: not valid JSON'],
  ])('%s', async (_, said, complaint) => {
    const { trace } = await play([said]);
    expect(results(trace)).toEqual([expect.stringContaining(complaint)]);
    expect(trace.calls[0]?.result.isError).toBe(true);
    expect(trace.end).toBe('answer');
    expect(trace.messages.at(-2)?.content).toBe(results(trace)[0]);
  });

  test('itl: a tool must be loaded first, and unknown names are told', async () => {
    const { trace } = await play(
      [
        call('get_price', { id: 'I-42' }),
        load('get_price', 'find_itm'),
        call('get_price', { id: 'I-42' }),
        call('get_selected_tools', { server: 'shp', tools: ['a'] }),
        call('get_selected_tools', { server: 'shop' }),
      ],
      { mode: 'itl' },
    );
    expect(results(trace)).toEqual([
      'load it first: get_selected_tools {"server":"shop","tools":["get_price"]}',
      "get_price(id)\nno tool 'find_itm', did you mean find_item?",
      '{"price":12.5}',
      "unknown server 'shp', did you mean shop?",
      'tools: need a list of tool names, such as ["find_item"]',
    ]);
    expect(trace.calls.map(({ meta }) => meta)).toEqual([false, true, false, true, true]);
    expect(trace.messages[0]?.content).toMatch(/^shop: [a-z_ ]+\ndiary: [a-z_ ]+$/);
  });

  test('isl: a server’s tools come together; full style declares the meta tool', async () => {
    const { trace } = await play(
      [call('get_price', { id: 'x' }), call('fetch_tools', { server: 'shop' }), call('get_price')],
      { mode: 'isl', json: true },
    );
    expect(results(trace)[0]).toBe('load it first: fetch_tools {"server":"shop"}');
    expect(trace.calls[1]?.result.value).toEqual(
      SHOP.tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema })),
    );
    expect(trace.messages[0]?.content).toContain('servers: shop diary');
    expect(trace.messages[0]?.content).toContain('\nfetch_tools(server)');
  });

  test('eager: the schemas stand in the prompt', async () => {
    const { trace } = await play([]);
    const shown = 'find_item(name)\nget_price(id)\nshop:list_items()\nbreak(how:throw|die)\n';
    expect(trace.messages[0]?.content).toBe(
      `\n${shown}add_event(title,hour:integer,place?)\ndiary:list_items()`,
    );
  });
});

describe('ends', () => {
  test('a dead server ends the episode, not the run', async () => {
    const { trace } = await play([call('break', { how: 'die' })]);
    expect([trace.end, trace.error]).toEqual(['error', 'server shop: it is gone (server-gone)']);
  });

  test('an unreadable state is the episode’s error', async () => {
    const { trace } = await play([], { stateFails: true });
    expect([trace.end, trace.finalState]).toEqual(['error', { shop: null, diary: null }]);
  });

  test('calls: one more than allowed is not made', async () => {
    const many = [call('shop:list_items'), call('shop:list_items') + call('diary:list_items')];
    const { trace } = await play(many, { limits: { calls: 2 } });
    expect([trace.end, trace.calls.length]).toEqual(['calls', 2]);
    const enough = await play([many[1] ?? ''], { limits: { calls: 2 } });
    expect(enough.trace.end).toBe('answer');
  });

  test('length: a turn that was cut without an action', async () => {
    const { trace } = await play([{ cut: '<think>and so on' }]);
    expect([trace.end, trace.answer]).toEqual(['length', null]);
    const acted = await play([{ cut: call('shop:list_items') }]);
    expect(acted.trace.end).toBe('answer');
  });

  test('context: an observation that does not fit is not appended', async () => {
    const said = call('shop:list_items');
    const free = await play([said]);
    const before = free.policy.requests[0]?.ids.length ?? 0;
    const sampled = free.policy.sampled[0]?.length ?? 0;
    const { trace } = await play([said], { contextLength: before + sampled + 5 });
    expect([trace.end, trace.calls.length]).toEqual(['context', 1]);
    expect(trace.contextTokens).toBe(before + sampled);
    const full = await play([said], { limits: { contextTokens: before } });
    expect([full.trace.end, full.policy.requests.length]).toEqual(['context', 0]);
  });

  test('cancel', async () => {
    const controller = new AbortController();
    const { trace } = await play([call('shop:list_items')], {
      signal: controller.signal,
      onEvent: ({ kind }) => kind === 'call' && controller.abort(),
    });
    expect([trace.end, trace.calls.length, trace.error]).toEqual(['cancel', 0, null]);
  });

  test('ptc is refused', async () => {
    await expect(play([], { mode: 'ptc' })).rejects.toThrow(InputError);
  });
});

test('a long result is cut, never through a surrogate pair, and says so', async () => {
  const { trace } = await play([call('shop:list_items')], { limits: { resultCharacters: 10 } });
  // {"items":["red lamp","big cup"]} has 32 characters.
  expect(results(trace)).toEqual(['{"items":[… (cut, 22 more characters)']);
  expect(trace.calls[0]?.result.cutCharacters).toBe(22);
  expect(cutText('a😀b', 2)).toEqual({ text: 'a… (cut, 3 more characters)', cutCharacters: 3 });
});

describe('constrained', () => {
  /** Whether the form of a name takes the arguments. */
  const taker =
    (requests: readonly GenerateRequest[], turn: number) => (name: string, args: object) => {
      const form = requests[turn]?.constraint?.calls.find((one) => one.name === name);
      const schema: Schema = (form?.inputSchema ?? { not: {} }) as JsonObject;
      return new Validator(schema).validate(args).valid;
    };
  const names = ({ constraint }: GenerateRequest) => constraint?.calls.map(({ name }) => name);

  test('off: requests and traces say nothing of it', async () => {
    const { trace, policy } = await play([call('list_items')]);
    expect(policy.requests.every((request) => !('constraint' in request))).toBe(true);
    expect('constrained' in trace).toBe(false);
  });

  test('eager: every tool by every name that works', async () => {
    const { trace, policy } = await play([], { constrain: true });
    const [request] = policy.requests;
    expect(trace.constrained).toBe(true);
    expect(request && names(request)).toEqual([
      ...['find_item', 'shop:find_item', 'get_price', 'shop:get_price'],
      ...['shop:list_items', 'break', 'shop:break'],
      ...['add_event', 'diary:add_event', 'diary:list_items'],
    ]);
    const takes = taker(policy.requests, 0);
    expect(takes('add_event', { title: 'x', hour: 3 })).toBe(true);
    expect(takes('add_event', { title: 'x' })).toBe(false);
  });

  test('itl: what is loaded at that turn, and the loading of what is there', async () => {
    const said = [load('get_price', 'find_itm'), call('get_price', { id: 'I-42' })];
    const { policy } = await play(said, { mode: 'itl', constrain: true });
    expect(policy.requests.map(names)).toEqual([
      ['get_selected_tools'],
      ['get_selected_tools', 'get_price', 'shop:get_price'],
      ['get_selected_tools', 'get_price', 'shop:get_price'],
    ]);
    const takes = taker(policy.requests, 0);
    const loads = (server: string, tools: string[]) =>
      takes('get_selected_tools', { server, tools });
    expect(loads('shop', ['break', 'find_item'])).toBe(true);
    expect(loads('shop', ['add_event'])).toBe(false);
    expect(loads('shop', [])).toBe(false);
    expect(loads('shp', ['break'])).toBe(false);
  });

  test('isl: servers by name', async () => {
    const said = [call('fetch_tools', { server: 'diary' })];
    const { policy } = await play(said, { mode: 'isl', constrain: true });
    expect(policy.requests.map(names)).toEqual([
      ['fetch_tools'],
      ['fetch_tools', 'add_event', 'diary:add_event', 'diary:list_items'],
    ]);
    const takes = taker(policy.requests, 0);
    expect(takes('fetch_tools', { server: 'shop' })).toBe(true);
    expect(takes('fetch_tools', { server: 'shops' })).toBe(false);
    expect(takes('fetch_tools', {})).toBe(false);
  });

  test('a template that opens thinking is told to the engine', async () => {
    const opening = NANO_TEMPLATE.replace(
      "'<|im_start|>assistant\\n'",
      "'<|im_start|>assistant\\n<think>\\n'",
    );
    expect(opening).not.toBe(NANO_TEMPLATE);
    for (const [template, thinking] of [
      [NANO_TEMPLATE, false],
      [opening, true],
    ] as const) {
      const vocabulary = smallTokenizer(template);
      const { policy } = await play([], { constrain: true, vocabulary });
      expect(policy.requests[0]?.constraint?.thinking).toBe(thinking);
    }
  });
});
