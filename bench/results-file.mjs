// bench/results.md: an opening and sections, each written by its own script and kept by the others.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../scripts/install.mjs';

const FOLDER = join(ROOT, 'bench');
const FILE = join(FOLDER, 'results.md');

/** The opening, then each section with its heading. */
function readParts() {
  return existsSync(FILE) ? readFileSync(FILE, 'utf8').split(/\n(?=## )/) : [''];
}

function writeParts(parts) {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(FILE, `${parts.map((part) => part.trim()).join('\n\n')}\n`);
}

/** Writes what stands before the first section. */
export function writeOpening(text) {
  writeParts([text, ...readParts().slice(1)]);
}

/** The lines of a section, or none. */
export function readSection(title) {
  const part = readParts().find((one) => one.startsWith(`## ${title}\n`));
  return part === undefined ? [] : part.split('\n');
}

/** Writes a section in its place, or behind the others. */
export function writeSection(title, lines) {
  const parts = readParts();
  const text = [`## ${title}`, '', ...lines].join('\n');
  const at = parts.findIndex((one) => one.startsWith(`## ${title}\n`));
  if (at === -1) parts.push(text);
  else parts[at] = text;
  writeParts(parts);
}

/** Three digits. */
export function shownNumber(value) {
  return Number(value.toPrecision(3)).toString();
}
