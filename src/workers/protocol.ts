// What crosses between the page and its workers: the calls and the streamed events; errors are in wire-error.ts. The only file that
// decodes an event. Must not know what a worker does with a call.
//
//   page --PageApi calls--> agent worker --GpuWorkerApi calls--> gpu worker
//   page <--PageEvent-----  agent worker <--GpuEvent-----------  gpu worker
//
// The page makes both channels between the workers and hands one end to each (`connect`).
import * as Comlink from 'comlink';
import type { AgentEvent } from '../agent/events.ts';
import { ProtocolError } from '../base/errors.ts';
import type { LabProgress } from '../lab/progress.ts';
import type { ModelOffer } from '../store/model-offers.ts';
import type { ModelListing } from '../store/model-store.ts';
import type { ModelProgress } from '../store/progress.ts';
import type { TrainingPlan } from '../train/plan-training.ts';
import type { Batch } from '../trajectory/batch.ts';
import type { Experiment, Metrics, OptimiserSettings } from '../trajectory/experiment.ts';
import type {
  AppliedStep,
  GenerateRequest,
  GenerateResult,
  LossResult,
  StepOptions,
} from '../trajectory/interfaces.ts';
import type { Split, Task } from '../trajectory/task.ts';
import type { Mode, Trace } from '../trajectory/trace.ts';
import type { Quantise } from '../weights/quantised-tensor.ts';
import type { ServerApi } from './server-api.ts';
import { installErrorTransfer, type WireError } from './wire-error.ts';

/** Named files, such as a PEFT folder's or a checkpoint's. */
export type Files = Readonly<Record<string, Uint8Array>>;

/** Where a model comes from: an address, a local file, or the page's own store. */
export type ModelSource =
  | { kind: 'url'; url: string }
  | { kind: 'file'; file: File }
  | { kind: 'stored'; name: string };

/** The open GPU. Both flags are facts of the adapter, for people to read. */
export interface DeviceInfo {
  vendor: string;
  architecture: string;
  description: string;
  /** Computes on the CPU. */
  software: boolean;
  features: readonly string[];
}

/** A model that was loaded, as the agent worker needs it. */
export interface ModelInfo {
  /** `general.name` of the file, or its file name. */
  name: string;
  /** SHA-256 of the file. */
  hash: string;
  sizeBytes: number;
  layers: number;
  hidden: number;
  vocab: number;
  parameters: number;
  contextLength: number;
  eosIds: readonly number[];
  /** Every metadata entry of the file without its type: `tokenizer.*`, `pocket_atlas.*` and the rest. */
  metadata: Readonly<Record<string, unknown>>;
}

/** What to train: an adapter, or all weights (F32 models) with null. */
export interface TrainerSettings {
  adapter: Experiment['adapter'];
  optimiser: OptimiserSettings;
  /** Draws a fresh adapter's matrices. */
  seed: number;
  /** A PEFT folder's files to start from in place of a fresh adapter. */
  files?: Files;
  memory?: Experiment['memory'];
  limits: Experiment['limits'];
  /** Its `kv` is how `generate` keeps keys and values while this trainer is there. */
  sampling?: Experiment['sampling'];
}

/** What the gpu worker answers. One model and at most one trainer at a time. */
export interface GpuWorkerApi {
  /** Opens the GPU; later calls return the same device. @throws {DeviceError} when there is none. */
  open(): Promise<DeviceInfo>;
  /** Loads a model in place of the one at hand; its trainer and adapter end. Emits `loading`. */
  loadModel(source: ModelSource): Promise<ModelInfo>;
  /** As TokenPolicy.generate; with `stream` emits `tokens` with `call`. An aborted call resolves with finish `cancel`. */
  generate(call: string, request: GenerateRequest, stream: boolean): Promise<GenerateResult>;
  abort(call: string): Promise<void>;
  /** As TokenPolicy.release. */
  release(sequence: string): Promise<void>;
  /** Begins to train; from now on `generate` samples from the trained weights. Ends an earlier trainer. */
  startTrainer(settings: TrainerSettings): Promise<void>;
  accumulate(batch: Batch, scale?: number): Promise<LossResult>;
  apply(options: StepOptions): Promise<AppliedStep>;
  discard(): Promise<void>;
  referenceLogprobs(sequences: readonly { ids: readonly number[] }[]): Promise<number[][]>;
  policyLogprobs(sequences: readonly { ids: readonly number[] }[]): Promise<number[][]>;
  checkpoint(): Promise<Record<string, Uint8Array>>;
  restore(files: Files): Promise<void>;
  exportWeights(): Promise<Record<string, Uint8Array>>;
  /** Frees the trainer; `generate` samples from the base model, or from what `setAdapter` puts on. */
  stopTrainer(): Promise<void>;
  /** Puts a PEFT folder's adapter on, or takes it off with null. Not while a trainer is there. */
  setAdapter(files: Files | null): Promise<void>;
  /** Frees everything on the GPU. */
  close(): Promise<void>;
}

/** What the gpu worker tells by itself. */
export type GpuEvent =
  | { kind: 'tokens'; call: string; ids: readonly number[]; logprobs: readonly number[] }
  | { kind: 'loading'; loadedBytes: number; totalBytes: number }
  | RecoveryEvent
  | { kind: 'lost'; error: WireError };

/** A lost device is being replaced, or was: its model is loaded again and requests go on. A `lost` says that it was not. */
export interface RecoveryEvent {
  kind: 'recovery';
  state: 'begun' | 'done';
}

/** A model as the page shows it. */
export type ModelSummary = Omit<ModelInfo, 'metadata' | 'eosIds'> & {
  /** The toolspace that the model was made for; `core` when it does not say. */
  toolspace: string;
  /** The most tokens of a single episode. */
  episodeTokens: number;
  /** Of the episodes of a run that trains it. */
  trainingLimits: Experiment['limits'];
};

/** Who plays an episode: the loaded model, the model with a stored run's adapter, or the scripted teacher. */
export type Player = { kind: 'model'; adapterOf?: string } | { kind: 'oracle' };

export interface EpisodeRequest {
  task: Task;
  mode: Mode;
  player: Player;
  seed: number;
  temperature: number;
  constrain: boolean;
  /** Servers of the user's own that are shown beside the task's; none without it. */
  ownServers?: readonly string[];
  /** Address of the page's built-in servers, with a slash at its end: each call is a request there. In this process without it. */
  serversUrl?: string;
}

/** Which task is drawn: the `seed`th of a split of a toolspace. */
export interface TaskChoice {
  split: Split;
  seed: number;
  toolspace: string;
}

/** A stopped run is a paused one that stands at its last checkpoint. */
export type RunStatus = 'running' | 'paused' | 'done' | 'failed';

/** A stored run in a list. `kind` tells an experiment's run from the shelf of single episodes. */
export interface RunListing {
  id: string;
  name: string;
  kind: 'experiment' | 'episodes';
  /** Null for single episodes. */
  experiment: Experiment | null;
  status: RunStatus;
  /** Steps done and steps in all; of single episodes, their number twice. */
  step: number;
  steps: number;
  /** Milliseconds since 1970. */
  savedAt: number;
  hasAdapter: boolean;
  /** Why it failed. */
  error: string | null;
}

/** A stored trajectory in a list. */
export interface TraceListing {
  index: number;
  id: string;
  prompt: string;
  mode: Mode;
  policy: string;
  end: Trace['end'];
  success: boolean | null;
  reward: number | null;
  calls: number;
}

/** A trajectory with the text of its tokens. */
export interface TraceView {
  trace: Trace;
  /** By segment, aligned to its ids; null when no tokenizer with its vocabulary is at hand. */
  tokenTexts: string[][] | null;
}

export interface StorageListing {
  usageBytes: number;
  quotaBytes: number;
  persisted: boolean;
}

/** What the agent worker answers to the page. */
export interface PageApi extends ServerApi {
  /** Opens the GPU. @throws {DeviceError} when there is none, or this worker was given none. */
  openDevice(): Promise<DeviceInfo>;
  loadModel(source: ModelSource): Promise<ModelSummary>;
  /** Reads only the tokenizer of a model file, so that recorded trajectories can be shown token by token. */
  loadTokenizer(url: string): Promise<void>;
  drawTask(choice: TaskChoice): Promise<Task>;
  /** Plays and scores one episode, emits `episode` with `call`, and keeps the trajectory. */
  runEpisode(call: string, request: EpisodeRequest): Promise<{ view: TraceView; index: number }>;
  cancel(call: string): Promise<void>;
  runs(): Promise<RunListing[]>;
  /** Keeps a new run of an experiment; a run of equal settings gets another number. Steps nothing yet. */
  createRun(experiment: Experiment): Promise<RunListing>;
  /** Goes on with a run from its last checkpoint: one step, or until it is paused or done. Emits `metrics`, `progress`, `run`. */
  advance(run: string, how: 'step' | 'run'): Promise<RunListing>;
  /** Stops after the step at hand. */
  pause(run: string): Promise<void>;
  /** Stops now; the run stands at its last checkpoint. */
  stop(run: string): Promise<void>;
  metrics(run: string): Promise<Metrics[]>;
  /** Signs of collapse that the run's metrics show, each in words. */
  warnings(run: string): Promise<string[]>;
  /** A page of the run's trajectories, newest first, and how many there are. */
  traces(
    run: string,
    from: number,
    count: number,
  ): Promise<{ total: number; traces: TraceListing[] }>;
  trace(run: string, index: number): Promise<TraceView>;
  /** A trajectory from a file: its text is checked against the schema. */
  viewTrace(text: string): Promise<TraceView>;
  /** The run's adapter as a zip of a PEFT folder. */
  adapterZip(run: string): Promise<Uint8Array<ArrayBuffer>>;
  removeRun(run: string): Promise<void>;
  storage(): Promise<StorageListing>;
  /** Models of the store, newest first, also those that have not come whole. */
  models(): Promise<ModelListing[]>;
  /** What can be had at an address or of a Hugging Face repository (`owner/name`, `owner/name:Q4_K_M`, …). */
  findModels(place: string): Promise<ModelOffer[]>;
  /** Downloads a model into the store; emits `model` with `call`. Cancelled, it fails with the code `cancelled`. */
  addModel(call: string, offer: ModelOffer): Promise<ModelListing>;
  /** Goes on with a download. As `addModel`. */
  resumeModel(call: string, name: string): Promise<ModelListing>;
  /** Copies a local model (a file, all its shards, or a folder with safetensors) into the store. As `addModel`. */
  importModel(call: string, files: readonly File[], quantise?: Quantise): Promise<ModelListing>;
  /** What a run with a model would take of the GPU's memory, from the header of its file. */
  planRun(
    source: ModelSource,
    settings: Pick<Experiment, 'adapter' | 'memory'>,
  ): Promise<TrainingPlan>;
  /** Ends what is under way for a model. */
  cancelModel(name: string): Promise<void>;
  /** Deletes a model, or what has come of one. */
  removeModel(name: string): Promise<void>;
  /** The gpu worker died: its pending calls end with this error. */
  gpuDied(error: WireError): Promise<void>;
}

/** What the agent worker tells the page by itself. */
export type PageEvent =
  | { kind: 'episode'; call: string; event: AgentEvent }
  | { kind: 'loading'; loadedBytes: number; totalBytes: number }
  | { kind: 'progress'; run: string; progress: LabProgress }
  | { kind: 'metrics'; run: string; metrics: Metrics }
  | { kind: 'run'; run: RunListing }
  | { kind: 'model'; call: string; progress: ModelProgress }
  | RecoveryEvent
  | { kind: 'lost'; error: WireError };

/** One function for each kind of event. */
export type Handlers<E extends { kind: string }> = {
  [K in E['kind']]: (event: Extract<E, { kind: K }>) => void;
};

/** Calls the handler of a gpu worker's message. @throws {ProtocolError} for one of an unknown kind. */
export function decodeGpuEvent(message: GpuEvent, handlers: Handlers<GpuEvent>): void {
  switch (message.kind) {
    case 'tokens':
      handlers.tokens(message);
      break;
    case 'loading':
      handlers.loading(message);
      break;
    case 'recovery':
      handlers.recovery(message);
      break;
    case 'lost':
      handlers.lost(message);
      break;
    default:
      unknownEvent(message satisfies never);
  }
}

/** Calls the handler of an agent worker's message. @throws {ProtocolError} for one of an unknown kind. */
export function decodePageEvent(message: PageEvent, handlers: Handlers<PageEvent>): void {
  switch (message.kind) {
    case 'episode':
      handlers.episode(message);
      break;
    case 'loading':
      handlers.loading(message);
      break;
    case 'progress':
      handlers.progress(message);
      break;
    case 'metrics':
      handlers.metrics(message);
      break;
    case 'run':
      handlers.run(message);
      break;
    case 'model':
      handlers.model(message);
      break;
    case 'recovery':
      handlers.recovery(message);
      break;
    case 'lost':
      handlers.lost(message);
      break;
    default:
      unknownEvent(message satisfies never);
  }
}

function unknownEvent(message: unknown): never {
  throw new ProtocolError(
    'unknown-event',
    `worker: got the event ${JSON.stringify(message)}, need one that this page knows; reload it`,
  );
}

installErrorTransfer();

/** The first message to a worker: `calls` carries its API, `events` what it tells by itself, `gpu` the way to the gpu worker. */
export interface Hello {
  calls: MessagePort;
  events: MessagePort;
  /** Of the agent worker; null without WebGPU. */
  gpu: { calls: MessagePort; events: MessagePort } | null;
  /** Of the agent worker: the way to `PageServices`, and the address of the page. */
  page?: { services: MessagePort; address: string };
}

/**
 * Serves a worker's API once its ports arrive. A worker file calls it once, at its end.
 * @param make gets the function that emits events, the ports to the gpu worker if there are any, and the way to the page.
 */
export function serveWorker<Api extends object, Event extends { kind: string }>(
  scope: Pick<Window, 'addEventListener'>,
  make: (emit: (event: Event) => void, gpu: Hello['gpu'], page: Hello['page']) => Api,
): void {
  const hello = ({ data }: MessageEvent<Hello>): void => {
    const emit = (event: Event): void => data.events.postMessage(event);
    Comlink.expose(make(emit, data.gpu, data.page), data.calls);
  };
  scope.addEventListener('message', hello, { once: true });
  // A failure that no call waits for must reach the page, which listens for `error` only.
  scope.addEventListener('unhandledrejection', (event) => {
    event.preventDefault();
    queueMicrotask(() => {
      throw event.reason;
    });
  });
}
