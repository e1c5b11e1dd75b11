// Messages with tool calls as expressions: free text, and between <tool_call> and </tool_call> a call of a known tool whose
// arguments follow its schema. Knows no token.

import type { CallConstraint } from '../../trajectory/interfaces.ts';
import type { JsonObject } from '../../trajectory/json.ts';
import { type Expression, type Expressions, Sequence, WideExpression } from './expression.ts';
import { SchemaExpressions } from './json-schema.ts';
import { isTag, tagStep } from './tags.ts';

/** Text up to the end of an opening tag that does not stand in thinking. What follows it is none of its business. */
class FreeText extends WideExpression {
  readonly nullable = false;
  readonly #all: Expressions;
  readonly #thinking: boolean;
  readonly #seen: string;

  constructor(id: number, all: Expressions, thinking: boolean, seen: string) {
    super(id);
    this.#all = all;
    this.#thinking = thinking;
    this.#seen = seen;
  }

  protected derive(byte: number): Expression {
    const seen = tagStep(this.#seen, byte);
    if (!isTag(seen)) return freeText(this.#all, this.#thinking, seen);
    if (seen === '<tool_call>' && !this.#thinking) return this.#all.empty;
    return freeText(this.#all, seen === '<think>' || (this.#thinking && seen !== '</think>'));
  }
}

function freeText(all: Expressions, thinking: boolean, seen = ''): Expression {
  return all.intern(`text ${thinking} ${seen}`, (id) => new FreeText(id, all, thinking, seen));
}

/** Whether a message is outside of its calls: anything may follow, the end too. */
export function isFree(state: Expression): boolean {
  return state instanceof Sequence && state.head instanceof FreeText;
}

/** What follows the opening tag, up to and with the closing one. */
function callExpression(all: Expressions, { calls }: CallConstraint): Expression {
  const { space } = new SchemaExpressions(all, {});
  const word = (text: string) => all.seq(all.text(text), space);
  const options = calls.map(({ name, inputSchema }) => {
    const schemas = new SchemaExpressions(all, inputSchema);
    const root: JsonObject = { type: 'object', ...inputSchema };
    const parts = [schemas.literal(name), space, word(','), word('"arguments"'), word(':')];
    return all.seq(...parts, schemas.value(root));
  });
  const head = [space, word('{'), word('"name"'), word(':')];
  return all.seq(...head, all.alt(options), space, word('}'), all.text('</tool_call>'));
}

/** A whole message with calls of the given tools; its states tell by {@link isFree} whether it may end. */
export function messageExpression(all: Expressions, constraint: CallConstraint): Expression {
  const key = `calls ${all.label(JSON.stringify(constraint.calls))}`;
  const calls = all.lazy(key, () =>
    all.seq(callExpression(all, constraint), freeText(all, false), calls),
  );
  return all.seq(freeText(all, constraint.thinking), calls);
}
