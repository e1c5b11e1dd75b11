// A built-in server as an MCP server: its declared tools over its live state. Knows no task.
import { createMcpHandler, type McpHttpHandler, McpServer } from '@modelcontextprotocol/server';
import { jsonObjectSchema } from '../trajectory/json.ts';
import type { LiveServer } from './live-server.ts';

const VERSION = '1.0.0';

/** A web handler that speaks MCP for one live server; the state outlives requests. */
export function mcpHandler(live: LiveServer): McpHttpHandler {
  return createMcpHandler(() => mcpServer(live));
}

function mcpServer(live: LiveServer): McpServer {
  const { def } = live;
  const server = new McpServer(
    { name: def.name, version: VERSION },
    { instructions: def.description },
  );
  for (const tool of def.tools) {
    const annotations = { readOnlyHint: tool.readOnly, idempotentHint: tool.idempotent };
    const { description, input: inputSchema, output: outputSchema } = tool;
    server.registerTool(
      tool.name,
      { description, inputSchema, annotations, ...(outputSchema && { outputSchema }) },
      (args) => {
        const { text, value, isError } = live.call(tool.name, jsonObjectSchema.parse(args));
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
