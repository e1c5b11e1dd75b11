// Signs of collapse in the metrics of a run so far. A pure function of the lines, so that a resumed
// run sees the same; steps without rollouts say nothing of a policy and are left out.
import { AtlasError } from '../base/errors.ts';
import { type Metrics, type MonitorSettings, monitorSchema } from '../trajectory/experiment.ts';

/** A sign of collapse, and its reason in words. */
interface Sign {
  kind: 'entropy' | 'repeats' | 'zeroSpread' | 'success';
  text: string;
}

type Finder = (lines: readonly Metrics[], settings: MonitorSettings) => string | null;

/**
 * A drop in success counts from this many standard deviations of a window's mean on. The best of
 * many windows is compared with the last, so that a few would be mere chance.
 */
const CLEAR_DEVIATIONS = 6;

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The values of one key, where they were measured. */
function valuesOf(lines: readonly Metrics[], key: 'repeats' | 'zeroSpread' | 'success'): number[] {
  return lines.flatMap((line) => line[key] ?? []);
}

/** The mean of a figure over the last `window` steps that have it; null while there are fewer. */
function recent(
  lines: readonly Metrics[],
  key: 'repeats' | 'zeroSpread',
  window: number,
): number | null {
  const values = valuesOf(lines, key).slice(-window);
  return values.length < window ? null : mean(values);
}

const percent = (share: number): string => `${Math.round(100 * share)}%`;

const entropySign: Finder = (lines, { window, entropyShare }) => {
  // A step that trained nothing measured no entropy.
  const values = lines.filter(({ tokens }) => tokens > 0).map(({ entropy }) => entropy);
  if (values.length < 2 * window) return null;
  const [start, now] = [mean(values.slice(0, window)), mean(values.slice(-window))];
  if (now >= entropyShare * start) return null;
  return (
    `entropy fell to ${now.toPrecision(2)} nats a token over the last ${window} steps, from ` +
    `${start.toPrecision(2)} over the first ${window} (below ${percent(entropyShare)} of it): the ` +
    'policy hardly tries anything new; lower optimiser.learningRate or raise algorithm.kl'
  );
};

const repeatsSign: Finder = (lines, { window, repeats }) => {
  const share = recent(lines, 'repeats', window);
  if (share === null || share <= repeats) return null;
  return (
    `${percent(share)} of the tokens of the last ${window} steps repeat earlier ones of their ` +
    `episode (above ${percent(repeats)}): the policy says the same again and again; lower ` +
    'optimiser.learningRate or set algorithm.overlong'
  );
};

const zeroSpreadSign: Finder = (lines, { window, zeroSpread }) => {
  const share = recent(lines, 'zeroSpread', window);
  if (share === null || share <= zeroSpread) return null;
  return (
    `${percent(share)} of the groups of the last ${window} steps had rewards that were all ` +
    `equal (above ${percent(zeroSpread)}): there is little left to learn from; choose harder or ` +
    'easier tasks, or set algorithm.resample'
  );
};

const successSign: Finder = (lines, { window, successShare }) => {
  const values = valuesOf(lines, 'success');
  if (values.length < 2 * window) return null;
  const windows = values.slice(window - 1).map((_, i) => mean(values.slice(i, i + window)));
  const [best, now] = [Math.max(...windows), windows.at(-1) ?? 0];
  // Noise of one step, from neighbours, so that a trend does not count as noise.
  const squares = values.slice(1).map((value, i) => (value - (values[i] ?? 0)) ** 2);
  const noise = Math.sqrt(mean(squares) / 2 / window);
  if (now >= successShare * best || best - now <= CLEAR_DEVIATIONS * noise) return null;
  return (
    `success fell to ${now.toPrecision(2)} over the last ${window} steps, from ` +
    `${best.toPrecision(2)} at its best (below ${percent(successShare)} of it): the policy forgets ` +
    'what it could; begin a new run with a lower optimiser.learningRate'
  );
};

const FINDERS: Readonly<Record<Sign['kind'], Finder>> = {
  entropy: entropySign,
  repeats: repeatsSign,
  zeroSpread: zeroSpreadSign,
  success: successSign,
};

/** What a run without `monitor` is watched by. */
const DEFAULTS = monitorSchema.parse({});

/**
 * The signs of collapse that stand after the last of `lines`, each with its figures, its threshold
 * and what to do.
 * @param lines the metrics of the run so far.
 */
export function collapseSigns(
  lines: readonly Metrics[],
  settings: MonitorSettings = DEFAULTS,
): Sign[] {
  const rolled = lines.filter(({ reward }) => reward !== null);
  return (Object.keys(FINDERS) as Sign['kind'][]).flatMap((kind) => {
    const text = FINDERS[kind](rolled, settings);
    return text === null ? [] : { kind, text };
  });
}

/** The signs that the last line brought: those of a kind that stood before it are told already. */
export function newSigns(lines: readonly Metrics[], settings?: MonitorSettings): Sign[] {
  const before = new Set(collapseSigns(lines.slice(0, -1), settings).map(({ kind }) => kind));
  return collapseSigns(lines, settings).filter(({ kind }) => !before.has(kind));
}

/** @throws {AtlasError} for a collapsed run that is to stop. */
export function checkCollapse(lines: readonly Metrics[], settings?: MonitorSettings): void {
  if (settings?.stop !== true) return;
  const signs = collapseSigns(lines, settings);
  if (signs.length === 0) return;
  throw new AtlasError(
    'run-collapsed',
    `run: stopped after ${lines.length} steps, as monitor.stop asks: ` +
      signs.map(({ text }) => text).join('; '),
  );
}
