import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { experimentHash } from '../../../src/lab/experiment-hash.ts';
import { experimentSchema } from '../../../src/trajectory/experiment.ts';

const FILE = new URL('../../data/rookie-grpo.json', import.meta.url);
const given = async () => JSON.parse(await readFile(FILE, 'utf8'));

describe('experiment', () => {
  it('keeps the hash that names the runs of a committed experiment', async () => {
    const hash = await experimentHash(experimentSchema.parse(await given()));
    expect(hash).toBe('0f402f242b5c6eef6fc9e7f2d308eac9d7f4dafa3feb3519c22935e3b259d1fe');
  });

  it('takes the keys of the objective', async () => {
    const json = await given();
    const keys = { kl: 0.1, klEstimate: 'k1', entropy: 0.01, truncate: 2, ratio: 'sequence' };
    const parsed = experimentSchema.parse({ ...json, algorithm: { ...json.algorithm, ...keys } });
    expect(parsed.algorithm).toMatchObject(keys);
  });

  it.each([
    [{ kl: 0, klEstimate: 'k1' }, 'algorithm.klEstimate: got k1 with kl 0, need a kl above 0'],
    [{ entropy: -1 }, 'algorithm.entropy: '],
    [{ truncate: 0 }, 'algorithm.truncate: '],
    [{ ratio: 'group' }, 'algorithm.ratio: '],
  ])('refuses %o', async (keys, complaint) => {
    const json = await given();
    const parsed = experimentSchema.safeParse({
      ...json,
      algorithm: { ...json.algorithm, ...keys },
    });
    const issues = parsed.error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    expect(issues).toHaveLength(1);
    expect(issues?.[0]).toContain(complaint);
  });
});
