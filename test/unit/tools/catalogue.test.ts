import { expect, test } from 'vitest';
import { checkArguments } from '../../../src/tools/catalogue.ts';

const tool = {
  name: 'list_tickets',
  description: '',
  inputSchema: {
    type: 'object',
    properties: { owner: { type: 'string' } },
    required: ['owner'],
    additionalProperties: false,
  },
};

test('an argument that a tool does not have is named, with those that it has', () => {
  expect(checkArguments(tool, { owner: 'Ada', title: 'x' })).toBe(
    "bad arguments for list_tickets: it has no argument 'title', only owner",
  );
});

test('a missing argument and a wrong type are named', () => {
  expect(checkArguments(tool, {})).toContain('owner');
  expect(checkArguments(tool, { owner: 3 })).toContain('owner');
  expect(checkArguments(tool, { owner: 'Ada' })).toBeNull();
});
