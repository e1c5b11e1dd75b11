// The Models page: what is kept, what can be had at a place, and what is on its way.
import { signal } from '@preact/signals';
import { persistStorage } from '../../store/quota.ts';
import type { ModelListing, ModelOffer, ModelProgress, Quantise } from '../../workers/client.ts';
import { announcement, api } from './session.ts';
import { storage } from './train-state.ts';

export const models = signal<ModelListing[] | null>(null);
/** What a place has; empty before a search and after a choice. */
export const offers = signal<readonly ModelOffer[]>([]);
/** A search at work. */
export const searching = signal(false);
/** Additions at work by their call; null until the first word of one. */
export const coming = signal<ReadonlyMap<string, ModelProgress | null>>(new Map());

let calls = 0;

/** Reads the list anew. */
export async function refreshModels(): Promise<void> {
  models.value = await api().models();
  storage.value = await api().storage();
}

/** Looks a place up; the only model of it is added at once. */
export async function findModels(place: string): Promise<void> {
  offers.value = [];
  searching.value = true;
  let found: readonly ModelOffer[];
  try {
    found = await api().findModels(place);
  } finally {
    searching.value = false;
  }
  const [only] = found;
  if (found.length === 1 && only !== undefined) return addModel(only);
  offers.value = found;
  announcement.value = `${found.length} models found.`;
}

export async function addModel(offer: ModelOffer): Promise<void> {
  offers.value = [];
  await bring((call) => api().addModel(call, offer));
}

/** Goes on with a download. */
export async function resumeModel(name: string): Promise<void> {
  await bring((call) => api().resumeModel(call, name));
}

/** What the matrices of a local folder with safetensors become. */
export const quantise = signal<Quantise>('Q8_0');

/** Copies local files: one model. */
export async function importModel(files: readonly File[]): Promise<void> {
  await bring((call) => api().importModel(call, files, quantise.value));
}

async function bring(add: (call: string) => Promise<ModelListing>): Promise<void> {
  const call = `model-${calls++}`;
  coming.value = new Map([...coming.value, [call, null]]);
  try {
    // It is kept either way; a browser that says no may clear it when its disk is full.
    if ((models.value ?? []).length === 0) await persistStorage(navigator.storage);
    const { name } = await add(call);
    announcement.value = `${name} is here.`;
  } catch (error) {
    // Who cancelled knows.
    if (!isCancelled(error)) throw error;
  } finally {
    coming.value = new Map([...coming.value].filter(([other]) => other !== call));
    await refreshModels();
  }
}

function isCancelled(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'cancelled';
}

export async function cancelModel(name: string): Promise<void> {
  await api().cancelModel(name);
}

export async function removeModel(name: string): Promise<void> {
  await api().removeModel(name);
  await refreshModels();
}

export function onModel(call: string, progress: ModelProgress): void {
  if (coming.value.has(call)) coming.value = new Map(coming.value).set(call, progress);
}
