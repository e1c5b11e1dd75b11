// Flags of commands: what was typed -> typed values, with one clear sentence for what does not fit.
import { parseArgs } from 'node:util';
import { InputError } from '../base/errors.ts';

type Options = Readonly<Record<string, 'string' | 'boolean' | 'strings'>>;

/** The parsed command line of one command. */
export class Flags {
  readonly command: string;
  readonly positionals: readonly string[];
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(command: string, argv: readonly string[], options: Options) {
    this.command = command;
    try {
      const parsed = parseArgs({
        args: [...argv],
        allowPositionals: true,
        strict: true,
        options: Object.fromEntries(
          Object.entries(options).map(([name, kind]) => [
            name,
            {
              type: kind === 'boolean' ? 'boolean' : 'string',
              multiple: kind === 'strings',
            } as const,
          ]),
        ),
      });
      this.positionals = parsed.positionals;
      this.#values = parsed.values;
    } catch (cause) {
      const text = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
      const known = Object.keys(options).map((name) => `--${name}`);
      throw new InputError('flags', `${command}: ${text} (flags: ${known.join(', ')})`);
    }
  }

  /** The n-th word that is no flag. @throws {InputError} when it is missing. */
  positional(n: number, what: string): string {
    const value = this.positionals[n];
    if (value === undefined) {
      throw new InputError('flags', `${this.command}: got no ${what}, need one after the command`);
    }
    return value;
  }

  has(name: string): boolean {
    return this.#values[name] !== undefined && this.#values[name] !== false;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  texts(name: string): string[] {
    const value = this.#values[name];
    return Array.isArray(value) ? value.map(String) : [];
  }

  /** @throws {InputError} when the flag is missing. */
  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) {
      throw new InputError('flags', `${this.command}: got no --${name}, need it`);
    }
    return value;
  }

  /** @throws {InputError} when it is not one of the choices. */
  choice<T extends string>(name: string, choices: readonly T[], fallback?: T): T {
    const value = this.text(name) ?? fallback;
    if (value !== undefined && choices.includes(value as T)) return value as T;
    const got = value === undefined ? 'nothing' : `"${value}"`;
    throw new InputError(
      'flags',
      `${this.command}: --${name}: got ${got}, need one of ${choices.join(', ')}`,
    );
  }

  /** A number in [low, high]. @throws {InputError} when it is none. */
  number(
    name: string,
    fallback: number,
    low = Number.NEGATIVE_INFINITY,
    high = Number.POSITIVE_INFINITY,
  ): number {
    const text = this.text(name);
    if (text === undefined) return fallback;
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isFinite(value) && value >= low && value <= high) return value;
    throw new InputError(
      'flags',
      `${this.command}: --${name}: got "${text}", need a number${Number.isFinite(low) ? ` from ${low}` : ''}${Number.isFinite(high) ? ` to ${high}` : ''}`,
    );
  }

  /** A whole number in [low, high]. @throws {InputError} when it is none. */
  integer(name: string, fallback: number, low = 0, high = 2 ** 32 - 1): number {
    const value = this.number(name, fallback, low, high);
    if (Number.isInteger(value)) return value;
    throw new InputError('flags', `${this.command}: --${name}: got ${value}, need a whole number`);
  }
}

/** Token ids written `1,2,3`. @throws {InputError} for anything else. */
export function parseIds(command: string, text: string): number[] {
  return text.split(',').map((part) => {
    const value = Number(part.trim());
    if (part.trim() !== '' && Number.isInteger(value) && value >= 0) return value;
    throw new InputError(
      'flags',
      `${command}: --ids: got "${part.trim()}", need token ids joined by commas, such as 1,2,3`,
    );
  });
}
