// The built-in servers at addresses of the page, as the service worker answers them: without one, on a real IndexedDB schema.
import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { beforeEach, describe, expect, test } from 'vitest';
import { EpisodeStates } from '../../../src/store/episode-states.ts';
import { connectServer } from '../../../src/tools/mcp-client.ts';
import type { StateStore } from '../../../src/toolspace/hosted.ts';
import { STATE_TAG } from '../../../src/toolspace/state-tag.ts';
import { busyTool } from '../../../src/toolspace/toolspaces.ts';
import { type PageServers, pageServers } from '../../../src/workers/service/page-servers.ts';

const FOLDER = 'https://page.example/atlas/';
const TICKETS = `${FOLDER}mcp/core/7/episode/tickets`;

let states: EpisodeStates;
beforeEach(async () => {
  globalThis.indexedDB = new IDBFactory();
  states = await EpisodeStates.open(() => undefined);
});

/** A service worker that has just been started, on what an earlier one kept. */
function started(version = 'v1', store: StateStore = states): PageServers {
  return pageServers({ folder: FOLDER, version, store });
}

async function ask(servers: PageServers, url: string, init?: RequestInit): Promise<Response> {
  const answer = servers.answer(new Request(url, init));
  if (answer === null) throw new Error(`nothing answers ${url}`);
  return answer;
}

/** World 7 has no busy tool. */
async function openTicket(servers: PageServers, url = TICKETS, title = 'odd thing') {
  const connection = await connectServer({
    name: 'tickets',
    url,
    fetch: (input, init) => ask(servers, new Request(input, init).url, requestInit(input, init)),
  });
  const answer = await connection.call('open_ticket', { title });
  await connection.close();
  return answer;
}

const requestInit = (input: string | URL | Request, init?: RequestInit): RequestInit => {
  const { method, headers } = new Request(input, init);
  return { method, headers, body: init?.body ?? null };
};

const stateOf = async (servers: PageServers, headers: Record<string, string> = {}) =>
  ask(servers, `${TICKETS}/state`, { headers });

describe('addresses', () => {
  test('only those below mcp/ are answered', () => {
    for (const url of [FOLDER, `${FOLDER}models/nano.gguf`, 'https://page.example/mcp/units']) {
      expect(started().answer(new Request(url))).toBeNull();
    }
  });

  test('the folder lists the 46 servers, and what is not there is said', async () => {
    const listed = await (await ask(started(), `${FOLDER}mcp/`)).json();
    expect(Object.keys(listed.servers)).toHaveLength(46);
    expect(listed.servers.units).toBe(`${FOLDER}mcp/units`);
    for (const path of ['nothing', 'core/1/x/nothing', 'core/1/x/hotels', 'none/1/x/units']) {
      expect((await ask(started(), `${FOLDER}mcp/${path}`)).status).toBe(404);
    }
  });

  test('a person reads what a server is; a client that asks for a stream is told that there is none', async () => {
    const words = await ask(started(), `${FOLDER}mcp/units`, { headers: { accept: 'text/html' } });
    expect(words.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await words.text()).toMatch(/MCP server "units"[\s\S]*get_rate: /);
    const headers = { accept: 'text/event-stream' };
    expect((await ask(started(), `${FOLDER}mcp/units`, { headers })).status).toBe(405);
  });

  test('the short address has a state of its own, which the long one shares', async () => {
    const servers = started();
    expect((await openTicket(servers, `${FOLDER}mcp/tickets`, 'by the short one')).isError).toBe(
      false,
    );
    for (const path of ['tickets/state', 'full/1/page/tickets/state']) {
      expect(await (await ask(servers, `${FOLDER}mcp/${path}`)).text()).toContain('short one');
    }
    expect(await (await stateOf(servers)).text()).not.toContain('short one');
  });

  test('pages of another origin and forms are refused', async () => {
    const post = { method: 'POST', body: '{}' };
    const foreign = { ...post, headers: { origin: 'https://evil.example' } };
    expect((await ask(started(), TICKETS, foreign)).status).toBe(403);
    // Node makes no request of mode `navigate`; a browser makes one of a form.
    for (const url of [TICKETS, `${FOLDER}mcp/tickets`]) {
      const form = new Request(url, post);
      Object.defineProperty(form, 'mode', { value: 'navigate' });
      expect((await started().answer(form))?.status).toBe(403);
    }
  });
});

describe('a worker that was ended', () => {
  test('goes on with the state and the tag that it had', async () => {
    expect((await openTicket(started())).isError).toBe(false);
    const before = await stateOf(started());
    expect(await before.text()).toContain('odd thing');
    const tag = before.headers.get(STATE_TAG) ?? '';
    expect(tag).toMatch(/^v1\.[\da-f-]{36}$/);
    expect((await stateOf(started(), { [STATE_TAG]: tag })).status).toBe(200);
  });

  test('does not meet the busy tool a second time', async () => {
    let seed = 0;
    while (busyTool('core', seed) !== 'tickets:open_ticket') seed += 1;
    const url = `${FOLDER}mcp/core/${seed}/episode/tickets`;
    expect((await openTicket(started(), url)).text).toMatch(/busy/);
    expect((await openTicket(started(), url)).isError).toBe(false);
  });

  test('refuses who asks for a state that is lost', async () => {
    await openTicket(started());
    const tag = (await stateOf(started())).headers.get(STATE_TAG) ?? '';
    await states.remove('core/7/episode/tickets');
    const refused = await stateOf(started(), { [STATE_TAG]: tag });
    expect(refused.status).toBe(412);
    expect((await refused.json()).error).toContain('begin the episode again');
  });

  test('of another version refuses to go on, says so once to who names no tag, and begins anew', async () => {
    await openTicket(started());
    const tag = (await stateOf(started())).headers.get(STATE_TAG) ?? '';
    const next = started('v2');
    const statuses = [];
    for (const headers of [
      {},
      { [STATE_TAG]: tag },
      { [STATE_TAG]: 'v1' },
      { [STATE_TAG]: 'v2' },
      {},
    ]) {
      statuses.push((await stateOf(next, headers as Record<string, string>)).status);
    }
    expect(statuses).toEqual([410, 412, 412, 200, 200]);
  });
});

test('a state that could not be kept is not gone on with', async () => {
  let full = false;
  const store: StateStore = {
    read: (key) => states.read(key),
    remove: (key) => states.remove(key),
    write: (key, kept) =>
      full ? Promise.reject(new Error('the disk is full')) : states.write(key, kept),
  };
  const servers = started('v1', store);
  const tag = (await stateOf(servers)).headers.get(STATE_TAG) ?? '';
  full = true;
  await expect(openTicket(servers)).rejects.toThrow(/server tickets/);
  expect((await stateOf(servers, { [STATE_TAG]: tag })).status).toBe(500);
  full = false;
  expect((await stateOf(started('v1', store), { [STATE_TAG]: tag })).status).toBe(412);
});

test('requests that come at once meet one state', async () => {
  const servers = started();
  const tags = await Promise.all(
    [1, 2, 3].map(async () => (await stateOf(servers)).headers.get(STATE_TAG)),
  );
  expect(new Set(tags).size).toBe(1);
});

test('the states used longest ago make room', async () => {
  const few = await EpisodeStates.open(() => undefined, 'few', 2);
  const kept = (tag: string) => ({ tag, state: { tag }, wasBusy: false });
  for (const key of ['a', 'b']) await few.write(key, kept(key));
  await few.write('a', kept('again'));
  await few.write('c', kept('c'));
  expect(await few.read('b')).toBeNull();
  expect(await few.read('a')).toEqual(kept('again'));
  expect(await few.read('c')).toEqual(kept('c'));
});
