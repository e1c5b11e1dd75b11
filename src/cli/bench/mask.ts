// What holding calls to their schemas costs the host: milliseconds of one mask, the first time that a call is written and
// later. The vocabulary is as large as Qwen3's and made up, with as many words and as much punctuation; needs no device.
import { callForms } from '../../agent/names.ts';
import { defined } from '../../base/assert.ts';
import { Rng } from '../../base/rng.ts';
import { TokenConstraints } from '../../engine/constraint/token-constraint.ts';
import type { Gpu } from '../../gpu/device.ts';
import { BYTE_ALPHABET, toByteText } from '../../tokenizer/bytes.ts';
import { type Tokenizer, tokenizerFromMetadata } from '../../tokenizer/tokenizer.ts';
import { serverSpecs } from '../../toolspace/toolspaces.ts';
import { alone, type Bench, type Measured, median } from './bench.ts';

const VOCAB = 151_936;
const LETTERS = 'etaoinshrdlucmfwypvbgkqjxz';
const PUNCTUATION = '"{}[]:,.<>/\\\'()=;-_ \n\t*&#@!$%?|+';
const LONGEST_TRIED = 12;
const ROUNDS = 9;
const TEXT =
  ' I look.<tool_call>\n{"name": "add_event", "arguments": {"title": "Meeting with Ann", "date": ' +
  '"2026-03-14", "time": "14:30"}}\n</tool_call>\n';

function madeUpTokenizer(): Tokenizer {
  const rng = new Rng(1);
  const texts = new Set<string>(BYTE_ALPHABET);
  const many = (most: number, one: () => string) =>
    Array.from({ length: rng.int(1, most) }, one).join('');
  const letter = () => rng.pick([...LETTERS.slice(0, rng.int(3, LETTERS.length))]);
  const mark = () => rng.pick([...PUNCTUATION]);
  const ideogram = () => String.fromCharCode(rng.int(0x4e00, 0x9fa5));
  const kinds: [number, () => string][] = [
    [40_000, () => many(9, letter)],
    [110_000, () => ` ${many(9, letter)}`],
    [118_000, () => many(6, mark)],
    [125_000, () => mark() + many(9, letter)],
    [VOCAB - 3, () => many(4, ideogram)],
  ];
  for (const [count, make] of kinds) while (texts.size < count) texts.add(toByteText(make()));
  const tokens = [...texts, '<|im_end|>', '<tool_call>', '</tool_call>'];
  return tokenizerFromMetadata({
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.tokens': tokens,
    'tokenizer.ggml.token_type': tokens.map((_, id) => (id < texts.size ? 1 : 4)),
    'tokenizer.ggml.merges': [],
    'tokenizer.ggml.eos_token_id': texts.size,
  });
}

/** The longest tokens that a text can be cut into from its beginning on. */
function longestTokens(tokenizer: Tokenizer, text: string): number[] {
  const ids: number[] = [];
  for (let at = 0; at < text.length; ) {
    let length = LONGEST_TRIED;
    const idAt = () => {
      const part = text.slice(at, at + length);
      return tokenizer.idOf(part) ?? tokenizer.idOf(toByteText(part));
    };
    while (length > 1 && idAt() === null) length--;
    ids.push(defined(idAt(), 'a token for each byte'));
    at += length;
  }
  return ids;
}

async function measure(_gpu: Gpu, _model: string | null): Promise<Measured[]> {
  const tokenizer = madeUpTokenizer();
  const ids = longestTokens(tokenizer, TEXT);
  const calls = callForms(serverSpecs('core'), () => true);
  const constraints = new TokenConstraints(tokenizer, tokenizer.eosIds, VOCAB);
  const timed = (work: () => unknown): number => {
    const started = performance.now();
    work();
    return performance.now() - started;
  };
  const opening = timed(() => constraints.start({ calls, thinking: false }).mask());
  const means = Array.from({ length: ROUNDS }, () => {
    const constraint = constraints.start({ calls, thinking: false });
    const all = ids.map((id) =>
      timed(() => {
        constraint.accept(id);
        constraint.mask();
      }),
    );
    return all.reduce((sum, ms) => sum + ms, 0) / all.length;
  });
  return [
    alone('mask-vocabulary', opening, 'ms, once'),
    alone('mask-first', means[0] ?? Number.NaN, 'ms/token'),
    alone('mask', median(means.slice(1)), 'ms/token'),
  ];
}

export const mask: Bench = { name: 'mask', measure };
