// The agent worker: everything but the GPU. Opens the stores and serves the page.
import '../base/zod-config.ts';
import { z } from 'zod';
import { defined } from '../base/assert.ts';
import { InputError } from '../base/errors.ts';
import { browserWorker } from '../sandbox/browser-worker.ts';
import { openSandbox } from '../sandbox/sandbox.ts';
import { type AtlasDatabase, openDatabase } from '../store/database.ts';
import type { DirectoryHandle } from '../store/directory.ts';
import type { Net } from '../store/http.ts';
import { Records } from '../store/records.ts';
import { CALLBACK_PAGE, CLIENT_DOCUMENT } from '../tools/auth/oauth.ts';
import { openLine } from './calls.ts';
import { ModelDesk } from './model-desk.ts';
import { PageDesk } from './page-desk.ts';
import { type PageApi, type PageEvent, serveWorker } from './protocol.ts';
import type { PageServices } from './server-api.ts';
import { ServerDesk } from './server-desk.ts';
import { Shelf } from './shelf.ts';

const now = (): number => Date.now();

async function openShelf(opened: Promise<AtlasDatabase>): Promise<Shelf> {
  const [database, root] = await Promise.all([opened, navigator.storage.getDirectory()]);
  return new Shelf({ database, root, now });
}

/** Ends early, with the signal's reason, when it aborts. */
function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
}

/** What downloads need of the browser. */
const NET: Net = {
  fetch: (...args) => fetch(...args),
  sleep,
  now: () => performance.now(),
};

/** Two tabs must not write the same run. */
async function lockRun<T>(run: string, work: () => Promise<T>): Promise<T> {
  return navigator.locks.request(`run ${run}`, { ifAvailable: true }, async (lock) => {
    if (lock === null) {
      throw new InputError('run-locked', `run ${run}: another tab works on it; go on there`);
    }
    return work();
  });
}

const DOCUMENT_MS = 10_000;

/** The client-ID metadata document beside the page, where this deployment was built with one. Only https ones count. */
async function findClientDocument(page: string): Promise<string | undefined> {
  const url = new URL(CLIENT_DOCUMENT, page).href;
  if (!url.startsWith('https:')) return undefined;
  // Whatever comes in its place (nothing, a page of the host's own) is no such document.
  const found: unknown = await fetch(url, { signal: AbortSignal.timeout(DOCUMENT_MS) }).then(
    (response) => response.json().catch(() => null),
    () => null,
  );
  const isOurs = z.looseObject({ client_id: z.literal(url) }).safeParse(found).success;
  return isOurs ? url : undefined;
}

serveWorker<PageApi, PageEvent>(self, (emit, gpu, page) => {
  const database = openDatabase();
  const shelf = openShelf(database);
  // Every call that needs it tells of its failure.
  shelf.catch(() => undefined);
  const root: Promise<DirectoryHandle> = navigator.storage.getDirectory();
  const models = new ModelDesk({ root, net: NET, emit, now });
  const sandbox = openSandbox(browserWorker);
  const { services, address } = defined(page, 'way to the page');
  const servers = new ServerDesk({
    records: database.then((opened) => new Records(opened)),
    page: openLine<PageServices>(services).calls,
    origin: location.origin,
    redirectUrl: new URL(CALLBACK_PAGE, address).href,
    isolated: crossOriginIsolated,
    clientDocumentUrl: () => findClientDocument(address),
  });
  return new PageDesk({ shelf, models, servers, emit, gpu, lock: lockRun, sandbox });
});
