// `atlas servers`: the built-in servers as JSON, or served over streamable HTTP; or what keeps a page from a server of
// somebody else.
import { once } from 'node:events';
import { InputError } from '../../base/errors.ts';
import { type Diagnosis, diagnose } from '../../tools/doctor/diagnose.ts';
import { probeAsPeer } from '../../tools/doctor/probe-as-peer.ts';
import { createHost } from '../../toolspace/host.ts';
import { serverSpecs } from '../../toolspace/toolspaces.ts';
import { Flags } from '../flags.ts';
import { printJson } from '../output.ts';
import { type Serving, serveHttp } from '../serve.ts';
import { readVariable } from '../server-flags.ts';
import { interruptSignal } from '../signals.ts';

/** World seed and episode of the URLs that are printed; other paths make other states. */
const FIRST_STATE = '0/main';

/** Where `npm start` shows the page. */
const DEFAULT_PAGE = 'http://localhost:4173';

export const SERVERS_FLAGS = {
  toolspace: 'string',
  serve: 'string',
  check: 'string',
  origin: 'string',
  token: 'string',
} as const;

/** What the command prints, and what is being served: the caller closes it. */
export interface ServersResult {
  printed: object;
  serving: Serving | null;
}

/**
 * Lists the servers with their tools, or with `--serve PORT` (0 is any free port) serves them, or with `--check URL` asks
 * a server whether a page could use it.
 * @throws {InputError} for a bad flag or a port that is taken.
 */
export async function runServers(flags: Flags): Promise<ServersResult> {
  if (flags.has('check')) return { printed: await check(flags), serving: null };
  const toolspace = flags.text('toolspace') ?? 'core';
  const specs = serverSpecs(toolspace);
  if (!flags.has('serve')) {
    const servers = specs.map(({ name, description, tools }) => ({
      name,
      description,
      tools: tools.map((tool) => ({
        name: tool.name,
        description: tool.description,
        inputSchema: tool.inputSchema,
      })),
    }));
    return { printed: { servers }, serving: null };
  }
  const host = createHost({ toolspace });
  const serving = await serveHttp(host.fetch, flags.integer('serve', 0, 0, 65535));
  const urls = specs.map(({ name }) => [name, `${serving.url}/mcp/${FIRST_STATE}/${name}`]);
  return {
    printed: { url: serving.url, servers: Object.fromEntries(urls) },
    serving: {
      url: serving.url,
      async close() {
        await serving.close();
        await host.close();
      },
    },
  };
}

/** The doctor's findings, for a page of `--origin`; `--token VARIABLE` names where a bearer token is. */
async function check(flags: Flags): Promise<Diagnosis> {
  const url = webAddress(flags, 'check', '');
  const page = webAddress(flags, 'origin', DEFAULT_PAGE).origin;
  const variable = flags.text('token');
  const token = variable === undefined ? undefined : readVariable(flags.command, 'token', variable);
  const probes = await probeAsPeer({
    url: url.href,
    page,
    ...(token === undefined ? {} : { token }),
  });
  return diagnose(probes);
}

function webAddress(flags: Flags, flag: string, fallback: string): URL {
  const text = flags.text(flag) ?? fallback;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === '') return url;
  // It is not repeated: there may be a password in it.
  const message = `${flags.command}: --${flag}: got another text, need an http URL without a user in it`;
  throw new InputError('flags', message);
}

/** Prints the result; when serving, goes on until the process is interrupted. */
export async function servers(argv: readonly string[]): Promise<void> {
  const flags = new Flags('servers', argv, SERVERS_FLAGS);
  const { printed, serving } = await runServers(flags);
  printJson(printed);
  if (serving === null) return;
  const signal = interruptSignal();
  if (!signal.aborted) await once(signal, 'abort');
  await serving.close();
}
