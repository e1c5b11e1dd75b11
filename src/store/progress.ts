// How far an addition to the store is, how fast it goes and how long it takes yet.

export interface ModelProgress {
  /** Name that the model has, or gets, in the store. */
  name: string;
  /** Fetched from a server, copied from a local file, or read again to check it. */
  phase: 'download' | 'copy' | 'check';
  doneBytes: number;
  /** Null while the server has not told. */
  totalBytes: number | null;
  /** Over the last seconds; null at the beginning. */
  bytesPerSecond: number | null;
  /** Null while rate or total are not known. */
  secondsLeft: number | null;
}

const WINDOW_MS = 5000;
/** A rate over less time than this would jump about. */
const LEAST_MS = 400;
const SAMPLE_EVERY_MS = 50;
const REPORT_EVERY_MS = 200;

/** Turns byte counts into progress, at most a few times a second. */
export class ProgressMeter {
  readonly #now: () => number;
  readonly #report: (progress: ModelProgress) => void;
  #samples: { ms: number; bytes: number }[] = [];
  #phase: ModelProgress['phase'] | null = null;
  #reportedMs = Number.NEGATIVE_INFINITY;

  constructor(now: () => number, report: (progress: ModelProgress) => void) {
    this.#now = now;
    this.#report = report;
  }

  /** Notes where it stands. The first, the last and every new phase are always told. */
  update(now: Pick<ModelProgress, 'name' | 'phase' | 'doneBytes' | 'totalBytes'>): void {
    const { phase, doneBytes, totalBytes } = now;
    const ms = this.#now();
    const fresh = phase !== this.#phase;
    const last = fresh ? undefined : this.#samples.at(-1);
    // Bytes that were there before, or that start again, are no speed.
    if (last === undefined || doneBytes < last.bytes) this.#samples = [{ ms, bytes: doneBytes }];
    else if (ms - last.ms >= SAMPLE_EVERY_MS) this.#samples.push({ ms, bytes: doneBytes });
    this.#phase = phase;
    while ((this.#samples[1]?.ms ?? ms) < ms - WINDOW_MS) this.#samples.shift();
    if (!fresh && doneBytes !== totalBytes && ms - this.#reportedMs < REPORT_EVERY_MS) return;
    this.#reportedMs = ms;
    const bytesPerSecond = this.#rate(ms, doneBytes);
    const left = totalBytes === null ? null : totalBytes - doneBytes;
    const secondsLeft = left === null || !bytesPerSecond ? null : left / bytesPerSecond;
    this.#report({ ...now, bytesPerSecond, secondsLeft });
  }

  #rate(ms: number, bytes: number): number | null {
    const [first] = this.#samples;
    if (first === undefined || ms - first.ms < LEAST_MS) return null;
    return ((bytes - first.bytes) / (ms - first.ms)) * 1000;
  }
}
