// Episodes of ptc: what a program does to the trace, and how the scripted policies write programs.
import { Validator } from '@cfworker/json-schema';
import { describe, expect, test } from 'vitest';
import type { Habit } from '../../../src/agent/policies/habits.ts';
import { oraclePolicy, oracleScript } from '../../../src/agent/policies/oracle.ts';
import { randomScript } from '../../../src/agent/policies/random.ts';
import { type AgentEvent, runEpisode } from '../../../src/agent/run-episode.ts';
import { summarise } from '../../../src/agent/summary.ts';
import { emptyEpisode, episodeOf, withEvent } from '../../../src/app/logic/turns.ts';
import { evaluateCheck } from '../../../src/rubric/checks.ts';
import { scoredTrace } from '../../../src/rubric/score.ts';
import { openDirectEpisode } from '../../../src/toolspace/direct-episode.ts';
import { openEpisode } from '../../../src/toolspace/episode.ts';
import { generateTasks } from '../../../src/toolspace/tasks.ts';
import type { Task } from '../../../src/trajectory/task.ts';
import { type Mode, type Trace, traceSchema } from '../../../src/trajectory/trace.ts';
import { testSandbox } from '../../support/node-sandbox.ts';
import {
  LIMITS,
  openShop,
  priceTask,
  SayingPolicy,
  type ShopOptions,
  step,
} from '../../support/shop.ts';
import { smallTokenizer } from '../../support/tokenizers.ts';

const tokenizer = smallTokenizer();
const sandbox = testSandbox();
const run = (code: string): string =>
  `<tool_call>${JSON.stringify({ name: 'code_interpreter', arguments: { code } })}</tool_call>`;

interface Play extends ShopOptions {
  mode?: Mode;
  limits?: Partial<typeof LIMITS>;
  json?: boolean;
  constrain?: boolean;
  signal?: AbortSignal;
  onEvent?: (event: AgentEvent) => void;
}

async function play(texts: readonly string[], options: Play = {}) {
  const { mode = 'ptc', limits = {}, json = false, constrain, signal, onEvent, ...shop } = options;
  const policy = new SayingPolicy(tokenizer, texts);
  const trace = await runEpisode({
    ...{ task: priceTask(), id: 'e1', mode, toolbox: openShop(shop), sandbox },
    ...{ limits: { ...LIMITS, ...limits }, seed: 5, temperature: 1 },
    policy: { kind: 'tokens', policy, tokenizer },
    promptStyle: json ? 'full' : 'compact',
    schemaStyle: json ? 'json' : 'signature',
    ...(constrain === undefined ? {} : { constrain }),
    ...(signal === undefined ? {} : { signal }),
    ...(onEvent === undefined ? {} : { onEvent }),
  });
  return { trace: traceSchema.parse(trace), policy };
}

const FIND = "const item = await shop.find_item({ name: 'red lamp' });";
const PRICE = 'const { price } = await shop.get_price({ id: item.id }); price';
const made = ({ calls }: Trace) =>
  calls.map(({ server, tool, meta, inProgram = false }) => [server, tool, meta, inProgram]);

describe('a program in an episode', () => {
  test('its calls are calls of the episode, before its own', async () => {
    const events: AgentEvent[] = [];
    const texts = [run(`get_tools_info(['shop.find_item'])`), run(FIND), run(PRICE)];
    const { trace } = await play([...texts, '<answer>12.5</answer>'], {
      onEvent: (event) => events.push(event),
    });
    expect(made(trace)).toEqual([
      [null, 'get_tools_info', true, true],
      [null, 'code_interpreter', true, false],
      ['shop', 'find_item', false, true],
      [null, 'code_interpreter', true, false],
      ['shop', 'get_price', false, true],
      [null, 'code_interpreter', true, false],
    ]);
    expect(trace.calls.map(({ turn }) => turn)).toEqual([0, 0, 1, 1, 2, 2]);
    expect(trace.calls[4]).toMatchObject({
      arguments: { id: 'I-42' },
      result: { value: { price: 12.5 }, tier: 'live', isError: false },
    });
    // Only what the program printed, and its value, is in the context.
    const seen = trace.messages.filter(({ role }) => role === 'tool').map(({ content }) => content);
    expect(seen[0]).toBe('shop.find_item(name)');
    expect(seen[1]).toMatch(/^no output/);
    expect(seen[2]).toBe('12.5');
    expect([trace.end, trace.answer]).toEqual(['answer', '12.5']);
    const live = events.reduce(withEvent, emptyEpisode(trace.task.prompt));
    expect(live).toEqual(episodeOf(trace));
  });

  test('the prompt names servers and tools, and declares the one tool', async () => {
    const compact = (await play([])).trace.messages[0]?.content ?? '';
    expect(compact).toMatch(/^shop: [a-z_ ]+\ndiary: [a-z_ ]+\n+.*code_interpreter\(code\)/s);
    const full = (await play([], { json: true })).trace.messages[0]?.content ?? '';
    expect(full).toContain("You solve the user's request by writing programs");
    expect(full).toContain('get_tools_info');
    expect(full).toContain('\nshop: ');
    const info = await play([run("get_tools_info(['shop.get_price'])")], { json: true });
    expect(info.trace.calls[1]?.result.text).toBe(
      'shop.get_price(id)\n  Tool get_price.\n  arguments: {"type":"object","properties":{"id":{"type":"string"}},"required":["id"]}\n  returns: not declared; print a result to see its form',
    );
  });

  test('held calls are programs', async () => {
    const { policy } = await play([run('1')], { constrain: true });
    const [form] = policy.requests[0]?.constraint?.calls ?? [];
    expect(form?.name).toBe('code_interpreter');
    const takes = (value: object) => new Validator(form?.inputSchema ?? {}).validate(value).valid;
    expect([takes({ code: '1' }), takes({ code: 1 }), takes({})]).toEqual([true, false, false]);
  });

  test.each<[string, string, string]>([
    [
      'a tool that is called directly',
      '<tool_call>{"name":"find_item","arguments":{}}</tool_call>',
      "'find_item' is no tool here; write a program that calls it, for code_interpreter",
    ],
    [
      'a program that is none',
      '<tool_call>{"name":"code_interpreter","arguments":{"program":"1"}}</tool_call>',
      'code: need a text with a JavaScript program',
    ],
    [
      'an unknown tool',
      run('await shop.find_itm({})'),
      "failed call shop.find_itm: unknown tool 'find_itm' of shop, did you mean find_item?\nstopped by the failed call in line 1",
    ],
    [
      'an unknown info',
      run("get_tools_info(['shop.find_itm'])"),
      "unknown tool 'shop.find_itm', did you mean shop.find_item?",
    ],
    [
      'a throwing tool',
      run("await shop.break({ how: 'throw' })"),
      'failed call shop.break: the tool failed: a bug of the tool\nstopped by the failed call in line 1',
    ],
  ])('%s is told', async (_, said, text) => {
    const { trace } = await play([said]);
    expect(trace.messages.findLast(({ role }) => role === 'tool')?.content).toBe(text);
    expect(trace.end).toBe('answer');
  });

  test('a failed call is one error, of the call; a wrong program is one of its own', async () => {
    const errors = async (code: string) => {
      const { trace } = await play([run(code)]);
      return trace.calls.map(({ tool, result }) => [tool, result.isError]);
    };
    expect(await errors("await shop.find_item({ name: 'x' })")).toEqual([
      ['find_item', true],
      ['code_interpreter', false],
    ]);
    expect(await errors('null.x')).toEqual([['code_interpreter', true]]);
  });

  test('a dead server ends the episode', async () => {
    const { trace } = await play([run("await shop.break({ how: 'die' })")]);
    expect([trace.end, trace.error]).toEqual(['error', 'server shop: it is gone (server-gone)']);
  });

  test('calls: those of programs are counted, and so are programs, each by themselves', async () => {
    const loop =
      'for (let i = 0; i < 9; i++) try { await shop.list_items(); } catch (e) { print(e.message); break; }';
    const { trace } = await play([run(loop)], { limits: { calls: 4 } });
    // Four calls, and the program.
    expect([trace.end, trace.calls.length]).toEqual(['calls', 5]);
    expect(trace.calls.at(-1)?.result.text).toContain('this episode allows no more calls');
    const enough = await play([run('await shop.list_items()')], { limits: { calls: 2 } });
    expect(enough.trace.end).toBe('answer');
    const many = await play([run('1'), run('2'), run('3')], { limits: { calls: 2 } });
    expect([many.trace.end, many.trace.calls.length]).toEqual(['calls', 2]);
  });

  test('results are cut at the limit, but not for the program', async () => {
    const code =
      'const all = await shop.list_items(); print(JSON.stringify(all)); all.items.length';
    const { trace } = await play([run(code)], { limits: { resultCharacters: 10 } });
    // {"items":["red lamp","big cup"]} has 32 characters, and the program's output 2 more.
    expect(trace.calls.map(({ result }) => result.cutCharacters)).toEqual([22, 24]);
    const whole = await play([run(code)]);
    expect(whole.trace.calls[1]?.result.text.split('\n')[1]).toBe('2');
  });

  test('cancel', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 300);
    const { trace } = await play([run('for (;;);')], { signal: controller.signal });
    expect([trace.end, trace.error]).toEqual(['cancel', null]);
  });

  test('what a program prints is no source for its arguments', async () => {
    const { trace } = await play([
      run("print('made up')"),
      run("await shop.get_price({ id: 'made up' }).catch(() => 0)"),
    ]);
    expect(evaluateCheck({ kind: 'grounded' }, trace)).toBe(false);
    const good = await play([run(FIND), run(PRICE)]);
    expect(evaluateCheck({ kind: 'grounded' }, good.trace)).toBe(true);
  });
});

test.each<[Mode, string]>([
  ['eager', '<tool_call>{"name":"get_price","arguments":{"id":"I-42"}}</tool_call>'],
  ['isl', '<tool_call>{"name":"fetch_tools","arguments":{"server":"shop"}}</tool_call>'],
  [
    'itl',
    '<tool_call>{"name":"get_selected_tools","arguments":{"server":"shop","tools":["get_price"]}}</tool_call>',
  ],
  ['ptc', run("await shop.get_price({ id: 'I-42' })")],
])('%s plays its episode with a sandbox at hand', async (mode, said) => {
  const { trace } = await play([said, '<answer>12.5</answer>'], { mode });
  expect([trace.end, trace.answer, trace.mode]).toEqual(['answer', '12.5', mode]);
  expect(trace.calls.every(({ result }) => !result.isError)).toBe(true);
});

/** The programs and other texts that the oracle says. */
async function said(task: Task, options: ShopOptions & { habit?: Habit; seed?: number } = {}) {
  const { habit, seed = 1, ...shop } = options;
  const toolbox = openShop(shop);
  const policy = oraclePolicy({ task, mode: 'ptc', servers: toolbox.servers, seed }, habit ?? null);
  const trace = await runEpisode({
    ...{ task, mode: 'ptc', toolbox, sandbox, limits: LIMITS, seed, temperature: 0 },
    ...{ promptStyle: 'compact', schemaStyle: 'signature' },
    policy: { kind: 'chat', policy, tokenizer },
  });
  const texts = trace.messages.flatMap(({ role, content, toolCalls = [] }) =>
    role === 'assistant' ? [String(toolCalls[0]?.arguments['code'] ?? content)] : [],
  );
  return { texts, trace };
}

const INFO = "get_tools_info(['shop.find_item', 'shop.get_price'])";
const ITEM = "const item = await shop.find_item({name: 'red lamp'});\nprint(item);";
const ASK = 'const price = await shop.get_price({id: item.id});\nprint(price);';

describe('the oracle', () => {
  test('reads schemas, carries results in variables, answers', async () => {
    const { texts, trace } = await said(priceTask());
    expect(texts).toEqual([INFO, ITEM, ASK, '<answer>12.5</answer>']);
    expect(trace.messages[2]?.thinking).toBe('plan find_item get_price');
    expect(trace.messages[4]?.thinking).toBe('next find_item');
  });

  test('writes what it knows into one program', async () => {
    const steps = [
      step('shop', 'find_item', { name: 'red lamp' }),
      step('diary', 'add_event', { title: 'red lamp', hour: 9 }),
      step('diary', 'list_items', {}),
    ];
    const task = { ...priceTask(steps), prompt: "Find 'red lamp', and note it for 9." };
    const { texts, trace } = await said(task);
    expect(texts[1]).toBe(
      `${ITEM}\nconst event = await diary.add_event({title: 'red lamp', hour: 9});\nprint(event);\nconst items = await diary.list_items();\nprint(items);`,
    );
    expect(texts).toHaveLength(3);
    expect(trace.finalState['diary']).toEqual({ events: [{ title: 'red lamp', hour: 9 }] });
  });

  test('repeats a busy call, planned or not', async () => {
    const [find, price] = priceTask().oracle.steps;
    if (!find || !price) throw new Error('the task has two steps');
    const planned = priceTask([{ ...find, expectError: true }, find, price]);
    for (const task of [planned, priceTask()]) {
      const { texts, trace } = await said(task, { busy: 'find_item' });
      const again = ITEM.replaceAll('item)', 'item2)').replace('const item ', 'const item2 ');
      const ask = ASK.replace('item.id', 'item2.id');
      expect(texts).toEqual([INFO, ITEM, again, ask, '<answer>12.5</answer>']);
      expect(trace.messages[6]?.thinking).toBe('busy again');
    }
    // Without the planned error the repeated call is left out.
    expect((await said(planned)).texts).toHaveLength(4);
  });

  test('takes a suggested name', async () => {
    const [find, price] = priceTask().oracle.steps;
    if (!find || !price) throw new Error('the task has two steps');
    const wrong = step('shop', 'find_item', { name: 'red lmp' }, true);
    const { texts, trace } = await said(priceTask([wrong, find, price]));
    expect(texts[1]).toBe(ITEM.replace('red lamp', 'red lmp'));
    expect(texts[2]).toContain("await shop.find_item({name: 'red lamp'})");
    expect(trace.messages[6]?.thinking).toBe("use 'red lamp'");
    expect(trace.answer).toBe('12.5');
    const { expectError: _, ...unplanned } = wrong;
    expect((await said(priceTask([unplanned, price]))).texts[2]).toBe(texts[2]);
  });

  test('habits', async () => {
    expect((await said(priceTask(), { habit: 'skipsLoading' })).texts[0]).toBe(ITEM);
    expect((await said(priceTask(), { habit: 'givesUp' })).texts).toEqual([
      INFO,
      ITEM,
      '<answer>failed</answer>',
    ]);
    const near = await said(priceTask(), { habit: 'nearDuplicate' });
    expect(near.texts.join()).toContain('shop.list_items');
    const seeds = Array.from({ length: 8 }, (_, seed) => seed);
    const early = seeds.map((seed) => said(priceTask(), { habit: 'answersEarly', seed }));
    const lengths = (await Promise.all(early)).map(({ texts }) => texts.length);
    expect(new Set(lengths)).toEqual(new Set([1, 3]));
  });
});

describe('on generated tasks', () => {
  const tasks = generateTasks({ split: 'test', count: 60, seed: 9, toolspace: 'core' });

  async function scored(task: Task, script = oracleScript(), open = openDirectEpisode) {
    const { world, servers, toolspace } = task;
    const toolbox = await open({ world, servers, toolspace, episode: task.id });
    const trace = await runEpisode({
      ...{ task, mode: 'ptc', toolbox, sandbox, limits: LIMITS, seed: 1, temperature: 0 },
      ...{ promptStyle: 'compact', schemaStyle: 'signature' },
      policy: { kind: 'scripted', policy: script, tokenizer },
    });
    await toolbox.close();
    return scoredTrace(trace);
  }

  /** A few at a time, so that workers are used again. */
  async function scoredAll(script = oracleScript()): Promise<Trace[]> {
    const traces: Trace[] = [];
    for (let from = 0; from < tasks.length; from += 4) {
      const some = tasks.slice(from, from + 4);
      traces.push(...(await Promise.all(some.map((task) => scored(task, script)))));
    }
    return traces;
  }

  test('the oracle solves every task, every criterion', async () => {
    const traces = await scoredAll();
    const failed = traces.filter(({ success, scores }) => !success || scores?.reward !== 1);
    expect(failed.map(({ task, calls }) => ({ prompt: task.prompt, calls }))).toEqual([]);
    // Results are carried in variables, and some programs make several calls.
    const programs = traces.flatMap(({ calls }) =>
      calls.flatMap(({ arguments: { code } }) => (typeof code === 'string' ? [code] : [])),
    );
    expect(programs.filter((code) => /\(\{\w+: \w+\.\w+/.test(code)).length).toBeGreaterThan(10);
    expect(programs.filter((code) => code.split('await').length > 2).length).toBeGreaterThan(5);
  });

  test('the same seed gives the same trace, over real MCP too', async () => {
    for (const task of tasks.slice(0, 4)) {
      const trace = await scored(task);
      expect(await scored(task)).toEqual(trace);
      expect(await scored(task, oracleScript(), openEpisode)).toEqual(trace);
    }
  });

  test('acting at random makes calls that parse, and solves next to nothing', async () => {
    const traces = await scoredAll(randomScript());
    expect(summarise(traces).success).toBeLessThan(0.04);
    const calls = traces.flatMap((trace) => trace.calls);
    expect(calls.filter(({ inProgram }) => inProgram).length).toBeGreaterThan(60);
    const texts = calls.map(({ result }) => result.text);
    expect(texts.filter((text) => /malformed|SyntaxError|unknown tool/.test(text))).toEqual([]);
  });
});
