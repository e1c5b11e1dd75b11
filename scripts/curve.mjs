#!/usr/bin/env node
// Draws success and reward of a run against its steps: node scripts/curve.mjs METRICS.jsonl OUT.svg
import { readFileSync, writeFileSync } from 'node:fs';
import { fail } from './install.mjs';

const [from, to] = process.argv.slice(2);
if (from === undefined || to === undefined) fail('curve: need METRICS.jsonl and OUT.svg');
const rows = readFileSync(from, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));
const WIDTH = 720;
const HEIGHT = 300;
const PAD = { left: 48, right: 16, top: 28, bottom: 36 };
const x = (step) =>
  PAD.left + (step / Math.max(1, rows.length - 1)) * (WIDTH - PAD.left - PAD.right);
const y = (value) => HEIGHT - PAD.bottom - value * (HEIGHT - PAD.top - PAD.bottom);

/** Mean over a step and the two before it. */
const smooth = (key, i) => {
  const part = rows.slice(Math.max(0, i - 2), i + 1);
  return part.reduce((sum, row) => sum + row[key], 0) / part.length;
};
const line = (values, style) =>
  `<polyline fill="none" ${style} points="${values.map((v, i) => `${x(i).toFixed(1)},${y(v).toFixed(1)}`).join(' ')}"/>`;
const text = (tx, ty, value, extra = '') => `<text x="${tx}" y="${ty}" ${extra}>${value}</text>`;

const TITLE =
  'Success of the rollouts (temperature 1) by training step; thick: mean of three steps';
const parts = [
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#444">`,
  `<title>${TITLE}</title>`,
  `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
];
for (const tick of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
  parts.push(
    `<line x1="${PAD.left}" x2="${WIDTH - PAD.right}" y1="${y(tick)}" y2="${y(tick)}" stroke="#ddd"/>`,
    text(PAD.left - 8, y(tick) + 4, tick.toFixed(1), 'text-anchor="end"'),
  );
}
for (let step = 0; step < rows.length; step += 5) {
  parts.push(text(x(step), HEIGHT - PAD.bottom + 18, step, 'text-anchor="middle"'));
}
parts.push(
  line(
    rows.map((row) => row.success),
    'stroke="#9cc9c0" stroke-width="1"',
  ),
  line(
    rows.map((_, i) => smooth('success', i)),
    'stroke="#0b6e60" stroke-width="2.5"',
  ),
  text(PAD.left, 18, TITLE),
  '</svg>',
  '',
);
writeFileSync(to, parts.join('\n'));
