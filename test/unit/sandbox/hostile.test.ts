import { describe, expect, test } from 'vitest';
import { HOSTILE_PROGRAMS } from '../../support/hostile-programs.ts';
import { testSandbox } from '../../support/node-sandbox.ts';
import { playHostile } from '../../support/play-hostile.ts';

const sandbox = testSandbox();

test('there are enough of them, each with a name of its own', () => {
  expect(new Set(HOSTILE_PROGRAMS.map(({ name }) => name)).size).toBe(HOSTILE_PROGRAMS.length);
  expect(HOSTILE_PROGRAMS.length).toBeGreaterThan(90);
});

describe('hostile programs end in time and harm nobody', () => {
  test.each(HOSTILE_PROGRAMS)('$name', (program) => playHostile(sandbox, program));
});
