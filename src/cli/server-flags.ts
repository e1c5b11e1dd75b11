// Servers that the user names on the command line, with their keys out of environment variables: a key among the arguments
// is seen by every process of the machine.
import { InputError } from '../base/errors.ts';
import { bearerToken } from '../tools/auth/server-auth.ts';
import type { ConnectOptions } from '../tools/mcp-client.ts';
import type { Flags } from './flags.ts';

export const SERVER_FLAGS = { server: 'strings', token: 'strings', header: 'strings' } as const;

/**
 * Servers of `--server NAME=URL`, with `--token NAME=VARIABLE` for a bearer token and `--header NAME=HEADER:VARIABLE`.
 * @throws {InputError} for a flag that does not fit, a server that is not there or a variable that is not set.
 */
export function addedServers(flags: Flags): ConnectOptions[] {
  const { command } = flags;
  const servers = new Map<string, ConnectOptions>();
  for (const text of flags.texts('server')) {
    const [, name, url] = /^([^=]+)=(https?:\/\/.+)$/.exec(text) ?? [];
    if (name === undefined || url === undefined) {
      throw new InputError(
        'flags',
        `${command}: --server: got "${text}", need NAME=URL with an http URL`,
      );
    }
    servers.set(name, { name, url });
  }
  const serverOf = (flag: string, name: string): ConnectOptions => {
    const server = servers.get(name);
    if (server !== undefined) return server;
    const names = servers.size === 0 ? 'a --server' : `one of ${[...servers.keys()].join(', ')}`;
    throw new InputError('flags', `${command}: --${flag}: got the server ${name}, need ${names}`);
  };
  for (const text of flags.texts('token')) {
    const [, name, variable] = /^([^=]+)=(\w+)$/.exec(text) ?? [];
    if (name === undefined || variable === undefined)
      throw unfit(command, 'token', 'NAME=VARIABLE');
    const token = readVariable(command, 'token', variable);
    servers.set(name, { ...serverOf('token', name), auth: bearerToken(() => token) });
  }
  for (const text of flags.texts('header')) {
    const [, name, header, variable] = /^([^=]+)=([\w-]+):(\w+)$/.exec(text) ?? [];
    if (name === undefined || header === undefined || variable === undefined) {
      throw unfit(command, 'header', 'NAME=HEADER:VARIABLE');
    }
    const server = serverOf('header', name);
    const headers = { ...server.headers, [header]: readVariable(command, 'header', variable) };
    servers.set(name, { ...server, headers });
  }
  return [...servers.values()];
}

/** What was got is not repeated: it may be the key itself. */
function unfit(command: string, flag: string, needed: string): InputError {
  const message = `${command}: --${flag}: got another form, need ${needed} with the name of an environment variable`;
  return new InputError('flags', message);
}

/** @throws {InputError} when it is not set or empty. */
export function readVariable(command: string, flag: string, variable: string): string {
  const value = process.env[variable];
  if (value !== undefined && value !== '') return value;
  throw new InputError(
    'flags',
    `${command}: --${flag}: the environment has no ${variable}; set it to the key`,
  );
}
