// A run of the page: log lines in IndexedDB, checkpoints and result files in OPFS under `runs/ID/`.
import { StoreError } from '../base/errors.ts';
import type { RunLog, RunStore } from '../trajectory/interfaces.ts';
import type { AtlasDatabase } from './database.ts';
import {
  type DirectoryHandle,
  findFolder,
  makeFolder,
  readFileAt,
  removeFrom,
  writeFileAt,
} from './directory.ts';
import { withQuota } from './quota.ts';

const TABLES = { metrics: 'metrics', trajectories: 'traces', timing: 'timings' } as const;
const POINTER = 'checkpoint.json';
const SLOTS = ['checkpoint-a', 'checkpoint-b'] as const;

interface Pointer {
  slot: string;
  files: string[];
}

/** All lines of one run. */
function linesOf(run: string, from = 0): IDBKeyRange {
  return IDBKeyRange.bound([run, from], [run, Number.POSITIVE_INFINITY]);
}

/** A RunStore of the page. */
export class PageRunStore implements RunStore {
  readonly #database: AtlasDatabase;
  readonly #root: DirectoryHandle;
  readonly #run: string;
  readonly #next: Partial<Record<RunLog, number>> = {};

  /**
   * @param root the root of OPFS (`navigator.storage.getDirectory()`). @param run a name without
   * `/`.
   */
  constructor(database: AtlasDatabase, root: DirectoryHandle, run: string) {
    this.#database = database;
    this.#root = root;
    this.#run = run;
  }

  async append(log: RunLog, line: string): Promise<void> {
    const index = this.#next[log] ?? (await this.#database.count(TABLES[log], linesOf(this.#run)));
    this.#next[log] = index + 1;
    await withQuota(`${log} of run ${this.#run}`, () =>
      this.#database.put(TABLES[log], { run: this.#run, index, line }),
    );
  }

  async readLog(log: RunLog): Promise<string[]> {
    const records = await this.#database.getAll(TABLES[log], linesOf(this.#run));
    return records.map((record) => record.line);
  }

  /** How many lines a log has. */
  countLines(log: RunLog): Promise<number> {
    return this.#database.count(TABLES[log], linesOf(this.#run));
  }

  /** Lines `from` to `to` (without it) of a log. */
  async readLines(log: RunLog, from: number, to: number): Promise<string[]> {
    if (to <= from) return [];
    const range = IDBKeyRange.bound([this.#run, from], [this.#run, to], false, true);
    const records = await this.#database.getAll(TABLES[log], range);
    return records.map((record) => record.line);
  }

  async truncateLog(log: RunLog, lines: number): Promise<void> {
    const count = await this.#database.count(TABLES[log], linesOf(this.#run));
    if (count < lines) {
      throw new StoreError(
        'log-short',
        `${log} of run ${this.#run}: got ${count} lines, need the ${lines} that the checkpoint ` +
          'counts; start the run anew',
      );
    }
    await this.#database.delete(TABLES[log], linesOf(this.#run, lines));
    this.#next[log] = lines;
  }

  /**
   * Writes into the slot that is not in use, then moves the pointer: at any time one checkpoint is
   * whole.
   */
  async writeCheckpoint(files: Readonly<Record<string, Uint8Array>>): Promise<void> {
    const folder = await this.#folder();
    const current = await this.#pointer(folder);
    const slot = current?.slot === SLOTS[0] ? SLOTS[1] : SLOTS[0];
    await removeFrom(folder, slot);
    await withQuota(`checkpoint of run ${this.#run}`, async () => {
      for (const [name, bytes] of Object.entries(files)) {
        await writeFileAt(folder, `${slot}/${name}`, bytes);
      }
      const pointer: Pointer = { slot, files: Object.keys(files) };
      await writeFileAt(folder, POINTER, new TextEncoder().encode(JSON.stringify(pointer)));
    });
    if (current !== null) await removeFrom(folder, current.slot);
  }

  async readCheckpoint(): Promise<Record<string, Uint8Array> | null> {
    const folder = await this.#folder();
    const pointer = await this.#pointer(folder);
    if (pointer === null) return null;
    const files: Record<string, Uint8Array> = {};
    for (const name of pointer.files) {
      const bytes = await readFileAt(folder, `${pointer.slot}/${name}`);
      if (bytes === null) {
        throw new StoreError(
          'checkpoint-file',
          `checkpoint of run ${this.#run}: got no ${name}, need every file; start the run anew`,
        );
      }
      files[name] = bytes;
    }
    return files;
  }

  async writeFile(path: string, bytes: Uint8Array): Promise<void> {
    const folder = await this.#folder();
    await withQuota(`${path} of run ${this.#run}`, () => writeFileAt(folder, path, bytes));
  }

  /** A result file, such as `adapter/adapter_model.safetensors`; null when the run has none. */
  async readFile(path: string): Promise<Uint8Array | null> {
    return readFileAt(await this.#folder(), path);
  }

  /** Removes the run's logs, checkpoints and files. */
  async remove(): Promise<void> {
    for (const table of Object.values(TABLES)) {
      await this.#database.delete(table, linesOf(this.#run));
    }
    await this.#database.delete('runs', this.#run);
    const runs = await findFolder(this.#root, ['runs']);
    if (runs !== null) await removeFrom(runs, this.#run);
  }

  #folder(): Promise<DirectoryHandle> {
    return makeFolder(this.#root, ['runs', this.#run]);
  }

  async #pointer(folder: DirectoryHandle): Promise<Pointer | null> {
    const bytes = await readFileAt(folder, POINTER);
    return bytes === null ? null : (JSON.parse(new TextDecoder().decode(bytes)) as Pointer);
  }
}
