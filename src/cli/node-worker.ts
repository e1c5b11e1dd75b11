// The worker of a notebook in Node, as its owner has it.
import { Worker } from 'node:worker_threads';
import { openSandbox, type Sandbox } from '../sandbox/sandbox.ts';
import type { WorkerLine, WorkerListener } from '../sandbox/worker-pool.ts';

/** The build puts the worker beside the chunks of the commands. */
const BUILT = new URL('./notebook.worker.js', import.meta.url);

/**
 * As many as the episodes that are usually played at once: a new worker costs 135 ms of processor, one that is kept 11 ms and
 * 13 MiB.
 */
const IDLE = 64;

/** A sandbox on workers of Node. */
export function nodeSandbox(): Sandbox {
  return openSandbox(() => nodeWorker(), IDLE);
}

/** Opens a worker of the sandbox. It does not keep the process alive: the timers of a cell at work do. */
export function nodeWorker(script = BUILT): WorkerLine {
  const worker = new Worker(script, { env: {}, execArgv: [], stdin: false });
  let listener: WorkerListener | null = null;
  let dead: string | null = null;
  const die = (why: string) => {
    dead ??= why;
    listener?.died(dead);
  };
  worker.on('message', (message) => listener?.message(message));
  worker.on('error', (error: Error) => die(error.message));
  worker.on('exit', (code) => die(`it ended with code ${code}`));
  // Last: listening for messages holds the process again.
  worker.unref();
  return {
    post: (message) => worker.postMessage(message),
    listen: (next) => {
      listener = next;
      if (dead !== null) listener?.died(dead);
    },
    terminate: () => void worker.terminate(),
  };
}
