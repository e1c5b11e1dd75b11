// The few operations of a file system that a run's directory needs, so that a test can stop between
// any two of them.
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';

/** Durable operations on paths. Each either has its effect or throws. */
export interface Disk {
  makeDirectory(path: string): Promise<void>;
  /** Writes a whole file and flushes it to the medium. */
  writeFile(path: string, bytes: Uint8Array): Promise<void>;
  /** Flushes a directory's entries to the medium, where the system can. */
  syncDirectory(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file or a whole directory; a missing one is fine. */
  remove(path: string): Promise<void>;
  /** Names in a directory, sorted; empty when it is missing. */
  list(path: string): Promise<string[]>;
}

/** The error code of a system call, or an empty string. */
export function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

async function withFile<T>(path: string, flags: string, use: (file: FileHandle) => Promise<T>) {
  const file = await open(path, flags);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

/** Operations on the machine's own file system. */
export const nodeDisk: Disk = {
  async makeDirectory(path) {
    await mkdir(path, { recursive: true });
  },
  async writeFile(path, bytes) {
    await withFile(path, 'w', async (file) => {
      await file.writeFile(bytes);
      await file.sync();
    });
  },
  async syncDirectory(path) {
    // Windows cannot open a directory as a file; its renames are journalled.
    if (process.platform === 'win32') return;
    await withFile(path, 'r', (directory) => directory.sync());
  },
  rename: (from, to) => rename(from, to),
  async remove(path) {
    await rm(path, { recursive: true, force: true });
  },
  async list(path) {
    try {
      return (await readdir(path)).sort();
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return [];
      throw error;
    }
  },
};
