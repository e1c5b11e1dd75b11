// A notebook as its owner has it: programs in, reports out. Ends a worker that is silent for too long, and opens a new
// notebook for the next cell. Knows no tool: calls are handed on.
import { InputError } from '../base/errors.ts';
import { CellAtWork, NOTHING, type ProgramHandlers } from './cell-at-work.ts';
import type { KnownResult } from './hints.ts';
import type { CellEnd, CellProblem, NotebookSetup } from './protocol.ts';
import { type CellReport, cellReport, type FailedCall } from './report.ts';
import type { WorkerLine, WorkerPool } from './worker-pool.ts';

export type {
  ProgramAnswer,
  ProgramCall,
  ProgramHandlers,
} from './cell-at-work.ts';
export type { CellReport } from './report.ts';

export class Notebook {
  readonly #pool: WorkerPool;
  readonly #setup: NotebookSetup;
  /** Forms of the latest result of each tool, by path, latest last. */
  readonly #results = new Map<string, KnownResult>();
  #line: WorkerLine | null = null;
  #running = false;
  #closed = false;

  constructor(pool: WorkerPool, setup: NotebookSetup) {
    this.#pool = pool;
    this.#setup = setup;
  }

  /**
   * Runs one program on what the ones before left.
   * @throws {InputError} while another one runs; what a handler throws; the signal's reason when it aborts.
   */
  async run(
    code: string,
    handlers: ProgramHandlers,
    signal: AbortSignal | undefined = undefined,
  ): Promise<CellReport> {
    if (this.#running || this.#closed) {
      throw new InputError('notebook-busy', 'notebook: a program is at work, or it was closed');
    }
    signal?.throwIfAborted();
    const { limits } = this.#setup;
    if (code.length > limits.codeCharacters) {
      const most = `need at most ${limits.codeCharacters}`;
      const message = `got a program of ${code.length} characters, ${most}`;
      return this.#report({ ...NOTHING, problem: problem('syntax', message, 'Error') }, [], []);
    }
    this.#running = true;
    try {
      this.#line ??= await this.#pool.start(this.#setup);
      const cell = new CellAtWork(this.#line, this.#pool.gate, this.#setup, handlers);
      const end = await this.#play(cell, code, signal);
      for (const [path, known] of cell.results) {
        this.#results.delete(path);
        this.#results.set(path, known);
      }
      return this.#report(end, cell.failures, [...cell.results.values()]);
    } finally {
      this.#running = false;
    }
  }

  async #play(cell: CellAtWork, code: string, signal: AbortSignal | undefined): Promise<CellEnd> {
    let lost = true;
    try {
      const end = await cell.play(code, signal);
      lost = end.lost;
      return end;
    } finally {
      if (lost) this.#drop();
    }
  }

  /** Gives its worker back. */
  close(): void {
    this.#closed = true;
    if (this.#running) this.#drop();
    else if (this.#line !== null) this.#pool.giveBack(this.#line);
    this.#line = null;
  }

  #drop(): void {
    this.#line?.terminate();
    this.#line = null;
  }

  #report(
    end: CellEnd,
    failures: readonly FailedCall[],
    results: readonly KnownResult[],
  ): CellReport {
    const { servers, limits } = this.#setup;
    const globals = [...servers.map(({ identifier }) => identifier), 'print', 'get_tools_info'];
    const known = results.length > 0 ? results : [...this.#results.values()];
    return cellReport({ end, failures, results: known, globals, limits });
  }
}

function problem(kind: CellProblem['kind'], message: string, name = ''): CellProblem {
  return { kind, name, message, line: null };
}
