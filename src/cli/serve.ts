// A web handler on a socket of this machine. Knows nothing of what it serves.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errorMessage, InputError } from '../base/errors.ts';

/** A socket that listens. */
export interface Serving {
  url: string;
  close(): Promise<void>;
}

type Handler = (request: Request) => Promise<Response>;

/**
 * Serves a handler on 127.0.0.1.
 * @param port 0 takes any free one.
 * @throws {InputError} when the port cannot be had.
 */
export async function serveHttp(handler: Handler, port: number): Promise<Serving> {
  const server = createServer((incoming, outgoing) => {
    answer(handler, incoming, outgoing).catch((error: unknown) => outgoing.destroy(asError(error)));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const message = `serve: port ${port} cannot be used (${cause.message}); choose another.`;
      reject(new InputError('port', message, { cause }));
    });
    server.listen(port, '127.0.0.1', resolve);
  });
  // After listen, a TCP server's address is an object.
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(errorMessage(error));
}

async function answer(
  handler: Handler,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const aborter = new AbortController();
  outgoing.once('close', () => aborter.abort());
  const response = await handler(webRequest(incoming, aborter.signal));
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body === null) {
    outgoing.end();
    return;
  }
  try {
    await pipeline(Readable.from(readAll(response.body.getReader())), outgoing);
  } catch (error) {
    // The client left: there is nobody to tell.
    if (!aborter.signal.aborted) throw error;
  }
}

async function* readAll(reader: ReadableStreamDefaultReader<Uint8Array>) {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

function webRequest(incoming: IncomingMessage, signal: AbortSignal): Request {
  const { method = 'GET', url = '/', headers } = incoming;
  const pairs = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
  );
  const init = { method, headers: pairs, signal };
  const target = new URL(url, `http://${headers.host ?? '127.0.0.1'}`);
  if (method === 'GET' || method === 'HEAD') return new Request(target, init);
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      try {
        for await (const chunk of incoming) controller.enqueue(new Uint8Array(chunk));
        controller.close();
      } catch (error) {
        controller.error(error);
      }
    },
  });
  // Node needs `duplex` for a streamed body; the DOM's types do not know it.
  const streamed: RequestInit & { duplex: 'half' } = { ...init, body, duplex: 'half' };
  return new Request(target, streamed);
}
