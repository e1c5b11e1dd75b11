// What toolspace full is made of: a server, and the kinds of requests that need it. Knows no particular one.
import type { Family } from '../draft.ts';
import type { ServerDef } from '../server.ts';

/** A server with its requests; their tools are the server's own. */
export interface BuiltIn {
  readonly server: ServerDef;
  readonly requests: readonly Family[];
}
