// Requests for large files: what a failure means, which ones are worth another try, and a body read piece by piece.
// Must not know what is fetched, nor where it goes.
import { ByteReader } from '../base/byte-reader.ts';
import { errorMessage, ModelFileError } from '../base/errors.ts';

/** The world outside, given by the caller. */
export interface Net {
  fetch: typeof fetch;
  /** Resolves after so long, or rejects when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Milliseconds of any clock that only runs forward. */
  now(): number;
}

/** A failure that may pass: no connection, a server that is busy, a body that broke off. */
export class PassingError extends ModelFileError {
  readonly retryAfterMs: number | null;

  constructor(
    code: string,
    message: string,
    { retryAfterMs = null, cause }: { retryAfterMs?: number | null; cause?: unknown } = {},
  ) {
    super(code, message, { cause });
    this.retryAfterMs = retryAfterMs;
  }
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
const LONGEST_ASKED_WAIT_MS = 60_000;
/** A connection that brings nothing for so long is given up. */
const IDLE_MS = 30_000;

export interface RetryOptions {
  net: Net;
  signal: AbortSignal;
  /** Failures in a row until it is told. */
  tries: number;
  /** Grows while attempts get on; then the count of failures starts again. */
  done?: () => number;
}

/** Runs attempts until one succeeds, a failure will not pass, or too many failed without getting on. */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  { net, signal, tries, done = () => 0 }: RetryOptions,
): Promise<T> {
  let failures = 0;
  for (let before = done(); ; ) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof PassingError)) throw error;
      failures = done() > before ? 1 : failures + 1;
      before = done();
      if (failures >= tries) throw error;
      const waitMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1));
      await net.sleep(error.retryAfterMs ?? waitMs, signal);
    }
  }
}

/** What a request hangs on. */
export interface Connection {
  /** The caller's. */
  asked: AbortSignal;
  /** The caller's, and the end of a connection gone silent. */
  ended: AbortSignal;
  /** Something came. */
  alive: () => void;
}

/**
 * Sends a request, and hands its answer to `use` with a signal that also ends a connection gone silent.
 * @throws {ModelFileError} when the server refuses; PassingError when another try may help.
 */
export async function exchange<T>(
  url: string,
  init: RequestInit,
  { net, signal }: { net: Net; signal: AbortSignal },
  use: (response: Response, line: Connection) => Promise<T>,
): Promise<T> {
  const silent = new AbortController();
  const startTimer = () => setTimeout(() => silent.abort(), IDLE_MS);
  let timer = startTimer();
  const alive = (): void => {
    clearTimeout(timer);
    timer = startTimer();
  };
  // Model files are kept in the store: the browser's cache must not hold them a second time.
  const both = AbortSignal.any([signal, silent.signal]);
  try {
    const response = await net
      .fetch(url, { cache: 'no-store', ...init, signal: both })
      .catch((cause: unknown) => {
        signal.throwIfAborted();
        throw unreachable(url, cause);
      });
    alive();
    await checkStatus(url, response);
    return await use(response, { asked: signal, ended: both, alive });
  } finally {
    clearTimeout(timer);
  }
}

/** Pieces of a body that are read at once. */
const PIECE_BYTES = 256 * 1024;

/**
 * Hands the pieces of a body to `onPiece`, which must be done with one when it resolves. @throws {PassingError} when it breaks off.
 */
export async function readBody(
  url: string,
  response: Response,
  { asked, ended, alive }: Connection,
  onPiece: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>,
): Promise<void> {
  if (response.body === null) return;
  const reader = new ByteReader(response.body, PIECE_BYTES);
  // In Node 20 a read may stay pending for ever when its request is aborted, so the end is heard here too.
  let refuse: (reason: unknown) => void = () => undefined;
  const end = (): void => refuse(ended.reason);
  ended.addEventListener('abort', end, { once: true });
  const read = () =>
    new Promise<Uint8Array<ArrayBuffer> | undefined>((resolve, reject) => {
      refuse = reject;
      ended.throwIfAborted();
      reader.read().then(resolve, reject);
    });
  const next = () =>
    read().catch((cause: unknown) => {
      asked.throwIfAborted();
      throw new PassingError(
        'download-broken',
        `${url}: the connection broke off (${errorMessage(cause)}); go on when it is back`,
        { cause },
      );
    });
  try {
    for (let piece = await next(); piece !== undefined; piece = await next()) {
      alive();
      await onPiece(piece);
    }
  } catch (error) {
    // Not waited for: the server may still send, and what it has to say does not matter any more.
    void reader.cancel().catch(() => undefined);
    throw error;
  } finally {
    ended.removeEventListener('abort', end);
  }
}

function unreachable(url: string, cause: unknown): PassingError {
  return new PassingError(
    'download-unreachable',
    `${url}: cannot be reached (${errorMessage(cause)}): no connection, or that server does not ` +
      'let other pages read it (CORS); try again, or download it yourself and add it as a file',
    { cause },
  );
}

async function checkStatus(url: string, response: Response): Promise<void> {
  const { status } = response;
  if (response.ok) return;
  await response.body?.cancel().catch(() => undefined);
  if (status === 429 || status >= 500) {
    throw new PassingError('download-busy', `${url}: HTTP ${status}; try again later`, {
      retryAfterMs: retryAfterMs(response),
    });
  }
  if (status === 401 || status === 403) {
    throw new ModelFileError(
      'download-denied',
      `${url}: HTTP ${status}, it is not open to everyone (gated, private, or there is none); ` +
        'accept its terms on its own page, download it there and add it as a file',
      { data: { status } },
    );
  }
  throw new ModelFileError(
    status === 404 ? 'download-missing' : 'download-refused',
    status === 404
      ? `${url}: HTTP 404, there is none; check owner, name and file`
      : `${url}: HTTP ${status}, need the file; check the address`,
    { data: { status } },
  );
}

function retryAfterMs(response: Response): number | null {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return seconds >= 0 ? Math.min(seconds * 1000, LONGEST_ASKED_WAIT_MS) : null;
}
