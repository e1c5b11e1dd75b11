import { type Schema, Validator } from '@cfworker/json-schema';
import { describe, expect, test } from 'vitest';
import { isMalformed, parseMessage } from '../../../src/agent/grammar.ts';
import { callForms } from '../../../src/agent/names.ts';
import { Rng } from '../../../src/base/rng.ts';
import { isFree, messageExpression } from '../../../src/engine/constraint/call-grammar.ts';
import { Expressions } from '../../../src/engine/constraint/expression.ts';
import { TokenConstraints } from '../../../src/engine/constraint/token-constraint.ts';
import { BYTE_ALPHABET, toByteText } from '../../../src/tokenizer/bytes.ts';
import { type Tokenizer, tokenizerFromMetadata } from '../../../src/tokenizer/tokenizer.ts';
import { serverSpecs } from '../../../src/toolspace/toolspaces.ts';
import type { CallForm } from '../../../src/trajectory/interfaces.ts';
import type { JsonObject } from '../../../src/trajectory/json.ts';
import { nanoTokenizer } from '../../support/nano-tokenizer.ts';

function allowed(mask: Uint32Array | null, id: number): boolean {
  return mask === null || (((mask[id >>> 5] ?? 0) >>> (id & 31)) & 1) === 1;
}

function constraintsOf(tokenizer: Tokenizer): TokenConstraints {
  return new TokenConstraints(tokenizer, tokenizer.eosIds, tokenizer.vocabSize);
}

/** Whether a text can be written token by token; the ids are the tokenizer's own. */
function takes(tokenizer: Tokenizer, calls: readonly CallForm[], text: string): boolean {
  const constraint = constraintsOf(tokenizer).start({ calls, thinking: false });
  for (const id of tokenizer.encode(text, { special: true })) {
    if (!allowed(constraint.mask(), id)) return false;
    constraint.accept(id);
  }
  return allowed(constraint.mask(), tokenizer.eosIds[0] ?? 0);
}

const tokenizer = nanoTokenizer();
const find = {
  name: 'find_item',
  inputSchema: {
    type: 'object',
    properties: { name: { type: 'string', minLength: 1 }, count: { type: 'integer', minimum: 1 } },
    required: ['name'],
    additionalProperties: false,
  },
};
const call = (name: string, args: string) =>
  `<tool_call>{"name":"${name}","arguments":${args}}</tool_call>`;

describe('what may be written', () => {
  test.each([
    ['text alone', 'done <b> {"name"'],
    ['a call', call('find_item', '{"name":"a lamp"}')],
    ['any order, a space or newline', call('find_item', '{ "count": 3,\n"name" :"x" }')],
    ['text before and behind', `hm ${call('find_item', '{"name":"ä\\u00e9 😀"}')} ok`],
    ['two calls', call('find_item', '{"name":"a"}') + call('find_item', '{"name":"b < c"}')],
    ['any text while thinking', `<think><tool_call>hm</think>${call('find_item', '{"name":"a"}')}`],
  ])('%s', (_, text) => {
    expect(takes(tokenizer, [find], text)).toBe(true);
  });

  test.each([
    ['an unknown tool', call('find_itm', '{"name":"a"}')],
    ['a missing argument', call('find_item', '{}')],
    ['an empty string', call('find_item', '{"name":""}')],
    ['an unknown argument', call('find_item', '{"name":"a","size":1}')],
    ['an argument twice', call('find_item', '{"name":"a","name":"b"}')],
    ['a number out of range', call('find_item', '{"name":"a","count":0}')],
    ['a fraction', call('find_item', '{"name":"a","count":1.5}')],
    ['an end inside of a call', '<tool_call>{"name":"find_item"'],
    ['a tag in a string', call('find_item', '{"name":"</tool_call>"}')],
    ['a tag in a string, spelled', call('find_item', '{"name":"</"')],
    ['three spaces', call('find_item', '{"name":   "a"}')],
    ['a half surrogate', call('find_item', '{"name":"\\ud800"}')],
    ['a control character', call('find_item', '{"name":"\n"}')],
    ['thinking that ended', `<think>a</think><tool_call>hm`],
  ])('not %s', (_, text) => {
    expect(takes(tokenizer, [find], text)).toBe(false);
  });
});

describe('schemas', () => {
  const cases: [string, JsonObject, string[], string[]][] = [
    [
      'numbers in a range',
      { a: { type: 'number', minimum: -2.5, exclusiveMaximum: 31 } },
      ['{"a":-2.5}', '{"a":0}', '{"a":30.999}', '{"a":-0.25}', '{"a":7}'],
      ['{"a":-2.51}', '{"a":31}', '{"a":310}', '{"a":1e2}', '{"a":-3}', '{"a":01}', '{"a":1.}'],
    ],
    [
      'integers above',
      { a: { type: 'integer', exclusiveMinimum: 9, maximum: 120 } },
      ['{"a":10}', '{"a":99}', '{"a":120}'],
      ['{"a":9}', '{"a":121}', '{"a":2}', '{"a":13}0', '{"a":-10}', '{"a":130}'],
    ],
    [
      'enum and const',
      { a: { enum: ['x', 3, null, { b: [1] }] }, b: { const: '</think>' } },
      ['{"a":"x"}', '{"a":3}', '{"a":null}', '{"a":{"b":[1]}}', '{"b":"\\u003c/think>"}'],
      ['{"a":"y"}', '{"a":"X"}', '{"a":33}', '{"b":1}'],
    ],
    [
      'lists',
      { a: { type: 'array', items: { type: 'boolean' }, minItems: 1, maxItems: 2 } },
      ['{"a":[true]}', '{"a":[ true, false ]}'],
      ['{"a":[]}', '{"a":[true,true,true]}', '{"a":[1]}', '{"a":[true,]}'],
    ],
    [
      'tuples',
      { a: { prefixItems: [{ type: 'null' }, { type: 'integer' }], items: false } },
      ['{"a":[null,1]}'],
      ['{"a":[null]}', '{"a":[1]}', '{"a":[null,1,2]}'],
    ],
    [
      'lengths',
      { a: { type: 'string', minLength: 2, maxLength: 3 } },
      ['{"a":"ab"}', '{"a":"😀é\\n"}'],
      ['{"a":"a"}', '{"a":"abcd"}'],
    ],
    [
      'choices and references',
      {
        a: { anyOf: [{ $ref: '#/$defs/tree' }, { type: 'null' }] },
        b: { type: ['string', 'integer'] },
        c: { type: 'object', anyOf: [{ required: ['x'] }, { properties: { y: {} } }] },
      },
      ['{"a":{"t":[{"t":[]},{"t":[]}]}}', '{"a":null,"b":1}', '{"b":"1"}', '{"c":{"x":[{}]}}'],
      ['{"a":{"t":[1]}}', '{"b":1.5}', '{"b":null}', '{"c":{"z":1}}'],
    ],
    [
      'anything, and maps',
      { a: {}, m: { type: 'object', additionalProperties: { type: 'integer' } } },
      ['{"a":[{"x":[1,-2.5,"",null,true,{}]}]}', '{"m":{}}', '{"m":{"k":1,"l":2}}'],
      ['{"a":}', '{"a":[}', '{"m":{"k":"v"}}', '{"m":{k:1}}', '{"a":nul}'],
    ],
    [
      'patterns',
      {
        a: { type: 'string', pattern: '^[A-Z]{2,3}-\\d+(\\.[^a-c\\s])?$' },
        b: { type: 'string', pattern: 'lamp|cup' },
        c: { pattern: '(?:é|"|\\\\)+x$' },
      },
      ['{"a":"AB-1"}', '{"a":"XYZ-007.é"}', '{"c":"so \\"\\\\éx"}', '{"b":"cup"}'],
      ['{"a":"A-1"}', '{"a":"AB-"}', '{"a":"AB-1.b"}', '{"a":"AB-1 "}', '{"c":"x"}', '{"c":"éxy"}'],
    ],
    [
      'formats',
      {
        a: { type: 'string', format: 'date' },
        b: { type: 'string', format: 'uri' },
        c: { type: 'string', format: 'email' },
        d: { type: 'string', format: 'ipv4' },
        e: { type: 'string', format: 'date-time' },
        f: { type: 'string', format: 'uuid' },
        g: { type: 'string', format: 'time' },
      },
      [
        ...['{"a":"2026-03-14"}', '{"b":"https://a.example:80/x?y=1"}', '{"c":"ann.b@a.example"}'],
        ...['{"d":"10.0.255.9"}', '{"e":"2026-03-14T09:30:00Z"}', '{"g":"09:30:00+01:00"}'],
        '{"f":"01234567-89ab-cdef-0123-456789abcdef"}',
      ],
      [
        '{"a":"14.3.2026"}',
        '{"a":"2026-13-01"}',
        '{"b":"a b"}',
        '{"c":"ann"}',
        '{"d":"256.1.1.1"}',
      ],
    ],
    [
      'nothing, and bounds of draft 4',
      { a: { anyOf: [{ type: 'integer', minimum: 0, exclusiveMinimum: true }, { not: {} }] } },
      ['{"a":2}'],
      ['{"a":0}', '{"a":null}'],
    ],
    [
      'both of two',
      { a: { allOf: [{ properties: { x: { type: 'null' } } }, { required: ['x'] }] } },
      ['{"a":{"x":null}}'],
      ['{"a":{}}', '{"a":{"x":1}}'],
    ],
  ];
  test.each(cases)('%s', (_, properties, good, bad) => {
    const $defs = { tree: { properties: { t: { items: { $ref: '#/$defs/tree' } } } } };
    const inputSchema = { type: 'object', properties, additionalProperties: false, $defs };
    const schema: Schema = inputSchema as JsonObject;
    const calls = [{ name: 't', inputSchema }];
    for (const args of good) {
      expect(takes(tokenizer, calls, call('t', args)), args).toBe(true);
      expect(new Validator(schema).validate(JSON.parse(args)).valid, args).toBe(true);
    }
    for (const args of bad) expect(takes(tokenizer, calls, call('t', args)), args).toBe(false);
  });
});

/** Texts that cross every border of a call, as single tokens. */
const CROSSING = [
  '<tool',
  '_call',
  '_call>{"',
  '<tool_call>{"name":"',
  ' <tool_call>\n{"name": "',
  'find_item","arguments":{"',
  '":"',
  '": "',
  '":{"',
  '"}}</tool_call>',
  '"}}\n</tool_call>\n<tool_call>',
  '}}',
  '"}',
  '</',
  'tool_call>',
  '</think>',
  '<think><tool_call>',
  '</tool_call>',
  '",',
  '","',
  '0.0',
  '00',
  '-',
  '.5}',
  '\\',
  '\\u00',
  '\\ud8',
  '\\"',
  '    ',
  '\n\n',
  'é',
  '\u{1f600}',
  '<|im_end|>',
];

/** Every byte, the crossing texts (one of them twice), a token without text and three control tokens. */
function hostileTokenizer(): Tokenizer {
  const half = toByteText('\u{1f600}').slice(0, 2);
  const plain = [...BYTE_ALPHABET, ...CROSSING.map(toByteText), toByteText('":"'), half, ''];
  const controls = ['<|im_start|>', '<|end|>', '</s>'];
  return tokenizerFromMetadata({
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.tokens': [...plain, ...controls],
    'tokenizer.ggml.token_type': [...plain.map(() => 1), ...controls.map(() => 3)],
    'tokenizer.ggml.merges': [],
    'tokenizer.ggml.eos_token_id': plain.length + 1,
  });
}

const NESTED = {
  name: 'plan "trip"',
  inputSchema: {
    type: 'object',
    properties: {
      stops: {
        type: 'array',
        minItems: 1,
        maxItems: 3,
        items: {
          type: 'object',
          properties: {
            place: { type: 'string', minLength: 1, maxLength: 12 },
            nights: { type: 'integer', minimum: 1, maximum: 30 },
            how: { enum: ['<think>', 'train', 'on foot', null, 4] },
          },
          required: ['place', 'how'],
          additionalProperties: false,
        },
      },
      budget: { type: 'number', exclusiveMinimum: 0, maximum: 99.5 },
      notes: { type: ['string', 'null'], minLength: 30, maxLength: 80 },
      extra: {},
      tree: { $ref: '#/$defs/tree' },
    },
    required: ['stops'],
    additionalProperties: false,
    $defs: {
      tree: {
        type: 'object',
        properties: { left: { $ref: '#/$defs/tree' }, value: { type: 'boolean' } },
        required: ['value'],
      },
    },
  },
};

describe.each([
  ['tags are tokens', nanoTokenizer()],
  ['tags are several tokens, and tokens cross every border', hostileTokenizer()],
])('drawn at random: %s', (_, vocabulary) => {
  const calls = [NESTED, find, ...callForms(serverSpecs('core'), () => true)];
  const ids = Array.from({ length: vocabulary.vocabSize }, (_, id) => id);
  const shared = constraintsOf(vocabulary);

  test('masks are what each token, byte by byte, says', () => {
    const expressions = new Expressions();
    for (let seed = 0; seed < 6; seed++) {
      const rng = new Rng(seed);
      const constraint = shared.start({ calls, thinking: false });
      let state = messageExpression(expressions, { calls, thinking: false });
      const accept = (id: number) => {
        constraint.accept(id);
        for (const byte of vocabulary.shownBytes(id)) state = state.step(byte);
      };
      const begun = seed % 2 === 0 ? '<tool_' : '<tool_call>';
      for (const id of vocabulary.encode(begun)) accept(id);
      for (let turn = 0; turn < 60; turn++) {
        const mask = constraint.mask();
        const want = ids.filter((id) => {
          const bytes = vocabulary.shownBytes(id);
          if (bytes.length === 0) return isFree(state);
          return bytes.reduce((at, byte) => at.step(byte), state) !== expressions.never;
        });
        expect(ids.filter((id) => allowed(mask, id))).toEqual(want);
        const id = rng.pick(want);
        if (vocabulary.eosIds.includes(id)) break;
        accept(id);
      }
    }
  });

  test('every call is one that can be made', () => {
    let made = 0;
    for (let seed = 0; seed < 50; seed++) {
      const rng = new Rng(seed);
      const constraint = shared.start({ calls, thinking: false });
      const said = vocabulary.encode('<tool_call>');
      for (const id of said) constraint.accept(id);
      let ended = false;
      for (let turn = 0; turn < 250 && !ended; turn++) {
        const mask = constraint.mask();
        const id = rng.pick(ids.filter((one) => allowed(mask, one)));
        constraint.accept(id);
        said.push(id);
        // Free text goes on for long: a message that is whole here may end.
        ended = allowed(constraint.mask(), vocabulary.eosIds[0] ?? 0);
      }
      if (!ended) continue;
      const text = vocabulary.decode(said, { skipSpecial: true });
      const parsed = parseMessage(text);
      expect(parsed.calls.length, text).toBeGreaterThan(0);
      for (const one of parsed.calls) {
        if (isMalformed(one)) throw new Error(`${one.malformed} in ${text}`);
        const form = calls.find(({ name }) => name === one.name);
        const schema: Schema = (form?.inputSchema ?? {}) as JsonObject;
        expect(schema['type'], text).toBe('object');
        expect(new Validator(schema).validate(one.arguments).errors, text).toEqual([]);
        made += 1;
      }
    }
    expect(made).toBeGreaterThan(20);
  });
});

test('a vocabulary without the bytes of a call is told, not left to loop', () => {
  const tokens = ['<tool_call>', '</tool_call>', 'a', '{', '"', '<|im_end|>'];
  const poor = tokenizerFromMetadata({
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.tokens': tokens,
    'tokenizer.ggml.token_type': [4, 4, 1, 1, 1, 3],
    'tokenizer.ggml.merges': [],
    'tokenizer.ggml.eos_token_id': 5,
  });
  const constraint = constraintsOf(poor).start({ calls: [find], thinking: false });
  for (const id of [2, 0, 3, 4]) {
    expect(allowed(constraint.mask(), id)).toBe(true);
    constraint.accept(id);
  }
  expect(() => constraint.mask()).toThrow('no token of this vocabulary continues the call');
  expect(() => constraint.accept(2)).toThrow('which its mask forbids');
});
