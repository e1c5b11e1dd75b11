// A small tokenizer of nano's kind, learned from a few lines, for tests that need real ids but no
// model file.
import { NANO_PRE_REGEX } from '../../src/base/split-rules.ts';
import { NANO_SPECIALS, NANO_TEMPLATE } from '../../src/tokenizer/nano-template.ts';
import { type Tokenizer, tokenizerFromMetadata } from '../../src/tokenizer/tokenizer.ts';
import { trainBpe } from '../../src/tokenizer/train-bpe.ts';

const CORPUS = [
  'plan load next find_item get_price find_event add_event convert get_selected_tools server tools',
  '{"name":"get_selected_tools","arguments":{"server":"","tools":["find_item","get_price"]}}',
  '{"name":"find_item","arguments":{"name":""}} done inventory calendar units tickets',
];

/** What a model file would say of a byte-level BPE with nano's specials and template. */
export function nanoMetadata() {
  const bpe = trainBpe([...CORPUS, ...CORPUS], {
    maxVocab: 330,
    specials: NANO_SPECIALS,
    preRegex: NANO_PRE_REGEX,
  });
  return {
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': 'pocket-atlas',
    'tokenizer.ggml.tokens': bpe.tokens,
    'tokenizer.ggml.token_type': bpe.types,
    'tokenizer.ggml.merges': bpe.merges,
    'tokenizer.ggml.eos_token_id': bpe.tokens.indexOf('<|im_end|>'),
    'tokenizer.chat_template': NANO_TEMPLATE,
  };
}

/** Byte-level BPE with nano's specials and template. */
export function nanoTokenizer(): Tokenizer {
  return tokenizerFromMetadata(nanoMetadata());
}
