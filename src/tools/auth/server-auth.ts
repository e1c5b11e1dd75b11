// How a connection proves who asks: by a token that the user gave, or by signing in (oauth.ts). Knows no server.
import type { AuthProvider, OAuthClientProvider } from '@modelcontextprotocol/client';
import { Secrets } from '../secrets.ts';

export interface ServerAuth {
  readonly provider: AuthProvider | OAuthClientProvider;
  /** Values that must not leave the connection; it grows. */
  readonly secrets: Secrets;
  /**
   * Asks the user after the provider asked for consent.
   * @param finish exchanges what the authorisation server sent back for tokens.
   * @throws {ToolError} when the user refuses or nobody can be asked.
   */
  signIn?(finish: (answer: URLSearchParams) => Promise<void>): Promise<void>;
}

/** A bearer token, read anew for each request; null sends none. */
export function bearerToken(read: () => string | null | Promise<string | null>): ServerAuth {
  const secrets = new Secrets();
  return {
    secrets,
    provider: {
      async token() {
        const token = await read();
        secrets.add(token);
        return token ?? undefined;
      },
    },
  };
}
