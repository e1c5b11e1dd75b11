import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { experimentHash } from '../../../src/lab/experiment-hash.ts';
import { freshAdapter } from '../../../src/train/targets.ts';
import { experimentSchema } from '../../../src/trajectory/experiment.ts';
import { readGguf } from '../../../src/weights/gguf.ts';
import { type ModelConfig, modelConfig, PROJECTIONS } from '../../../src/weights/model-config.ts';
import { goldenSource } from '../weights/golden.ts';

/** Of test/data/rookie-grpo.json, from before `targets` and `rslora` were there. */
const HASH = '0f402f242b5c6eef6fc9e7f2d308eac9d7f4dafa3feb3519c22935e3b259d1fe';

let config: ModelConfig;
beforeAll(async () => {
  config = modelConfig(await readGguf(goldenSource('f32.gguf')));
});

const rookie = JSON.parse(
  readFileSync(new URL('../../data/rookie-grpo.json', import.meta.url), 'utf8'),
);
const withAdapter = (more: object) =>
  experimentSchema.safeParse({ ...rookie, adapter: { ...rookie.adapter, ...more } });

describe('the adapter of an experiment', () => {
  test('without the newer keys has the hash that it always had', async () => {
    const experiment = experimentSchema.parse(rookie);
    expect(experiment.adapter).toEqual({ rank: 8, alpha: 16 });
    expect(await experimentHash(experiment)).toBe(HASH);
  });

  test('can name each projection, once', () => {
    expect(withAdapter({ targets: PROJECTIONS }).success).toBe(true);
    expect(withAdapter({ targets: ['attn_q', 'ffn_up'], rslora: true }).success).toBe(true);
    for (const targets of [[], ['attn_q', 'attn_q'], ['q_proj'], 'attn_q']) {
      expect(withAdapter({ targets }).success, String(targets)).toBe(false);
    }
  });
});

describe('freshAdapter', () => {
  const sizes = { rank: 4, alpha: 8 };

  test('has the projections that are named, of every layer', () => {
    const fresh = freshAdapter(config, { ...sizes, targets: ['ffn_up', 'attn_v'] }, 7, null);
    const stems = Array.from({ length: config.layers }, (_, l) => [
      `blk.${l}.attn_v`,
      `blk.${l}.ffn_up`,
    ]);
    expect([...fresh.matrices.keys()]).toEqual(stems.flat());
  });

  test('draws the same matrices with all projections named as with none', () => {
    const all = freshAdapter(config, sizes, 7, null);
    expect(freshAdapter(config, { ...sizes, targets: PROJECTIONS }, 7, null)).toEqual(all);
    expect(all.matrices.size).toBe(PROJECTIONS.length * config.layers);
    expect(all.rslora).toBe(false);
    expect(freshAdapter(config, { ...sizes, rslora: true }, 7, null)).toEqual({
      ...all,
      rslora: true,
    });
  });
});
