// `npm test`: installs what is missing, runs every check and test, ends with `N passed, N failed`.
// With arguments it runs only the parts of those names, in their usual order.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { browserFlags, findBrowser } from './browser.mjs';
import { deviceEnv, requiredDevices } from './devices.mjs';
import { fail, installPackages, ROOT, requireNode, runShown } from './install.mjs';
import { installSystemParts } from './setup.mjs';

const REPORTS = join(ROOT, 'node_modules', '.cache', 'test-reports');
const BIN = {
  biome: '@biomejs/biome/bin/biome',
  tsc: 'typescript/bin/tsc',
  depcruise: 'dependency-cruiser/bin/dependency-cruise.mjs',
  knip: 'knip/bin/knip.js',
  vitest: 'vitest/vitest.mjs',
};

/** Biome colours its output unless told otherwise, also in a file. */
const BIOME_COLOURS = process.stdout.isTTY && !process.env.NO_COLOR ? [] : ['--colors=off'];

/** The parts in order. `needsDevices`: browser and GPU drivers must be there. */
const PARTS = {
  biome: { run: () => check('biome', ['ci', '--error-on-warnings', ...BIOME_COLOURS]) },
  tsc: { run: () => check('tsc', ['--noEmit', '-p', '.']) },
  depcruise: { run: () => check('depcruise', ['src', '--config', '.dependency-cruiser.cjs']) },
  knip: { run: () => check('knip', ['--no-progress']) },
  unit: { run: () => vitest('unit') },
  gpu: { needsDevices: true, run: gpuOnEveryDevice },
  browser: { needsDevices: true, run: () => vitest('browser') },
  e2e: { needsDevices: true, run: () => vitest('e2e') },
};

const total = { passed: 0, failed: 0 };
const failedParts = [];

requireNode();
const named = process.argv.slice(2);
for (const name of named) {
  if (!(name in PARTS)) fail(`test: no part ${name}, there are ${Object.keys(PARTS).join(', ')}`);
}
const chosen = Object.keys(PARTS).filter((name) => named.length === 0 || named.includes(name));
installPackages();
if (chosen.some((name) => PARTS[name].needsDevices)) {
  installSystemParts();
  if (requiredDevices().length === 0) fail(`no GPU device is set down for ${process.platform}`);
  process.stdout.write(`Browser: ${findBrowser()} ${browserFlags().join(' ')}\n`);
}
for (const name of chosen) PARTS[name].run();
if (failedParts.length > 0) process.stdout.write(`\nFailed: ${failedParts.join(', ')}\n`);
process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`);
process.exitCode = failedParts.length === 0 ? 0 : 1;

function title(text) {
  process.stdout.write(`\n== ${text}\n`);
}

/** Runs one of the checkers; a failing one counts as one failure, a passing one not at all. */
function check(name, args) {
  title(name);
  if (runShown(process.execPath, [join(ROOT, 'node_modules', BIN[name]), ...args]) === 0) return;
  total.failed += 1;
  failedParts.push(name);
}

function gpuOnEveryDevice() {
  for (const device of requiredDevices()) {
    vitest('gpu', { ...deviceEnv(device), ATLAS_DEVICE: device }, `gpu on ${device}`);
  }
}

/** Runs one test project and adds its counts. */
function vitest(project, env = {}, label = project) {
  title(label);
  mkdirSync(REPORTS, { recursive: true });
  const report = join(REPORTS, `${label.replaceAll(' ', '-')}.json`);
  rmSync(report, { force: true });
  const args = ['run', '--project', project, '--reporter=default', '--reporter=json'];
  const status = runShown(
    process.execPath,
    [join(ROOT, 'node_modules', BIN.vitest), ...args, `--outputFile.json=${report}`],
    { env: { ...process.env, ...env } },
  );
  const counts = countsOf(report);
  total.passed += counts.passed;
  total.failed += counts.failed;
  if (status === 0 && counts.failed === 0 && counts.passed > 0) return;
  failedParts.push(label);
  // A run that ends badly without a failed test (a crash, an empty project) is a failure too.
  if (counts.failed === 0) total.failed += 1;
}

/** A skipped test counts as failed, and so does a file that fails outside of its tests. */
function countsOf(report) {
  if (!existsSync(report)) return { passed: 0, failed: 0 };
  const { numPassedTests, numTotalTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
  const brokenFiles = testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && assertionResults.every((result) => result.status !== 'failed'),
  );
  return { passed: numPassedTests, failed: numTotalTests - numPassedTests + brokenFiles.length };
}
