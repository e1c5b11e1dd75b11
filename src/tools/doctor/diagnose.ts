// Results of asking a server -> what is wrong, in plain words, and the header that mends it. Pure: asks nobody.
import { shownUrl } from '../secrets.ts';
import { isMixed } from './probe-from-page.ts';
import { type Answer, isLoopback, isPrivateHost, type Probes, READ_HEADERS } from './probes.ts';

export type FindingCode =
  | 'mixed_content'
  | 'unreachable'
  | 'unreachable_or_closed'
  | 'private_network'
  | 'timeout'
  | 'origin'
  | 'preflight'
  | 'headers'
  | 'expose'
  | 'delete'
  | 'sign_in'
  | 'sign_in_silent'
  | 'forbidden'
  | 'not_found'
  | 'wrong_path'
  | 'login_page'
  | 'redirect'
  | 'html'
  | 'server_error'
  | 'no_mcp';

export interface Finding {
  code: FindingCode;
  /** Whether the page cannot use the server at all. */
  blocks: boolean;
  problem: string;
  fix: string;
  /** Headers that the server has to send, by name. */
  headers: Readonly<Record<string, string>>;
}

export interface Diagnosis {
  /** Without its query. */
  url: string;
  page: string;
  /** Protocol era, null when no MCP was found. */
  speaks: 'modern' | 'legacy' | null;
  works: boolean;
  findings: Finding[];
}

/** What stands in the way of a page that wants to use a server; no findings when nothing does. */
export function diagnose(probes: Probes): Diagnosis {
  const findings = isMixed(probes.url, probes.page) ? [mixed(probes)] : reachFindings(probes);
  const { page, speaks } = probes;
  const works = speaks !== null && !findings.some(({ blocks }) => blocks);
  return { url: shownUrl(probes.url), page, speaks, works, findings };
}

function finding(
  code: FindingCode,
  problem: string,
  fix: string,
  headers: Record<string, string> = {},
  blocks = true,
): Finding {
  return { code, blocks, problem, fix, headers };
}

function mixed({ url }: Probes): Finding {
  return finding(
    'mixed_content',
    'This page was loaded over https, so the browser does not let it ask an address with http.',
    `Serve MCP over https (https://${new URL(url).host}…), or run it on this machine (http://localhost), which browsers allow.`,
  );
}

function reachFindings(probes: Probes): Finding[] {
  const { reached, timedOut, reason } = probes;
  if (timedOut && probes.answer === null) {
    return [
      finding(
        'timeout',
        'The server does not answer in time.',
        'Look whether it runs and whether a firewall drops the request.',
      ),
      ...privateFindings(probes),
    ];
  }
  const said = reason === '' ? '' : ` (${reason})`;
  if (reached === false) {
    return [
      finding(
        'unreachable',
        `There is no server at this address${said}.`,
        'Look whether it runs, whether port and host are right, and whether its certificate is valid.',
      ),
      ...privateFindings(probes),
    ];
  }
  if (reached === null) {
    return [
      finding(
        'unreachable_or_closed',
        `The request failed${said}; the browser does not say whether there is no server or one that answers no page.`,
        `Run \`atlas servers --check URL --origin ${probes.page}\`, which sees more. A server that runs needs at least this header.`,
        { 'access-control-allow-origin': probes.page },
      ),
      ...privateFindings(probes),
    ];
  }
  return [...corsFindings(probes), ...answerFindings(probes)];
}

function privateFindings({ url, page }: Probes): Finding[] {
  const { hostname } = new URL(url);
  const pageHost = URL.canParse(page) ? new URL(page).hostname : '';
  if (!isPrivateHost(hostname) || isPrivateHost(pageHost)) return [];
  const place = isLoopback(hostname) ? 'this machine' : 'a private network';
  return [
    finding(
      'private_network',
      `The server is on ${place} and the page is not: browsers ask for a permission, or refuse.`,
      'Allow this page to reach devices on the local network (the symbol in the address bar). Some browsers also want this header in the answer to OPTIONS.',
      { 'access-control-allow-private-network': 'true' },
      false,
    ),
  ];
}

function corsFindings(probes: Probes): Finding[] {
  const { page, originAllowed, preflightPassed, headersAllowed } = probes;
  const names = Object.keys(headersAllowed);
  const all = { 'access-control-allow-headers': names.join(', ') };
  const origin = { 'access-control-allow-origin': page };
  if (originAllowed === false) {
    return [
      finding(
        'origin',
        `The server answers, but lets no page of ${page} read the answer.`,
        'Send this header with every answer, errors and OPTIONS included.',
        origin,
      ),
    ];
  }
  if (preflightPassed === false) {
    return [
      finding(
        'preflight',
        'Before each request the browser asks with OPTIONS whether it may be sent; the server refuses that.',
        'Answer OPTIONS with status 204, without asking for a token, and with these headers.',
        { ...origin, ...all, 'access-control-allow-methods': 'GET, POST, DELETE' },
      ),
    ];
  }
  const refused = names.filter((name) => headersAllowed[name] === false);
  if (refused.length === 0) return sideFindings(probes);
  const missed = refused.filter((name) => needsHeader(name, probes));
  const when =
    missed.length > 0 ? '' : '; that matters only with a token or a stream that broke off';
  const refusal = finding(
    'headers',
    `The server does not allow ${refused.join(', ')} to be sent${when}.`,
    'Answer OPTIONS with this header; a star does not cover authorization.',
    all,
    missed.length > 0,
  );
  return [refusal, ...sideFindings(probes)];
}

/** Whether this server cannot be used without a header; one that the user added is always sent. */
function needsHeader(name: string, { answer, speaks, usesToken }: Probes): boolean {
  switch (name) {
    case 'last-event-id':
      return false;
    case 'authorization':
      return usesToken || answer?.status === 401;
    case 'mcp-session-id':
      return speaks !== 'modern' && answer?.session !== null;
    case 'mcp-method':
    case 'mcp-name':
      return speaks !== 'legacy';
    default:
      return true;
  }
}

/** What a page can do without, or has not missed yet. */
function sideFindings({ deleteAllowed, headersExposed, speaks }: Probes): Finding[] {
  const findings: Finding[] = [];
  const hidden = Object.keys(headersExposed).filter((name) => headersExposed[name] === false);
  if (hidden.length > 0) {
    const needed = speaks === 'legacy' && hidden.includes('mcp-session-id');
    findings.push(
      finding(
        'expose',
        `The server sends ${hidden.join(', ')}, which the page may not read.`,
        'Send this header with every answer.',
        { 'access-control-expose-headers': READ_HEADERS.join(', ') },
        needed,
      ),
    );
  }
  if (deleteAllowed === false && speaks === 'legacy') {
    findings.push(
      finding(
        'delete',
        'The page cannot end its sessions, since the server does not allow DELETE.',
        'Answer OPTIONS with this header.',
        { 'access-control-allow-methods': 'GET, POST, DELETE' },
        false,
      ),
    );
  }
  return findings;
}

function answerFindings(probes: Probes): Finding[] {
  const { answer, speaks } = probes;
  if (answer === null || speaks !== null) return [];
  return [answerFinding(probes, answer)];
}

const LOGIN = /log-?in|sign-?in|auth|sso|account/i;

function answerFinding(probes: Probes, answer: Answer): Finding {
  const { status, location } = answer;
  if (location !== null) return redirectFinding(location);
  if (status === 401) return signInFinding(probes, answer);
  if (status === 403) {
    return finding(
      'forbidden',
      'The server refuses (status 403). Many refuse pages whose address they do not know.',
      `Add ${probes.page} to the origins that the server allows, or use a token that may do this.`,
    );
  }
  if (status === 404) return notFoundFinding(probes);
  if (status >= 500) {
    return finding(
      'server_error',
      `The server answers with an error of its own (status ${status}): ${answer.start}`,
      'Look into the log of the server.',
    );
  }
  if (/html/.test(answer.contentType) || /^<!doctype|^<html/i.test(answer.start)) {
    return finding(
      'html',
      'At this address is a page for people, not an MCP server.',
      'Look up the address of the MCP server; it often ends in /mcp.',
    );
  }
  const shown = answer.contentType === '' ? 'no content type' : answer.contentType;
  return finding(
    'no_mcp',
    `The server answers, but not as MCP over streamable HTTP (status ${status}, ${shown}).`,
    'Look up the address of the MCP server. Servers that only speak the older SSE transport or stdio need a bridge.',
  );
}

function redirectFinding(location: string): Finding {
  // A login page's address holds where to go back to, and tokens now and then.
  const shown = shownUrl(location);
  if (LOGIN.test(shown)) {
    return finding(
      'login_page',
      `The server sends the request on to a login page, ${shown}.`,
      'An MCP server answers 401 with this header in place of a redirect. Behind a login of a company, use an address that takes tokens.',
      { 'www-authenticate': 'Bearer resource_metadata="URL of the metadata"' },
    );
  }
  return finding(
    'redirect',
    `The server sends the request on to ${shown}, which is not followed with a token.`,
    'Use that address, if it is the server that you mean.',
  );
}

function signInFinding({ url }: Probes, { challenge }: Answer): Finding {
  if (challenge !== null) {
    return finding(
      'sign_in',
      'The server wants to know who asks.',
      /resource_metadata/.test(challenge)
        ? 'Sign in to it, or give it a token.'
        : 'Give it a token.',
    );
  }
  const { origin, pathname } = new URL(url);
  const place = `${origin}/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname}`;
  return finding(
    'sign_in_silent',
    'The server wants to know who asks (status 401), but does not say how, or does not let the page read it.',
    'Give it a token; or let the server send these headers, so that one can sign in.',
    {
      'www-authenticate': `Bearer resource_metadata="${place}"`,
      'access-control-expose-headers': READ_HEADERS.join(', '),
    },
  );
}

function notFoundFinding({ elsewhere }: Probes): Finding {
  return elsewhere === null
    ? finding(
        'not_found',
        'There is nothing at this path of the server (status 404).',
        'Look up the address of the MCP server; it often ends in /mcp.',
      )
    : finding(
        'wrong_path',
        'There is nothing at this path of the server (status 404).',
        `It speaks MCP at ${elsewhere}: use that address.`,
      );
}
