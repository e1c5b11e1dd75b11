// The IndexedDB schema of the page (that of its service worker is in episode-states.ts). A version is a list entry: what it
// changes, from the one before.
import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import { StoreError } from '../base/errors.ts';
import type { Json, JsonObject } from '../trajectory/json.ts';
import type { Task } from '../trajectory/task.ts';

/** An experiment as it was saved; `hash` is the hash of its canonical JSON. */
export interface ExperimentRecord {
  hash: string;
  name: string;
  settings: JsonObject;
}

/**
 * A run: `id` names its folder and its log lines. `savedAt` is in milliseconds since 1970, given by
 * the caller.
 */
export interface RunRecord {
  id: string;
  experiment: string;
  name: string;
  status: 'running' | 'paused' | 'done' | 'failed';
  savedAt: number;
}

/** One line of a log of a run; lines count from 0. */
export interface LogRecord {
  run: string;
  index: number;
  line: string;
}

export interface AtlasSchema extends DBSchema {
  experiments: { key: string; value: ExperimentRecord };
  runs: { key: string; value: RunRecord; indexes: { experiment: string } };
  tasks: { key: string; value: Task; indexes: { split: string } };
  traces: { key: [string, number]; value: LogRecord };
  metrics: { key: [string, number]; value: LogRecord };
  timings: { key: [string, number]; value: LogRecord };
  settings: { key: string; value: { key: string; value: Json } };
}

export type AtlasDatabase = IDBPDatabase<AtlasSchema>;

/**
 * MIGRATIONS[v] takes a database from version v to v + 1. Entries are never changed, only added.
 */
const MIGRATIONS: readonly ((database: AtlasDatabase) => void)[] = [
  (database) => {
    database.createObjectStore('experiments', { keyPath: 'hash' });
    database.createObjectStore('runs', { keyPath: 'id' }).createIndex('experiment', 'experiment');
    database.createObjectStore('tasks', { keyPath: 'id' }).createIndex('split', 'split');
    database.createObjectStore('traces', { keyPath: ['run', 'index'] });
    database.createObjectStore('metrics', { keyPath: ['run', 'index'] });
    database.createObjectStore('settings', { keyPath: 'key' });
  },
  (database) => {
    database.createObjectStore('timings', { keyPath: ['run', 'index'] });
  },
];

/** The version that this code reads and writes. */
export const DATABASE_VERSION = MIGRATIONS.length;

/**
 * Opens the database and brings it to the newest version.
 * @param upTo stop at an earlier version (to make an old database).
 * @throws {StoreError} when it was written by a newer version of the page, or another tab keeps an
 * old one open.
 */
export async function openDatabase(
  name = 'pocket-atlas',
  upTo: number = DATABASE_VERSION,
): Promise<AtlasDatabase> {
  let refuse: (error: StoreError) => void = () => undefined;
  const blocked = new Promise<never>((_, reject) => {
    refuse = reject;
  });
  const opened = openDB<AtlasSchema>(name, upTo, {
    upgrade(database, from) {
      for (const migrate of MIGRATIONS.slice(from, upTo)) migrate(database);
    },
    blocked() {
      refuse(
        new StoreError(
          'database-blocked',
          `database ${name}: another tab keeps an older version open; close that tab and reload`,
        ),
      );
    },
    blocking(_current, _blocked, event) {
      // A newer page waits: make way, as nothing can be lost between two transactions.
      if (event.target instanceof IDBDatabase) event.target.close();
    },
  });
  try {
    return await Promise.race([opened, blocked]);
  } catch (cause) {
    if (cause instanceof StoreError) throw cause;
    if (cause instanceof Error && cause.name === 'VersionError') {
      throw new StoreError(
        'database-newer',
        `database ${name}: got one of a newer version, need ${upTo}; reload the page to get ` +
          'the newest version of it',
        { cause },
      );
    }
    throw cause;
  }
}
