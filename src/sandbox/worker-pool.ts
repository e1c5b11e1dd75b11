// Workers for notebooks: opens them, hands each to one notebook at a time, keeps a few for the next. Knows neither browser
// nor Node, nor what a cell is.
import { errorMessage, SandboxError } from '../base/errors.ts';
import { Gate } from './gate.ts';
import type { FromWorker, NotebookSetup, ToWorker } from './protocol.ts';

/** Who hears of a worker. */
export interface WorkerListener {
  message(message: FromWorker): void;
  died(why: string): void;
}

/** A worker as its owner has it. */
export interface WorkerLine {
  post(message: ToWorker): void;
  /** One listener at a time; without one, what the worker says is let go. */
  listen(listener: WorkerListener | null): void;
  /** Ends the worker at once, whatever it does. */
  terminate(): void;
}

/** Opens a worker. Must not keep the process alive by it. */
export type SpawnWorker = () => WorkerLine;

/** Idle workers that are kept where nothing else is asked for. */
const IDLE = 4;
/** Workers that start or compute at once. */
const AT_ONCE = 2;

export class WorkerPool {
  readonly #spawn: SpawnWorker;
  readonly #kept: number;
  /** Passed by whoever starts or computes. */
  readonly gate = new Gate(AT_ONCE);
  readonly #idle: WorkerLine[] = [];
  #closed = false;

  /** @param idle workers that are kept when nothing needs them. */
  constructor(spawn: SpawnWorker, idle = IDLE) {
    this.#spawn = spawn;
    this.#kept = idle;
  }

  /**
   * A worker with a new notebook.
   * @throws {SandboxError} when none can be opened.
   */
  async start(setup: NotebookSetup): Promise<WorkerLine> {
    const leave = await this.gate.enter();
    try {
      return await this.#opened(setup);
    } finally {
      leave();
    }
  }

  async #opened(setup: NotebookSetup): Promise<WorkerLine> {
    const kept = this.#idle.pop();
    if (kept !== undefined) {
      try {
        return await started(kept, setup);
      } catch (error) {
        // It died while it was idle: a fresh one says whether workers can be had at all.
        if (!(error instanceof SandboxError)) throw error;
      }
    }
    return started(this.#spawn(), setup);
  }

  /** Takes back a worker that has nothing to do. */
  giveBack(line: WorkerLine): void {
    if (this.#closed || this.#idle.length >= this.#kept) line.terminate();
    else {
      line.post({ kind: 'end' });
      this.#idle.push(line);
    }
  }

  /** Ends the idle workers, and every one that is given back from now on. */
  close(): void {
    this.#closed = true;
    for (const line of this.#idle.splice(0)) line.terminate();
  }
}

/** @throws {SandboxError} when the worker says so, dies or is silent; it is ended then. */
async function started(line: WorkerLine, setup: NotebookSetup): Promise<WorkerLine> {
  const { startMs } = setup.limits;
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`it was silent for ${startMs} ms`)), startMs);
      line.listen({
        message: (message) => {
          if (message.kind === 'started') resolve();
          if (message.kind === 'broken') reject(new Error(message.why));
        },
        died: (why) => reject(new Error(why)),
      });
      line.post({ kind: 'start', setup });
    });
    return line;
  } catch (cause) {
    line.terminate();
    const message = `sandbox: its worker could not start: ${errorMessage(cause)}`;
    throw new SandboxError('sandbox-start', message, { cause });
  } finally {
    clearTimeout(timer);
    line.listen(null);
  }
}
