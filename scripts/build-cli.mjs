// Builds dist-cli/ when its sources changed, once, however many callers come at the same time.
import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { ROOT } from './install.mjs';

const OUT = join(ROOT, 'dist-cli');
const STAMP = join(OUT, '.stamp');
const WORK = join(ROOT, '.atlas');
const LOCK = join(WORK, 'cli-build.lock');
const SOURCES = ['src', 'shaders', 'vite.cli.config.ts', 'package.json', 'package-lock.json'];
const POLL_MS = 50;
const WAIT_MS = 5 * 60 * 1000;
/** A chunk that no build wrote for so long is not in use by a running command either. */
const PRUNE_AFTER_MS = 7 * 24 * 3600 * 1000;

/**
 * Makes dist-cli/ current.
 * @throws {Error} with the first error of the build.
 */
export async function ensureBuilt() {
  if (isFresh(fingerprint())) return;
  const release = await lock();
  try {
    const sources = fingerprint();
    if (isFresh(sources)) return;
    rmSync(STAMP, { force: true });
    await build();
    prune();
    writeFileSync(STAMP, sources);
  } finally {
    release();
  }
}

function isFresh(sources) {
  return existsSync(STAMP) && readFileSync(STAMP, 'utf8') === sources;
}

/** Changes whenever a source is written, added, renamed or removed. */
function fingerprint() {
  const hash = createHash('sha256');
  const visit = (path) => {
    const full = join(ROOT, path);
    const stat = statSync(full, { throwIfNoEntry: false });
    if (stat === undefined) return;
    if (stat.isDirectory()) {
      for (const name of readdirSync(full).sort()) visit(`${path}/${name}`);
    } else {
      hash.update(`${path} ${stat.size} ${stat.mtimeMs}\n`);
    }
  };
  SOURCES.forEach(visit);
  return hash.digest('hex');
}

/** Runs vite in a process of its own, so that a command's process is the same built or not. */
function build() {
  const args = ['build', '--config', 'vite.cli.config.ts', '--logLevel', 'error'];
  const vite = join(ROOT, 'node_modules', 'vite', 'bin', 'vite.js');
  const child = spawn(process.execPath, [vite, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const collect = (bytes) => {
    output += bytes;
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      if (status === 0) resolve();
      else
        reject(
          new Error(`the build failed: ${firstError(output)}; see npx vite ${args.join(' ')}`),
        );
    });
  });
}

/** The first complaint in vite's coloured output, with its place when one is given. */
function firstError(output) {
  const lines = stripVTControlCharacters(output)
    .split('\n')
    .map((line) => line.trim());
  const told = lines.find((line) => line !== '' && !/^(error during|\W*Build failed)/.test(line));
  const place = /\[ (.+:\d+:\d+) \]/.exec(lines.join('\n'))?.[1];
  return [told ?? 'without a word', ...(place === undefined ? [] : [`at ${place}`])].join(' ');
}

function prune() {
  const folder = join(OUT, 'chunks');
  if (!existsSync(folder)) return;
  const oldest = Date.now() - PRUNE_AFTER_MS;
  for (const name of readdirSync(folder)) {
    const file = join(folder, name);
    if (statSync(file).mtimeMs < oldest) rmSync(file, { force: true });
  }
}

/**
 * Takes the lock, a folder that holds one file named after its owner; returns its release.
 * Folder and file appear together by a rename, and a dead owner's lock passes on by renaming that
 * file: of several callers only one can, and the lock is never free in between.
 */
async function lock() {
  mkdirSync(WORK, { recursive: true });
  const me = `${process.pid}-${randomUUID()}`;
  const mine = `${LOCK}-${me}`;
  mkdirSync(mine);
  writeFileSync(join(mine, me), '');
  try {
    const giveUp = performance.now() + WAIT_MS;
    while (!(tryRename(mine, LOCK) || takeOver(me))) {
      if (performance.now() > giveUp)
        throw new Error(`${LOCK}: still held; remove it and try again`);
      await sleep(POLL_MS);
    }
  } finally {
    rmSync(mine, { recursive: true, force: true });
  }
  return () => {
    renameSync(LOCK, mine);
    rmSync(mine, { recursive: true, force: true });
  };
}

function takeOver(me) {
  const owner = ownerOfLock();
  if (owner === undefined || isAlive(Number(owner.split('-')[0]))) return false;
  return tryRename(join(LOCK, owner), join(LOCK, me));
}

function ownerOfLock() {
  try {
    return readdirSync(LOCK)[0];
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function tryRename(from, to) {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST', 'EPERM', 'EACCES', 'ENOENT'].includes(error.code)) return false;
    throw error;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
