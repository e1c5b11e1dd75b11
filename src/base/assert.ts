// Checks of our own assumptions. Bad input from outside is not asserted: it throws a typed error at the edge.

/** Throws when one of our own assumptions does not hold. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}

/** The value, or an assertion failure that names what was missing. */
export function defined<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new Error(`assertion failed: no ${what}`);
  return value;
}
