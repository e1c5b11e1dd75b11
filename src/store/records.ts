// Experiments, runs, tasks and settings: whole records by key. Log lines and files of a run are in
// run-store.ts.
import type { Json } from '../trajectory/json.ts';
import { type Task, taskSchema } from '../trajectory/task.ts';
import type { AtlasDatabase, ExperimentRecord, RunRecord } from './database.ts';
import { withQuota } from './quota.ts';

/** The page's records. */
export class Records {
  readonly #database: AtlasDatabase;

  constructor(database: AtlasDatabase) {
    this.#database = database;
  }

  async saveExperiment(record: ExperimentRecord): Promise<void> {
    await withQuota(`experiment ${record.name}`, () => this.#database.put('experiments', record));
  }

  async experiment(hash: string): Promise<ExperimentRecord | null> {
    return (await this.#database.get('experiments', hash)) ?? null;
  }

  experiments(): Promise<ExperimentRecord[]> {
    return this.#database.getAll('experiments');
  }

  async saveRun(record: RunRecord): Promise<void> {
    await withQuota(`run ${record.name}`, () => this.#database.put('runs', record));
  }

  async run(id: string): Promise<RunRecord | null> {
    return (await this.#database.get('runs', id)) ?? null;
  }

  /** All runs, the newest first. */
  async runs(): Promise<RunRecord[]> {
    const runs = await this.#database.getAll('runs');
    return runs.sort((a, b) => b.savedAt - a.savedAt || (a.id < b.id ? -1 : 1));
  }

  async saveTasks(tasks: readonly Task[]): Promise<void> {
    await withQuota(`${tasks.length} tasks`, async () => {
      const transaction = this.#database.transaction('tasks', 'readwrite');
      await Promise.all([...tasks.map((task) => transaction.store.put(task)), transaction.done]);
    });
  }

  /** @throws {ZodError} for a task that does not fit the schema any more. */
  async tasks(split: Task['split']): Promise<Task[]> {
    const tasks = await this.#database.getAllFromIndex('tasks', 'split', split);
    return tasks.map((task) => taskSchema.parse(task));
  }

  /** A setting, or `fallback` when it was never saved. */
  async setting<T extends Json>(key: string, fallback: T): Promise<Json | T> {
    return (await this.#database.get('settings', key))?.value ?? fallback;
  }

  async saveSetting(key: string, value: Json): Promise<void> {
    await withQuota(`setting ${key}`, () => this.#database.put('settings', { key, value }));
  }
}
