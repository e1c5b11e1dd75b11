import { describe, expect, it } from 'vitest';
import { parseMessage } from '../../../src/agent/grammar.ts';
import { chatExample, chatLines } from '../../../src/share/chat-lines.ts';
import type { CallRecord } from '../../../src/trajectory/tool.ts';
import type { Message, Trace } from '../../../src/trajectory/trace.ts';
import { traceWith } from '../../support/traces.ts';

/** A trajectory of what a model wrote and what came back, parsed as an episode parses it. */
function played(turns: readonly (readonly [written: string, ...results: string[]])[]): Trace {
  const messages: Message[] = [
    { role: 'system', content: 'Tools: …' },
    { role: 'user', content: 'How many?' },
  ];
  const calls: CallRecord[] = [];
  let answer: string | null = null;
  turns.forEach(([content, ...results], turn) => {
    const parsed = parseMessage(content);
    const made = parsed.calls.flatMap((call) => ('malformed' in call ? [] : [call]));
    const message: Message = { role: 'assistant', content };
    if (parsed.thinking !== '') message.thinking = parsed.thinking;
    if (made.length > 0) message.toolCalls = made;
    messages.push(message);
    parsed.calls.forEach((call, i) => {
      const text = results[i] ?? '';
      const name = 'malformed' in call ? '' : call.name;
      const args = 'malformed' in call ? {} : call.arguments;
      const result = { text, value: null, isError: false, tier: 'live' as const, cutCharacters: 0 };
      calls.push({ turn, server: null, tool: name, arguments: args, meta: false, result });
      messages.push({ role: 'tool', content: text });
    });
    answer = parsed.answer;
  });
  return { ...traceWith([]), messages, calls, answer, success: true };
}

const call = (name: string, args: object) =>
  `<tool_call>${JSON.stringify({ name, arguments: args })}</tool_call>`;

describe('chatExample', () => {
  it('turns calls, results, thinking and the answer into chat messages', () => {
    const trace = played([
      [
        `<think>find it</think>I look. ${call('find', { name: 'a "b"' })}${call('count', {})}`,
        'one',
        '7',
      ],
      ['<think>done</think><answer>7</answer>'],
    ]);
    expect(chatExample(trace)).toEqual({
      id: 'trace-1',
      success: true,
      reward: null,
      messages: [
        { role: 'system', content: 'Tools: …' },
        { role: 'user', content: 'How many?' },
        {
          role: 'assistant',
          content: 'I look.',
          reasoning_content: 'find it',
          tool_calls: [
            {
              id: 'call_0_0',
              type: 'function',
              function: { name: 'find', arguments: '{"name":"a \\"b\\""}' },
            },
            { id: 'call_0_1', type: 'function', function: { name: 'count', arguments: '{}' } },
          ],
        },
        { role: 'tool', content: 'one', tool_call_id: 'call_0_0', name: 'find' },
        { role: 'tool', content: '7', tool_call_id: 'call_0_1', name: 'count' },
        { role: 'assistant', content: '7', reasoning_content: 'done' },
      ],
    });
  });

  it('takes out thinking that the template opened, and an answer without tags', () => {
    const { messages } = chatExample(
      played([[`so far\n</think>\n${call('find', {})}`, 'x'], ['It is <b>7</b>']]),
    );
    expect(messages[2]).toMatchObject({ content: '', reasoning_content: 'so far' });
    expect(messages.at(-1)).toEqual({ role: 'assistant', content: 'It is <b>7</b>' });
  });

  it('keeps a turn with a call that could not be read as it was written', () => {
    const written = `${call('find', {})}<tool_call>{"name":</tool_call>`;
    const { messages } = chatExample(
      played([[written, 'one', 'malformed call'], ['<answer>1</answer>']]),
    );
    expect(messages.slice(2)).toEqual([
      { role: 'assistant', content: written },
      { role: 'tool', content: 'one' },
      { role: 'tool', content: 'malformed call' },
      { role: 'assistant', content: '1' },
    ]);
  });
});

it('chatLines writes one object a line, whatever the text', async () => {
  const trace = played([['<answer>two\nlines \u2028 and "quotes"</answer>']]);
  async function* both(): AsyncGenerator<Trace, void, void> {
    yield trace;
    yield { ...trace, id: 'second', success: null };
  }
  let text = '';
  for await (const line of chatLines(both())) text += line;
  const lines = text.split('\n');
  expect(lines.length).toBe(3);
  expect(lines.slice(0, 2).map((line) => JSON.parse(line))).toEqual([
    chatExample(trace),
    { ...chatExample(trace), id: 'second', success: null },
  ]);
});
