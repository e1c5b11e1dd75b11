// A model of random weights at temperature 1, held to calls that can be made: what it writes is read by the agent's own
// parser and checked by a JSON Schema library.
import { type Schema, Validator } from '@cfworker/json-schema';
import { describe, expect, it } from 'vitest';
import { isMalformed, parseMessage } from '../../src/agent/grammar.ts';
import { callForms } from '../../src/agent/names.ts';
import { InputError } from '../../src/base/errors.ts';
import { NANO_PRE_REGEX } from '../../src/base/split-rules.ts';
import { Decoder } from '../../src/engine/decoder.ts';
import { KvCache } from '../../src/engine/kv-cache.ts';
import { loadModel } from '../../src/engine/load-model.ts';
import { EnginePolicy } from '../../src/engine/policy.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { NANO_SPECIALS } from '../../src/tokenizer/nano-template.ts';
import { tokenizerFromMetadata } from '../../src/tokenizer/tokenizer.ts';
import { type Bpe, trainBpe } from '../../src/tokenizer/train-bpe.ts';
import { serverSpecs } from '../../src/toolspace/toolspaces.ts';
import type { GenerateRequest, GenerateResult } from '../../src/trajectory/interfaces.ts';
import type { JsonObject } from '../../src/trajectory/json.ts';
import { bytesSource } from '../../src/weights/byte-source.ts';
import { readGguf } from '../../src/weights/gguf.ts';
import { FixedSpeed } from '../support/fixed-speed.ts';
import { uncachedLogprobs } from '../support/golden-engine.ts';
import { testGpu } from '../support/gpu.ts';
import { crossingVocabulary, randomGguf, randomTensors } from '../support/random-gguf.ts';

const SEED = 31;
const SEQUENCES = 32;
const PROMPT = 'find the red lamp, then the price of it ';
const CORPUS = [
  'find_item get_price add_event convert the red lamp inventory calendar units tickets done',
  ' ok <tool_call>{"name":"find_item","arg',
  'ments":{"name":"red lamp"}}</tool_call> ok <tool_call>{"name": "con',
  'vert", "arguments": {"value": 3, "from": "km", "to": "m"}}\n</tool_call>\n',
];
const VOCABULARIES: Record<string, () => Bpe> = {
  'tags are tokens': () =>
    trainBpe([...CORPUS, ...CORPUS], {
      maxVocab: 400,
      specials: NANO_SPECIALS,
      preRegex: NANO_PRE_REGEX,
    }),
  'tokens cross the borders of tags': () => crossingVocabulary([...CORPUS, ...CORPUS, ...CORPUS]),
};
const CALLS = callForms(serverSpecs('core'), () => true);

/** An engine with random weights, which writes tokens of the pattern more often than others. */
async function randomEngine(vocabulary: Bpe, likely: RegExp) {
  const { device, caps } = await testGpu();
  // Fast enough that no prompt is cut.
  const gpu = new Gpu(device, caps, new FixedSpeed(1e12));
  const vocab = vocabulary.tokens.length;
  const tensors = randomTensors('qwen3', { seed: SEED, vocab, untied: true });
  const ids = vocabulary.tokens.flatMap((token, id) => (likely.test(token) ? [id] : []));
  expect(ids.length).toBeGreaterThan(0);
  for (const { name, shape, values } of tensors) {
    const K = shape[1] ?? 1;
    // Channel 0 of the residual stream is a constant that no layer changes.
    if (name === 'token_embd.weight') for (let at = 0; at < values.length; at += K) values[at] = 2;
    if (/attn_output|ffn_down/.test(name)) values.fill(0, 0, K);
    if (name === 'output.weight') for (const id of ids) values[id * K] = 4;
  }
  const pre = 'pocket-atlas';
  const bytes = randomGguf({ architecture: 'qwen3', format: 'F32', tensors, vocabulary, pre });
  const file = await readGguf(bytesSource(bytes));
  const model = await loadModel(gpu, file, null);
  const size = { slots: 64, tokens: 64 * 512, context: 512 };
  const decoder = new Decoder(gpu, model, new KvCache(gpu, model.config, size));
  const tokenizer = tokenizerFromMetadata(file.values);
  const policy = new EnginePolicy('random', decoder, {
    eosIds: tokenizer.eosIds,
    tokenizer: () => tokenizer,
  });
  return { gpu, model, decoder, tokenizer, policy };
}

const exact = ({ ids, logprobs }: GenerateResult) => ({ ids, logprobs });
const isSound = (name: string, args: JsonObject): boolean => {
  const form = CALLS.find((call) => call.name === name);
  const schema: Schema = (form?.inputSchema ?? { not: {} }) as JsonObject;
  return new Validator(schema).validate(args).valid;
};

/** The calls of a message that can and that cannot be made; one that the token limit cut counts as neither. */
function counted(text: string, cut: boolean): { good: number; bad: number } {
  const { calls } = parseMessage(text);
  const open = cut && text.lastIndexOf('<tool_call>') > text.lastIndexOf('</tool_call>');
  const whole = open ? calls.slice(0, -1) : calls;
  const good = whole.filter((call) => !isMalformed(call) && isSound(call.name, call.arguments));
  return { good: good.length, bad: whole.length - good.length };
}

describe.each(Object.entries(VOCABULARIES))('random weights, %s', (_, make) => {
  const vocabulary = make();

  it(`writes only calls that can be made (seed ${SEED})`, async () => {
    const { policy, tokenizer } = await randomEngine(vocabulary, /tool_call>|"/);
    const ids = tokenizer.encode(PROMPT);
    const play = async (constraint: GenerateRequest['constraint']) => {
      const requests = Array.from({ length: SEQUENCES }, (_, seed) => ({
        ...{ ids, sequence: `s${seed}`, maxTokens: 150, temperature: 1, seed },
        ...(constraint === undefined ? {} : { constraint }),
      }));
      const results = await Promise.all(requests.map((request) => policy.generate(request)));
      const counts = results.map((result) => {
        const text = tokenizer.decode(result.ids, { skipSpecial: true });
        return counted(text, result.finish === 'length');
      });
      const sum = (pick: (one: { good: number; bad: number }) => number) =>
        counts.reduce((total, one) => total + pick(one), 0);
      return { good: sum(({ good }) => good), bad: sum(({ bad }) => bad) };
    };
    const free = await play(undefined);
    expect(policy.counters.masks).toBe(0);
    expect(free.good).toBe(0);
    expect(free.bad).toBeGreaterThan(5);
    const held = await play({ calls: CALLS, thinking: false });
    expect(held.bad).toBe(0);
    expect(held.good).toBeGreaterThan(SEQUENCES / 2);
  });

  it('log-probabilities stay the model’s own, and rows without a constraint keep their bits', async () => {
    const engine = await randomEngine(vocabulary, /<tool_call>/);
    const { policy, tokenizer } = engine;
    const ids = tokenizer.encode(PROMPT);
    const constraint = { calls: CALLS, thinking: false };
    const requests = Array.from({ length: 12 }, (_, seed): GenerateRequest => {
      const filters = [{}, { topK: 30 }, { topP: 0.9, topK: 50 }][seed % 3];
      const request = { ids, sequence: `s${seed}`, maxTokens: 40, temperature: 1, seed };
      return { ...request, ...filters, ...(seed % 2 === 0 ? { constraint } : {}) };
    });
    const playAll = () => Promise.all(requests.map((request) => policy.generate(request)));
    const together = await playAll();
    // A second time nothing is made that is not there, whatever is masked.
    for (const { sequence } of requests) policy.release(sequence);
    const { gpu } = engine;
    const made = () => [gpu.buffersCreated, gpu.pipelines.bindGroupsCreated];
    const before = made();
    expect((await playAll()).map(exact)).toEqual(together.map(exact));
    expect(made()).toEqual(before);
    const lone = await randomEngine(vocabulary, /<tool_call>/);
    for (const [i, request] of requests.entries()) {
      const alone = await lone.policy.generate(request);
      expect(exact(alone), `request ${i}`).toEqual(exact(together[i] ?? alone));
      lone.policy.release(request.sequence);
    }
    const whole = together.map((result) => ({ ids: [...ids, ...result.ids] }));
    const want = await uncachedLogprobs(engine, whole);
    together.forEach(({ logprobs }, i) => {
      logprobs.forEach((value, t) => {
        const error = Math.abs(value - (want[i]?.[ids.length + t] ?? Number.NaN));
        expect(error, `request ${i}, token ${t}`).toBeLessThan(1e-3);
      });
    });
  });
});

it('a constraint needs a tokenizer', async () => {
  const { decoder } = await randomEngine(crossingVocabulary(CORPUS), /a/);
  const policy = new EnginePolicy('bare', decoder, { eosIds: [] });
  const request = { ids: [1], sequence: 's', maxTokens: 1, temperature: 0, seed: 0 };
  const constraint = { calls: [], thinking: false };
  await expect(policy.generate({ ...request, constraint })).rejects.toThrow(InputError);
});
