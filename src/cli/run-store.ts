// A run in a directory of Node's file system: logs as JSON lines, one whole checkpoint at any time,
// result files.
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { InputError, StoreError } from '../base/errors.ts';
import type { RunLog, RunStore } from '../trajectory/interfaces.ts';
import { type Disk, nodeDisk, systemCode } from './disk.ts';
import { LogFile } from './log-file.ts';

const CHECKPOINT = 'checkpoint';
const NEW = 'checkpoint.tmp';
const OLD = 'checkpoint.old';

export interface RunDirectoryOptions {
  /** Go on with what the directory holds; without it the directory must be empty. */
  resume: boolean;
  disk?: Disk;
}

const FULL: readonly string[] = ['ENOSPC', 'EDQUOT'];

/** Does some writing; a disk without room is told of in words. */
async function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!FULL.includes(systemCode(cause))) throw cause;
    throw new StoreError(
      'disk-full',
      `run directory: ${path}: got a full disk, need room for the logs and two checkpoints; free ` +
        'some space, and go on with --resume',
      { cause },
    );
  }
}

/** A path inside the run's directory, in parts. */
function partsOf(path: string): string[] {
  const parts = path.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..' || part.includes('\\'))) {
    throw new StoreError(
      'run-path',
      `run directory: got the file name ${JSON.stringify(path)}, need one inside the directory`,
    );
  }
  return parts;
}

/** A RunStore over a directory. Call `close` when the run is over. */
export class RunDirectory implements RunStore {
  readonly path: string;
  readonly #disk: Disk;
  readonly #logs: Readonly<Record<RunLog, LogFile>>;

  constructor(path: string, disk: Disk) {
    this.path = path;
    this.#disk = disk;
    this.#logs = {
      metrics: new LogFile(join(path, 'metrics.jsonl')),
      trajectories: new LogFile(join(path, 'trajectories.jsonl')),
      timing: new LogFile(join(path, 'timing.jsonl')),
    };
  }

  append(log: RunLog, line: string): Promise<void> {
    return writing(this.path, () => this.#logs[log].append(line));
  }

  readLog(log: RunLog): Promise<string[]> {
    return this.#logs[log].read();
  }

  truncateLog(log: RunLog, lines: number): Promise<void> {
    return this.#logs[log].truncate(lines);
  }

  /**
   * Replaces the checkpoint. The logs are flushed first, so that a checkpoint never counts lines
   * that were not kept. Stopped at any point, the directory still holds the old or the new
   * checkpoint whole: see `recover`.
   */
  writeCheckpoint(files: Readonly<Record<string, Uint8Array>>): Promise<void> {
    return writing(this.path, () => this.#replaceCheckpoint(files));
  }

  async #replaceCheckpoint(files: Readonly<Record<string, Uint8Array>>): Promise<void> {
    for (const log of Object.values(this.#logs)) await log.flush();
    const disk = this.#disk;
    const fresh = join(this.path, NEW);
    await disk.remove(fresh);
    await disk.makeDirectory(fresh);
    for (const [name, bytes] of Object.entries(files)) {
      const parts = partsOf(name);
      if (parts.length > 1) await disk.makeDirectory(join(fresh, ...parts.slice(0, -1)));
      await disk.writeFile(join(fresh, ...parts), bytes);
      if (parts.length > 1) await disk.syncDirectory(join(fresh, ...parts.slice(0, -1)));
    }
    await disk.syncDirectory(fresh);
    const before = await disk.list(this.path);
    if (before.includes(CHECKPOINT)) {
      await disk.rename(join(this.path, CHECKPOINT), join(this.path, OLD));
      await disk.syncDirectory(this.path);
    }
    await disk.rename(fresh, join(this.path, CHECKPOINT));
    await disk.syncDirectory(this.path);
    await disk.remove(join(this.path, OLD));
  }

  async readCheckpoint(): Promise<Record<string, Uint8Array> | null> {
    const names = await this.#disk.list(this.path);
    if (!names.includes(CHECKPOINT)) return null;
    const files: Record<string, Uint8Array> = {};
    await this.#readInto(files, '');
    return files;
  }

  async writeFile(path: string, bytes: Uint8Array): Promise<void> {
    const target = join(this.path, ...partsOf(path));
    await writing(this.path, async () => {
      await this.#disk.makeDirectory(dirname(target));
      await this.#disk.writeFile(`${target}.tmp`, bytes);
      await this.#disk.rename(`${target}.tmp`, target);
    });
  }

  /** Closes the log files. */
  async close(): Promise<void> {
    for (const log of Object.values(this.#logs)) await log.close();
  }

  /**
   * Ends what an interrupted `writeCheckpoint` began. `checkpoint` there: it is whole, and the
   * others are leftovers. `checkpoint` missing but `checkpoint.old` there: the new one was whole
   * when the old one was moved away.
   */
  async recover(): Promise<void> {
    const names = await this.#disk.list(this.path);
    const [fresh, old] = [join(this.path, NEW), join(this.path, OLD)];
    if (!names.includes(CHECKPOINT) && names.includes(OLD)) {
      const whole = names.includes(NEW) ? fresh : old;
      await this.#disk.rename(whole, join(this.path, CHECKPOINT));
      await this.#disk.syncDirectory(this.path);
    }
    await this.#disk.remove(fresh);
    await this.#disk.remove(old);
  }

  async #readInto(files: Record<string, Uint8Array>, folder: string): Promise<void> {
    const here = join(this.path, CHECKPOINT, folder);
    for (const name of await this.#disk.list(here)) {
      const inside = folder === '' ? name : `${folder}/${name}`;
      try {
        files[inside] = new Uint8Array(await readFile(join(here, name)));
      } catch (error) {
        if (systemCode(error) !== 'EISDIR') throw error;
        await this.#readInto(files, inside);
      }
    }
  }
}

/**
 * Opens the directory of a run, makes it when it is missing, and repairs an interrupted checkpoint.
 * @throws {InputError} for a directory that is not empty without `resume`.
 */
export async function openRunDirectory(
  path: string,
  { resume, disk = nodeDisk }: RunDirectoryOptions,
): Promise<RunDirectory> {
  await disk.makeDirectory(path);
  const names = await disk.list(path);
  if (!resume && names.length > 0) {
    throw new InputError(
      'run-directory',
      `--out ${path}: got a directory with ${names.length} entries, need an empty one; ` +
        'choose another, or go on with this run by --resume',
    );
  }
  const directory = new RunDirectory(path, disk);
  if (resume) await directory.recover();
  return directory;
}
