import { describe, expect, it } from 'vitest';
import { InputError, ModelFileError } from '../../src/base/errors.ts';
import { Rng } from '../../src/base/rng.ts';
import { uploadAdapter } from '../../src/engine/adapter-weights.ts';
import type { Activations } from '../../src/engine/step-layer.ts';
import type { GenerateRequest } from '../../src/trajectory/interfaces.ts';
import {
  GOLDEN_CASES,
  goldenAdapter,
  goldenEngine,
  uncachedLogprobs,
} from '../support/golden-engine.ts';
import { FAMILIES } from '../support/gpu.ts';
import { worstError } from '../support/guarded.ts';

const SEED = 20;

/** Prompts of the given lengths, of ids that every golden model has. */
function prompts(lengths: readonly number[], seed = SEED): number[][] {
  const rng = new Rng(seed);
  return lengths.map((n) => Array.from({ length: n }, () => rng.int(0, 119)));
}

function request(ids: readonly number[], more: Partial<GenerateRequest> = {}): GenerateRequest {
  return { ids, sequence: `s-${ids.join('.')}`, maxTokens: 8, temperature: 0, seed: 1, ...more };
}

/** Ids and log-probabilities, to compare bit by bit. */
const exact = ({ ids, logprobs }: { ids: number[]; logprobs: number[] }) => ({ ids, logprobs });

/** Of the GPU family, which software drivers take long over, a model with QK-norm and one without, in different formats. */
const CASES = GOLDEN_CASES.filter(({ model, family }) =>
  family === 'cpu' ? model !== 'f16' : ['q4_k_m', 'llama'].includes(model),
);

describe.each(CASES)('$model, $family family', ({ model: name, family }) => {
  it(`a cached, batched decode is one uncached pass (seed ${SEED})`, async () => {
    const engine = await goldenEngine(name, { family });
    const requests = prompts([1, 3, 17, 40, 70, 2, 33]).map((ids, i) =>
      request(ids, { maxTokens: 4 + 3 * i }),
    );
    const results = await Promise.all(requests.map((r) => engine.policy.generate(r)));
    const whole = requests.map(({ ids }, i) => ({ ids: [...ids, ...(results[i]?.ids ?? [])] }));
    const want = await uncachedLogprobs(engine, whole);
    for (const [i, { ids }] of requests.entries()) {
      const got = results[i]?.logprobs ?? [];
      expect(got.length).toBe(4 + 3 * i);
      got.forEach((value, t) => {
        const error = Math.abs(value - (want[i]?.[ids.length + t] ?? Number.NaN));
        expect(error, `request ${i}, token ${t}`).toBeLessThan(1e-4);
      });
    }
    // Greedy ids: what a prefill of the whole sequence, in one step of a fresh cache, finds best.
    const fresh = await goldenEngine(name, { family });
    for (const [i, { ids }] of requests.entries()) {
      const all = whole[i]?.ids ?? [];
      const sequence = fresh.decoder.cache.open(`whole-${i}`, all);
      if (sequence === null) throw new Error('no slot');
      expect(fresh.decoder.cache.reserve(sequence, all.length)).toBe(true);
      const rows = all.map((id, position) => ({ id, slot: sequence.slot, position }));
      const greedy = { seed: 0, temperature: 0, topK: 0, topP: 1 };
      const tail = all.slice(ids.length).map((_, t) => ids.length - 1 + t);
      const samples = tail.map((row) => ({ row, position: row + 1, ...greedy }));
      const { ids: best } = await fresh.decoder.step(rows, samples, 'prefill');
      expect([...best]).toEqual(results[i]?.ids);
    }
  });

  it('a row is bit-equal alone and in a batch', async () => {
    const batch = await goldenEngine(name, { family });
    const requests = prompts([5, 1, 30, 12, 64, 3, 9, 2, 7]).map((ids, i) => {
      const filters = [{}, { topK: 5 }, { topP: 0.8 }, { topK: 9, topP: 0.9 }][i % 4];
      return request(ids, { temperature: 1, seed: 100 + i, maxTokens: 10 + i, ...filters });
    });
    const together = await Promise.all(requests.map((r) => batch.policy.generate(r)));
    const alone = await goldenEngine(name, { family });
    for (const [i, r] of requests.entries()) {
      const result = await alone.policy.generate(r);
      expect(exact(result), `request ${i}`).toEqual(exact(together[i] ?? result));
      alone.policy.release(r.sequence);
    }
    expect(new Set(together.map(({ ids }) => ids.join())).size).toBe(requests.length);
  });

  it('with an adapter, too, a sequence has the same bits alone and in a batch', async () => {
    const [a, b] = [await goldenEngine(name, { family }), await goldenEngine(name, { family })];
    for (const { gpu, decoder } of [a, b]) {
      decoder.setAdapter(uploadAdapter(gpu, await goldenAdapter(name)));
    }
    const requests = prompts([5, 30, 2, 17, 41, 9]).map((ids) => request(ids, { maxTokens: 12 }));
    const together = await Promise.all(requests.map((r) => a.policy.generate(r)));
    const without = await (await goldenEngine(name, { family })).policy.generate(
      requests[1] ?? request([]),
    );
    for (const [i, r] of requests.entries()) {
      const alone = await b.policy.generate(r);
      expect(exact(alone), `request ${i}`).toEqual(exact(together[i] ?? alone));
    }
    expect(together[1]?.logprobs).not.toEqual(without.logprobs);
  });

  it('top-k and top-p leave only likely ids, and log-probabilities stay the unfiltered ones', async () => {
    const engine = await goldenEngine(name, { family });
    const [ids = []] = prompts([6]);
    const greedy = await engine.policy.generate(request(ids, { maxTokens: 12 }));
    const sampled = { temperature: 1, maxTokens: 12 };
    const one = await engine.policy.generate(request(ids, { ...sampled, topK: 1, sequence: 'k' }));
    const tiny = { ...sampled, topP: 1e-6, sequence: 'p' };
    const narrow = await engine.policy.generate(request(ids, tiny));
    expect(one.ids).toEqual(greedy.ids);
    expect(narrow.ids).toEqual(greedy.ids);
    greedy.logprobs.forEach((value, t) => {
      expect(Math.abs(value - (one.logprobs[t] ?? Number.NaN))).toBeLessThan(1e-6);
    });
    const V = engine.model.config.vocab;
    for (let seed = 0; seed < 16; seed++) {
      const sequence = `three-${seed}`;
      const few = { temperature: 2, topK: 3, maxTokens: 1, seed, sequence };
      const result = await engine.policy.generate(request(ids, few));
      const logits = (await engine.decoder.readLogits(1)).slice(0, V);
      const better = logits.filter((value) => value > (logits[result.ids[0] ?? 0] ?? 0)).length;
      expect(better, `seed ${seed}`).toBeLessThan(3);
    }
  });
});

describe('the policy', () => {
  it('computes only what is new in a conversation, and everything after a release', async () => {
    const { policy } = await goldenEngine('f32');
    const [ids = [], more = []] = prompts([20, 7]);
    const first = await policy.generate(request(ids, { sequence: 'talk', maxTokens: 5 }));
    expect(policy.counters.prefillTokens).toBe(20);
    const second = [...ids, ...first.ids, ...more];
    const kept = await policy.generate(request(second, { sequence: 'talk', maxTokens: 5 }));
    // The fifth sampled id was never fed back, so it is new too: 1 + 7.
    expect(policy.counters.prefillTokens).toBe(20 + 8);
    policy.release('talk');
    const anew = await policy.generate(request(second, { sequence: 'talk', maxTokens: 5 }));
    expect(policy.counters.prefillTokens).toBe(28 + 32);
    expect(anew.ids).toEqual(kept.ids);
    kept.logprobs.forEach((value, t) => {
      expect(Math.abs(value - (anew.logprobs[t] ?? Number.NaN))).toBeLessThan(1e-5);
    });
  });

  it('a cancelled request ends alone, with what it has', async () => {
    const { policy } = await goldenEngine('f32');
    const [a = [], b = []] = prompts([4, 9]);
    const want = await policy.generate(request(b, { sequence: 'want', maxTokens: 20 }));
    const abort = new AbortController();
    let seen = 0;
    const onTokens = () => {
      seen += 1;
      if (seen === 3) abort.abort();
    };
    const [stopped, other] = await Promise.all([
      policy.generate(request(a, { maxTokens: 20 }), { signal: abort.signal, onTokens }),
      policy.generate(request(b, { maxTokens: 20 })),
    ]);
    expect(stopped).toMatchObject({
      finish: 'cancel',
      ids: expect.objectContaining({ length: 3 }),
    });
    expect(stopped.logprobs.length).toBe(3);
    expect(exact(other)).toEqual(exact(want));
    const before = AbortSignal.abort();
    const never = await policy.generate(request(a), { signal: before });
    expect(never).toEqual({ ids: [], logprobs: [], finish: 'cancel' });
    // The device rests: nothing is left to compute.
    const { steps } = policy.counters;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(policy.counters.steps).toBe(steps);
  });

  it('stops at an end token, at a stop id, and goes on past ends when told to', async () => {
    const plain = await goldenEngine('f32');
    const [ids = []] = prompts([6]);
    const free = await plain.policy.generate(request(ids, { maxTokens: 12, temperature: 1 }));
    const end = free.ids[4] ?? -1;
    const at = free.ids.indexOf(end);
    const cut = free.ids.slice(0, at + 1);
    const { policy } = await goldenEngine('f32', { eosIds: [end] });
    const run = (more: Partial<GenerateRequest>) =>
      policy.generate(request(ids, { maxTokens: 12, temperature: 1, ...more }));
    expect(await run({})).toMatchObject({ ids: cut, finish: 'eos' });
    expect(await run({ ignoreEos: true })).toMatchObject({ ids: free.ids, finish: 'length' });
    const stopped = await run({ ignoreEos: true, stopIds: [end] });
    expect(stopped).toMatchObject({ ids: cut, finish: 'stop' });
  });

  it('stops at texts over the borders of tokens, and keeps the id that completes one', async () => {
    const { policy, tokenizer } = await goldenEngine('f32');
    const [ids = []] = prompts([6]);
    const sampled = { maxTokens: 24, temperature: 1 };
    const free = await policy.generate(request(ids, sampled));
    // The first border after the fifth id between tokens that are text.
    const isText = (id: number | undefined) =>
      id !== undefined && /^[ -~]+$/.test(tokenizer.decode([id]));
    const at = free.ids.findIndex((id, i) => i > 4 && isText(id) && isText(free.ids[i - 1]));
    expect(at).toBeGreaterThan(4);
    const [left = '', right = ''] = [at - 1, at].map((i) => tokenizer.decode([free.ids[i] ?? 0]));
    const across = left.slice(-1) + right.slice(0, 1);
    const text = (count: number) => tokenizer.decode(free.ids.slice(0, count));
    const first = free.ids.findIndex((_, i) => text(i + 1).includes(across));
    expect(first).toBeGreaterThan(0);
    const stop = ['never to be seen', across];
    const got = await policy.generate(request(ids, { ...sampled, stop }));
    expect(got).toMatchObject({ ids: free.ids.slice(0, first + 1), finish: 'stop' });
    expect(exact(got)).toEqual({ ids: got.ids, logprobs: free.logprobs.slice(0, first + 1) });
    const unseen = await policy.generate(request(ids, { ...sampled, stop: ['never to be seen'] }));
    expect(unseen).toMatchObject({ ids: free.ids, finish: 'length' });
    const empty = request(ids, { stop: ['a', ''] });
    await expect(policy.generate(empty)).rejects.toThrow('at least one character');
  });

  it('a request ends at its own token limit, and at the context whatever it asks for', async () => {
    const { policy } = await goldenEngine('f32', { size: { slots: 4, tokens: 256, context: 64 } });
    const lists = prompts([10, 60, 63, 33]);
    const limits = [3, 100, 1e9, 31];
    const requests = lists.map((ids, i) => request(ids, { maxTokens: limits[i] ?? 0 }));
    const results = await Promise.all(requests.map((r) => policy.generate(r)));
    expect(results.map(({ ids }) => ids.length)).toEqual([3, 4, 1, 31]);
    expect(results.map(({ finish }) => finish)).toEqual(['length', 'length', 'length', 'length']);
    for (const maxTokens of [0, -1, 1.5, Number.NaN]) {
      const bad = policy.generate(request(lists[0] ?? [], { maxTokens }));
      await expect(bad).rejects.toThrow('need a whole number of at least 1');
    }
  });

  it('requests that do not fit together wait for their turn', async () => {
    const requests = prompts([30, 20, 41, 8, 16, 25]).map((ids) => request(ids, { maxTokens: 16 }));
    const roomy = await goldenEngine('f32');
    const want = await Promise.all(requests.map((r) => roomy.policy.generate(r)));
    // Two slots, and room for two of the longer requests.
    const size = { slots: 2, tokens: 128, context: 64 };
    const { policy } = await goldenEngine('f32', { size });
    const got = await Promise.all(requests.map((r) => policy.generate(r)));
    expect(got.map(exact)).toEqual(want.map(exact));
  });

  it('rows of 8 bits: near the exact ones, and the same bits alone and in a batch', async () => {
    const requests = prompts([5, 30, 2, 17, 41, 9]).map((ids, seed) =>
      request(ids, { maxTokens: 12, temperature: 1, seed }),
    );
    const open = (activations: Activations) => goldenEngine('q4_k_m', { activations });
    const batch = await open('int8');
    const together = await Promise.all(requests.map((r) => batch.policy.generate(r)));
    const alone = await open('int8');
    for (const [i, r] of requests.entries()) {
      const one = await alone.policy.generate(r);
      expect(exact(one), `request ${i}`).toEqual(exact(together[i] ?? one));
    }
    // Over the same ids, which are a prompt to the exact engine: computed without rounding.
    const whole = requests.map(({ ids }, i) => ({ ids: [...ids, ...(together[i]?.ids ?? [])] }));
    const want = await uncachedLogprobs(batch, whole);
    const errors = requests.flatMap(({ ids }, i) =>
      (together[i]?.logprobs ?? []).map((v, t) => Math.abs(v - (want[i]?.[ids.length + t] ?? 9))),
    );
    expect(Math.max(...errors)).toBeLessThan(0.2);
    expect(Math.max(...errors)).toBeGreaterThan(1e-4);
  });

  it.each(FAMILIES)('a prompt of a group is computed once, bits as alone, %s', async (family) => {
    const [prompt = [], tail = []] = prompts([40, 9]);
    const members = Array.from({ length: 8 }, (_, seed) =>
      request(prompt, { sequence: `member-${seed}`, temperature: 1, seed, maxTokens: 24 }),
    );
    const longer = request([...prompt, ...tail], { maxTokens: 12 });
    const { policy, decoder } = await goldenEngine('q8_0', { family });
    const all = [...members, longer];
    const together = await Promise.all(all.map((r) => policy.generate(r)));
    // Two pages of 16 are shared; each computes the 8 ids behind them, the longer prompt 9 more.
    expect(policy.counters.prefillTokens).toBe(40 + 8 * 8 + 9);
    const lone = await goldenEngine('q8_0', { family });
    for (const [i, r] of all.entries()) {
      const alone = await lone.policy.generate(r);
      expect(exact(alone), `member ${i}`).toEqual(exact(together[i] ?? alone));
      lone.policy.release(r.sequence);
    }
    // What one member goes on with does not reach the pages of the others.
    const [first, second] = together;
    const other = [...prompt.slice(0, 20), ...tail, ...tail];
    const back = request(other, { sequence: members[0]?.sequence ?? '' });
    const branched = await policy.generate(back);
    const again = { maxTokens: 4, sequence: members[1]?.sequence ?? '' };
    const went = [...prompt, ...(second?.ids ?? [])];
    const kept = await policy.generate(request(went, again));
    for (const key of [again.sequence, back.sequence]) lone.policy.release(key);
    expect(exact(await lone.policy.generate(back))).toEqual(exact(branched));
    // What was sampled is computed again, as a prompt, whose tiles add up in another order in the GPU family.
    const anew = await lone.policy.generate(request(went, again));
    expect(anew.ids).toEqual(kept.ids);
    if (family === 'cpu') expect(anew.logprobs).toEqual(kept.logprobs);
    expect(worstError(anew.logprobs, kept.logprobs)).toBeLessThan(1e-5);
    expect(first?.ids).not.toEqual(second?.ids);
    // When all are released every page is free again.
    for (const { sequence } of all) policy.release(sequence);
    const whole = decoder.cache.open('whole', prompt);
    if (whole === null) throw new Error('no slot');
    expect(whole.pages).toEqual([]);
    const room = Math.floor(decoder.cache.size.tokens / decoder.cache.size.context);
    for (let i = 0; i < room; i++) {
      const sequence = decoder.cache.open(`room-${i}`, [1]);
      expect(sequence && decoder.cache.reserve(sequence, decoder.cache.size.context)).toBe(true);
    }
  });

  it('weights that changed forget shared prompts', async () => {
    const { policy, decoder } = await goldenEngine('f32');
    const [prompt = []] = prompts([40]);
    await policy.generate(request(prompt, { sequence: 'a' }));
    expect(decoder.cache.sharedLength(prompt)).toBe(32);
    decoder.cache.clear();
    expect(decoder.cache.sharedLength(prompt)).toBe(0);
  });

  it('two requests of one conversation follow each other', async () => {
    const [a = [], b = []] = prompts([10, 14]);
    const { policy } = await goldenEngine('f32');
    const want = await Promise.all([policy.generate(request(a)), policy.generate(request(b))]);
    const got = await Promise.all([
      policy.generate(request(a, { sequence: 'same' })),
      policy.generate(request(b, { sequence: 'same' })),
    ]);
    expect(got.map(({ ids }) => ids)).toEqual(want.map(({ ids }) => ids));
  });

  it('a release in the middle of a request leaves it and its neighbours whole', async () => {
    const [a = [], b = [], c = []] = prompts([20, 20, 20]);
    const { policy } = await goldenEngine('f32');
    const long = { maxTokens: 24 };
    const want = await Promise.all([a, b, c].map((ids) => policy.generate(request(ids, long))));
    for (const ids of [a, b, c]) policy.release(request(ids).sequence);
    const late: Promise<unknown>[] = [];
    let seen = 0;
    const onTokens = () => {
      seen += 1;
      if (seen !== 2) return;
      policy.release(request(a).sequence);
      for (const ids of [b, c]) late.push(policy.generate(request(ids, long)));
    };
    const first = await policy.generate(request(a, long), { onTokens });
    expect([first, ...(await Promise.all(late))]).toEqual(want);
  });

  it('refuses prompts that it cannot take', async () => {
    const { policy } = await goldenEngine('f32', { size: { slots: 2, tokens: 64, context: 32 } });
    const refused = (ids: number[]) => policy.generate(request(ids));
    await expect(refused([])).rejects.toThrow(InputError);
    await expect(refused([1, 128])).rejects.toThrow(ModelFileError);
    await expect(refused([1, 128])).rejects.toThrow('token id 128 is out of range');
    const long = Array.from({ length: 32 }, () => 1);
    await expect(refused(long)).rejects.toThrow('got a prompt of 32 tokens, the context holds 32');
    // One place is left: one token, and the context is full.
    expect(await refused(long.slice(1))).toMatchObject({ finish: 'length' });
  });

  it('a token takes 6 dispatches a layer and 8, with an adapter 10 a layer and 8', async () => {
    const { gpu, model, policy, decoder } = await goldenEngine('q4_0');
    const [ids = []] = prompts([9]);
    const L = model.config.layers;
    await policy.generate(request(ids));
    expect(decoder.lastDispatches).toBeLessThanOrEqual(6 * L + 8);
    decoder.setAdapter(uploadAdapter(gpu, await goldenAdapter('q4_0')));
    await policy.generate(request(ids));
    expect(decoder.lastDispatches).toBeLessThanOrEqual(10 * L + 8);
    expect(decoder.lastDispatches).toBeGreaterThan(6 * L + 8);
    // Where v has a format of its own it takes one more.
    const mixed = await goldenEngine('q4_k_m');
    await mixed.policy.generate(request(ids));
    expect(mixed.decoder.lastDispatches).toBeLessThanOrEqual(7 * mixed.model.config.layers + 8);
  });

  it('a repeated step makes no bind group and no buffer', async () => {
    const { gpu, policy } = await goldenEngine('q8_0');
    const [ids = []] = prompts([9]);
    let tokens = 0;
    let warm = [0, 0];
    const counts = () => [gpu.pipelines.bindGroupsCreated, gpu.buffersCreated];
    await policy.generate(request(ids, { maxTokens: 40 }), {
      onTokens: () => {
        tokens += 1;
        if (tokens === 2) warm = counts();
      },
    });
    expect(tokens).toBe(40);
    expect(counts()).toEqual(warm);
  });
});
