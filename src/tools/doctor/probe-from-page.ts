// Asks a server from inside of a page, where a refused request says nothing but that it failed: the cause is found by asking
// in several ways and comparing which of them fail.
import { errorMessage } from '../../base/errors.ts';
import type { Fetch } from '../bounded-fetch.ts';
import {
  beginning,
  DISCOVER,
  INITIALIZE,
  isLoopback,
  JSON_HEADERS,
  NOTHING,
  otherPlaces,
  PROBE_TIMEOUT_MS,
  type ProbeOptions,
  type Probes,
  readAnswer,
  SENT_HEADERS,
  speaks,
  unknownProbes,
} from './probes.ts';

export interface PageProbeOptions extends ProbeOptions {
  /** `crossOriginIsolated` of the page: the browser then hides also whether a server can be reached. */
  isolated: boolean;
}

/** Values that are allowed in each header; what the server makes of them does not matter. */
const VALUES: Readonly<Record<string, string>> = {
  'content-type': 'application/json',
  authorization: 'Bearer check',
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': 'notifications/cancelled',
};

/** Asks as the page would. Throws nothing for what a server does. */
export async function probeFromPage(options: PageProbeOptions): Promise<Probes> {
  const { url, page } = options;
  const probes = unknownProbes(options);
  // The browser does not let such a request out, so nothing can be asked.
  if (isMixed(url, page)) return probes;
  const asker = new PageAsker(options);
  const simple = await asker.ask(url, { method: 'POST', body: NOTHING, headers: TEXT });
  if (simple instanceof Error) {
    const timedOut = simple.name === 'TimeoutError';
    const reached = timedOut ? null : await asker.reached();
    const originAllowed = reached === true ? false : null;
    return { ...probes, reached, timedOut, reason: simple.message, originAllowed };
  }
  await simple.body?.cancel();
  const headersAllowed = await asker.headersAllowed();
  const preflightPassed = Object.values(headersAllowed).includes(true);
  const open: Probes = {
    ...probes,
    reached: true,
    originAllowed: true,
    preflightPassed,
    headersAllowed,
    deleteAllowed: preflightPassed ? await asker.deleteAllowed() : null,
  };
  return headersAllowed['content-type'] === true ? { ...open, ...(await asker.find(url)) } : open;
}

/** A page with https cannot ask without it, but for this machine. */
export function isMixed(url: string, page: string): boolean {
  const { protocol, hostname } = new URL(url);
  return page.startsWith('https:') && protocol === 'http:' && !isLoopback(hostname);
}

/** A type that needs no preflight. */
const TEXT = { 'content-type': 'text/plain' };

class PageAsker {
  readonly #options: PageProbeOptions;
  readonly #fetch: Fetch;
  #allowed: Readonly<Record<string, boolean>> = {};

  constructor(options: PageProbeOptions) {
    this.#options = options;
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
  }

  async ask(url: string, init: RequestInit): Promise<Response | Error> {
    const { timeoutMs = PROBE_TIMEOUT_MS } = this.#options;
    try {
      return await this.#fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) });
    } catch (error) {
      return error instanceof Error ? error : new Error(errorMessage(error));
    }
  }

  /** A request whose answer the page does not get to see; null where isolation hides that too. */
  async reached(): Promise<boolean | null> {
    const blind = await this.ask(this.#options.url, { mode: 'no-cors', headers: TEXT });
    if (blind instanceof Response) return true;
    return this.#options.isolated ? null : false;
  }

  /** Which headers pass the preflight: all at once, else each alone. */
  async headersAllowed(): Promise<Record<string, boolean>> {
    const { extraHeaders = [] } = this.#options;
    const names = [...SENT_HEADERS, ...extraHeaders.map((name) => name.toLowerCase())];
    const all = await this.#passes(names);
    const passes = all
      ? names.map(() => true)
      : await Promise.all(names.map((name) => this.#passes([name])));
    this.#allowed = Object.fromEntries(names.map((name, i) => [name, passes[i] === true]));
    return { ...this.#allowed };
  }

  async #passes(names: readonly string[]): Promise<boolean> {
    const headers = names.map((name): [string, string] => [name, VALUES[name] ?? 'check']);
    const response = await this.ask(this.#options.url, {
      method: 'POST',
      body: NOTHING,
      headers: { ...TEXT, ...Object.fromEntries(headers) },
    });
    if (response instanceof Error) return false;
    await response.body?.cancel();
    return true;
  }

  async deleteAllowed(): Promise<boolean> {
    const response = await this.ask(this.#options.url, { method: 'DELETE' });
    if (response instanceof Error) return false;
    await response.body?.cancel();
    return true;
  }

  async #post(url: string, { body, headers }: { body: string; headers: Record<string, string> }) {
    const { token } = this.#options;
    const wanted = {
      ...JSON_HEADERS,
      ...headers,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
    const sent = Object.entries(wanted).filter(
      ([name]) => name === 'accept' || this.#allowed[name] === true,
    );
    return await this.ask(url, { method: 'POST', body, headers: sent });
  }

  /** Looks for MCP of either era; without the headers of the modern one only the other can be found. */
  async find(url: string): Promise<Partial<Probes>> {
    const modern = await this.#post(url, DISCOVER);
    if (modern instanceof Error) return { reason: modern.message };
    const modernStart = await beginning(modern.clone());
    const answer = await readAnswer(modern, url);
    const unseen = answer.status === 401 && answer.challenge === null;
    const headersExposed = unseen ? { 'www-authenticate': false } : {};
    if (modern.ok && speaks('modern', modernStart)) return { answer, speaks: 'modern' };
    if (answer.status === 401 || answer.status === 403 || answer.status >= 500) {
      return { answer, headersExposed };
    }
    const legacy = await this.#post(url, INITIALIZE);
    if (legacy instanceof Error) return { answer, reason: legacy.message };
    const start = await beginning(legacy.clone());
    const opened = await readAnswer(legacy, url);
    if (legacy.ok && speaks('legacy', start)) {
      return {
        answer: opened,
        speaks: 'legacy',
        headersExposed: await this.#sessionExposed(url, opened.session),
      };
    }
    return { answer, elsewhere: answer.status === 404 ? await this.#elsewhere() : null };
  }

  /** A server that refuses the next request for want of a session gave one that the page cannot see. */
  async #sessionExposed(url: string, session: string | null): Promise<Record<string, boolean>> {
    if (session !== null) {
      const bye = await this.ask(url, { method: 'DELETE', headers: { 'mcp-session-id': session } });
      if (bye instanceof Response) await bye.body?.cancel();
      return { 'mcp-session-id': true };
    }
    const body = JSON.stringify({ jsonrpc: '2.0', id: 'check', method: 'tools/list', params: {} });
    const next = await this.#post(url, { body, headers: {} });
    if (next instanceof Error) return {};
    const start = await beginning(next);
    const wants = !next.ok && /session/i.test(start);
    return wants ? { 'mcp-session-id': false } : {};
  }

  async #elsewhere(): Promise<string | null> {
    for (const place of otherPlaces(this.#options.url)) {
      for (const [era, request] of [
        ['modern', DISCOVER],
        ['legacy', INITIALIZE],
      ] as const) {
        const response = await this.#post(place, request);
        if (response instanceof Response && response.ok && speaks(era, await beginning(response))) {
          return place;
        }
      }
    }
    return null;
  }
}
