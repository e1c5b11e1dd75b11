// Languages of bytes as expressions with derivatives (Brzozowski 1964, doi:10.1145/321239.321249): the expression of what
// may still follow is the state of a match. Equal expressions are one object. Knows no JSON and no token.

/** What may follow. */
export abstract class Expression {
  readonly id: number;
  /** Whether nothing more is needed. */
  abstract readonly nullable: boolean;
  readonly #next = new Map<number, Expression>();
  /** A bit for each byte that is known to lead nowhere. */
  readonly #dead = new Uint32Array(8);
  #never: Expression | null = null;

  constructor(id: number) {
    this.id = id;
  }

  /** What may follow after one more byte; {@link Expressions.never} when that byte cannot come. */
  step(byte: number): Expression {
    const [word, bit] = [byte >>> 5, 1 << (byte & 31)];
    if (this.#never !== null && ((this.#dead[word] ?? 0) & bit) !== 0) return this.#never;
    const known = this.#next.get(byte);
    if (known !== undefined) return known;
    const next = this.derive(byte);
    if (next instanceof Never) {
      // Most bytes lead nowhere from most expressions.
      this.#never = next;
      this.#dead[word] = (this.#dead[word] ?? 0) | bit;
    } else this.#next.set(byte, next);
    return next;
  }

  /**
   * An expression that takes the same texts of up to `length` bytes, the same one for as many as possible: a string that may
   * have 900 more characters is then one that may have 901.
   */
  within(_length: number): Expression {
    return this;
  }

  protected abstract derive(byte: number): Expression;
}

/** An expression that takes most bytes: it keeps a table of all of them. */
export abstract class WideExpression extends Expression {
  readonly #table: (Expression | undefined)[] = new Array<Expression | undefined>(256);

  override step(byte: number): Expression {
    const known = this.#table[byte];
    if (known !== undefined) return known;
    const next = this.derive(byte);
    this.#table[byte] = next;
    return next;
  }
}

class Never extends Expression {
  readonly nullable = false;
  protected derive(): Expression {
    return this;
  }
}

class Empty extends Expression {
  readonly nullable = true;
  readonly #never: Expression;

  constructor(id: number, never: Expression) {
    super(id);
    this.#never = never;
  }

  protected derive(): Expression {
    return this.#never;
  }
}

class OneByte extends Expression {
  readonly nullable = false;
  readonly #all: Expressions;
  readonly #members: Uint8Array;

  constructor(id: number, all: Expressions, members: Uint8Array) {
    super(id);
    this.#all = all;
    this.#members = members;
  }

  protected derive(byte: number): Expression {
    return this.#members[byte] === 1 ? this.#all.empty : this.#all.never;
  }
}

/** First `head`, then `tail`; `head` is no sequence itself. */
export class Sequence extends Expression {
  readonly nullable: boolean;
  readonly head: Expression;
  readonly tail: Expression;
  readonly #all: Expressions;

  constructor(id: number, all: Expressions, head: Expression, tail: Expression) {
    super(id);
    this.#all = all;
    this.head = head;
    this.tail = tail;
    this.nullable = head.nullable && tail.nullable;
  }

  override within(length: number): Expression {
    return this.#all.seq(this.head.within(length), this.tail.within(length));
  }

  protected derive(byte: number): Expression {
    const inside = this.#all.seq(this.head.step(byte), this.tail);
    return this.head.nullable ? this.#all.alt([inside, this.tail.step(byte)]) : inside;
  }
}

/** One of `options`. */
export class Choice extends Expression {
  readonly nullable: boolean;
  readonly options: readonly Expression[];
  readonly #all: Expressions;

  constructor(id: number, all: Expressions, options: readonly Expression[]) {
    super(id);
    this.#all = all;
    this.options = options;
    this.nullable = options.some((option) => option.nullable);
  }

  protected derive(byte: number): Expression {
    return this.#all.alt(this.options.map((option) => option.step(byte)));
  }
}

class Repeat extends Expression {
  readonly nullable: boolean;
  readonly #all: Expressions;
  readonly #item: Expression;
  readonly #min: number;
  readonly #max: number;

  constructor(id: number, all: Expressions, item: Expression, [min, max]: [number, number]) {
    super(id);
    this.#all = all;
    this.#item = item;
    this.#min = min;
    this.#max = max;
    this.nullable = min === 0;
  }

  override within(length: number): Expression {
    // An item has at least one byte.
    const max = this.#max >= length ? Number.POSITIVE_INFINITY : this.#max;
    return this.#all.repeat(this.#item, Math.min(this.#min, length + 1), max);
  }

  protected derive(byte: number): Expression {
    const all = this.#all;
    const inside = this.#item.step(byte);
    if (inside === all.never) return inside;
    return all.seq(inside, all.repeat(this.#item, Math.max(this.#min - 1, 0), this.#max - 1));
  }
}

class Lazy extends Expression {
  readonly nullable = false;
  readonly #make: () => Expression;
  #made: Expression | null = null;

  constructor(id: number, make: () => Expression) {
    super(id);
    this.#make = make;
  }

  protected derive(byte: number): Expression {
    this.#made ??= this.#make();
    return this.#made.step(byte);
  }
}

/** Makes expressions, each only once. */
export class Expressions {
  readonly never: Expression;
  readonly empty: Expression;
  readonly #known = new Map<string, Expression>();
  readonly #labels = new Map<string, number>();
  #count = 0;

  constructor() {
    this.never = this.intern('never', (id) => new Never(id));
    this.empty = this.intern('empty', (id) => new Empty(id, this.never));
  }

  /** Expressions made so far. */
  get count(): number {
    return this.#count;
  }

  /** The expression of a key, made at its first use. */
  intern(key: string, make: (id: number) => Expression): Expression {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const made = make(this.#count++);
    this.#known.set(key, made);
    return made;
  }

  /** A short name for a long text, for keys. */
  label(text: string): number {
    const label = this.#labels.get(text) ?? this.#labels.size;
    this.#labels.set(text, label);
    return label;
  }

  /** One byte of the ranges, both ends included. */
  byteOf(...ranges: readonly (readonly [number, number])[]): Expression {
    const members = new Uint8Array(256);
    for (const [from, to] of ranges) members.fill(1, from, to + 1);
    return this.intern(`byte ${members.join('')}`, (id) => new OneByte(id, this, members));
  }

  /** The UTF-8 bytes of a text. */
  text(text: string): Expression {
    const bytes = [...new TextEncoder().encode(text)];
    return this.seq(...bytes.map((byte) => this.byteOf([byte, byte])));
  }

  seq(...parts: readonly Expression[]): Expression {
    return parts.reduceRight((tail, head) => this.#pair(head, tail), this.empty);
  }

  #pair(head: Expression, tail: Expression): Expression {
    if (head === this.never || tail === this.never) return this.never;
    if (head === this.empty) return tail;
    if (tail === this.empty) return head;
    if (head instanceof Sequence) return this.#pair(head.head, this.#pair(head.tail, tail));
    return this.intern(`seq ${head.id} ${tail.id}`, (id) => new Sequence(id, this, head, tail));
  }

  alt(options: readonly Expression[]): Expression {
    const flat = options.flatMap((one) => (one instanceof Choice ? one.options : [one]));
    const kept = [...new Set(flat)].filter((one) => one !== this.never);
    const [first = this.never] = kept;
    if (kept.length < 2) return first;
    kept.sort((a, b) => a.id - b.id);
    const key = `alt ${kept.map(({ id }) => id).join(' ')}`;
    return this.intern(key, (id) => new Choice(id, this, kept));
  }

  /** `item`, which takes at least one byte, from `min` to `max` times. */
  repeat(item: Expression, min: number, max: number): Expression {
    if (min > max) return this.never;
    if (max === 0) return this.empty;
    if (item === this.never) return min === 0 ? this.empty : item;
    const key = `repeat ${item.id} ${min} ${max}`;
    return this.intern(key, (id) => new Repeat(id, this, item, [min, max]));
  }

  /** One of at least one byte, made when it is first needed: for recursion, and for what is seldom reached. */
  lazy(key: string, make: () => Expression): Expression {
    return this.intern(`lazy ${key}`, (id) => new Lazy(id, make));
  }
}
