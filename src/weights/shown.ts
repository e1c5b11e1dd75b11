// Values from a file inside a message. Must not know what they mean.

const MAX_SHOWN = 80;

/**
 * A value from a file for a message: one short line whatever it is. Lists and objects are not
 * printed, as a file can nest them deeper than a printer can follow.
 */
export function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'object' && value !== null) {
    return Array.isArray(value) ? 'a list' : 'an object';
  }
  const text = String(value);
  const short = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
  // Line breaks and the like as JSON escapes, all else as it is.
  return short.replace(/[\p{Cc}\u2028\u2029]/gu, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
