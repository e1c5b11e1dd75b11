// Training of a byte-level BPE vocabulary on a corpus. Must not know what the corpus is about.
// Source: Sennrich, Haddow and Birch 2016, arXiv:1508.07909.
import { assert, defined } from '../base/assert.ts';
import { BYTE_ALPHABET, toByteText } from './bytes.ts';
import { splitter } from './pre-tokenizers.ts';

export interface TrainBpeOptions {
  /** The most tokens, bytes and specials included. */
  readonly maxVocab: number;
  /** Special tokens; merges never cross them. `<|…|>` are control tokens, all others are tags. */
  readonly specials: readonly string[];
  /** The pattern by which text is cut before BPE, as the tokenizer will use it. */
  readonly preRegex: string;
}

/** A vocabulary in the form of `tokenizer.ggml.*`: 256 bytes, then merged tokens, then specials. */
export interface Bpe {
  readonly tokens: string[];
  /** Aligned to tokens: 1 normal, 3 control, 4 tag. */
  readonly types: number[];
  /** In order of rank: the two tokens with a space between. */
  readonly merges: string[];
}

/** A different piece of the corpus, as token ids, and how often it occurs. */
interface Word {
  ids: number[];
  readonly count: number;
}

/** Room for the right id in a pair's key. */
const PAIR = 65536;

/**
 * Learns merges until the vocabulary is full or no pair occurs twice. The most frequent pair comes
 * first, of equals the one with the lower ids; the order of the corpus does not matter.
 */
export function trainBpe(corpus: readonly string[], options: TrainBpeOptions): Bpe {
  const tokens = [...BYTE_ALPHABET];
  const room = options.maxVocab - options.specials.length;
  assert(room >= tokens.length && room <= PAIR, `a vocabulary of ${options.maxVocab}`);
  const idOf = new Map(tokens.map((token, id) => [token, id]));
  const pairs = new PairCounts(countWords(corpus, options, idOf));
  const merges: string[] = [];
  while (tokens.length < room) {
    const best = pairs.best();
    if (best === null) break;
    const left = defined(tokens[best.left], 'left token');
    const right = defined(tokens[best.right], 'right token');
    merges.push(`${left} ${right}`);
    const known = idOf.get(left + right);
    const id = known ?? tokens.length;
    if (known === undefined) {
      tokens.push(left + right);
      idOf.set(left + right, id);
    }
    pairs.merge(best.left, best.right, id);
  }
  const types = tokens.map(() => 1);
  for (const special of options.specials) {
    tokens.push(special);
    types.push(special.startsWith('<|') ? 3 : 4);
  }
  return { tokens, types, merges };
}

function countWords(
  corpus: readonly string[],
  { specials, preRegex }: TrainBpeOptions,
  idOf: ReadonlyMap<string, number>,
): Word[] {
  const split = splitter({ patterns: [preRegex] });
  const counts = new Map<string, number>();
  for (const text of corpus) {
    const parts = specials.reduce((list, s) => list.flatMap((part) => part.split(s)), [text]);
    for (const piece of parts.flatMap(split)) {
      counts.set(piece, (counts.get(piece) ?? 0) + 1);
    }
  }
  return [...counts].map(([piece, count]) => ({
    ids: Array.from(toByteText(piece), (character) => defined(idOf.get(character), character)),
    count,
  }));
}

/** How often each pair of neighbours occurs, kept up to date as pairs are merged. */
class PairCounts {
  readonly #counts = new Map<number, number>();
  readonly #words = new Map<number, Set<Word>>();

  constructor(words: readonly Word[]) {
    for (const word of words) this.#add(word, 1);
  }

  /** The most frequent pair, of equals the one with the lower ids; null when none occurs twice. */
  best(): { left: number; right: number } | null {
    let bestKey = -1;
    let bestCount = 1;
    for (const [key, count] of this.#counts) {
      if (count > bestCount || (count === bestCount && bestKey >= 0 && key < bestKey)) {
        bestKey = key;
        bestCount = count;
      }
    }
    if (bestKey < 0) return null;
    return { left: Math.floor(bestKey / PAIR), right: bestKey % PAIR };
  }

  /** Replaces a pair by one id in every word. */
  merge(left: number, right: number, id: number): void {
    for (const word of [...(this.#words.get(left * PAIR + right) ?? [])]) {
      this.#add(word, -1);
      const ids: number[] = [];
      for (let i = 0; i < word.ids.length; i++) {
        const hit = word.ids[i] === left && word.ids[i + 1] === right;
        ids.push(hit ? id : (word.ids[i] as number));
        if (hit) i++;
      }
      word.ids = ids;
      this.#add(word, 1);
    }
  }

  #add(word: Word, sign: 1 | -1): void {
    for (let i = 0; i + 1 < word.ids.length; i++) {
      const key = (word.ids[i] as number) * PAIR + (word.ids[i + 1] as number);
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + sign * word.count);
      const words = this.#words.get(key) ?? new Set();
      if (sign > 0) words.add(word);
      else words.delete(word);
      this.#words.set(key, words);
    }
  }
}
