// The built-in file store: a tree of small text files. Knows nothing of tasks or transports.
import { z } from 'zod';
import { defined } from '../../base/assert.ts';
import type { Rng } from '../../base/rng.ts';
import { byName, defineTool, pageOf, pageSchema, type ServerDef } from '../server.ts';
import { distinct, type Pool, pairName, personName, shiftDate, words } from '../values.ts';

/** `id` is the path. A directory exists as long as a file is in it. */
export type StoredFile = { id: string; content: string; modified: string };
export type FilesState = { files: StoredFile[] };

/** Where the files of a kind lie, how they end, and the keys of a person, an amount and a date in them. */
export const FILE_KINDS = [
  { directory: '/office/invoices', ending: 'txt', person: 'customer', sum: 'amount', day: 'due' },
  { directory: '/office/plans', ending: 'md', person: 'lead', sum: 'budget', day: 'start' },
  { directory: '/home/trips', ending: 'csv', person: 'guide', sum: 'cost', day: 'departure' },
] as const;
export const FILE_STATUSES = ['draft', 'open', 'checked', 'final'] as const;
const NOTES = [
  'ask for a second offer',
  'book two rooms',
  'call the bank on Monday',
  'check the list of guests once more',
  'print the tickets',
  'send a copy to the landlord',
];

const FIRST_WORDS = words(`
  amber cobalt harvest lantern marble meadow north orchid pilot quartz river saffron summit tidal
  timber velvet willow winter zenith copper
`);
const SECOND_WORDS = words(`
  agenda bridge carnival expo ferry gallery garage kitchen library lodge market mural orchestra
  pavilion railway regatta school stadium theatre workshop
`);

/** The stem of a file name, such as `amber-ferry`. */
export function fileStem(rng: Rng, pool: Pool): string {
  return pairName(rng, pool, 'file', [FIRST_WORDS, SECOND_WORDS]).replace(' ', '-');
}

const path = z.string().describe('absolute path, such as /office/plans/notes.md');
const overwrite = z.boolean().default(false).describe('replace a file that is there already');
const within = z.string().default('/').describe('directory to look in, with all below it');

function badPath(key: string, text: string): { error: string } {
  return { error: `${key}: got '${text}', need an absolute path like /office/plans/notes.md` };
}

/** The path without a slash at its end, so `''` for the root; null when it is no absolute path. */
function cleaned(text: string): string | null {
  const bare = text.trim().replace(/\/$/, '');
  const [root, ...parts] = bare.split('/');
  const whole = parts.every((part) => part !== '' && part !== '.' && part !== '..');
  return root === '' && text.includes('/') && whole ? bare : null;
}

const order = (a: string, b: string) => Number(a > b) - Number(a < b);

const isUnder = (file: StoredFile, directory: string) => file.id.startsWith(`${directory}/`);

function isDirectory(state: FilesState, directory: string): boolean {
  return directory === '' || state.files.some((file) => isUnder(file, directory));
}

function sizeBytes(file: StoredFile): number {
  return new TextEncoder().encode(file.content).length;
}

function totalBytes(files: readonly StoredFile[]): number {
  return files.reduce((sum, file) => sum + sizeBytes(file), 0);
}

/** The files of a path: of a directory all below it, of a file the file. */
function filesAt(state: FilesState, text: string): StoredFile[] | { error: string } {
  const at = cleaned(text);
  if (at === null) return badPath('path', text);
  const found = state.files.filter((file) => file.id === at || isUnder(file, at));
  return found.length > 0 || at === '' ? found : { error: `not found: '${text}'` };
}

function fileAt(state: FilesState, key: string, text: string): StoredFile | { error: string } {
  const at = cleaned(text);
  if (at === null) return badPath(key, text);
  if (isDirectory(state, at)) return { error: `${key}: '${text}' is a directory, not a file` };
  const file = byName(state.files, at, ({ id }) => id);
  return typeof file === 'string' ? { error: file } : file;
}

/** Why no file can be written at a path; null when one can. */
function obstacle(state: FilesState, key: string, at: string): string | null {
  if (isDirectory(state, at)) return `${key}: '${at}' is a directory`;
  const parent = state.files.find((file) => at.startsWith(`${file.id}/`));
  return parent === undefined ? null : `${key}: '${parent.id}' is a file, not a directory`;
}

function put(state: FilesState, file: StoredFile): FilesState {
  const others = state.files.filter(({ id }) => id !== file.id);
  return { files: [...others, file].sort((a, b) => order(a.id, b.id)) };
}

const listDirectory = defineTool({
  name: 'list_directory',
  description:
    'Lists the files and directories in a directory, by name, by size (largest first) or by the day of the last change (newest first).',
  input: z.strictObject({
    path,
    sort_by: z.enum(['name', 'size', 'modified']).default('name'),
  }),
  output: z.strictObject({
    entries: z.array(
      z.strictObject({ path: z.string(), type: z.enum(['file', 'directory']), bytes: z.int() }),
    ),
  }),
  kind: 'reads',
  run(state: FilesState, args) {
    const at = cleaned(args.path);
    if (at === null) return badPath('path', args.path);
    if (!isDirectory(state, at)) return { error: `not found: directory '${args.path}'` };
    const below = state.files.filter((file) => isUnder(file, at));
    const paths = new Set(
      below.map(({ id }) => at + id.slice(at.length).replace(/^(\/[^/]*).*/, '$1')),
    );
    const rows = [...paths].map((child) => {
      const inside = below.filter((file) => isUnder(file, child));
      const held = inside.length > 0 ? inside : below.filter(({ id }) => id === child);
      const type = inside.length > 0 ? ('directory' as const) : ('file' as const);
      const [modified = ''] = held.map((file) => file.modified).sort((a, b) => order(b, a));
      return { entry: { path: child, type, bytes: totalBytes(held) }, modified };
    });
    rows.sort((a, b) => order(a.entry.path, b.entry.path));
    if (args.sort_by === 'size') rows.sort((a, b) => b.entry.bytes - a.entry.bytes);
    if (args.sort_by === 'modified') rows.sort((a, b) => order(b.modified, a.modified));
    return { value: { entries: rows.map(({ entry }) => entry) } };
  },
});

const readFile = defineTool({
  name: 'read_file',
  description: 'Reads the text of a file, or only its first lines.',
  input: z.strictObject({
    path,
    head: z.int().min(1).optional().describe('how many lines to read; all without it'),
  }),
  output: z.strictObject({ content: z.string(), lines: z.int(), modified: z.string() }),
  kind: 'reads',
  run(state: FilesState, args) {
    const file = fileAt(state, 'path', args.path);
    if ('error' in file) return file;
    const lines = file.content.split('\n');
    const content = lines.slice(0, args.head).join('\n');
    return { value: { content, lines: lines.length, modified: file.modified } };
  },
});

const writeFile = defineTool({
  name: 'write_file',
  description:
    'Writes text to a file: in place of what it holds, or as new lines at its end. A file that is not there is created.',
  input: z.strictObject({
    path,
    content: z.string(),
    mode: z.enum(['overwrite', 'append']).default('overwrite'),
  }),
  output: z.strictObject({ path: z.string(), bytes: z.int() }),
  kind: 'adds',
  run(state: FilesState, args, clock) {
    const id = cleaned(args.path);
    if (id === null) return badPath('path', args.path);
    const trouble = obstacle(state, 'path', id);
    if (trouble !== null) return { error: trouble };
    const old = state.files.find((file) => file.id === id);
    const keeps = old !== undefined && args.mode === 'append';
    const content = keeps ? `${old.content}\n${args.content}` : args.content;
    const file = { id, content, modified: clock.slice(0, 10) };
    return { value: { path: id, bytes: sizeBytes(file) }, state: put(state, file) };
  },
});

/** Where a move or a copy ends: a destination that is a directory keeps the file's name. */
function target(
  state: FilesState,
  args: { source: string; destination: string; overwrite: boolean },
): { file: StoredFile; to: string } | { error: string } {
  const file = fileAt(state, 'source', args.source);
  if ('error' in file) return file;
  const at = cleaned(args.destination);
  if (at === null) return badPath('destination', args.destination);
  const into = args.destination.trim().endsWith('/') || isDirectory(state, at);
  const to = into ? at + file.id.slice(file.id.lastIndexOf('/')) : at;
  const trouble = obstacle(state, 'destination', to);
  if (trouble !== null) return { error: trouble };
  if (to === file.id) return { error: `destination: '${to}' is the source itself` };
  if (!args.overwrite && state.files.some(({ id }) => id === to))
    return { error: `destination: '${to}' exists, set overwrite to replace it` };
  return { file, to };
}

const fromTo = z.strictObject({
  source: z.string().describe('path of a file'),
  destination: z.string().describe('new path, or a directory with / at its end'),
  overwrite,
});

const moveFile = defineTool({
  name: 'move_file',
  description: 'Moves a file to another path or directory, or renames it.',
  input: fromTo,
  output: z.strictObject({ path: z.string() }),
  kind: 'adds',
  run(state: FilesState, args) {
    const found = target(state, args);
    if ('error' in found) return found;
    const { file, to } = found;
    const rest = { files: state.files.filter(({ id }) => id !== file.id) };
    return { value: { path: to }, state: put(rest, { ...file, id: to }) };
  },
});

const copyFile = defineTool({
  name: 'copy_file',
  description: 'Copies a file to another path or directory; the source stays.',
  input: fromTo,
  output: z.strictObject({ path: z.string(), bytes: z.int() }),
  kind: 'adds',
  run(state: FilesState, args, clock) {
    const found = target(state, args);
    if ('error' in found) return found;
    const copy = { ...found.file, id: found.to, modified: clock.slice(0, 10) };
    return { value: { path: copy.id, bytes: sizeBytes(copy) }, state: put(state, copy) };
  },
});

const deleteFile = defineTool({
  name: 'delete_file',
  description: 'Deletes a file for good, or a directory with all in it when recursive is set.',
  input: z.strictObject({ path, recursive: z.boolean().default(false) }),
  output: z.strictObject({ deleted: z.int(), bytes: z.int() }),
  kind: 'adds',
  run(state: FilesState, args) {
    const at = cleaned(args.path);
    if (at === null) return badPath('path', args.path);
    if (at === '') return { error: `path: got '${args.path}', the root cannot be deleted` };
    const found = args.recursive ? filesAt(state, at) : fileAt(state, 'path', at);
    if ('error' in found) return found;
    const gone = Array.isArray(found) ? found : [found];
    const files = state.files.filter((file) => !gone.includes(file));
    return { value: { deleted: gone.length, bytes: totalBytes(gone) }, state: { files } };
  },
});

/** The pattern of a shell, in which `*` is any text and `?` one character. */
function glob(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/\*+/g, '.*').replaceAll('?', '.')}$`, 'iu');
}

const searchFiles = defineTool({
  name: 'search_files',
  description: 'Finds files whose name fits a pattern, in a directory and all below it.',
  input: z.strictObject({
    pattern: z.string().min(1).describe('such as *.md or amber-*; * is any text, ? one character'),
    path: within,
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(z.strictObject({ path: z.string(), bytes: z.int(), modified: z.string() })),
  kind: 'reads',
  run(state: FilesState, args) {
    const files = filesAt(state, args.path);
    if ('error' in files) return files;
    const fits = glob(args.pattern.trim());
    const found = files.filter(({ id }) => fits.test(id.slice(id.lastIndexOf('/') + 1)));
    return pageOf(
      found.map((file) => ({ path: file.id, bytes: sizeBytes(file), modified: file.modified })),
      args.page,
    );
  },
});

const grep = defineTool({
  name: 'grep',
  description:
    'Finds the lines that contain a text, whatever the case, in all files of a directory.',
  input: z.strictObject({
    text: z.string().min(1),
    path: within,
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(z.strictObject({ path: z.string(), line: z.int(), text: z.string() })),
  kind: 'reads',
  run(state: FilesState, args) {
    const files = filesAt(state, args.path);
    if ('error' in files) return files;
    const wanted = args.text.toLowerCase();
    const rows = files.flatMap((file) =>
      file.content.split('\n').map((text, i) => ({ path: file.id, line: i + 1, text })),
    );
    return pageOf(
      rows.filter(({ text }) => text.toLowerCase().includes(wanted)),
      args.page,
    );
  },
});

const diskUsage = defineTool({
  name: 'disk_usage',
  description:
    'Counts the files of a directory with all below it and their bytes, and names the largest.',
  input: z.strictObject({ path: within }),
  output: z.strictObject({ files: z.int(), bytes: z.int(), largest: z.string().nullable() }),
  kind: 'reads',
  run(state: FilesState, args) {
    const files = filesAt(state, args.path);
    if ('error' in files) return files;
    const [largest] = [...files].sort((a, b) => sizeBytes(b) - sizeBytes(a));
    return {
      value: { files: files.length, bytes: totalBytes(files), largest: largest?.id ?? null },
    };
  },
});

/** The files server. Its state is `{files: [{id, content, modified}]}`; the id of a file is its path. */
export const files: ServerDef = {
  name: 'files',
  description: 'Text files in directories: read, write, move, copy, delete and search them.',
  tools: [
    listDirectory,
    readFile,
    writeFile,
    moveFile,
    copyFile,
    deleteFile,
    searchFiles,
    grep,
    diskUsage,
  ],
  initial(rng, pool, clock): FilesState {
    const count = rng.int(11, 14);
    const stems = distinct(count, () => fileStem(rng, pool));
    const people = distinct(count, () => personName(rng, pool));
    const today = clock.slice(0, 10);
    const changedOn = distinct(count, () => shiftDate(today, -rng.int(2, 200)));
    const made = stems.map((stem, i): StoredFile => {
      const kind = defined(FILE_KINDS[i % FILE_KINDS.length], 'kind');
      const lines = [
        `${kind.person}: ${people[i]}`,
        `${kind.sum}: ${(rng.int(1500, 98_000) / 100).toFixed(2)}`,
        `${kind.day}: ${shiftDate(today, rng.int(3, 90))}`,
        `status: ${rng.pick(FILE_STATUSES)}`,
        ...rng.sample(NOTES, rng.int(0, 3)).map((note) => `- ${note}`),
      ];
      // The order of lines differs, so that a file has to be read.
      return {
        id: `${kind.directory}/${stem}.${kind.ending}`,
        content: [`title: ${stem.replace('-', ' ')}`, ...rng.shuffle(lines)].join('\n'),
        modified: defined(changedOn[i], 'day'),
      };
    });
    return { files: made.sort((a, b) => order(a.id, b.id)) };
  },
};
