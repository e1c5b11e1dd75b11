// Time, calls, output: what ends a cell, what is left of its notebook, and what becomes of workers.
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { SandboxError, ToolError } from '../../../src/base/errors.ts';
import { Gate } from '../../../src/sandbox/gate.ts';
import { openSandbox } from '../../../src/sandbox/sandbox.ts';
import type { WorkerLine } from '../../../src/sandbox/worker-pool.ts';
import { builtWorker } from '../../support/node-sandbox.ts';
import { answer, type Bench, type BenchOptions, bench } from '../../support/notebook.ts';

const spawn = builtWorker();
const lines: WorkerLine[] = [];
const sandbox = openSandbox(() => {
  const line = spawn();
  lines.push(line);
  return line;
});
const open: Bench[] = [];
afterEach(() => {
  for (const { notebook } of open.splice(0)) notebook.close();
});

function opened(options: BenchOptions = {}): Bench {
  const made = bench(sandbox, options);
  open.push(made);
  return made;
}

const LOST =
  'the state was lost: the next program starts in a new notebook, without earlier variables';

describe('time', () => {
  const limits = { deadlineMs: 200 };

  test('a loop is interrupted, and the notebook is what it was', async () => {
    const { run } = opened({ limits });
    await run('const a = 5;');
    const report = await run('print("begun"); for (;;);');
    expect(report).toEqual({
      text: 'begun\nstopped: the program computed for more than 200 ms',
      isError: true,
      lost: false,
    });
    expect((await run('a')).text).toBe('5');
  });

  test('a silent interpreter is ended, and the model is told that its state is gone', async () => {
    const { run } = opened({ limits });
    await run('const a = 5;');
    const started = performance.now();
    const report = await run('new Array(1e8) + ""');
    expect(performance.now() - started).toBeLessThan(450);
    expect(report.text).toBe(`stopped: the program computed for more than 200 ms\n${LOST}`);
    expect(report.lost).toBe(true);
    expect((await run('typeof a')).text).toBe('undefined');
  });

  test('waiting for a tool is no computing', async () => {
    const { run } = opened({
      limits,
      call: () => new Promise((done) => setTimeout(() => done({ text: '1', isError: false }), 150)),
    });
    const code = 'let n = 0; for (let i = 0; i < 3; i++) n += await shop.say({}); n';
    expect((await run(code)).text).toBe('3');
  });

  test('computing between calls adds up', async () => {
    const { run } = opened({ limits });
    const spin = 'const until = (n) => { let x = 0; for (let i = 0; i < n; i++) x += i; };';
    const code = `${spin} for (let i = 0; i < 20; i++) { until(1e6); await shop.list_items(); }`;
    expect((await run(code)).text).toMatch(/^stopped: the program computed for more than 200 ms/);
  });

  test('waiting has a bound of its own: the call fails, and the program goes on', async () => {
    const made = opened({ limits: { ...limits, waitMs: 100 } });
    const code =
      'try { await odd_name.wait({}); } catch (e) { print(e.message); } await odd_name.wait({})';
    const { text } = await made.run(code);
    expect(text.split('\n')).toEqual([
      'odd_name.wait: no answer in time',
      'failed call odd_name.wait: no answer in time',
      'failed call odd_name.wait: no answer in time',
      'stopped by the failed call in line 1',
    ]);
    expect((await made.run('1')).text).toBe('1');
  });
});

describe('ends from outside', () => {
  test('an abort ends the program at once', async () => {
    const { run, notebook } = opened({ limits: { deadlineMs: 5000 } });
    await run('1');
    const controller = new AbortController();
    const running = run('for (;;);', controller.signal);
    setTimeout(() => controller.abort(new Error('enough')), 50);
    const started = performance.now();
    await expect(running).rejects.toThrow('enough');
    expect(performance.now() - started).toBeLessThan(500);
    expect((await run('2')).text).toBe('2');
    await expect(run('3', AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
    notebook.close();
    await expect(run('4')).rejects.toThrow('notebook: a program is at work, or it was closed');
  });

  test('what a handler throws is thrown, and the notebook is new', async () => {
    const { run } = opened({
      call: () => Promise.reject(new ToolError('server-gone', 'server shop: it is gone')),
    });
    await run('const a = 1;');
    await expect(run('await shop.say({})')).rejects.toThrow('server shop: it is gone');
    expect((await run('typeof a')).text).toBe('undefined');
  });

  test('one program at a time', async () => {
    const { run } = opened();
    const first = run('await shop.say({ text: "a" })');
    await expect(run('2')).rejects.toThrow('a program is at work');
    expect((await first).text).toBe('a');
  });

  test('a worker that dies is told, and the next program has a new one', async () => {
    const { run, calls } = opened({
      call: (call, signal) => {
        lines.at(-1)?.terminate();
        return answer(call, signal);
      },
    });
    await run('1');
    const report = await run('await odd_name.wait({})');
    expect(calls).toHaveLength(1);
    expect(report.text).toMatch(
      /\nstopped: its worker stopped: it ended with code \d+\nthe state was lost/,
    );
    expect((await run('2')).text).toBe('2');
  });

  test('a worker that cannot start is an error that says so', async () => {
    const script = new URL('data:text/javascript,throw new Error("no wasm here")');
    const { nodeWorker } = await import('../../../src/cli/node-worker.ts');
    const broken = openSandbox(() => nodeWorker(script));
    const { run } = bench(broken);
    await expect(run('1')).rejects.toThrow(SandboxError);
    await expect(run('1')).rejects.toThrow('sandbox: its worker could not start: no wasm here');
  });
});

describe('workers', () => {
  test('are used again, with nothing of the notebook before', async () => {
    const count = () => lines.length;
    const first = opened();
    await first.run('globalThis.mine = 1; Object.prototype.x = 1;');
    first.notebook.close();
    const before = count();
    const second = opened();
    expect((await second.run('[typeof mine, ({}).x ?? 0]')).text).toBe('["undefined",0]');
    expect(count()).toBe(before);
  });

  test('are kept for later, as many as the sandbox is asked to', async () => {
    let opens = 0;
    const small = openSandbox(() => {
      opens++;
      return spawn();
    }, 2);
    onTestFinished(() => small.close());
    const round = async () => {
      const three = Array.from({ length: 3 }, () => bench(small));
      for (const { run } of three) expect((await run('1')).text).toBe('1');
      for (const { notebook } of three) notebook.close();
      return opens;
    };
    expect(await round()).toBe(3);
    expect(await round()).toBe(4);
  });

  test('compute in turns: many notebooks at once are all served', async () => {
    const many = Array.from({ length: 8 }, (_, i) => opened({ seed: i }));
    const found = await Promise.all(
      many.map(({ run }, i) => run(`let n = 0; for (let j = 0; j < 1e5; j++) n++; n + ${i}`)),
    );
    expect(found.map(({ text }) => text)).toEqual(many.map((_, i) => String(100_000 + i)));
  });
});

test('a gate lets few in, in order', async () => {
  const gate = new Gate(1);
  const seen: string[] = [];
  const leave = await gate.enter();
  const later = ['a', 'b'].map(async (name) => {
    const done = await gate.enter();
    seen.push(name);
    done();
    done();
  });
  await Promise.resolve();
  expect(seen).toEqual([]);
  leave();
  await Promise.all(later);
  expect(seen).toEqual(['a', 'b']);
});
