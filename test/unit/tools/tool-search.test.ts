import { describe, expect, test } from 'vitest';
import { ToolSearch } from '../../../src/tools/tool-search.ts';
import type { ServerSpec } from '../../../src/trajectory/tool.ts';
import { liveServerSpecs, liveTasks } from '../../support/livemcpbench.ts';

const tool = (name: string, description: string, inputSchema = {}) => ({
  name,
  description,
  inputSchema: { type: 'object', ...inputSchema },
});
const SMALL: ServerSpec[] = [
  {
    name: 'calendar',
    description: 'Events with guests.',
    tools: [
      tool('find_event', 'Finds an event by its title.'),
      tool('addEvent', 'Puts something on a day.'),
    ],
  },
  {
    name: 'money',
    description: 'Currencies.',
    tools: [
      tool('convert', 'Changes an amount.', { properties: { to: { enum: ['eur', 'usd'] } } }),
      tool('toString', 'Prints an amount.'),
    ],
  },
];

describe('search over tools', () => {
  const search = new ToolSearch(SMALL);
  const names = (query: string) => search.search(query, 5).map((found) => found.tool.name);

  test.each([
    ['finding events', 'find_event'],
    ['add an event', 'addEvent'],
    ['exchange into usd', 'convert'],
    ['convrt', 'convert'],
    ['conver', 'convert'],
    ['printing', 'toString'],
  ])('%s finds %s', (query, wanted) => {
    expect(names(query)[0]).toBe(wanted);
  });

  test('nothing is found for nothing, for stop words and for odd text', () => {
    for (const query of ['', 'the of and', '💥', '__proto__ constructor']) {
      expect(names(query)).toEqual([]);
    }
  });

  test('gives as many as are wanted, with their servers', () => {
    expect(search.search('amount', 1)).toEqual([
      expect.objectContaining({ server: 'money', tool: SMALL[1]?.tools[0] }),
    ]);
  });
});

test('finds three in four of the tools that people took, by their steps (LiveMCPBench)', () => {
  const servers = liveServerSpecs();
  const known = new Set(servers.flatMap(({ tools }) => tools.map(({ name }) => name)));
  expect(servers.flatMap(({ tools }) => tools)).toHaveLength(527);
  const search = new ToolSearch(servers);
  const first = (query: string) => search.search(query, 10).map((found) => found.tool.name);
  let total = 0;
  let byStep = 0;
  let byQuestion = 0;
  for (const { question, steps, tools } of liveTasks()) {
    const found = new Set(steps.flatMap(first));
    const foundAtOnce = new Set(first(question));
    for (const name of tools.filter((one) => known.has(one))) {
      total += 1;
      if (found.has(name)) byStep += 1;
      if (foundAtOnce.has(name)) byQuestion += 1;
    }
  }
  expect(total).toBe(251);
  // 0.757 by step; by the whole question 0.41: searching for one step at a time is what helps.
  expect(byStep / total).toBeGreaterThanOrEqual(0.75);
  expect(byQuestion / total).toBeGreaterThan(0.35);
  expect(byQuestion).toBeLessThan(byStep);
});
