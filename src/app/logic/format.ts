// Numbers and names as people read them.
import type { Category } from '../../trajectory/rubric.ts';
import type { End, Mode } from '../../trajectory/trace.ts';

/** `62%`; a dash for null. */
export function percent(share: number | null): string {
  return share === null ? '–' : `${Math.round(share * 100)}%`;
}

/** Fixed digits; a dash for null. */
export function fixed(value: number | null, digits = 2): string {
  return value === null ? '–' : value.toFixed(digits);
}

/** Three significant digits, small numbers as powers of ten. */
export function compact(value: number | null): string {
  if (value === null) return '–';
  if (value === 0) return '0';
  const size = Math.abs(value);
  return size < 0.001 || size >= 100_000 ? value.toExponential(1) : String(+value.toPrecision(3));
}

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** `3.9 MB`, decimal units. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(value < 10 ? 1 : 0)} ${BYTE_UNITS[unit]}`;
}

/** `40 s`, `3 min`, `1 h 5 min`. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `1.3 M`. */
export function count(value: number): string {
  if (value < 10_000) return String(value);
  if (value < 1e6) return `${(value / 1e3).toFixed(0)} k`;
  if (value < 1e9) return `${(value / 1e6).toFixed(1)} M`;
  return `${(value / 1e9).toFixed(1)} B`;
}

/** One, or many with its number: `3 calls`. */
export function plural(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

export const CATEGORY_NAMES: Readonly<Record<Category, string>> = {
  taskFulfilment: 'Task fulfilment',
  toolAppropriateness: 'Tool choice',
  toolGrounding: 'Grounding',
  parameterAccuracy: 'Parameters',
};

/** What a mode shows the model at its start. */
export const MODE_NAMES: Readonly<Record<Mode, { name: string; about: string }>> = {
  itl: {
    name: 'Load tools one by one',
    about: 'ITL: sees servers and tool names, loads the schemas it needs',
  },
  isl: {
    name: 'Load whole servers',
    about: 'ISL: sees server names only, loads all tools of a server at once',
  },
  eager: { name: 'Everything at once', about: 'Eager: sees every schema from the start' },
  ptc: { name: 'Write programs', about: 'PTC: calls tools from a program' },
};

export const END_NAMES: Readonly<Record<End, string>> = {
  answer: 'answered',
  calls: 'out of calls',
  context: 'out of context',
  length: 'turn too long',
  error: 'episode failed',
  cancel: 'stopped',
};
