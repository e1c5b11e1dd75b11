// Which tokens of a vocabulary may come next while a message is written with constrained calls. Knows no device.
import { InputError } from '../../base/errors.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { CallConstraint } from '../../trajectory/interfaces.ts';
import { isFree, messageExpression } from './call-grammar.ts';
import { Choice, type Expression, Expressions, Sequence, WideExpression } from './expression.ts';
import { TokenTrie } from './token-trie.ts';

/** What may be sampled next in one sequence. */
export interface TokenConstraint {
  /** Bit id % 32 of word id / 32 says whether an id may come next; null when every id may. */
  mask(): Uint32Array | null;
  /** Goes on with the id that was sampled. */
  accept(id: number): void;
}

/** Expressions are forgotten beyond this many; those of sequences under way stay good. */
const MAX_EXPRESSIONS = 100_000;
/** Walks, and masks of free text, kept at once: each has a bit for every token. */
const MAX_WALKS = 256;

/** A walk from the root: the tokens that fit, and where the expression may be over inside a token. */
interface Walk {
  readonly bits: Uint32Array;
  readonly ends: readonly number[];
}

/** What is worked out for one set of expressions. */
class Arena {
  readonly expressions = new Expressions();
  readonly walks = new Map<Expression, Walk>();
  readonly free = new Map<Expression, Uint32Array | null>();
}

/** The constraints of one vocabulary; what is found out for one sequence serves the others. */
export class TokenConstraints {
  readonly #tokenizer: Tokenizer;
  readonly #eosIds: readonly number[];
  readonly #words: number;
  #trie: TokenTrie | null = null;
  readonly #silent: Uint32Array;
  #arena = new Arena();

  /** @param vocab ids that the model has logits of; those beyond the tokenizer's are never allowed inside a call. */
  constructor(tokenizer: Tokenizer, eosIds: readonly number[], vocab: number) {
    this.#tokenizer = tokenizer;
    this.#eosIds = eosIds;
    this.#words = Math.ceil(vocab / 32);
    this.#silent = new Uint32Array(this.#words);
  }

  /** The constraint of one continuation. */
  start(constraint: CallConstraint): TokenConstraint {
    if (this.#arena.expressions.count > MAX_EXPRESSIONS) this.#arena = new Arena();
    const arena = this.#arena;
    let state = messageExpression(arena.expressions, constraint);
    return {
      mask: () => this.#mask(arena, state),
      accept: (id) => {
        state = this.#after(arena, state, id);
      },
    };
  }

  #after({ expressions }: Arena, state: Expression, id: number): Expression {
    if (isFree(state) && this.#eosIds.includes(id)) return state;
    let next = state;
    for (const byte of this.#tokenizer.shownBytes(id)) next = next.step(byte);
    if (next !== expressions.never) return next;
    throw new InputError('constraint', `constraint: got id ${id}, which its mask forbids`);
  }

  #mask(arena: Arena, state: Expression): Uint32Array | null {
    const known = arena.free.get(state);
    if (known !== undefined) return known;
    const bits = new Uint32Array(this.#words);
    this.#add(arena, state, bits);
    if (isFree(state)) {
      const mask = this.#freeMask(bits);
      if (arena.free.size >= MAX_WALKS) arena.free.clear();
      arena.free.set(state, mask);
      return mask;
    }
    for (const id of this.#eosIds) bits[id >>> 5] = (bits[id >>> 5] ?? 0) & ~(1 << (id & 31));
    if (bits.some((word) => word !== 0)) return bits;
    throw new InputError(
      'constraint',
      'constraint: no token of this vocabulary continues the call; leave the constraint off for this model',
    );
  }

  /** In free text tokens without text may come too, the end tokens among them. */
  #freeMask(bits: Uint32Array): Uint32Array | null {
    bits.forEach((word, i) => {
      bits[i] = word | (this.#silent[i] ?? 0);
    });
    for (const id of this.#eosIds) bits[id >>> 5] = (bits[id >>> 5] ?? 0) | (1 << (id & 31));
    const { vocabSize } = this.#tokenizer;
    for (let id = 0; id < vocabSize; id++) {
      if ((((bits[id >>> 5] ?? 0) >>> (id & 31)) & 1) === 0) return bits;
    }
    return null;
  }

  /** Adds the tokens that fit: those inside the head of a sequence, and those in which it ends, for what follows. */
  #add(arena: Arena, state: Expression, bits: Uint32Array): void {
    if (state instanceof Choice) {
      for (const option of state.options) this.#add(arena, option, bits);
      return;
    }
    const [head, tail] = state instanceof Sequence ? [state.head, state.tail] : [state, null];
    const ends = this.#addHead(arena, head, bits);
    if (tail === null) return;
    for (const node of ends) {
      if (node === 0) this.#add(arena, tail, bits);
      else this.#tokens().walk(tail, node, arena.expressions.never, bits);
    }
  }

  /** Adds the tokens of a head and returns its ends. Nearly all tokens fit inside a string: what was found there is kept. */
  #addHead({ walks, expressions }: Arena, whole: Expression, bits: Uint32Array): readonly number[] {
    const head = whole.within(this.#tokens().longest);
    const known = walks.get(head);
    const wide = head instanceof WideExpression;
    const ends: number[] = [];
    const own = wide && known === undefined ? new Uint32Array(this.#words) : bits;
    if (known === undefined) {
      this.#tokens().walk(head, 0, expressions.never, own, (node) => ends.push(node));
    }
    if (!wide) return ends;
    const walk = known ?? { bits: own, ends };
    if (walks.size >= MAX_WALKS) walks.clear();
    walks.set(head, walk);
    for (let i = 0; i < bits.length; i++) bits[i] = (bits[i] ?? 0) | (walk.bits[i] ?? 0);
    return walk.ends;
  }

  #tokens(): TokenTrie {
    if (this.#trie !== null) return this.#trie;
    const ids = Array.from({ length: this.#tokenizer.vocabSize }, (_, id) => id);
    const bytes = ids.map((id) => this.#tokenizer.shownBytes(id));
    for (const id of ids) {
      if (bytes[id]?.length !== 0) continue;
      this.#silent[id >>> 5] = (this.#silent[id >>> 5] ?? 0) | (1 << (id & 31));
    }
    this.#trie = new TokenTrie(bytes);
    return this.#trie;
  }
}
