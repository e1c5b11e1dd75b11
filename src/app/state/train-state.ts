// The Train and Kept pages: runs, the one that is open, its numbers and its trajectories.
import { signal } from '@preact/signals';
import type { LabProgress } from '../../lab/progress.ts';
import { persistStorage } from '../../store/quota.ts';
import type { Metrics } from '../../trajectory/experiment.ts';
import type {
  RunListing,
  StorageListing,
  TraceListing,
  TraceView,
  TrainingPlan,
} from '../../workers/client.ts';
import { type PresetChoices, presetExperiment } from '../logic/preset.ts';
import { keyOf, needBase, sourceOf } from './base-model.ts';
import { announcement, api, needModel } from './session.ts';

/** Trajectories of one page of a list. */
export const PAGE_SIZE = 20;

export const runs = signal<RunListing[] | null>(null);
export const storage = signal<StorageListing | null>(null);
/** The open run. */
export const openRun = signal<RunListing | null>(null);
export const metrics = signal<Metrics[]>([]);
/** Signs of collapse in the open run, in words. */
export const warnings = signal<string[]>([]);
export const progress = signal<LabProgress | null>(null);
export const traces = signal<{ total: number; from: number; list: TraceListing[] } | null>(null);
/** The open trajectory. */
export const openTrace = signal<{ index: number | null; view: TraceView } | null>(null);
/** The run whose step is at work. */
export const training = signal<string | null>(null);

/** Reads the lists anew. */
export async function refreshRuns(): Promise<void> {
  runs.value = await api().runs();
  storage.value = await api().storage();
}

/** Opens a run: its numbers and its newest trajectories. */
export async function showRun(id: string): Promise<void> {
  await refreshRuns();
  const run = runs.value?.find((item) => item.id === id) ?? null;
  openRun.value = run;
  openTrace.value = null;
  progress.value = null;
  metrics.value = run === null ? [] : await api().metrics(id);
  warnings.value = run === null ? [] : await api().warnings(id);
  if (run === null) traces.value = null;
  else await showTraces(0);
}

/** A page of the open run's trajectories, the `from`th newest first. */
export async function showTraces(from: number): Promise<void> {
  const run = openRun.value;
  if (run === null) return;
  const { total, traces: list } = await api().traces(run.id, from, PAGE_SIZE);
  traces.value = { total, from, list };
}

export async function showTrace(index: number): Promise<void> {
  const run = openRun.value;
  if (run === null) return;
  openTrace.value = { index, view: await api().trace(run.id, index) };
}

/** Opens a trajectory of a file: its first line. */
export async function showFile(file: File): Promise<void> {
  const text = await file.text();
  openTrace.value = { index: null, view: await api().viewTrace(text.trim().split('\n')[0] ?? '') };
}

/** Makes a run of the preset and opens it. */
export async function createRun(choices: PresetChoices): Promise<void> {
  const { toolspace, trainingLimits: limits } = await needModel(
    keyOf(choices.model),
    sourceOf(choices.model),
  );
  // The run is kept either way; a browser that says no may clear it when its disk is full.
  await persistStorage(navigator.storage);
  const run = await api().createRun(presetExperiment(choices, { toolspace, limits }));
  await showRun(run.id);
}

/** What a run of the preset would take of the GPU's memory. */
export function planRun({ model, rank, memory }: PresetChoices): Promise<TrainingPlan> {
  return api().planRun(sourceOf(model), { adapter: { rank, alpha: 2 * rank }, memory });
}

/** Goes on with the open run. */
export async function advance(how: 'step' | 'run'): Promise<void> {
  const run = openRun.value;
  if (run === null || run.experiment === null || training.value !== null) return;
  training.value = run.id;
  try {
    await needBase(run.experiment);
    await api().advance(run.id, how);
  } finally {
    training.value = null;
    progress.value = null;
    await refreshRuns();
    openRun.value = runs.value?.find((item) => item.id === openRun.value?.id) ?? openRun.value;
  }
}

export async function pauseRun(): Promise<void> {
  if (training.value !== null) await api().pause(training.value);
}

export async function stopRun(): Promise<void> {
  if (openRun.value !== null) await api().stop(openRun.value.id);
}

export async function removeRun(id: string): Promise<void> {
  await api().removeRun(id);
  if (openRun.value?.id === id) {
    openRun.value = null;
    traces.value = null;
    openTrace.value = null;
    metrics.value = [];
    warnings.value = [];
  }
  await refreshRuns();
}

/** Saves the open run's adapter as a file. */
export async function downloadAdapter(): Promise<void> {
  const run = openRun.value;
  if (run === null) return;
  const zip = await api().adapterZip(run.id);
  const url = URL.createObjectURL(new Blob([zip], { type: 'application/zip' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${run.name.replace(/\W+/g, '-')}-${run.id}-adapter.zip`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

export function onMetrics(run: string, line: Metrics): void {
  if (openRun.value?.id !== run) return;
  metrics.value = [...metrics.value.filter(({ step }) => step < line.step), line];
  openRun.value = { ...openRun.value, step: line.step + 1, hasAdapter: true };
  announcement.value = `Step ${line.step + 1} done.`;
  // A list that cannot be read shows its error when it is opened.
  void showWarnings(run).catch(() => undefined);
  if (openTrace.value === null) void showTraces(0).catch(() => undefined);
}

async function showWarnings(run: string): Promise<void> {
  const signs = await api().warnings(run);
  if (openRun.value?.id === run) warnings.value = signs;
}

export function onRun(run: RunListing): void {
  if (openRun.value?.id === run.id) openRun.value = run;
}

export function onProgress(run: string, told: LabProgress): void {
  if (openRun.value?.id === run) progress.value = told;
}
