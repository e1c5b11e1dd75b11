// The part of OPFS that the store uses, as an interface: FileSystemDirectoryHandle fits it, and so
// does any other tree of files with atomic writes.

export interface WritableFile {
  /** Moves to where the next bytes go. */
  seek(position: number): Promise<void>;
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  /** Puts what was written in place of the old content, at once and whole. */
  close(): Promise<void>;
}

/** A file that is written in place; no other one is open on it meanwhile. */
export interface SyncHandle {
  read(bytes: Uint8Array<ArrayBuffer>, options: { at: number }): number;
  write(bytes: Uint8Array<ArrayBuffer>, options: { at: number }): number;
  truncate(sizeBytes: number): void;
  flush(): void;
  close(): void;
}

export interface FileHandle {
  getFile(): Promise<Blob>;
  createWritable(options?: { keepExistingData?: boolean }): Promise<WritableFile>;
  /** Only in dedicated workers, and not in every browser. */
  createSyncAccessHandle?(): Promise<SyncHandle>;
}

export interface DirectoryHandle {
  getDirectoryHandle(name: string, options?: { create?: boolean }): Promise<DirectoryHandle>;
  getFileHandle(name: string, options?: { create?: boolean }): Promise<FileHandle>;
  removeEntry(name: string, options?: { recursive?: boolean }): Promise<void>;
  keys(): AsyncIterable<string>;
}

export function isNotFound(error: unknown): boolean {
  return error instanceof Error && error.name === 'NotFoundError';
}

/** The folder at `parts`, or null when one of them is missing. */
export async function findFolder(
  root: DirectoryHandle,
  parts: readonly string[],
): Promise<DirectoryHandle | null> {
  let folder = root;
  try {
    for (const part of parts) folder = await folder.getDirectoryHandle(part);
    return folder;
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

/** The folder at `parts`, made where it is missing. */
export async function makeFolder(
  root: DirectoryHandle,
  parts: readonly string[],
): Promise<DirectoryHandle> {
  let folder = root;
  for (const part of parts) folder = await folder.getDirectoryHandle(part, { create: true });
  return folder;
}

/** Writes a whole file at `path` (`a/b/c`), making its folders. */
export async function writeFileAt(
  root: DirectoryHandle,
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  const parts = path.split('/');
  const folder = await makeFolder(root, parts.slice(0, -1));
  const file = await folder.getFileHandle(parts.at(-1) ?? '', { create: true });
  const writable = await file.createWritable();
  await writable.write(new Uint8Array(bytes));
  await writable.close();
}

/** The bytes of the file at `path`, or null when it is missing. */
export async function readFileAt(root: DirectoryHandle, path: string): Promise<Uint8Array | null> {
  const parts = path.split('/');
  const folder = await findFolder(root, parts.slice(0, -1));
  if (folder === null) return null;
  try {
    const file = await (await folder.getFileHandle(parts.at(-1) ?? '')).getFile();
    return new Uint8Array(await file.arrayBuffer());
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

/** Removes a file or folder in a folder; a missing one is fine. */
export async function removeFrom(folder: DirectoryHandle, name: string): Promise<void> {
  try {
    await folder.removeEntry(name, { recursive: true });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
