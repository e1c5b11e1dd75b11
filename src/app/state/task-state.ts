// The Run page: the task, who plays it, and the episode as it comes in.
import { computed, signal } from '@preact/signals';
import type { AgentEvent } from '../../agent/events.ts';
import { SHIPPED_MODELS, type ShippedName } from '../../base/shipped-models.ts';
import type { Experiment } from '../../trajectory/experiment.ts';
import type { Task } from '../../trajectory/task.ts';
import type { Mode } from '../../trajectory/trace.ts';
import type { ModelSource, Player, TraceView } from '../../workers/client.ts';
import { toolspaceNamed } from '../logic/toolspaces.ts';
import { type EpisodeShown, emptyEpisode, episodeOf, withEvent } from '../logic/turns.ts';
import { keyOf, needBase, sourceOf } from './base-model.ts';
import { asking, ownTask } from './request-state.ts';
import { shownServers } from './servers-state.ts';
import { announcement, api, model, needModel, pageFile } from './session.ts';
import { reachedBy, split, toolspace } from './tools-state.ts';

/** Who plays: a shipped model, one of the store, another of the user's, a trained adapter, or the scripted teacher. */
export type Chosen =
  | { kind: 'shipped'; name: ShippedName }
  | { kind: 'stored'; name: string; hash: string }
  | { kind: 'own'; key: string; source: ModelSource }
  | { kind: 'trained'; run: string; base: Pick<Experiment, 'model' | 'modelHash'>; label: string }
  | { kind: 'teacher' };

export const task = signal<Task | null>(null);
export const taskSeed = signal(1);
const DEFAULT_MODE = 'itl';
/** What a person chose; see {@link playedMode}. */
export const mode = signal<Mode>(DEFAULT_MODE);
export const chosen = signal<Chosen>({ kind: 'shipped', name: 'nano' });
/** Whether who plays can be asked for programs: the shipped models were trained on the other modes only. */
export const writesPrograms = computed(() => {
  const who = chosen.value;
  if (who.kind === 'trained') return !SHIPPED_MODELS.some((name) => name === who.base.model);
  return who.kind !== 'shipped';
});
/** The mode of the next episode. */
export const playedMode = computed(() =>
  mode.value === 'ptc' && !writesPrograms.value ? DEFAULT_MODE : mode.value,
);
export const temperature = signal(0);
/** Whether the model can write only calls that can be made. */
export const constrain = signal(false);
export const episode = signal<EpisodeShown | null>(null);
/** The finished episode; null while it runs. */
export const finished = signal<TraceView | null>(null);
/** Id of the call at work. */
export const working = signal<string | null>(null);

let calls = 0;
let queued: AgentEvent[] = [];

/** The toolspace of what is played: as chosen, else the shipped models know `core` only, and others say what they were made for. */
export const playedSpace = computed(() => {
  const own = chosen.value.kind === 'shipped' ? 'core' : model.value?.summary.toolspace;
  return toolspace.value ?? toolspaceNamed(own);
});

function drawnFrom() {
  const name = playedSpace.value;
  return { toolspace: name, split: name === 'core' ? 'test' : split.value } as const;
}

/** Draws the task of a number. */
export async function drawTask(seed: number): Promise<void> {
  task.value = await api().drawTask({ seed, ...drawnFrom() });
  taskSeed.value = seed;
  if (working.value === null) {
    episode.value = null;
    finished.value = null;
  }
}

/** Plays the task at hand. */
export async function runTask(): Promise<void> {
  if (working.value !== null) return;
  const call = `episode-${calls++}`;
  working.value = call;
  finished.value = null;
  queued = [];
  try {
    const current =
      asking.value === 'own' ? await ownTask(playedSpace.value, taskSeed.value) : task.value;
    if (current === null) return;
    episode.value = emptyEpisode(current.prompt);
    const player = await prepare(chosen.value);
    const way = await reachedBy();
    const { view } = await api().runEpisode(call, {
      task: current,
      mode: playedMode.value,
      player,
      seed: taskSeed.value,
      temperature: temperature.value,
      constrain: constrain.value,
      ownServers: shownServers.value,
      ...way,
    });
    queued = [];
    finished.value = view;
    episode.value = episodeOf(view.trace);
    announcement.value = endText(view);
  } catch (error) {
    episode.value = null;
    throw error;
  } finally {
    working.value = null;
  }
}

function endText({ trace }: TraceView): string {
  const judged = trace.success === true ? 'Task solved' : 'Task not solved';
  const result = trace.task.source === 'user' ? 'Not judged' : judged;
  return trace.answer === null ? `${result}.` : `${result}. Answer: ${trace.answer}`;
}

/** Loads what the player needs. */
async function prepare(who: Chosen): Promise<Player> {
  switch (who.kind) {
    case 'shipped':
    case 'stored':
      await needModel(keyOf(who), sourceOf(who));
      return { kind: 'model' };
    case 'own':
      await needModel(who.key, who.source);
      return { kind: 'model' };
    case 'trained': {
      await needBase(who.base);
      return { kind: 'model', adapterOf: who.run };
    }
    case 'teacher':
      await api().loadTokenizer(pageFile('models/nano.gguf'));
      return { kind: 'oracle' };
    default:
      return who satisfies never;
  }
}

/** Stops the episode at work. */
export async function stopTask(): Promise<void> {
  if (working.value !== null) await api().cancel(working.value);
}

/** An event of the episode at work. Events of one frame are shown together. */
export function onEpisodeEvent(call: string, event: AgentEvent): void {
  if (call !== working.value) return;
  if (queued.length === 0) requestAnimationFrame(flush);
  queued.push(event);
  if (event.kind === 'observation') {
    const { tool, result } = event.record;
    announcement.value = `${tool}: ${result.isError ? 'error' : 'done'}`;
  }
}

function flush(): void {
  const events = queued;
  queued = [];
  if (events.length === 0 || episode.value === null) return;
  episode.value = events.reduce(withEvent, episode.value);
}
