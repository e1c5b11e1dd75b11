// Servers that the user names: played by `agent`, examined by `servers --check`.
import { afterEach, describe, expect, test, vi } from 'vitest';
import { serveHttp } from '../../../src/cli/serve.ts';
import { createHost } from '../../../src/toolspace/host.ts';
import { linesOf, runHere } from '../../support/command-line.ts';
import { serveCors } from '../../support/cors-server.ts';
import { ECHO, serveRaw } from '../../support/raw-mcp-server.ts';

const SECRET = 'tok-abcdef-123456';

afterEach(() => {
  vi.unstubAllEnvs();
});

const AGENT = ['agent', 'random', '--mode', 'eager', '--tasks', 'test', '--seed', '3'];

describe('agent', () => {
  test('calls a server with a token and a header out of the environment', async () => {
    vi.stubEnv('MY_TOKEN', SECRET);
    vi.stubEnv('MY_KEY', 'key-7654321');
    const tools = Array.from({ length: 60 }, (_, i) => ({ ...ECHO, name: `echo_${i}` }));
    const server = await serveRaw({
      tools: () => tools,
      result: () => ({ content: [{ type: 'text', text: `${SECRET} key-7654321` }] }),
    });
    const ran = await runHere(
      ...[...AGENT, '--count', '6', '--server', `odd=${server.url}`],
      ...['--token', 'odd=MY_TOKEN', '--header', 'odd=X-Api-Key:MY_KEY'],
    );
    await server.close();
    expect(ran.code).toBe(0);
    const calls = server.messages.filter(({ method }) => method === 'tools/call');
    expect(calls.length).toBeGreaterThan(0);
    expect(server.headers.at(-1)).toMatchObject({
      authorization: `Bearer ${SECRET}`,
      'x-api-key': 'key-7654321',
    });
    expect(ran.stdout).toContain('[secret] [secret]');
    for (const text of [ran.stdout, ran.stderr]) {
      expect(text).not.toContain(SECRET);
      expect(text).not.toContain('key-7654321');
    }
  });

  test('writes a dead server on each trace, and goes on', async () => {
    const ran = await runHere(...AGENT, '--count', '2', '--server', 'odd=http://127.0.0.1:9/mcp');
    expect(ran.code).toBe(0);
    const [first, second, summary] = linesOf(ran);
    for (const trace of [first, second]) {
      expect(trace).toMatchObject({ end: 'error', error: expect.stringMatching(/connecting/) });
    }
    expect(summary).toMatchObject({ summary: { count: 2 } });
  });

  test.each([
    [['--token', 'odd=NO_SUCH_VARIABLE'], /the environment has no NO_SUCH_VARIABLE/],
    [['--token', 'even=MY_TOKEN'], /got the server even, need one of odd/],
    [['--token', `odd=${SECRET}!`], /need NAME=VARIABLE/],
    [['--header', 'odd=X-Key'], /need NAME=HEADER:VARIABLE/],
  ])('refuses %j without saying a key', async (flags, says) => {
    vi.stubEnv('MY_TOKEN', SECRET);
    const server = ['--server', 'odd=http://127.0.0.1:9/mcp'];
    const ran = await runHere(...AGENT, ...server, ...flags);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(says);
    expect(ran.stderr).not.toContain(SECRET);
  });
});

describe('servers --check', () => {
  test('prints what is wrong and which header mends it', async () => {
    const server = await serveCors();
    const check = ['servers', '--check', server.url];
    const good = await runHere(...check);
    expect(good.code).toBe(0);
    expect(linesOf(good)).toEqual([
      {
        url: server.url,
        page: 'http://localhost:4173',
        speaks: 'modern',
        works: true,
        findings: [],
      },
    ]);
    server.config = { ...server.config, headers: {} };
    const [bad] = linesOf(await runHere(...check, '--origin', 'https://atlas.example/page'));
    expect(bad).toMatchObject({
      works: false,
      findings: [
        {
          code: 'origin',
          blocks: true,
          headers: { 'access-control-allow-origin': 'https://atlas.example' },
        },
      ],
    });
    await server.close();
  });

  test('finds nothing that blocks in our own servers', async () => {
    const host = createHost({ toolspace: 'core' });
    const serving = await serveHttp(host.fetch, 0);
    const url = `${serving.url}/mcp/0/main/units`;
    const [own] = linesOf(await runHere('servers', '--check', url));
    expect(own).toMatchObject({ works: true, speaks: 'modern' });
    const foreign = ['--origin', 'https://atlas.example'];
    const [refused] = linesOf(await runHere('servers', '--check', url, ...foreign));
    expect(refused).toMatchObject({ works: false });
    await serving.close();
    await host.close();
    const [none] = linesOf(await runHere('servers', '--check', 'http://127.0.0.1:9/mcp'));
    expect(none).toMatchObject({ works: false, findings: [{ code: 'unreachable' }] });
  });

  test.each(['nonsense', 'http://me:hunter22@127.0.0.1/'])('refuses %s', async (url) => {
    const ran = await runHere('servers', '--check', url);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(/need an http URL/);
    expect(ran.stderr).not.toContain('hunter22');
  });
});
