// The page's calls about MCP servers of the user's own: which there are, what they show, how they learn who asks. Names and
// addresses are kept in the database; tokens, and the query of an address, in the session storage of the tab alone. Runs in
// the agent worker.
import { z } from 'zod';
import { AtlasError, errorMessage, InputError, ToolError } from '../base/errors.ts';
import type { Records } from '../store/records.ts';
import { OAuthSession } from '../tools/auth/oauth.ts';
import type { SecretStore } from '../tools/auth/secret-store.ts';
import { bearerToken } from '../tools/auth/server-auth.ts';
import { type Diagnosis, diagnose } from '../tools/doctor/diagnose.ts';
import { probeFromPage } from '../tools/doctor/probe-from-page.ts';
import type { ServerLimits } from '../tools/limits.ts';
import { type Catalogue, type ConnectOptions, connectServer } from '../tools/mcp-client.ts';
import { SHORTEST_SECRET, shownUrl } from '../tools/secrets.ts';
import { toolSignature } from '../tools/signature.ts';
import { cleanLine } from '../tools/untrusted-text.ts';
import { serverSpecs } from '../toolspace/toolspaces.ts';
import { userTask } from '../toolspace/user-task.ts';
import type { Task } from '../trajectory/task.ts';
import type { ToolSpec } from '../trajectory/tool.ts';
import type {
  OwnRequest,
  PageServices,
  ServerAccess,
  ServerApi,
  ServerCatalogue,
  ServerEntry,
  ServerListing,
  ServerTool,
} from './server-api.ts';

export interface ServerDeskOptions {
  records: Promise<Pick<Records, 'setting' | 'saveSetting'>>;
  page: PageServices;
  /** Of the page. */
  origin: string;
  /** Page of this origin that authorisation servers redirect to. */
  redirectUrl: string;
  /** URL of this deployment's client-ID metadata document, where it has one. */
  clientDocumentUrl?: () => Promise<string | undefined>;
  /** `crossOriginIsolated`. */
  isolated: boolean;
  /** Where they differ from the usual ones. */
  limits?: Partial<ServerLimits>;
}

const SETTING = 'own-servers';
const NAME = /^[A-Za-z0-9_-]{1,32}$/;
/** Plain http is let out to this machine alone: the page's policy names these two. */
const HTTP_HOSTS: ReadonlySet<string> = new Set(['localhost', '127.0.0.1']);
const SIGNATURE_CHARACTERS = 1000;
const MAX_SERVERS = 50;

/** What is kept over reloads: no token, and no query, where keys are often put. */
const recordSchema = z.strictObject({
  name: z.string(),
  url: z.string(),
  access: z.enum(['none', 'token', 'sign-in']),
  /** The address had a query; it is kept for as long as the tab. */
  hasQuery: z.boolean(),
});
type ServerRecord = z.infer<typeof recordSchema>;

/** What is known of a server since the page was loaded. */
interface Standing {
  state: ServerListing['state'];
  catalogue: ServerCatalogue | null;
  error: ServerListing['error'];
  /** Ends the connecting. */
  aborter: AbortController | null;
}

const IDLE: Standing = { state: 'idle', catalogue: null, error: null, aborter: null };

export class ServerDesk implements ServerApi {
  readonly #options: ServerDeskOptions;
  readonly #secrets: SecretStore;
  readonly #standings = new Map<string, Standing>();
  /** By name: a session knows the tokens that it had, and hides them. */
  readonly #sessions = new Map<string, Promise<OAuthSession>>();
  #changes: Promise<void> = Promise.resolve();

  constructor(options: ServerDeskOptions) {
    this.#options = options;
    const { page } = options;
    this.#secrets = {
      get: (key) => page.readSecret(key),
      set: (key, value) => page.writeSecret(key, value),
      delete: (key) => page.deleteSecret(key),
    };
  }

  async ownServers(): Promise<ServerListing[]> {
    return Promise.all((await this.#records()).map((record) => this.#listing(record)));
  }

  async addServer({ name, url, access }: ServerEntry, token?: string): Promise<ServerListing> {
    const address = checkedUrl(name, url);
    const hasQuery = address.search !== '';
    const record = { name, url: shownUrl(address.href), access, hasQuery };
    await this.#change(async (records) => {
      checkName(name, records);
      // Only now: another server of this name keeps what it has.
      if (access === 'token') await this.#keepToken(name, token);
      if (hasQuery) await this.#secrets.set(addressKey(name), address.href);
      return [...records, record];
    });
    return this.#listing(record);
  }

  async setAccess(name: string, access: ServerAccess, token?: string): Promise<void> {
    const record = await this.#record(name);
    // A token that does not fit changes nothing.
    if (access === 'token') checkedToken(name, token);
    await this.#forgetTokens(record);
    if (access === 'token') await this.#keepToken(name, token);
    await this.#change((records) =>
      records.map((one) => (one.name === name ? { ...one, access } : one)),
    );
  }

  async #keepToken(name: string, token: string | undefined): Promise<void> {
    await this.#secrets.set(tokenKey(name), checkedToken(name, token));
  }

  async connectServer(name: string): Promise<ServerListing> {
    const record = await this.#record(name);
    // Without a pause between: of two attempts at once the second ends the first.
    this.#standings.get(name)?.aborter?.abort();
    const aborter = new AbortController();
    const standing: Standing = { ...IDLE, state: 'connecting', aborter };
    this.#standings.set(name, standing);
    const settle = (end: Partial<Standing>): void => {
      // A later attempt, or a removal, has taken its place.
      if (this.#standings.get(name) === standing) this.#standings.set(name, { ...IDLE, ...end });
    };
    try {
      const catalogue = await this.#catalogue(record, aborter.signal);
      settle({ state: 'ready', catalogue });
    } catch (error) {
      const code = error instanceof AtlasError ? error.code : '';
      const isCancelled = aborter.signal.aborted || code === 'cancelled';
      if (isCancelled) settle({});
      else settle({ state: 'failed', error: { code, message: errorMessage(error) } });
    }
    return this.#listing(record);
  }

  /** Asks for the tools and lets the connection go: an episode opens its own. */
  async #catalogue(record: ServerRecord, signal: AbortSignal): Promise<ServerCatalogue> {
    const connection = await connectServer(await this.#connectOptions(record, signal));
    try {
      const { protocol, description } = connection;
      return { protocol, description, ...shownCatalogue(await connection.list({ signal })) };
    } finally {
      await connection.close();
    }
  }

  async cancelServer(name: string): Promise<void> {
    this.#standings.get(name)?.aborter?.abort();
  }

  async checkServer(name: string): Promise<Diagnosis> {
    const record = await this.#record(name);
    const { origin: page, isolated } = this.#options;
    const url = await this.#url(record);
    const token = await this.#tokenOf(record);
    return diagnose(
      await probeFromPage({ url, page, isolated, ...(token === null ? {} : { token }) }),
    );
  }

  async #tokenOf(record: ServerRecord): Promise<string | null> {
    if (record.access === 'token') return this.#secrets.get(tokenKey(record.name));
    if (record.access === 'none') return null;
    return (await (await this.#session(record)).tokens())?.access_token ?? null;
  }

  async signOutServer(name: string): Promise<ServerListing> {
    const record = await this.#record(name);
    await this.#forgetTokens(record);
    return this.#listing(record);
  }

  async removeServer(name: string): Promise<void> {
    const record = await this.#record(name);
    await this.#forgetTokens(record);
    await this.#secrets.delete(addressKey(name));
    this.#sessions.delete(name);
    await this.#change((records) => records.filter((one) => one.name !== name));
  }

  async #forgetTokens(record: ServerRecord): Promise<void> {
    const { name, access } = record;
    await this.cancelServer(name);
    this.#standings.delete(name);
    await this.#secrets.delete(tokenKey(name));
    if (access === 'sign-in') await (await this.#session(record)).signOut();
  }

  async builtInServers(toolspace: string): Promise<string[]> {
    return serverSpecs(toolspace).map(({ name }) => name);
  }

  async ownTask(request: OwnRequest): Promise<Task> {
    return userTask(request);
  }

  /**
   * How an episode reaches servers.
   * @throws {InputError} for one that is not there.
   */
  async connectable(names: readonly string[], signal: AbortSignal): Promise<ConnectOptions[]> {
    const records = await Promise.all(names.map((name) => this.#record(name)));
    return Promise.all(records.map((record) => this.#connectOptions(record, signal)));
  }

  async #connectOptions(record: ServerRecord, signal: AbortSignal): Promise<ConnectOptions> {
    const { name, access } = record;
    const { limits = {} } = this.#options;
    const shared = { name, url: await this.#url(record), limits, signal };
    if (access === 'none') return shared;
    if (access === 'token') {
      // Read anew for each request: a sign-out ends it at once.
      return { ...shared, auth: bearerToken(() => this.#secrets.get(tokenKey(name))) };
    }
    const session = await this.#session(record);
    signal.addEventListener('abort', () => void this.#options.page.endConsent(name), {
      once: true,
    });
    return { ...shared, auth: session };
  }

  #session(record: ServerRecord): Promise<OAuthSession> {
    const session = this.#sessions.get(record.name) ?? this.#newSession(record);
    this.#sessions.set(record.name, session);
    return session;
  }

  async #newSession({ name, url }: ServerRecord): Promise<OAuthSession> {
    const { page, redirectUrl } = this.#options;
    const clientDocumentUrl = await this.#options.clientDocumentUrl?.();
    // Two entries of one address are two sign-ins.
    const keyOf = (key: string): string => `${name}:${key}`;
    return new OAuthSession({
      server: url,
      redirectUrl,
      store: {
        get: (key) => this.#secrets.get(keyOf(key)),
        set: (key, value) => this.#secrets.set(keyOf(key), value),
        delete: (key) => this.#secrets.delete(keyOf(key)),
      },
      ...(clientDocumentUrl === undefined ? {} : { clientDocumentUrl }),
      ask: async (at) => new URLSearchParams(await page.askConsent(name, at.href)),
    });
  }

  async #url({ name, url, hasQuery }: ServerRecord): Promise<string> {
    if (!hasQuery) return url;
    const whole = await this.#secrets.get(addressKey(name));
    if (whole !== null) return whole;
    throw new ToolError(
      'address_gone',
      `server ${name}: its address had a query, which went with its tab; remove the server and add it again`,
    );
  }

  async #listing(record: ServerRecord): Promise<ServerListing> {
    const { name, url, access } = record;
    const { state, catalogue, error } = this.#standings.get(name) ?? IDLE;
    return { name, url, access, state, catalogue, error, needs: await this.#needs(record) };
  }

  async #needs({ name, access, hasQuery }: ServerRecord): Promise<ServerListing['needs']> {
    if (hasQuery && (await this.#secrets.get(addressKey(name))) === null) return 'address';
    const isBare = access === 'token' && (await this.#secrets.get(tokenKey(name))) === null;
    return isBare ? 'token' : null;
  }

  async #records(): Promise<ServerRecord[]> {
    const saved = await (await this.#options.records).setting(SETTING, []);
    return z.array(recordSchema).parse(saved);
  }

  /** Changes the list, one change after the other. */
  async #change(
    change: (records: ServerRecord[]) => ServerRecord[] | Promise<ServerRecord[]>,
  ): Promise<void> {
    const changing = this.#changes.then(async () => {
      const changed = await change(await this.#records());
      await (await this.#options.records).saveSetting(SETTING, changed);
    });
    this.#changes = changing.catch(() => undefined);
    await changing;
  }

  /** @throws {InputError} for a server that is not there. */
  async #record(name: string): Promise<ServerRecord> {
    const record = (await this.#records()).find((one) => one.name === name);
    if (record !== undefined) return record;
    throw new InputError('no-server', `server ${name}: there is none of this name; add it first`);
  }
}

const tokenKey = (name: string): string => `atlas-token:${name}`;
const addressKey = (name: string): string => `atlas-address:${name}`;

/** @throws {InputError} for a name that cannot be written, or is taken, and for a list that is full. */
function checkName(name: string, records: readonly ServerRecord[]): void {
  if (records.length >= MAX_SERVERS) {
    throw new InputError('server', `servers: there are ${MAX_SERVERS}; remove one first`);
  }
  if (!NAME.test(name)) {
    throw new InputError(
      'server',
      `server: got the name "${cleanLine(name, 40)}", need 1 to 32 letters, digits, _ or -`,
    );
  }
  const isSame = (other: string): boolean => other.toLowerCase() === name.toLowerCase();
  const isTaken = records.some((record) => isSame(record.name));
  if (!isTaken && !serverSpecs('full').some((spec) => isSame(spec.name))) return;
  const whose = isTaken ? 'you have a server of this name' : 'a built-in server has this name';
  throw new InputError('server', `server ${name}: ${whose}; choose another`);
}

/**
 * Other characters cannot stand in a header, and shorter ones cannot be hidden in what a server says. What was got is not
 * repeated: it may be nearly the token.
 */
function checkedToken(name: string, token: string | undefined): string {
  const given = token?.trim() ?? '';
  if (/^[\x21-\x7e]+$/.test(given) && given.length >= SHORTEST_SECRET) return given;
  throw new InputError(
    'server',
    `server ${name}: need a token of at least ${SHORTEST_SECRET} letters, digits or signs, without spaces`,
  );
}

function checkedUrl(name: string, url: string): URL {
  const address = URL.canParse(url.trim()) ? new URL(url.trim()) : null;
  const isHttp = address?.protocol === 'http:' || address?.protocol === 'https:';
  if (address === null || !isHttp || address.username !== '' || address.password !== '') {
    const message = `server ${name}: got ${shownUrl(url)}, need an http or https address without a user in it`;
    throw new InputError('server', message);
  }
  if (address.protocol === 'http:' && !HTTP_HOSTS.has(address.hostname)) {
    throw new InputError(
      'server',
      `server ${name}: got plain http to ${address.hostname}, which the page lets out to localhost and 127.0.0.1 alone; use https`,
    );
  }
  address.hash = '';
  return address;
}

function shownCatalogue({ tools, problems }: Catalogue) {
  return { tools: tools.map(shownTool), problems };
}

function shownTool(tool: ToolSpec): ServerTool {
  const { name, description, readOnly = null, idempotent = null } = tool;
  // Names of arguments are untrusted as well.
  const signature = cleanLine(toolSignature(tool), SIGNATURE_CHARACTERS);
  return { name, description, signature, readOnly, idempotent };
}
