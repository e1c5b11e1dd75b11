// Finds stop texts in what is sampled, over any borders of tokens. Knows no policy.
import { InputError } from '../base/errors.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/** One character for each byte, so that tokens that divide a character join to the same text. */
function byteText(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/** The stop texts of one continuation. Control tokens have no text. */
export class StopTexts {
  readonly #tokenizer: Tokenizer;
  readonly #texts: readonly string[];
  readonly #kept: number;
  #tail = '';

  /** @throws {InputError} for an empty text. */
  constructor(tokenizer: Tokenizer, texts: readonly string[]) {
    if (texts.includes('')) {
      throw new InputError('stop', 'stop: got an empty text, need at least one character');
    }
    this.#tokenizer = tokenizer;
    this.#texts = texts.map((text) => byteText(new TextEncoder().encode(text)));
    this.#kept = Math.max(0, ...this.#texts.map(({ length }) => length - 1));
  }

  /** Whether a stop text is whole with this id. */
  push(id: number): boolean {
    const text = this.#tail + byteText(this.#tokenizer.shownBytes(id));
    this.#tail = this.#kept === 0 ? '' : text.slice(-this.#kept);
    return this.#texts.some((stop) => text.includes(stop));
  }
}
