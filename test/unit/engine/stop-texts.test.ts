import { expect, test } from 'vitest';
import { InputError } from '../../../src/base/errors.ts';
import { StopTexts } from '../../../src/engine/stop-texts.ts';
import { nanoTokenizer } from '../../support/nano-tokenizer.ts';

const tokenizer = nanoTokenizer();

/** Number of ids up to the one that completes a stop text; -1 when none does. */
function stopAt(text: string, ...stops: string[]): number {
  const found = new StopTexts(tokenizer, stops);
  return tokenizer.encode(text, { special: true }).findIndex((id) => found.push(id)) + 1;
}

test.each([
  ['at the end of a token', 'find_item done', ['done']],
  ['over tokens', 'get_price, x;y', ['e, x;']],
  ['over the bytes of a character', 'a 😀 b', ['😀']],
  ['a tag, which is one token', 'a</tool_call>b', ['</tool_call>']],
  ['from inside of one token to inside of another', 'find_item get_price', ['tem get']],
  ['the first that is whole', 'one two three', ['three', 'wo', 'one two t']],
])('%s', (_, text, stops) => {
  const ids = tokenizer.encode(text, { special: true });
  const seen = (count: number) => tokenizer.decode(ids.slice(0, count));
  const want = ids.findIndex((_, i) => stops.some((stop) => seen(i + 1).includes(stop))) + 1;
  expect(want).toBeGreaterThan(0);
  expect(stopAt(text, ...stops)).toBe(want);
});

test('what is not there, or only a control token, stops nothing', () => {
  expect(stopAt('find_item done', 'dones')).toBe(0);
  expect(stopAt('a<|im_end|>b', '<|im_end|>')).toBe(0);
  expect(stopAt('a<|im_end|>b', 'ab')).toBe(3);
  expect(() => new StopTexts(tokenizer, [''])).toThrow(InputError);
});
