import { Tokenizer as Library } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { InputError, ModelFileError } from '../../../src/base/errors.ts';
import { NANO_PRE_REGEX } from '../../../src/base/split-rules.ts';
import { NANO_SPECIALS } from '../../../src/tokenizer/nano-template.ts';
import { preRule, splitStep, splitter } from '../../../src/tokenizer/pre-tokenizers.ts';
import {
  eosIdsOf,
  type Tokenizer,
  type TokenizerMetadata,
  tokenizerFromMetadata,
} from '../../../src/tokenizer/tokenizer.ts';
import { trainBpe } from '../../../src/tokenizer/train-bpe.ts';
import { readGguf } from '../../../src/weights/gguf.ts';
import { plainValue } from '../../../src/weights/gguf-values.ts';
import { tokenizerEntries } from '../../../src/weights/tokenizer-entries.ts';
import { goldenSource } from '../weights/golden.ts';

const SEED = 20260;
const CORPUS = [
  'find_item get_price add_event find_event multiply',
  '<tool_call>{"name":"find_item","arguments":{"name":""}}</tool_call>',
  '<think>plan find_item get_price</think>',
  '{"name":"get_price","arguments":{"id":""}}',
];
const BPE = trainBpe(CORPUS, { maxVocab: 400, specials: NANO_SPECIALS, preRegex: NANO_PRE_REGEX });

function metadata(changes: TokenizerMetadata = {}): TokenizerMetadata {
  const { tokens, types, merges } = BPE;
  const eosId = tokens.indexOf('<|im_end|>');
  const paddingId = tokens.indexOf('<|endoftext|>');
  const entries = tokenizerEntries({
    tokens,
    types,
    merges,
    pre: 'pocket-atlas',
    eosId,
    paddingId,
    chatTemplate: '{{ messages }}',
  });
  const plain = entries.map(([key, entry]) => [key, plainValue(entry)]);
  return { ...Object.fromEntries(plain), ...changes };
}

describe('a nano-like tokenizer', () => {
  const nano = tokenizerFromMetadata(metadata());

  test('knows its tokens', () => {
    expect(nano.vocabSize).toBe(BPE.tokens.length);
    expect(nano.eosIds).toEqual([nano.idOf('<|im_end|>'), nano.idOf('<|endoftext|>')]);
    expect(eosIdsOf(metadata())).toEqual(nano.eosIds);
    expect(nano.chatTemplate).toBe('{{ messages }}');
    expect([nano.bosToken, nano.eosToken]).toEqual(['', '<|im_end|>']);
    expect(nano.idOf('<think>')).toBe(BPE.tokens.indexOf('<think>'));
    expect(nano.idOf('find_item')).toBe(BPE.tokens.indexOf('find_item'));
    expect(nano.idOf('no such token')).toBeNull();
  });

  test('cuts digits and white space into single tokens and keeps learned names whole', () => {
    const pieces = nano.encode('find_item 2026\n').map((id) => nano.decode([id]));
    expect(pieces).toEqual(['find_item', ' ', '2', '0', '2', '6', '\n']);
  });

  test('every text comes back, with and without special tokens', () => {
    const unit = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...NANO_SPECIALS, '\n'));
    const texts = fc.array(unit).map((parts) => parts.join(''));
    fc.assert(
      fc.property(texts, fc.boolean(), (text, special) => {
        expect(nano.decode(nano.encode(text, { special }))).toBe(text);
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  test('parses special tokens only when asked', () => {
    const text = 'a<|im_end|><think>';
    const [end, think] = [nano.idOf('<|im_end|>'), nano.idOf('<think>')];
    expect(nano.encode(text, { special: true })).toEqual([...nano.encode('a'), end, think]);
    expect(nano.encode(text)).not.toContain(end);
    expect(nano.encode(text)).not.toContain(think);
    expect(nano.encode('', { special: true })).toEqual([]);
  });

  test('leaves out control tokens but not tags', () => {
    const ids = nano.encode('<think>a</think><|im_end|>', { special: true });
    expect(nano.decode(ids)).toBe('<think>a</think><|im_end|>');
    expect(nano.decode(ids, { skipSpecial: true })).toBe('<think>a</think>');
  });

  test('an incomplete character at the end is U+FFFD', () => {
    const ids = nano.encode('a€');
    expect(ids.length).toBe(4);
    expect(nano.decode(ids.slice(0, 3))).toBe('a\uFFFD');
    expect(nano.decode([])).toBe('');
  });

  test('refuses an id outside the vocabulary', () => {
    expect(() => nano.decode([nano.vocabSize])).toThrow(InputError);
    expect(() => nano.decode([-1])).toThrow(InputError);
  });
});

describe('the golden vocabulary', () => {
  let golden: Tokenizer;
  beforeAll(async () => {
    golden = tokenizerFromMetadata((await readGguf(goldenSource('f32.gguf'))).values);
  });

  test('ASCII text comes back', () => {
    // Its alphabet is the printable characters and the newline.
    const unit = fc.constantFrom(...' \nabcxyzABC019{}"<>|_:,.?!');
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 60 }), (text) => {
        expect(golden.decode(golden.encode(text))).toBe(text);
      }),
      { seed: SEED },
    );
  });

  test('applies merges in order of rank', () => {
    // Merges: e e, e t, e a, e o, e i, e n, ...: the pair on the left wins only by rank.
    const text = golden.encode('ete').map((id) => golden.decode([id]));
    expect(text).toEqual(['et', 'e']);
    expect(golden.encode('<|im_end|>', { special: true })).toEqual(golden.eosIds.slice(0, 1));
  });

  test('refuses a character that it has no token for', () => {
    expect(() => golden.encode('a\u00e9')).toThrow('has a character without a token');
  });
});

describe('tokenizerFromMetadata', () => {
  test.each<[TokenizerMetadata, string]>([
    [{ 'tokenizer.ggml.model': 'llama' }, 'tokenizer.ggml.model: got llama, need gpt2'],
    [{ 'tokenizer.ggml.pre': 'tekken' }, 'tokenizer.ggml.pre: got tekken, need one of pocket-'],
    [{ 'tokenizer.ggml.tokens': undefined }, 'tokenizer.ggml.tokens: got undefined, need a list'],
    [{ 'tokenizer.ggml.merges': [1] }, 'tokenizer.ggml.merges: got a list with other items'],
    [{ 'tokenizer.ggml.merges': ['abc'] }, 'got "abc", need two tokens with a space between'],
    [{ 'tokenizer.ggml.token_type': [1, 1] }, 'tokenizer.ggml.token_type: got 2 entries'],
    [{ 'tokenizer.ggml.eos_token_id': 99999 }, 'tokenizer.ggml.eos_token_id: got 99999'],
  ])('refuses %o', (changes, message) => {
    expect(() => tokenizerFromMetadata(metadata(changes))).toThrow(ModelFileError);
    expect(() => tokenizerFromMetadata(metadata(changes))).toThrow(message);
  });

  test.each([
    ['qwen2', "it's 123  ok", ['it', "'s", ' ', '1', '2', '3', ' ', ' ok']],
    ['llama-bpe', "IT'S 1234", ['IT', "'S", ' ', '123', '4']],
    ['smollm', 'a 12', ['a', ' ', '1', '2']],
    ['gpt-2', "it's 123  ok", ['it', "'s", ' 123', ' ', ' ok']],
    ['pocket-atlas', 'a_b12 ("x")\n\n', ['a_b', '1', '2', ' ', '("', 'x', '")', '\n', '\n']],
  ])('%s cuts as its model was trained', (pre, text, pieces) => {
    // A vocabulary in which every piece is one token: what does not come out whole was cut
    // elsewhere.
    const grown = trainBpe(
      pieces.flatMap((piece) => [piece, piece]),
      { maxVocab: 400, specials: [], preRegex: '[\\s\\S]+' },
    );
    const tokenizer = tokenizerFromMetadata({
      'tokenizer.ggml.model': 'gpt2',
      'tokenizer.ggml.pre': pre,
      'tokenizer.ggml.tokens': grown.tokens,
      'tokenizer.ggml.merges': grown.merges,
    });
    expect(tokenizer.encode(text).map((id) => tokenizer.decode([id]))).toEqual(pieces);
  });
});

describe('a text piece by piece is what the library makes of it whole', () => {
  const alphabet = [
    ...' \n\t\r\u00a0abAB019.,"{}_<>\'é漢\u{1f600}',
    "'s",
    "'LL",
    '  ',
    '\n\n',
    ' the',
  ];
  const texts = fc.array(fc.constantFrom(...alphabet), { maxLength: 40 });
  const corpus = fc.sample(texts, { seed: SEED, numRuns: 200 }).map((parts) => parts.join(''));
  const grown = trainBpe(corpus, { maxVocab: 500, specials: [], preRegex: '[\\s\\S]{1,4}' });

  test.each(['qwen2', 'llama-bpe', 'smollm', 'gpt-2', 'pocket-atlas', 'default'])('%s', (pre) => {
    const { patterns, ignoreMerges } = preRule(pre);
    const byteLevel = { type: 'ByteLevel', add_prefix_space: false, use_regex: false };
    const whole = new Library(
      {
        added_tokens: [],
        normalizer: null,
        pre_tokenizer: {
          type: 'Sequence',
          pretokenizers: [...patterns.map(splitStep), byteLevel],
        },
        post_processor: null,
        decoder: { type: 'ByteLevel' },
        model: {
          type: 'BPE',
          vocab: Object.fromEntries(grown.tokens.map((token, id) => [token, id])),
          merges: [...grown.merges],
          ignore_merges: ignoreMerges,
        },
      },
      {},
    );
    const ours = tokenizerFromMetadata({
      'tokenizer.ggml.model': 'gpt2',
      'tokenizer.ggml.pre': pre,
      'tokenizer.ggml.tokens': grown.tokens,
      'tokenizer.ggml.merges': grown.merges,
    });
    fc.assert(
      fc.property(texts, (parts) => {
        const text = parts.join('');
        const tokens = whole.tokenize(text);
        // Twice: the second time from what was kept.
        for (let i = 0; i < 2; i++) {
          expect(ours.encode(text)).toEqual(tokens.map((token) => grown.tokens.indexOf(token)));
        }
      }),
      { seed: SEED, numRuns: 300 },
    );
  });
});

describe('trainBpe', () => {
  const options = { maxVocab: 300, specials: ['<t>'], preRegex: NANO_PRE_REGEX };

  test('merges the most frequent pair first, ties by lower ids', () => {
    // Pairs: ab 3 and bc 2 times at first; then (ab)c 2 times. de and fg tie at 2: d comes before
    // f.
    const { merges, tokens, types } = trainBpe(['abc abc ab', 'fg de', 'fg de'], options);
    expect(merges).toEqual(['a b', 'd e', 'f g', 'ab c']);
    expect(tokens.slice(256)).toEqual(['ab', 'de', 'fg', 'abc', '<t>']);
    expect(types.slice(255)).toEqual([1, 1, 1, 1, 1, 4]);
  });

  test('does not depend on the order of the corpus', () => {
    expect(trainBpe([...CORPUS].reverse(), options)).toEqual(trainBpe(CORPUS, options));
  });

  test('stops at the size of the vocabulary and when no pair occurs twice', () => {
    expect(trainBpe(CORPUS, { ...options, maxVocab: 260 }).tokens.length).toBe(260);
    expect(trainBpe(['abcdef'], options).merges).toEqual([]);
  });

  test('overlapping pairs are merged from the left', () => {
    // aaa aaa: aa occurs 4 times as neighbours; then (aa)a twice.
    expect(trainBpe(['aaa aaa'], options).merges).toEqual(['a a', 'aa a']);
  });

  test('never merges across a special token or a cut', () => {
    const { tokens } = trainBpe(['x<t>y x<t>y 1212', '1212'], options);
    expect(tokens.slice(256)).toEqual(['<t>']);
  });

  test('encodes its own corpus as the merges say: no pair of a merge is left in a piece', () => {
    const tokenizer = tokenizerFromMetadata(metadata());
    const pairs = new Set(BPE.merges);
    for (const text of CORPUS) {
      for (const piece of splitter({ patterns: [NANO_PRE_REGEX] })(text)) {
        const tokens = tokenizer.encode(piece).map((id) => BPE.tokens[id]);
        tokens.forEach((token, i) => {
          if (i > 0) expect(pairs.has(`${tokens[i - 1]} ${token}`)).toBe(false);
        });
      }
    }
  });
});
