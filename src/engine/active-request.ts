// Requests while they are worked on: what they have, what is to be computed next, and how many ids they may still get.
import type { GenerateOptions, GenerateRequest, GenerateResult } from '../trajectory/interfaces.ts';
import type { TokenConstraint } from './constraint/token-constraint.ts';
import { MAX_SAMPLES } from './decoder.ts';
import type { CachedSequence } from './kv-cache.ts';
import type { StepKind } from './step-layer.ts';
import type { StepRow, StepSample } from './step-rows.ts';
import type { StopTexts } from './stop-texts.ts';

export interface ActiveRequest {
  readonly request: GenerateRequest;
  readonly options: GenerateOptions;
  readonly resolve: (result: GenerateResult) => void;
  readonly reject: (error: unknown) => void;
  readonly constraint: TokenConstraint | null;
  readonly stop: StopTexts | null;
  /** Of the next id; null when every id may come. */
  mask: Uint32Array | null;
  sequence: CachedSequence | null;
  readonly ids: number[];
  readonly logprobs: number[];
  /** Answered; its sequence stays busy while steps on their way still write behind its end. */
  ended: boolean;
}

/** A step of the active requests. */
export interface Batch {
  readonly kind: StepKind;
  readonly rows: readonly StepRow[];
  readonly samples: readonly StepSample[];
  /** Aligned to `samples`. */
  readonly sampled: readonly ActiveRequest[];
  /** What is computed of whom: at first the ids of the rows, then always the last id. */
  readonly fed: readonly { readonly entry: ActiveRequest; ids: readonly number[] }[];
}

/** The rows that come next: of prompts, `promptRows` at most, or behind them. */
export function batchOf(
  active: readonly ActiveRequest[],
  kind: StepKind,
  promptRows: number,
): Batch {
  const rows: StepRow[] = [];
  const samples: StepSample[] = [];
  const sampled: ActiveRequest[] = [];
  const fed: { entry: ActiveRequest; ids: number[] }[] = [];
  const most = kind === 'prefill' ? promptRows : MAX_SAMPLES;
  for (const entry of active) {
    const { sequence } = entry;
    if (sequence === null || rows.length === most) continue;
    if (inPrompt(entry) !== (kind === 'prefill')) continue;
    const todo = pendingIds(entry, sequence, kind, most - rows.length);
    todo.ids.forEach((id, i) => {
      rows.push({ id, slot: sequence.slot, position: sequence.ids.length + i });
    });
    fed.push({ entry, ids: todo.ids });
    if (!todo.last) continue;
    samples.push(sampleOf(entry, rows.length - 1));
    sampled.push(entry);
  }
  return { kind, rows, samples, sampled, fed };
}

/**
 * Steps of a batch that may follow each other unread: the last is the first that ends a request by its length. One where
 * prompts are left, or where what may come next depends on what came.
 */
export function stepsOf(
  { kind, rows, samples, fed }: Batch,
  active: readonly ActiveRequest[],
  contextLength: number,
): number {
  const whole = rows.length === samples.length && fed.length === active.length;
  if (kind === 'prefill' || !whole) return 1;
  const left = active.map((entry) =>
    entry.constraint === null ? idsLeft(entry, contextLength) : 1,
  );
  return Math.min(...left);
}

export function finish(entry: ActiveRequest, how: GenerateResult['finish']): void {
  entry.ended = true;
  entry.resolve({ ids: entry.ids, logprobs: entry.logprobs, finish: how });
}

/**
 * The next ids to compute: what is left of the prompt, or what was sampled and is not in the cache, which after a lost device
 * may be more than the last id. `last` when nothing is left behind them.
 */
function pendingIds(
  { request, ids }: ActiveRequest,
  sequence: CachedSequence,
  kind: StepKind,
  room: number,
): { ids: number[]; last: boolean } {
  const done = sequence.ids.length;
  const total = request.ids.length + ids.length;
  const to = Math.min(kind === 'prefill' ? request.ids.length : total, done + room);
  const list: number[] = [];
  for (let t = done; t < to; t++) {
    list.push((t < request.ids.length ? request.ids[t] : ids[t - request.ids.length]) ?? 0);
  }
  return { ids: list, last: to === total };
}

/** Whether part of the prompt is still to be computed. */
export function inPrompt({ request, sequence }: ActiveRequest): boolean {
  return sequence !== null && sequence.ids.length < request.ids.length;
}

/** Ids that a request may still get in a context of so many. */
function idsLeft({ request, ids }: ActiveRequest, contextLength: number): number {
  const room = contextLength - request.ids.length;
  return Math.min(request.maxTokens, room) - ids.length;
}

function sampleOf({ request, ids, mask }: ActiveRequest, row: number): StepSample {
  return {
    row,
    seed: request.seed,
    position: request.ids.length + ids.length,
    temperature: request.temperature,
    topK: request.topK ?? 0,
    topP: request.topP ?? 1,
    mask,
  };
}
