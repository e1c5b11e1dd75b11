// Asks a server from outside of a browser, where every header can be seen, and works out what a browser would do.
import { errorMessage } from '../../base/errors.ts';
import type { Fetch } from '../bounded-fetch.ts';
import {
  type Answer,
  beginning,
  DISCOVER,
  INITIALIZE,
  JSON_HEADERS,
  otherPlaces,
  PROBE_TIMEOUT_MS,
  type ProbeOptions,
  type Probes,
  READ_HEADERS,
  readAnswer,
  SENT_HEADERS,
  speaks,
  unknownProbes,
} from './probes.ts';

/** Asks with the origin of a page, by the command line. Throws nothing for what a server does. */
export async function probeAsPeer(options: ProbeOptions): Promise<Probes> {
  const { url } = options;
  const asker = new Asker(options);
  const nothing = unknownProbes(options);
  const preflight = await asker.preflight();
  if (preflight instanceof Error) {
    const timedOut = preflight.name === 'TimeoutError';
    return { ...nothing, reached: timedOut ? null : false, timedOut, reason: words(preflight) };
  }
  const found = await asker.find(url);
  if (found instanceof Error) {
    const timedOut = found.name === 'TimeoutError';
    return { ...nothing, ...preflight, reached: true, timedOut, reason: words(found) };
  }
  const { answer, exposed, originAllowed, era } = found;
  return {
    ...nothing,
    ...preflight,
    reached: true,
    originAllowed,
    answer,
    speaks: era,
    headersExposed: exposed,
    elsewhere: era === null && answer.status === 404 ? await asker.elsewhere() : null,
  };
}

interface Found {
  answer: Answer;
  exposed: Record<string, boolean>;
  originAllowed: boolean;
  era: 'modern' | 'legacy' | null;
}

class Asker {
  readonly #options: ProbeOptions;
  readonly #fetch: Fetch;

  constructor(options: ProbeOptions) {
    this.#options = options;
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
  }

  /** The request; what fetch throws is what the server did. */
  async #ask(url: string, init: RequestInit): Promise<Response | Error> {
    const { page, timeoutMs = PROBE_TIMEOUT_MS } = this.#options;
    try {
      return await this.#fetch(url, {
        ...init,
        headers: { origin: page, ...Object.fromEntries(new Headers(init.headers)) },
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
      });
    } catch (error) {
      return error instanceof Error ? error : new Error(errorMessage(error));
    }
  }

  async preflight(): Promise<
    Error | Pick<Probes, 'preflightPassed' | 'headersAllowed' | 'deleteAllowed'>
  > {
    const { url, page, extraHeaders = [] } = this.#options;
    const wanted = [...SENT_HEADERS, ...extraHeaders.map((name) => name.toLowerCase())];
    const response = await this.#ask(url, {
      method: 'OPTIONS',
      headers: {
        'access-control-request-method': 'POST',
        'access-control-request-headers': wanted.join(','),
      },
    });
    if (response instanceof Error) return response;
    await response.body?.cancel();
    const allowed = listOf(response, 'access-control-allow-headers');
    const methods = listOf(response, 'access-control-allow-methods');
    return {
      preflightPassed: response.ok && allowsOrigin(response, page),
      // A star does not cover Authorization.
      headersAllowed: Object.fromEntries(
        wanted.map((name) => [
          name,
          allowed.includes(name) || (allowed.includes('*') && name !== 'authorization'),
        ]),
      ),
      deleteAllowed: methods.includes('delete') || methods.includes('*'),
    };
  }

  /** Looks for MCP of either era at an address. */
  async find(url: string): Promise<Error | Found> {
    const modern = await this.#post(url, DISCOVER);
    if (modern instanceof Error) return modern;
    if (modern.spoken('modern')) return { ...modern.found, era: 'modern' };
    const { status, location } = modern.found.answer;
    // These are no matter of the era.
    if (location !== null || status === 401 || status === 403 || status >= 500) {
      return { ...modern.found, era: null };
    }
    const legacy = await this.#post(url, INITIALIZE);
    if (legacy instanceof Error) return legacy;
    if (!legacy.spoken('legacy')) return { ...modern.found, era: null };
    await this.#leave(url, legacy.found.answer.session);
    return { ...legacy.found, era: 'legacy' };
  }

  async #post(url: string, request: { body: string; headers: Record<string, string> }) {
    const { token, page } = this.#options;
    const response = await this.#ask(url, {
      method: 'POST',
      body: request.body,
      headers: {
        ...JSON_HEADERS,
        ...request.headers,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
    });
    if (response instanceof Error) return response;
    const told = listOf(response, 'access-control-expose-headers');
    // A star covers all but Authorization, which is not read.
    const exposed = READ_HEADERS.filter((name) => response.headers.has(name)).map(
      (name): [string, boolean] => [name, told.includes(name) || told.includes('*')],
    );
    const copy = response.clone();
    const [answer, start] = await Promise.all([readAnswer(response, url), beginning(copy)]);
    return {
      found: {
        answer,
        exposed: Object.fromEntries(exposed),
        originAllowed: allowsOrigin(response, page),
      },
      spoken: (era: 'modern' | 'legacy') => response.ok && speaks(era, start),
    };
  }

  /** Gives a session back that was opened only to look. */
  async #leave(url: string, session: string | null): Promise<void> {
    if (session === null) return;
    const response = await this.#ask(url, {
      method: 'DELETE',
      headers: { 'mcp-session-id': session },
    });
    if (response instanceof Response) await response.body?.cancel();
  }

  async elsewhere(): Promise<string | null> {
    for (const place of otherPlaces(this.#options.url)) {
      const found = await this.find(place);
      if (!(found instanceof Error) && found.era !== null) return place;
    }
    return null;
  }
}

function listOf(response: Response, name: string): string[] {
  const text = response.headers.get(name) ?? '';
  return text.split(',').map((item) => item.trim().toLowerCase());
}

function allowsOrigin(response: Response, page: string): boolean {
  const allowed = response.headers.get('access-control-allow-origin')?.trim();
  return allowed === '*' || allowed === page;
}

function words(error: Error): string {
  const { cause } = error;
  return cause instanceof Error ? `${error.message}: ${cause.message}` : error.message;
}
