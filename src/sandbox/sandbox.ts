// Where notebooks come from. One sandbox serves many: each has a worker of its own while it is open.
import { Notebook } from './notebook.ts';
import type { NotebookSetup } from './protocol.ts';
import { type SpawnWorker, WorkerPool } from './worker-pool.ts';

export interface Sandbox {
  /** A new notebook; its worker starts with the first program. */
  open(setup: NotebookSetup): Notebook;
  /** Ends what is idle; open notebooks go on until they are closed. */
  close(): void;
}

/** A sandbox on workers of this kind. @param idle workers that are kept for the next notebooks. */
export function openSandbox(spawn: SpawnWorker, idle?: number): Sandbox {
  const pool = new WorkerPool(spawn, idle);
  return {
    open: (setup) => new Notebook(pool, setup),
    close: () => pool.close(),
  };
}
