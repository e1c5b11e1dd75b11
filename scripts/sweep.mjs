#!/usr/bin/env node
// Trains every variant of an experiment with every seed, plays test tasks with each result, and writes one table.
//   node scripts/sweep.mjs experiments/NAME.json --out DIR
// Stopped, it goes on where it stood: a run from its last checkpoint, a finished one not again, also on another machine: what
// came out so far is in experiments/results/NAME.json and NAME.md, metrics in the folder NAME beside them. `--only TEXT`
// leaves out what has no such text in "VARIANT, seed N". `change` of the file holds for all variants; a variant with
// `after` starts from what the variant that it names has learnt, its adapter or all its weights.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { fail, ROOT } from './install.mjs';

const { values, positionals } = parseArgs({
  options: { out: { type: 'string' }, only: { type: 'string', default: '' } },
  allowPositionals: true,
});
const [file] = positionals;
if (file === undefined || values.out === undefined) {
  fail('sweep: got no file or no --out, need node scripts/sweep.mjs FILE --out DIR');
}
const sweep = JSON.parse(readFileSync(file, 'utf8'));
const name = basename(file, '.json');
const base =
  typeof sweep.base === 'string'
    ? JSON.parse(readFileSync(join(dirname(file), sweep.base), 'utf8'))
    : sweep.base;
const results = join(ROOT, 'experiments', 'results');
const out = resolve(values.out);
mkdirSync(join(results, name), { recursive: true });

const resultsFile = join(results, `${name}.json`);
const kept = existsSync(resultsFile) ? JSON.parse(readFileSync(resultsFile, 'utf8')) : null;
/** In order; a run can start from one before it. */
const runs = [];
for (const [variant, { after, ...change }] of Object.entries(sweep.variants)) {
  for (const seed of sweep.seeds) {
    const settings = merged(merged(base, sweep.change ?? {}), change);
    const experiment = { ...settings, name: `${base.name}: ${variant}`, seed };
    const first = after === undefined ? null : predecessorOf(variant, after, seed);
    const { evaluate } = sweep;
    const hash = hashOf({ experiment, evaluate, ...(first && { after: first.hash }) });
    runs.push({ variant, seed, experiment, hash, first });
  }
}
/** By hash: what came out, also of runs that are not reached this time. */
const rows = new Map((kept?.rows ?? []).map((row) => [row.hash, row]));
for (const run of runs) {
  const isAsked = `${run.variant}, seed ${run.seed}`.includes(values.only);
  if (!rows.has(run.hash) && isAsked) rows.set(run.hash, rowOf(run));
  writeResults();
}

function hashOf(value) {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}

function predecessorOf(variant, after, seed) {
  const first = runs.find((run) => run.variant === after && run.seed === seed);
  if (first !== undefined) return first;
  fail(`sweep: ${variant}: got after "${after}", need a variant that stands before it`);
}

/** Its settings are in the name: another experiment never finds the runs of this one. */
function folderOf({ variant, seed, hash }) {
  return join(out, `${variant.replace(/\W+/g, '-')}-${seed}-${hash.slice(0, 8)}`);
}

/** Trains and plays one variant with one seed, as far as that was not done. */
function rowOf(run) {
  const { variant, seed, experiment, hash } = run;
  const folder = trained(run);
  const key = `${variant.replace(/\W+/g, '-')}-${seed}`;
  copyFileSync(join(folder, 'run', 'metrics.jsonl'), join(results, name, `${key}.metrics.jsonl`));
  const weights = join(folder, 'run', weightsOf(experiment));
  const { model = experiment.model } = startOf(run);
  const who = experiment.adapter === null ? [weights] : [model, '--adapter', weights];
  const play = (temperature) => played(join(folder, `play-${temperature}.json`), who, temperature);
  return { variant, seed, sampled: play(1), greedy: play(0), hash };
}

/** What a run takes from the ones before it in place of its own `model`, which are trained for that. */
function startOf({ first }) {
  if (first === null) return {};
  const learnt = join(trained(first), 'run', weightsOf(first.experiment));
  return first.experiment.adapter === null
    ? { model: learnt }
    : { ...startOf(first), initAdapter: learnt };
}

/** The folder of a run that is over. */
function trained(run) {
  const { experiment } = run;
  const folder = folderOf(run);
  const result = join(folder, 'run');
  if (isWhole(result, weightsOf(experiment), experiment.steps)) return folder;
  mkdirSync(folder, { recursive: true });
  const settings = join(folder, 'experiment.json');
  writeFileSync(settings, `${JSON.stringify({ ...experiment, ...startOf(run) }, null, 2)}\n`);
  const resume = existsSync(result) ? ['--resume'] : [];
  atlas(['train', settings, '--out', result, ...resume]);
  return folder;
}

function weightsOf({ adapter }) {
  return adapter === null ? 'model.gguf' : 'adapter';
}

/** Weights are there after every checkpoint: a run is over when all its steps are. */
function isWhole(run, weights, steps) {
  const metrics = join(run, 'metrics.jsonl');
  if (!existsSync(join(run, weights)) || !existsSync(metrics)) return false;
  return readFileSync(metrics, 'utf8').trim().split('\n').length >= steps;
}

/** The summary of the test tasks, played once. */
function played(keptFile, who, temperature) {
  if (existsSync(keptFile)) return JSON.parse(readFileSync(keptFile, 'utf8'));
  const { mode, tasks, count, seed } = sweep.evaluate;
  const how = ['--mode', mode, '--tasks', tasks, '--count', `${count}`, '--seed', `${seed}`];
  const lines = atlas(['agent', ...who, ...how, '--temperature', `${temperature}`]).trim();
  const { summary } = JSON.parse(lines.split('\n').at(-1));
  writeFileSync(keptFile, `${JSON.stringify(summary)}\n`);
  return summary;
}

function atlas(args) {
  process.stderr.write(`sweep: atlas ${args.join(' ')}\n`);
  const { status, stdout } = spawnSync(
    process.execPath,
    [join(ROOT, 'scripts', 'atlas.mjs'), ...args],
    {
      encoding: 'utf8',
      maxBuffer: 2 ** 30,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  if (status !== 0) fail(`sweep: atlas ${args[0]} ended with exit code ${status}`);
  return stdout;
}

/** `change` over `given`, object by object; null replaces. */
function merged(given, change) {
  if (!isObject(given) || !isObject(change)) return change;
  const entries = Object.entries(change).map(([key, value]) => [key, merged(given[key], value)]);
  return { ...given, ...Object.fromEntries(entries) };
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function writeResults() {
  const found = runs.flatMap(({ hash }) => rows.get(hash) ?? []);
  const startHash = hashOf({ model: base.model, evaluate: sweep.evaluate });
  const before = (temperature) =>
    played(
      join(out, `before-${startHash.slice(0, 8)}-${temperature}.json`),
      [base.model],
      temperature,
    );
  const isKept = kept !== null && (kept.startHash ?? startHash) === startHash;
  const start = isKept ? kept.start : { sampled: before(1), greedy: before(0) };
  writeFileSync(resultsFile, `${JSON.stringify({ startHash, start, rows: found }, null, 2)}\n`);
  const percent = ({ success, successInterval: [low, high] }) =>
    `${success.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
  const gain = (part) => {
    const of = found.filter(({ variant }) => variant === part);
    const mean = of.reduce((sum, { sampled }) => sum + sampled.success, 0) / of.length;
    return `${(mean - start.sampled.success).toFixed(3)} (${of.length})`;
  };
  const text = [
    `Written by \`node scripts/sweep.mjs ${file} --out DIR\`. ${sweep.evaluate.count} ${sweep.evaluate.tasks} tasks each,`,
    `95 % Wilson intervals. Before: ${percent(start.sampled)} sampled, ${percent(start.greedy)} greedy.`,
    '',
    '| variant | seed | sampled, temperature 1 | greedy | gain sampled, mean (seeds) |',
    '| --- | --- | --- | --- | --- |',
    ...found.map(
      ({ variant, seed, sampled, greedy }) =>
        `| ${variant} | ${seed} | ${percent(sampled)} | ${percent(greedy)} | ${gain(variant)} |`,
    ),
    '',
  ];
  writeFileSync(join(results, `${name}.md`), text.join('\n'));
}
