// One file of a server into one file of OPFS: in parallel parts by HTTP ranges, or as one stream from a server without
// them. What has come is recorded beside the file, so that a broken download goes on. Must not know what the file is.
import { z } from 'zod';
import { ModelFileError } from '../base/errors.ts';
import type { ByteSource } from '../weights/byte-source.ts';
import { ArrivingSource } from './arriving-source.ts';
import { type DirectoryHandle, readFileAt, removeFrom, writeFileAt } from './directory.ts';
import { exchange, type Net, PassingError, readBody, withRetries } from './http.ts';
import { openRandomFile, type RandomFile } from './random-file.ts';

export interface RemoteFile {
  /** File name in the store. */
  name: string;
  url: string;
  /** Null when only the server knows. */
  sizeBytes: number | null;
  /** Of the content, hex; null when nobody told. */
  sha256: string | null;
}

export interface DownloadOptions {
  net: Net;
  signal: AbortSignal;
  onBytes: (doneBytes: number, totalBytes: number | null) => void;
  /** Sees the file while it comes; what it throws ends the download. */
  check?: (source: ByteSource) => Promise<void>;
  partBytes?: number;
  /** Parts in flight. */
  parallel?: number;
}

/** What a closed tab loses of each lane, so not larger; each part costs a request, so not smaller. */
const PART_BYTES = 8 * 1024 * 1024;
const PARALLEL = 4;
const FIRST_TRIES = 3;
const TRIES = 6;
const MAX_RESTARTS = 2;

const partsSchema = z.object({
  v: z.literal(1),
  url: z.string(),
  sizeBytes: z.number().int().positive(),
  /** ETag, else Last-Modified; null when the server tells neither. */
  version: z.string().nullable(),
  partBytes: z.number().int().positive(),
  /** Indices of the parts that are there, in the order they came. */
  done: z.array(z.number().int().nonnegative()),
});
type Parts = z.infer<typeof partsSchema>;

interface Found {
  sizeBytes: number | null;
  version: string | null;
  ranges: boolean;
}

/** The file on the server is another one than the parts that are here. */
class ChangedError extends ModelFileError {}

function partsName(file: string): string {
  return `${file}.parts.json`;
}

/** How much of a file has come, as recorded; 0 when nothing was. */
export async function downloadedBytes(folder: DirectoryHandle, file: string): Promise<number> {
  const parts = await readParts(folder, file);
  return parts === null ? 0 : doneBytes(parts);
}

async function readParts(folder: DirectoryHandle, file: string): Promise<Parts | null> {
  const bytes = await readFileAt(folder, partsName(file));
  if (bytes === null) return null;
  return partsSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
}

function lengthOf({ sizeBytes, partBytes }: Parts, part: number): number {
  return Math.min(partBytes, sizeBytes - part * partBytes);
}

function doneBytes(parts: Parts): number {
  return parts.done.reduce((sum, part) => sum + lengthOf(parts, part), 0);
}

/**
 * Brings a file into `folder`, going on where an earlier download stopped.
 * @returns its size in bytes.
 * @throws {ModelFileError} when the server refuses or the file is not what was asked for, StoreError when it cannot be
 * kept, the signal's reason when that ends it.
 */
export async function downloadFile(
  folder: DirectoryHandle,
  remote: RemoteFile,
  options: DownloadOptions,
): Promise<number> {
  const handle = await folder.getFileHandle(remote.name, { create: true });
  const file = await openRandomFile(handle, remote.name);
  try {
    for (let restarts = 0; ; restarts++) {
      try {
        return await new Download(folder, file, remote, options).run();
      } catch (error) {
        if (!(error instanceof ChangedError) || restarts === MAX_RESTARTS) throw error;
        await removeFrom(folder, partsName(remote.name));
      }
    }
  } finally {
    await file.close();
  }
}

/** Forgets which parts of a file are there: it is whole. */
export function forgetParts(folder: DirectoryHandle, file: string): Promise<void> {
  return removeFrom(folder, partsName(file));
}

class Download {
  readonly #folder: DirectoryHandle;
  readonly #file: RandomFile;
  readonly #remote: RemoteFile;
  readonly #options: DownloadOptions;
  /** Bytes written, recorded or not. */
  #written = 0;
  #records: Promise<void> = Promise.resolve();

  constructor(
    folder: DirectoryHandle,
    file: RandomFile,
    remote: RemoteFile,
    options: DownloadOptions,
  ) {
    this.#folder = folder;
    this.#file = file;
    this.#remote = remote;
    this.#options = options;
  }

  async run(): Promise<number> {
    const { net, signal } = this.#options;
    const found = await withRetries(() => this.#probe(), { net, signal, tries: FIRST_TRIES });
    const told = this.#remote.sizeBytes;
    if (found.sizeBytes !== null && told !== null && found.sizeBytes !== told) {
      throw wrongSize(this.#remote.url, found.sizeBytes, told);
    }
    const sizeBytes = found.sizeBytes ?? told;
    if (sizeBytes === 0) throw wrongSize(this.#remote.url, 0, 1);
    if (found.ranges && sizeBytes !== null) {
      await this.#byParts(await this.#partsFor(found, sizeBytes));
      return sizeBytes;
    }
    return this.#asStream(sizeBytes);
  }

  /** Asks for one byte: does the server answer ranges, and what does it say of the file? */
  #probe(): Promise<Found> {
    const { url } = this.#remote;
    const init = { headers: { Range: 'bytes=0-0' } };
    return exchange(url, init, this.#options, async (response) => {
      await response.body?.cancel();
      if (response.headers.get('content-type')?.includes('text/html') === true) {
        throw new ModelFileError(
          'download-html',
          `${url}: got a web page, need a GGUF file; take the address of the download itself`,
        );
      }
      const ranges = response.status === 206;
      const version = versionOf(response);
      if (!ranges) return { ranges, version, sizeBytes: contentLength(response) };
      const total = Number(response.headers.get('content-range')?.split('/')[1] ?? Number.NaN);
      // A server may answer ranges and yet not let other pages read Content-Range.
      const sizeBytes = Number.isSafeInteger(total) ? total : await this.#sizeByHead();
      return { ranges, version, sizeBytes };
    });
  }

  #sizeByHead(): Promise<number | null> {
    return exchange(this.#remote.url, { method: 'HEAD' }, this.#options, async (response) =>
      contentLength(response),
    );
  }

  /** The parts that are there, if they are of this very file; else none. */
  async #partsFor({ version }: Found, sizeBytes: number): Promise<Parts> {
    const { name, url, sha256 } = this.#remote;
    const kept = await readParts(this.#folder, name);
    // With a known hash the end tells whether the parts fit together; without it the server's word is needed.
    const sameFile = sha256 !== null || (version !== null && kept?.version === version);
    if (kept !== null && sameFile && kept.url === url && kept.sizeBytes === sizeBytes) return kept;
    await this.#file.truncate(0);
    const { partBytes = PART_BYTES } = this.#options;
    return { v: 1, url, sizeBytes, version, partBytes, done: [] };
  }

  async #byParts(parts: Parts): Promise<void> {
    const count = Math.ceil(parts.sizeBytes / parts.partBytes);
    const missing = Array.from({ length: count }, (_, part) => part).filter(
      (part) => !parts.done.includes(part),
    );
    this.#written = doneBytes(parts);
    this.#tell(parts.sizeBytes);
    await this.#record(parts);
    const lane = async (signal: AbortSignal, source: ArrivingSource): Promise<void> => {
      for (let part = missing.shift(); part !== undefined; part = missing.shift()) {
        await this.#fetchPart(parts, part, signal);
        await this.#file.flush();
        parts.done.push(part);
        await this.#record(parts);
        source.arrived(prefixBytes(parts));
      }
    };
    const { parallel = PARALLEL } = this.#options;
    const lanes = Array.from({ length: Math.min(parallel, missing.length) }, () => lane);
    await this.#together(parts.sizeBytes, lanes, prefixBytes(parts));
    await this.#file.truncate(parts.sizeBytes);
    await this.#file.flush();
  }

  /** A part whose connection breaks goes on behind the bytes that came. */
  async #fetchPart(parts: Parts, part: number, signal: AbortSignal): Promise<void> {
    const { url } = this.#remote;
    const { net } = this.#options;
    const begin = part * parts.partBytes;
    const length = lengthOf(parts, part);
    let got = 0;
    const attempt = (): Promise<void> => {
      const init = { headers: { Range: `bytes=${begin + got}-${begin + length - 1}` } };
      return exchange(url, init, { net, signal }, async (response, line) => {
        await this.#checkPart(response, parts, begin + got);
        await readBody(url, response, line, async (bytes) => {
          if (got + bytes.length > length) throw wrongSize(url, got + bytes.length, length);
          await this.#file.write(begin + got, bytes);
          got += bytes.length;
          this.#written += bytes.length;
          this.#tell(parts.sizeBytes);
        });
        if (got < length) throw brokeOff(url, begin + got, parts.sizeBytes);
      });
    };
    await withRetries(attempt, { net, signal, tries: TRIES, done: () => got });
  }

  async #checkPart(response: Response, parts: Parts, begin: number): Promise<void> {
    const { url, sha256 } = this.#remote;
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
    const [, start = String(begin), total = '*'] = range ?? [];
    const otherVersion = sha256 === null && versionOf(response) !== parts.version;
    const otherSize = total !== '*' && Number(total) !== parts.sizeBytes;
    const fits = response.status === 206 && Number(start) === begin;
    if (fits && !otherVersion && !otherSize) return;
    await response.body?.cancel();
    if (otherVersion || otherSize) {
      throw new ChangedError(
        'download-changed',
        `${url}: the file changes while it is downloaded; try again when it stands still`,
      );
    }
    throw new PassingError(
      'download-ranges',
      `${url}: got status ${response.status} from ${start} on, need 206 from ${begin} on; try ` +
        'again later',
    );
  }

  /** Nothing of it can be used after a break: each try starts anew. */
  async #asStream(sizeBytes: number | null): Promise<number> {
    const { url, name } = this.#remote;
    const { net, partBytes = PART_BYTES } = this.#options;
    await removeFrom(this.#folder, partsName(name));
    const lane = (signal: AbortSignal, source: ArrivingSource | null): Promise<void> => {
      const attempt = async (): Promise<void> => {
        this.#written = 0;
        let flushed = 0;
        await this.#file.truncate(0);
        await exchange(url, {}, { net, signal }, (response, line) =>
          readBody(url, response, line, async (bytes) => {
            await this.#file.write(this.#written, bytes);
            this.#written += bytes.length;
            this.#tell(sizeBytes);
            if (source === null || this.#written < flushed + partBytes) return;
            await this.#file.flush();
            flushed = this.#written;
            source.arrived(flushed);
          }),
        );
        if (sizeBytes !== null && this.#written < sizeBytes) {
          throw brokeOff(url, this.#written, sizeBytes);
        }
        if (sizeBytes !== null && this.#written > sizeBytes) {
          throw wrongSize(url, this.#written, sizeBytes);
        }
        await this.#file.flush();
        source?.arrived(this.#written);
      };
      return withRetries(attempt, { net, signal, tries: FIRST_TRIES });
    };
    this.#tell(sizeBytes);
    if (sizeBytes === null) await lane(this.#options.signal, null);
    else await this.#together(sizeBytes, [lane], 0);
    return this.#written;
  }

  /** Runs the lanes and the check side by side; the first failure ends all of them, and is thrown. */
  async #together(
    size: number,
    lanes: ((signal: AbortSignal, source: ArrivingSource) => Promise<void>)[],
    arrivedBytes: number,
  ): Promise<void> {
    const failed = new AbortController();
    const signal = AbortSignal.any([this.#options.signal, failed.signal]);
    const read = (offset: number, length: number) => this.#file.read(offset, length);
    const source = new ArrivingSource({ name: this.#remote.name, size, read }, signal);
    source.arrived(arrivedBytes);
    const work = lanes.map((lane) => lane(signal, source));
    const { check } = this.#options;
    if (check !== undefined) work.push(check(source));
    const stop = (error: unknown): void => failed.abort(error);
    await Promise.allSettled(work.map((task) => task.catch(stop)));
    this.#options.signal.throwIfAborted();
    if (failed.signal.aborted) throw failed.signal.reason;
  }

  /** Records wait for each other: the last one must be the newest. */
  #record(parts: Parts): Promise<void> {
    const bytes = new TextEncoder().encode(JSON.stringify(parts));
    const name = partsName(this.#remote.name);
    this.#records = this.#records.then(() => writeFileAt(this.#folder, name, bytes));
    return this.#records;
  }

  #tell(totalBytes: number | null): void {
    this.#options.onBytes(this.#written, totalBytes);
  }
}

/** Bytes from the start of the file on without a gap. */
function prefixBytes(parts: Parts): number {
  const done = new Set(parts.done);
  let bytes = 0;
  for (let part = 0; done.has(part); part++) bytes += lengthOf(parts, part);
  return bytes;
}

function versionOf(response: Response): string | null {
  return response.headers.get('etag') ?? response.headers.get('last-modified');
}

/** Null also for a packed body, whose length says nothing of the file's. */
function contentLength({ headers }: Response): number | null {
  const length = headers.get('content-length');
  return length === null || headers.has('content-encoding') ? null : Number(length);
}

function brokeOff(url: string, got: number, needed: number): PassingError {
  return new PassingError(
    'download-broken',
    `${url}: the connection broke off at ${got} of ${needed} bytes; go on when it is back`,
  );
}

function wrongSize(url: string, got: number, needed: number): ModelFileError {
  return new ModelFileError(
    'download-size',
    `${url}: got ${got} bytes, need ${needed}; the file is another one, look it up again`,
    { data: { got, needed } },
  );
}
