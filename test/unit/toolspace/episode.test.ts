import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Serving, serveHttp } from '../../../src/cli/serve.ts';
import { connectServer } from '../../../src/tools/mcp-client.ts';
import type { Toolbox } from '../../../src/tools/toolbox.ts';
import { openDirectEpisode } from '../../../src/toolspace/direct-episode.ts';
import {
  openEpisode,
  openExtendedEpisode,
  openRemoteEpisode,
} from '../../../src/toolspace/episode.ts';
import { createHost } from '../../../src/toolspace/host.ts';
import { makeWorld } from '../../../src/toolspace/live-server.ts';
import { generateTasks } from '../../../src/toolspace/tasks.ts';
import { liveServers, serverSpecs } from '../../../src/toolspace/toolspaces.ts';
import type { Task } from '../../../src/trajectory/task.ts';
import { serveRaw } from '../../support/raw-mcp-server.ts';

/** Runs the oracle through a toolbox and compares results and final state with the handlers. */
async function runOracle(task: Task, toolbox: Toolbox): Promise<void> {
  const direct = liveServers(task.toolspace, task.world);
  for (const step of task.oracle.steps) {
    const expected = direct.get(step.server)?.call(step.tool, step.arguments);
    expect(await toolbox.call(step.server, step.tool, step.arguments)).toEqual(expected);
  }
  const states = task.servers.map((name) => [name, direct.get(name)?.state]);
  expect(await toolbox.state()).toEqual(Object.fromEntries(states));
}

const draw = (count: number) =>
  generateTasks({ split: 'test', count, seed: 11, toolspace: 'core' });
const options = (task: Task, episode: string) => ({ ...task, episode });

describe('in the same process', () => {
  test('the oracle solves tasks through MCP', async () => {
    for (const task of draw(50)) {
      const toolbox = await openEpisode(options(task, 'a'));
      expect(toolbox.servers).toEqual(serverSpecs('core', task.servers));
      await runOracle(task, toolbox);
      await toolbox.close();
    }
  });

  test('the oracle solves tasks without a transport, with the same answers', async () => {
    for (const task of draw(50)) await runOracle(task, await openDirectEpisode(options(task, 'a')));
  });

  test('episodes share no state', async () => {
    const world = makeWorld(1);
    const open = () =>
      openEpisode({ world, episode: 'x', servers: ['tickets'], toolspace: 'core' });
    const [a, b] = [await open(), await open()];
    // A second try in case that this world's busy tool is this one.
    const title = 'odd thing';
    const first = await a.call('tickets', 'open_ticket', { title });
    if (first.isError) await a.call('tickets', 'open_ticket', { title });
    expect(JSON.stringify(await a.state())).toContain(title);
    expect(JSON.stringify(await b.state())).not.toContain(title);
    await Promise.all([a.close(), b.close()]);
  });

  test('an unknown server is refused with the names there are', async () => {
    const bad = { world: makeWorld(1), episode: 'x', servers: ['weather'], toolspace: 'core' };
    await expect(openEpisode(bad)).rejects.toThrow(/calendar, inventory, units, tickets/);
  });
});

describe('over HTTP', () => {
  const host = createHost({ toolspace: 'core', maxEpisodes: 3 });
  let serving: Serving;
  beforeAll(async () => {
    serving = await serveHttp(host.fetch, 0);
  });
  afterAll(async () => {
    await serving.close();
    await host.close();
  });

  test('the oracle solves tasks, and only the newest episodes are kept', async () => {
    for (const [i, task] of draw(10).entries()) {
      const toolbox = await openRemoteEpisode({
        ...options(task, `e${i}`),
        url: `${serving.url}/mcp`,
      });
      await runOracle(task, toolbox);
      await toolbox.close();
    }
    expect(host.episodes).toBe(3);
  });

  test('the oracle solves tasks beside a server of somebody else', async () => {
    const other = await serveRaw();
    for (const [i, task] of draw(3).entries()) {
      const added = [{ name: 'odd', url: other.url }];
      const place = { url: `${serving.url}/mcp` };
      const toolbox = await openExtendedEpisode(options(task, `beside${i}`), added, place);
      expect(toolbox.servers.map(({ name }) => name)).toEqual([...task.servers, 'odd']);
      const [echo] = toolbox.servers.at(-1)?.tools ?? [];
      expect((await toolbox.call('odd', echo?.name ?? '', { text: 'hello' })).isError).toBe(false);
      const direct = liveServers(task.toolspace, task.world);
      for (const step of task.oracle.steps) {
        const expected = direct.get(step.server)?.call(step.tool, step.arguments);
        expect(await toolbox.call(step.server, step.tool, step.arguments)).toEqual(expected);
      }
      await toolbox.close();
    }
    await other.close();
  });

  test('an episode whose state was dropped for newer ones fails, it does not begin anew', async () => {
    const [old, ...newer] = draw(4).map((task, i) => ({ task, episode: `dropped${i}` }));
    const open = ({ task, episode }: { task: Task; episode: string }) =>
      openRemoteEpisode({ ...options(task, episode), url: `${serving.url}/mcp` });
    if (old === undefined) throw new Error('no task');
    const toolbox = await open(old);
    await toolbox.state();
    const others = await Promise.all(newer.map(open));
    for (const other of others) await other.state();
    await expect(toolbox.state()).rejects.toThrow(/its state was lost/);
    // What was refused took no other episode's place.
    for (const other of others) await other.state();
  });

  test('serves the declared tools', async () => {
    const connection = await connectServer({ name: 'units', url: `${serving.url}/mcp/5/a/units` });
    expect(connection.protocol).toBe('2026-07-28');
    const [units] = serverSpecs('core', ['units']);
    const listed = await connection.listTools();
    expect(
      listed.map(({ inputSchema: { $schema: _, ...inputSchema }, ...tool }) => ({
        ...tool,
        inputSchema,
      })),
    ).toEqual(units?.tools);
    await connection.close();
  });

  test('answers pages of this machine, and refuses foreign origins and hosts', async () => {
    const url = `${serving.url}/mcp/5/a/units`;
    const preflight = await fetch(url, {
      method: 'OPTIONS',
      headers: { origin: 'http://localhost:5173' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe('http://localhost:5173');
    expect(preflight.headers.get('access-control-allow-headers')).toContain('mcp-protocol-version');
    const foreign = await fetch(url, {
      method: 'POST',
      body: '{}',
      headers: { origin: 'http://evil.example' },
    });
    expect(foreign.status).toBe(403);
    const rebound = new Request('http://evil.example/mcp/5/a/units/state', {
      headers: { host: 'evil.example' },
    });
    expect((await host.fetch(rebound)).status).toBe(403);
  });

  test('says what it does not have', async () => {
    for (const path of ['/', '/mcp/5/a/weather', '/mcp/x/a/units', '/mcp/99999999999/a/units']) {
      expect((await fetch(serving.url + path)).status).toBe(404);
    }
    const posted = await fetch(`${serving.url}/mcp/5/a/units/state`, { method: 'POST' });
    expect(posted.status).toBe(405);
  });
});
