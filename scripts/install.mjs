// Node's version and node_modules. Plain Node: it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's top folder. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

const NODE_NEEDED = [20, 19];

/** Ends the process with one line when this Node is too old. */
export function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > NODE_NEEDED[0] || (major === NODE_NEEDED[0] && minor >= NODE_NEEDED[1])) return;
  fail(`Node ${process.versions.node} is too old, ${NODE_NEEDED.join('.')} or newer is needed`);
}

/** Prints one line on stderr and ends the process with 1. */
export function fail(message) {
  process.stderr.write(`error: ${message}\n`);
  process.exit(1);
}

/** Runs a program without standard input, its output shown; returns its exit code. */
export function runShown(program, args, options = {}) {
  const result = spawnSync(program, args, {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
    ...options,
  });
  if (result.error) process.stderr.write(`${program}: ${result.error.message}\n`);
  return result.status ?? 1;
}

/** Whether node_modules holds what package-lock.json says; optional packages may be missing. */
export function isInstalled() {
  const wanted = packagesOf(join(ROOT, 'package-lock.json'));
  const found = packagesOf(join(ROOT, 'node_modules', '.package-lock.json'));
  if (wanted === null) fail('package-lock.json is missing or broken; check the files out again');
  if (found === null) return false;
  return Object.entries(wanted).every(([path, { version, optional, devOptional }]) => {
    if (path === '') return true;
    if (found[path] === undefined) return optional === true || devOptional === true;
    return found[path].version === version;
  });
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages ?? null;
  } catch (error) {
    if (error.code === 'ENOENT' || error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Runs `npm ci` when node_modules is missing or holds other versions than the lock. */
export function installPackages() {
  if (isInstalled()) return;
  process.stdout.write('Installing the npm packages (npm ci)\n');
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund'];
  const npm = process.env.npm_execpath;
  const status = npm?.endsWith('.js')
    ? runShown(process.execPath, [npm, ...args])
    : runShown('npm', args, { shell: process.platform === 'win32' });
  if (status !== 0) fail('npm ci failed; see above, mend it and run the same command again');
}
