// The built-in restricted shell: a few commands over a small tree of text files. Knows nothing of tasks or transports.
import { z } from 'zod';
import type { Rng } from '../../base/rng.ts';
import { nearest } from '../../tools/nearest.ts';
import { defineTool, type ServerDef } from '../server.ts';
import { distinct, type Pool, pairName, personName, words } from '../values.ts';

/** Everything that the shell may touch lies here. */
export const SHELL_ROOT = '/project';
export const LEVELS = ['info', 'warn', 'fail', 'skip'] as const;

/** `id` is the absolute path; `lines` is empty for a directory. */
export type ShellNode = { id: string; kind: 'directory' | 'file'; lines: string[] };
export type ShellState = { cwd: string; nodes: ShellNode[] };

const FIRST_WORDS = words(`
  apricot basalt cedar cobalt copper cotton denim ebony flint granite hazel indigo ivory jasper
  linen maple nickel olive pewter quartz russet saffron
`);
const SECOND_WORDS = words(`
  anchor badger beacon canyon comet cypress falcon gully heron iguana jackal kestrel lagoon marmot
  otter prairie puffin ridge sparrow tundra
`);
const MACHINES = words('boiler lift crane belt kiln mixer press loom');
const ENDINGS = ['.txt', '.log', '.md'] as const;

/** A name for a file or a directory, without ending. */
export function shellName(rng: Rng, pool: Pool): string {
  return pairName(rng, pool, 'file', [FIRST_WORDS, SECOND_WORDS]).replace(' ', '-');
}

const path = z.string().min(1).max(200).describe('absolute, or relative to the working directory');
const here = path.default('.');

/** The absolute path, with `.` and `..` resolved. */
function absolute(cwd: string, given: string): string {
  const kept: string[] = [];
  for (const name of (given.startsWith('/') ? given : `${cwd}/${given}`).split('/')) {
    if (name === '..') kept.pop();
    else if (name !== '' && name !== '.') kept.push(name);
  }
  return `/${kept.join('/')}`;
}

function isInside(full: string, directory: string): boolean {
  return full === directory || full.startsWith(`${directory}/`);
}

function outside(full: string): string {
  return `path: '${full}' is outside of ${SHELL_ROOT}, permission denied`;
}

/** The node at a path, or what is wrong with the path. */
function nodeAt(state: ShellState, given: string): ShellNode | string {
  const full = absolute(state.cwd, given);
  if (!isInside(full, SHELL_ROOT)) return outside(full);
  const node = state.nodes.find(({ id }) => id === full);
  if (node !== undefined) return node;
  const paths = state.nodes.map(({ id }) => id);
  const [near] = nearest(full, paths, 2);
  const hint = near === undefined ? '' : `, did you mean '${near}'?`;
  return `path: no such file or directory: '${full}'${hint}`;
}

function directoryAt(state: ShellState, given: string): ShellNode | string {
  const node = nodeAt(state, given);
  if (typeof node === 'string' || node.kind === 'directory') return node;
  return `path: '${node.id}' is a file, need a directory`;
}

function fileAt(state: ShellState, given: string): ShellNode | string {
  const node = nodeAt(state, given);
  if (typeof node === 'string' || node.kind === 'file') return node;
  return `path: '${node.id}' is a directory, need a file`;
}

function parentOf(full: string): string {
  return full.slice(0, full.lastIndexOf('/'));
}

/** Each line ends in a newline. */
function bytesOf({ lines }: ShellNode): number {
  return lines.reduce((sum, line) => sum + line.length + 1, 0);
}

const pwd = defineTool({
  name: 'pwd',
  description: 'Prints the working directory.',
  input: z.strictObject({}),
  output: z.strictObject({ cwd: z.string() }),
  kind: 'reads',
  run(state: ShellState) {
    return { value: { cwd: state.cwd } };
  },
});

// Not `sets`: `..` twice is two steps.
const cd = defineTool({
  name: 'cd',
  description: 'Changes the working directory. Fails outside of /project.',
  input: z.strictObject({ path }),
  output: z.strictObject({ cwd: z.string() }),
  kind: 'adds',
  run(state: ShellState, args) {
    const node = directoryAt(state, args.path);
    if (typeof node === 'string') return { error: node };
    return { value: { cwd: node.id }, state: { ...state, cwd: node.id } };
  },
});

const ls = defineTool({
  name: 'ls',
  description: 'Lists what a directory holds, by name or with the largest file first.',
  input: z.strictObject({ path: here, sort: z.enum(['name', 'size']).default('name') }),
  output: z.strictObject({
    entries: z.array(
      z.strictObject({ path: z.string(), kind: z.enum(['directory', 'file']), bytes: z.int() }),
    ),
    count: z.int(),
  }),
  kind: 'reads',
  run(state: ShellState, args) {
    const directory = directoryAt(state, args.path);
    if (typeof directory === 'string') return { error: directory };
    const entries = state.nodes
      .filter(({ id }) => parentOf(id) === directory.id)
      .map((node) => ({ path: node.id, kind: node.kind, bytes: bytesOf(node) }))
      .sort((a, b) => (a.path < b.path ? -1 : 1));
    if (args.sort === 'size') entries.sort((a, b) => b.bytes - a.bytes);
    return { value: { entries, count: entries.length } };
  },
});

const cat = defineTool({
  name: 'cat',
  description: 'Prints a file, or some of its lines.',
  input: z.strictObject({
    path,
    from: z.int().min(1).default(1).describe('first line to print'),
    count: z.int().min(1).max(100).default(100).describe('most lines to print'),
  }),
  output: z.strictObject({ lines: z.array(z.string()), total: z.int() }),
  kind: 'reads',
  run(state: ShellState, { path: given, from, count }) {
    const file = fileAt(state, given);
    if (typeof file === 'string') return { error: file };
    const total = file.lines.length;
    if (from > total) return { error: `from: got ${from}, the file has ${total} lines` };
    return { value: { lines: file.lines.slice(from - 1, from - 1 + count), total } };
  },
});

const grep = defineTool({
  name: 'grep',
  description:
    'Prints the lines of a file that hold a text; with recursive, those of all files below a directory.',
  input: z.strictObject({
    text: z.string().min(1).describe('plain text, no regular expression'),
    path: here,
    recursive: z.boolean().default(false),
    ignore_case: z.boolean().default(false),
  }),
  output: z.strictObject({
    matches: z.array(z.strictObject({ path: z.string(), line: z.int(), text: z.string() })),
    count: z.int(),
  }),
  kind: 'reads',
  run(state: ShellState, args) {
    const node = nodeAt(state, args.path);
    if (typeof node === 'string') return { error: node };
    if (node.kind === 'directory' && !args.recursive) {
      return { error: `path: '${node.id}' is a directory, need a file or recursive: true` };
    }
    const folded = (text: string) => (args.ignore_case ? text.toLowerCase() : text);
    const wanted = folded(args.text);
    const matches = state.nodes
      .filter(({ id }) => isInside(id, node.id))
      .flatMap(({ id, lines }) =>
        lines.flatMap((text, i) =>
          folded(text).includes(wanted) ? [{ path: id, line: i + 1, text }] : [],
        ),
      );
    return { value: { matches, count: matches.length } };
  },
});

const wc = defineTool({
  name: 'wc',
  description: 'Counts the lines, words and bytes of a file.',
  input: z.strictObject({ path }),
  output: z.strictObject({ lines: z.int(), words: z.int(), bytes: z.int() }),
  kind: 'reads',
  run(state: ShellState, args) {
    const file = fileAt(state, args.path);
    if (typeof file === 'string') return { error: file };
    const { lines } = file;
    const count = lines.reduce((sum, line) => sum + words(line).length, 0);
    return { value: { lines: lines.length, words: count, bytes: bytesOf(file) } };
  },
});

const mkdir = defineTool({
  name: 'mkdir',
  description:
    'Makes a directory. Fails when its parent is missing or the path exists, unless parents is set.',
  input: z.strictObject({ path, parents: z.boolean().default(false) }),
  output: z.strictObject({ path: z.string(), made: z.int() }),
  kind: 'adds',
  run(state: ShellState, args) {
    const full = absolute(state.cwd, args.path);
    if (!isInside(full, SHELL_ROOT)) return { error: outside(full) };
    const missing: ShellNode[] = [];
    for (let at = full; ; at = parentOf(at)) {
      const node = state.nodes.find(({ id }) => id === at);
      if (node?.kind === 'file') return { error: `path: '${at}' is a file` };
      if (node !== undefined) break;
      missing.unshift({ id: at, kind: 'directory', lines: [] });
    }
    if (!args.parents && missing.length !== 1) {
      const reason = missing.length === 0 ? 'exists' : 'has no parent yet: set parents';
      return { error: `path: '${full}' ${reason}` };
    }
    const value = { path: full, made: missing.length };
    return { value, state: { ...state, nodes: [...state.nodes, ...missing] } };
  },
});

/** Some lines of a log, with one that names who keeps the file. */
function linesOf(rng: Rng, owner: string): string[] {
  const lines = Array.from(
    { length: rng.int(3, 8) },
    () => `${rng.pick(LEVELS)} ${rng.pick(MACHINES)} ${rng.int(12, 989)}`,
  );
  lines.splice(rng.int(1, lines.length), 0, `kept by ${owner}`);
  return lines;
}

/** The shell server. Its state is `{cwd, nodes: [{id, kind, lines}]}`; an id is a path. */
export const shell: ServerDef = {
  name: 'shell',
  description: 'A command line that is restricted to the files below /project.',
  tools: [pwd, cd, ls, cat, grep, wc, mkdir],
  initial(rng, pool): ShellState {
    const names = distinct(17, () => shellName(rng, pool));
    const owners = distinct(12, () => personName(rng, pool));
    const directory = (id: string): ShellNode => ({ id, kind: 'directory', lines: [] });
    const tops = names.slice(0, 4).map((name) => directory(`${SHELL_ROOT}/${name}`));
    const files = owners.map((owner, i): ShellNode => {
      const top = tops[i % tops.length]?.id ?? SHELL_ROOT;
      const id = `${top}/${names[5 + i]}${rng.pick(ENDINGS)}`;
      return { id, kind: 'file', lines: linesOf(rng, owner) };
    });
    const nested = directory(`${rng.pick(tops).id}/${names[4]}`);
    return {
      cwd: rng.pick(tops).id,
      nodes: [directory(SHELL_ROOT), ...tops, nested, ...files],
    };
  },
};
