// Byte-level BPE from the metadata of a model file: text <-> token ids.
// Must not know the file format, messages, or which model the ids are for.
import { Tokenizer as Library } from '@huggingface/tokenizers';
import { InputError, ModelFileError } from '../base/errors.ts';
import type { SplitRule } from '../base/split-rules.ts';
import { fromByteText } from './bytes.ts';
import { preRule, splitter } from './pre-tokenizers.ts';

/** Text <-> token ids of one model. */
export interface Tokenizer {
  readonly vocabSize: number;
  /** Ids that end a turn; the file's own eos is the first. */
  readonly eosIds: readonly number[];
  /** The file's Jinja template; null when it has none. */
  readonly chatTemplate: string | null;
  /** Text of the beginning-of-text token, for templates; empty when there is none. */
  readonly bosToken: string;
  /** Text of the file's eos token, for templates; empty when there is none. */
  readonly eosToken: string;
  /**
   * Ids of a text. Special tokens written in the text are parsed only with `special`; otherwise
   * they are plain characters, so text from outside cannot forge a turn.
   * @throws {InputError} for a character that the vocabulary has no token for.
   */
  encode(text: string, options?: { special?: boolean }): number[];
  /**
   * Text of ids. `skipSpecial` leaves out control tokens (`<|im_end|>`), not tags (`<think>`). A
   * character that is not complete at the end is U+FFFD.
   * @throws {InputError} for an id outside the vocabulary.
   */
  decode(ids: readonly number[], options?: { skipSpecial?: boolean }): string;
  /** Whether a text has the text of a special token in it. */
  hasSpecial(text: string): boolean;
  /** The id of a token by its text; null when there is none. */
  idOf(token: string): number | null;
  /**
   * The bytes that an id adds to a text decoded with `skipSpecial`: none for a control token.
   * @throws {InputError} for an id outside the vocabulary.
   */
  shownBytes(id: number): Uint8Array;
}

/** Metadata of a model file, without types. */
export type TokenizerMetadata = Readonly<Record<string, unknown>>;

/** Pieces that are kept with their ids: short ones are most of a text, and V8 copies them out of it, so that it can go. */
const KEPT_CHARACTERS = 12;
const MAX_KEPT = 20_000;

const NORMAL = 1;
const CONTROL = 3;
const USER_DEFINED = 4;
/** Control tokens that end a turn whatever the file's eos is. */
const END_TOKENS = ['<|im_end|>', '<|endoftext|>', '<|eot_id|>', '<|end_of_text|>'];

interface Vocabulary {
  readonly tokens: readonly string[];
  readonly types: readonly number[];
  readonly merges: readonly string[];
  readonly rule: SplitRule;
}

/**
 * The tokenizer that a model file describes (`tokenizer.ggml.*`).
 * @throws {ModelFileError} for another kind than byte-level BPE, an unknown `pre`, and lists that
 * do not fit.
 */
export function tokenizerFromMetadata(metadata: TokenizerMetadata): Tokenizer {
  const vocabulary = readVocabulary(metadata);
  const { tokens, types } = vocabulary;
  const specials = new Map<string, number>();
  const plain = new Map<string, number>();
  tokens.forEach((token, id) => {
    const special = types[id] === CONTROL || types[id] === USER_DEFINED;
    (special ? specials : plain).set(token, id);
  });
  const encodePlain = plainEncoder(vocabulary, plain);
  const specialCut = specialSplitter([...specials.keys()]);
  const bytes = new Map<number, Uint8Array>();
  const bytesOf = (id: number): Uint8Array => {
    const token = tokens[id];
    if (token === undefined) throw badId(id, tokens.length);
    const known = bytes.get(id);
    if (known) return known;
    const made = specials.get(token) === id ? new TextEncoder().encode(token) : fromByteText(token);
    bytes.set(id, made);
    return made;
  };
  return {
    vocabSize: tokens.length,
    eosIds: endIds(metadata, vocabulary),
    chatTemplate: optionalText(metadata, 'tokenizer.chat_template'),
    bosToken: tokens[optionalId(metadata, 'bos', tokens.length) ?? -1] ?? '',
    eosToken: tokens[optionalId(metadata, 'eos', tokens.length) ?? -1] ?? '',
    encode(text, options = {}) {
      if (!options.special || specialCut === null) return encodePlain(text);
      return text.split(specialCut).flatMap((part) => {
        const id = specials.get(part);
        return id === undefined ? encodePlain(part) : [id];
      });
    },
    decode(ids, options = {}) {
      const kept = options.skipSpecial ? ids.filter((id) => types[id] !== CONTROL) : ids;
      return decodeBytes(kept.map(bytesOf));
    },
    hasSpecial: (text) => specialCut?.test(text) === true,
    idOf: (token) => specials.get(token) ?? plain.get(token) ?? null,
    shownBytes: (id) => (types[id] === CONTROL ? new Uint8Array(0) : bytesOf(id)),
  };
}

/**
 * Ids that end a turn, as {@link Tokenizer.eosIds}, without the tokenizer, which takes much memory.
 * @throws {ModelFileError} as `tokenizerFromMetadata` does.
 */
export function eosIdsOf(metadata: TokenizerMetadata): number[] {
  return endIds(metadata, readVocabulary(metadata));
}

function readVocabulary(metadata: TokenizerMetadata): Vocabulary {
  const model = metadata['tokenizer.ggml.model'];
  if (model !== 'gpt2') {
    throw new ModelFileError(
      'tokenizer-model',
      `tokenizer.ggml.model: got ${String(model ?? 'nothing')}, need gpt2 (byte-level BPE); ` +
        'choose a model with such a tokenizer',
    );
  }
  const pre = metadata['tokenizer.ggml.pre'] ?? 'default';
  const isText = (item: unknown): item is string => typeof item === 'string';
  const isNumber = (item: unknown): item is number => typeof item === 'number';
  const tokens = readList(metadata, 'tokenizer.ggml.tokens', isText);
  const merges = readList(metadata, 'tokenizer.ggml.merges', isText);
  const typed = 'tokenizer.ggml.token_type' in metadata;
  const types = typed
    ? readList(metadata, 'tokenizer.ggml.token_type', isNumber)
    : tokens.map(() => NORMAL);
  if (types.length !== tokens.length) {
    throw misfit('tokenizer.ggml.token_type', `${types.length} entries`, `${tokens.length}`);
  }
  const bad = merges.find((merge) => merge.split(' ').length !== 2);
  if (bad !== undefined) {
    throw misfit('tokenizer.ggml.merges', JSON.stringify(bad), 'two tokens with a space between');
  }
  return { tokens, types, merges, rule: preRule(String(pre)) };
}

function readList<T>(
  metadata: TokenizerMetadata,
  key: string,
  isItem: (item: unknown) => item is T,
): readonly T[] {
  const value = metadata[key];
  if (Array.isArray(value) && value.every(isItem)) return value;
  throw misfit(key, Array.isArray(value) ? 'a list with other items' : typeof value, 'a list');
}

function misfit(key: string, got: string, needed: string): ModelFileError {
  return new ModelFileError(
    'tokenizer-metadata',
    `${key}: got ${got}, need ${needed}; is this file whole?`,
  );
}

/**
 * Encodes text without special tokens. A text's ids are those of its pieces one after another, and most pieces are words that
 * were seen before.
 */
function plainEncoder(
  { merges, rule }: Vocabulary,
  plain: ReadonlyMap<string, number>,
): (text: string) => number[] {
  const split = splitter(rule);
  const encodePiece = pieceEncoder(merges, rule, plain);
  const known = new Map<string, readonly number[]>();
  const encodeWord = (piece: string): readonly number[] | null => {
    const ids = encodePiece(piece);
    if (ids !== null && piece.length <= KEPT_CHARACTERS) {
      if (known.size >= MAX_KEPT) known.clear();
      known.set(piece, ids);
    }
    return ids;
  };
  return (text) => {
    const ids: number[] = [];
    for (const piece of split(text)) {
      const word = known.get(piece) ?? encodeWord(piece);
      if (word === null) throw unknownCharacter(text);
      for (const id of word) ids.push(id);
    }
    return ids;
  };
}

/** Ids of a piece that no rule cuts further, by the library's merges; null for a character without a token. */
function pieceEncoder(
  merges: readonly string[],
  rule: SplitRule,
  plain: ReadonlyMap<string, number>,
): (piece: string) => number[] | null {
  // Without a prototype, so that the token `__proto__` is an entry like any other.
  const vocab: Record<string, number> = Object.assign(Object.create(null), {});
  for (const [token, id] of plain) vocab[token] = id;
  const library = new Library(
    {
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
      post_processor: null,
      decoder: { type: 'ByteLevel' },
      model: { type: 'BPE', vocab, merges: [...merges], ignore_merges: rule.ignoreMerges },
    },
    {},
  );
  const encoder = new TextEncoder();
  return (piece) => {
    const ids: number[] = [];
    let length = 0;
    for (const token of library.tokenize(piece)) {
      const id = plain.get(token);
      if (id !== undefined) ids.push(id);
      length += token.length;
    }
    // The library leaves out what it has no token for. Each character of a token is one byte of the
    // text.
    return length === encoder.encode(piece).length ? ids : null;
  };
}

function unknownCharacter(text: string): InputError {
  const shown = JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
  return new InputError(
    'tokenizer-character',
    `tokenizer: ${shown} has a character without a token in this model's vocabulary; ` +
      'leave it out, or choose another model',
  );
}

function badId(id: number, size: number): InputError {
  return new InputError(
    'tokenizer-id',
    `tokenizer: got id ${id}, need 0 to ${size - 1}; are these ids of another model?`,
  );
}

/**
 * A pattern that cuts a text at special tokens and keeps them, the longest first; null without
 * special tokens.
 */
function specialSplitter(specials: readonly string[]): RegExp | null {
  const texts = specials.filter((text) => text !== '').sort((a, b) => b.length - a.length);
  if (texts.length === 0) return null;
  const escaped = texts.map((text) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'));
  return new RegExp(`(${escaped.join('|')})`);
}

function decodeBytes(parts: readonly Uint8Array[]): string {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return parts.map((part) => decoder.decode(part, { stream: true })).join('') + decoder.decode();
}

function endIds(metadata: TokenizerMetadata, { tokens, types }: Vocabulary): number[] {
  const ids: number[] = [];
  for (const key of ['eos', 'eot']) {
    const id = optionalId(metadata, key, tokens.length);
    if (id !== null) ids.push(id);
  }
  const listed = metadata['pocket_atlas.eos_token_ids'];
  if (Array.isArray(listed)) {
    for (const id of listed) ids.push(validId('pocket_atlas.eos_token_ids', id, tokens.length));
  }
  for (const token of END_TOKENS) {
    const id = tokens.indexOf(token);
    if (id >= 0 && types[id] === CONTROL) ids.push(id);
  }
  return [...new Set(ids)];
}

function optionalId(metadata: TokenizerMetadata, name: string, size: number): number | null {
  const key = `tokenizer.ggml.${name}_token_id`;
  const value = metadata[key];
  return value === undefined ? null : validId(key, value, size);
}

function validId(key: string, value: unknown, size: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < size) {
    return value;
  }
  throw misfit(key, String(value), `an id from 0 to ${size - 1}`);
}

function optionalText(metadata: TokenizerMetadata, key: string): string | null {
  const value = metadata[key];
  return typeof value === 'string' ? value : null;
}
