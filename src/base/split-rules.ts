// The named rules by which text is cut before BPE: tokenizers cut by them, readers of model files know them again.
// Must not know how a text is cut.
// Source of the patterns: llama-vocab.cpp of ggml-org/llama.cpp, and the tokenizer.json of Qwen2, Llama 3 and SmolLM.

/** A rule: patterns that cut one after the other. */
export interface SplitRule {
  readonly patterns: readonly string[];
  /** A piece that is a token as it stands is not built from merges. */
  readonly ignoreMerges: boolean;
}

/** GPT-2's pattern, which is also what a ByteLevel step of a tokenizer.json cuts by. */
export const GPT2_REGEX =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
const modern = (digits: string): string =>
  `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}|` +
  ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';

/**
 * Runs of letters, single digits, runs of punctuation, single white-space characters: nano's rule.
 */
export const NANO_PRE_REGEX = '[A-Za-z_]+|[0-9]|[^\\sA-Za-z0-9_]+|\\s';

/** By the name that GGUF has for them (`tokenizer.ggml.pre`); no two are alike. */
export const SPLIT_RULES: ReadonlyMap<string, SplitRule> = new Map([
  ['pocket-atlas', { patterns: [NANO_PRE_REGEX], ignoreMerges: false }],
  ['qwen2', { patterns: [modern('\\p{N}')], ignoreMerges: false }],
  ['llama-bpe', { patterns: [modern('\\p{N}{1,3}')], ignoreMerges: true }],
  ['smollm', { patterns: ['\\p{N}', GPT2_REGEX], ignoreMerges: false }],
  ['gpt-2', { patterns: [GPT2_REGEX], ignoreMerges: false }],
]);
