// The named rules by which text is cut before BPE. Must not know any vocabulary.
// Source of the patterns: llama-vocab.cpp of ggml-org/llama.cpp, and the tokenizer.json of Qwen2,
// Llama 3 and SmolLM.
import { SplitPreTokenizer } from '@huggingface/tokenizers';
import { ModelFileError } from '../base/errors.ts';

/** A rule: patterns that cut one after the other. */
export interface PreRule {
  readonly patterns: readonly string[];
  /** A piece that is a token as it stands is not built from merges. */
  readonly ignoreMerges: boolean;
}

const GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
/** What llama.cpp does without a name, which is not GPT-2's rule: punctuation and digits are cut apart first. */
const DEFAULT = [
  '[\\p{P}\\$\\+<=>\\^~\\|]+',
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)",
  '\\p{N}+',
  '[0-9][0-9][0-9]',
];
const modern = (digits: string): string =>
  `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}|` +
  ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';

/**
 * Runs of letters, single digits, runs of punctuation, single white-space characters: nano's rule.
 */
export const NANO_PRE_REGEX = '[A-Za-z_]+|[0-9]|[^\\sA-Za-z0-9_]+|\\s';

const RULES = new Map<string, PreRule>([
  ['pocket-atlas', { patterns: [NANO_PRE_REGEX], ignoreMerges: false }],
  ['qwen2', { patterns: [modern('\\p{N}')], ignoreMerges: false }],
  ['llama-bpe', { patterns: [modern('\\p{N}{1,3}')], ignoreMerges: true }],
  ['smollm', { patterns: ['\\p{N}', GPT2], ignoreMerges: false }],
  ['gpt-2', { patterns: [GPT2], ignoreMerges: false }],
  ['default', { patterns: DEFAULT, ignoreMerges: false }],
]);

/**
 * The rule of a `tokenizer.ggml.pre` name.
 * @throws {ModelFileError} for a name that is not known.
 */
export function preRule(name: string): PreRule {
  const rule = RULES.get(name);
  if (rule) return rule;
  throw new ModelFileError(
    'tokenizer-pre',
    `tokenizer.ggml.pre: got ${name}, need one of ${[...RULES.keys()].join(', ')}; ` +
      'choose a model with one of these tokenizers',
    { data: { got: name } },
  );
}

/** Cuts a text by one pattern; the pieces joined are the text. */
export function splitText(text: string, pattern: string): string[] {
  return new SplitPreTokenizer(splitStep(pattern)).pre_tokenize_text(text);
}

/** The step of a tokenizer.json for one pattern. */
export function splitStep(pattern: string): {
  type: 'Split';
  pattern: { Regex: string };
  behavior: 'Isolated';
  invert: false;
} {
  return { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false };
}
