// A real HTTP server of files with the faults of real ones: broken connections, no ranges, busy answers, a file that
// changes. Other pages may read it (CORS).
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

export interface ServedFile {
  bytes: Uint8Array;
  etag?: string;
  type?: string;
  link?: string;
}

/** What a request gets in place of its file; undefined for the file. */
export type Fault =
  | { kind: 'status'; status: number; headers?: Record<string, string> }
  /** Sends so many bytes of the body, then cuts the connection. */
  | { kind: 'break'; afterBytes: number };

export interface FileServer {
  /** Address without a slash at the end. */
  readonly url: string;
  /** By path, with its slash. */
  readonly files: Map<string, ServedFile>;
  /** `GET /path bytes=0-9`, in the order they came. */
  readonly requests: string[];
  ranges: boolean;
  /** Whether other pages may read Content-Range and ETag. */
  exposed: boolean;
  /** Asked for each request; `bytes` is its Range header. */
  fault: (path: string, bytes: string) => Fault | undefined;
  /** Bytes a second of each connection; 0 for all at once. */
  bytesPerSecond: number;
  /** Bodies that are being sent now, and at most so far. */
  sending: number;
  most: number;
  close(): Promise<void>;
}

const CHUNK_BYTES = 16 * 1024;

/** Starts a server on a free port. */
export async function serveFiles(files: Record<string, ServedFile> = {}): Promise<FileServer> {
  const server = createServer((request, response) => {
    answer(served, request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  const served: FileServer = {
    url: '',
    files: new Map(Object.entries(files)),
    requests: [],
    ranges: true,
    exposed: true,
    fault: () => undefined,
    bytesPerSecond: 0,
    sending: 0,
    most: 0,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('file-server: no port');
  return Object.assign(served, { url: `http://127.0.0.1:${address.port}` });
}

async function answer(
  served: FileServer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = request.url ?? '/';
  const { range = '' } = request.headers;
  response.setHeader('access-control-allow-origin', '*');
  response.setHeader('access-control-allow-headers', '*');
  if (served.exposed) {
    response.setHeader('access-control-expose-headers', 'content-range, etag, link, retry-after');
  }
  if (request.method === 'OPTIONS') return void response.writeHead(204).end();
  served.requests.push(`${request.method} ${path} ${range}`.trim());
  const fault = served.fault(path, range);
  if (fault?.kind === 'status') {
    return void response.writeHead(fault.status, fault.headers ?? {}).end();
  }
  const file = served.files.get(path);
  if (file === undefined) return void response.writeHead(404).end();
  const { bytes, etag, link, type = 'application/octet-stream' } = file;
  if (link !== undefined) response.setHeader('link', link);
  if (etag !== undefined) response.setHeader('etag', etag);
  response.setHeader('content-type', type);
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
  const partial = served.ranges && from !== undefined;
  const end = partial ? Math.min(Number(to) + 1, bytes.length) : bytes.length;
  const body = bytes.subarray(partial ? Number(from) : 0, end);
  response.setHeader('content-length', body.length);
  if (partial) response.setHeader('content-range', `bytes ${from}-${end - 1}/${bytes.length}`);
  response.writeHead(partial ? 206 : 200);
  if (request.method === 'HEAD') return void response.end();
  await send(served, response, body, fault?.afterBytes ?? Number.POSITIVE_INFINITY);
}

async function send(
  served: FileServer,
  response: ServerResponse,
  body: Uint8Array,
  breakAfter: number,
): Promise<void> {
  served.most = Math.max(served.most, ++served.sending);
  for (let offset = 0; offset < body.length; offset += CHUNK_BYTES) {
    const end = Math.min(offset + CHUNK_BYTES, body.length, breakAfter);
    const { bytesPerSecond } = served;
    if (bytesPerSecond > 0) await later((1000 * (end - offset)) / bytesPerSecond);
    // Before its last bytes: whoever got them may ask for more at once.
    if (response.destroyed || end === body.length || end === breakAfter) served.sending--;
    if (response.destroyed) return;
    await new Promise<void>((sent) => response.write(body.subarray(offset, end), () => sent()));
    if (end === breakAfter) {
      // What was written is on its way before the connection is cut.
      await later(20);
      return void response.destroy();
    }
  }
  response.end();
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
