// What servers of this page kept of their episodes. A database of its own: a service worker has it open beside pages of other
// versions, which must be free to bring theirs to a newer schema. Knows no server.
import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { ServerState } from '../trajectory/server-state.ts';
import { withQuota } from './quota.ts';

interface StatesSchema extends DBSchema {
  states: {
    key: string;
    /** `order` grows with each write: the smallest is the one unused longest. */
    value: ServerState & { key: string; order: number };
    indexes: { order: number };
  };
}

const NAME = 'pocket-atlas-episodes';
const VERSION = 1;
/** An episode shows up to about ten servers. */
const MAX_STATES = 1000;

/** States by key; beyond a number of them the one unused longest is dropped. */
export class EpisodeStates {
  readonly #database: IDBPDatabase<StatesSchema>;
  readonly #most: number;

  private constructor(database: IDBPDatabase<StatesSchema>, most: number) {
    this.#database = database;
    this.#most = most;
  }

  /** @param onClosed the browser closed it by itself, as when a site's data are cleared: it has to be opened anew. */
  static async open(onClosed: () => void, name = NAME, most = MAX_STATES): Promise<EpisodeStates> {
    const database = await openDB<StatesSchema>(name, VERSION, {
      terminated: onClosed,
      upgrade(opened) {
        opened.createObjectStore('states', { keyPath: 'key' }).createIndex('order', 'order');
      },
    });
    return new EpisodeStates(database, most);
  }

  async read(key: string): Promise<ServerState | null> {
    const found = await this.#database.get('states', key);
    if (found === undefined) return null;
    const { tag, state, wasBusy } = found;
    return { tag, state, wasBusy };
  }

  async write(key: string, { tag, state, wasBusy }: ServerState): Promise<void> {
    await withQuota(`episode ${key}`, async () => {
      const transaction = this.#database.transaction('states', 'readwrite');
      const { store } = transaction;
      const newest = await store.index('order').openKeyCursor(null, 'prev');
      await store.put({ key, tag, state, wasBusy, order: Number(newest?.key ?? 0) + 1 });
      if ((await store.count()) > this.#most) {
        const oldest = await store.index('order').getKey(IDBKeyRange.lowerBound(0));
        if (oldest !== undefined) await store.delete(oldest);
      }
      await transaction.done;
    });
  }

  async remove(key: string): Promise<void> {
    await this.#database.delete('states', key);
  }

  close(): void {
    this.#database.close();
  }
}
