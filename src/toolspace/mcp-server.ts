// A built-in server as an MCP server: its declared tools over its live state. Knows no task.
import {
  createMcpHandler,
  type McpHttpHandler,
  McpServer,
  type StandardSchemaWithJSON,
} from '@modelcontextprotocol/server';
import type { z } from 'zod';
import { jsonObjectSchema } from '../trajectory/json.ts';
import type { LiveServer } from './live-server.ts';
import type { ToolDef } from './server.ts';

const VERSION = '1.0.0';

/** Runs when a call has been made, before its result is told. */
type AfterCall = () => Promise<void>;

/** A web handler that speaks MCP for one live server; the state outlives requests. */
export function mcpHandler(live: LiveServer, afterCall?: AfterCall): McpHttpHandler {
  return createMcpHandler(({ requestInfo }) =>
    mcpServer(live, neededTools(live, requestInfo), afterCall),
  );
}

/**
 * A server object serves one request. Where the headers of a call name its tool (revision 2026-07-28; the handler compares
 * them with the body), the others need not be there: each costs the conversion of its schemas.
 */
function neededTools({ def }: LiveServer, request: Request | undefined): readonly ToolDef[] {
  const isCall = request?.headers.get('mcp-method') === 'tools/call';
  const name = request?.headers.get('mcp-name');
  const called = isCall ? def.tools.find((tool) => tool.name === name) : undefined;
  return called === undefined ? def.tools : [called];
}

function mcpServer(
  live: LiveServer,
  tools: readonly ToolDef[],
  afterCall: AfterCall | undefined,
): McpServer {
  const { def } = live;
  const server = new McpServer(
    { name: def.name, version: VERSION },
    { instructions: def.description },
  );
  for (const tool of tools) {
    const annotations = { readOnlyHint: tool.readOnly, idempotentHint: tool.idempotent };
    const { description } = tool;
    const inputSchema = converted(tool.input);
    const outputSchema = tool.output && converted(tool.output);
    server.registerTool(
      tool.name,
      { description, inputSchema, annotations, ...(outputSchema && { outputSchema }) },
      async (args) => {
        const { text, value, isError } = live.call(tool.name, jsonObjectSchema.parse(args));
        await afterCall?.();
        const structured = outputSchema !== undefined && value !== null;
        return {
          content: [{ type: 'text', text }],
          ...(structured && { structuredContent: value }),
          ...(isError && { isError }),
        };
      },
    );
  }
  return server;
}

type Schema = StandardSchemaWithJSON<Record<string, unknown>, Record<string, unknown>>;

const schemas = new WeakMap<z.ZodObject, Schema>();

/** The same schema, converted to JSON Schema once: each request has a server object of its own, which asks for it anew. */
function converted(schema: z.ZodObject): Schema {
  const known = schemas.get(schema);
  if (known !== undefined) return known;
  const { validate, version, vendor, jsonSchema } = schema['~standard'];
  const made: Schema = {
    '~standard': {
      version,
      vendor,
      validate,
      jsonSchema: { input: once(jsonSchema.input), output: once(jsonSchema.output) },
    },
  };
  schemas.set(schema, made);
  return made;
}

/** A conversion whose result is kept; its options are the same in every call. */
function once<O>(convert: (options: O) => Record<string, unknown>) {
  let made: Record<string, unknown> | null = null;
  return (options: O): Record<string, unknown> => {
    made ??= convert(options);
    return made;
  };
}
