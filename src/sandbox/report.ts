// What a policy reads of a cell: what it printed, its last value, how it went wrong, and every call that failed.
import { hintFor, type KnownResult } from './hints.ts';
import type { NotebookLimits } from './limits.ts';
import type { CellEnd, CellProblem } from './protocol.ts';

export interface CellReport {
  text: string;
  /** The program itself went wrong. A failed call that stopped it is told in `text`, and is an error of that call. */
  isError: boolean;
  /** What was defined so far is gone: the next cell has a new notebook. */
  lost: boolean;
}

export interface FailedCall {
  /** As the program called it. */
  path: string;
  text: string;
}

export interface CellFacts {
  end: CellEnd;
  failures: readonly FailedCall[];
  /** Tools with results, latest last: of this cell, or of earlier ones when it has none. */
  results: readonly KnownResult[];
  /** Names that a program finds. */
  globals: readonly string[];
  limits: NotebookLimits;
}

const FAILURES_SHOWN = 10;
const RESULTS_SHOWN = 3;

/** The report of a cell. */
export function cellReport(facts: CellFacts): CellReport {
  const { end, failures } = facts;
  const lines = [end.printed];
  if (end.cutCharacters > 0) lines.push(`… (cut, ${end.cutCharacters} more characters)`);
  if (end.value !== null) lines.push(end.value);
  for (const { path, text } of failures.slice(0, FAILURES_SHOWN)) {
    lines.push(`failed call ${path}: ${text}`);
  }
  const more = failures.length - FAILURES_SHOWN;
  if (more > 0) lines.push(`… and ${more} more failed calls`);
  if (end.refusedCalls > 0) {
    const { calls } = facts.limits;
    lines.push(`${end.refusedCalls} calls were not made: a program may make ${calls}`);
  }
  if (end.problem !== null) lines.push(...problemLines(end.problem, facts));
  if (end.lost) {
    lines.push(
      'the state was lost: the next program starts in a new notebook, without earlier variables',
    );
  }
  const text = lines.filter((line) => line !== '').join('\n');
  return {
    text: text === '' ? 'no output: print a value, or end the program with an expression' : text,
    isError: end.problem !== null && end.problem.kind !== 'call',
    lost: end.lost,
  };
}

function problemLines(problem: CellProblem, facts: CellFacts): string[] {
  const { limits, failures } = facts;
  const at = problem.line === null ? '' : ` in line ${problem.line}`;
  switch (problem.kind) {
    case 'call': {
      const isTold = failures.some(({ path, text }) => problem.message === `${path}: ${text}`);
      return [isTold ? `stopped by the failed call${at}` : `failed call${at}: ${problem.message}`];
    }
    case 'deadline':
      return [`stopped: the program computed for more than ${limits.deadlineMs} ms`];
    case 'memory':
      return [`stopped${at}: out of memory, a notebook has ${limits.memoryBytes / 2 ** 20} MiB`];
    case 'never':
      return ['stopped: the program waits for a promise that nothing will resolve'];
    case 'lost':
      return [`stopped: ${problem.message}`];
    case 'syntax':
    case 'thrown': {
      const results = facts.results.slice(-RESULTS_SHOWN);
      const hint = hintFor(problem, facts.globals, results);
      const error = `${problem.name}${at}: ${problem.message}`;
      return hint === '' ? [error] : [error, `hint: ${hint}`];
    }
    default:
      return problem.kind satisfies never;
  }
}
