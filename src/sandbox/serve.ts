// A worker's side of the sandbox: one notebook at a time over one port. Knows neither browser nor Node.
import type { FromWorker, NotebookSetup, ToWorker } from './protocol.ts';
import { NotebookVm } from './vm.ts';

/** Answers one message after another; what goes wrong in the interpreter itself is told as `broken`. */
export class NotebookServer {
  readonly #send: (message: FromWorker) => void;
  readonly #wasm: Promise<WebAssembly.Module>;
  #vm: NotebookVm | null = null;

  /** @param wasm the compiled interpreter, which every notebook gets an own instance of. */
  constructor(send: (message: FromWorker) => void, wasm: Promise<WebAssembly.Module>) {
    this.#send = send;
    this.#wasm = wasm;
    // Told by the first notebook that needs it.
    wasm.catch(() => undefined);
  }

  receive(message: ToWorker): void {
    switch (message.kind) {
      case 'start':
        this.#start(message.setup).catch((error: unknown) => this.#break(error));
        return;
      case 'run':
        this.#guarded((vm) => vm.run(message.code));
        return;
      case 'answer':
        this.#guarded((vm) => vm.answer(message.call, message.ok, message.text));
        return;
      case 'end':
        this.#vm = null;
        return;
      default:
        message satisfies never;
    }
  }

  async #start(setup: NotebookSetup): Promise<void> {
    this.#vm = null;
    const send = this.#send;
    this.#vm = await NotebookVm.open(await this.#wasm, setup, {
      call: (request) => send({ kind: 'call', ...request }),
      info: (server, tools) => send({ kind: 'info', server, tools }),
      waiting: (answers, usedMs) => send({ kind: 'waiting', answers, usedMs }),
      done: (end) => send({ kind: 'done', end }),
    });
    send({ kind: 'started' });
  }

  /** An interpreter that threw into its host is in no state to go on. */
  #guarded(work: (vm: NotebookVm) => void): void {
    try {
      if (this.#vm !== null) work(this.#vm);
    } catch (error) {
      this.#break(error);
    }
  }

  #break(error: unknown): void {
    this.#vm = null;
    this.#send({ kind: 'broken', why: error instanceof Error ? error.message : String(error) });
  }
}

/** Local times of the interpreter are those of UTC, wherever the worker runs. */
export function useUtc(): void {
  Date.prototype.getTimezoneOffset = () => 0;
}
