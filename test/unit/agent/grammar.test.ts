import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { callText, parseMessage } from '../../../src/agent/grammar.ts';

const CALL = '<tool_call>{"name":"find_item","arguments":{"name":"red lamp"}}</tool_call>';
const PARSED = { name: 'find_item', arguments: { name: 'red lamp' } };

describe('parseMessage', () => {
  test('reads thinking and a call, with and without white space', () => {
    const tight = parseMessage(`<think>plan find_item</think>${CALL}`);
    const spaced = parseMessage(`<think>\nplan find_item\n</think>\n\n<tool_call>\n
      {"name": "find_item", "arguments": {"name": "red lamp"}}\n</tool_call>\n`);
    const wanted = { thinking: 'plan find_item', calls: [PARSED], answer: null, complete: true };
    expect(tight).toEqual(wanted);
    expect(spaced).toEqual(wanted);
  });

  test('keeps the order of several calls and ignores an answer beside them', () => {
    const second = callText({ name: 'b', arguments: {} });
    const parsed = parseMessage(`${CALL}${second}<answer>x</answer>`);
    expect(parsed.calls).toEqual([PARSED, { name: 'b', arguments: {} }]);
    expect(parsed.answer).toBeNull();
  });

  test('takes the answer, or the bare text of a message without a call', () => {
    expect(parseMessage('<think>t</think><answer> 12.5, I-42 </answer>').answer).toBe('12.5, I-42');
    expect(parseMessage('<think>t</think>It costs 12.5.').answer).toBe('It costs 12.5.');
    expect(parseMessage('<answer>cut off').answer).toBe('cut off');
    expect(parseMessage('').answer).toBe('');
  });

  test('does not make calls that were only thought of', () => {
    const parsed = parseMessage(`<think>maybe ${CALL}</think><answer>no</answer>`);
    expect(parsed.calls).toEqual([]);
    expect(parsed.answer).toBe('no');
    const open = parseMessage(`<think>maybe ${CALL}`);
    expect([open.calls, open.complete]).toEqual([[], false]);
  });

  test('takes thinking that the template opened', () => {
    const parsed = parseMessage(`plan</think>${CALL}`);
    expect([parsed.thinking, parsed.calls]).toEqual(['plan', [PARSED]]);
  });

  test.each([
    ['{"name":"a","arguments":{}', 'not valid JSON'],
    ["{'name':'a'}", 'not valid JSON'],
    ['[1]', 'not a JSON object'],
    ['{"arguments":{}}', 'no "name"'],
    ['{"name":"a"}', '"arguments" is not an object'],
    ['{"name":"a","arguments":[1]}', '"arguments" is not an object'],
  ])('tells what is wrong with %s', (text, complaint) => {
    const [call] = parseMessage(`<tool_call>${text}</tool_call>`).calls;
    expect(call).toEqual({ malformed: expect.stringContaining(complaint) });
    expect(call).toEqual({ malformed: expect.stringContaining(text) });
  });

  test('a call without its closer is malformed and the message is not complete', () => {
    const parsed = parseMessage('<tool_call>{"name":"a","arguments":{}}');
    expect(parsed.calls).toEqual([{ malformed: expect.stringContaining('no </tool_call>') }]);
    expect(parsed.complete).toBe(false);
  });

  test('reads back every call that we write', () => {
    const seed = 7;
    const text = fc.string().filter((value) => !value.includes('<'));
    const call = fc.record({
      name: text.filter((name) => name !== ''),
      arguments: fc.dictionary(
        text.filter((key) => key !== '__proto__'),
        fc.oneof(text, fc.integer(), fc.boolean()),
      ),
    });
    fc.assert(
      fc.property(call, (made) => {
        expect(parseMessage(callText(made)).calls).toEqual([
          { ...made, arguments: { ...made.arguments } },
        ]);
      }),
      { seed, numRuns: 200 },
    );
  });
});
