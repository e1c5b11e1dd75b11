// One program at work in a worker, seen from its owner: makes its calls, one after another, and watches its time. What the
// worker says of a program is checked here once more.
import { type Json, type JsonObject, jsonObjectSchema } from '../trajectory/json.ts';
import type { Gate } from './gate.ts';
import { type KnownResult, shapeOf } from './hints.ts';
import type {
  CallRequest,
  CellEnd,
  CellProblem,
  FromWorker,
  NotebookSetup,
  ToWorker,
} from './protocol.ts';
import type { FailedCall } from './report.ts';
import type { WorkerLine } from './worker-pool.ts';

/** A call as a program made it, checked to be one of a shown server. */
export interface ProgramCall {
  server: string;
  tool: string;
  /** Null for arguments that are none; then `note` says why. */
  arguments: JsonObject | null;
  /** What else is worth telling when the call fails; mostly empty. */
  note: string;
}

export interface ProgramAnswer {
  text: string;
  isError: boolean;
}

/** What a program's calls come to. */
export interface ProgramHandlers {
  /**
   * Makes one call; calls come one after another, in the order of the program. A rejection ends the cell and is thrown
   * by `run`.
   * @param signal aborts when the cell has waited long enough: then the answer should come at once.
   */
  call(call: ProgramCall, signal: AbortSignal): Promise<ProgramAnswer>;
  /** A program read what there is to know of tools; a server that is not named is empty. */
  info(server: string, tools: readonly string[]): void;
}

/** Deepest JSON that a call may have, and an answer. */
const ARGUMENT_DEPTH = 32;
const ANSWER_DEPTH = 256;
/** A late timer may come before a message that was there in time: the message gets this long. */
const SECOND_LOOK_MS = 20;

export class CellAtWork {
  readonly failures: FailedCall[] = [];
  /** By path, latest last. */
  readonly results = new Map<string, KnownResult>();
  readonly #line: WorkerLine;
  readonly #gate: Gate;
  readonly #setup: NotebookSetup;
  readonly #handlers: ProgramHandlers;
  /** Aborts when the cell has waited long enough. */
  readonly #waited = new AbortController();
  #end: CellEnd | null = null;
  /** Gives up the place of a cell that computes. */
  #leave: () => void = () => undefined;
  #settle: ((end: CellEnd) => void) | null = null;
  #fail: ((error: unknown) => void) | null = null;
  #queue: Promise<void> = Promise.resolve();
  #queued = 0;
  #answers = 0;
  #usedMs = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** When the wait at hand began; null while the worker computes. */
  #waitingSinceMs: number | null = null;
  #waitedMs = 0;

  constructor(line: WorkerLine, gate: Gate, setup: NotebookSetup, handlers: ProgramHandlers) {
    this.#line = line;
    this.#gate = gate;
    this.#setup = setup;
    this.#handlers = handlers;
  }

  /**
   * Runs the program; the worker is to be ended when the end says `lost`, and when this throws.
   * @throws what a handler throws; the signal's reason when it aborts.
   */
  async play(code: string, signal: AbortSignal | undefined): Promise<CellEnd> {
    const stop = () => this.#fail?.(signal?.reason);
    signal?.addEventListener('abort', stop, { once: true });
    try {
      return await new Promise<CellEnd>((resolve, reject) => {
        this.#settle = resolve;
        this.#fail = reject;
        this.#line.listen({
          message: (message) => this.#receive(message),
          died: (why) => this.#done(lost(problem('lost', `its worker stopped: ${why}`))),
        });
        this.#post({ kind: 'run', code }).catch(reject);
      });
    } finally {
      this.#end ??= lost(problem('lost', 'it was stopped'));
      this.#stopTimer();
      this.#leave();
      this.#waited.abort();
      signal?.removeEventListener('abort', stop);
      this.#line.listen(null);
    }
  }

  #receive(message: FromWorker): void {
    if (this.#end !== null) return;
    switch (message.kind) {
      case 'call':
        this.#enqueue(message);
        return;
      case 'info':
        this.#handlers.info(message.server, message.tools.split('\n'));
        return;
      case 'waiting':
        // It was sent before the worker saw an answer that is on its way.
        if (message.answers === this.#answers) this.#wait(message.usedMs);
        return;
      case 'done':
        this.#done(message.end);
        return;
      case 'broken':
        this.#done(lost(problem('lost', `the interpreter gave up (${message.why})`)));
        return;
      case 'started':
        return;
      default:
        message satisfies never;
    }
  }

  /** The end stands; calls on their way are still waited for, but not for long when nobody will hear of them. */
  #done(end: CellEnd): void {
    if (this.#end !== null) return;
    this.#end = end;
    this.#stopTimer();
    this.#leave();
    if (this.#queued > 0 && !end.lost) this.#wait(this.#usedMs);
    if (this.#queued > 0 && end.lost) {
      this.#startTimer(this.#setup.limits.graceMs, () => this.#waited.abort());
    }
    this.#queue.then(() => this.#settle?.(end)).catch((error: unknown) => this.#fail?.(error));
  }

  #enqueue(request: CallRequest): void {
    this.#queued++;
    this.#queue = this.#queue
      .then(() => this.#make(request))
      .catch((error: unknown) => this.#fail?.(error))
      .then(() => {
        this.#queued--;
      });
  }

  async #make(request: CallRequest): Promise<void> {
    // A program that has ended makes no more calls.
    if (this.#end !== null) return;
    const server = this.#setup.servers.find(({ name }) => name === request.server);
    if (server === undefined) {
      await this.#answer(request.call, {
        text: `there is no server '${request.server}'`,
        isError: true,
      });
      return;
    }
    const tool = server.tools.find(({ name }) => name === request.tool);
    const path = `${server.identifier}.${tool?.identifier ?? request.tool}`;
    const args = parsedArguments(request.args);
    const note = args === null && request.args !== '' ? TOO_DEEP : request.note;
    const call = { server: server.name, tool: request.tool, arguments: args, note };
    const answer = await this.#handlers.call(call, this.#waited.signal);
    await this.#answer(request.call, this.#kept(path, tool?.results ?? null, answer));
  }

  /** Notes an answer, for the report; one that is too large for a program is an error. */
  #kept(path: string, schema: string | null, answer: ProgramAnswer): ProgramAnswer {
    let { text, isError } = answer;
    const { answerCharacters } = this.#setup.limits;
    if (!isError && (text.length > answerCharacters || depthOf(text) > ANSWER_DEPTH)) {
      text = `its answer of ${text.length} characters is too large for a program`;
      isError = true;
    }
    if (isError) this.failures.push({ path, text });
    else {
      this.results.delete(path);
      this.results.set(path, { path, schema, shape: shapeOf(jsonOrText(text)) });
    }
    return { text, isError };
  }

  async #answer(call: number, { text, isError }: ProgramAnswer): Promise<void> {
    if (this.#end !== null) return;
    this.#answers++;
    const answer = { kind: 'answer', call, ok: !isError, text } as const;
    if (this.#waitingSinceMs === null) {
      this.#line.post(answer);
      return;
    }
    this.#waitedMs += performance.now() - this.#waitingSinceMs;
    this.#waitingSinceMs = null;
    this.#stopTimer();
    await this.#post(answer);
  }

  /** Lets a worker that had nothing to do compute, once there is a place. */
  async #post(message: ToWorker): Promise<void> {
    const leave = await this.#gate.enter();
    if (this.#end !== null) {
      leave();
      return;
    }
    this.#leave = leave;
    this.#line.post(message);
    this.#watch();
  }

  /** The worker computes: it has what is left of the deadline, and some grace. */
  #watch(): void {
    const { deadlineMs, graceMs } = this.#setup.limits;
    const leftMs = Math.max(0, deadlineMs - this.#usedMs) + graceMs - SECOND_LOOK_MS;
    const end = () => this.#done(lost(problem('deadline', '')));
    this.#startTimer(leftMs, () => this.#startTimer(SECOND_LOOK_MS, end));
  }

  /** The worker waits for answers: the cell has what is left of its wait. */
  #wait(usedMs: number): void {
    this.#usedMs = usedMs;
    this.#leave();
    this.#waitingSinceMs ??= performance.now();
    const leftMs = Math.max(0, this.#setup.limits.waitMs - this.#waitedMs);
    this.#startTimer(leftMs, () => this.#waited.abort());
  }

  #startTimer(ms: number, work: () => void): void {
    this.#stopTimer();
    this.#timer = setTimeout(work, ms);
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

const TOO_DEEP = 'its arguments are no JSON object, or nested too deeply';

/** Arguments of a call; null for a text that is no JSON object of a reasonable depth. */
function parsedArguments(text: string): JsonObject | null {
  if (text === '' || depthOf(text) > ARGUMENT_DEPTH) return null;
  return jsonObjectSchema.safeParse(jsonOrText(text)).data ?? null;
}

/** The JSON value of a text; the text itself when it is none. */
function jsonOrText(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** How deep a JSON text is nested; parsing one that is very deep would end in an overflow. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let isText = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (isText) {
      if (character === '\\') i++;
      else if (character === '"') isText = false;
    } else if (character === '"') isText = true;
    else if (character === '[' || character === '{') deepest = Math.max(deepest, ++depth);
    else if (character === ']' || character === '}') depth--;
  }
  return deepest;
}

function lost(found: CellProblem): CellEnd {
  return { ...NOTHING, problem: found, lost: true };
}

function problem(kind: CellProblem['kind'], message: string): CellProblem {
  return { kind, name: '', message, line: null };
}

/** The end of a cell that came to nothing. */
export const NOTHING: CellEnd = {
  printed: '',
  cutCharacters: 0,
  value: null,
  problem: null,
  refusedCalls: 0,
  lost: false,
};
