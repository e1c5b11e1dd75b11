// A file of OPFS that is written and read at any place while it grows: by a sync access handle where the thread has
// one, else by rounds of a writable that keeps what was there. Must not know what the bytes mean.
import { StoreError } from '../base/errors.ts';
import type { FileHandle, SyncHandle, WritableFile } from './directory.ts';

export interface RandomFile {
  /** What was written shows to `read` and outlives the tab only after `flush`. */
  write(offset: number, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** The bytes from `offset` on; fewer at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Fills `bytes` from `offset` on: a buffer that is used again is no garbage. @returns how many there were. */
  readInto(offset: number, bytes: Uint8Array<ArrayBuffer>): Promise<number>;
  truncate(sizeBytes: number): Promise<void>;
  flush(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a file for this thread alone.
 * @param name for messages.
 * @throws {StoreError} when another tab has it open.
 */
export async function openRandomFile(handle: FileHandle, name: string): Promise<RandomFile> {
  if (handle.createSyncAccessHandle === undefined) return new WritableRounds(handle);
  try {
    return syncFile(await handle.createSyncAccessHandle(), name);
  } catch (cause) {
    if (!(cause instanceof Error) || cause.name !== 'NoModificationAllowedError') throw cause;
    throw new StoreError(
      'file-busy',
      `${name}: another tab of this page writes it; go on there, or close that tab`,
      { cause },
    );
  }
}

function syncFile(handle: SyncHandle, name: string): RandomFile {
  return {
    async write(offset, bytes) {
      const written = handle.write(bytes, { at: offset });
      if (written === bytes.length) return;
      const full = new Error(`${name}: ${written} of ${bytes.length} bytes were written`);
      full.name = 'QuotaExceededError';
      throw full;
    },
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, handle.read(bytes, { at: offset }));
    },
    readInto: async (offset, bytes) => handle.read(bytes, { at: offset }),
    truncate: async (sizeBytes) => handle.truncate(sizeBytes),
    flush: async () => handle.flush(),
    close: async () => handle.close(),
  };
}

/** One writable from flush to flush; writes wait for each other, since two writables would lose one's bytes. */
class WritableRounds implements RandomFile {
  readonly #handle: FileHandle;
  #writable: WritableFile | null = null;
  #last: Promise<void> = Promise.resolve();

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  write(offset: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#inTurn(async () => {
      const writable = await this.#open();
      await writable.seek(offset);
      await writable.write(bytes);
    });
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const file = await this.#handle.getFile();
    return new Uint8Array(await file.slice(offset, offset + length).arrayBuffer());
  }

  async readInto(offset: number, bytes: Uint8Array<ArrayBuffer>): Promise<number> {
    const found = await this.read(offset, bytes.length);
    bytes.set(found);
    return found.length;
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#inTurn(async () => (await this.#open()).truncate(sizeBytes));
  }

  flush(): Promise<void> {
    return this.#inTurn(async () => {
      const writable = this.#writable;
      this.#writable = null;
      await writable?.close();
    });
  }

  close(): Promise<void> {
    return this.flush();
  }

  async #open(): Promise<WritableFile> {
    this.#writable ??= await this.#handle.createWritable({ keepExistingData: true });
    return this.#writable;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(work);
    // Its own caller hears of a failure; the next one in the queue must not.
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
