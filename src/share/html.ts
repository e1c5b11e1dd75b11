// Text that becomes HTML without becoming mark-up: the one place where strings are escaped. Must not know what they say.

/** A piece of HTML. Only {@link html} and {@link trusted} make one. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Part = string | number | Html | readonly Html[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
/**
 * Characters that no browser shows, or that turn the text round them about (Unicode's bidirectional controls): they are
 * named in the text. Tabs and newlines stay.
 */
const UNSEEN = /(?![\t\n])[\p{Control}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;

function named(character: string): string {
  return `[U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}]`;
}

/** A text with the same look in an element or a quoted attribute; half characters become U+FFFD. */
export function escapeHtml(text: string): string {
  return text
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .replaceAll('\r\n', '\n')
    .replace(UNSEEN, named)
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/** HTML of a template: strings and numbers in it are escaped, pieces of HTML stand as they are. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  const texts = parts.map((part) => {
    if (part instanceof Html) return part.text;
    if (typeof part === 'string' || typeof part === 'number') return escapeHtml(String(part));
    return part.map(({ text }) => text).join('');
  });
  return new Html(strings.map((text, i) => text + (texts[i] ?? '')).join(''));
}
