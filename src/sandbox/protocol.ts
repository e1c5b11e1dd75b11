// What crosses between a notebook and its worker: texts and numbers. Whatever came out of a program is text here, and is
// checked again by the side that reads it.
import type { NotebookLimits } from './limits.ts';

/** A tool as programs see it. */
export interface ToolStub {
  name: string;
  /** The name as an identifier; the same where the name is one. */
  identifier: string;
  /** What `get_tools_info` says of it. */
  info: string;
  /** Declared form of its results as text; null when there is none. */
  results: string | null;
}

/** A server as programs see it: an object of this identifier. */
export interface ServerStub {
  name: string;
  identifier: string;
  tools: readonly ToolStub[];
}

/** What a new notebook is made of. */
export interface NotebookSetup {
  servers: readonly ServerStub[];
  /** Seed of `Math.random`. */
  seed: number;
  /** What `Date` says now, milliseconds since 1970 in UTC. */
  clockMs: number;
  limits: NotebookLimits;
}

/** How a program went wrong. `call` is a failed call that the program did not catch. */
export interface CellProblem {
  kind: 'thrown' | 'call' | 'syntax' | 'deadline' | 'memory' | 'never' | 'lost';
  /** Name of the error, such as TypeError. */
  name: string;
  message: string;
  /** Line of the program, from 1; null when it is not known. */
  line: number | null;
}

/** What became of a cell. */
export interface CellEnd {
  printed: string;
  /** Characters that were printed and not kept. */
  cutCharacters: number;
  /** The value of a last expression; null without one. */
  value: string | null;
  problem: CellProblem | null;
  /** Calls beyond the limit of the cell, which were not made. */
  refusedCalls: number;
  /** The notebook cannot be used any more. */
  lost: boolean;
}

/** A call that a program makes. */
export interface CallRequest {
  call: number;
  server: string;
  tool: string;
  /** JSON text; empty for arguments that are none, and then `note` says why. */
  args: string;
  /** What else is worth telling when the call fails. */
  note: string;
}

export type ToWorker =
  /** A new notebook in place of the one at hand. */
  | { kind: 'start'; setup: NotebookSetup }
  | { kind: 'run'; code: string }
  | { kind: 'answer'; call: number; ok: boolean; text: string }
  /** The notebook is not needed any more. */
  | { kind: 'end' };

export type FromWorker =
  | { kind: 'started' }
  | ({ kind: 'call' } & CallRequest)
  /** A program read the infos of these tools. */
  | { kind: 'info'; server: string; tools: string }
  /** Nothing to do but to wait for answers; `answers` counts those of the cell that came in. */
  | { kind: 'waiting'; answers: number; usedMs: number }
  | { kind: 'done'; end: CellEnd }
  /** The worker itself failed. */
  | { kind: 'broken'; why: string };
