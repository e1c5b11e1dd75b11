// The page's side of its service worker: puts it in and waits until it answers. Must not know what the page shows.
import { errorMessage, ProtocolError } from '../../base/errors.ts';
import { CLAIM, SERVERS_PATH, WORKER_PATH } from './addresses.ts';

/** The worker is built from one file of less than a megabyte. */
const START_MS = 30_000;

/** Whether this browser gives the page a service worker at all: not in some private windows, nor without https. */
export function hasServiceWorkers(): boolean {
  // In a page that is not secure there is none.
  return (navigator as Partial<Navigator>).serviceWorker !== undefined;
}

/**
 * Puts the service worker in, or its newest version, and waits until it answers this page.
 * @param folder address of the folder that the page lies in.
 * @returns the address of the built-in servers, with a slash at its end.
 * @throws {ProtocolError} when the browser has none for the page or refuses it.
 */
export async function openPageServers(folder: string): Promise<string> {
  if (!hasServiceWorkers()) {
    throw new ProtocolError(
      'no-service-worker',
      'tools by URL: this browser has no service worker for the page; reach them in the page',
    );
  }
  try {
    const registration = await navigator.serviceWorker.register(new URL(WORKER_PATH, folder));
    // What is registered may be of an earlier visit. Without a network it has to do.
    await registration.update().catch(() => undefined);
  } catch (cause) {
    throw new ProtocolError(
      'service-worker-refused',
      `tools by URL: the browser refused the page's service worker (${errorMessage(cause)}); reach them in the page`,
      { cause },
    );
  }
  await claimed(navigator.serviceWorker);
  return new URL(SERVERS_PATH, folder).href;
}

/**
 * Resolves when the service worker answers the page and its workers.
 * @throws {ProtocolError} when it does not start.
 */
async function claimed(container: ServiceWorkerContainer): Promise<void> {
  const ended = new AbortController();
  const { signal } = ended;
  const late = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => {
      const message = `tools by URL: the page's service worker did not start within ${START_MS / 1000} s; reach them in the page`;
      reject(new ProtocolError('service-worker-silent', message));
    }, START_MS);
    signal.addEventListener('abort', () => clearTimeout(timer));
  });
  try {
    for (;;) {
      const { active } = await Promise.race([container.ready, late]);
      const replaced = new Promise<'replaced'>((resolve) => {
        container.addEventListener('controllerchange', () => resolve('replaced'), {
          once: true,
          signal,
        });
      });
      // It claims by itself when it is new, but not the page of a forced reload, nor a worker that was only starting then.
      if ((await Promise.race([claim(active), replaced, late])) === 'claimed') return;
    }
  } finally {
    ended.abort();
  }
}

function claim(worker: ServiceWorker | null): Promise<'claimed'> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve('claimed');
    };
    worker?.postMessage(CLAIM, [port2]);
  });
}
