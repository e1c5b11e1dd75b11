import { describe, expect, test } from 'vitest';
import { Rng } from '../../../src/base/rng.ts';
import { Expressions } from '../../../src/engine/constraint/expression.ts';
import { tryPattern } from '../../../src/engine/constraint/pattern.ts';

const PATTERNS = [
  '',
  'a',
  '^a$',
  '^(a|bc)+$',
  '^[a-c]{2}$',
  '^[a-c]{2,}x?$',
  '^[^a-c]{1,3}$',
  'b.c',
  '^\\d+(\\.\\d{2})?$',
  '^\\w\\W\\w$',
  '\\s\\S',
  '^(?:x|y|)z$',
  '^[\\d.-]+$',
  '^[é😀a]+$',
  '^a\\.b\\/c\\\\$',
  '^"+$',
  '^a+?b*?$',
  '^(ab){2,3}c{0}$',
];
const ALPHABET = [...'abcxyz019.-_/ "\\\n', 'é', '😀'];

describe('patterns', () => {
  test.each(PATTERNS)('%s takes what the language of patterns takes', (pattern) => {
    const all = new Expressions();
    const expression = tryPattern(all, pattern);
    if (expression === null) throw new Error('not read');
    const regExp = new RegExp(pattern, 'u');
    const rng = new Rng(pattern.length);
    let [taken, refused] = [0, 0];
    const body = (text: string) => new TextEncoder().encode(JSON.stringify(text).slice(1, -1));
    for (let i = 0; i < 4000; i++) {
      const text = Array.from({ length: rng.int(0, 7) }, () => rng.pick(ALPHABET)).join('');
      const end = body(text).reduce((state, byte) => state.step(byte), expression);
      expect(end.nullable, JSON.stringify(text)).toBe(regExp.test(text));
      if (end.nullable) taken += 1;
      else refused += 1;
    }
    expect(pattern === '' || refused > 0).toBe(true);
    // Along random bytes that may follow, every end is a match.
    const bytes = Array.from({ length: 256 }, (_, byte) => byte);
    for (let seed = 0; seed < 20; seed++) {
      let state = expression;
      const said: number[] = [];
      for (let length = 0; length < 24; length++) {
        if (state.nullable) {
          const text = new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(said));
          expect(regExp.test(JSON.parse(`"${text}"`)), text).toBe(true);
          taken += 1;
        }
        const open = bytes.filter((byte) => state.step(byte) !== all.never);
        if (open.length === 0) break;
        const byte = rng.pick(open);
        said.push(byte);
        state = state.step(byte);
      }
    }
    expect(taken).toBeGreaterThan(0);
  });

  test.each([
    '(?=a)b',
    '(?<!a)b',
    '(a)\\1',
    '\\bword',
    '\\p{L}',
    'a|^b$',
    '(a*)*',
    '[à-ö]',
    'a$b',
    '(a',
    '[a',
    'a{x}',
    '\\',
  ])('%s is not read', (pattern) => {
    expect(tryPattern(new Expressions(), pattern)).toBeNull();
  });
});
