// Which tools the Run page's tasks are of, and how an episode reaches them.
import { signal } from '@preact/signals';
import { hasServiceWorkers, openPageServers } from '../../workers/client.ts';
import type { HeldSplit, ToolspaceName } from '../logic/toolspaces.ts';
import { pageFile } from './session.ts';

/** What a person chose; null leaves it to who plays. */
export const toolspace = signal<ToolspaceName | null>(null);
/** Of tasks of `full`; `core` has test tasks only. */
export const split = signal<HeldSplit>('test');

/** `page`: in the agent worker itself; `url`: each call is a request to an address of the page. */
export type Reach = 'page' | 'url';
export const reach = signal<Reach>('page');

/**
 * What an episode's request says of how tools are reached.
 * @throws {ProtocolError} when the browser has no service worker for the page.
 */
export async function reachedBy(): Promise<{ serversUrl?: string }> {
  return reach.value === 'url' ? { serversUrl: await openPageServers(pageFile('')) } : {};
}

/** Puts the built-in servers at their addresses, so that they are there for whoever asks. */
export function offerPageServers(): void {
  if (!hasServiceWorkers()) return;
  // Nothing needs them yet: why they are not there is told when an episode asks for them.
  openPageServers(pageFile('')).catch(() => undefined);
}
