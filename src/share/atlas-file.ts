// A `.atlas` file: a zip of an experiment, its logs and its trained weights, with a hash of every
// part. Holds no key.
import { strFromU8, strToU8, type UnzipFileInfo, unzipSync, zipSync } from 'fflate';
import { z } from 'zod';
import { InputError } from '../base/errors.ts';
import {
  type Experiment,
  experimentSchema,
  type Metrics,
  metricsSchema,
} from '../trajectory/experiment.ts';
import { type Trace, traceSchema } from '../trajectory/trace.ts';

const MANIFEST = 'atlas.json';
const EXPERIMENT = 'experiment.json';
const METRICS = 'metrics.jsonl';
const TRAJECTORIES = 'trajectories.jsonl';
const ADAPTER = 'adapter/';
/** What a file may unpack to; a larger one would not fit the memory of a tab. */
const MAX_BYTES = 1 << 30;
/** Zip entries carry a time: a fixed one keeps equal runs equal. */
const NO_TIME = new Date(1980, 0, 1);

const manifestSchema = z.strictObject({
  v: z.literal(1),
  /** SHA-256 of each part, by name. */
  hashes: z.record(z.string(), z.string()),
});

/**
 * What a `.atlas` file holds. `adapter` is a PEFT folder by file name; empty when nothing was
 * trained yet.
 */
export interface AtlasFile {
  experiment: Experiment;
  metrics: Metrics[];
  trajectories: Trace[];
  adapter: Record<string, Uint8Array>;
}

async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new Uint8Array(bytes));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function lines(values: readonly object[]): Uint8Array {
  return strToU8(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
}

/** Packs a run; equal runs give equal bytes. */
export async function packAtlasFile(file: AtlasFile): Promise<Uint8Array> {
  const parts: Record<string, Uint8Array> = {
    [EXPERIMENT]: strToU8(`${JSON.stringify(file.experiment, null, 2)}\n`),
    [METRICS]: lines(file.metrics),
    [TRAJECTORIES]: lines(file.trajectories),
  };
  for (const name of Object.keys(file.adapter).sort()) {
    const bytes = file.adapter[name];
    if (bytes !== undefined) parts[ADAPTER + name] = bytes;
  }
  const hashes: Record<string, string> = {};
  for (const [name, bytes] of Object.entries(parts)) hashes[name] = await sha256(bytes);
  const manifest = strToU8(`${JSON.stringify({ v: 1, hashes }, null, 2)}\n`);
  return zipSync({ [MANIFEST]: manifest, ...parts }, { level: 9, mtime: NO_TIME });
}

function refuse(what: string, cause?: unknown): never {
  throw new InputError('atlas-file', `.atlas file: ${what}; get the file again`, { cause });
}

function unpack(bytes: Uint8Array): Record<string, Uint8Array> {
  let total = 0;
  const filter = (entry: UnzipFileInfo) => {
    total += entry.originalSize;
    if (total > MAX_BYTES) refuse(`got more than ${MAX_BYTES} bytes, need fewer`);
    return true;
  };
  try {
    return unzipSync(bytes, { filter });
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    return refuse('got something that is no zip file, need one', cause);
  }
}

function parseLines<T>(bytes: Uint8Array, schema: z.ZodType<T>): T[] {
  const texts = strFromU8(bytes).split('\n').slice(0, -1);
  return texts.map((text) => schema.parse(JSON.parse(text)));
}

/** Parts by name, each with the hash that the manifest gives it. */
async function checkedParts(bytes: Uint8Array): Promise<Map<string, Uint8Array>> {
  const { [MANIFEST]: manifestBytes, ...parts } = unpack(bytes);
  if (manifestBytes === undefined) refuse(`got no ${MANIFEST}, need one`);
  const manifest = manifestSchema.safeParse(JSON.parse(strFromU8(manifestBytes)));
  if (!manifest.success) refuse(`got an unknown ${MANIFEST}, need version 1`, manifest.error);
  const { hashes } = manifest.data;
  const checked = new Map<string, Uint8Array>();
  for (const [name, hash] of Object.entries(hashes)) {
    const part = parts[name];
    if (part === undefined || (await sha256(part)) !== hash) {
      refuse(`got a missing or changed ${name}, need the one with SHA-256 ${hash}`);
    }
    checked.set(name, part);
  }
  return checked;
}

/**
 * Opens a file and checks every part's hash and schema; parts without a hash are left out.
 * @throws {InputError} for a damaged, changed, too large or unknown file.
 */
export async function openAtlasFile(bytes: Uint8Array): Promise<AtlasFile> {
  const parts = await checkedParts(bytes);
  const part = (name: string) => parts.get(name) ?? refuse(`got no ${name}, need one`);
  const adapter: Record<string, Uint8Array> = {};
  for (const [name, content] of parts) {
    if (name.startsWith(ADAPTER)) adapter[name.slice(ADAPTER.length)] = content;
  }
  try {
    return {
      experiment: experimentSchema.parse(JSON.parse(strFromU8(part(EXPERIMENT)))),
      metrics: parseLines(part(METRICS), metricsSchema),
      trajectories: parseLines(part(TRAJECTORIES), traceSchema),
      adapter,
    };
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    return refuse('got records of another shape, need those of this version', cause);
  }
}
