// The agent against servers that are really elsewhere: another process, reached by streamable HTTP.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { generateTasks } from '../../src/toolspace/tasks.ts';
import { traceSchema } from '../../src/trajectory/trace.ts';

const ATLAS = fileURLToPath(new URL('../../scripts/atlas.mjs', import.meta.url));

function atlas(...args: string[]): ChildProcess {
  return spawn(process.execPath, [ATLAS, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const end = text.indexOf('\n');
      if (end >= 0) resolve(text.slice(0, end));
    });
    child.on('close', () => reject(new Error(`the command ended early: ${text}`)));
  });
}

it.each(['oracle', 'nano'])(
  '%s solves tasks against atlas servers --serve',
  async (policy) => {
    const folder = await mkdtemp(join(tmpdir(), 'atlas-http-'));
    const serving = atlas('servers', '--serve', '0');
    const { url } = JSON.parse(await firstLine(serving)) as { url: string };
    try {
      expect(await solvedBy(policy, url, folder)).toBeGreaterThanOrEqual(
        policy === 'oracle' ? 4 : 1,
      );
    } finally {
      serving.kill('SIGTERM');
      await new Promise((resolve) => serving.once('exit', resolve));
      await rm(folder, { recursive: true });
    }
  },
  300_000,
);

/** How many of four tasks a policy solves over HTTP: the oracle every one, nano most of them. */
async function solvedBy(policy: string, url: string, folder: string): Promise<number> {
  let solved = 0;
  for (const [i, task] of generateTasks({
    split: 'test',
    count: 4,
    seed: 3,
    toolspace: 'core',
  }).entries()) {
    const file = join(folder, `task-${i}.json`);
    await writeFile(file, JSON.stringify(task));
    const place = (name: string) => `${name}=${url}/mcp/${task.world.seed}/${policy}-${i}/${name}`;
    const servers = task.servers.flatMap((name) => ['--server', place(name)]);
    const args = ['--mode', 'itl', '--task', file, '--seed', '1', ...servers];
    const trace = traceSchema.parse(JSON.parse(await firstLine(atlas('agent', policy, ...args))));
    expect(trace.error).toBeNull();
    expect(trace.calls.some((call) => !call.meta)).toBe(true);
    if (trace.success === true) solved += 1;
  }
  return solved;
}
