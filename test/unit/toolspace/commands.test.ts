import { expect, test } from 'vitest';
import { runServers } from '../../../src/cli/commands/servers.ts';
import { runTasks } from '../../../src/cli/commands/tasks.ts';
import { Flags } from '../../../src/cli/flags.ts';
import { connectServer } from '../../../src/tools/mcp-client.ts';
import { generateTasks } from '../../../src/toolspace/tasks.ts';
import { serverSpecs } from '../../../src/toolspace/toolspaces.ts';

const taskFlags = (...argv: string[]) =>
  new Flags('tasks', argv, {
    split: 'string',
    count: 'string',
    seed: 'string',
    toolspace: 'string',
  });
const serverFlags = (...argv: string[]) =>
  new Flags('servers', argv, { toolspace: 'string', serve: 'string' });

test('tasks are those of the generator', () => {
  const draw = { split: 'test' as const, count: 3, seed: 4, toolspace: 'core' };
  expect(runTasks(taskFlags('--split', 'test', '--count', '3', '--seed', '4'))).toEqual(
    generateTasks(draw),
  );
});

test('bad flags are refused', () => {
  const good = ['--split', 'train', '--count', '1', '--seed', '1'];
  expect(() => runTasks(taskFlags('--split', 'train', '--count', '1'))).toThrow(/no --seed/);
  expect(() => runTasks(taskFlags(...good, '--count', '0'))).toThrow(/--count/);
  expect(() => runTasks(taskFlags(...good, '--split', 'dev'))).toThrow(/--split/);
  expect(() => runTasks(taskFlags(...good, '--toolspace', 'x'))).toThrow(/need 'core'/);
});

test('servers are listed, or served under their URLs', async () => {
  const listed = await runServers(serverFlags());
  expect(listed.serving).toBeNull();
  expect(JSON.parse(JSON.stringify(listed.printed))).toMatchObject({
    servers: serverSpecs('core').map(({ name }) => ({ name })),
  });
  const { printed, serving } = await runServers(serverFlags('--serve', '0'));
  const { url, servers } = printed as { url: string; servers: Record<string, string> };
  expect(serving?.url).toBe(url);
  const connection = await connectServer({ name: 'units', url: servers['units'] ?? '' });
  const answer = await connection.call('multiply', { a: 6, b: 7 });
  // The first call of one tool of a world may be busy.
  const again = answer.isError ? await connection.call('multiply', { a: 6, b: 7 }) : answer;
  expect(again.value).toEqual({ result: 42 });
  const port = new URL(url).port;
  await expect(runServers(serverFlags('--serve', port))).rejects.toThrow(/cannot be used/);
  await connection.close();
  await serving?.close();
});
