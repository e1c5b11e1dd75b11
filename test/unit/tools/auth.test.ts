// Tokens and signing in against real servers; and that no secret comes out anywhere.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ToolError } from '../../../src/base/errors.ts';
import { clientDocument, OAuthSession } from '../../../src/tools/auth/oauth.ts';
import {
  memorySecrets,
  type SecretStore,
  sessionSecrets,
} from '../../../src/tools/auth/secret-store.ts';
import { bearerToken } from '../../../src/tools/auth/server-auth.ts';
import { type ConnectOptions, connectServer } from '../../../src/tools/mcp-client.ts';
import { Secrets, shownUrl } from '../../../src/tools/secrets.ts';
import { type OAuthWorld, startOAuth } from '../../support/oauth-server.ts';
import { ECHO, json, said, serveRaw } from '../../support/raw-mcp-server.ts';

const REDIRECT = 'http://localhost:4173/oauth/callback.html';
const SECRET = 'sk-1234567890abcdef';

/** Everything that was written to the console. */
const written: string[] = [];
beforeEach(() => {
  written.length = 0;
  for (const name of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, name).mockImplementation((...parts: unknown[]) => {
      written.push(parts.map(String).join(' '));
    });
  }
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** All that can be seen of an error. */
function seen(error: unknown): string {
  const parts: string[] = [];
  for (let one = error; one instanceof Error; one = one.cause) {
    const data = one instanceof ToolError ? JSON.stringify(one.data) : '';
    parts.push(one.message, one.stack ?? '', JSON.stringify(one), data);
  }
  return parts.join('\n');
}

async function failed(work: Promise<unknown>): Promise<ToolError> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ToolError);
  return error as ToolError;
}

describe('a bearer token', () => {
  const auth = () => bearerToken(() => SECRET);

  test('goes with each request, and comes out of no result, list or error', async () => {
    const server = await serveRaw({
      tools: () => [{ ...ECHO, description: `Use ${SECRET}` }],
      odd: ({ message, request, response }) => {
        if (request.headers.authorization !== `Bearer ${SECRET}`) {
          response.writeHead(401).end();
          return true;
        }
        if (message?.method !== 'tools/call') return false;
        const { kind } = (message.params?.['arguments'] ?? {}) as { kind?: string };
        if (kind === 'status') response.writeHead(500).end(`You sent ${SECRET}`);
        else if (kind === 'error') {
          const error = { code: -32000, message: `You sent ${SECRET}` };
          json(response, { jsonrpc: '2.0', id: message.id, error });
        } else return false;
        return true;
      },
      result: () => ({
        ...said(`You sent ${SECRET}`),
        structuredContent: { sent: SECRET, list: [`Bearer ${SECRET}`], [SECRET]: 1 },
      }),
    });
    const connection = await connectServer({ name: 'raw', url: server.url, auth: auth() });
    const shown: string[] = [JSON.stringify(await connection.list())];
    const answer = await connection.call('echo', { kind: 'result' });
    expect(answer).toEqual({
      text: 'You sent [secret]',
      value: { sent: '[secret]', list: ['Bearer [secret]'], '[secret]': 1 },
      isError: false,
    });
    shown.push(JSON.stringify(await connection.call('echo', { kind: 'error' })));
    shown.push(seen(await failed(connection.call('echo', { kind: 'status' }))));
    await connection.close();
    await server.close();
    for (const text of [...shown, ...written]) expect(text).not.toContain(SECRET);
    expect(server.headers.length).toBeGreaterThan(4);
  });

  test('that is missing or wrong is told as such', async () => {
    const server = await serveRaw({
      odd: ({ response }) => {
        response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
        return true;
      },
    });
    const options = { name: 'raw', url: server.url };
    expect((await failed(connectServer(options))).code).toBe('sign_in_needed');
    const error = await failed(connectServer({ ...options, auth: auth() }));
    expect(error.code).toBe('sign_in_needed');
    expect(seen(error)).not.toContain(SECRET);
    await server.close();
  });

  test('is not sent on to another origin', async () => {
    const other = await serveRaw();
    const server = await serveRaw({
      odd: ({ response }) => {
        response.writeHead(307, { location: other.url }).end();
        return true;
      },
    });
    const headers = { 'x-api-key': SECRET };
    const options = { name: 'raw', url: server.url, auth: auth(), headers };
    await failed(connectServer(options));
    expect(other.seen).toEqual([]);
    await server.close();
    await other.close();
  });
});

test('keys in headers and in the query of a URL are secrets too', async () => {
  const server = await serveRaw({
    result: () => said(`header-key-1 ${SECRET}`),
  });
  const connection = await connectServer({
    name: 'raw',
    url: `${server.url}?key=${SECRET}&page=2`,
    headers: { 'x-api-key': 'header-key-1' },
  });
  expect((await connection.call('echo', {})).text).toBe('[secret] [secret]');
  expect(server.headers.at(-1)?.['x-api-key']).toBe('header-key-1');
  await server.close();
  const error = await failed(connection.call('echo', {}));
  expect(seen(error)).not.toMatch(/sk-1234|header-key/);
  expect(error.message).toContain(shownUrl(server.url));
  await connection.close();
});

test('short values are no secrets: they would blank out words', () => {
  const secrets = new Secrets();
  for (const value of ['', 'a', 'bcdef', null, undefined]) secrets.add(value);
  expect(secrets.hide('abcdef')).toBe('abcdef');
});

describe('signing in', () => {
  let world: OAuthWorld;
  beforeEach(async () => {
    world = await startOAuth();
  });
  afterEach(async () => {
    await world.close();
    // Whatever a test did, nothing of it is on the console.
    for (const text of written) {
      for (const secret of world.secrets) expect(text).not.toContain(secret);
    }
  });

  /** Follows the page as a browser would, to where it redirects. */
  const follow = async (page: URL) => {
    const response = await fetch(page, { redirect: 'manual' });
    await response.body?.cancel();
    const location = response.headers.get('location');
    if (location === null) throw new Error(`the page answered ${response.status}`);
    return new URL(location).searchParams;
  };
  const sessionOf = (more: Partial<ConstructorParameters<typeof OAuthSession>[0]> = {}) =>
    new OAuthSession({
      server: world.server,
      redirectUrl: REDIRECT,
      store: memorySecrets(),
      ask: follow,
      ...more,
    });
  const connect = (auth: OAuthSession, more: Partial<ConnectOptions> = {}) =>
    connectServer({ name: 'protected', url: world.server, auth, ...more });

  test('by discovery, registration, consent and PKCE', async () => {
    const connection = await connect(sessionOf());
    expect(world.asked).toEqual(['register', 'authorize', 'token authorization_code']);
    expect((await connection.call('write', {})).text).toBe('written');
    await connection.close();
  });

  test('says nothing of its tokens, even where the server says them back', async () => {
    const store = memorySecrets();
    const connection = await connect(sessionOf({ store }));
    const { text, value } = await connection.call('headers', {});
    expect(text).toContain('Bearer [secret]');
    const shown = [text, JSON.stringify(value)];
    expect(world.secrets.length).toBeGreaterThan(3);
    for (const secret of world.secrets) {
      for (const one of shown) expect(one).not.toContain(secret);
    }
    // The one place where they are.
    const kept = await store.get(`atlas-sign-in:${world.server}`);
    expect(kept).toContain('access-');
    expect(kept).not.toContain('code-');
    await connection.close();
  });

  test('by a client-ID metadata document where the server reads them', async () => {
    const url = 'https://atlas.example/oauth/client.json';
    const document = clientDocument(url, REDIRECT);
    expect(document).toMatchObject({ client_id: url, token_endpoint_auth_method: 'none' });
    world.documents = new Map([[url, { redirect_uris: [REDIRECT] }]]);
    const connection = await connect(sessionOf({ clientDocumentUrl: url }));
    expect(world.asked).toEqual(['authorize', 'token authorization_code']);
    await connection.close();
  });

  test('by registration where it does not, or by a client that the user registered', async () => {
    const url = 'https://atlas.example/oauth/client.json';
    const connection = await connect(sessionOf({ clientDocumentUrl: url }));
    expect(world.asked).toContain('register');
    await connection.close();
    world.registers = false;
    world.documents = new Map([['by-hand', { redirect_uris: [REDIRECT] }]]);
    const other = await connect(sessionOf({ client: { id: 'by-hand' } }));
    await other.close();
    const error = await failed(connect(sessionOf()));
    expect(error.message).toMatch(/regist/);
  });

  test('lasts for the next connection', async () => {
    const store = memorySecrets();
    await (await connect(sessionOf({ store }))).close();
    const nobody = () => Promise.reject(new Error('not asked'));
    await (await connect(sessionOf({ store, ask: nobody }))).close();
    expect(world.asked).toHaveLength(3);
  });

  test('a token that has expired is refreshed, in the middle of a call', async () => {
    const connection = await connect(sessionOf());
    world.expireAccess();
    expect((await connection.call('write', {})).text).toBe('written');
    expect(world.asked.slice(3)).toEqual(['token refresh_token']);
    await connection.close();
  });

  test('when the refresh token has expired too, the user is asked again', async () => {
    const connection = await connect(sessionOf());
    world.expireAccess();
    world.expireRefresh();
    expect((await connection.call('write', {})).text).toBe('written');
    expect(world.asked.slice(3)).toEqual([
      'token refresh_token',
      'authorize',
      'token authorization_code',
    ]);
    await connection.close();
  });

  test('a call that needs more is asked for more', async () => {
    world.writeScope = 'write:all';
    const connection = await connect(sessionOf());
    expect((await connection.call('write', {})).text).toBe('written');
    expect(world.asked.filter((what) => what === 'authorize')).toHaveLength(2);
    await connection.close();
  });

  test('a refused consent ends it with that reason', async () => {
    world.consent = 'refuse';
    const error = await failed(connect(sessionOf()));
    expect(error.code).toBe('sign_in_refused');
    expect(error.message).toMatch(/refused/);
    expect(world.asked).not.toContain('token authorization_code');
  });

  test('an answer with a wrong state is not used', async () => {
    world.consent = 'wrong state';
    expect((await failed(connect(sessionOf()))).code).toBe('sign_in_state');
    expect(world.asked).not.toContain('token authorization_code');
  });

  test('an answer of another issuer is not used', async () => {
    world.consent = 'wrong issuer';
    const error = await failed(connect(sessionOf()));
    expect(error.code).toBe('sign_in_failed');
    expect(error.message).toMatch(/iss/i);
    expect(world.asked).not.toContain('token authorization_code');
  });

  test('a wrong verifier gets no token', async () => {
    const wrong = sessionOf();
    wrong.codeVerifier = () => 'another-verifier-that-was-never-announced';
    const error = await failed(connect(wrong));
    expect(error.code).toBe('sign_in_failed');
    expect(error.message).toMatch(/invalid_grant/);
    for (const secret of world.secrets) expect(seen(error)).not.toContain(secret);
  });

  test('where nobody can be asked, it is said what to do', async () => {
    expect((await failed(connect(sessionOf({ ask: null })))).code).toBe('sign_in_needed');
  });

  test('signing out forgets the tokens', async () => {
    const store = memorySecrets();
    const session = sessionOf({ store });
    await (await connect(session)).close();
    await session.signOut();
    expect(await store.get(`atlas-sign-in:${world.server}`)).toBeNull();
    expect((await failed(connect(sessionOf({ store, ask: null })))).code).toBe('sign_in_needed');
  });

  test('only https pages and those of this machine are shown', () => {
    const session = sessionOf();
    for (const page of ['http://evil.example/a', 'javascript:alert(1)', 'file:///etc/passwd']) {
      expect(() => session.redirectToAuthorization(new URL(page))).toThrow(ToolError);
    }
    session.redirectToAuthorization(new URL('https://good.example/authorize'));
  });
});

describe.each<[string, () => SecretStore]>([
  ['memory', memorySecrets],
  [
    'session storage',
    () => {
      const values = new Map<string, string>();
      return sessionSecrets({
        getItem: (key) => values.get(key) ?? null,
        setItem: (key, value) => {
          values.set(key, value);
        },
        removeItem: (key) => {
          values.delete(key);
        },
      });
    },
  ],
])('secrets in %s', (_, make) => {
  test('are kept, replaced and forgotten', async () => {
    const store = make();
    expect(await store.get('a')).toBeNull();
    await store.set('a', '1');
    await store.set('a', '2');
    expect(await store.get('a')).toBe('2');
    await store.delete('a');
    expect(await store.get('a')).toBeNull();
  });
});
