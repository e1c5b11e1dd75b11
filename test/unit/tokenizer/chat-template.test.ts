import { describe, expect, test } from 'vitest';
import { ModelFileError } from '../../../src/base/errors.ts';
import {
  type ChatTool,
  renderChat,
  templateTakesTools,
} from '../../../src/tokenizer/chat-template.ts';
import { NANO_TEMPLATE } from '../../../src/tokenizer/nano-template.ts';

const TOOLS: ChatTool[] = [
  {
    type: 'function',
    function: {
      name: 'convert',
      description: 'not shown',
      parameters: {
        type: 'object',
        properties: {
          value: { type: 'number' },
          from: { type: 'string', enum: ['km', 'mi'] },
          to: { enum: ['km', 'mi'] },
        },
        required: ['value', 'from', 'to'],
      },
    },
  },
  {
    type: 'function',
    function: {
      name: 'add_event',
      parameters: {
        properties: {
          title: { type: 'string' },
          items: {},
          time: { type: 'string' },
          limit: { type: 'integer' },
        },
        required: ['title', 'items'],
      },
    },
  },
  { type: 'function', function: { name: 'list', parameters: { type: 'object' } } },
];
const SIGNATURES =
  '\nconvert(value:number,from:km|mi,to:km|mi)' +
  '\nadd_event(title,items,time?,limit?:integer)' +
  '\nlist()';

describe("nano's template", () => {
  test('every role, byte for byte', () => {
    const messages = [
      { role: 'system', content: 'calendar: find_event' },
      { role: 'user', content: ' two\nlines ' },
      { role: 'assistant', content: '<think>x</think><tool_call>{}</tool_call>' },
      { role: 'tool', content: '{"id":"I-1"}' },
      { role: 'tool', content: '' },
    ];
    expect(renderChat(NANO_TEMPLATE, { messages, addGenerationPrompt: true })).toBe(
      '<|im_start|>system\ncalendar: find_event<|im_end|>\n' +
        '<|im_start|>user\n two\nlines <|im_end|>\n' +
        '<|im_start|>assistant\n<think>x</think><tool_call>{}</tool_call><|im_end|>\n' +
        '<|im_start|>user\n<tool_response>{"id":"I-1"}</tool_response><|im_end|>\n' +
        '<|im_start|>user\n<tool_response></tool_response><|im_end|>\n' +
        '<|im_start|>assistant\n',
    );
  });

  test('tools are signatures at the end of the system message', () => {
    const messages = [
      { role: 'system', content: 'use tools' },
      { role: 'user', content: 'hi' },
    ];
    expect(renderChat(NANO_TEMPLATE, { messages, tools: TOOLS, addGenerationPrompt: false })).toBe(
      `<|im_start|>system\nuse tools${SIGNATURES}<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n`,
    );
  });

  test('tools without a system message stand in an empty one', () => {
    const user = { role: 'user', content: 'hi' };
    const render = (messages: { role: string; content: string }[]): string =>
      renderChat(NANO_TEMPLATE, { messages, tools: TOOLS, addGenerationPrompt: false });
    expect(render([user])).toBe(
      `<|im_start|>system\n${SIGNATURES}<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n`,
    );
    expect(render([user])).toBe(render([{ role: 'system', content: '' }, user]));
  });

  test('a longer conversation starts with the text of a shorter one', () => {
    const messages = ['user', 'assistant', 'tool', 'assistant', 'user'].map((role) => ({
      role,
      content: role,
    }));
    const render = (count: number): string =>
      renderChat(NANO_TEMPLATE, {
        messages: messages.slice(0, count),
        tools: TOOLS,
        addGenerationPrompt: false,
      });
    for (let count = 1; count < messages.length; count++) {
      expect(render(count + 1).startsWith(render(count))).toBe(true);
    }
  });
});

describe('renderChat', () => {
  const messages = [{ role: 'user', content: 'hi' }];

  test('hands over the variables that templates read', () => {
    const template =
      '{{ bos_token }}{{ eos_token }}{{ enable_thinking is defined }}{{ tools is defined }}';
    const options = { messages, addGenerationPrompt: false, bosToken: 'B', eosToken: 'E' };
    expect(renderChat(template, options)).toBe('BEfalsefalse');
    const more = { ...options, enableThinking: false, tools: TOOLS };
    expect(renderChat(template, more)).toBe('BEtruetrue');
  });

  test.each([
    ['{% if %}', 'chat template: '],
    ["{{ raise_exception('no system role') }}", 'no system role'],
  ])('refuses %s', (template, message) => {
    const render = (): string => renderChat(template, { messages, addGenerationPrompt: false });
    expect(render).toThrow(ModelFileError);
    expect(render).toThrow(message);
  });

  test('templateTakesTools tells whether tools have a place', () => {
    expect(templateTakesTools(NANO_TEMPLATE)).toBe(true);
    expect(templateTakesTools('{{ messages[0].content }}')).toBe(false);
  });
});
