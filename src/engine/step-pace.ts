// How many decoding steps may be on their way unread: many where they are short, one where a request that joins would wait
// long. It changes when things happen, never what is computed.

/** Work that may lie ahead of a request that wants to join. */
const AHEAD_MS = 50;
/** Weight of the newest step in the running estimate. */
const NEWEST = 0.5;

export class StepPace {
  readonly #most: number;
  readonly #aheadMs: number;
  /** Milliseconds of a step, by the bits of its number of rows. */
  readonly #stepMs = new Map<number, number>();

  /** Never more than `most` steps, which shall take `aheadMs` together. */
  constructor(most: number, aheadMs = AHEAD_MS) {
    this.#most = most;
    this.#aheadMs = aheadMs;
  }

  /** Steps of so many rows that may be on their way at once. */
  depth(rows: number): number {
    const ms = this.#stepMs.get(sizeClass(rows));
    // Nothing is known yet: one behind the first, whose time will be.
    if (ms === undefined) return Math.min(2, this.#most);
    if (ms > this.#aheadMs) return 1;
    return Math.min(this.#most, Math.ceil(this.#aheadMs / Math.max(ms, 1e-3)));
  }

  /** Notes that a step of so many rows was done `ms` after the one before it, or after it was sent. */
  took(rows: number, ms: number): void {
    const key = sizeClass(rows);
    const before = this.#stepMs.get(key) ?? ms;
    this.#stepMs.set(key, before + NEWEST * (ms - before));
  }
}

function sizeClass(rows: number): number {
  return Math.ceil(Math.log2(rows));
}
