import { expect, test } from 'vitest';
import { preRule, splitStep } from '../../../src/tokenizer/pre-tokenizers.ts';
import { plainValue } from '../../../src/weights/gguf-values.ts';
import { hfTokenizerEntries } from '../../../src/weights/hf-tokenizer.ts';

function preOf(steps: readonly object[], ignoreMerges: boolean): unknown {
  const entries = hfTokenizerEntries({
    json: {
      model: { type: 'BPE', vocab: { a: 0 }, merges: [], ignore_merges: ignoreMerges },
      pre_tokenizer: { type: 'Sequence', pretokenizers: steps },
    },
    name: 'tokenizer.json',
    config: {},
    template: null,
    rows: 1,
    eosIds: [],
    bosId: null,
  });
  const entry = new Map(entries).get('tokenizer.ggml.pre');
  return entry === undefined ? null : plainValue(entry);
}

const BYTES = { type: 'ByteLevel', add_prefix_space: false, use_regex: false };

test.each(['qwen2', 'llama-bpe', 'smollm', 'gpt-2', 'pocket-atlas'])(
  'the patterns that %s cuts by are known by that name',
  (name) => {
    const { patterns, ignoreMerges } = preRule(name);
    expect(preOf([...patterns.map(splitStep), BYTES], ignoreMerges)).toBe(name);
  },
);

test('GPT-2 and SmolLM are known in the form of their own files', () => {
  const own = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  expect(preOf([own], false)).toBe('gpt-2');
  expect(preOf([{ type: 'Digits', individual_digits: true }, own], false)).toBe('smollm');
});
