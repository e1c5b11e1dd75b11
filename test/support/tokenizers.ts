// Small real tokenizers: BPE trained on a few lines, with the template that a test needs.
import { NANO_PRE_REGEX } from '../../src/base/split-rules.ts';
import { NANO_SPECIALS, NANO_TEMPLATE } from '../../src/tokenizer/nano-template.ts';
import { type Tokenizer, tokenizerFromMetadata } from '../../src/tokenizer/tokenizer.ts';
import { trainBpe } from '../../src/tokenizer/train-bpe.ts';

const CORPUS = [
  'system user assistant find_item get_price list_items add_event shop diary answer done busy again',
  '{"name":"find_item","arguments":{"name":""}} {"name":"get_price","arguments":{"id":""}}',
  'plan find_item get_price next get_price load shop get_selected_tools fetch_tools',
];

/** A byte-level BPE tokenizer with nano's special tokens. */
export function smallTokenizer(template: string | null = NANO_TEMPLATE): Tokenizer {
  const { tokens, types, merges } = trainBpe([...CORPUS, ...CORPUS], {
    maxVocab: 420,
    specials: NANO_SPECIALS,
    preRegex: NANO_PRE_REGEX,
  });
  return tokenizerFromMetadata({
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': 'pocket-atlas',
    'tokenizer.ggml.tokens': tokens,
    'tokenizer.ggml.token_type': types,
    'tokenizer.ggml.merges': merges.map((merge) => String(merge)),
    'tokenizer.ggml.eos_token_id': tokens.indexOf('<|im_end|>'),
    ...(template === null ? {} : { 'tokenizer.chat_template': template }),
  });
}
