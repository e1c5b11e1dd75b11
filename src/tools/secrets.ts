// What must never be shown: tokens, keys, codes. Whatever leaves the connection passes by `hide`, since a server can say
// back what it was sent. Knows no server.
import type { Json } from '../trajectory/json.ts';

/** A shorter value would blank out ordinary words. */
export const SHORTEST_SECRET = 6;
const HIDDEN = '[secret]';

/** Values to hide. It grows as tokens are fetched and refreshed. */
export class Secrets {
  readonly #values = new Set<string>();

  add(value: string | null | undefined): void {
    if (typeof value === 'string' && value.length >= SHORTEST_SECRET) this.#values.add(value);
  }

  /** Adds the values of a URL's query, where keys are often put. */
  addQuery(url: string): void {
    for (const value of new URL(url).searchParams.values()) this.add(value);
  }

  hide(text: string): string {
    let out = text;
    for (const value of this.#values) out = out.replaceAll(value, HIDDEN);
    return out;
  }

  hideIn(value: Json): Json {
    if (this.#values.size === 0) return value;
    if (typeof value === 'string') return this.hide(value);
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((item) => this.hideIn(item));
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [this.hide(key), this.hideIn(item)]),
    );
  }
}

/** A URL as it may be shown: without user, password, query and fragment. */
export function shownUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  return parsed === null ? 'a text that is no URL' : `${parsed.origin}${parsed.pathname}`;
}
