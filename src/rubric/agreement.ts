// How well a judge agrees with the checks: Cohen's kappa with a bootstrap interval. Knows scores only, no traces.
import { Rng } from '../base/rng.ts';

/** Two verdicts on one criterion of one trace. */
export interface VerdictPair {
  judge: boolean;
  check: boolean;
}

export interface Agreement {
  count: number;
  /** Share of pairs that agree; null without pairs. */
  observed: number | null;
  /** Null without pairs, and when both raters always say the same, so that chance agreement is 1. */
  kappa: number | null;
  /** Percentiles 2.5 and 97.5 of resamples that have a kappa; null when fewer than half have one. */
  interval: [number, number] | null;
}

export interface AgreementOptions {
  seed: number;
  resamples?: number;
}

/** Pairs from scores in the same order: judge scores of 0.5 and more pass; a null on either side is left out. */
export function verdictPairs(
  judge: readonly (number | null)[],
  check: readonly (number | null)[],
): VerdictPair[] {
  return judge.flatMap((score, i) => {
    const other = check[i] ?? null;
    return score === null || other === null ? [] : [{ judge: score >= 0.5, check: other >= 0.5 }];
  });
}

/** Agreement of two raters over pairs (Cohen 1960, doi:10.1177/001316446002000104). */
export function agreement(
  pairs: readonly VerdictPair[],
  { seed, resamples = 1000 }: AgreementOptions,
): Agreement {
  const count = pairs.length;
  if (count === 0) return { count, observed: null, kappa: null, interval: null };
  const observed = pairs.filter((pair) => pair.judge === pair.check).length / count;
  const rng = new Rng(seed);
  const kappas: number[] = [];
  for (let i = 0; i < resamples; i++) {
    const kappa = cohensKappa(pairs.map(() => rng.pick(pairs)));
    if (kappa !== null) kappas.push(kappa);
  }
  kappas.sort((a, b) => a - b);
  const known = kappas.length > 0 && kappas.length >= resamples / 2;
  const interval: [number, number] | null = known
    ? [percentile(kappas, 0.025), percentile(kappas, 0.975)]
    : null;
  return { count, observed, kappa: cohensKappa(pairs), interval };
}

/** (observed - expected) / (1 - expected); null where expected agreement is 1. */
export function cohensKappa(pairs: readonly VerdictPair[]): number | null {
  const count = pairs.length;
  if (count === 0) return null;
  const share = (test: (pair: VerdictPair) => boolean): number => pairs.filter(test).length / count;
  const observed = share((pair) => pair.judge === pair.check);
  const judged = share((pair) => pair.judge);
  const checked = share((pair) => pair.check);
  const expected = judged * checked + (1 - judged) * (1 - checked);
  return expected >= 1 ? null : (observed - expected) / (1 - expected);
}

/** Percentile of a sorted list by linear interpolation. */
function percentile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}
