// Servers that do not work from a page, each with what the doctor has to find; and its advice put into practice.
import type { Diagnosis, FindingCode } from '../../src/tools/doctor/diagnose.ts';
import { type CorsConfig, OPEN } from './cors-config.ts';

export interface CorsCase {
  what: string;
  config: CorsConfig;
  finds: FindingCode[];
  /** What is found from inside of a page, where that is another thing. */
  fromPage?: FindingCode[];
  /** Rounds of advice until it works: what is behind a refused preflight is seen only then. Null when headers do not mend it. */
  rounds: number | null;
}

const { headers: HEADERS, preflight: PREFLIGHT } = OPEN;

function without(headers: Record<string, string>, name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name));
}

const allowing = (names: string) => ({
  ...PREFLIGHT,
  headers: { ...PREFLIGHT.headers, 'access-control-allow-headers': names },
});
const BARE = { status: 204, headers: {} };
const broken = (behaves: CorsConfig['behaves']): CorsConfig => ({ ...OPEN, behaves });

export const CORS_CASES: readonly CorsCase[] = [
  { what: 'nothing wrong', config: OPEN, finds: [], rounds: 0 },
  { what: 'nothing wrong, with sessions', config: broken('legacy'), finds: [], rounds: 0 },
  {
    what: 'no CORS at all',
    config: { behaves: 'modern', headers: {}, preflight: { status: 405, headers: {} } },
    finds: ['origin'],
    rounds: 2,
  },
  {
    what: 'another origin allowed',
    config: {
      ...OPEN,
      headers: { ...HEADERS, 'access-control-allow-origin': 'https://example.org' },
    },
    finds: ['origin'],
    rounds: 1,
  },
  {
    what: 'OPTIONS refused',
    config: { ...OPEN, preflight: { status: 401, headers: {} } },
    finds: ['preflight'],
    rounds: 1,
  },
  {
    what: 'no header allowed',
    config: { ...OPEN, preflight: BARE },
    finds: ['headers'],
    // Nothing passes, whatever is asked for: it looks like a refusal.
    fromPage: ['preflight'],
    rounds: 1,
  },
  {
    what: 'the headers of the older revisions allowed alone',
    config: { ...OPEN, preflight: allowing('content-type, mcp-session-id, authorization') },
    finds: ['headers'],
    rounds: 1,
  },
  {
    what: 'a star for the headers',
    config: { ...OPEN, preflight: allowing('*') },
    finds: ['headers'],
    // Chromium 156 still takes the star for Authorization as well; the standard and others do not.
    fromPage: [],
    rounds: 1,
  },
  {
    what: 'sessions that the page cannot see',
    config: { ...broken('legacy'), headers: without(HEADERS, 'access-control-expose-headers') },
    finds: ['expose'],
    rounds: 1,
  },
  {
    what: '401 with a challenge',
    config: broken('401 with challenge'),
    finds: ['sign_in'],
    rounds: null,
  },
  { what: '401 without', config: broken('401'), finds: ['sign_in_silent'], rounds: null },
  { what: '403', config: broken('403'), finds: ['forbidden'], rounds: null },
  { what: '404', config: broken('404'), finds: ['not_found'], rounds: null },
  { what: '500', config: broken('500'), finds: ['server_error'], rounds: null },
  { what: 'HTML', config: broken('html'), finds: ['html'], rounds: null },
  { what: 'JSON that is no MCP', config: broken('not mcp'), finds: ['no_mcp'], rounds: null },
];

/** The findings that keep a page from it, or all when none does. */
export function main({ findings }: Diagnosis): FindingCode[] {
  const blocking = findings.filter(({ blocks }) => blocks);
  return (blocking.length > 0 ? blocking : findings).map(({ code }) => code);
}

/** Does what the doctor says: the headers go into every answer, and OPTIONS is answered. */
export function followed(config: CorsConfig, { findings }: Diagnosis): CorsConfig {
  const headers = Object.assign({}, ...findings.map((finding) => finding.headers)) as Record<
    string,
    string
  >;
  const answersOptions = findings.some(({ code }) => code === 'preflight');
  return {
    ...config,
    headers: { ...config.headers, ...headers },
    preflight: answersOptions
      ? { status: 204, headers: {} }
      : { ...config.preflight, headers: { ...config.preflight.headers, ...headers } },
  };
}
