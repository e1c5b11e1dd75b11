// What is kept: runs, their trajectories and metrics, single episodes. Knows the stores, and nothing of models.

import { writeAdapterZip } from '../adapter/adapter-zip.ts';
import { InputError } from '../base/errors.ts';
import { experimentHash } from '../lab/experiment-hash.ts';
import { collapseSigns } from '../lab/monitor.ts';
import type { AtlasDatabase, RunRecord } from '../store/database.ts';
import type { DirectoryHandle } from '../store/directory.ts';
import { Records } from '../store/records.ts';
import { PageRunStore } from '../store/run-store.ts';
import {
  type Experiment,
  experimentSchema,
  type Metrics,
  metricsSchema,
} from '../trajectory/experiment.ts';
import { jsonObjectSchema } from '../trajectory/json.ts';
import { type Trace, traceSchema } from '../trajectory/trace.ts';
import type { RunListing, RunStatus, TraceListing } from './protocol.ts';
import { listingOf } from './trace-view.ts';

/** The run that single episodes are kept under. */
const EPISODES_ID = 'episodes';
export const ADAPTER_FILES = ['adapter_config.json', 'adapter_model.safetensors'] as const;

export interface ShelfOptions {
  database: AtlasDatabase;
  /** The root of OPFS. */
  root: DirectoryHandle;
  /** Milliseconds since 1970. */
  now: () => number;
}

export class Shelf {
  readonly #records: Records;
  readonly #options: ShelfOptions;
  readonly #errors = new Map<string, string>();

  constructor(options: ShelfOptions) {
    this.#options = options;
    this.#records = new Records(options.database);
  }

  store(run: string): PageRunStore {
    return new PageRunStore(this.#options.database, this.#options.root, run);
  }

  /** All runs, newest first. `live` is the one that works now: any other `running` one was cut off by a reload. */
  async runs(live: string | null): Promise<RunListing[]> {
    const records = await this.#records.runs();
    return Promise.all(
      records.map((record) =>
        this.#listing(
          record.status === 'running' && record.id !== live
            ? { ...record, status: 'paused' }
            : record,
        ),
      ),
    );
  }

  /** @throws {InputError} for a run that is not there. */
  async run(id: string): Promise<RunListing> {
    return this.#listing(await this.#record(id));
  }

  async #record(id: string): Promise<RunRecord> {
    const record = await this.#records.run(id);
    if (record !== null) return record;
    throw new InputError('no-run', `run ${id}: there is none of this name; it may be removed`);
  }

  async #listing(record: RunRecord): Promise<RunListing> {
    const { id, name, status, savedAt } = record;
    const store = this.store(id);
    const error = this.#errors.get(id) ?? null;
    if (id === EPISODES_ID) {
      const count = await store.countLines('trajectories');
      const none = { experiment: null, hasAdapter: false, error };
      return { id, name, kind: 'episodes', status, step: count, steps: count, savedAt, ...none };
    }
    const saved = await this.#records.experiment(record.experiment);
    const experiment = experimentSchema.parse(saved?.settings);
    const hasAdapter = (await store.readFile(`adapter/${ADAPTER_FILES[0]}`)) !== null;
    const step = await store.countLines('metrics');
    const { steps } = experiment;
    const shared = { id, name, status, step, steps, savedAt, hasAdapter, error };
    return { ...shared, kind: 'experiment', experiment };
  }

  /** Keeps a new run; runs of equal experiments are numbered. */
  async create(experiment: Experiment): Promise<RunListing> {
    const hash = await experimentHash(experiment);
    const settings = jsonObjectSchema.parse(JSON.parse(JSON.stringify(experiment)));
    await this.#records.saveExperiment({ hash, name: experiment.name, settings });
    const stem = hash.slice(0, 12);
    let id = `${stem}-1`;
    for (let n = 2; (await this.#records.run(id)) !== null; n++) id = `${stem}-${n}`;
    const { name } = experiment;
    await this.#save({ id, experiment: hash, name, status: 'paused' });
    return this.run(id);
  }

  async setStatus(id: string, status: RunStatus, error: string | null = null): Promise<void> {
    const { experiment, name } = await this.#record(id);
    if (error === null) this.#errors.delete(id);
    else this.#errors.set(id, error);
    await this.#save({ id, experiment, name, status });
  }

  async #save(record: Omit<RunRecord, 'savedAt'>): Promise<void> {
    await this.#records.saveRun({ ...record, savedAt: this.#options.now() });
  }

  /** Keeps a single episode. @returns its index. */
  async keepEpisode(trace: Trace): Promise<number> {
    const store = this.store(EPISODES_ID);
    const index = await store.countLines('trajectories');
    await store.append('trajectories', JSON.stringify(trace));
    await this.#save({ id: EPISODES_ID, experiment: '', name: 'Single tasks', status: 'done' });
    return index;
  }

  async metrics(run: string): Promise<Metrics[]> {
    const lines = await this.store(run).readLog('metrics');
    return lines.map((line) => metricsSchema.parse(JSON.parse(line)));
  }

  async warnings(run: string): Promise<string[]> {
    const { experiment } = await this.run(run);
    return collapseSigns(await this.metrics(run), experiment?.monitor).map(({ text }) => text);
  }

  /** `count` trajectories from the `from`th newest on. */
  async traces(
    run: string,
    from: number,
    count: number,
  ): Promise<{ total: number; traces: TraceListing[] }> {
    const store = this.store(run);
    const total = await store.countLines('trajectories');
    const end = Math.max(0, total - from);
    const start = Math.max(0, end - count);
    const lines = await store.readLines('trajectories', start, end);
    const traces = lines.map((line, i) =>
      listingOf(traceSchema.parse(JSON.parse(line)), start + i),
    );
    return { total, traces: traces.reverse() };
  }

  async trace(run: string, index: number): Promise<Trace> {
    const [line] = await this.store(run).readLines('trajectories', index, index + 1);
    if (line !== undefined) return traceSchema.parse(JSON.parse(line));
    throw new InputError(
      'no-trajectory',
      `run ${run}: there is no trajectory ${index}; open the list again`,
    );
  }

  /** The adapter's files. @throws {InputError} when the run has none yet. */
  async adapter(run: string): Promise<Record<string, Uint8Array>> {
    const store = this.store(run);
    const files: Record<string, Uint8Array> = {};
    for (const name of ADAPTER_FILES) {
      const bytes = await store.readFile(`adapter/${name}`);
      if (bytes === null) {
        throw new InputError(
          'no-adapter',
          `run ${run}: it has no adapter yet; let it finish a step first`,
        );
      }
      files[name] = bytes;
    }
    return files;
  }

  async adapterZip(run: string): Promise<Uint8Array<ArrayBuffer>> {
    return writeAdapterZip(await this.adapter(run));
  }

  async remove(run: string): Promise<void> {
    await this.store(run).remove();
    this.#errors.delete(run);
  }
}
