// A result file that is written piece by piece: whole under its name, or not there at all.
import { open, rename, rm, stat } from 'node:fs/promises';
import { errorMessage, InputError } from '../base/errors.ts';
import { systemCode } from './disk.ts';

/**
 * Writes pieces one after the other and gives the file its name when the last is on the medium. What had the name before
 * is replaced.
 * @returns bytes that were written.
 * @throws {InputError} for a place where no file can be; what the pieces throw.
 */
export async function writePieces(
  path: string,
  pieces: AsyncIterable<string | Uint8Array>,
  onWritten: (bytes: number) => void = () => undefined,
): Promise<number> {
  await checkPlace(path);
  const fresh = `${path}.tmp`;
  const file = await open(fresh, 'w').catch((cause: unknown) => {
    throw unwritable(path, errorMessage(cause), cause);
  });
  let bytes = 0;
  let done = false;
  try {
    for await (const piece of pieces) {
      const part = typeof piece === 'string' ? Buffer.from(piece) : piece;
      await file.writeFile(part);
      bytes += part.length;
      onWritten(bytes);
    }
    await file.sync();
    done = true;
  } finally {
    await file.close();
    if (!done) await rm(fresh, { force: true });
  }
  await rename(fresh, path);
  return bytes;
}

async function checkPlace(path: string): Promise<void> {
  const there = await stat(path).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return null;
    throw unwritable(path, errorMessage(error), error);
  });
  if (there?.isDirectory() === true) throw unwritable(path, 'it is a directory');
}

function unwritable(path: string, why: string, cause?: unknown): InputError {
  return new InputError('out', `--out ${path}: cannot be written (${why}); choose another file`, {
    cause,
  });
}
