// A request of the user's own, in place of a drawn task.
import { computed, signal } from '@preact/signals';
import type { Task } from '../../trajectory/task.ts';
import type { ToolspaceName } from '../logic/toolspaces.ts';
import { shownServers } from './servers-state.ts';
import { api } from './session.ts';

/** What the next episode plays: the drawn task, or the user's own request. */
export const asking = signal<'drawn' | 'own'>('drawn');
export const request = signal('');
/** Names of the built-in servers that a request may be played on. */
export const builtIns = signal<readonly string[]>([]);
/** Those that the request is played on. */
export const chosenBuiltIns = signal<ReadonlySet<string>>(new Set());

/** Reads which built-in servers a toolspace has. */
export async function refreshBuiltIns(toolspace: ToolspaceName): Promise<void> {
  builtIns.value = await api().builtInServers(toolspace);
}

export function chooseBuiltIn(name: string, isChosen: boolean): void {
  const names = new Set(chosenBuiltIns.value);
  if (isChosen) names.add(name);
  else names.delete(name);
  chosenBuiltIns.value = names;
}

const playedBuiltIns = computed(() =>
  builtIns.value.filter((name) => chosenBuiltIns.value.has(name)),
);

/** What is missing before the request can be played, in words; null when nothing is. */
export const missing = computed(() => {
  if (request.value.trim() === '') return 'Write a request first.';
  if (playedBuiltIns.value.length + shownServers.value.length > 0) return null;
  return 'Choose a server for it, or add one on the Servers page.';
});

/** The request as a task. @param seed of the world behind the built-in servers. */
export function ownTask(toolspace: ToolspaceName, seed: number): Promise<Task> {
  return api().ownTask({
    prompt: request.value,
    servers: playedBuiltIns.value,
    toolspace,
    seed,
  });
}
