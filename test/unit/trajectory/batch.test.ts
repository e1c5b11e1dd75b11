import { describe, expect, it } from 'vitest';
import { batchSchema } from '../../../src/trajectory/batch.ts';

const SEQUENCE = { ids: [1, 2], mask: [0, 1], advantage: 1, old_logprobs: [0, -1] };

/** The complaints about a GRPO batch with more keys of its objective and its one sequence. */
function complaints(
  objective: Record<string, unknown>,
  sequence: Record<string, unknown> = {},
): string[] {
  const parsed = batchSchema.safeParse({
    objective: {
      kind: 'grpo',
      clip_low: 0.2,
      clip_high: 0.2,
      aggregate: 'token-mean',
      ...objective,
    },
    sequences: [{ ...SEQUENCE, ...sequence }],
  });
  return (parsed.error?.issues ?? []).map((issue) => `${issue.path.join('.')}: ${issue.message}`);
}

describe('objective', () => {
  it('keeps the JSON of an old batch: new keys are not filled in', () => {
    const batch = {
      objective: { kind: 'grpo', clip_low: 0.2, clip_high: 0.2, kl: 0.1, aggregate: 'token-mean' },
      sequences: [SEQUENCE],
    };
    expect(JSON.stringify(batchSchema.parse(batch))).toBe(JSON.stringify(batch));
  });

  it('takes an entropy bonus, but none below 0', () => {
    expect(complaints({ entropy: 0.01 })).toEqual([]);
    expect(complaints({ entropy: -0.01 })).toHaveLength(1);
  });

  it('takes an estimate of the KL only with a KL', () => {
    expect(complaints({ kl: 0.1, kl_estimate: 'k1' })).toEqual([]);
    expect(complaints({ kl_estimate: 'k1' })).toEqual([
      'objective.kl_estimate: got k1 with kl 0, need a kl above 0 to estimate; set kl or leave kl_estimate out',
    ]);
    expect(complaints({ kl: 0.1, kl_estimate: 'k2' })).toHaveLength(1);
  });

  it('takes truncate only with what the sampler said of each token', () => {
    const sampler_logprobs = [0, -1.25];
    expect(complaints({ truncate: 2 }, { sampler_logprobs })).toEqual([]);
    expect(complaints({}, { sampler_logprobs })).toEqual([]);
    expect(complaints({ truncate: 2 })).toEqual([
      'sequences.0.sampler_logprobs: got none, objective.truncate needs what the sampler said of each token; give them ' +
        'or leave truncate out',
    ]);
    expect(complaints({ truncate: 2 }, { sampler_logprobs: [0] })).toEqual([
      'sequences.0.sampler_logprobs: got 1 entries, need 2, one for each id',
    ]);
    expect(complaints({ truncate: 0 }, { sampler_logprobs })).toHaveLength(1);
  });
});
