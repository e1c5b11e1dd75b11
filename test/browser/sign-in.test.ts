// Signing in from a page: a pop-up window at the authorisation server, back by the callback page of this origin.
import { expect, inject, test } from 'vitest';
import { OAuthSession } from '../../src/tools/auth/oauth.ts';
import { CONSENT_CHANNEL, popUpConsent } from '../../src/tools/auth/pop-up.ts';
import { sessionSecrets } from '../../src/tools/auth/secret-store.ts';
import { connectServer } from '../../src/tools/mcp-client.ts';

const server = inject('oauthServer');
const redirectUrl = new URL('/oauth/callback.html', window.location.origin).href;
const store = sessionSecrets(window.sessionStorage);
const open = (url: string, target: string, features: string) => window.open(url, target, features);

test('consent in a pop-up window, tokens in the session storage alone', async () => {
  const auth = new OAuthSession({ server, redirectUrl, store, ask: popUpConsent({ open }) });
  const connection = await connectServer({ name: 'protected', url: server, auth });
  expect((await connection.call('write', {})).text).toBe('written');
  await connection.close();
  expect(JSON.stringify({ ...window.sessionStorage })).toContain('access-');
  expect(JSON.stringify({ ...window.localStorage })).not.toContain('access-');
  expect(document.cookie).not.toContain('access-');
  await auth.signOut();
  expect(JSON.stringify({ ...window.sessionStorage })).not.toContain('access-');
});

const PAGE = new URL('https://authority.example/authorize?state=mine');

test('answers to other sign-ins are left to them', async () => {
  const consent = popUpConsent({ open: () => window })(PAGE);
  const channel = new BroadcastChannel(CONSENT_CHANNEL);
  for (const message of ['?state=other&code=1', 7, '?state=mine&code=2'])
    channel.postMessage(message);
  expect((await consent).get('code')).toBe('2');
  channel.close();
});

test('a window that is blocked, a sign-in that is given up, and one that takes too long', async () => {
  await expect(popUpConsent({ open: () => null })(PAGE)).rejects.toMatchObject({
    code: 'sign_in_blocked',
  });
  const aborter = new AbortController();
  const given = popUpConsent({ open: () => window, signal: aborter.signal })(PAGE);
  aborter.abort();
  await expect(given).rejects.toMatchObject({ code: 'cancelled' });
  await expect(popUpConsent({ open: () => window, timeoutMs: 20 })(PAGE)).rejects.toMatchObject({
    code: 'sign_in_timeout',
  });
});
