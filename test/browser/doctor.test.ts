// The doctor inside of a page, with a server of another origin: what it recommends makes the server work, for itself and for
// the client.
import { beforeEach, describe, expect, inject, test } from 'vitest';
import { type Diagnosis, diagnose } from '../../src/tools/doctor/diagnose.ts';
import { probeFromPage } from '../../src/tools/doctor/probe-from-page.ts';
import { connectServer } from '../../src/tools/mcp-client.ts';
import { CORS_CASES, followed, main } from '../support/cors-cases.ts';
import { type CorsConfig, OPEN } from '../support/cors-config.ts';

const url = inject('corsServer');

async function configure(config: CorsConfig): Promise<void> {
  await fetch(new URL('/config', url), { method: 'POST', body: JSON.stringify(config) });
}

async function examine(at = url, isolated = false): Promise<Diagnosis> {
  const page = window.location.origin;
  return diagnose(await probeFromPage({ url: at, page, isolated, timeoutMs: 2000 }));
}

async function callsEcho(): Promise<string> {
  const limits = { retryDelaysMs: [], connectMs: 3000 };
  const connection = await connectServer({ name: 'cors', url, limits });
  try {
    await connection.listTools();
    return (await connection.call('echo', { text: 'hello' })).text;
  } finally {
    await connection.close();
  }
}

beforeEach(() => configure(OPEN));

test('the server is of another origin', () => {
  expect(new URL(url).origin).not.toBe(window.location.origin);
});

describe.each(CORS_CASES)('a server with $what', ({ config, finds, fromPage = finds, rounds }) => {
  test('is seen through, and works once the advice is followed', async () => {
    await configure(config);
    let diagnosis = await examine();
    let now = config;
    expect(main(diagnosis)).toEqual(fromPage);
    if (fromPage.length > 0) await expect(callsEcho()).rejects.toThrow();
    for (let round = 0; round < (rounds ?? 0); round++) {
      now = followed(now, diagnosis);
      await configure(now);
      diagnosis = await examine();
    }
    expect(diagnosis.works).toBe(rounds !== null);
    if (rounds !== null) expect(await callsEcho()).toBe('hello');
  });
});

test('a redirect to a login that the page may read', async () => {
  await configure({ ...OPEN, behaves: 'login' });
  expect((await examine()).works).toBe(false);
});

test('no server, and what an isolated page can know of that', async () => {
  // Port 1 is one that browsers never ask.
  const none = 'http://127.0.0.1:1/mcp';
  expect(main(await examine(none))).toEqual(['unreachable']);
  expect(main(await examine(none, true))).toEqual(['unreachable_or_closed']);
});

test('a wrong path is told the right one', async () => {
  await configure({ ...OPEN, behaves: 'at /mcp' });
  const { findings } = await examine(new URL('/', url).href);
  expect(findings).toMatchObject([{ code: 'wrong_path' }]);
  expect(findings[0]?.fix).toContain(url);
});
