// A tree of files in memory with the interface and the atomic writes of OPFS: what is written shows
// at close.
import type { DirectoryHandle, FileHandle } from '../../src/store/directory.ts';

function notFound(name: string): Error {
  const error = new Error(`no ${name}`);
  error.name = 'NotFoundError';
  return error;
}

export interface MemoryOptions {
  /** Writes beyond this many bytes fail like a full disk. */
  quotaBytes?: number;
  /** Called before each change; may throw to end the process there. */
  onChange?: () => void;
}

/** A directory in memory. */
export class MemoryDirectory implements DirectoryHandle {
  readonly folders = new Map<string, MemoryDirectory>();
  readonly files = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly options: MemoryOptions;

  constructor(options: MemoryOptions = {}) {
    this.options = options;
  }

  async getDirectoryHandle(name: string, { create = false } = {}): Promise<MemoryDirectory> {
    const known = this.folders.get(name);
    if (known !== undefined) return known;
    if (!create) throw notFound(name);
    this.options.onChange?.();
    const made = new MemoryDirectory(this.options);
    this.folders.set(name, made);
    return made;
  }

  async getFileHandle(name: string, { create = false } = {}): Promise<FileHandle> {
    if (!this.files.has(name)) {
      if (!create) throw notFound(name);
      this.options.onChange?.();
      this.files.set(name, new Uint8Array());
    }
    return {
      getFile: async () => {
        const bytes = this.files.get(name) ?? new Uint8Array();
        return { size: bytes.length, arrayBuffer: async () => bytes.slice().buffer };
      },
      createWritable: async () => {
        let pending: Uint8Array<ArrayBuffer> = new Uint8Array();
        return {
          write: async (bytes) => {
            if (bytes.length > (this.options.quotaBytes ?? Number.POSITIVE_INFINITY)) {
              const error = new Error('full');
              error.name = 'QuotaExceededError';
              throw error;
            }
            pending = bytes.slice();
          },
          close: async () => {
            this.options.onChange?.();
            this.files.set(name, pending);
          },
        };
      },
    };
  }

  async removeEntry(name: string): Promise<void> {
    if (!this.files.has(name) && !this.folders.has(name)) throw notFound(name);
    this.options.onChange?.();
    this.files.delete(name);
    this.folders.delete(name);
  }

  async *keys(): AsyncIterable<string> {
    yield* this.folders.keys();
    yield* this.files.keys();
  }
}
