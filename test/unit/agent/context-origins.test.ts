import { describe, expect, test } from 'vitest';
import { countOrigins, turnPieces } from '../../../src/agent/context-origins.ts';
import { oracleScript } from '../../../src/agent/policies/oracle.ts';
import { runEpisode } from '../../../src/agent/run-episode.ts';
import { openDirectEpisode } from '../../../src/toolspace/direct-episode.ts';
import { generateTasks } from '../../../src/toolspace/tasks.ts';
import type { Mode, OriginCounts, Trace } from '../../../src/trajectory/trace.ts';
import { nanoTokenizer } from '../../support/nano-tokenizer.ts';
import { testSandbox } from '../../support/node-sandbox.ts';

const tokenizer = nanoTokenizer();
const sandbox = testSandbox();
const [task] = generateTasks({ toolspace: 'full', split: 'train', count: 1, seed: 8 });
if (task === undefined) throw new Error('no task');
const LIMITS = { calls: 20, resultCharacters: 4000, contextTokens: 16_384, turnTokens: 2048 };

async function play(mode: Mode): Promise<Trace> {
  const { world, servers, toolspace } = task as NonNullable<typeof task>;
  const toolbox = await openDirectEpisode({ world, servers, toolspace, episode: mode });
  return runEpisode({
    task: task as NonNullable<typeof task>,
    mode,
    policy: { kind: 'scripted', policy: oracleScript(), tokenizer },
    toolbox,
    limits: LIMITS,
    seed: 1,
    temperature: 0,
    promptStyle: 'full',
    schemaStyle: 'json',
    sandbox,
  });
}

const sum = (counts: OriginCounts) => Object.values(counts).reduce((a, b) => a + b, 0);

describe.each(['eager', 'isl', 'itl', 'ptc'] as const)('in %s', (mode) => {
  test('every token of the context has an origin, turn by turn', async () => {
    const trace = await play(mode);
    expect([trace.end, trace.error]).toEqual(['answer', null]);
    const context = trace.context ?? [];
    const turns = trace.messages.filter(({ role }) => role === 'assistant').length;
    expect(context).toHaveLength(turns + 1);
    expect(context.reduce((total, counts) => total + sum(counts), 0)).toBe(trace.contextTokens);
    const [first = {}, second = {}] = context;
    const last = context.at(-1) ?? {};
    expect(first.request).toBe(tokenizer.encode(trace.task.prompt).length);
    expect(Object.keys(last).filter((origin) => origin !== 'frame')).toEqual(['answer']);
    const shows = {
      eager: { first: ['frame', 'request', 'schemas', 'system'], second: 'results' },
      isl: { first: ['frame', 'request', 'schemas', 'servers', 'system'], second: 'schemas' },
      itl: {
        first: ['frame', 'request', 'schemas', 'servers', 'system', 'tools'],
        second: 'schemas',
      },
      ptc: {
        first: ['frame', 'request', 'schemas', 'servers', 'system', 'tools'],
        second: 'schemas',
      },
    }[mode];
    expect(Object.keys(first).sort()).toEqual(shows.first);
    const written = mode === 'ptc' ? 'code' : 'calls';
    expect(Object.keys(second).sort()).toEqual(['frame', shows.second, 'thinking', written].sort());
    expect(context.slice(2).some((counts) => (counts.results ?? 0) > 0)).toBe(true);
  });
});

test('a turn is cut at its tags, also at those that it leaves open', () => {
  const call = '<tool_call>{"name":"find"}</tool_call>';
  const code = '<tool_call>{"name": "code_interpreter","arguments":{"code":"1"}}</tool_call>';
  const origins = (text: string) =>
    turnPieces(text).map(({ origin, text: part }) => [origin, part]);
  expect(origins(`<think>a</think>${call}\n${code}`)).toEqual([
    ['thinking', '<think>a</think>'],
    ['calls', call],
    ['answer', '\n'],
    ['code', code],
  ]);
  expect(origins('<think>half')).toEqual([['thinking', '<think>half']]);
  expect(origins('plain')).toEqual([['answer', 'plain']]);
  expect(origins('')).toEqual([['answer', '']]);
});

test('a token counts for the piece in which it begins, also where it reaches into the next or a character is cut', () => {
  const text = 'a lamp für 12 €';
  const ids = tokenizer.encode(text);
  for (let cut = 0; cut <= text.length; cut++) {
    const counts: OriginCounts = {};
    countOrigins(counts, tokenizer, ids, [
      { text: text.slice(0, cut), origin: 'request' },
      { text: text.slice(cut), origin: 'results' },
    ]);
    expect(sum(counts)).toBe(ids.length);
    let bytes = 0;
    const before = ids.filter((id) => {
      const begins = bytes;
      bytes += tokenizer.shownBytes(id).length;
      return begins < new TextEncoder().encode(text.slice(0, cut)).length;
    }).length;
    expect(counts.request ?? 0).toBe(before);
  }
});
