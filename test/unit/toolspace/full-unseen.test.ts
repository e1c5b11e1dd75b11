import { describe, expect, test } from 'vitest';
import { UNSEEN } from '../../../src/toolspace/full/unseen.ts';
import { LiveServer, makeWorld } from '../../../src/toolspace/live-server.ts';
import { calculator } from '../../../src/toolspace/servers/calculator.ts';
import { shell } from '../../../src/toolspace/servers/shell.ts';
import { keepsTheRules } from '../../support/built-in-rules.ts';

keepsTheRules(UNSEEN, 6);

const open = (server: typeof calculator) =>
  new LiveServer({ name: 'rules', servers: [] }, server, makeWorld(1));

describe('what only one server can get wrong', () => {
  test.each([
    ['2 + 3 * 4', 14],
    ['(2 + 3) * 4', 20],
    ['8 - 3 - 2', 3],
    ['-2^2', -4],
    ['2^3^2', 512],
    ['2^-1', 0.5],
    ['7 % 4 + 1', 4],
    ['max(1, 2 + 3, 4) / sqrt(16)', 1.25],
    ['0.1 + 0.2', 0.3],
  ])('%s is %d', (expression, result) => {
    expect(open(calculator).call('compute', { expression }).value).toEqual({ result });
  });

  test.each(['2 +', '(2', '2 2', '1 / 0', 'sqrt(-1)', 'sqrt(1, 2)', 'sin(1)', '2 $ 3', '9^999'])(
    '%s is an error',
    (expression) => {
      expect(open(calculator).call('compute', { expression }).text).toMatch(/^expression: /);
    },
  );

  test('expressions read registers', () => {
    const live = open(calculator);
    live.call('memory_store', { register: 'M2', value: 2.5 });
    expect(live.call('compute', { expression: 'M2 * 4' }).value).toEqual({ result: 10 });
  });

  test.each([
    [2.5, 0, 'nearest', 3],
    [-2.5, 0, 'nearest', -3],
    [2.5, 0, 'even', 2],
    [3.5, 0, 'even', 4],
    [-2.5, 0, 'even', -2],
    [1.005, 2, 'nearest', 1.01],
    [1.001, 2, 'up', 1.01],
    [-1.001, 2, 'down', -1.01],
    [1.1, 1, 'up', 1.1],
  ])('%d to %d places, %s, is %d', (number, places, direction, rounded) => {
    const { value } = open(calculator).call('round_off', { number, places, direction });
    expect(value).toEqual({ rounded });
  });

  test('no path leaves the root of the shell', () => {
    const live = open(shell);
    for (const path of ['/', '/etc', '../../..', '/project/../etc', '/projects']) {
      for (const tool of ['ls', 'cd', 'mkdir']) {
        expect(live.call(tool, { path }).text).toMatch(/permission denied$/);
      }
    }
    expect(live.call('cd', { path: '..' }).value).toEqual({ cwd: '/project' });
  });
});
