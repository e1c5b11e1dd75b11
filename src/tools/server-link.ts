// An open line to one server: connecting within a deadline, signing in when the server asks for it, opening anew when its
// session is lost, repeating what may be repeated. Knows no tool.
import { Client, type DiscoverResult, UnauthorizedError } from '@modelcontextprotocol/client';
import { CfWorkerJsonSchemaValidator } from '@modelcontextprotocol/client/validators/cf-worker';
import { ToolError } from '../base/errors.ts';
import type { Json } from '../trajectory/json.ts';
import type { ServerAuth } from './auth/server-auth.ts';
import type { Fetch } from './bounded-fetch.ts';
import { failureOf } from './failures.ts';
import type { ServerLimits } from './limits.ts';
import { type Sleep, withRetries } from './retry.ts';
import { Secrets, shownUrl } from './secrets.ts';
import { WatchedTransport } from './watched-transport.ts';

export interface LinkOptions {
  name: string;
  url: string;
  fetch: Fetch;
  limits: ServerLimits;
  headers: Readonly<Record<string, string>>;
  auth?: ServerAuth | undefined;
  sleep?: Sleep | undefined;
  signal?: AbortSignal | undefined;
  /** What the server said of itself in an earlier connection: it is not asked again. */
  greeting?: DiscoverResult | undefined;
  /** The server says that its tools have changed. Asking for it keeps a stream open. */
  onToolsChanged?: (() => void) | undefined;
}

export interface RunOptions {
  /** The request may be made twice: it reads, or a second time changes nothing. */
  repeatable: boolean;
  signal?: AbortSignal | undefined;
}

const CLIENT = { name: 'pocket-atlas', version: '0.1.0' };
/** Consents of one operation: a first sign-in and a wider scope. */
const MAX_CONSENTS = 2;
const GOODBYE_MS = 1000;
const CHANGES_DEBOUNCE_MS = 100;
/** Answers to a session that the server does not know any more; 400 is what many send. */
const LOST_SESSION = new Set([400, 404]);

interface Line {
  client: Client;
  transport: WatchedTransport;
  lifetime: AbortController;
}

export class ServerLink {
  readonly #options: LinkOptions;
  readonly #secrets = new Secrets();
  #line: Line | null = null;
  #opening: Promise<Line> | null = null;
  #closed = false;

  /** @throws {ToolError} for a URL that cannot be used. */
  constructor(options: LinkOptions) {
    this.#options = options;
    const { name, url, headers } = options;
    const parsed = URL.canParse(url) ? new URL(url) : null;
    if (parsed === null || !/^https?:$/.test(parsed.protocol) || parsed.username !== '') {
      const message = `server ${name}: got ${shownUrl(url)}, need an http URL without a user in it`;
      throw new ToolError('bad_url', message, { data: { server: name } });
    }
    this.#secrets.addQuery(url);
    for (const value of Object.values(headers)) this.#secrets.add(value);
  }

  get client(): Client | null {
    return this.#line?.client ?? null;
  }

  /** A text without any secret of this line. */
  hide(text: string): string {
    return this.#hidden.reduce((shown, secrets) => secrets.hide(shown), text);
  }

  /** Plain JSON without any secret of this line. */
  hideIn<T extends Json | object>(value: T): T {
    // Hiding changes texts, never the shape.
    return this.#hidden.reduce((shown, secrets) => secrets.hideIn(shown), value as Json) as T;
  }

  get #hidden(): Secrets[] {
    const { auth } = this.#options;
    return auth === undefined ? [this.#secrets] : [this.#secrets, auth.secrets];
  }

  /** @throws {ToolError} when the server cannot be reached, speaks no MCP or lets nobody in. */
  async open(): Promise<void> {
    const { limits, sleep, signal } = this.#options;
    await withRetries(() => this.#opened(), {
      delaysMs: limits.retryDelaysMs,
      mayRetry: isTransportError,
      sleep,
      signal,
    });
  }

  /**
   * Runs a request on the open line.
   * @param doing what it does, for the error.
   * @throws {ToolError} of the failure; what `attempt` throws as a ToolError stays.
   */
  async run<T>(
    doing: string,
    attempt: (client: Client) => Promise<T>,
    { repeatable, signal }: RunOptions,
  ): Promise<T> {
    const { limits, sleep } = this.#options;
    return await withRetries(() => this.#attempt(doing, attempt, signal), {
      delaysMs: limits.retryDelaysMs,
      mayRetry: (error) => repeatable && isTransportError(error),
      sleep,
      signal,
    });
  }

  async #attempt<T>(
    doing: string,
    attempt: (client: Client) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    let reopened = false;
    for (let consents = 0; ; consents++) {
      const line = await this.#opened();
      try {
        return await attempt(line.client);
      } catch (error) {
        if (signal?.aborted) throw this.#error(doing, new ToolError('cancelled', 'cancelled'));
        if (!reopened && isLostSession(error, line)) {
          reopened = true;
          await this.#drop(line);
          continue;
        }
        if (!(await this.#consented(error, line, consents))) throw this.#error(doing, error);
      }
    }
  }

  async #opened(): Promise<Line> {
    if (this.#closed) throw new ToolError('closed', `server ${this.#options.name}: it was closed`);
    if (this.#line !== null) return this.#line;
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = null;
    });
    const line = await this.#opening;
    this.#line = line;
    return line;
  }

  async #connect(): Promise<Line> {
    for (let consents = 0; ; consents++) {
      const line = this.#newLine();
      try {
        await this.#withinDeadline(line);
        return line;
      } catch (error) {
        const consented = await this.#consented(error, line, consents).finally(() => {
          line.lifetime.abort();
        });
        if (!consented) throw this.#error('connecting', error);
      }
    }
  }

  #newLine(): Line {
    const { url, fetch, headers, limits, auth, onToolsChanged } = this.#options;
    const lifetime = new AbortController();
    const client = new Client(CLIENT, {
      versionNegotiation: { mode: 'auto' },
      // The same checks in Node and in a page, and none that compiles a stranger's schema to code.
      jsonSchemaValidator: new CfWorkerJsonSchemaValidator(),
      ...(onToolsChanged === undefined
        ? {}
        : {
            listChanged: {
              tools: {
                autoRefresh: false,
                debounceMs: CHANGES_DEBOUNCE_MS,
                onChanged: () => onToolsChanged(),
              },
            },
          }),
    });
    const target = new URL(url);
    const transport = new WatchedTransport({
      url: target,
      fetch,
      authProvider: auth?.provider,
      watch: {
        lifetime: lifetime.signal,
        headers,
        origin: target.origin,
        maxBytes: (request) =>
          request?.method === 'tools/list' ? limits.listBytes : limits.resultBytes,
      },
    });
    return { client, transport, lifetime };
  }

  async #withinDeadline({ client, transport, lifetime }: Line): Promise<void> {
    const { limits, signal, greeting } = this.#options;
    const { connectMs } = limits;
    const cancel = () => lifetime.abort(new ToolError('cancelled', 'cancelled'));
    const timer = setTimeout(() => {
      lifetime.abort(new ToolError('server_timeout', `no answer within ${connectMs} ms`));
    }, connectMs);
    signal?.addEventListener('abort', cancel);
    if (signal?.aborted) cancel();
    try {
      const ended = new Promise<never>((_, reject) => {
        const end = () => reject(lifetime.signal.reason);
        lifetime.signal.addEventListener('abort', end, { once: true });
        if (lifetime.signal.aborted) end();
      });
      const prior = greeting && { prior: { kind: 'modern' as const, discover: greeting } };
      await Promise.race([client.connect(transport, { timeout: connectMs, ...prior }), ended]);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', cancel);
    }
  }

  /** Asks the user where the server wants consent; false when the error is another one. */
  async #consented(error: unknown, { transport }: Line, consents: number): Promise<boolean> {
    const { auth } = this.#options;
    if (!(error instanceof UnauthorizedError) || auth?.signIn === undefined) return false;
    if (consents >= MAX_CONSENTS) return false;
    await auth.signIn((answer) => transport.finishAuth(answer));
    return true;
  }

  #error(doing: string, cause: unknown): ToolError {
    const { name, url } = this.#options;
    const { code, message, status, transport } = failureOf(cause);
    const data = { server: name, url: shownUrl(url), status, transport };
    const text = this.hide(`server ${name} at ${shownUrl(url)}: ${doing} failed: ${message}`);
    // No cause: what the SDK throws carries bodies and headers.
    return new ToolError(code, text, { data });
  }

  /** Ends a line; a session is given back as far as the server still listens. */
  async #drop({ client, transport, lifetime }: Line): Promise<void> {
    this.#line = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, GOODBYE_MS);
    });
    // A server that is gone keeps no session: its failure changes nothing.
    const goodbye = transport.terminateSession().catch(() => undefined);
    await Promise.race([goodbye, late]);
    clearTimeout(timer);
    await client.close();
    lifetime.abort();
  }

  async close(): Promise<void> {
    this.#closed = true;
    const line = this.#line ?? (await this.#opening?.catch(() => null)) ?? null;
    if (line !== null) await this.#drop(line);
  }
}

function isTransportError(error: unknown): boolean {
  return error instanceof ToolError && error.data['transport'] === true;
}

function isLostSession(error: unknown, { client, transport }: Line): boolean {
  if (client.getProtocolEra() !== 'legacy' || transport.sessionId === undefined) return false;
  const { status } = failureOf(error);
  return status !== null && LOST_SESSION.has(status);
}
