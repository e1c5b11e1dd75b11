// The hostile programs in a browser: the same table as in Node, each in a real worker.
import { afterAll, describe, expect, test } from 'vitest';
import { browserWorker } from '../../src/sandbox/browser-worker.ts';
import { openSandbox } from '../../src/sandbox/sandbox.ts';
import { HOSTILE_PROGRAMS } from '../support/hostile-programs.ts';
import { bench } from '../support/notebook.ts';
import { playHostile } from '../support/play-hostile.ts';

const sandbox = openSandbox(browserWorker);
afterAll(() => sandbox.close());

test('a notebook works here', async () => {
  const { notebook, run } = bench(sandbox);
  expect((await run('const item = await shop.find_item({ name: "red lamp" }); item')).text).toBe(
    '{"id":"I-42","tags":["new"]}',
  );
  expect((await run('[item.id, new Date().toISOString()]')).text).toBe(
    '["I-42","2025-03-14T09:26:00.000Z"]',
  );
  notebook.close();
});

describe('hostile programs end in time and harm nobody', () => {
  test.each(HOSTILE_PROGRAMS)('$name', (program) => playHostile(sandbox, program));
});
