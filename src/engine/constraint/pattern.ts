// A regular expression of a schema -> the expression of JSON string bodies that it matches. Knows the common syntax:
// literals, classes, groups, choices, counts, and anchors at the ends. What it does not know it refuses: see tryPattern.
import { asciiCharacter, beyondAscii } from './characters.ts';
import type { Expression, Expressions } from './expression.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ASCII = Array.from({ length: 128 }, (_, code) => code);
const DIGITS = codes((char) => /\d/.test(char));
const WORDS = codes((char) => /\w/.test(char));
const SPACES = codes((char) => /\s/.test(char));
const CONTROLS: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11 };

/** ASCII codes, single characters beyond, and whether all others beyond ASCII belong. */
interface CharacterSet {
  readonly ascii: ReadonlySet<number>;
  readonly beyond: boolean;
  readonly others: readonly string[];
}

/** Syntax that is not known. */
class Unknown extends Error {}

function codes(has: (char: string) => boolean): ReadonlySet<number> {
  return new Set(ASCII.filter((code) => has(String.fromCharCode(code))));
}

function without(ascii: ReadonlySet<number>): CharacterSet {
  return { ascii: new Set(ASCII.filter((code) => !ascii.has(code))), beyond: true, others: [] };
}

function only(ascii: ReadonlySet<number>): CharacterSet {
  return { ascii, beyond: false, others: [] };
}

class PatternReader {
  readonly #all: Expressions;
  readonly #chars: readonly string[];
  #at = 0;

  constructor(all: Expressions, pattern: string) {
    this.#all = all;
    this.#chars = [...pattern];
  }

  whole(): Expression {
    const anchored = this.#take('^');
    const body = this.#choice(true);
    const ended = this.#take('$');
    if (this.#at < this.#chars.length) throw new Unknown();
    const anything = this.#all.repeat(this.#set(without(new Set())), 0, Number.POSITIVE_INFINITY);
    const free = (is: boolean) => (is ? this.#all.empty : anything);
    return this.#all.seq(free(anchored), body, free(ended));
  }

  #next(): string {
    const char = this.#chars[this.#at++];
    if (char === undefined) throw new Unknown();
    return char;
  }

  #take(char: string): boolean {
    if (this.#chars[this.#at] !== char) return false;
    this.#at += 1;
    return true;
  }

  /** Choices at the top could each have anchors of their own, which is not known. */
  #choice(top: boolean): Expression {
    const options = [this.#sequence()];
    while (this.#take('|')) {
      if (top) throw new Unknown();
      options.push(this.#sequence());
    }
    return this.#all.alt(options);
  }

  #sequence(): Expression {
    const parts: Expression[] = [];
    for (;;) {
      const char = this.#chars[this.#at];
      if (char === undefined || char === '|' || char === ')' || char === '$') break;
      parts.push(this.#counted(this.#atom()));
    }
    return this.#all.seq(...parts);
  }

  #counted(item: Expression): Expression {
    const many = Number.POSITIVE_INFINITY;
    let counts: [number, number] | null = null;
    if (this.#take('*')) counts = [0, many];
    else if (this.#take('+')) counts = [1, many];
    else if (this.#take('?')) counts = [0, 1];
    else if (this.#take('{')) counts = this.#braces();
    if (counts === null) return item;
    this.#take('?');
    if (item.nullable) throw new Unknown();
    return this.#all.repeat(item, ...counts);
  }

  #braces(): [number, number] {
    let text = '';
    for (let char = this.#next(); char !== '}'; char = this.#next()) text += char;
    const [, low, comma, high] = /^(\d+)(,?)(\d*)$/.exec(text) ?? [];
    if (low === undefined) throw new Unknown();
    const most = high === '' ? Number.POSITIVE_INFINITY : Number(high);
    return [Number(low), comma === '' ? Number(low) : most];
  }

  #atom(): Expression {
    const char = this.#next();
    if (char === '(') {
      if (this.#take('?') && !this.#take(':')) throw new Unknown();
      const inner = this.#choice(false);
      if (!this.#take(')')) throw new Unknown();
      return inner;
    }
    if (char === '[') return this.#set(this.#class());
    if (char === '.') return this.#set(without(new Set([10, 13])));
    if (char === '\\') return this.#set(this.#escape());
    if ('^*+?{}]'.includes(char)) throw new Unknown();
    return this.#set(single(char));
  }

  #escape(): CharacterSet {
    const char = this.#next();
    const sets: Readonly<Record<string, ReadonlySet<number>>> = { d: DIGITS, w: WORDS, s: SPACES };
    const known = sets[char];
    if (known !== undefined) return only(known);
    const negated = sets[char.toLowerCase()];
    if (negated !== undefined) return without(negated);
    const control = CONTROLS[char];
    if (control !== undefined) return only(new Set([control]));
    if (/[A-Za-z0-9]/.test(char)) throw new Unknown();
    return single(char);
  }

  #class(): CharacterSet {
    const negated = this.#take('^');
    const ascii = new Set<number>();
    const others: string[] = [];
    while (!this.#take(']')) {
      const from = this.#member();
      const isRange = this.#chars[this.#at] === '-' && this.#chars[this.#at + 1] !== ']';
      if (isRange) {
        this.#at += 1;
        const [low, high] = [from, this.#member()].map(({ ascii: [code], others: [char] }) =>
          char === undefined ? code : undefined,
        );
        if (low === undefined || high === undefined) throw new Unknown();
        for (let code = low; code <= high; code++) ascii.add(code);
        continue;
      }
      if (from.beyond) throw new Unknown();
      for (const code of from.ascii) ascii.add(code);
      others.push(...from.others);
    }
    if (!negated) return { ascii, beyond: false, others };
    if (others.length > 0) throw new Unknown();
    return without(ascii);
  }

  #member(): { ascii: number[]; beyond: boolean; others: readonly string[] } {
    const char = this.#next();
    const set = char === '\\' ? this.#escape() : single(char);
    return { ...set, ascii: [...set.ascii] };
  }

  #set({ ascii, beyond, others }: CharacterSet): Expression {
    const all = this.#all;
    const isPlain = (code: number) => code >= 32 && code !== QUOTE && code !== BACKSLASH;
    const plain = all.byteOf(...[...ascii].filter(isPlain).map((code) => [code, code] as const));
    const escaped = [...ascii].filter((code) => !isPlain(code));
    return all.alt([
      plain,
      ...escaped.map((code) => asciiCharacter(all, code)),
      ...others.map((char) => all.text(char)),
      ...(beyond ? [beyondAscii(all)] : []),
    ]);
  }
}

function single(char: string): CharacterSet {
  const code = char.codePointAt(0) ?? 0;
  if (code < 128) return only(new Set([code]));
  return { ascii: new Set(), beyond: false, others: [char] };
}

/** JSON string bodies that a pattern matches; null for syntax that is not known here. */
export function tryPattern(all: Expressions, pattern: string): Expression | null {
  try {
    return new PatternReader(all, pattern).whole();
  } catch (error) {
    if (error instanceof Unknown) return null;
    throw error;
  }
}
