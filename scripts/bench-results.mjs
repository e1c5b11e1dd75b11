#!/usr/bin/env node
// Runs the benches and writes what they measured to bench/results.md.
import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { shownNumber as number, writeOpening } from '../bench/results-file.mjs';
import { fail, ROOT } from './install.mjs';

const args = [join(ROOT, 'scripts', 'atlas.mjs'), 'bench', ...process.argv.slice(2)];
const { status, stdout } = spawnSync(process.execPath, args, {
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'inherit'],
});
if (status !== 0) fail(`bench-results: the benches ended with exit code ${status}`);

const { rows } = JSON.parse(stdout);
const lines = rows.map(({ name, value, unit, peer, ratio }) => {
  const against = peer === null ? '' : `${peer.name}: ${number(peer.value)} ${unit}`;
  return `| ${name} | ${number(value)} ${unit} | ${against} | ${ratio === null ? '' : number(ratio)} |`;
});
const text = [
  '# Bench results',
  '',
  `Device: ${rows[0].device}. Processor: ${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} threads. Node ${process.version}.`,
  "The model has nano's sizes and random weights. Medians; a ratio is the median over rounds that measure both sides in turn.",
  'Written by `node scripts/bench-results.mjs`.',
  '',
  '| bench | value | against | ratio |',
  '| --- | --- | --- | --- |',
  ...lines,
  '',
];
writeOpening(text.join('\n'));
