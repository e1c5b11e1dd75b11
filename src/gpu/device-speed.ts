// How fast a device is, from the submits that it has finished, so that none of the next ones takes too long: systems reset a
// device that makes no progress for a second or two. What is chosen by it is where work is cut, never what is computed.

/** What a submit and a dispatch shall take at most. */
export const SUBMIT_MS = 200;
export const DISPATCH_MS = 50;
/** Units of work a millisecond until something is measured: a slow device, so that the first submits are rather too short. */
const FIRST_GUESS = 4e6;
/** Weight of the newest measurement. */
const NEWEST = 0.3;
/** What a measurement may raise the estimate by: the first run of a kernel also builds it. */
const MOST_RISE = 2;
/** Shorter work tells nothing of a slow device: its dispatches cost something by themselves. */
const SHORT_MS = 10;

/** Work that was sent. */
export interface Sent {
  /** Units, and those of all work sent so far with it. */
  readonly work: number;
  readonly total: number;
  readonly at: number;
}

/** A running estimate of the time that a unit of work takes; the unit is an operation of a product. */
export class DeviceSpeed {
  #msPerUnit: number | null = null;
  #total = 0;
  /** Of the work that was last seen done. */
  #doneTotal = 0;
  #doneAt = Number.NEGATIVE_INFINITY;
  /** When the first work after that was sent. */
  #nextAt: number | null = null;

  /** Notes work that is sent `now`, in milliseconds. */
  sent(work: number, now: number): Sent {
    this.#total += work;
    this.#nextAt ??= now;
    return { work, total: this.#total, at: now };
  }

  /** Notes that work, and all before it, is seen to be done `now`. */
  done({ work, total, at }: Sent, now: number): void {
    if (total <= this.#doneTotal) return;
    // Each may be too long: the device was idle between two submits, or had earlier ones to do. The shorter is nearer.
    const alone = (now - Math.max(at, this.#doneAt)) / work;
    const since = Math.max(this.#nextAt ?? at, this.#doneAt);
    const together = (now - since) / (total - this.#doneTotal);
    this.#doneTotal = total;
    this.#doneAt = now;
    this.#nextAt = total === this.#total ? null : now;
    if (work > 0) this.#learn(Math.min(alone, together), work);
  }

  #learn(msPerUnit: number, work: number): void {
    const before = this.#msPerUnit ?? 1 / FIRST_GUESS;
    if (msPerUnit * work < SHORT_MS && msPerUnit > before) return;
    const next = Math.min(msPerUnit, before * MOST_RISE);
    this.#msPerUnit = this.#msPerUnit === null ? next : before + NEWEST * (next - before);
  }

  /** Units of work that take so many milliseconds. */
  workIn(ms: number): number {
    return ms / (this.#msPerUnit ?? 1 / FIRST_GUESS);
  }
}
