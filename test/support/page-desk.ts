// A desk of the agent worker for its tests: real tools, real stores, a real small policy and trainer behind the ports of the
// gpu worker. Each test begins with empty stores.
import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach } from 'vitest';
import { presetExperiment } from '../../src/app/logic/preset.ts';
import { DeviceError } from '../../src/base/errors.ts';
import { type AtlasDatabase, openDatabase } from '../../src/store/database.ts';
import type { Net } from '../../src/store/http.ts';
import { Records } from '../../src/store/records.ts';
import { tokenizerFromMetadata } from '../../src/tokenizer/tokenizer.ts';
import { experimentSchema } from '../../src/trajectory/experiment.ts';
import { ModelDesk } from '../../src/workers/model-desk.ts';
import { PageDesk } from '../../src/workers/page-desk.ts';
import { type Consent, pageServices } from '../../src/workers/page-services.ts';
import {
  type GpuEvent,
  type GpuWorkerApi,
  type Hello,
  type PageEvent,
  serveWorker,
} from '../../src/workers/protocol.ts';
import { ServerDesk, type ServerDeskOptions } from '../../src/workers/server-desk.ts';
import { Shelf } from '../../src/workers/shelf.ts';
import { Bigram } from './bigram.ts';
import { MemoryDirectory } from './memory-directory.ts';
import { nanoMetadata } from './nano-tokenizer.ts';

const METADATA = {
  ...nanoMetadata(),
  'pocket_atlas.prompt_style': 'compact',
  'pocket_atlas.schema_style': 'signature',
  'pocket_atlas.toolspace': 'core',
};
/** Nothing here is asked of a server. */
const NET: Net = {
  fetch: () => Promise.reject(new TypeError('no network')),
  sleep: async () => undefined,
  now: () => 0,
};
export const TOKENIZER = tokenizerFromMetadata(METADATA);
const CHOICES = {
  model: { kind: 'stored', name: 'bigram', hash: '' },
  toolspace: 'core',
  tasksPerStep: 2,
  group: 2,
  steps: 3,
  learningRate: 0.5,
  seed: 4,
  rank: 1,
  memory: {},
} as const;

let root: MemoryDirectory;
const ports: MessagePort[] = [];
beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
  root = new MemoryDirectory();
});
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

/** When the device is lost: at which `generate`, counted from 1; `unsteady` at the next trainer, too. */
interface Loss {
  at: readonly number[];
  unsteady?: boolean;
}

/** What a gpu worker serves, on the smallest real model. `log` notes what begins and ends. */
function bigramApi(log: string[], loss: Loss): GpuWorkerApi {
  let generated = 0;
  let lost = false;
  const checkDevice = (): void => {
    if (lost) throw new DeviceError('device-lost', 'GPU: the device was lost');
  };
  const fresh = () => new Bigram(TOKENIZER.vocabSize, TOKENIZER.eosIds, 1);
  let model = fresh();
  const aborted = new Set<string>();
  return {
    open: async () => ({
      vendor: 'test',
      architecture: '',
      description: '',
      software: true,
      features: [],
    }),
    loadModel: async () => ({
      name: 'bigram',
      hash: 'ab'.repeat(32),
      sizeBytes: 1,
      layers: 1,
      hidden: 1,
      vocab: TOKENIZER.vocabSize,
      parameters: TOKENIZER.vocabSize ** 2,
      contextLength: 1024,
      eosIds: TOKENIZER.eosIds,
      metadata: METADATA,
    }),
    generate: async (call, request) => {
      generated += 1;
      if (loss.at.includes(generated)) lost = true;
      checkDevice();
      const result = await model.generate(request);
      return aborted.has(call) ? { ...result, finish: 'cancel' } : result;
    },
    abort: async (call) => void aborted.add(call),
    release: async (sequence) => model.release(sequence),
    startTrainer: async () => {
      log.push('start');
      if (lost && loss.unsteady) throw new DeviceError('device-unsteady', 'GPU: lost 4 times');
      lost = false;
      model = fresh();
    },
    accumulate: async (batch, scale) => {
      checkDevice();
      return model.accumulate(batch, scale);
    },
    apply: (options) => model.apply(options),
    discard: () => model.discard(),
    referenceLogprobs: (sequences) => model.referenceLogprobs(sequences),
    policyLogprobs: (sequences) => model.policyLogprobs(sequences),
    checkpoint: async () => {
      checkDevice();
      return model.checkpoint();
    },
    restore: (files) => model.restore(files),
    exportWeights: async () => ({
      'adapter_config.json': new TextEncoder().encode('{}'),
      'adapter_model.safetensors': Object.values(await model.checkpoint())[0] ?? new Uint8Array(),
    }),
    stopTrainer: async () => {
      log.push('stop');
      model = fresh();
    },
    setAdapter: async (files) => void log.push(files === null ? 'adapter off' : 'adapter on'),
    close: async () => undefined,
  };
}

/** The session storage of a tab. */
export class TabStorage {
  readonly values = new Map<string, string>();
  getItem = (key: string): string | null => this.values.get(key) ?? null;
  setItem = (key: string, value: string): void => void this.values.set(key, value);
  removeItem = (key: string): void => void this.values.delete(key);
}

/** What a desk of servers has of its page. */
export function serverDeskOptions(
  database: AtlasDatabase,
  {
    storage = new TabStorage(),
    onConsents = () => undefined,
    open = () => null,
  }: {
    storage?: TabStorage;
    onConsents?: (consents: readonly Consent[]) => void;
    open?: (url: string) => object | null;
  } = {},
): ServerDeskOptions {
  return {
    records: Promise.resolve(new Records(database)),
    page: pageServices({ storage, onConsents, open }),
    origin: 'http://localhost:5173',
    redirectUrl: 'http://localhost:5173/oauth/callback.html',
    isolated: false,
    limits: { retryDelaysMs: [] },
  };
}

export interface Opened {
  desk: PageDesk;
  events: PageEvent[];
  log: string[];
  gpuPort: MessagePort;
}

/** A desk as a freshly loaded page has it: on whatever the stores hold. */
export async function openDesk({
  gpu = true,
  loss = { at: [] },
}: {
  gpu?: boolean;
  loss?: Loss;
} = {}): Promise<Opened> {
  const calls = new MessageChannel();
  const told = new MessageChannel();
  ports.push(calls.port1, calls.port2, told.port1, told.port2);
  const log: string[] = [];
  const scope = new EventTarget();
  serveWorker<GpuWorkerApi, GpuEvent>(scope, () => bigramApi(log, loss));
  const data: Hello = { calls: calls.port2, events: told.port2, gpu: null };
  scope.dispatchEvent(new MessageEvent('message', { data }));
  const events: PageEvent[] = [];
  let clock = 0;
  const database = await openDatabase();
  const now = () => ++clock;
  const emit = (event: PageEvent) => events.push(event);
  const desk = new PageDesk({
    shelf: Promise.resolve(new Shelf({ database, root, now })),
    servers: new ServerDesk(serverDeskOptions(database)),
    models: new ModelDesk({ root: Promise.resolve(root), net: NET, emit, now }),
    emit,
    gpu: gpu ? { calls: calls.port1, events: told.port1 } : null,
    lock: (_run, work) => work(),
  });
  return { desk, events, log, gpuPort: told.port2 };
}

export async function loadedDesk(loss: Loss = { at: [] }): Promise<Opened> {
  const opened = await openDesk({ loss });
  await opened.desk.loadModel({ kind: 'url', url: 'http://models.invalid/bigram.gguf' });
  return opened;
}

/** Three steps of two tasks, each tried twice. */
export const preset = () =>
  presetExperiment(CHOICES, {
    toolspace: 'core',
    limits: experimentSchema.shape.limits.parse(undefined),
  });
