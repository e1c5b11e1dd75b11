// An independent client, the 1.x SDK, against our servers over HTTP.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { expect, it } from 'vitest';
import { serveHttp } from '../../../src/cli/serve.ts';
import { createHost } from '../../../src/toolspace/host.ts';
import { makeWorld } from '../../../src/toolspace/live-server.ts';
import { liveServers } from '../../../src/toolspace/toolspaces.ts';

it('the 1.x SDK lists and calls the tools of every server', async () => {
  const host = createHost({ toolspace: 'core' });
  const serving = await serveHttp(host.fetch, 0);
  const seed = 12;
  const live = liveServers('core', makeWorld(seed));
  expect(live.size).toBe(4);
  let tools = 0;
  for (const [name, server] of live) {
    const client = new Client({ name: 'peer', version: '1.0.0' });
    const url = new URL(`/mcp/${seed}/peer/${name}`, serving.url);
    // Its Transport type predates exactOptionalPropertyTypes.
    await client.connect(
      new StreamableHTTPClientTransport(url) as Parameters<Client['connect']>[0],
    );
    const listed = await client.listTools();
    expect(listed.tools.map((tool) => tool.name)).toEqual(
      server.def.tools.map((tool) => tool.name),
    );
    tools += listed.tools.length;
    const refused = await client.callTool({
      name: listed.tools[0]?.name ?? '',
      arguments: { no: 1 },
    });
    expect(refused.isError).toBe(true);
    await client.close();
  }
  expect(tools).toBe(26);
  const client = new Client({ name: 'peer', version: '1.0.0' });
  const url = new URL(`/mcp/${seed}/peer/units`, serving.url);
  await client.connect(new StreamableHTTPClientTransport(url) as Parameters<Client['connect']>[0]);
  const call = { name: 'multiply', arguments: { a: 6, b: 7 } };
  // The first call of a tool may be the world's planted busy one.
  const answers = [await client.callTool(call), await client.callTool(call)];
  expect(JSON.stringify(answers[1]?.content)).toContain('42');
  await client.close();
  await serving.close();
  await host.close();
});
