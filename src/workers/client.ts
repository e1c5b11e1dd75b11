// The page's side of its workers: starts them, joins them, and says when one died. The only file of workers/ that the
// page sees. Must not know what the page shows.
import * as Comlink from 'comlink';
import { ProtocolError } from '../base/errors.ts';
import { type Calls, openLine } from './calls.ts';
import { type Consent, pageServices } from './page-services.ts';
import {
  decodePageEvent,
  type Handlers,
  type Hello,
  type PageApi,
  type PageEvent,
} from './protocol.ts';
import { toWireError } from './wire-error.ts';

export type { ModelOffer } from '../store/model-offers.ts';
export type { ModelListing } from '../store/model-store.ts';
export type { ModelProgress } from '../store/progress.ts';
export type { Diagnosis, Finding } from '../tools/doctor/diagnose.ts';
export type { TrainingPlan } from '../train/plan-training.ts';
export type { Quantise } from '../weights/quantised-tensor.ts';
export type { Calls } from './calls.ts';
export type { Consent } from './page-services.ts';
export type {
  DeviceInfo,
  Handlers,
  ModelSource,
  ModelSummary,
  PageApi,
  PageEvent,
  Player,
  RecoveryEvent,
  RunListing,
  StorageListing,
  TraceListing,
  TraceView,
} from './protocol.ts';
export type { ServerAccess, ServerEntry, ServerListing, ServerTool } from './server-api.ts';
export { hasServiceWorkers, openPageServers } from './service/register.ts';
export { fromWireError } from './wire-error.ts';

export interface WorkersOptions {
  /** False without WebGPU: then only the agent worker starts. */
  gpu: boolean;
  handlers: Handlers<PageEvent>;
  /** Servers want their user to sign in: all that are waited for now. */
  onConsents: (consents: readonly Consent[]) => void;
  /** A worker died: its calls were rejected with this error, and only a reload brings it back. */
  onDied: (error: Error) => void;
}

export interface Workers {
  readonly calls: Calls<PageApi>;
  /** Ends both workers; pending calls are rejected. */
  close(): void;
}

/** Starts the workers and hands each its ports. */
export function startWorkers({ gpu, handlers, onConsents, onDied }: WorkersOptions): Workers {
  const agentWorker = new Worker(new URL('./agent.worker.ts', import.meta.url), {
    type: 'module',
    name: 'agent',
  });
  const calls = new MessageChannel();
  const events = new MessageChannel();
  const line = openLine<PageApi>(calls.port1);
  events.port1.onmessage = ({ data }: MessageEvent<PageEvent>) => decodePageEvent(data, handlers);
  watch(agentWorker, 'agent', (error) => {
    line.cut(error);
    onDied(error);
  });
  const gpuSide = gpu ? startGpuWorker() : null;
  if (gpuSide !== null) {
    watch(gpuSide.worker, 'gpu', (error) => {
      // The agent worker waits for the dead one: it must hear of it, and then ends those calls.
      line.calls.gpuDied(toWireError(error)).catch(onDied);
      onDied(error);
    });
  }
  const services = servePage(onConsents);
  const hello: Hello = {
    calls: calls.port2,
    events: events.port2,
    gpu: gpuSide?.ports ?? null,
    page: { services, address: document.baseURI },
  };
  const ports = [hello.calls, hello.events, services, ...portsOf(hello.gpu)];
  agentWorker.postMessage(hello, ports);
  return {
    calls: line.calls,
    close() {
      line.cut(new ProtocolError('worker-closed', 'workers: closed by the page; reload it'));
      agentWorker.terminate();
      gpuSide?.worker.terminate();
    },
  };
}

/** The end of the line that the agent worker gets. */
function servePage(onConsents: WorkersOptions['onConsents']): MessagePort {
  const { port1, port2 } = new MessageChannel();
  const open = (url: string, target: string, features: string) => {
    const opened = window.open('', target, features);
    // Where a host sends no COOP header, what is shown there could else lead this page away.
    if (opened !== null) opened.opener = null;
    opened?.location.replace(url);
    return opened;
  };
  Comlink.expose(pageServices({ storage: sessionStorage, open, onConsents }), port1);
  return port2;
}

function portsOf(pair: Hello['gpu']): MessagePort[] {
  return pair === null ? [] : [pair.calls, pair.events];
}

function startGpuWorker(): { worker: Worker; ports: NonNullable<Hello['gpu']> } {
  const worker = new Worker(new URL('./gpu.worker.ts', import.meta.url), {
    type: 'module',
    name: 'gpu',
  });
  const calls = new MessageChannel();
  const events = new MessageChannel();
  const hello: Hello = { calls: calls.port1, events: events.port1, gpu: null };
  worker.postMessage(hello, [hello.calls, hello.events]);
  return { worker, ports: { calls: calls.port2, events: events.port2 } };
}

/** Any uncaught error ends a worker: its state is unknown from then on. */
function watch(worker: Worker, name: string, onDied: (error: Error) => void): void {
  const died = (why: string): void => {
    worker.terminate();
    onDied(
      new ProtocolError(
        'worker-died',
        `${name} worker: it stopped (${why}); reload the page, finished steps are kept`,
        { data: { worker: name } },
      ),
    );
  };
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    died(event.message === undefined || event.message === '' ? 'could not start' : event.message);
  });
  worker.addEventListener('messageerror', () => died('a message could not be read'));
}
