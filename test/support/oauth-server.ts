// A real authorisation server and an MCP server that it protects, each at an address of its own. Consent is given, or
// refused, without a page; tests hold the switches.
import { createHash, randomUUID } from 'node:crypto';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { type Serving, serveHttp } from '../../src/cli/serve.ts';

export interface OAuthWorld {
  /** URL of the MCP server. */
  readonly server: string;
  readonly issuer: string;
  /** What was asked of the authorisation server: `register`, `authorize`, `token authorization_code` … */
  readonly asked: string[];
  /** Every access and refresh token, code and verifier that was ever there. */
  readonly secrets: string[];
  consent: 'grant' | 'refuse' | 'wrong state' | 'wrong issuer';
  /** Client-ID metadata documents that it can read, by URL; null when it knows none. */
  documents: Map<string, { redirect_uris: string[] }> | null;
  registers: boolean;
  /** Scope that the tool `write` needs; null for none. */
  writeScope: string | null;
  expireAccess(): void;
  expireRefresh(): void;
  close(): Promise<void>;
}

interface Grant {
  client: string;
  challenge: string;
  redirect: string;
  scope: string;
  resource: string | null;
}

const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers':
    'content-type, authorization, mcp-protocol-version, mcp-method, mcp-name, mcp-session-id, last-event-id',
  'access-control-allow-methods': 'GET, POST, DELETE',
  'access-control-expose-headers': 'www-authenticate, mcp-session-id, mcp-protocol-version',
};

const json = (body: unknown, status = 200) => Response.json(body, { status, headers: CORS });
const refusal = (error: string, status = 400) =>
  json({ error, error_description: `${error} it is` }, status);

/** Starts both. */
export async function startOAuth(): Promise<OAuthWorld> {
  const clients = new Map<string, string[]>();
  const grants = new Map<string, Grant>();
  const access = new Map<string, string>();
  const refresh = new Map<string, Grant>();
  let issuer = '';
  let resource: Serving | undefined;
  const handler = createMcpHandler(protectedServer);

  const issue = (grant: Grant) => {
    const tokens = {
      access_token: `access-${randomUUID()}`,
      refresh_token: `refresh-${randomUUID()}`,
    };
    world.secrets.push(tokens.access_token, tokens.refresh_token);
    access.set(tokens.access_token, grant.scope);
    refresh.set(tokens.refresh_token, grant);
    return json({ ...tokens, token_type: 'Bearer', expires_in: 3600, scope: grant.scope });
  };

  function redirectsOf(client: string): string[] {
    return clients.get(client) ?? world.documents?.get(client)?.redirect_uris ?? [];
  }

  function authorize({ searchParams }: URL): Response {
    const ask = (name: string) => searchParams.get(name) ?? '';
    const redirect = ask('redirect_uri');
    if (!redirectsOf(ask('client_id')).includes(redirect)) return refusal('invalid_client');
    const answer = new URL(redirect);
    answer.searchParams.set('state', world.consent === 'wrong state' ? 'x' : ask('state'));
    const iss = world.consent === 'wrong issuer' ? 'https://other.invalid' : issuer;
    answer.searchParams.set('iss', iss);
    if (world.consent === 'refuse' || ask('code_challenge_method') !== 'S256') {
      const why = world.consent === 'refuse' ? 'access_denied' : 'invalid_request';
      answer.searchParams.set('error', why);
    } else {
      const code = `code-${randomUUID()}`;
      world.secrets.push(code);
      grants.set(code, {
        client: ask('client_id'),
        challenge: ask('code_challenge'),
        redirect,
        scope: ask('scope'),
        resource: searchParams.get('resource'),
      });
      answer.searchParams.set('code', code);
    }
    return new Response(null, { status: 302, headers: { ...CORS, location: answer.href } });
  }

  async function token(request: Request): Promise<Response> {
    const form = new URLSearchParams(await request.text());
    const kind = form.get('grant_type') ?? '';
    world.asked.push(`token ${kind}`);
    const key = form.get(kind === 'refresh_token' ? 'refresh_token' : 'code') ?? '';
    const from = kind === 'refresh_token' ? refresh : grants;
    const grant = from.get(key);
    from.delete(key);
    if (grant === undefined || grant.client !== form.get('client_id'))
      return refusal('invalid_grant');
    if (kind === 'authorization_code') {
      const verifier = form.get('code_verifier') ?? '';
      world.secrets.push(verifier);
      const challenge = createHash('sha256').update(verifier).digest('base64url');
      if (challenge !== grant.challenge || form.get('redirect_uri') !== grant.redirect) {
        return refusal('invalid_grant');
      }
    }
    return form.get('resource') === world.server ? issue(grant) : refusal('invalid_target');
  }

  async function register(request: Request): Promise<Response> {
    if (!world.registers) return refusal('invalid_client_metadata');
    const metadata = z
      .looseObject({ redirect_uris: z.array(z.string()) })
      .parse(await request.json());
    const client = `client-${randomUUID()}`;
    clients.set(client, metadata.redirect_uris);
    return json({ ...metadata, client_id: client }, 201);
  }

  const metadata = () => ({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    ...(world.registers ? { registration_endpoint: `${issuer}/register` } : {}),
    response_types_supported: ['code'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none'],
    authorization_response_iss_parameter_supported: true,
    ...(world.documents === null ? {} : { client_id_metadata_document_supported: true }),
  });

  async function authorisation(request: Request): Promise<Response> {
    const url = new URL(request.url);
    if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers: CORS });
    if (url.pathname === '/.well-known/oauth-authorization-server') return json(metadata());
    const part = url.pathname.slice(1);
    if (part !== 'token') world.asked.push(part);
    if (part === 'authorize') return authorize(url);
    if (part === 'token') return token(request);
    if (part === 'register') return register(request);
    return json({}, 404);
  }

  async function protectedResource(request: Request): Promise<Response> {
    const { pathname, origin } = new URL(request.url);
    if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers: CORS });
    const place = `${origin}/.well-known/oauth-protected-resource/mcp`;
    if (pathname === new URL(place).pathname) {
      return json({
        resource: `${origin}/mcp`,
        authorization_servers: [issuer],
        scopes_supported: ['read'],
      });
    }
    if (pathname !== '/mcp') return json({}, 404);
    const sent = request.headers.get('authorization')?.replace('Bearer ', '') ?? '';
    const scope = access.get(sent);
    const challenge = (more: string, status: number) =>
      new Response('Who are you?', {
        status,
        headers: { ...CORS, 'www-authenticate': `Bearer resource_metadata="${place}"${more}` },
      });
    if (scope === undefined) return challenge('', 401);
    const { writeScope } = world;
    const writes = request.headers.get('mcp-name') === 'write';
    if (writeScope !== null && writes && !scope.split(' ').includes(writeScope)) {
      return challenge(`, error="insufficient_scope", scope="${writeScope}"`, 403);
    }
    const answer = await handler.fetch(request);
    const headers = new Headers(answer.headers);
    for (const [name, value] of Object.entries(CORS)) headers.set(name, value);
    return new Response(answer.body, { status: answer.status, headers });
  }

  const authority = await serveHttp(authorisation, 0);
  issuer = authority.url;
  resource = await serveHttp(protectedResource, 0);
  const world: OAuthWorld = {
    server: `${resource.url}/mcp`,
    issuer,
    asked: [],
    secrets: [],
    consent: 'grant',
    documents: null,
    registers: true,
    writeScope: null,
    expireAccess: () => access.clear(),
    expireRefresh: () => refresh.clear(),
    async close() {
      await authority.close();
      await resource?.close();
      await handler.close();
    },
  };
  return world;
}

/** Its tool `headers` says back what it was sent, as a careless server would. */
function protectedServer(): McpServer {
  const server = new McpServer({ name: 'protected', version: '1.0.0' });
  server.registerTool('headers', { inputSchema: z.object({}) }, (_, ctx) => {
    const sent = Object.fromEntries(ctx.http?.req?.headers ?? []);
    return { content: [{ type: 'text', text: JSON.stringify(sent) }] };
  });
  server.registerTool('write', { inputSchema: z.object({}) }, () => ({
    content: [{ type: 'text', text: 'written' }],
  }));
  return server;
}
