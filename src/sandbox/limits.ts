// What one cell of a notebook may use. Plain numbers: every part of the sandbox reads them, none has others.

export interface NotebookLimits {
  /** Compute of one cell. Waiting for tools does not count. */
  deadlineMs: number;
  /** How long a worker may be silent beyond the deadline before it is ended; at most 250. */
  graceMs: number;
  /** What one cell may wait for tools, in all. */
  waitMs: number;
  /** How long a worker may take to start. */
  startMs: number;
  /** Heap of the notebook. */
  memoryBytes: number;
  /** Stack of the interpreter. */
  stackBytes: number;
  /** Tool calls of one cell. */
  calls: number;
  /** What one cell may print. */
  outputCharacters: number;
  /** Length of a program. */
  codeCharacters: number;
  /** Length of the arguments of one call, as JSON. */
  argumentCharacters: number;
  /** Length of a tool's answer, as JSON; a longer one is an error of the call. */
  answerCharacters: number;
}

export const NOTEBOOK_LIMITS: NotebookLimits = {
  deadlineMs: 2000,
  graceMs: 200,
  waitMs: 60_000,
  startMs: 20_000,
  memoryBytes: 32 * 1024 * 1024,
  stackBytes: 128 * 1024,
  calls: 20,
  outputCharacters: 8000,
  codeCharacters: 20_000,
  argumentCharacters: 20_000,
  answerCharacters: 1_000_000,
};
