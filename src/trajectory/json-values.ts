// When two JSON values are the same, and what stands at a path of one. Evaluates no check.
import type { Json, JsonObject } from './json.ts';
import type { StatePath } from './rubric.ts';

const RELATIVE_TOLERANCE = 1e-6;

/** Equal within 1e-6 relative. */
export function sameNumber(a: number, b: number): boolean {
  return Math.abs(a - b) <= RELATIVE_TOLERANCE * Math.max(Math.abs(a), Math.abs(b));
}

/** Deep equality; strings are compared trimmed and case-insensitively with `loose`. */
export function sameJson(a: Json, b: Json, loose = false): boolean {
  if (typeof a === 'number' && typeof b === 'number') return sameNumber(a, b);
  if (typeof a === 'string' && typeof b === 'string') {
    return a === b || (loose && folded(a) === folded(b));
  }
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, i) => sameJson(item, b[i] ?? null, loose));
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every(
    (key) => Object.hasOwn(b, key) && sameJson(a[key] ?? null, b[key] ?? null, loose),
  );
}

/** A text without differences of case and white space. */
export function folded(text: string): string {
  return text.trim().replace(/\s+/g, ' ').toLowerCase();
}

/** The value at a path; null where the path does not lead anywhere. */
export function valueAt(state: Json, path: StatePath): Json {
  let at: Json = state;
  for (const step of path) at = stepInto(at, step);
  return at;
}

function stepInto(at: Json, step: StatePath[number]): Json {
  if (typeof at !== 'object' || at === null) return null;
  if (typeof step === 'object') {
    const found = Array.isArray(at) ? at.find((item) => hasMembers(item, step)) : undefined;
    return found ?? null;
  }
  if (Array.isArray(at)) return typeof step === 'number' ? (at[step] ?? null) : null;
  const key = String(step);
  return Object.hasOwn(at, key) ? (at[key] ?? null) : null;
}

function hasMembers(item: Json, wanted: JsonObject): boolean {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return false;
  return Object.entries(wanted).every(([key, value]) => sameJson(item[key] ?? null, value));
}
