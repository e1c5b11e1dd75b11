// Where tokens are kept while the tab is open: memory or the session storage of the tab, never a database, a link or a file.
// Knows no protocol.

/** Values by name. The page may implement it over its own session storage; calls may cross a worker's border. */
export interface SecretStore {
  get(key: string): string | null | Promise<string | null>;
  set(key: string, value: string): void | Promise<void>;
  delete(key: string): void | Promise<void>;
}

/** Gone with the worker or the process. */
export function memorySecrets(): SecretStore {
  const values = new Map<string, string>();
  return {
    get: (key) => values.get(key) ?? null,
    set: (key, value) => {
      values.set(key, value);
    },
    delete: (key) => {
      values.delete(key);
    },
  };
}

/** What of the DOM's Storage is used. */
export type SessionStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** Gone with the tab: give it `sessionStorage`. */
export function sessionSecrets(storage: SessionStorage): SecretStore {
  return {
    get: (key) => storage.getItem(key),
    set: (key, value) => storage.setItem(key, value),
    delete: (key) => storage.removeItem(key),
  };
}
