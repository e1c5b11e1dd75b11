// Our client as the suite starts it: the server's URL is the last argument, the scenario is in the environment. It connects,
// reads the tools and calls each, as an episode would.
import { OAuthSession } from '../../src/tools/auth/oauth.ts';
import { memorySecrets } from '../../src/tools/auth/secret-store.ts';
import { connectServer, type ServerConnection } from '../../src/tools/mcp-client.ts';
import type { Json, JsonObject } from '../../src/trajectory/json.ts';
import type { ToolSpec } from '../../src/trajectory/tool.ts';

interface Context {
  toolCalls?: { name: string; arguments: JsonObject }[];
  client_id?: string;
  client_secret?: string;
}

/** The suite's own: what it takes for the client-ID metadata document. */
const DOCUMENT = 'https://conformance-test.local/client-metadata.json';
const REDIRECT = 'http://localhost:3000/callback';

const url = process.argv.at(-1) ?? '';
const context = JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}') as Context;

/** Consent without a person: follows the page to where it redirects. */
async function follow(page: URL): Promise<URLSearchParams> {
  const response = await fetch(page, { redirect: 'manual' });
  const location = response.headers.get('location');
  if (location === null) throw new Error(`the page answered ${response.status}`);
  return new URL(location, page).searchParams;
}

function session(): OAuthSession {
  const { client_id: id, client_secret: secret } = context;
  return new OAuthSession({
    server: url,
    redirectUrl: REDIRECT,
    store: memorySecrets(),
    ask: follow,
    clientDocumentUrl: DOCUMENT,
    ...(id === undefined ? {} : { client: { id, ...(secret === undefined ? {} : { secret }) } }),
  });
}

/** An argument of the schema's type. */
function sample(schema: Json | undefined): Json {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return 'text';
  if (Array.isArray(schema['enum'])) return schema['enum'][0] ?? null;
  switch (schema['type']) {
    case 'number':
    case 'integer':
      return 5;
    case 'boolean':
      return true;
    case 'object':
      return {};
    case 'array':
      return [];
    default:
      return 'text';
  }
}

/** `schema` is asked for by the scenario that compares what a client saw with what was sent. */
function argumentsOf({ inputSchema }: ToolSpec, tools: readonly ToolSpec[]): JsonObject {
  const properties = (inputSchema['properties'] ?? {}) as JsonObject;
  return Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [
      name,
      name === 'schema' ? (tools[0]?.inputSchema ?? {}) : sample(schema),
    ]),
  );
}

async function callAll(connection: ServerConnection): Promise<void> {
  const { tools, problems } = await connection.list();
  for (const problem of problems) console.error(JSON.stringify(problem));
  const calls =
    context.toolCalls ??
    tools.map((tool) => ({ name: tool.name, arguments: argumentsOf(tool, tools) }));
  for (const call of calls) {
    console.error(call.name, JSON.stringify(await connection.call(call.name, call.arguments)));
  }
}

const auth = process.env['MCP_CONFORMANCE_SCENARIO']?.startsWith('auth/') ? session() : undefined;
const connection = await connectServer({
  name: 'conformance',
  url,
  ...(auth === undefined ? {} : { auth }),
});
console.error('protocol', connection.protocol);
try {
  await callAll(connection);
} finally {
  await connection.close();
}
