// MCP servers of the user's own: the list, what stands in the way of one, who waits for a sign-in, and which an episode shows.
import { computed, signal } from '@preact/signals';
import type { Consent, Diagnosis, ServerEntry, ServerListing } from '../../workers/client.ts';
import { plural } from '../logic/format.ts';
import { announcement, api } from './session.ts';

/** Null until the list was read. */
export const servers = signal<readonly ServerListing[] | null>(null);
/** What was found out about a server that does not work; null while it is asked. */
export const diagnoses = signal<ReadonlyMap<string, Diagnosis | null>>(new Map());
/** Servers that want their user to sign in. */
export const consents = signal<readonly Consent[]>([]);
/** Names of servers that a person put into the next episodes: a model may call any tool of theirs, so none is by itself. */
const chosenServers = signal<ReadonlySet<string>>(new Set());
/** Connected servers. */
export const connected = computed(() =>
  (servers.value ?? []).filter(({ state }) => state === 'ready'),
);
/** Names of the servers that the next episode shows. */
export const shownServers = computed(() =>
  connected.value.map(({ name }) => name).filter((name) => chosenServers.value.has(name)),
);

/** Shows a connected server in the next episodes, or takes it out of them. */
export function showServer(name: string, isShown: boolean): void {
  const names = new Set(chosenServers.value);
  if (isShown) names.add(name);
  else names.delete(name);
  chosenServers.value = names;
}

/** Failures of a sign-in are told in their own words: asking the server again would say nothing more. */
const TOLD = /^(sign_in_(refused|blocked|timeout|state|unsafe|failed)|address_gone)$/;

/** Reads the list anew. */
export async function refreshServers(): Promise<void> {
  servers.value = await api().ownServers();
}

/** Adds a server to the list. */
export async function addServer(entry: ServerEntry, token: string): Promise<void> {
  await api().addServer(entry, entry.access === 'token' ? token : undefined);
  await refreshServers();
}

/** Connects a server; when it fails, looks for the cause. */
export async function connectServer(name: string): Promise<void> {
  forgetDiagnosis(name);
  const working = api().connectServer(name);
  await refreshServers();
  const { state, catalogue, error } = await working;
  await refreshServers();
  if (state === 'ready') {
    announcement.value = `${name} is connected: ${plural(catalogue?.tools.length ?? 0, 'tool')}.`;
  } else if (state === 'failed' && error !== null) {
    announcement.value = `${name} could not be connected.`;
    if (!TOLD.test(error.code)) await checkServer(name);
  }
}

/** Gives a server a token, and connects it. */
export async function giveToken(name: string, token: string): Promise<void> {
  await api().setAccess(name, 'token', token);
  await connectServer(name);
}

/** Connects a server by signing in to it. */
export async function signIn(name: string): Promise<void> {
  await api().setAccess(name, 'sign-in');
  await connectServer(name);
}

export async function cancelServer(name: string): Promise<void> {
  await api().cancelServer(name);
}

/** Looks for what keeps the page from a server. */
export async function checkServer(name: string): Promise<void> {
  if (diagnoses.value.get(name) === null) return;
  diagnoses.value = new Map([...diagnoses.value, [name, null]]);
  try {
    const found = await api().checkServer(name);
    // It may have been removed, or connected anew, meanwhile.
    if (diagnoses.value.get(name) !== null) return;
    diagnoses.value = new Map([...diagnoses.value, [name, found]]);
    announcement.value = found.works
      ? `${name}: nothing stands in the way.`
      : `${name}: ${plural(found.findings.length, 'finding')}.`;
  } catch (error) {
    forgetDiagnosis(name);
    throw error;
  }
}

function forgetDiagnosis(name: string): void {
  diagnoses.value = new Map([...diagnoses.value].filter(([other]) => other !== name));
}

export async function signOut(name: string): Promise<void> {
  forgetDiagnosis(name);
  await api().signOutServer(name);
  await refreshServers();
}

export async function removeServer(name: string): Promise<void> {
  forgetDiagnosis(name);
  showServer(name, false);
  await api().removeServer(name);
  await refreshServers();
}
