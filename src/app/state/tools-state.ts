// Which tools the Run page's tasks are of, and how an episode reaches them.
import { signal } from '@preact/signals';
import { openPageServers } from '../../workers/client.ts';
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
