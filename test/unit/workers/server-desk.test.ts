// The desk of a user's own servers against real ones: what is kept where, what is listed, and episodes that use them.
import { afterEach, describe, expect, test } from 'vitest';
import { openDatabase } from '../../../src/store/database.ts';
import type { Consent } from '../../../src/workers/page-services.ts';
import { ServerDesk } from '../../../src/workers/server-desk.ts';
import { type OAuthWorld, startOAuth } from '../../support/oauth-server.ts';
import { serveOpen } from '../../support/open-server.ts';
import { loadedDesk, serverDeskOptions, TabStorage } from '../../support/page-desk.ts';
import { ECHO, type RawServer, said, WRITE } from '../../support/raw-mcp-server.ts';

const TOKEN = 'sk-1234567890abcdef';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function serve(...args: Parameters<typeof serveOpen>): Promise<RawServer> {
  const server = await serveOpen(...args);
  closing.push(() => server.close());
  return server;
}

async function oauth(): Promise<OAuthWorld> {
  const world = await startOAuth();
  closing.push(() => world.close());
  return world;
}

/** A desk on whatever the database holds; its tab is new unless it is given one. */
async function openDesk(
  storage = new TabStorage(),
  onConsents?: (list: readonly Consent[]) => void,
) {
  const database = await openDatabase();
  closing.push(async () => database.close());
  const options = serverDeskOptions(database, {
    storage,
    ...(onConsents === undefined ? {} : { onConsents }),
    open: (url) => {
      void follow(url);
      return {};
    },
  });
  const kept = async () => JSON.stringify(await database.getAll('settings'));
  return { desk: new ServerDesk(options), storage, kept };
}

/** Does what the window and the callback page do. */
async function follow(url: string): Promise<void> {
  const answer = await fetch(url, { redirect: 'manual' });
  const channel = new BroadcastChannel('pocket-atlas-sign-in');
  channel.postMessage(new URL(answer.headers.get('location') ?? '').search);
  channel.close();
}

const open = (url: string, name = 'mine') => ({ name, url, access: 'none' as const });

describe('the list', () => {
  test('names, addresses and what a server shows', async () => {
    const server = await serve({
      tools: () => [ECHO, WRITE, { name: 'bad name!', inputSchema: { type: 'object' } }],
    });
    const { desk } = await openDesk();
    expect(await desk.addServer(open(server.url))).toEqual({
      ...open(server.url),
      state: 'idle',
      catalogue: null,
      error: null,
      needs: null,
    });
    const { state, catalogue } = await desk.connectServer('mine');
    expect(state).toBe('ready');
    expect(catalogue).toMatchObject({
      protocol: '2026-07-28',
      tools: [
        { name: 'echo', signature: 'echo(text?)', readOnly: true, idempotent: null },
        { name: 'write', readOnly: false },
        { name: 'bad_name_' },
      ],
      problems: [{ tool: 'bad name!', kind: 'renamed' }],
    });
    expect((await desk.ownServers()).map(({ name }) => name)).toEqual(['mine']);
    const later = await openDesk();
    expect(await later.desk.ownServers()).toMatchObject([{ name: 'mine', state: 'idle' }]);
    await later.desk.removeServer('mine');
    expect(await later.desk.ownServers()).toEqual([]);
  });

  test.each([
    ['', 'http://127.0.0.1/', 'need 1 to 32 letters'],
    ['a:b', 'http://127.0.0.1/', 'need 1 to 32 letters'],
    ['x'.repeat(33), 'http://127.0.0.1/', 'need 1 to 32 letters'],
    ['Units', 'http://127.0.0.1/', 'a built-in server has this name'],
    ['ok', 'nothing', 'a text that is no URL, need an http or https address'],
    ['ok', 'javascript:alert(1)', 'need an http or https address'],
    ['ok', 'https://ann:secret@example.org/mcp', 'without a user in it'],
    ['ok', 'http://192.168.0.2/mcp', 'which the page lets out to localhost and 127.0.0.1 alone'],
  ])('refuses %j at %j', async (name, url, words) => {
    const { desk } = await openDesk();
    const adding = desk.addServer({ name, url, access: 'none' });
    await expect(adding).rejects.toThrow(words);
    await expect(adding).rejects.not.toThrow('ann:secret');
    expect(await desk.ownServers()).toEqual([]);
  });

  test('a failure is told with its code, and a connecting that is cancelled is none', async () => {
    const { desk } = await openDesk();
    const gone = await serve();
    await gone.close();
    await desk.addServer(open(gone.url));
    expect(await desk.connectServer('mine')).toMatchObject({
      state: 'failed',
      error: { code: 'server_unreachable' },
    });
    const hanging = await serve({ odd: () => true });
    await desk.addServer(open(hanging.url, 'slow'));
    const connecting = desk.connectServer('slow');
    await expect.poll(() => hanging.seen.length).toBeGreaterThan(0);
    expect((await desk.ownServers())[1]).toMatchObject({ state: 'connecting' });
    await desk.cancelServer('slow');
    expect(await connecting).toMatchObject({ state: 'idle', error: null });
    const listing = await serve({ odd: ({ message }) => message?.method === 'tools/list' });
    await desk.addServer(open(listing.url, 'half'));
    const reading = desk.connectServer('half');
    await expect.poll(() => listing.seen).toContain('tools/list');
    await desk.cancelServer('half');
    expect(await reading).toMatchObject({ state: 'idle', error: null });
  });
});

describe('secrets', () => {
  test('a token and the query of an address stay in the tab', async () => {
    const server = await serve({ token: TOKEN });
    const { desk, storage, kept } = await openDesk();
    const url = `${server.url}?key=query-key-1`;
    const added = await desk.addServer({ name: 'mine', url, access: 'token' }, ` ${TOKEN} `);
    expect(JSON.stringify(added)).not.toMatch(/query-key-1|sk-/);
    expect((await desk.connectServer('mine')).state).toBe('ready');
    expect(await kept()).toContain(server.url);
    expect(await kept()).not.toMatch(/query-key-1|sk-/);
    expect([...storage.values.values()].sort()).toEqual([url, TOKEN].sort());
    // A new tab has neither.
    const { desk: other } = await openDesk();
    expect(await other.ownServers()).toMatchObject([{ needs: 'address' }]);
    expect(await other.connectServer('mine')).toMatchObject({ error: { code: 'address_gone' } });
    expect((await desk.signOutServer('mine')).needs).toBe('token');
    await desk.setAccess('mine', 'token', TOKEN);
    await expect(desk.setAccess('mine', 'token', 'two words')).rejects.toThrow('without spaces');
    expect([...storage.values.values()]).toContain(TOKEN);
    await desk.setAccess('mine', 'none');
    expect(await desk.connectServer('mine')).toMatchObject({ error: { code: 'sign_in_needed' } });
    expect([...storage.values.values()]).not.toContain(TOKEN);
    await desk.setAccess('mine', 'token', TOKEN);
    expect((await desk.connectServer('mine')).state).toBe('ready');
    await desk.removeServer('mine');
    expect(storage.values.size).toBe(0);
  });

  test('one signs in when a click opens the window, and out again', async () => {
    const world = await oauth();
    let consents: readonly Consent[] = [];
    const { desk, storage, kept } = await openDesk(new TabStorage(), (list) => {
      consents = list;
    });
    await desk.addServer({ name: 'office', url: world.server, access: 'sign-in' });
    const first = desk.connectServer('office');
    await expect.poll(() => consents.length).toBe(1);
    expect(consents[0]).toMatchObject({ server: 'office', place: world.issuer });
    consents[0]?.cancel();
    expect((await first).state).toBe('idle');
    const second = desk.connectServer('office');
    await expect.poll(() => consents.length).toBe(1);
    await desk.cancelServer('office');
    expect((await second).state).toBe('idle');
    expect(consents).toEqual([]);
    const third = desk.connectServer('office');
    await expect.poll(() => consents.length).toBe(1);
    consents[0]?.open();
    expect((await third).state).toBe('ready');
    expect(JSON.stringify([...storage.values])).toContain('access-');
    for (const secret of world.secrets) expect(await kept()).not.toContain(secret);
    await desk.signOutServer('office');
    expect(storage.values.size).toBe(0);
  });
});

test('a deployment with a client-ID metadata document is not registered', async () => {
  const world = await oauth();
  const document = 'https://atlas.example/oauth/client.json';
  const { redirectUrl, ...rest } = serverDeskOptions(await openDatabase(), {
    onConsents: ([consent]) => consent?.open(),
    open: (url) => {
      void follow(url);
      return {};
    },
  });
  world.documents = new Map([[document, { redirect_uris: [redirectUrl] }]]);
  world.registers = false;
  const desk = new ServerDesk({ ...rest, redirectUrl, clientDocumentUrl: async () => document });
  await desk.addServer({ name: 'documented', url: world.server, access: 'sign-in' });
  expect((await desk.connectServer('documented')).state).toBe('ready');
  expect(world.asked).not.toContain('register');
});

test('servers that are added at once are all kept', async () => {
  const { desk } = await openDesk();
  const names = ['a', 'b', 'c'];
  await Promise.all(names.map((name) => desk.addServer(open('http://127.0.0.1:9/mcp', name))));
  expect((await desk.ownServers()).map(({ name }) => name)).toEqual(names);
  const twice = ['d', 'D'].map((name) => desk.addServer(open('http://127.0.0.1:9/mcp', name)));
  const ends = await Promise.allSettled(twice);
  expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
});

test('the doctor is asked with the page’s origin', async () => {
  const server = await serve();
  const { desk } = await openDesk();
  await desk.addServer(open(server.url));
  expect(await desk.checkServer('mine')).toMatchObject({
    page: 'http://localhost:5173',
    speaks: 'modern',
    works: true,
    findings: [],
  });
});

describe('episodes', () => {
  const request = { mode: 'eager', seed: 1, temperature: 1, constrain: true } as const;

  test('show own servers, hide their secrets, and have no score for a request of one’s own', async () => {
    const server = await serve({
      token: TOKEN,
      tools: () => [{ ...ECHO, inputSchema: { type: 'object', properties: {} } }],
      result: () => said(`you sent ${TOKEN}`),
    });
    const { desk } = await loadedDesk();
    await desk.addServer({ name: 'mine', url: server.url, access: 'token' }, TOKEN);
    const task = await desk.ownTask({
      prompt: 'Say it.',
      servers: ['units'],
      toolspace: 'core',
      seed: 2,
    });
    const { view } = await desk.runEpisode('call-1', {
      ...request,
      task,
      player: { kind: 'model' },
      ownServers: ['mine'],
    });
    const { trace } = view;
    expect(Object.keys(trace.finalState)).toEqual(['units', 'mine']);
    expect(trace.success).toBeNull();
    expect(trace.scores?.reward ?? null).toBeNull();
    expect(JSON.stringify(trace)).not.toContain(TOKEN);
    const playing = desk.runEpisode('call-2', { ...request, task, player: { kind: 'oracle' } });
    await expect(playing).rejects.toThrow('let a model play your own request');
  });

  test('that are stopped while a server is opened are stopped, and broken ones say why', async () => {
    const { desk } = await loadedDesk();
    const hanging = await serve({ odd: ({ message }) => message?.method === 'tools/list' });
    await desk.addServer(open(hanging.url));
    const task = await desk.drawTask({ split: 'test', seed: 1, toolspace: 'core' });
    const playing = desk.runEpisode('call-1', {
      ...request,
      task,
      player: { kind: 'model' },
      ownServers: ['mine'],
    });
    await expect.poll(() => hanging.seen).toContain('tools/list');
    await desk.cancel('call-1');
    expect((await playing).view.trace).toMatchObject({ end: 'cancel', error: null });
    await hanging.close();
    const { view } = await desk.runEpisode('call-2', {
      ...request,
      task,
      player: { kind: 'oracle' },
      ownServers: ['mine'],
    });
    expect(view.trace).toMatchObject({ end: 'error', success: null });
    expect(view.trace.error).toContain('server mine at');
  });

  test('give the session of a server back that they never called', async () => {
    const seen: (string | undefined)[] = [];
    const server = await serve({
      era: 'legacy',
      odd: ({ request: { method }, message, response }) => {
        seen.push(message?.method ?? method);
        if (message?.method === 'initialize') response.setHeader('mcp-session-id', 's-1');
        return false;
      },
    });
    const { desk } = await loadedDesk();
    await desk.addServer(open(server.url));
    const task = await desk.drawTask({ split: 'test', seed: 1, toolspace: 'core' });
    const player = { kind: 'oracle' } as const;
    const { view } = await desk.runEpisode('call-1', {
      ...request,
      task,
      player,
      ownServers: ['mine'],
    });
    expect(view.trace.success).toBe(true);
    expect(seen.at(-1)).toBe('DELETE');
  });
});
