// What is found out about a server that does not work from a page: results as data, and the requests that both ways of
// asking share. Judges nothing.
import type { Fetch } from '../bounded-fetch.ts';
import { cleanLine } from '../untrusted-text.ts';

/** Headers that the client sends: a server has to allow them by name. */
export const SENT_HEADERS = [
  'content-type',
  'mcp-method',
  'mcp-name',
  'mcp-protocol-version',
  'mcp-session-id',
  'authorization',
  'last-event-id',
] as const;

/** Headers that the client reads: a server has to expose them. */
export const READ_HEADERS = ['mcp-session-id', 'mcp-protocol-version', 'www-authenticate'] as const;

/** What came back to a request in the client's own words. */
export interface Answer {
  status: number;
  /** Empty when it has none. */
  contentType: string;
  /** The beginning of the body, on one line. */
  start: string;
  /** `WWW-Authenticate`; null when it has none or the page may not see it. */
  challenge: string | null;
  /** Where it sends the client instead; null when it does not. */
  location: string | null;
  session: string | null;
}

/** Null is "not known": not asked, or the browser does not tell. */
export interface Probes {
  url: string;
  /** Origin of the page that is to use the server. */
  page: string;
  /** A token is sent along. */
  usesToken: boolean;
  reached: boolean | null;
  timedOut: boolean;
  /** What the failed request said, where it said something. */
  reason: string;
  originAllowed: boolean | null;
  /** `OPTIONS` is answered as a browser needs it, whichever headers it allows. */
  preflightPassed: boolean | null;
  /** By header that the client sends. */
  headersAllowed: Readonly<Record<string, boolean>>;
  deleteAllowed: boolean | null;
  answer: Answer | null;
  speaks: 'modern' | 'legacy' | null;
  /** By header that the client reads, where the server sends it. */
  headersExposed: Readonly<Record<string, boolean>>;
  /** Another address of this server that speaks MCP. */
  elsewhere: string | null;
}

/** Nothing is known yet. */
export function unknownProbes({ url, page, token }: ProbeOptions): Probes {
  return {
    url,
    page,
    usesToken: token !== undefined,
    reached: null,
    timedOut: false,
    reason: '',
    originAllowed: null,
    preflightPassed: null,
    headersAllowed: {},
    deleteAllowed: null,
    answer: null,
    speaks: null,
    headersExposed: {},
    elsewhere: null,
  };
}

export interface ProbeOptions {
  url: string;
  /** Origin of the page. */
  page: string;
  /** Headers beyond {@link SENT_HEADERS}. */
  extraHeaders?: readonly string[];
  /** Sent with the requests that look for MCP; it is shown nowhere. */
  token?: string;
  fetch?: Fetch;
  timeoutMs?: number;
}

export const PROBE_TIMEOUT_MS = 5000;
const START_CHARACTERS = 200;
/** More is not read of a body. */
const START_BYTES = 8192;

/** Reads an answer, little of its body, and lets the connection go. */
export async function readAnswer(response: Response, url: string): Promise<Answer> {
  const { status, headers } = response;
  const sentOn = headers.get('location');
  const body = await beginning(response);
  return {
    status,
    contentType: headers.get('content-type') ?? '',
    start: cleanLine(body, START_CHARACTERS),
    challenge: headers.get('www-authenticate'),
    location:
      sentOn !== null && URL.canParse(sentOn, url)
        ? new URL(sentOn, url).href
        : response.redirected
          ? response.url
          : null,
    session: headers.get('mcp-session-id'),
  };
}

/** The first bytes of a body, as far as they come at once. */
export async function beginning(response: Response): Promise<string> {
  if (response.body === null) return '';
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  try {
    while (text.length < START_BYTES) {
      const { done, value } = await reader.read();
      if (done) break;
      text += value;
      // A stream of events may stay open: the first event is enough.
      if (/\r?\n\r?\n/.test(text)) break;
    }
    await reader.cancel();
  } catch (error) {
    // A body that breaks off: what came is what there is.
    if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
  }
  return text;
}

const CLIENT = { name: 'pocket-atlas', version: '0.1.0' };
const MODERN = '2026-07-28';
const LEGACY = '2025-11-25';

const META = {
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientInfo': CLIENT,
  'io.modelcontextprotocol/clientCapabilities': {},
};

/** Requests that change nothing, as the client would send them. */
export const DISCOVER = {
  body: JSON.stringify({
    jsonrpc: '2.0',
    id: 'check',
    method: 'server/discover',
    params: { _meta: META },
  }),
  headers: { 'mcp-protocol-version': MODERN, 'mcp-method': 'server/discover' },
};

export const INITIALIZE = {
  body: JSON.stringify({
    jsonrpc: '2.0',
    id: 'check',
    method: 'initialize',
    params: { protocolVersion: LEGACY, capabilities: {}, clientInfo: CLIENT },
  }),
  headers: {},
};

/** A message that no server answers, for the question whether it may be sent at all. */
export const NOTHING = JSON.stringify({
  jsonrpc: '2.0',
  method: 'notifications/cancelled',
  params: { requestId: 'check' },
});

export const JSON_HEADERS = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
};

/** Whether the beginning of a body is the answer of an MCP server of an era. */
export function speaks(era: 'modern' | 'legacy', start: string): boolean {
  const sign = era === 'modern' ? '"supportedVersions"' : '"protocolVersion"';
  return start.includes('"jsonrpc"') && start.includes(sign);
}

/** Addresses of the same server at which MCP often is, but for the one that was asked. */
export function otherPlaces(url: string): string[] {
  const { origin, pathname } = new URL(url);
  const trimmed = pathname.replace(/\/+$/, '');
  const places = [`${trimmed}/mcp`, '/mcp', '/', '/api/mcp'].map((path) => `${origin}${path}`);
  return [...new Set(places)].filter((place) => place !== `${origin}${pathname}`);
}

/** Host of this machine or of a network that is not the public one. */
export function isPrivateHost(hostname: string): boolean {
  return (
    isLoopback(hostname) ||
    /^(10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.)/.test(hostname) ||
    /^\[f[cd]/.test(hostname) ||
    /\.(local|lan|internal)$/.test(hostname)
  );
}

/** Browsers count this machine's own addresses as safe, also without https. */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}
