// Streamable HTTP whose requests always end: a stream that closes without the answer, a response that holds another one, or
// a body that is too large reject the request that waits for it. Declarations of tools pass by the SDK's checks, which
// refuse a whole list for one bad tool. Knows no tool.

import type { AuthProvider, OAuthClientProvider } from '@modelcontextprotocol/client';
import { type JSONRPCMessage, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import {
  boundedFetch,
  type Fetch,
  type FetchWatch,
  type OutgoingRequest,
} from './bounded-fetch.ts';

/** Marks the errors that stand in for an answer that never came. */
export const NO_ANSWER = 'pocket-atlas/no-answer';
const NO_ANSWER_CODE = -32000;
/** Key of a list's `_meta` under which its declarations are, as they came. */
export const DECLARED = 'pocket-atlas/declared';

/** Reconnecting to a stream waits at least so long, and longer each time: a server may ask for 0 ms, for ever. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
const PAUSE_GROWTH = 1.1;

export interface TransportOptions {
  url: URL;
  fetch: Fetch;
  watch: Omit<FetchWatch, 'onResponse' | 'onRefused'>;
  authProvider?: AuthProvider | OAuthClientProvider | undefined;
}

type SendOptions = NonNullable<Parameters<StreamableHTTPClientTransport['send']>[1]>;
/** What is known of a request that waits. */
interface Waiting {
  answered: boolean;
  answeredWhole: boolean;
  refused: string | null;
  aborter: AbortController;
  giveUp: () => void;
  lists: boolean;
}

export class WatchedTransport extends StreamableHTTPClientTransport {
  readonly #waiting: Map<string | number, Waiting>;

  constructor({ url, fetch, watch, authProvider }: TransportOptions) {
    const waiting = new Map<string | number, Waiting>();
    const of = (request: OutgoingRequest | null) =>
      request === null ? undefined : waiting.get(request.id);
    const watched = boundedFetch(fetch, {
      ...watch,
      onResponse: (request, streams) => {
        const one = of(request);
        if (one !== undefined) one.answeredWhole = !streams;
      },
      onRefused: (request, error) => {
        const one = of(request);
        if (one === undefined) return;
        one.refused = error.message;
        one.giveUp();
        one.aborter.abort();
      },
    });
    super(url, {
      fetch: watched,
      reconnectionScheduler: growingPauses(),
      ...(authProvider === undefined ? {} : { authProvider }),
    });
    this.#waiting = waiting;
    // The base class has a field, not a method: what is assigned is kept and called by way of `#aside`.
    let deliver = this.onmessage;
    Object.defineProperty(this, 'onmessage', {
      get: () => deliver && ((message: JSONRPCMessage) => deliver?.(this.#aside(message))),
      set: (next: typeof deliver) => {
        deliver = next;
      },
    });
  }

  /** A list's answer with its declarations put aside; other messages as they are. */
  #aside(message: JSONRPCMessage): JSONRPCMessage {
    if (!('result' in message)) return message;
    const one = this.#waiting.get(message.id);
    if (one !== undefined) one.answered = true;
    if (!one?.lists) return message;
    const { _meta: meta, tools, ...result } = message.result;
    if (!Array.isArray(tools) || (meta !== undefined && DECLARED in meta)) return message;
    return { ...message, result: { ...result, tools: [], _meta: { ...meta, [DECLARED]: tools } } };
  }

  override async send(message: JSONRPCMessage, options: SendOptions = {}): Promise<void> {
    if (isCancellation(message)) {
      await super.send(message, options);
      // The server has been told; a stream that goes on is read by nobody.
      this.#waiting.get(message.params.requestId)?.aborter.abort();
      return;
    }
    // A stream of notifications reports its end itself.
    const waits = 'method' in message && 'id' in message;
    if (!waits || message.method === 'subscriptions/listen') return super.send(message, options);
    await this.#request(message.id, message, options);
  }

  async #request(id: string | number, message: JSONRPCMessage, options: SendOptions) {
    const aborter = new AbortController();
    const one: Waiting = {
      answered: false,
      answeredWhole: false,
      refused: null,
      aborter,
      giveUp: () => this.#giveUp(id, one),
      lists: 'method' in message && message.method === 'tools/list',
    };
    this.#waiting.set(id, one);
    const { requestSignal, onRequestStreamEnd } = options;
    const signals = [aborter.signal, ...(requestSignal ? [requestSignal] : [])];
    try {
      await super.send(message, {
        ...options,
        requestSignal: AbortSignal.any(signals),
        onRequestStreamEnd: () => {
          onRequestStreamEnd?.();
          one.giveUp();
        },
      });
    } catch (error) {
      this.#waiting.delete(id);
      throw error;
    }
    if (one.answeredWhole) one.giveUp();
  }

  /** Answers in place of the server. Nobody waits for an id that was answered: the error is then dropped. */
  #giveUp(id: string | number, { answered, refused }: Waiting): void {
    this.#waiting.delete(id);
    if (answered) return;
    const error = {
      code: NO_ANSWER_CODE,
      message: refused ?? 'the response ended without the answer',
      data: { reason: NO_ANSWER, tooLarge: refused !== null },
    };
    this.onmessage?.({ jsonrpc: '2.0', id, error });
  }
}

interface Cancellation {
  method: 'notifications/cancelled';
  params: { requestId: string | number };
}

function isCancellation(message: JSONRPCMessage): message is JSONRPCMessage & Cancellation {
  return 'method' in message && message.method === 'notifications/cancelled';
}

function growingPauses() {
  let least = FIRST_PAUSE_MS;
  return (reconnect: () => void, delayMs: number) => {
    const timer = setTimeout(reconnect, Math.max(delayMs, least));
    least = Math.min(least * PAUSE_GROWTH, LONGEST_PAUSE_MS);
    return () => clearTimeout(timer);
  };
}
