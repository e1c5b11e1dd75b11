// Steps that are sent before the ones in front of them are read: what is computed, and when others may come in between.
import { describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { Decoder, MAX_AHEAD, MAX_ROWS } from '../../src/engine/decoder.ts';
import { type CacheSize, KvCache } from '../../src/engine/kv-cache.ts';
import { EnginePolicy } from '../../src/engine/policy.ts';
import type { StepKind } from '../../src/engine/step-layer.ts';
import { StepPace } from '../../src/engine/step-pace.ts';
import type { StepResult, StepRow, StepSample } from '../../src/engine/step-rows.ts';
import type { GenerateRequest, GenerateResult } from '../../src/trajectory/interfaces.ts';
import { goldenEngine } from '../support/golden-engine.ts';
import { FAMILIES } from '../support/gpu.ts';

const SEED = 47;

/** Notes how many steps are on their way. */
class WatchedDecoder extends Decoder {
  flying = 0;
  most = 0;
  sent = 0;

  /** The same steps whatever the device's speed. */
  override get promptRows(): number {
    return MAX_ROWS;
  }

  override step(rows: readonly StepRow[], samples: readonly StepSample[], kind: StepKind) {
    return this.#watch(super.step(rows, samples, kind));
  }

  override stepAhead() {
    return this.#watch(super.stepAhead());
  }

  async #watch(result: Promise<StepResult>): Promise<StepResult> {
    this.sent += 1;
    this.flying += 1;
    this.most = Math.max(this.most, this.flying);
    const got = await result;
    this.flying -= 1;
    return got;
  }
}

const SIZE: CacheSize = { slots: 16, tokens: 2048, context: 256 };

/** Steps of any length may be as far ahead as `most`. */
async function engine(
  most: number,
  { size = SIZE, eosIds = [] as number[], family = 'cpu' as (typeof FAMILIES)[number] } = {},
) {
  const { gpu, model, tokenizer } = await goldenEngine('q8_0', { family });
  const decoder = new WatchedDecoder(gpu, model, new KvCache(gpu, model.config, size));
  const pace = new StepPace(most, Number.POSITIVE_INFINITY);
  const options = { eosIds, tokenizer: () => tokenizer, pace };
  return { gpu, decoder, tokenizer, policy: new EnginePolicy('ahead', decoder, options) };
}

function requests(lengths: readonly number[], maxTokens = 24): GenerateRequest[] {
  const rng = new Rng(SEED);
  return lengths.map((length, i) => {
    const ids = Array.from({ length }, () => rng.int(0, 119));
    const filters = [{}, { topK: 9 }, { topP: 0.8 }, { temperature: 0 }][i % 4];
    const settings = { maxTokens: maxTokens + 3 * i, temperature: 1, seed: 7 + i, ...filters };
    return { ids, sequence: `s-${i}`, ...settings };
  });
}

/** Results, and the ids as they were told. */
async function play(policy: EnginePolicy, list: readonly GenerateRequest[]) {
  const told = list.map(() => [] as number[]);
  const results = await Promise.all(
    list.map((request, i) =>
      policy.generate(request, { onTokens: (ids) => told[i]?.push(...ids) }),
    ),
  );
  return { results, told };
}

const LENGTHS = [5, 1, 30, 12, 64, 3, 9];

describe.each(FAMILIES)('%s family', (family) => {
  it(`steps ahead give the bits of steps one by one (seed ${SEED})`, async () => {
    const one = await engine(1, { family });
    const want = await play(one.policy, requests(LENGTHS));
    expect(one.decoder.most).toBe(1);
    const ahead = await engine(MAX_AHEAD, { family });
    expect(await play(ahead.policy, requests(LENGTHS))).toEqual(want);
    expect(ahead.decoder.most).toBe(MAX_AHEAD);
    // Every length is known beforehand, so nothing was computed in vain.
    expect(ahead.decoder.sent).toBe(one.decoder.sent);
    expect(want.told).toEqual(want.results.map(({ ids }) => ids));
    for (const { sequence } of requests(LENGTHS)) ahead.policy.release(sequence);
    const [alone] = requests([5]);
    if (alone === undefined) throw new Error('no request');
    expect(await ahead.policy.generate(alone)).toEqual(want.results[0]);
  });
});

describe('steps ahead', () => {
  it('ids behind an end are thrown away, and their pages wait for the steps on their way', async () => {
    const free = await play((await engine(1)).policy, requests(LENGTHS, 40));
    const eosIds = free.results.slice(0, 3).map(({ ids }) => ids[6] ?? -1);
    const stops = requests(LENGTHS, 40);
    // Room for three at a time: each that waits gets the pages of one that ended.
    const size = { slots: 3, tokens: 512, context: 160 };
    const one = await engine(1, { size, eosIds });
    const want = await play(one.policy, stops);
    const ended = want.results.filter(({ finish }) => finish === 'eos').length;
    expect(ended).toBeGreaterThan(2);
    const ahead = await engine(MAX_AHEAD, { size, eosIds });
    expect(await play(ahead.policy, stops)).toEqual(want);
    expect(ahead.decoder.most).toBe(MAX_AHEAD);
    expect(ahead.decoder.sent).toBeGreaterThan(one.decoder.sent);
    // What is kept is what was accepted: a conversation goes on as it does without steps ahead.
    const further = (results: readonly GenerateResult[]): GenerateRequest[] =>
      stops.map((request, i) => ({
        ...request,
        ids: [...request.ids, ...(results[i]?.ids ?? []), 3, 4],
        maxTokens: 8,
      }));
    const next = await play(one.policy, further(want.results));
    expect(await play(ahead.policy, further(want.results))).toEqual(next);
  });

  it('a cancelled request keeps what it had, and a request that comes joins soon', async () => {
    const [first, second] = requests([20, 11], 120);
    if (first === undefined || second === undefined) throw new Error('no request');
    const { policy, decoder } = await engine(MAX_AHEAD);
    const alone = await play(policy, [first, second]);
    for (const { sequence } of [first, second]) policy.release(sequence);
    const abort = new AbortController();
    let seen = 0;
    let came = 0;
    let joined = 0;
    let late: Promise<GenerateResult> | null = null;
    const long = policy.generate(first, {
      signal: abort.signal,
      onTokens: () => {
        seen += 1;
        if (seen === 30) {
          came = decoder.sent;
          late = policy.generate(second, {
            onTokens: () => {
              joined = joined === 0 ? decoder.sent : joined;
            },
          });
        }
        if (seen === 60) abort.abort();
      },
    });
    expect((await long).ids).toEqual(alone.results[0]?.ids.slice(0, 60));
    expect(await late).toEqual(alone.results[1]);
    // Nothing more is sent but the prompt that came.
    expect(joined).toBe(came + 1);
  });

  it('one by one where a step is long, more ahead the shorter it is', () => {
    const pace = new StepPace(8, 50);
    expect(pace.depth(4)).toBe(2);
    pace.took(4, 400);
    expect(pace.depth(4)).toBe(1);
    expect(pace.depth(64)).toBe(2);
    for (let i = 0; i < 5; i++) pace.took(4, 20);
    // 20 + 380 / 2^5 = 31.9 ms: two of them are as near to 50 ms as whole steps come without staying below.
    expect(pace.depth(4)).toBe(2);
    for (let i = 0; i < 20; i++) pace.took(4, 1);
    expect(pace.depth(4)).toBe(8);
    pace.took(4, 200);
    expect(pace.depth(4)).toBe(1);
    expect(new StepPace(1).depth(4)).toBe(1);
  });
});
