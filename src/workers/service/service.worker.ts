// The page's service worker: answers at the addresses of the built-in servers and touches no other request. The browser ends
// it when it idles, so nothing that counts may live in its memory alone.
import '../../base/zod-config.ts';
import { errorMessage } from '../../base/errors.ts';
import { EpisodeStates } from '../../store/episode-states.ts';
import type { StateStore } from '../../toolspace/hosted.ts';
import { CLAIM, SERVERS_PATH } from './addresses.ts';
import { pageServers } from './page-servers.ts';
import type { InstallEvent, ServiceScope } from './service-scope.ts';

// TypeScript's library types workers and pages as one: https://github.com/microsoft/TypeScript/issues/14877
const scope = globalThis as unknown as ServiceScope;

let opening: Promise<EpisodeStates> | null = null;

/** Opened at the first use, and again after a failure. */
function states(): Promise<EpisodeStates> {
  const forget = () => {
    opening = null;
  };
  opening ??= EpisodeStates.open(forget);
  opening.catch(forget);
  return opening;
}

const store: StateStore = {
  read: async (key) => (await states()).read(key),
  write: async (key, kept) => (await states()).write(key, kept),
  remove: async (key) => (await states()).remove(key),
};

const servers = pageServers({
  folder: scope.registration.scope,
  version: import.meta.env.TOOLSPACE_VERSION,
  store,
});

// A new build takes over at once; the tags of states keep an episode from going on with other tools.
scope.addEventListener('install', (event) => {
  event.waitUntil(scope.skipWaiting());
  event.waitUntil(passOthersBy(event));
});
// Without this a page would be without the servers until its next visit.
scope.addEventListener('activate', (event) => event.waitUntil(scope.clients.claim()));
scope.addEventListener('message', (event) => {
  if (event.data !== CLAIM) return;
  event.waitUntil(scope.clients.claim().then(() => event.ports[0]?.postMessage(CLAIM)));
});
scope.addEventListener('fetch', (event) => {
  const answer = servers.answer(event.request);
  if (answer !== null) event.respondWith(answer.catch(failed));
});

/** Where the browser knows routes, it does not start this worker for the page's other files. */
async function passOthersBy(event: InstallEvent): Promise<void> {
  const path = new URL(SERVERS_PATH, scope.registration.scope).pathname;
  const others = { not: { urlPattern: { pathname: `${path}*` } } };
  // A browser that knows no such condition asks the worker, which answers the same.
  await event.addRoutes?.({ condition: others, source: 'network' }).catch(() => undefined);
}

function failed(error: unknown): Response {
  return Response.json({ error: errorMessage(error) }, { status: 500 });
}
