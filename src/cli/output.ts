// stdout belongs to results: JSON objects, one a line. Progress goes to stderr.

/** Prints one JSON object as a line. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Prints a note on stderr. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** A progress line: rewritten in place on a terminal, now and then a plain line elsewhere. */
export class Progress {
  readonly #label: string;
  readonly #everyMs: number;
  #last = 0;

  constructor(label: string, everyMs = 10_000) {
    this.#label = label;
    this.#everyMs = everyMs;
  }

  update(done: number, total: number, text = ''): void {
    const now = performance.now();
    const terminal = process.stderr.isTTY === true;
    if (done < total && now - this.#last < (terminal ? 100 : this.#everyMs)) return;
    this.#last = now;
    const share = Math.floor((20 * done) / Math.max(total, 1));
    const bar = `[${'#'.repeat(share)}${'.'.repeat(Math.max(0, 20 - share))}]`;
    const line = `${this.#label} ${bar} ${done}/${total} ${text}`.trimEnd();
    process.stderr.write(terminal ? `\r\x1b[K${line}${done >= total ? '\n' : ''}` : `${line}\n`);
  }
}
