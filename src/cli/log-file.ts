// One append-only file of JSON lines. Knows nothing of what a line says.
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { StoreError } from '../base/errors.ts';
import { systemCode } from './disk.ts';

const NEWLINE = 10;
const CHUNK_BYTES = 1 << 16;

/** Byte offset just behind the `lines`-th newline, and how many newlines were met on the way. */
async function offsetOf(file: FileHandle, lines: number): Promise<{ end: number; found: number }> {
  const chunk = new Uint8Array(CHUNK_BYTES);
  let found = 0;
  let end = 0;
  for (let position = 0; found < lines; ) {
    const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, position);
    if (bytesRead === 0) break;
    for (let i = 0; i < bytesRead && found < lines; i++) {
      if (chunk[i] !== NEWLINE) continue;
      found++;
      end = position + i + 1;
    }
    position += bytesRead;
  }
  return { end, found };
}

/** A log in a file: opened at the first append and kept open until `close`. */
export class LogFile {
  readonly #path: string;
  #handle: FileHandle | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  async append(line: string): Promise<void> {
    this.#handle ??= await open(this.#path, 'a');
    await this.#handle.writeFile(`${line}\n`);
  }

  /** Flushes what was appended to the medium. */
  async flush(): Promise<void> {
    await this.#handle?.sync();
  }

  /** Whole lines; a half-written last one is left out. */
  async read(): Promise<string[]> {
    try {
      const text = await readFile(this.#path, 'utf8');
      return text
        .slice(0, text.lastIndexOf('\n') + 1)
        .split('\n')
        .slice(0, -1);
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return [];
      throw error;
    }
  }

  /**
   * Cuts the file to its first `lines` lines, and with them a half-written last one.
   * @throws {StoreError} when the file has fewer whole lines.
   */
  async truncate(lines: number): Promise<void> {
    await this.close();
    const file = await open(this.#path, 'a+');
    try {
      const { end, found } = await offsetOf(file, lines);
      if (found < lines) {
        throw new StoreError(
          'log-short',
          `${this.#path}: got ${found} whole lines, need the ${lines} that the checkpoint ` +
            'counts; the log was changed after it, so start the run anew in an empty directory',
        );
      }
      await file.truncate(end);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    await handle?.close();
  }
}
