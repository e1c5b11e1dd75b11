// What a cell printed, up to a limit. Knows no interpreter.

export class Printed {
  readonly #limit: number;
  #text = '';
  #cutCharacters = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get text(): string {
    return this.#text;
  }

  /** Characters that were left out. */
  get cutCharacters(): number {
    return this.#cutCharacters;
  }

  /** Adds a line, or as much of it as there is room for. */
  add(line: string): void {
    const whole = this.#text === '' ? line : `\n${line}`;
    const kept = whole.slice(0, this.#limit - this.#text.length);
    this.#text += kept;
    this.#cutCharacters += whole.length - kept.length;
  }
}
