// A connection to one MCP server over streamable HTTP, both protocol eras. Knows no particular
// server.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { errorMessage, ToolError } from '../base/errors.ts';
import { type Json, type JsonObject, jsonObjectSchema, jsonSchema } from '../trajectory/json.ts';
import type { ToolSpec } from '../trajectory/tool.ts';

/** What a call came back with. `value` is the parsed text when it is JSON, else null. */
export interface ToolAnswer {
  text: string;
  value: Json;
  isError: boolean;
}

export interface CallOptions {
  signal?: AbortSignal;
}

/** An open connection. */
export interface McpConnection {
  readonly name: string;
  /** Protocol revision that was agreed, such as 2026-07-28. */
  readonly protocol: string;
  /** @throws {ToolError} when the server fails. */
  listTools(): Promise<ToolSpec[]>;
  /** @throws {ToolError} when the server fails; errors of the tool come back as `isError`. */
  call(tool: string, args: JsonObject, options?: CallOptions): Promise<ToolAnswer>;
  close(): Promise<void>;
}

export interface ConnectOptions {
  name: string;
  url: string;
  /** In place of the global one: a server in the same process is reached by its own handler. */
  fetch?: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
  /** Limit of one request. */
  timeoutMs?: number;
}

const CLIENT = { name: 'pocket-atlas', version: '0.1.0' };
const TIMEOUT_MS = 30_000;

/**
 * Connects to a server; the newest common revision is negotiated.
 * @throws {ToolError} when it cannot be reached or speaks no MCP.
 */
export async function connectServer(options: ConnectOptions): Promise<McpConnection> {
  const { name, url, timeoutMs = TIMEOUT_MS } = options;
  const client = new Client(CLIENT, { versionNegotiation: { mode: 'auto' } });
  const broken = (doing: string) => (cause: unknown) => {
    const message = `server ${name} at ${url}: ${doing} failed: ${errorMessage(cause)}`;
    throw new ToolError('server_failed', message, { data: { server: name, url }, cause });
  };
  await connect(client, options, timeoutMs).catch(broken('connecting'));
  return {
    name,
    protocol: client.getNegotiatedProtocolVersion() ?? '',
    async listTools() {
      const { tools } = await client
        .listTools(undefined, { timeout: timeoutMs })
        .catch(broken('listing its tools'));
      return tools.map(
        ({ name: toolName, description, inputSchema, outputSchema, annotations }) => ({
          name: toolName,
          description: description ?? '',
          inputSchema: jsonObjectSchema.parse(inputSchema),
          ...(outputSchema === undefined
            ? {}
            : { outputSchema: jsonObjectSchema.parse(outputSchema) }),
          ...(annotations?.readOnlyHint === undefined
            ? {}
            : { readOnly: annotations.readOnlyHint }),
          ...(annotations?.idempotentHint === undefined
            ? {}
            : { idempotent: annotations.idempotentHint }),
        }),
      );
    },
    async call(tool, args, { signal } = {}) {
      const request = { name: tool, arguments: args };
      const limits = { timeout: timeoutMs, ...(signal === undefined ? {} : { signal }) };
      const result = await client.callTool(request, limits).catch(broken(`calling ${tool}`));
      const text = result.content.map(contentText).join('\n');
      return { text, value: parsed(text), isError: result.isError === true };
    },
    close: () => client.close(),
  };
}

async function connect(client: Client, options: ConnectOptions, timeout: number): Promise<void> {
  const { fetch } = options;
  const url = new URL(options.url);
  const transport = new StreamableHTTPClientTransport(url, fetch === undefined ? {} : { fetch });
  await client.connect(transport, { timeout });
}

/** The text of one content part; others than text are named by their type. */
function contentText(part: { type: string; text?: unknown }): string {
  return part.type === 'text' && typeof part.text === 'string' ? part.text : `[${part.type}]`;
}

function parsed(text: string): Json {
  if (!/^\s*[[{"\d\-tfn]/.test(text)) return null;
  try {
    return jsonSchema.parse(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
