// What the whole page shares: its workers, the GPU, the model at hand, what went wrong.
import { signal } from '@preact/signals';
import { ProtocolError } from '../../base/errors.ts';
import {
  type Calls,
  type Consent,
  type DeviceInfo,
  fromWireError,
  type Handlers,
  type ModelSource,
  type ModelSummary,
  type PageApi,
  type PageEvent,
  type RecoveryEvent,
  startWorkers,
} from '../../workers/client.ts';
import { type GpuProblem, gpuProblem } from '../logic/gpu-support.ts';

/** The model at hand; `key` is what it was chosen by. */
export interface ModelAtHand {
  key: string;
  summary: ModelSummary;
}

/** `checking` until the browser answered; null when there is a GPU. */
export const problem = signal<GpuProblem | null | 'checking'>('checking');
export const device = signal<DeviceInfo | null>(null);
export const model = signal<ModelAtHand | null>(null);
/** A model on its way. */
export const loading = signal<{ key: string; loadedBytes: number; totalBytes: number } | null>(
  null,
);
/** The last thing that failed; a person can put it away. */
export const failure = signal<string | null>(null);
/** A worker that died or a device that is gone for good: only a reload helps. */
export const died = signal<string | null>(null);
/** What became of a lost device; a person can put it away. */
export const recovery = signal<string | null>(null);
/** Said to screen readers. */
export const announcement = signal('');

const RECOVERY_TEXTS: Readonly<Record<RecoveryEvent['state'], string>> = {
  begun: 'The browser took the GPU away. Getting it back and loading the model again…',
  done:
    'The browser took the GPU away for a moment. The model was loaded again, and what was at work ' +
    'goes on; a training run goes on from its last checkpoint.',
};

let calls: Calls<PageApi> | null = null;

/** The agent worker's calls. */
export function api(): Calls<PageApi> {
  if (calls !== null) return calls;
  throw new ProtocolError('not-started', 'page: its workers have not started yet; reload it');
}

/** Asks the browser for a GPU and starts the workers. */
export async function startSession(
  handlers: Pick<Handlers<PageEvent>, 'episode' | 'progress' | 'metrics' | 'run' | 'model'> & {
    /** All sign-ins that are waited for. */
    consents: (list: readonly Consent[]) => void;
  },
): Promise<void> {
  const gpu: GPU | undefined = navigator.gpu;
  const found = await gpuProblem({ isSecureContext, gpu });
  const workers = startWorkers({
    gpu: found === null,
    handlers: {
      ...handlers,
      loading: ({ loadedBytes, totalBytes }) => {
        if (loading.value !== null) loading.value = { ...loading.value, loadedBytes, totalBytes };
      },
      recovery: ({ state }) => {
        recovery.value = RECOVERY_TEXTS[state];
      },
      lost: ({ error }) => {
        recovery.value = null;
        died.value = fromWireError(error).message;
      },
    },
    onConsents: handlers.consents,
    onDied: (error) => {
      died.value ??= error.message;
    },
  });
  calls = workers.calls;
  problem.value = found;
  if (found === null) device.value = await workers.calls.openDevice();
}

/** Address of a file that comes with the page. */
export function pageFile(path: string): string {
  return new URL(path, document.baseURI).href;
}

/** Loads a model unless it is the one at hand. */
export async function needModel(key: string, source: ModelSource): Promise<ModelSummary> {
  if (model.value?.key === key) return model.value.summary;
  loading.value = { key, loadedBytes: 0, totalBytes: 0 };
  model.value = null;
  try {
    const summary = await api().loadModel(source);
    model.value = { key, summary };
    return summary;
  } finally {
    loading.value = null;
  }
}

/** Runs what a person asked for; a failure is shown. */
export async function attempt(work: () => Promise<unknown>): Promise<void> {
  failure.value = null;
  try {
    await work();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    // A dead worker has a notice of its own.
    if (text !== died.value) failure.value = text;
  }
}
