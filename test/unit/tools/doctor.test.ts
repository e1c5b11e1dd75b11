// The doctor from outside of a browser, against real servers; test/browser/doctor.test.ts is the same from inside.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Diagnosis, diagnose } from '../../../src/tools/doctor/diagnose.ts';
import { probeAsPeer } from '../../../src/tools/doctor/probe-as-peer.ts';
import { isMixed } from '../../../src/tools/doctor/probe-from-page.ts';
import {
  isLoopback,
  isPrivateHost,
  otherPlaces,
  type Probes,
  unknownProbes,
} from '../../../src/tools/doctor/probes.ts';
import { connectServer } from '../../../src/tools/mcp-client.ts';
import { CORS_CASES, followed, main } from '../../support/cors-cases.ts';
import { OPEN } from '../../support/cors-config.ts';
import { type CorsServer, serveCors } from '../../support/cors-server.ts';

const PAGE = 'https://atlas.example';

let server: CorsServer;
beforeAll(async () => {
  server = await serveCors();
});
afterAll(async () => {
  await server.close();
});

async function examine(url = server.url, page = PAGE): Promise<Diagnosis> {
  return diagnose(await probeAsPeer({ url, page, timeoutMs: 500 }));
}

describe.each(CORS_CASES)('a server with $what', ({ config, finds, rounds }) => {
  test('is seen through, and works once the advice is followed', async () => {
    server.config = config;
    const found = await examine();
    expect(main(found)).toEqual(finds);
    let diagnosis = found;
    for (let round = 0; round < (rounds ?? 0); round++) {
      expect(main(diagnosis)).not.toEqual([]);
      server.config = followed(server.config, diagnosis);
      diagnosis = await examine();
    }
    expect(diagnosis.works).toBe(rounds !== null);
    if (rounds !== null) expect(main(diagnosis)).toEqual([]);
  });
});

test('each finding says what is wrong and what to do, in sentences', async () => {
  for (const { config } of CORS_CASES) {
    server.config = config;
    for (const { problem, fix } of (await examine()).findings) {
      expect(problem).toMatch(/^[A-Z].{20,}[.)]?/);
      expect(fix).toMatch(/^[A-Z].{10,}\.$/);
    }
  }
});

test('a redirect to a login is told as such, without what is in the address', async () => {
  server.config = { ...OPEN, behaves: 'login' };
  const diagnosis = await examine();
  expect(main(diagnosis)).toEqual(['login_page']);
  expect(JSON.stringify(diagnosis)).not.toContain('s3cr3t');
  server.config = { ...OPEN, behaves: 'moved' };
  expect(main(await examine())).toEqual(['redirect']);
});

test('a wrong path is told the right one', async () => {
  server.config = { ...OPEN, behaves: 'at /mcp' };
  const { findings } = await examine(new URL('/', server.url).href);
  expect(findings).toMatchObject([{ code: 'wrong_path' }]);
  expect(findings[0]?.fix).toContain(server.url);
});

test('a server that hangs, and none', async () => {
  server.config = { ...OPEN, behaves: 'hangs' };
  expect(main(await examine())).toEqual(['timeout']);
  // Port 9 (discard) has no listener here.
  const none = await examine('http://127.0.0.1:9/mcp', 'http://localhost:4173');
  expect(main(none)).toEqual(['unreachable']);
  expect(none.findings[0]?.problem).toMatch(/ECONNREFUSED|fetch failed|bad port/);
});

test('a token is sent, and shown nowhere', async () => {
  const sent: (string | null)[] = [];
  const probes = await probeAsPeer({
    url: `${server.url}?key=in-the-query`,
    page: PAGE,
    token: 'tok-123456',
    extraHeaders: ['X-Api-Key'],
    timeoutMs: 500,
    fetch: (input, init) => {
      sent.push(new Headers(init?.headers).get('authorization'));
      server.config = OPEN;
      return fetch(input, init);
    },
  });
  expect(sent).toContain('Bearer tok-123456');
  const text = JSON.stringify(diagnose(probes));
  expect(text).not.toMatch(/tok-123456|in-the-query/);
  // A header of the user's has to be allowed too.
  expect(diagnose(probes).findings.map(({ problem }) => problem)).toEqual([
    'The server does not allow x-api-key to be sent.',
  ]);
});

test('what works for the doctor works for the client', async () => {
  for (const behaves of ['modern', 'legacy'] as const) {
    server.config = { ...OPEN, behaves };
    const diagnosis = await examine();
    expect(diagnosis).toMatchObject({ speaks: behaves, works: true });
    const connection = await connectServer({ name: 'cors', url: server.url });
    expect((await connection.call('echo', { text: 'hello' })).text).toBe('hello');
    await connection.close();
  }
});

describe('without asking', () => {
  const probes: Probes = {
    ...unknownProbes({ url: 'http://192.168.1.5/mcp', page: PAGE }),
    reason: 'Failed to fetch',
  };
  const codes = (more: Partial<Probes>) =>
    diagnose({ ...probes, ...more }).findings.map(({ code }) => code);

  test('mixed content and private networks are seen by the addresses', () => {
    expect(codes({})).toEqual(['mixed_content']);
    expect(codes({ url: 'https://192.168.1.5/mcp' })).toEqual([
      'unreachable_or_closed',
      'private_network',
    ]);
    expect(codes({ url: 'http://localhost:3000/', reached: false })).toEqual([
      'unreachable',
      'private_network',
    ]);
    expect(codes({ page: 'http://localhost:4173', reached: false })).toEqual(['unreachable']);
    expect(codes({ url: 'https://mcp.example/', reached: null, timedOut: true })).toEqual([
      'timeout',
    ]);
    expect(isMixed('http://localhost:1/', PAGE)).toBe(false);
    expect(isMixed('http://mcp.example/', 'http://localhost')).toBe(false);
  });

  test('hosts of this machine and of private networks', () => {
    for (const host of ['localhost', 'a.localhost', '127.0.0.1', '127.1.2.3', '[::1]']) {
      expect(isLoopback(host)).toBe(true);
    }
    for (const host of ['10.0.0.1', '172.20.0.1', '169.254.0.1', 'nas.local', '[fd00::1]']) {
      expect(isPrivateHost(host)).toBe(true);
      expect(isLoopback(host)).toBe(false);
    }
    for (const host of [
      '172.32.0.1',
      '8.8.8.8',
      'localhost.example',
      '[2001:db8::1]',
      '11.0.0.1',
    ]) {
      expect(isPrivateHost(host)).toBe(false);
    }
  });

  test('other places of a server', () => {
    expect(otherPlaces('https://a.example/')).toEqual([
      'https://a.example/mcp',
      'https://a.example/api/mcp',
    ]);
    expect(otherPlaces('https://a.example/x/')).toEqual([
      'https://a.example/x/mcp',
      'https://a.example/mcp',
      'https://a.example/',
      'https://a.example/api/mcp',
    ]);
  });
});
