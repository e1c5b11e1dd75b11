// The rules by which text is cut before BPE, and the cutting. Must not know any vocabulary.
import { SplitPreTokenizer } from '@huggingface/tokenizers';
import { ModelFileError } from '../base/errors.ts';
import { SPLIT_RULES, type SplitRule } from '../base/split-rules.ts';

/** What llama.cpp does without a name, which is not GPT-2's rule: punctuation and digits are cut apart first. */
const DEFAULT = [
  '[\\p{P}\\$\\+<=>\\^~\\|]+',
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)",
  '\\p{N}+',
  '[0-9][0-9][0-9]',
];

const RULES = new Map<string, SplitRule>([
  ...SPLIT_RULES,
  ['default', { patterns: DEFAULT, ignoreMerges: false }],
]);

/**
 * The rule of a `tokenizer.ggml.pre` name.
 * @throws {ModelFileError} for a name that is not known.
 */
export function preRule(name: string): SplitRule {
  const rule = RULES.get(name);
  if (rule) return rule;
  throw new ModelFileError(
    'tokenizer-pre',
    `tokenizer.ggml.pre: got ${name}, need one of ${[...RULES.keys()].join(', ')}; ` +
      'choose a model with one of these tokenizers',
    { data: { got: name } },
  );
}

/** Cuts texts by the patterns of a rule, one after the other; the pieces joined are the text. */
export function splitter({ patterns }: Pick<SplitRule, 'patterns'>): (text: string) => string[] {
  const steps = patterns.map((pattern) => new SplitPreTokenizer(splitStep(pattern)));
  const cut = (pieces: string[], step: SplitPreTokenizer): string[] =>
    pieces.flatMap((piece) => step.pre_tokenize_text(piece));
  return (text) => steps.reduce(cut, [text]);
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
