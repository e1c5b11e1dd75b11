import { expect, test } from 'vitest';
import { editDistance, nearest } from '../../../src/tools/nearest.ts';
import { toolSignature } from '../../../src/tools/signature.ts';

test('edit distance counts one for a lost, added, changed or swapped letter', () => {
  expect(editDistance('lamp', 'lmp')).toBe(1);
  expect(editDistance('lamp', 'laamp')).toBe(1);
  expect(editDistance('lamp', 'lump')).toBe(1);
  expect(editDistance('lamp', 'lmap')).toBe(1);
  // kitten -> sitten -> sittin -> sitting.
  expect(editDistance('kitten', 'sitting')).toBe(3);
  expect(editDistance('', 'abc')).toBe(3);
});

test('nearest sorts by distance and drops what is too far', () => {
  expect(nearest('get_prise', ['get_cost', 'get_price', 'set_price'], 2)).toEqual([
    'get_price',
    'set_price',
  ]);
});

test('a signature marks optional arguments, types and enums', () => {
  const inputSchema = {
    type: 'object',
    properties: {
      title: { type: 'string' },
      value: { type: 'number' },
      to: { type: 'string', enum: ['km', 'mi'] },
    },
    required: ['title', 'to'],
  };
  const tool = { name: 'do_it', description: '', inputSchema };
  expect(toolSignature(tool)).toBe('do_it(title,value?:number,to:km|mi)');
});
