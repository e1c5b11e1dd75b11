// What the page asks of the agent worker about servers of the user's own, and what the worker asks of the page for them: it
// has no window and no session storage. Types alone.
import type { Diagnosis } from '../tools/doctor/diagnose.ts';
import type { ToolProblem } from '../tools/tool-list.ts';
import type { Task } from '../trajectory/task.ts';

/** How a server learns who asks. */
export type ServerAccess = 'none' | 'token' | 'sign-in';

/** A server as its user names it. */
export interface ServerEntry {
  name: string;
  url: string;
  access: ServerAccess;
}

/** A tool as a policy is shown it, and what the server promises of it; null where it says nothing. Untrusted text. */
export interface ServerTool {
  name: string;
  description: string;
  signature: string;
  readOnly: boolean | null;
  idempotent: boolean | null;
}

/** What a server showed when it was connected. */
export interface ServerCatalogue {
  /** Protocol revision that was agreed, such as 2026-07-28. */
  protocol: string;
  /** What it says of itself; untrusted text. */
  description: string;
  tools: ServerTool[];
  problems: ToolProblem[];
}

export interface ServerListing {
  name: string;
  /** Without its query, which may hold a key. */
  url: string;
  access: ServerAccess;
  /** `idle`: not asked since the page was loaded. */
  state: 'idle' | 'connecting' | 'ready' | 'failed';
  /** Null until it was connected. */
  catalogue: ServerCatalogue | null;
  /** Why it could not be connected; null when it was not tried or worked. */
  error: { code: string; message: string } | null;
  /** What went with its tab and must be given again before it can be connected. */
  needs: 'token' | 'address' | null;
}

/** A person's own request. `servers` are built-in ones of the toolspace. */
export interface OwnRequest {
  prompt: string;
  servers: readonly string[];
  toolspace: string;
  seed: number;
}

/** The page's calls about servers of the user's own. */
export interface ServerApi {
  ownServers(): Promise<ServerListing[]>;
  /** Remembers a server; a token is kept for as long as the tab. Asks nobody. @throws {InputError} saying what does not fit. */
  addServer(entry: ServerEntry, token?: string): Promise<ServerListing>;
  /** Changes how a server learns who asks, or gives it another token. What it had is forgotten. */
  setAccess(name: string, access: ServerAccess, token?: string): Promise<void>;
  /** Connects a server and reads its tools; a failure is told by the listing. May ask for consent. */
  connectServer(name: string): Promise<ServerListing>;
  /** Ends what is under way for a server. */
  cancelServer(name: string): Promise<void>;
  /** What stands in the way of this page. */
  checkServer(name: string): Promise<Diagnosis>;
  /** Forgets the tokens. */
  signOutServer(name: string): Promise<ServerListing>;
  removeServer(name: string): Promise<void>;
  /** Names of the built-in servers of a toolspace. */
  builtInServers(toolspace: string): Promise<string[]>;
  /** A person's own request as a task. @throws {InputError} for one that is empty or too long. */
  ownTask(request: OwnRequest): Promise<Task>;
}

/** What the page does for its agent worker. */
export interface PageServices {
  /** Shows an authorisation server's page to the user. @returns the query of the redirect. */
  askConsent(server: string, page: string): Promise<string>;
  /** Takes the question back: nobody waits for the answer any more. */
  endConsent(server: string): Promise<void>;
  /** Values in the session storage of the tab. */
  readSecret(key: string): Promise<string | null>;
  writeSecret(key: string, value: string): Promise<void>;
  deleteSecret(key: string): Promise<void>;
}
