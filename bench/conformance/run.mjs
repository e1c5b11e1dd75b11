#!/usr/bin/env node
// Runs the MCP conformance suite against our client and our servers, in both protocol eras, and writes results.md.
//   npm ci --prefix bench/conformance && node bench/conformance/run.mjs
// Exits 1 when a scenario fails that is no exception of exceptions.json, or when an exception passes. Addresses of this
// machine only.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'vite';
import { fail, ROOT } from '../../scripts/install.mjs';

const HERE = join(ROOT, 'bench', 'conformance');
const SUITE = join(HERE, 'node_modules', '@modelcontextprotocol', 'conformance');
const BUILT = join(ROOT, 'node_modules', '.cache', 'conformance');
const REVISIONS = ['2026-07-28', '2025-11-25'];
/** What of a built-in server can be examined without the suite's tools. */
const GENERAL = [
  'server-initialize',
  'server-stateless',
  'server-sse-multiple-streams',
  'ping',
  'tools-list',
  'dns-rebinding-protection',
  'http-header-validation',
  'caching',
];
const BAD = new Set(['FAILURE']);

if (!existsSync(SUITE)) fail('conformance: run npm ci --prefix bench/conformance first');
const { version } = JSON.parse(readFileSync(join(SUITE, 'package.json'), 'utf8'));
const exceptions = JSON.parse(readFileSync(join(HERE, 'exceptions.json'), 'utf8'));

await buildBoth();
const servers = await startServers();
const runs = [];
try {
  for (const revision of REVISIONS) {
    runs.push(await clientRun(revision));
    runs.push(await serverRun('the fixture', servers.urls.fixture, revision));
    runs.push(await serverRun('a built-in server', servers.urls.builtIn, revision, GENERAL));
  }
} finally {
  servers.child.kill('SIGKILL');
}
const problems = runs.flatMap(problemsOf);
writeFileSync(join(HERE, 'results.md'), report(runs));
for (const problem of problems) process.stderr.write(`${problem}\n`);
const counts = runs.map(
  ({ title, scenarios }) => `${title}: ${passed(scenarios)}/${scenarios.length}`,
);
process.stdout.write(`${counts.join('\n')}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;

async function buildBoth() {
  const input = { client: join(HERE, 'client.ts'), server: join(HERE, 'server.ts') };
  await build({
    root: ROOT,
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    build: {
      ssr: true,
      target: 'node20',
      outDir: BUILT,
      emptyOutDir: true,
      rolldownOptions: { input, output: { entryFileNames: '[name].js' } },
    },
  });
}

async function startServers() {
  const child = spawn(process.execPath, [join(BUILT, 'server.js')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return { child, urls: JSON.parse(line) };
}

function clientRun(revision) {
  const command = `${process.execPath} ${join(BUILT, 'client.js')}`;
  return suite(`client, ${revision}`, 'client', revision, ['client', '--command', command]);
}

function serverRun(name, url, revision, only) {
  return suite(`${name}, ${revision}`, 'server', revision, ['server', '--url', url], only);
}

/** One run of the suite: every scenario that a revision asks for, with its checks. */
async function suite(title, leg, revision, args, only) {
  process.stderr.write(`${title} …\n`);
  const folder = mkdtempSync(join(tmpdir(), 'pocket-atlas-conformance-'));
  const hook = join(HERE, 'hook.mjs');
  const child = spawn(
    process.execPath,
    [
      ...['--import', hook, join(SUITE, 'dist', 'index.js'), ...args],
      ...['--requirements', revision, '--output-dir', folder],
    ],
    { stdio: 'ignore', cwd: folder },
  );
  await once(child, 'close');
  const scored = scoredOf(leg, revision);
  const scenarios = checksBelow(folder)
    .map(({ path, checks }) => scenarioOf(leg, path, checks, scored))
    .filter(({ name }) => only === undefined || only.includes(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  rmSync(folder, { recursive: true });
  if (scenarios.length === 0) fail(`conformance: ${title}: the suite ran nothing`);
  return { title, leg, revision, scenarios };
}

function checksBelow(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((path) => path.endsWith('checks.json'))
    .map((path) => ({
      path: relative('.', dirname(path)),
      checks: JSON.parse(readFileSync(join(folder, path), 'utf8')),
    }));
}

/** A folder is named `[server-]SCENARIO-TIME`. */
function scenarioOf(leg, path, checks, scored) {
  const name = path
    .replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, '')
    .replace(/^server-/, (start) => (leg === 'server' ? '' : start));
  const failed = checks.filter(({ status }) => BAD.has(status)).map(({ id }) => id);
  const succeeded = checks.filter(({ status }) => status === 'SUCCESS').length;
  return { name, scored: scored.has(name), failed, succeeded };
}

/** Scenarios that count for a revision; the others run for information. */
function scoredOf(leg, revision) {
  const text = readFileSync(join(SUITE, 'requirements', `${revision}.yaml`), 'utf8');
  const part = new RegExp(`^${leg}:\\n((?:\\s+- .*\\n|\\s*\\n)+)`, 'm').exec(text);
  if (part === null) fail(`conformance: ${revision}.yaml has no list of ${leg}`);
  return new Set([...part[1].matchAll(/- (\S+)/g)].map(([, name]) => name));
}

function exceptionOf({ leg }, { name }) {
  return exceptions[leg].find(({ scenarios }) => scenarios.includes(name));
}

function problemsOf(run) {
  return run.scenarios.flatMap((scenario) => {
    const excused = exceptionOf(run, scenario) !== undefined;
    const failed = scenario.failed.length > 0;
    if (failed === excused) return [];
    const what = failed ? `fails: ${scenario.failed.join(', ')}` : 'passes, but is an exception';
    return [`${run.title}: ${scenario.name} ${what}`];
  });
}

function passed(scenarios) {
  return scenarios.filter(({ failed }) => failed.length === 0).length;
}

function report(all) {
  const rows = all.map(({ title, scenarios }) => {
    const counted = scenarios.filter(({ scored }) => scored);
    const sum = (list) => list.reduce((total, count) => total + count, 0);
    const checks = sum(scenarios.map(({ succeeded }) => succeeded));
    const missed = sum(scenarios.map(({ failed }) => failed.length));
    return `| ${title} | ${passed(counted)} of ${counted.length} | ${passed(scenarios)} of ${scenarios.length} | ${checks} | ${missed} |`;
  });
  return [
    '# MCP conformance',
    '',
    `Written by \`node bench/conformance/run.mjs\`: @modelcontextprotocol/conformance ${version} on Node ${process.versions.node.split('.')[0]}.`,
    'A scenario passes when none of its checks fails. "Required" are those that a revision asks for; the others are optional',
    'extensions, or came later. The fixture has the tools that the suite calls by name and is built as our servers are; of a',
    'built-in server only what needs no such tools is examined.',
    '',
    '| what, revision | required | all | checks passed | checks failed |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
    '## Exceptions',
    '',
    ...exceptionLines(all),
    '',
    '## Scenarios',
    '',
    ...all.flatMap(scenarioLines),
    '',
  ].join('\n');
}

function exceptionLines(all) {
  const lines = ['client', 'server'].flatMap((leg) =>
    exceptions[leg].map(({ scenarios, reason }) => {
      const failing = scenarios.filter((name) =>
        all.some(
          (run) =>
            run.leg === leg &&
            run.scenarios.some((one) => one.name === name && one.failed.length > 0),
        ),
      );
      return `- **${leg}**: ${failing.join(', ')}. ${reason}`;
    }),
  );
  const open = all.flatMap(problemsOf);
  return open.length === 0
    ? lines
    : [...lines, '', 'Without a reason:', ...open.map((one) => `- ${one}`)];
}

function scenarioLines({ title, scenarios }) {
  const good = scenarios.filter(({ failed }) => failed.length === 0);
  const bad = scenarios.filter(({ failed }) => failed.length > 0);
  const named = (one) => `${one.name}${one.succeeded === 0 ? ' (no check applies)' : ''}`;
  return [
    `### ${title}`,
    '',
    `Passed: ${good.map(named).join(', ')}.`,
    ...(bad.length === 0
      ? []
      : ['', ...bad.map((one) => `- ${one.name}: ${one.failed.join(', ')}`)]),
    '',
  ];
}
