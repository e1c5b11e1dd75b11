// scripts/atlas.mjs in a small project of its own: it builds once, again when a source changes,
// for several callers at a time, and says in one line what is wrong.
import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../../..');
const MAIN = (word: string): string => `import { statSync } from 'node:fs';
  export async function main(argv: string[]): Promise<number> {
    const built = statSync(new URL('.stamp', import.meta.url)).mtimeMs;
    process.stdout.write(JSON.stringify({ word: '${word}', argv, built }));
    return 3;
  }`;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'atlas-build-'));
  cpSync(join(ROOT, 'scripts'), join(root, 'scripts'), { recursive: true });
  for (const name of ['vite.cli.config.ts', 'package.json', 'tsconfig.json']) {
    cpSync(join(ROOT, name), join(root, name));
  }
  mkdirSync(join(root, 'src/cli'), { recursive: true });
  writeFileSync(join(root, 'src/cli/main.ts'), MAIN('one'));
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'), 'junction');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function atlas(...args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [join(root, 'scripts/atlas.mjs'), ...args], {
    cwd: tmpdir(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (bytes) => {
    stdout += String(bytes);
  });
  child.stderr.on('data', (bytes) => {
    stderr += String(bytes);
  });
  return new Promise((done, reject) => {
    child.on('error', reject);
    child.on('close', (status) => done({ status, stdout, stderr }));
  });
}

describe('atlas', () => {
  test('builds once, passes arguments and exit code on, and follows a change', async () => {
    const first = await atlas('a', '--b');
    expect(first).toMatchObject({ status: 3, stderr: '' });
    expect(JSON.parse(first.stdout)).toMatchObject({ word: 'one', argv: ['a', '--b'] });
    const again = await atlas('a', '--b');
    expect(again.stdout).toBe(first.stdout);
    writeFileSync(join(root, 'src/cli/main.ts'), MAIN('two!'));
    expect(JSON.parse((await atlas()).stdout)).toMatchObject({ word: 'two!', argv: [] });
  });

  test('four at once share one build, also when a dead one left its lock', async () => {
    const lock = join(root, '.atlas/cli-build.lock');
    mkdirSync(lock, { recursive: true });
    const dead = spawn(process.execPath, ['-e', '0']);
    await new Promise((done) => dead.on('close', done));
    writeFileSync(join(lock, `${dead.pid}-left`), '');
    const ended = await Promise.all([atlas(), atlas(), atlas(), atlas()]);
    expect(ended.map(({ status, stderr }) => [status, stderr])).toEqual(Array(4).fill([3, '']));
    expect(new Set(ended.map(({ stdout }) => stdout)).size).toBe(1);
    expect(existsSync(lock)).toBe(false);
  });

  test('a build error is one line with its place, and the next call tries again', async () => {
    writeFileSync(join(root, 'src/cli/main.ts'), 'export const x = (');
    const broken = await atlas();
    expect(broken).toMatchObject({ status: 1, stdout: '' });
    expect(broken.stderr).toMatch(/^error: pocket-atlas: the build failed: .*main\.ts:1:\d+.*\n$/);
    writeFileSync(join(root, 'src/cli/main.ts'), MAIN('mended'));
    expect((await atlas()).status).toBe(3);
  });

  test('without node_modules it names the command that installs them', async () => {
    rmSync(join(root, 'node_modules'));
    const ended = await atlas();
    expect(ended.status).toBe(1);
    expect(ended.stderr).toBe('error: pocket-atlas: node_modules is missing; run npm ci\n');
  });
});
