// Random access to the bytes of a file, wherever it lies: memory, a Blob (File, OPFS) or an HTTP
// server with ranges.
// Must not know what the bytes mean, nor anything of Node.
import { ByteReader } from '../base/byte-reader.ts';
import { errorMessage, ModelFileError } from '../base/errors.ts';

/** A file of `size` bytes. */
export interface ByteSource {
  /** For error messages: a file name or a URL. */
  readonly name: string;
  /** Length in bytes. */
  readonly size: number;
  /**
   * The `length` bytes from `offset` on; the caller may keep them but must not change them.
   * @throws {ModelFileError} when they cannot be read or reach beyond the end.
   */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** What is read, where it is a Blob. */
  readonly blob?: Blob;
}

/** The most that is taken whole from a server that does not answer ranges, in bytes. */
const MAX_WHOLE_BYTES = 64 * 1024 * 1024;

/**
 * Refuses a range that is not inside the source.
 * @throws {ModelFileError} saying how many bytes there are.
 */
export function checkRange(source: ByteSource, offset: number, length: number): void {
  if (offset >= 0 && length >= 0 && offset + length <= source.size) return;
  throw new ModelFileError(
    'file-truncated',
    `${source.name}: got ${source.size} bytes, need ${offset + length}; is this file whole?`,
    { data: { got: source.size, needed: offset + length } },
  );
}

/**
 * The bytes of a source from its beginning to its end, `pieceBytes` at a time or less. A piece holds until the
 * next one is asked for.
 * @param signal asked before each piece is read.
 * @throws {ModelFileError} when they cannot be read, and the signal's reason when it is aborted.
 */
export async function* pieces(
  source: ByteSource,
  pieceBytes: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  if (source.blob !== undefined) {
    yield* blobPieces(source.name, source.blob, pieceBytes, signal);
    return;
  }
  for (let offset = 0; offset < source.size; offset += pieceBytes) {
    signal?.throwIfAborted();
    yield await source.read(offset, Math.min(pieceBytes, source.size - offset));
  }
}

async function* blobPieces(
  name: string,
  blob: Blob,
  pieceBytes: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  const reader = new ByteReader(blob.stream(), pieceBytes);
  try {
    for (;;) {
      signal?.throwIfAborted();
      const piece = await reader.read().catch((cause: unknown) => {
        throw unreadable(name, errorMessage(cause), cause);
      });
      if (piece === undefined) return;
      yield piece;
    }
  } finally {
    // What ended the reading, if it was not its end, is told by itself.
    await reader.cancel().catch(() => undefined);
  }
}

/** A source over bytes in memory. */
export function bytesSource(bytes: Uint8Array<ArrayBuffer>, name = 'memory'): ByteSource {
  const source: ByteSource = {
    name,
    size: bytes.length,
    async read(offset, length) {
      checkRange(source, offset, length);
      return bytes.subarray(offset, offset + length);
    },
  };
  return source;
}

/** A source over a Blob or File. */
export function blobSource(blob: Blob, name = 'file'): ByteSource {
  const source: ByteSource = {
    name,
    size: blob.size,
    blob,
    async read(offset, length) {
      checkRange(source, offset, length);
      try {
        return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
      } catch (cause) {
        throw unreadable(name, errorMessage(cause), cause);
      }
    },
  };
  return source;
}

/**
 * A source over a URL, read by HTTP ranges; a small file is taken whole from a server without
 * ranges.
 * @throws {ModelFileError} when the server refuses, or answers a large file without ranges.
 */
export async function urlSource(
  url: string,
  options: { fetch?: typeof fetch; signal?: AbortSignal } = {},
): Promise<ByteSource> {
  // Two bytes: some servers read the range 0-0 as one without an end, and send the whole file.
  const first = await request(url, 0, 2, options);
  if (first.status !== 206) return bytesSource(await wholeBody(url, first), url);
  await first.arrayBuffer();
  const size = Number(first.headers.get('content-range')?.split('/')[1]);
  if (!Number.isSafeInteger(size) || size <= 0) {
    throw unreadable(url, 'the server answers a range without the file size (Content-Range)');
  }
  const source: ByteSource = {
    name: url,
    size,
    async read(offset, length) {
      checkRange(source, offset, length);
      if (length === 0) return new Uint8Array(0);
      const response = await request(url, offset, length, options);
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (response.status === 206 && bytes.length === length) return bytes;
      throw unreadable(
        url,
        `got ${bytes.length} bytes with status ${response.status}, need ${length} with 206`,
      );
    },
  };
  return source;
}

async function request(
  url: string,
  offset: number,
  length: number,
  options: { fetch?: typeof fetch; signal?: AbortSignal },
): Promise<Response> {
  // Not through the browser's cache: it keeps parts of a file, and once gave such a part to a request for the whole.
  const init: RequestInit = {
    headers: { Range: `bytes=${offset}-${offset + length - 1}` },
    cache: 'no-store',
  };
  if (options.signal) init.signal = options.signal;
  const send = options.fetch ?? fetch;
  const response = await send(url, init).catch((cause: unknown) => {
    throw unreadable(url, errorMessage(cause), cause);
  });
  if (response.status === 200 || response.status === 206) return response;
  throw unreadable(url, `the server answered ${response.status} ${response.statusText}`);
}

async function wholeBody(url: string, response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const announced = Number(response.headers.get('content-length') ?? 0);
  if (announced > MAX_WHOLE_BYTES) {
    throw unreadable(url, `the server answers no ranges and the file has ${announced} bytes`);
  }
  return new Uint8Array(await response.arrayBuffer());
}

function unreadable(name: string, reason: string, cause?: unknown): ModelFileError {
  return new ModelFileError(
    'file-unreadable',
    `${name}: cannot be read: ${reason}; check the address, or choose the file from disk`,
    { cause },
  );
}
