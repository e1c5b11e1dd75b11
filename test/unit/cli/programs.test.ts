// `atlas agent --mode ptc` and `atlas sft-data --mode ptc`, built and run as a person does.
import { expect, test } from 'vitest';
import { linesOf, runAtlas } from '../../support/command-line.ts';

const agent = (policy: string, count: number) =>
  runAtlas([
    'agent',
    policy,
    '--mode',
    'ptc',
    '--tasks',
    'test',
    '--count',
    `${count}`,
    '--seed',
    '1',
  ]);

test('the oracle solves its tasks by programs, with the same bytes for the same seed', async () => {
  const ran = await agent('oracle', 8);
  expect({ code: ran.code, errors: ran.stderr.match(/Warning|error/g) }).toEqual({
    code: 0,
    errors: null,
  });
  const lines = linesOf(ran);
  expect(lines).toHaveLength(9);
  expect(lines.at(-1)).toMatchObject({ summary: { count: 8, success: 1, reward: 1 } });
  expect((await agent('oracle', 8)).stdout).toBe(ran.stdout);
});

test('acting at random ends well and solves nothing', async () => {
  const ran = await agent('random', 8);
  expect(ran.code).toBe(0);
  expect(linesOf(ran).at(-1)).toMatchObject({ summary: { count: 8, success: 0 } });
});

test('teacher data holds programs', async () => {
  const ran = await runAtlas([
    'sft-data',
    'nano',
    '--split',
    'train',
    '--count',
    '2',
    '--seed',
    '1',
    '--mode',
    'ptc',
  ]);
  expect(ran.code).toBe(0);
  const [first] = linesOf(ran);
  expect(JSON.stringify(first?.['messages'])).toContain('get_tools_info');
});
