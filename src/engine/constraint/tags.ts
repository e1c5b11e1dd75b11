// The tags that mean something in an assistant's message, found byte by byte. Knows no JSON.
import { type Expression, type Expressions, WideExpression } from './expression.ts';

const TAGS = ['<think>', '</think>', '<tool_call>', '</tool_call>'] as const;
export type Tag = (typeof TAGS)[number];

/** The longest end of `seen` and one more byte that a tag begins with. */
export function tagStep(seen: string, byte: number): string {
  let text = seen + String.fromCharCode(byte);
  while (!TAGS.some((tag) => tag.startsWith(text))) text = text.slice(1);
  return text;
}

/** Whether what was seen is a whole tag. */
export function isTag(seen: string): seen is Tag {
  return TAGS.some((tag) => tag === seen);
}

/** A JSON text without tags: `<` of each is written as an escape. */
export function withoutTags(json: string): string {
  return json.replace(/<(?=\/?(think|tool_call)>)/g, '\\u003c');
}

class Tagless extends WideExpression {
  readonly nullable: boolean;
  readonly #all: Expressions;
  readonly #inner: Expression;
  readonly #seen: string;

  constructor(id: number, all: Expressions, inner: Expression, seen: string) {
    super(id);
    this.#all = all;
    this.#inner = inner;
    this.#seen = seen;
    this.nullable = inner.nullable;
  }

  override within(length: number): Expression {
    return tagless(this.#all, this.#inner.within(length), this.#seen);
  }

  protected derive(byte: number): Expression {
    const seen = tagStep(this.#seen, byte);
    return isTag(seen) ? this.#all.never : tagless(this.#all, this.#inner.step(byte), seen);
  }
}

/** What of `inner` has no tag in it: a reader of the message would take one for its own. */
export function tagless(all: Expressions, inner: Expression, seen = ''): Expression {
  if (inner === all.never || inner === all.empty) return inner;
  const key = `tagless ${inner.id} ${seen}`;
  return all.intern(key, (id) => new Tagless(id, all, inner, seen));
}
