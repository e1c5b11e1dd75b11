// The page's own workers without its views: brings a model into the store, loads it from there, samples a few tokens.
// Called by ../load.mjs, which watches the processes.
import { openLine } from '../../src/workers/calls.ts';
import { type Handlers, type PageEvent, startWorkers } from '../../src/workers/client.ts';
import {
  decodeGpuEvent,
  type GpuEvent,
  type GpuWorkerApi,
  type Hello,
} from '../../src/workers/protocol.ts';
import { fromWireError } from '../../src/workers/wire-error.ts';

const PROMPT = [1, 2, 3, 4];
let failure = '';

function fail(error: Error): void {
  failure = error.message;
}

const nothing = (): void => undefined;
const handlers: Handlers<PageEvent> = {
  ...{ episode: nothing, loading: nothing, progress: nothing, metrics: nothing, run: nothing },
  ...{ model: nothing, recovery: nothing, lost: ({ error }) => fail(fromWireError(error)) },
};
/** Brings a model by its address into the store. @returns its name there. */
async function bring(url: string): Promise<string> {
  const { calls } = startWorkers({
    gpu: false,
    handlers,
    onConsents: () => undefined,
    onDied: fail,
  });
  const [offer] = await calls.findModels(url);
  if (offer === undefined) throw new Error(`${url}: no model there`);
  return (await calls.addModel('bring', offer)).name;
}

/** Loads a model of the store as the page does, with all its workers. @returns seconds. */
async function load(name: string): Promise<number> {
  const { calls } = startWorkers({
    gpu: true,
    handlers,
    onConsents: () => undefined,
    onDied: fail,
  });
  await calls.openDevice();
  const started = performance.now();
  await calls.loadModel({ kind: 'stored', name });
  return (performance.now() - started) / 1000;
}

/** Loads a model and samples with the gpu worker alone, since the page's own calls only play whole episodes. */
async function sample(name: string, count: number): Promise<{ seconds: number; ids: number[] }> {
  const { calls } = openGpuWorker();
  await calls.loadModel({ kind: 'stored', name });
  const started = performance.now();
  const request = { ids: PROMPT, sequence: 'bench', temperature: 0, seed: 0, ignoreEos: true };
  const { ids } = await calls.generate('bench', { ...request, maxTokens: count }, false);
  return { seconds: (performance.now() - started) / 1000, ids };
}

function openGpuWorker() {
  const worker = new Worker(new URL('../../src/workers/gpu.worker.ts', import.meta.url), {
    type: 'module',
    name: 'gpu',
  });
  worker.addEventListener('error', (event) => fail(new Error(event.message)));
  const calls = new MessageChannel();
  const events = new MessageChannel();
  const hello: Hello = { calls: calls.port1, events: events.port1, gpu: null };
  worker.postMessage(hello, [hello.calls, hello.events]);
  events.port2.onmessage = ({ data }: MessageEvent<GpuEvent>) =>
    decodeGpuEvent(data, {
      ...{ tokens: nothing, loading: nothing, recovery: nothing },
      lost: ({ error }) => fail(fromWireError(error)),
    });
  return openLine<GpuWorkerApi>(calls.port2);
}

Object.assign(globalThis, { bench: { bring, load, sample, failure: () => failure } });
