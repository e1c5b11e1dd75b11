// A server with the tools that the suite calls by name, built as ours are: the SDK's handler behind the same checks of Host
// and Origin, over the command line's sockets. It has no prompts and no resources, since ours have none.
import {
  createMcpHandler,
  fromJsonSchema,
  hostHeaderValidationResponse,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  type McpHttpHandler,
  McpServer,
  originValidationResponse,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import schema2020 from './schema-2020-12.json';

/** One red pixel. */
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
/** 44 bytes: a header without a sample. */
const WAV = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=';
const PAUSE_MS = 50;

const nothing = { description: 'A tool of the suite.', inputSchema: z.object({}) };
const pause = () => new Promise((done) => setTimeout(done, PAUSE_MS));

function contentTools(server: McpServer): void {
  const image = { type: 'image', data: PNG, mimeType: 'image/png' } as const;
  server.registerTool('test_simple_text', nothing, () => ({
    content: [{ type: 'text', text: 'This is a simple text response for testing.' }],
  }));
  server.registerTool('test_image_content', nothing, () => ({ content: [image] }));
  server.registerTool('test_audio_content', nothing, () => ({
    content: [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }],
  }));
  server.registerTool('test_embedded_resource', nothing, () => ({
    content: [
      {
        type: 'resource',
        resource: {
          uri: 'test://embedded-resource',
          mimeType: 'text/plain',
          text: 'This is an embedded resource content.',
        },
      },
    ],
  }));
  server.registerTool('test_multiple_content_types', nothing, () => ({
    content: [
      { type: 'text', text: 'Multiple content types test:' },
      image,
      {
        type: 'resource',
        resource: {
          uri: 'test://mixed-content-resource',
          mimeType: 'application/json',
          text: '{"test":"data","value":123}',
        },
      },
    ],
  }));
}

function behaviourTools(server: McpServer): void {
  server.registerTool('test_error_handling', nothing, () => {
    throw new Error('This tool intentionally returns an error for testing');
  });
  server.registerTool('test_tool_with_progress', nothing, async (_, ctx) => {
    const progressToken = ctx.mcpReq._meta?.progressToken;
    for (const progress of [0, 50, 100]) {
      if (progressToken !== undefined) {
        const params = { progressToken, progress, total: 100 };
        await ctx.mcpReq.notify({ method: 'notifications/progress', params });
      }
      await pause();
    }
    return { content: [{ type: 'text', text: 'done' }] };
  });
  server.registerTool('test_tool_with_logging', nothing, async (_, ctx) => {
    const lines = ['Tool execution started', 'Tool processing data', 'Tool execution completed'];
    for (const data of lines) {
      const params = { level: 'info' as const, data };
      await ctx.mcpReq.notify({ method: 'notifications/message', params });
      await pause();
    }
    return { content: [{ type: 'text', text: 'logged' }] };
  });
}

const WITH_HEADER = {
  type: 'object' as const,
  properties: { region: { type: 'string', 'x-mcp-header': 'Region' } },
};

function schemaTools(server: McpServer): void {
  const description = 'A tool of the suite.';
  server.registerTool(
    'json_schema_2020_12_tool',
    { description, inputSchema: fromJsonSchema(schema2020) },
    () => ({ content: [{ type: 'text', text: 'ok' }] }),
  );
  server.registerTool(
    'test_header_argument',
    { description, inputSchema: fromJsonSchema(WITH_HEADER) },
    () => ({ content: [{ type: 'text', text: 'ok' }] }),
  );
  server.registerTool('test_logging_tool', nothing, async (_, ctx) => {
    await ctx.mcpReq.log('info', 'only for those who ask for it');
    return { content: [{ type: 'text', text: 'ok' }] };
  });
}

export function fixtureServer(): McpServer {
  const server = new McpServer(
    { name: 'fixture', version: '1.0.0' },
    { capabilities: { logging: {} } },
  );
  contentTools(server);
  behaviourTools(server);
  schemaTools(server);
  return server;
}

/** The server behind the checks that ours have. */
export function fixtureHandler(): McpHttpHandler {
  const handler = createMcpHandler(fixtureServer);
  return {
    ...handler,
    fetch: (request, options) => {
      const refused =
        hostHeaderValidationResponse(request, localhostAllowedHostnames()) ??
        originValidationResponse(request, localhostAllowedOrigins());
      return refused === undefined ? handler.fetch(request, options) : Promise.resolve(refused);
    },
  };
}
