// Text that a server wrote, made fit to be shown and kept: no control characters, no endless length. It stays text; whoever
// shows it to a model or a page escapes it there. Knows no server.

/** Control, format (zero width, direction, tags), lone surrogate and private characters, but for newline and tab. */
const UNSEEN = /[^\P{C}\n\t]/gu;

/** The text without characters that nobody sees, cut at a number of characters with `…` as the last. */
export function cleanText(text: string, maxCharacters: number): string {
  // Cut first: a text of many megabytes is not scanned whole. Twice, as what is removed makes room.
  const seen = text
    .slice(0, 2 * maxCharacters)
    .replaceAll('\r\n', '\n')
    .replace(UNSEEN, '');
  if (seen.length <= maxCharacters && text.length <= 2 * maxCharacters) return seen;
  const high = seen.charCodeAt(maxCharacters - 2);
  const end = high >= 0xd800 && high <= 0xdbff ? maxCharacters - 2 : maxCharacters - 1;
  return `${seen.slice(0, end)}…`;
}

/** The text on one line, as names and errors need it. */
export function cleanLine(text: string, maxCharacters: number): string {
  return cleanText(
    text
      .slice(0, 4 * maxCharacters)
      .replace(/\s+/g, ' ')
      .trim(),
    maxCharacters,
  );
}

/**
 * A name that a policy can write and that is not yet taken: letters, digits, `_`, `-` and `.`. A colon would read as
 * `server:tool`.
 */
export function policyName(raw: string, taken: ReadonlySet<string>, maxCharacters: number): string {
  const plain = raw
    .slice(0, 4 * maxCharacters)
    .normalize('NFKC')
    .replace(/[^\w.-]+/g, '_')
    .slice(0, maxCharacters);
  const name = /[A-Za-z0-9]/.test(plain) ? plain : 'tool';
  if (!taken.has(name)) return name;
  for (let n = 2; ; n++) {
    const end = `_${n}`;
    const next = `${name.slice(0, maxCharacters - end.length)}${end}`;
    if (!taken.has(next)) return next;
  }
}
