// llama.cpp as a second opinion: the same files, the same texts, its tokens and log-probabilities
// beside ours. It rounds activations (to 8 bits beside quantised weights, to 16 beside F16 and BF16),
// so the golden files say in the end which of the two is nearer.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defined } from '../../src/base/assert.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { openGpu } from '../../src/gpu/open-gpu.ts';
import type { Bpe } from '../../src/tokenizer/train-bpe.ts';
import { goldenFile, nameTokens, spellIds } from '../support/golden-page.ts';
import { LlamaCpp, type PeerStep } from '../support/llama-cpp.ts';
import { logSoftmax, openOwnModel } from '../support/own-model.ts';
import {
  asciiOnly,
  crossingVocabulary,
  isAscii,
  RANDOM_ARCHITECTURES,
  RANDOM_FORMATS,
  type RandomFormat,
  type RandomTensor,
  randomGguf,
  randomTensors,
  silenceTokens,
} from '../support/random-gguf.ts';
import { AWKWARD_TEXTS, PLAIN_PROMPTS } from './texts.ts';

const SEED = 20;
/** Tokens that llama.cpp continues each prompt by. */
const CONTINUED = 8;
/**
 * Bounds on the difference of a log-probability. F32 differs by the order of sums, F16 and BF16 by
 * activations of 11 and 8 bits. Beside other weights llama.cpp rounds activations to steps of 1/127
 * of the largest of their block, which alone gives 0.1 at logits of this size.
 */
const BOUNDS: Readonly<Partial<Record<RandomFormat, number>>> = {
  F32: 1e-4,
  F16: 1e-2,
  BF16: 0.05,
};
const ROUNDED_BOUND = 0.15;
const GOLDEN_FILES = ['f32', 'f16', 'q8_0', 'q4_0', 'q4_k_m', 'qwen2', 'llama'] as const;
/** Texts in which a changed first token is tried: the longest, where it weighs least. */
const CHANGED_TEXTS = 6;
/** The first token counts as clear when the second is this much less likely. */
const CLEAR_MARGIN = 0.3;

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openGpu(navigator.gpu);
});
afterAll(() => gpu.destroy());

/** Ids in falling order of their values; ids without one (NaN) are left out. */
function ranked(values: Float64Array): number[] {
  const at = (id: number): number => values[id] ?? Number.NaN;
  return [...values.keys()].filter((id) => !Number.isNaN(at(id))).sort((a, b) => at(b) - at(a));
}

/** The largest difference over some ids. */
function distance(a: ArrayLike<number>, b: ArrayLike<number>, ids: readonly number[]): number {
  return Math.max(...ids.map((id) => Math.abs((a[id] ?? Number.NaN) - (b[id] ?? Number.NaN))));
}

describe.each(['qwen2', 'llama-bpe', 'smollm', 'gpt-2', 'default'])('tokens by %s', (pre) => {
  // A last position depends on every token before it. So equal counts and equal log-probabilities,
  // in F32 on both sides, mean equal tokens; the changed token shows how far off others would be.
  it('are the same', async () => {
    const vocabulary = crossingVocabulary([...AWKWARD_TEXTS, ...PLAIN_PROMPTS]);
    const { tokens } = vocabulary;
    const foreign = [...tokens.keys()].filter((id) => !isAscii(defined(tokens[id], 'token')));
    const tensors = randomTensors('qwen3', { seed: SEED, vocab: tokens.length, untied: true });
    silenceTokens(tensors, foreign);
    const file = randomGguf({ architecture: 'qwen3', format: 'F32', tensors, vocabulary, pre });
    const own = await openOwnModel(gpu, file);
    const ids = AWKWARD_TEXTS.map((text) => own.tokenizer.encode(text, { special: true }));
    const ours = await own.logprobs(ids.map((one) => ({ ids: one, last: 1 })));
    const longest = [...ids.keys()].sort((a, b) => lengthOf(ids[b]) - lengthOf(ids[a]));
    const tried = longest.slice(0, CHANGED_TEXTS);
    const others = await own.logprobs(
      tried.map((i) => {
        const [first = 0, ...rest] = defined(ids[i], 'ids');
        return { ids: [(first + 1) % tokens.length, ...rest], last: 1 };
      }),
    );
    own.close();
    const peer = await LlamaCpp.open(file);
    for (const [i, text] of AWKWARD_TEXTS.entries()) {
      const { promptTokens, steps } = await peer.complete(text, 1, tokens.length - foreign.length);
      const shown = `${JSON.stringify(text)} is ${ids[i]}`;
      expect(promptTokens, shown).toBe(ids[i]?.length);
      const theirs = defined(steps[0], 'step').logprobs;
      const compared = ranked(theirs);
      expect(distance(theirs, defined(ours[i]?.[0], text), compared), shown).toBeLessThan(1e-4);
      const other = others[tried.indexOf(i)]?.[0];
      if (other === undefined) continue;
      expect(distance(theirs, other, compared), shown).toBeGreaterThan(1e-2);
    }
    await peer.close();
  });
});

function lengthOf(ids: readonly number[] | undefined): number {
  return ids?.length ?? 0;
}

describe.each(RANDOM_ARCHITECTURES)('%s', (architecture) => {
  let vocabulary: Bpe;
  let tensors: RandomTensor[];
  beforeAll(() => {
    vocabulary = asciiOnly(crossingVocabulary(PLAIN_PROMPTS));
    tensors = randomTensors(architecture, { seed: SEED, vocab: vocabulary.tokens.length });
  });

  it.for(RANDOM_FORMATS)('%s: likeliest tokens', async (format, { annotate }) => {
    const file = randomGguf({ architecture, format, tensors, vocabulary, pre: 'qwen2' });
    const peer = await LlamaCpp.open(file);
    const answers: PeerStep[][] = [];
    for (const prompt of PLAIN_PROMPTS) {
      answers.push([...(await peer.complete(prompt, CONTINUED)).steps]);
    }
    await peer.close();
    const own = await openOwnModel(gpu, file);
    const asked = answers.map((steps, i) => {
      const prompt = own.tokenizer.encode(defined(PLAIN_PROMPTS[i], 'prompt'));
      const ids = [...prompt, ...steps.slice(0, -1).map(({ id }) => id)];
      return { ids, last: steps.length };
    });
    const ours = (await own.logprobs(asked)).flat();
    own.close();
    const theirs = answers.flat().map(({ logprobs }) => logprobs);
    expect(ours.length).toBe(theirs.length);
    const { worst, clear, same } = compare(ours, theirs);
    await annotate(`likeliest differ by ${worst}; first equal: ${same} of ${clear} clear`);
    expect(worst).toBeLessThan(BOUNDS[format] ?? ROUNDED_BOUND);
    expect(clear).toBeGreaterThan(PLAIN_PROMPTS.length);
    expect(same / clear).toBeGreaterThanOrEqual(0.95);
  });
});

/**
 * Over all positions: the largest difference among llama.cpp's five likeliest tokens, its clear first
 * tokens, and how many of these are ours too.
 */
function compare(ours: readonly Float64Array[], theirs: readonly Float64Array[]) {
  let [worst, clear, same] = [0, 0, 0];
  for (const [i, expected] of theirs.entries()) {
    const got = defined(ours[i], 'position');
    const [first = 0, second = 0, ...rest] = ranked(expected);
    worst = Math.max(worst, distance(expected, got, [first, second, ...rest.slice(0, 3)]));
    if ((expected[first] ?? 0) - (expected[second] ?? 0) < CLEAR_MARGIN) continue;
    clear += 1;
    same += ranked(got)[0] === first ? 1 : 0;
  }
  return { worst, clear, same };
}

describe('distance to the golden log-probabilities', () => {
  // In F32 both only differ by the order of sums; elsewhere llama.cpp rounds activations.
  it.for(GOLDEN_FILES)('%s', async (name, { annotate }) => {
    const { bytes, cases } = await goldenFile(name);
    const plain = cases.filter(({ with_adapter }) => !with_adapter);
    expect(plain.length).toBeGreaterThan(1);
    const own = await openOwnModel(gpu, bytes);
    const ours = await own.logprobs(plain.map(({ ids }) => ({ ids, last: 1 })));
    own.close();
    const peer = await LlamaCpp.open(await nameTokens(bytes));
    let [ourWorst, theirWorst] = [0, 0];
    for (const [i, { ids, last }] of plain.entries()) {
      const golden = logSoftmax(last);
      const all = [...golden.keys()];
      const { promptTokens, steps } = await peer.complete(spellIds(ids), 1);
      expect(promptTokens).toBe(ids.length);
      const theirs = defined(steps[0], 'step').logprobs;
      theirWorst = Math.max(theirWorst, distance(golden, theirs, all));
      ourWorst = Math.max(ourWorst, distance(golden, defined(ours[i]?.[0], 'position'), all));
    }
    await peer.close();
    await annotate(`distance of ours ${ourWorst}, of llama.cpp ${theirWorst}`);
    expect(theirWorst).toBeLessThan(0.3);
    expect(ourWorst).toBeLessThan(name === 'f32' ? 1e-4 : theirWorst);
  });
});
