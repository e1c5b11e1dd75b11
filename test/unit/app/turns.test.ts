// Episodes as turns: what streams in and what was stored must look the same.
import { describe, expect, it } from 'vitest';
import type { AgentEvent } from '../../../src/agent/events.ts';
import { oracleScript } from '../../../src/agent/policies/oracle.ts';
import { runEpisode } from '../../../src/agent/run-episode.ts';
import { emptyEpisode, episodeOf, partialParts, withEvent } from '../../../src/app/logic/turns.ts';
import { openEpisode } from '../../../src/toolspace/episode.ts';
import { generateTasks } from '../../../src/toolspace/tasks.ts';
import { experimentSchema } from '../../../src/trajectory/experiment.ts';
import type { Task } from '../../../src/trajectory/task.ts';
import type { Mode } from '../../../src/trajectory/trace.ts';
import { nanoTokenizer } from '../../support/nano-tokenizer.ts';

// The test tokenizer needs more tokens than a model's own for the same text.
const LIMITS = { ...experimentSchema.shape.limits.parse(undefined), contextTokens: 4096 };

/** The oracle on a task, over real MCP, with every event. */
async function play(task: Task, mode: Mode) {
  const toolbox = await openEpisode({ ...task, episode: 'test' });
  const events: AgentEvent[] = [];
  const trace = await runEpisode({
    task,
    mode,
    policy: { kind: 'scripted', policy: oracleScript(), tokenizer: nanoTokenizer() },
    toolbox,
    limits: LIMITS,
    seed: 1,
    temperature: 0,
    promptStyle: 'compact',
    schemaStyle: 'signature',
    onEvent: (event) => events.push(event),
  });
  await toolbox.close();
  return { trace, events };
}

describe('turns', () => {
  const tasks = generateTasks({ split: 'test', count: 12, seed: 5, toolspace: 'core' });

  it('are the same streamed and stored', async () => {
    for (const task of tasks) {
      const { trace, events } = await play(task, 'itl');
      const live = events.reduce(withEvent, emptyEpisode(task.prompt));
      expect(live).toEqual(episodeOf(trace));
    }
  });

  it('hold every call with its result, and the answer last', async () => {
    for (const task of tasks) {
      const { trace } = await play(task, 'isl');
      const { turns } = episodeOf(trace);
      const calls = turns.flatMap((turn) => turn.calls);
      expect(calls.map((call) => call.result)).toEqual(trace.calls.map((call) => call.result));
      expect(calls.filter((call) => !call.meta).length).toBe(task.oracle.steps.length);
      expect(turns.at(-1)?.answer).toBe(task.oracle.answer);
      expect(turns.slice(0, -1).every((turn) => turn.answer === null)).toBe(true);
    }
  });
});

describe('a turn being written', () => {
  const start = emptyEpisode('a request');
  const piece = (text: string): AgentEvent => ({
    kind: 'tokens',
    turn: 0,
    text,
    count: 2,
    contextTokens: 10,
  });

  it('grows piece by piece and is replaced by its message', () => {
    const two = [piece('<think>plan '), piece('find_item</think>')].reduce(withEvent, start);
    expect(two.turns[0]?.partial).toBe('<think>plan find_item</think>');
    // 10 tokens before the turn and 2 of the last piece.
    expect(two.contextTokens).toBe(12);
    const whole = withEvent(two, {
      kind: 'message',
      turn: 0,
      message: { role: 'assistant', content: '', thinking: 'plan find_item' },
      contextTokens: 14,
    });
    expect(whole.turns).toEqual([
      { thinking: 'plan find_item', calls: [], answer: null, partial: null },
    ]);
  });

  it.each([
    ['<think>plan fi', { thinking: 'plan fi', call: '', answer: '' }],
    ['<think>plan</thi', { thinking: 'plan', call: '', answer: '' }],
    ['<think>a</think>\n<tool_call>{"na', { thinking: 'a', call: '{"na', answer: '' }],
    ['<think>a</think><answer>12', { thinking: 'a', call: '', answer: '12' }],
    ['just text', { thinking: '', call: '', answer: 'just text' }],
    ['<b>bold</b>', { thinking: '', call: '', answer: '<b>bold</b>' }],
  ])('%j is split at the tags of the grammar only', (text, parts) => {
    expect(partialParts(text)).toEqual(parts);
  });
});
