// `atlas export`: what a run made, as a file for other programs and people.
import { stat } from 'node:fs/promises';
import { basename, dirname, extname, isAbsolute, join, relative, resolve } from 'node:path';
import { ADAPTER_CONFIG, fitAdapter, writeAdapter } from '../../adapter/adapter.ts';
import { writeAdapterGguf } from '../../adapter/adapter-gguf.ts';
import { writeAdapterZip } from '../../adapter/adapter-zip.ts';
import { withRows } from '../../adapter/head-rows.ts';
import { MERGE_TYPES, mergeModel } from '../../adapter/merge-model.ts';
import { InputError } from '../../base/errors.ts';
import { chatLines } from '../../share/chat-lines.ts';
import { runPage } from '../../share/run-page.ts';
import type { JsonObject } from '../../trajectory/json.ts';
import { type AdapterFiles, readAdapterAt } from '../adapters.ts';
import { Flags } from '../flags.ts';
import { type OpenedModel, openModel } from '../models.ts';
import { Progress, printJson } from '../output.ts';
import { writePieces } from '../output-file.ts';
import { RunFiles } from '../run-files.ts';

const FLAGS = {
  to: 'string',
  merge: 'boolean',
  type: 'string',
  model: 'string',
  out: 'string',
} as const;

/** Endings of the default names, beside the run. */
const ENDINGS = {
  peft: '-adapter.zip',
  gguf: '-adapter.gguf',
  jsonl: '.jsonl',
  html: '.html',
} as const;
type Target = keyof typeof ENDINGS;
const TARGETS = Object.keys(ENDINGS) as Target[];
const MERGED_ENDING = '-merged.gguf';
/** The architecture whose GGUF files and Hugging Face folders order rows differently. */
const REORDERED = 'llama';

/** Keys of an experiment that hold paths of the machine that it ran on. */
const PATH_KEYS = ['model', 'initAdapter', 'init'] as const;

/** A file to be: its bytes, and how many where that is known beforehand. */
interface Product {
  readonly pieces: AsyncIterable<string | Uint8Array>;
  readonly sizeBytes: number | null;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes;
}

function whole(bytes: Uint8Array): Product {
  return { pieces: once(bytes), sizeBytes: bytes.length };
}

/** Flags that mean nothing for the target. @throws {InputError} naming the first. */
function checkFlags(flags: Flags, target: Target): void {
  const refuse = (name: string, needed: string): never => {
    throw new InputError('flags', `export: --${name}: got it with --to ${target}, need ${needed}`);
  };
  if (target !== 'gguf' && flags.has('merge')) refuse('merge', '--to gguf');
  if (!['gguf', 'peft'].includes(target) && flags.has('model'))
    refuse('model', '--to gguf or peft');
  if (flags.has('type') && !flags.has('merge')) refuse('type', '--to gguf --merge');
  if (flags.has('type')) flags.choice('type', MERGE_TYPES);
  const [, extra] = flags.positionals;
  if (extra === undefined) return;
  throw new InputError('flags', `export: got "${extra}" behind the directory, need flags only`);
}

/** Refuses to write over what is read, a file or anything in a directory. @throws {InputError} */
function keepOff(input: string, out: string): void {
  const way = relative(resolve(input), resolve(out));
  if (way !== '' && (way.startsWith('..') || isAbsolute(way))) return;
  throw new InputError(
    'out',
    `--out ${out}: got a place in ${input}, which is what is exported; choose one outside of it`,
  );
}

/** The adapter of a run, or one that stands alone. @throws {InputError} for a run without one. */
async function adapterOf(path: string): Promise<AdapterFiles> {
  const run = (await stat(path).catch(() => null))?.isDirectory()
    ? await RunFiles.open(path)
    : null;
  if (run === null || run.has('adapter') || run.has(ADAPTER_CONFIG)) return readAdapterAt(path);
  const why = run.has('model.gguf')
    ? 'a run that trained all weights: its model.gguf is a GGUF file already'
    : 'a directory without an adapter: a run writes it when it is done';
  throw new InputError(
    'run-adapter',
    `${path}: got ${why}; give a run with adapter/, or an adapter`,
  );
}

/** The model that an adapter belongs to: `--model`, else the one of the run's experiment. */
async function baseOf(path: string, flags: Flags): Promise<OpenedModel> {
  const named = flags.text('model');
  if (named !== undefined) return openModel(named);
  const isRun = (await stat(path)).isDirectory();
  const model = isRun ? (await (await RunFiles.open(path)).experiment())?.['model'] : undefined;
  if (typeof model === 'string') return openModel(model);
  throw new InputError(
    'model',
    `export: ${path}: got an adapter without the experiment.json of its run, need --model MODEL`,
  );
}

async function ggufOf(
  path: string,
  { adapter }: AdapterFiles,
  flags: Flags,
  out: string,
): Promise<Product> {
  const { file, config, hash, path: base } = await baseOf(path, flags);
  keepOff(base, out);
  if (flags.has('merge')) {
    const type = flags.has('type') ? flags.choice('type', MERGE_TYPES) : undefined;
    const merged = mergeModel(file, adapter, { modelHash: hash, type });
    return { pieces: merged.pieces(), sizeBytes: merged.sizeBytes };
  }
  const fitting = fitAdapter(adapter, config, hash);
  const named = { ...fitting, baseModelHash: fitting.baseModelHash ?? hash };
  const { architecture } = config;
  return whole(writeAdapterGguf(named, { architecture, name: stemOf(path) }));
}

/** A run's PEFT folder as it is; a GGUF adapter turned into one, for which rows may have to be put in PEFT's order. */
async function peftOf(
  path: string,
  { adapter, peft }: AdapterFiles,
  flags: Flags,
): Promise<Product> {
  if (peft !== null) return whole(writeAdapterZip(peft));
  const baseModel = adapter.baseModelHash ?? 'unnamed';
  if (adapter.architecture !== REORDERED) {
    return whole(writeAdapterZip(writeAdapter(adapter, { baseModel })));
  }
  const { config, hash } = await baseOf(path, flags);
  const ordered = withRows(fitAdapter(adapter, config, hash), 'hugging-face', config);
  return whole(writeAdapterZip(writeAdapter(ordered, { baseModel })));
}

/** The name of a run or of an adapter's file, without its ending. */
function stemOf(path: string): string {
  const name = basename(resolve(path));
  return ['.gguf', '.zip'].includes(extname(name)) ? name.slice(0, -extname(name).length) : name;
}

async function pageOf(path: string): Promise<Product> {
  const run = await RunFiles.open(path);
  const [experiment, metrics] = [await run.experiment(), await run.metrics()];
  if (metrics.length === 0 && !run.has('trajectories.jsonl'))
    throw nothingOf(path, 'metrics.jsonl');
  const name = experiment?.['name'];
  const page = {
    name: typeof name === 'string' && name !== '' ? name : run.name,
    experiment: experiment === null ? null : withoutPaths(experiment),
    metrics,
    trajectories: run.trajectories(),
  };
  return { pieces: runPage(page), sizeBytes: null };
}

function withoutPaths(experiment: JsonObject): JsonObject {
  const shown = { ...experiment };
  for (const key of PATH_KEYS) {
    const path = shown[key];
    if (typeof path === 'string') shown[key] = basename(path);
  }
  return shown;
}

async function chatsOf(path: string): Promise<Product> {
  const run = await RunFiles.open(path);
  if (!run.has('trajectories.jsonl')) throw nothingOf(path, 'trajectories.jsonl');
  return { pieces: chatLines(run.trajectories()), sizeBytes: null };
}

function nothingOf(path: string, file: string): InputError {
  return new InputError('run-directory', `${path}: got no ${file}, need the directory of a run`);
}

async function productOf(
  path: string,
  target: Target,
  flags: Flags,
  out: string,
): Promise<Product> {
  switch (target) {
    case 'peft':
      return peftOf(path, await adapterOf(path), flags);
    case 'gguf':
      return ggufOf(path, await adapterOf(path), flags, out);
    case 'jsonl':
      return chatsOf(path);
    case 'html':
      return pageOf(path);
  }
}

export async function exportRun(argv: readonly string[]): Promise<void> {
  const flags = new Flags('export', argv, FLAGS);
  const path = flags.positional(0, 'directory of a run');
  const target = flags.choice('to', TARGETS);
  checkFlags(flags, target);
  const ending = flags.has('merge') ? MERGED_ENDING : ENDINGS[target];
  const out = flags.text('out') ?? join(dirname(resolve(path)), `${stemOf(path)}${ending}`);
  keepOff(path, out);
  const { pieces, sizeBytes } = await productOf(path, target, flags, out);
  const progress = new Progress(`export ${basename(out)}`);
  const bytes = await writePieces(out, pieces, (written) => {
    if (sizeBytes !== null) progress.update(written, sizeBytes);
  });
  printJson({ path: out, bytes });
}
