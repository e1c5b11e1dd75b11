// How much room the page has, and what to say when there is none left.
import { AtlasError, StoreError } from '../base/errors.ts';

export interface StorageUsage {
  usageBytes: number;
  quotaBytes: number;
  /** The browser promised not to clear it under pressure. */
  persisted: boolean;
}

type StorageLike = Pick<StorageManager, 'estimate' | 'persist' | 'persisted'>;

/** What is used and what is there, in bytes. */
export async function storageUsage(storage: StorageLike): Promise<StorageUsage> {
  const { usage = 0, quota = 0 } = await storage.estimate();
  return { usageBytes: usage, quotaBytes: quota, persisted: await storage.persisted() };
}

/** Asks the browser to keep what is stored; false when it refused. */
export async function persistStorage(storage: StorageLike): Promise<boolean> {
  return (await storage.persisted()) || (await storage.persist());
}

/** Runs a write; a full storage becomes an error that says what to delete. */
export async function withQuota<T>(what: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    if (cause instanceof AtlasError) throw cause;
    if (!(cause instanceof Error) || cause.name !== 'QuotaExceededError') throw cause;
    throw new StoreError(
      'quota-exceeded',
      `store ${what}: the browser's storage is full; delete a model file or finished runs on ` +
        'the storage page, then go on with the run: it stands at its last checkpoint',
      { cause },
    );
  }
}
