// The metadata entries by which a GGUF file carries a byte-level BPE tokenizer. Must not know how
// one is used.
// Source: docs/gguf.md of ggml-org/ggml at d99724f.
import {
  boolEntry,
  type GgufEntry,
  i32sEntry,
  stringEntry,
  stringsEntry,
  u32Entry,
} from './gguf-values.ts';

export interface TokenizerFields {
  readonly tokens: readonly string[];
  /** Aligned to tokens: 1 normal, 3 control, 4 user-defined. */
  readonly types: readonly number[];
  readonly merges: readonly string[];
  /** Name of the rule that cuts text before BPE. */
  readonly pre: string;
  readonly eosId: number;
  readonly paddingId: number;
  readonly chatTemplate: string;
}

/** The `tokenizer.*` entries of a file, in a fixed order. */
export function tokenizerEntries(fields: TokenizerFields): [string, GgufEntry][] {
  return [
    ['tokenizer.ggml.model', stringEntry('gpt2')],
    ['tokenizer.ggml.pre', stringEntry(fields.pre)],
    ['tokenizer.ggml.tokens', stringsEntry(fields.tokens)],
    ['tokenizer.ggml.token_type', i32sEntry(fields.types)],
    ['tokenizer.ggml.merges', stringsEntry(fields.merges)],
    ['tokenizer.ggml.eos_token_id', u32Entry(fields.eosId)],
    ['tokenizer.ggml.padding_token_id', u32Entry(fields.paddingId)],
    ['tokenizer.ggml.add_bos_token', boolEntry(false)],
    ['tokenizer.chat_template', stringEntry(fields.chatTemplate)],
  ];
}
