// A tree of files in memory with the interface and the atomic writes of OPFS: what is written by a writable shows at
// close; a sync access handle, where there are any, writes in place and is alone on its file.
import type {
  DirectoryHandle,
  FileHandle,
  SyncHandle,
  WritableFile,
} from '../../src/store/directory.ts';

function named(name: string, message: string): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}

/** `old` with `bytes` at an offset, grown where needed. */
function patched(
  old: Uint8Array<ArrayBuffer>,
  offset: number,
  bytes: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const patch = new Uint8Array(Math.max(old.length, offset + bytes.length));
  patch.set(old);
  patch.set(bytes, offset);
  return patch;
}

function cut(old: Uint8Array<ArrayBuffer>, sizeBytes: number): Uint8Array<ArrayBuffer> {
  return patched(old.slice(0, sizeBytes), sizeBytes, new Uint8Array());
}

export interface MemoryOptions {
  /** Writes beyond this many bytes fail like a full disk. */
  quotaBytes?: number;
  /** Called before each change; may throw to end the process there. */
  onChange?: () => void;
  /** Files give sync access handles, as in a worker. */
  sync?: boolean;
}

/** A directory in memory. */
export class MemoryDirectory implements DirectoryHandle {
  readonly folders = new Map<string, MemoryDirectory>();
  readonly files = new Map<string, Uint8Array<ArrayBuffer>>();
  /** Files with an open sync access handle. */
  readonly locked = new Set<string>();
  readonly options: MemoryOptions;

  constructor(options: MemoryOptions = {}) {
    this.options = options;
  }

  async getDirectoryHandle(name: string, { create = false } = {}): Promise<MemoryDirectory> {
    const known = this.folders.get(name);
    if (known !== undefined) return known;
    if (!create) throw named('NotFoundError', `no ${name}`);
    this.options.onChange?.();
    const made = new MemoryDirectory(this.options);
    this.folders.set(name, made);
    return made;
  }

  async getFileHandle(name: string, { create = false } = {}): Promise<FileHandle> {
    if (!this.files.has(name)) {
      if (!create) throw named('NotFoundError', `no ${name}`);
      this.options.onChange?.();
      this.files.set(name, new Uint8Array());
    }
    return {
      getFile: async () => new Blob([this.#bytes(name)]),
      createWritable: async ({ keepExistingData = false } = {}) =>
        this.#writable(name, keepExistingData ? this.#bytes(name) : new Uint8Array()),
      ...(this.options.sync === true ? { createSyncAccessHandle: () => this.#sync(name) } : {}),
    };
  }

  #bytes(name: string): Uint8Array<ArrayBuffer> {
    return this.files.get(name) ?? new Uint8Array();
  }

  #checkQuota({ length }: Uint8Array): void {
    const { quotaBytes = Number.POSITIVE_INFINITY } = this.options;
    if (length > quotaBytes) throw named('QuotaExceededError', 'full');
  }

  #writable(name: string, start: Uint8Array<ArrayBuffer>): WritableFile {
    let pending = start;
    let position = 0;
    return {
      seek: async (to) => {
        position = to;
      },
      write: async (bytes) => {
        const next = patched(pending, position, bytes);
        this.#checkQuota(next);
        pending = next;
        position += bytes.length;
      },
      truncate: async (sizeBytes) => {
        pending = cut(pending, sizeBytes);
      },
      close: async () => {
        this.options.onChange?.();
        this.files.set(name, pending);
      },
    };
  }

  async #sync(name: string): Promise<SyncHandle> {
    if (this.locked.has(name)) throw named('NoModificationAllowedError', `${name} is open`);
    this.locked.add(name);
    return {
      read: (bytes, { at }) => {
        const found = this.#bytes(name).subarray(at, at + bytes.length);
        bytes.set(found);
        return found.length;
      },
      write: (bytes, { at }) => {
        const next = patched(this.#bytes(name), at, bytes);
        this.#checkQuota(next);
        this.files.set(name, next);
        return bytes.length;
      },
      truncate: (sizeBytes) => void this.files.set(name, cut(this.#bytes(name), sizeBytes)),
      flush: () => undefined,
      close: () => void this.locked.delete(name),
    };
  }

  async removeEntry(name: string): Promise<void> {
    if (!this.files.has(name) && !this.folders.has(name))
      throw named('NotFoundError', `no ${name}`);
    if (this.locked.has(name) || (this.folders.get(name)?.locked.size ?? 0) > 0) {
      throw named('NoModificationAllowedError', `${name} is open`);
    }
    this.options.onChange?.();
    this.files.delete(name);
    this.folders.delete(name);
  }

  async *keys(): AsyncIterable<string> {
    yield* this.folders.keys();
    yield* this.files.keys();
  }
}
