// `atlas servers`: the built-in servers as JSON, or served over streamable HTTP.
import { once } from 'node:events';
import { createHost } from '../../toolspace/host.ts';
import { serverSpecs } from '../../toolspace/toolspaces.ts';
import { Flags } from '../flags.ts';
import { printJson } from '../output.ts';
import { type Serving, serveHttp } from '../serve.ts';
import { interruptSignal } from '../signals.ts';

/** World seed and episode of the URLs that are printed; other paths make other states. */
const FIRST_STATE = '0/main';

/** What the command prints, and what is being served: the caller closes it. */
export interface ServersResult {
  printed: object;
  serving: Serving | null;
}

/**
 * Lists the servers with their tools, or with `--serve PORT` (0 is any free port) serves them.
 * @throws {InputError} for a bad flag or a port that is taken.
 */
export async function runServers(flags: Flags): Promise<ServersResult> {
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

/** Prints the result; when serving, goes on until the process is interrupted. */
export async function servers(argv: readonly string[]): Promise<void> {
  const flags = new Flags('servers', argv, { toolspace: 'string', serve: 'string' });
  const { printed, serving } = await runServers(flags);
  printJson(printed);
  if (serving === null) return;
  const signal = interruptSignal();
  if (!signal.aborted) await once(signal, 'abort');
  await serving.close();
}
