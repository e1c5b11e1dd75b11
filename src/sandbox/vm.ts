// A notebook inside of its worker: QuickJS with its limits, one cell after another. Time is counted here; what a silent
// interpreter does is its owner's matter. Everything that comes out of a program is text, and is checked.
import variant from '@jitl/quickjs-ng-wasmfile-release-sync';
import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSRuntime,
} from 'quickjs-emscripten-core';
import { Rng } from '../base/rng.ts';
import { cellScript } from './cell-code.ts';
import guest from './guest.js?raw';
import { describedError, type GuestRequest, guestRequest } from './guest-request.ts';
import { unknownText } from './hints.ts';
import { Printed } from './printed.ts';
import type { CallRequest, CellEnd, CellProblem, NotebookSetup } from './protocol.ts';

/** A script whose top may use `await`; it gives a promise of `{ value }`. QuickJS calls it JS_EVAL_FLAG_ASYNC. */
const ASYNC_SCRIPT = 1 << 7;
/** A program may write names of any length; these are as long as need be. */
const NAME_CHARACTERS = 200;
const NOTE_CHARACTERS = 500;
/** Jobs of promises between two looks at the clock. */
const JOBS_AT_ONCE = 64;

/** What a notebook tells its owner. */
export interface VmEvents {
  call(request: CallRequest): void;
  info(server: string, tools: string): void;
  waiting(answers: number, usedMs: number): void;
  done(end: CellEnd): void;
}

/** The functions of guest.js that are called from here. */
interface Guest {
  settle: QuickJSHandle;
  show: QuickJSHandle;
  describe: QuickJSHandle;
}

/** A cell at work. */
interface Cell {
  printed: Printed;
  usedMs: number;
  answers: number;
  calls: number;
  refusedCalls: number;
  infos: number;
  /** Calls without an answer. */
  open: Set<number>;
  /** The promise of the whole script. */
  main: QuickJSHandle | null;
  interrupted: boolean;
}

export class NotebookVm {
  readonly #setup: NotebookSetup;
  readonly #events: VmEvents;
  readonly #runtime: QuickJSRuntime;
  readonly #context: QuickJSContext;
  readonly #guest: Guest;
  readonly #reserved: ReadonlyMap<string, string>;
  #cell: Cell | null = null;
  /** Time at which the interpreter is interrupted. */
  #untilMs = Number.POSITIVE_INFINITY;

  private constructor(
    { runtime, context }: { runtime: QuickJSRuntime; context: QuickJSContext },
    setup: NotebookSetup,
    events: VmEvents,
  ) {
    this.#runtime = runtime;
    this.#context = context;
    this.#setup = setup;
    this.#events = events;
    this.#reserved = new Map([
      ...setup.servers.map(({ identifier }): [string, string] => [identifier, 'a server']),
      ...['servers', 'print', 'console', 'get_tools_info'].map((name): [string, string] => [
        name,
        'there already',
      ]),
    ]);
    runtime.setInterruptHandler(() => this.#isOver());
    this.#guest = this.#loadGuest();
  }

  /** A new notebook in memory of its own. */
  static async open(
    wasmModule: WebAssembly.Module,
    setup: NotebookSetup,
    events: VmEvents,
  ): Promise<NotebookVm> {
    const quickjs = await newQuickJSWASMModuleFromVariant(newVariant(variant, { wasmModule }));
    const { memoryBytes, stackBytes } = setup.limits;
    const runtime = quickjs.newRuntime({
      memoryLimitBytes: memoryBytes,
      maxStackSizeBytes: stackBytes,
    });
    return new NotebookVm({ runtime, context: runtime.newContext() }, setup, events);
  }

  /** Starts a cell; `done` tells its end. */
  run(code: string): void {
    const { deadlineMs, outputCharacters } = this.#setup.limits;
    const cell: Cell = {
      printed: new Printed(outputCharacters),
      usedMs: 0,
      answers: 0,
      calls: 0,
      refusedCalls: 0,
      infos: 0,
      open: new Set(),
      main: null,
      interrupted: false,
    };
    this.#cell = cell;
    const written = cellScript(code, this.#reserved);
    if (!('script' in written)) {
      const { name, complaint: message, line } = written;
      this.#end(cell, { problem: { kind: 'syntax', name, message, line } });
      return;
    }
    this.#untilMs = performance.now() + deadlineMs;
    this.#slice(cell, () => this.#evaluate(cell, written.script));
  }

  /** The answer to a call; one that came too late is let go. */
  answer(call: number, ok: boolean, text: string): void {
    const cell = this.#cell;
    if (cell === null || !cell.open.delete(call)) return;
    cell.answers++;
    this.#slice(cell, () => {
      const context = this.#context;
      const args = [context.newNumber(call), ok ? context.true : context.false];
      const given = context.newString(text);
      this.#call(this.#guest.settle, [...args, given])?.dispose();
      given.dispose();
    });
  }

  #loadGuest(): Guest {
    const context = this.#context;
    const { servers, seed, clockMs, limits } = this.#setup;
    const randomState = new Rng(seed).state;
    const setup = context.newString(JSON.stringify({ servers, randomState, clockMs, limits }));
    const outside = context.newFunction('outside', (text) =>
      context.newString(this.#answerGuest(context.getString(text))),
    );
    context.setProp(context.global, 'setup', setup);
    context.setProp(context.global, 'outside', outside);
    const exported = context.unwrapResult(context.evalCode(guest, 'guest', { type: 'module' }));
    setup.dispose();
    outside.dispose();
    return {
      settle: context.getProp(exported, 'settle'),
      show: context.getProp(exported, 'show'),
      describe: context.getProp(exported, 'describe'),
    };
  }

  /** A request of the program: JSON text in, text out. What does not fit is not answered. */
  #answerGuest(text: string): string {
    const cell = this.#cell;
    const request = guestRequest(text);
    if (cell === null || request === null) return '';
    // The interpreter looks at the clock after some thousand steps, and requests are long ones.
    if (this.#isOver()) throw new Error('the time is over');
    switch (request.kind) {
      case 'print':
        cell.printed.add(request.text);
        return '';
      case 'call':
        return this.#makeCall(cell, request);
      case 'info':
        this.#tellInfo(cell, request);
        return '';
      case 'unknown':
        return this.#unknownInfo(request);
      default:
        return request satisfies never;
    }
  }

  /** Hands a call on; the text of a refusal, or none. */
  #makeCall(cell: Cell, request: Extract<GuestRequest, { kind: 'call' }>): string {
    const { calls, argumentCharacters } = this.#setup.limits;
    if (cell.calls >= calls) {
      cell.refusedCalls++;
      return `a program may make ${calls} calls, and these are made`;
    }
    if (request.args.length > argumentCharacters) {
      const most = `need at most ${argumentCharacters}`;
      return `got arguments of ${request.args.length} characters, ${most}`;
    }
    if (request.tool.length > NAME_CHARACTERS) return 'no tool has a name as long as this';
    cell.calls++;
    cell.open.add(request.call);
    const { kind: _, note, ...call } = request;
    this.#events.call({ ...call, note: note.slice(0, NOTE_CHARACTERS) });
    return '';
  }

  /** More infos than a program may make calls are given and not told. */
  #tellInfo(cell: Cell, { server, tools }: { server: string; tools: string }): void {
    const { calls, argumentCharacters } = this.#setup.limits;
    if (cell.infos++ >= calls || tools.length > argumentCharacters) return;
    this.#events.info(server, tools);
  }

  #unknownInfo({ server, tool }: { server: string; tool: string }): string {
    const shown = this.#setup.servers.filter(({ name }) => server === '' || name === server);
    const names = shown.flatMap(({ identifier, tools }) =>
      tools.map((one) => `${identifier}.${one.identifier}`),
    );
    return unknownText('tool', tool.slice(0, NAME_CHARACTERS), names);
  }

  /** Lets the interpreter work, and looks what it came to. */
  #slice(cell: Cell, work: () => void): void {
    const started = performance.now();
    this.#untilMs = started + this.#setup.limits.deadlineMs - cell.usedMs;
    work();
    this.#drain(cell);
    cell.usedMs += performance.now() - started;
    this.#look(cell);
  }

  #isOver(): boolean {
    if (performance.now() < this.#untilMs) return false;
    if (this.#cell !== null) this.#cell.interrupted = true;
    return true;
  }

  #evaluate(cell: Cell, script: string): void {
    const result = this.#context.evalCode(script, 'cell', ASYNC_SCRIPT);
    if (result.error === undefined) {
      cell.main = result.value;
      return;
    }
    // Only what does not parse is told at once: errors of the program reject its promise.
    if (!cell.interrupted) {
      this.#end(cell, { problem: { ...this.#problemOf(result.error), kind: 'syntax' } });
    }
    result.error.dispose();
  }

  /** Runs jobs of promises until none is left or the time is over. */
  #drain(cell: Cell): void {
    while (this.#cell === cell && !cell.interrupted && this.#runtime.hasPendingJob()) {
      const result = this.#runtime.executePendingJobs(JOBS_AT_ONCE);
      result.error?.dispose();
      if (this.#isOver()) return;
    }
  }

  #look(cell: Cell): void {
    if (this.#cell !== cell) return;
    if (cell.interrupted) {
      this.#end(cell, { problem: problem('deadline'), lost: this.#runtime.hasPendingJob() });
    } else if (cell.open.size > 0) this.#events.waiting(cell.answers, cell.usedMs);
    else this.#finish(cell);
  }

  #finish(cell: Cell): void {
    const { main } = cell;
    if (main === null) return;
    const state = this.#context.getPromiseState(main);
    this.#untilMs = performance.now() + this.#setup.limits.deadlineMs - cell.usedMs;
    if (state.type === 'pending') {
      this.#end(cell, { problem: problem('never') });
    } else if (state.type === 'rejected') {
      const found = this.#problemOf(state.error);
      this.#end(cell, { problem: found, lost: found.kind === 'memory' });
      state.error.dispose();
    } else {
      const value = this.#context.getProp(state.value, 'value');
      const isNone = this.#context.typeof(value) === 'undefined';
      this.#end(cell, { value: isNone ? null : this.#text(this.#guest.show, value) });
      value.dispose();
      state.value.dispose();
    }
  }

  /** What an error says, by guest.js, which reads it without trusting it. */
  #problemOf(error: QuickJSHandle): CellProblem {
    const found = describedError(this.#text(this.#guest.describe, error));
    if (found === null) return problem('thrown', 'Error', 'an error that cannot be read');
    const { name, message, isCall } = found;
    const line = found.line > 0 ? found.line : null;
    const isMemory = name === 'InternalError' && message === 'out of memory';
    const kind = isCall ? 'call' : isMemory ? 'memory' : 'thrown';
    return { kind, name, message, line };
  }

  /** The text that a function of guest.js gives; empty when it was interrupted. */
  #text(of: QuickJSHandle, value: QuickJSHandle): string {
    const result = this.#call(of, [value]);
    if (result === null) return '';
    const text = this.#context.getString(result);
    result.dispose();
    return text;
  }

  /** What a function of guest.js gives; null when it was interrupted. */
  #call(of: QuickJSHandle, args: readonly QuickJSHandle[]): QuickJSHandle | null {
    const result = this.#context.callFunction(of, this.#context.undefined, ...args);
    if (result.error === undefined) return result.value;
    result.error.dispose();
    return null;
  }

  #end(cell: Cell, how: Partial<CellEnd>): void {
    cell.main?.dispose();
    this.#cell = null;
    const { text: printed, cutCharacters } = cell.printed;
    const { value = null, problem: found = null, lost = false } = how;
    const isOver = cell.interrupted && found?.kind !== 'deadline';
    this.#events.done({
      printed,
      cutCharacters,
      value,
      problem: isOver ? problem('deadline') : found,
      refusedCalls: cell.refusedCalls,
      lost: lost || (isOver && this.#runtime.hasPendingJob()),
    });
  }
}

function problem(
  kind: CellProblem['kind'],
  name: CellProblem['name'] = '',
  message = '',
): CellProblem {
  return { kind, name, message, line: null };
}
