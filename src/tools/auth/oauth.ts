// Signing in to a server (OAuth 2.1 with PKCE, as the MCP authorisation specification has it). The protocol is the SDK's:
// discovery, S256, registration, refresh, the issuer's checks. Here: what is kept, for how long, and the check of `state`.
import {
  type OAuthClientMetadata,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  OAuthError,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
} from '@modelcontextprotocol/client';
import { errorMessage, ToolError } from '../../base/errors.ts';
import { Secrets, shownUrl } from '../secrets.ts';
import { cleanLine } from '../untrusted-text.ts';
import type { SecretStore } from './secret-store.ts';
import type { ServerAuth } from './server-auth.ts';

/** Shows the authorisation server's page to the user and resolves with the query of the redirect. */
export type AskConsent = (page: URL) => Promise<URLSearchParams>;

export interface OAuthOptions {
  /** URL of the MCP server. */
  server: string;
  /** Page of this origin that the authorisation server redirects to: `oauth/callback.html`. */
  redirectUrl: string;
  store: SecretStore;
  /** Null where nobody can be asked: a server that wants consent is then an error. */
  ask: AskConsent | null;
  /** URL of the client-ID metadata document ({@link clientDocument}), https only. Without it, or where the server knows no such documents, the client is registered. */
  clientDocumentUrl?: string;
  scope?: string;
  /** A client that the user registered by hand. */
  client?: { id: string; secret?: string };
}

/** What is kept of one server. */
interface Kept {
  tokens?: StoredOAuthTokens;
  client?: StoredOAuthClientInformation;
}

/** Files of a deployment, beside its page. */
export const CLIENT_DOCUMENT = 'oauth/client.json';
export const CALLBACK_PAGE = 'oauth/callback.html';

const CLIENT_NAME = 'Pocket Atlas';
const STATE_BYTES = 32;
const MESSAGE_CHARACTERS = 300;
const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])$/;

/** What the client says of itself when it is registered. It is public: it has no secret. */
export function clientMetadata(redirectUrl: string, scope?: string): OAuthClientMetadata {
  return {
    client_name: CLIENT_NAME,
    redirect_uris: [redirectUrl],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    ...(scope === undefined ? {} : { scope }),
  };
}

/** The client-ID metadata document that a deployment serves at `url`. */
export function clientDocument(url: string, redirectUrl: string): Record<string, unknown> {
  return { client_id: url, ...clientMetadata(redirectUrl) };
}

/** Signs in to one server. */
export class OAuthSession implements ServerAuth, OAuthClientProvider {
  readonly secrets = new Secrets();
  readonly #options: OAuthOptions;
  readonly #key: string;
  // Of one flow: it ends in this process or not at all, so it is not stored.
  #verifier: string | null = null;
  #state: string | null = null;
  #page: URL | null = null;
  #discovery: OAuthDiscoveryState | null = null;

  constructor(options: OAuthOptions) {
    this.#options = options;
    this.#key = `atlas-sign-in:${shownUrl(options.server)}`;
  }

  get provider(): OAuthClientProvider {
    return this;
  }

  get redirectUrl(): string {
    return this.#options.redirectUrl;
  }

  get clientMetadata(): OAuthClientMetadata {
    return clientMetadata(this.#options.redirectUrl, this.#options.scope);
  }

  // The SDK reads the property: it must be there and may be undefined.
  get clientMetadataUrl(): string {
    return this.#options.clientDocumentUrl ?? '';
  }

  state(): string {
    const bytes = crypto.getRandomValues(new Uint8Array(STATE_BYTES));
    const state = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
    this.#state = state;
    this.secrets.add(state);
    return state;
  }

  async clientInformation(): Promise<StoredOAuthClientInformation | undefined> {
    const { client } = this.#options;
    const kept = (await this.#kept()).client;
    if (client === undefined || kept !== undefined) return kept;
    this.secrets.add(client.secret);
    return {
      client_id: client.id,
      ...(client.secret === undefined ? {} : { client_secret: client.secret }),
    };
  }

  async saveClientInformation(client: StoredOAuthClientInformation): Promise<void> {
    await this.#keep({ client });
  }

  async tokens(): Promise<StoredOAuthTokens | undefined> {
    return (await this.#kept()).tokens;
  }

  async saveTokens(tokens: StoredOAuthTokens): Promise<void> {
    await this.#keep({ tokens });
  }

  redirectToAuthorization(page: URL): void {
    const safe =
      page.protocol === 'https:' || (page.protocol === 'http:' && LOOPBACK.test(page.hostname));
    if (!safe) {
      const message = `sign-in: got the page ${shownUrl(page.href)}, need an https address`;
      throw new ToolError('sign_in_unsafe', message);
    }
    this.#page = page;
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
    this.secrets.add(verifier);
  }

  codeVerifier(): string {
    if (this.#verifier === null) throw new ToolError('sign_in_lost', 'sign-in: nothing was begun');
    return this.#verifier;
  }

  saveDiscoveryState(discovery: OAuthDiscoveryState): void {
    this.#discovery = discovery;
  }

  /** Of the flow under way: a server that has moved to another authorisation server is found out at the next one. */
  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#verifier === null ? undefined : (this.#discovery ?? undefined);
  }

  async invalidateCredentials(
    what: 'all' | 'client' | 'tokens' | 'verifier' | 'discovery',
  ): Promise<void> {
    if (what === 'all' || what === 'verifier') this.#verifier = null;
    if (what === 'all') {
      await this.#options.store.delete(this.#key);
    } else if (what === 'client' || what === 'tokens') {
      const { [what]: _, ...rest } = await this.#kept();
      await this.#options.store.set(this.#key, JSON.stringify(rest));
    }
  }

  /** Forgets the tokens and the registration. */
  signOut(): Promise<void> {
    return this.invalidateCredentials('all');
  }

  async signIn(finish: (answer: URLSearchParams) => Promise<void>): Promise<void> {
    const { ask, server } = this.#options;
    const page = this.#page;
    const where = `server at ${shownUrl(server)}`;
    this.#page = null;
    if (ask === null || page === null) {
      throw new ToolError('sign_in_needed', `${where}: it wants you to sign in; do so first`);
    }
    try {
      const answer = await ask(page);
      this.secrets.add(answer.get('code'));
      if (this.#state === null || answer.get('state') !== this.#state) {
        const message = `${where}: the answer to the sign-in is not to our question (state); try again`;
        throw new ToolError('sign_in_state', message);
      }
      await finish(answer);
    } catch (error) {
      if (error instanceof ToolError) throw error;
      const refused = error instanceof OAuthError && error.code === 'access_denied';
      const words = cleanLine(this.secrets.hide(errorMessage(error)), MESSAGE_CHARACTERS);
      const message = refused
        ? `${where}: the sign-in was refused`
        : `${where}: the sign-in failed: ${words}`;
      throw new ToolError(refused ? 'sign_in_refused' : 'sign_in_failed', message);
    } finally {
      this.#state = null;
      this.#verifier = null;
    }
  }

  async #kept(): Promise<Kept> {
    const text = await this.#options.store.get(this.#key);
    // Only this class writes there.
    const kept = (text === null ? {} : JSON.parse(text)) as Kept;
    this.#learn(kept);
    return kept;
  }

  async #keep(more: Kept): Promise<void> {
    this.#learn(more);
    const kept = { ...(await this.#kept()), ...more };
    await this.#options.store.set(this.#key, JSON.stringify(kept));
  }

  #learn({ tokens, client }: Kept): void {
    this.secrets.add(tokens?.access_token);
    this.secrets.add(tokens?.refresh_token);
    this.secrets.add(tokens?.id_token);
    this.secrets.add(client?.client_secret);
  }
}
