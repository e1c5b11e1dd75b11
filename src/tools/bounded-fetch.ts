// A fetch that reads no more of a response than it may, while it arrives, and that ends with its connection. Knows MCP only
// as far as a request's method and id.
import { ToolError } from '../base/errors.ts';

export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** A JSON-RPC request on its way; null for a notification, a stream that is only listened to, and what is no JSON-RPC. */
export interface OutgoingRequest {
  method: string;
  id: string | number;
}

export interface FetchWatch {
  /** Ends every request and every stream when it aborts. */
  lifetime: AbortSignal;
  /** Sent along to the origin of the server alone. */
  headers: Readonly<Record<string, string>>;
  origin: string;
  maxBytes(request: OutgoingRequest | null): number;
  /** A response begins. `streams`: its body is a stream of events. */
  onResponse?(request: OutgoingRequest | null, streams: boolean): void;
  /** A response was too large. */
  onRefused?(request: OutgoingRequest | null, error: ToolError): void;
}

/** Wraps a fetch. Streams that stay open for notifications are bounded event by event. */
export function boundedFetch(base: Fetch, watch: FetchWatch): Fetch {
  return async (input, init = {}) => {
    const request = outgoing(init.body);
    const headers = new Headers(init.headers);
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.origin === watch.origin) {
      for (const [name, value] of Object.entries(watch.headers)) headers.set(name, value);
    }
    const signals = [watch.lifetime, ...(init.signal ? [init.signal] : [])];
    const response = await base(input, { ...init, headers, signal: AbortSignal.any(signals) });
    const type = response.headers.get('content-type') ?? '';
    const streams = type.toLowerCase().startsWith('text/event-stream');
    watch.onResponse?.(request, streams);
    const listens = init.method === 'GET' || request?.method === 'subscriptions/listen';
    const bound = {
      maxBytes: watch.maxBytes(request),
      byEvent: listens,
      onRefused: (error: ToolError) => watch.onRefused?.(request, error),
    };
    // What says that a request failed is read as far as it comes: a body that breaks off must not hide the status.
    return streams || response.status !== 200
      ? boundedStream(response, bound)
      : await readWhole(response, bound);
  };
}

function outgoing(body: RequestInit['body']): OutgoingRequest | null {
  if (typeof body !== 'string' || !body.startsWith('{')) return null;
  const message: unknown = JSON.parse(body);
  if (typeof message !== 'object' || message === null) return null;
  if (!('method' in message) || !('id' in message)) return null;
  const { method, id } = message;
  if (typeof method !== 'string' || (typeof id !== 'string' && typeof id !== 'number')) return null;
  return { method, id };
}

interface Bound {
  maxBytes: number;
  byEvent: boolean;
  onRefused: (error: ToolError) => void;
}

function refusal({ maxBytes, onRefused }: Bound): ToolError {
  const message = `a response of more than ${maxBytes} bytes was refused`;
  const error = new ToolError('response_too_large', message, { data: { maxBytes } });
  onRefused(error);
  return error;
}

function isDeclaredLarger({ headers }: Response, { maxBytes }: Bound): boolean {
  return Number(headers.get('content-length') ?? 0) > maxBytes;
}

/** The same response when all of it has come: most are small, and a stream round each costs more than reading it. */
async function readWhole(response: Response, bound: Bound): Promise<Response> {
  const { status, statusText, headers, body } = response;
  if (body === null) return response;
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let tooLarge = isDeclaredLarger(response, bound);
  while (!tooLarge) {
    const { done, value } = await reader.read();
    if (done) return new Response(joined(chunks, bytes), { status, statusText, headers });
    chunks.push(value);
    bytes += value.byteLength;
    tooLarge = bytes > bound.maxBytes;
  }
  // The connection is dropped; one that is broken already changes nothing.
  await reader.cancel().catch(() => undefined);
  throw refusal(bound);
}

/** Not a Blob: a browser keeps those in another process. */
function joined(chunks: readonly Uint8Array[], bytes: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

function boundedStream(response: Response, bound: Bound): Response {
  const { maxBytes, byEvent } = bound;
  let bytes = 0;
  // Throwing in a transform ends both sides: what reads gets the error, and the connection is dropped.
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    start() {
      if (isDeclaredLarger(response, bound)) throw refusal(bound);
    },
    transform(chunk, controller) {
      bytes += chunk.byteLength;
      if (byEvent) bytes = sinceBlankLine(chunk, bytes);
      if (bytes > maxBytes) throw refusal(bound);
      controller.enqueue(chunk);
    },
  });
  const { status, statusText, headers } = response;
  if (response.body === null || status < 200 || status > 599) return response;
  const body = response.body.pipeThrough(counter);
  return new Response(body, { status, statusText, headers });
}

const NEWLINE = 10;

/** Bytes since the last end of an event: an empty line. A `\r\n` pair counts as the newline in it. */
function sinceBlankLine(chunk: Uint8Array, bytes: number): number {
  for (let i = chunk.byteLength - 1; i > 0; i--) {
    const before = chunk[i - 1] === 13 ? chunk[i - 2] : chunk[i - 1];
    if (chunk[i] === NEWLINE && before === NEWLINE) return chunk.byteLength - 1 - i;
  }
  return bytes;
}
