// The worker of a notebook in a browser, as its owner has it. Works in pages and in workers.
import type { FromWorker, ToWorker } from './protocol.ts';
import type { WorkerLine, WorkerListener } from './worker-pool.ts';

/** Opens a worker of the sandbox. */
export function browserWorker(): WorkerLine {
  const worker = new Worker(new URL('./notebook.worker.ts', import.meta.url), {
    type: 'module',
    name: 'notebook',
  });
  let listener: WorkerListener | null = null;
  let dead: string | null = null;
  worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) =>
    listener?.message(data),
  );
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    dead = event.message ?? 'it could not start';
    listener?.died(dead);
  });
  return {
    post: (message: ToWorker) => worker.postMessage(message),
    listen: (next) => {
      listener = next;
      if (dead !== null) listener?.died(dead);
    },
    terminate: () => worker.terminate(),
  };
}
