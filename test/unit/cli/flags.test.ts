import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/base/errors.ts';
import { Flags, parseIds } from '../../../src/cli/flags.ts';

const OPTIONS = { n: 'string', mode: 'string', all: 'boolean', server: 'strings' } as const;
const parse = (...argv: string[]) => new Flags('try', argv, OPTIONS);

describe('flags', () => {
  it('positionals, values, switches and lists', () => {
    const flags = parse('model.gguf', '--n', '3', '--all', '--server', 'a=1', '--server=b=2');
    expect(flags.positional(0, 'model')).toBe('model.gguf');
    expect(flags.integer('n', 1)).toBe(3);
    expect(flags.has('all')).toBe(true);
    expect(flags.texts('server')).toEqual(['a=1', 'b=2']);
    expect(parse().integer('n', 7)).toBe(7);
    expect(parse().has('all')).toBe(false);
    expect(parse('--mode', 'isl').choice('mode', ['eager', 'isl'])).toBe('isl');
    expect(parse().choice('mode', ['eager', 'isl'], 'eager')).toBe('eager');
  });

  it.each([
    [['--nn', '3'], "'--nn'"],
    [['--n'], 'try: '],
    [['--all=yes'], 'try: '],
  ])('refuses %j', (argv, text) => {
    expect(() => parse(...argv)).toThrow(InputError);
    expect(() => parse(...argv)).toThrow(text);
    expect(() => parse(...argv)).toThrow('(flags: --n, --mode, --all, --server)');
  });

  it.each([
    ['x', 'try: --n: got "x", need a number from 1 to 4'],
    ['', 'try: --n: got "", need a number from 1 to 4'],
    ['5', 'try: --n: got "5", need a number from 1 to 4'],
    ['0', 'try: --n: got "0", need a number from 1 to 4'],
    ['1.5', 'try: --n: got 1.5, need a whole number'],
    ['Infinity', 'try: --n: got "Infinity"'],
  ])('--n %j is no whole number from 1 to 4', (text, message) => {
    expect(() => parse('--n', text).integer('n', 1, 1, 4)).toThrow(message);
  });

  it('says what is missing', () => {
    expect(() => parse().positional(0, 'model')).toThrow('got no model, need one after');
    expect(() => parse().required('mode')).toThrow('try: got no --mode, need it');
    expect(() => parse().choice('mode', ['a', 'b'])).toThrow('got nothing, need one of a, b');
  });
});

it('token ids', () => {
  expect(parseIds('try', '1, 2,30')).toEqual([1, 2, 30]);
  for (const text of ['', '1,', '1,-2', '1.5', 'a']) {
    expect(() => parseIds('try', text), text).toThrow('need token ids joined by commas');
  }
});
