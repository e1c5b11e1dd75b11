import { describe, expect, it } from 'vitest';
import { lendBuffers } from '../../../src/train/layout.ts';
import { type PlanRequest, planMemory, waysToFit } from '../../../src/train/memory-plan.ts';
import type { ModelConfig } from '../../../src/weights/model-config.ts';

/** Qwen3-4B. */
const CONFIG: ModelConfig = {
  architecture: 'qwen3',
  ...{ layers: 36, hidden: 2560, heads: 32, kvHeads: 8, headDim: 128, ffn: 9728, vocab: 151936 },
  ...{ ropeTheta: 1e6, eps: 1e-6, contextLength: 40960 },
  ...{ tied: true, qkNorm: true, qkvBias: false, interleavedRope: false, ropeFactors: false },
  ropeScaling: { kind: 'none' },
};

const GB = 1e9;

/** As the memory table of a 4B step: Q4_K_M, rank 16, one packed row of 2,048 tokens, no rollouts. */
const REQUEST: PlanRequest = {
  config: CONFIG,
  weightBytes: 2.49 * GB,
  kvBuffers: [],
  adapter: { rank: 16 },
  rowTokens: 2048,
  sequenceTokens: 1024,
};

describe('the plan of a 4B step', () => {
  it.each([
    ['f32', 2048, 4.6],
    ['f16', 2048, 3.9],
    ['f32', 4096, 6.1],
    ['f32', 8192, 8.9],
  ] as const)('inputs in %s, %i tokens: at most 1.15 of %f GB', (checkpoints, rowTokens, table) => {
    const { total } = planMemory({ ...REQUEST, checkpoints, rowTokens });
    expect(total / GB).toBeLessThan(1.15 * table);
    expect(total / GB).toBeGreaterThan(0.9 * table);
  });

  it('says what each part takes', () => {
    const { bytes, checkpoints, tokens, total, largest } = planMemory(REQUEST);
    expect([checkpoints, tokens]).toEqual(['f32', 2048]);
    // 33.0 M values of 16 bytes; one hidden vector a layer and token; 128 rows of logits.
    expect(bytes.trained / GB).toBeCloseTo(0.528, 2);
    expect(bytes.checkpoints).toBe(36 * 2048 * 2560 * 4);
    expect(bytes.head / GB).toBeLessThan(0.18);
    expect(Object.values(bytes).reduce((a, b) => a + b)).toBe(total);
    expect(largest).toEqual({ name: 'trained weights', bytes: bytes.trained / 4 });
  });

  it('keeps everything of a small model, and trains all of its weights in place of its own', () => {
    const small = {
      ...CONFIG,
      layers: 4,
      hidden: 128,
      heads: 4,
      kvHeads: 2,
      headDim: 32,
      ffn: 384,
      vocab: 700,
    };
    const plan = planMemory({ ...REQUEST, config: small, weightBytes: 1e6, adapter: null });
    expect(plan.checkpoints).toBe('all');
    expect(plan.bytes.weights).toBe(0);
    expect(plan.bytes.trained).toBeGreaterThan(16 * 600_000);
  });
});

describe('buffers that the KV cache lends', () => {
  it('hold what fits them, each one thing, and are counted once', () => {
    const kv = Array.from({ length: 72 }, () => 34e6);
    const alone = planMemory({ ...REQUEST, kvBuffers: [] });
    const { bytes, lent, total } = planMemory({ ...REQUEST, kvBuffers: kv });
    // The inputs of 36 layers (21 MB each) and what a layer has below 34 MB fit; nothing of the FFN does (80 MB).
    expect(lent).toBeGreaterThan(bytes.checkpoints);
    expect(lent).toBeLessThan(72 * 34e6);
    expect(total).toBe(alone.total + 72 * 34e6 - lent);
  });

  it('are given to the largest that fit, none twice', () => {
    const layout = new Map(
      [10, 40, 20, 30].map((n) => [`b${n}`, { shape: [n], type: 'f32', part: 'layer' }] as const),
    );
    const places = lendBuffers(layout, [128, 16, 128]);
    expect([...places]).toEqual([
      ['b30', 0],
      ['b20', 2],
    ]);
  });
});

describe('ways to fit', () => {
  it('are the single changes that are enough, mildest first', () => {
    const { total } = planMemory(REQUEST);
    const ways = waysToFit(REQUEST, total - 0.35 * GB);
    expect(ways.map(({ change }) => change)).toEqual([
      'memory.checkpoints f16',
      'memory.tokens 1024',
      'memory.tokens 512 and limits.contextTokens 512',
      'memory.tokens 256 and limits.contextTokens 256',
      'memory.tokens 128 and limits.contextTokens 128',
      'adapter.rank 4',
    ]);
    for (const way of ways) expect(way.total).toBeLessThanOrEqual(total - 0.35 * GB);
  });

  it('keep the rollouts in f16 where that is enough, once', () => {
    const request: PlanRequest = {
      ...REQUEST,
      checkpoints: 'f16',
      kvBuffers: [GB],
    };
    const { total } = planMemory(request);
    const [way] = waysToFit(request, total - 0.4 * GB);
    // Half of a gigabyte.
    expect(way).toEqual({ change: 'sampling.kv f16', total: total - 0.5 * GB });
    const [other] = waysToFit({ ...request, kv: 'f16' }, total - 0.2 * GB);
    expect(other?.change).toBe('memory.tokens 1024');
  });

  it('are a combination where one is not enough', () => {
    const limit = 2.75 * GB;
    const [way, ...others] = waysToFit(REQUEST, limit);
    expect(others).toEqual([]);
    expect(way?.change).toMatch(
      /^memory.checkpoints f16, optimiser.moments int8, memory.tokens 128 and limits.contextTokens 128/,
    );
    expect(way?.total).toBeLessThanOrEqual(limit);
  });

  it('are none below the weights', () => {
    expect(waysToFit(REQUEST, 2 * GB)).toEqual([]);
  });
});
