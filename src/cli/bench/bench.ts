// What a bench is: a name, and a measurement that gives rows. Knows no single measurement.
import type { Gpu } from '../../gpu/device.ts';

/** One number. `peer` says what it stands against, `ratio` is value / peer; both null when it stands alone. */
export interface Measured {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly peer: { readonly name: string; readonly value: number } | null;
  readonly ratio: number | null;
}

export interface Bench {
  readonly name: string;
  /** There is something to write into `out`. */
  readonly writes?: boolean;
  /**
   * @param model a model file for benches that take any; null is the one with random weights.
   * @param out the file for inputs and results that a peer can repeat and check; null writes none.
   */
  measure(gpu: Gpu, model: string | null, out: string | null): Promise<Measured[]>;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const high = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[half - 1] ?? Number.NaN) + high) / 2;
}

/** Samples of which a median is taken, and how far two in a row may differ once nothing warms up any more. */
const SETTLED_SAMPLES = 5;
const SETTLED_WITHIN = 0.05;
const SETTLED_MOST = 30;

/** The median of five samples, as soon as it is within 5 % of the one before; the last of six medians at the latest. */
export async function settled(sample: () => Promise<number>): Promise<number> {
  let before = Number.NaN;
  for (let taken = SETTLED_SAMPLES; ; taken += SETTLED_SAMPLES) {
    const samples: number[] = [];
    for (let i = 0; i < SETTLED_SAMPLES; i++) samples.push(await sample());
    const now = median(samples);
    if (Math.abs(now / before - 1) <= SETTLED_WITHIN || taken >= SETTLED_MOST) return now;
    before = now;
  }
}

/** Milliseconds that `work` takes. */
export async function timeMs(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/**
 * Two measurements in turn, after one round that is not counted. The medians of each, and the median of the ratios
 * first / second of a round: what slows the machine for a while slows both of a round.
 */
export async function interleaved(
  rounds: number,
  first: () => Promise<number>,
  second: () => Promise<number>,
): Promise<{ first: number; second: number; ratio: number }> {
  const pairs: [number, number][] = [];
  for (let i = -1; i < rounds; i++) {
    const pair: [number, number] = [await first(), await second()];
    if (i >= 0) pairs.push(pair);
  }
  return {
    first: median(pairs.map(([a]) => a)),
    second: median(pairs.map(([, b]) => b)),
    ratio: median(pairs.map(([a, b]) => a / b)),
  };
}

/** A row that stands alone. */
export function alone(name: string, value: number, unit: string): Measured {
  return { name, value, unit, peer: null, ratio: null };
}
