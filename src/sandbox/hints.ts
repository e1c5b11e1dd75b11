// What to tell of a program that went wrong, beside its error. Reads texts and shapes; calls nothing.
import { nearest } from '../tools/nearest.ts';
import type { Json } from '../trajectory/json.ts';
import type { CellProblem } from './protocol.ts';

/** What programs expect and no notebook has. */
const ABSENT = new Set(
  (
    'fetch XMLHttpRequest WebSocket Worker postMessage self window document navigator localStorage process require module ' +
    'exports Buffer setTimeout setInterval setImmediate clearTimeout performance WebAssembly SharedArrayBuffer Atomics ' +
    'importScripts Deno Bun'
  ).split(' '),
);
const SHAPE_DEPTH = 3;
const SHAPE_KEYS = 12;

/** `unknown tool 'x', did you mean a.x?`, or all names when none is near. */
export function unknownText(what: string, name: string, names: readonly string[]): string {
  const bare = name.slice(Math.max(name.lastIndexOf('.'), name.lastIndexOf(':')) + 1);
  const limit = Math.max(2, Math.floor(bare.length / 3));
  const bareNames = names.map((one) => one.slice(one.lastIndexOf('.') + 1));
  const near = [...nearest(name, names, limit), ...nearest(bare, bareNames, limit)].map(
    (one) => names.find((whole) => whole === one || whole.endsWith(`.${one}`)) ?? one,
  );
  const few = [...new Set(near)].slice(0, 3);
  const hint =
    few.length > 0 ? `did you mean ${few.join(' or ')}?` : `there are ${names.join(', ')}`;
  return `unknown ${what} '${name}', ${hint}`;
}

/** A tool that a notebook called, and what is known of its results. */
export interface KnownResult {
  /** As a program calls it. */
  path: string;
  /** The declared schema as text; null when the server declares none. */
  schema: string | null;
  /** Form of the last result. */
  shape: string;
}

/** A sentence or more for an error of the program; empty when there is nothing to add. */
export function hintFor(
  problem: CellProblem,
  globals: readonly string[],
  results: readonly KnownResult[],
): string {
  if (problem.name === 'ReferenceError') return referenceHint(problem.message, globals);
  const isMisuse =
    problem.kind === 'thrown' && (problem.name === 'TypeError' || problem.name === 'SyntaxError');
  if (!isMisuse || results.length === 0) return '';
  const forms = results.map(({ path, schema, shape }) =>
    schema === null ? `${path} returned ${shape}` : `${path} returns ${schema}`,
  );
  return [
    'a result was used as something that it is not: print it, or read its form in get_tools_info',
    ...forms,
  ].join('\n');
}

function referenceHint(message: string, globals: readonly string[]): string {
  const name = /^(?:')?([\w$]+)(?:')? is not defined/.exec(message)?.[1];
  if (name === undefined) return '';
  const here = `programs have ${globals.join(', ')} and plain JavaScript`;
  if (ABSENT.has(name)) return `there is no ${name} in here: ${here}`;
  const near = nearest(name, globals, Math.max(2, Math.floor(name.length / 3))).slice(0, 2);
  return near.length > 0 ? `did you mean ${near.join(' or ')}?` : here;
}

/** Form of a value: `{id: string, items: [number]}`. */
export function shapeOf(value: Json, depth = SHAPE_DEPTH): string {
  if (value === null) return 'null';
  if (typeof value !== 'object') return typeof value;
  const [first] = Array.isArray(value) ? value : [];
  if (Array.isArray(value)) {
    if (first === undefined) return '[]';
    return depth === 0 ? '[…]' : `[${shapeOf(first, depth - 1)}]`;
  }
  if (depth === 0) return '{…}';
  const entries = Object.entries(value);
  const shown = entries
    .slice(0, SHAPE_KEYS)
    .map(([key, item]) => `${key}: ${shapeOf(item, depth - 1)}`);
  return `{${[...shown, ...(entries.length > SHAPE_KEYS ? ['…'] : [])].join(', ')}}`;
}
