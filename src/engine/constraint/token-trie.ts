// The tokens of a vocabulary as a tree of bytes in preorder, and walks through it along an expression.
import type { Expression } from './expression.ts';

export class TokenTrie {
  /** Node 0 is the root; a node's descendants stand behind it, up to `#end`. */
  readonly #byte: Uint8Array;
  readonly #depth: Uint16Array;
  readonly #end: Int32Array;
  /** The token that ends at a node, or -1; `#same` leads on to others of the same bytes. */
  readonly #token: Int32Array;
  readonly #same: Int32Array;
  readonly #stack: Expression[] = [];
  /** Bytes of the longest token. */
  readonly longest: number;

  /** @param tokens the bytes of each id; ids without bytes are not in the tree. */
  constructor(tokens: readonly Uint8Array[]) {
    this.#same = new Int32Array(tokens.length).fill(-1);
    const texts = tokens.map((bytes) => String.fromCharCode(...bytes));
    this.longest = texts.reduce((most, { length }) => Math.max(most, length), 0);
    const order = texts.map((_, id) => id).filter((id) => texts[id] !== '');
    order.sort((a, b) => ((texts[a] ?? '') < (texts[b] ?? '') ? -1 : 1));
    const nodes = { byte: [0], depth: [0], end: [0], token: [-1] };
    const path = [0];
    let before = '';
    for (const id of order) {
      const text = texts[id] ?? '';
      if (text === before) {
        const node = path.at(-1) ?? 0;
        this.#same[id] = nodes.token[node] ?? -1;
        nodes.token[node] = id;
        continue;
      }
      let same = 0;
      while (same < before.length && before[same] === text[same]) same++;
      for (const node of path.splice(same + 1)) nodes.end[node] = nodes.byte.length;
      for (let at = same; at < text.length; at++) {
        path.push(nodes.byte.length);
        nodes.byte.push(text.charCodeAt(at));
        nodes.depth.push(at + 1);
        nodes.end.push(0);
        nodes.token.push(at + 1 === text.length ? id : -1);
      }
      before = text;
    }
    for (const node of path) nodes.end[node] = nodes.byte.length;
    this.#byte = Uint8Array.from(nodes.byte);
    this.#depth = Uint16Array.from(nodes.depth);
    this.#end = Int32Array.from(nodes.end);
    this.#token = Int32Array.from(nodes.token);
  }

  /**
   * Sets the bits of the tokens below `from` whose further bytes the expression takes.
   * @param onEnd called with each node at which the expression may be over, `from` included.
   */
  walk(
    start: Expression,
    from: number,
    never: Expression,
    bits: Uint32Array,
    onEnd?: (node: number) => void,
  ): void {
    const base = this.#depth[from] ?? 0;
    const to = this.#end[from] ?? 0;
    const stack = this.#stack;
    stack[0] = start;
    if (start.nullable) onEnd?.(from);
    for (let node = from + 1; node < to; ) {
      const depth = (this.#depth[node] ?? 0) - base;
      const state = (stack[depth - 1] ?? never).step(this.#byte[node] ?? 0);
      if (state === never) {
        node = this.#end[node] ?? to;
        continue;
      }
      stack[depth] = state;
      for (let id = this.#token[node] ?? -1; id >= 0; id = this.#same[id] ?? -1) {
        bits[id >>> 5] = (bits[id >>> 5] ?? 0) | (1 << (id & 31));
      }
      if (onEnd !== undefined && state.nullable) onEnd(node);
      node++;
    }
  }
}
