// Runs that must not learn: rewards that are no numbers, groups that teach nothing, a disk that is
// full.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/base/errors.ts';
import { type Disk, nodeDisk } from '../../../src/cli/disk.ts';
import { openRunDirectory } from '../../../src/cli/run-store.ts';
import { experimentSchema } from '../../../src/trajectory/experiment.ts';
import type { Bigram } from '../../support/bigram.ts';
import { GRPO, HOOK_MS, runWith, sha, taughtModel } from '../../support/lab-case.ts';
import { MemoryRunStore } from '../../support/memory-run-store.ts';

let taught: Bigram;
let dir = '';
beforeAll(async () => {
  taught = await taughtModel();
  dir = await mkdtemp(join(tmpdir(), 'atlas-bad-'));
}, HOOK_MS);
afterAll(() => rm(dir, { recursive: true, force: true }));

const weightsOf = async (model: Bigram) =>
  sha(Object.values(await model.checkpoint())[0] ?? new Uint8Array());

describe('rewards that are no numbers', () => {
  // No file can say this: the schema takes weights up to a million.
  const reward = { ...GRPO.reward, taskFulfilment: Number.POSITIVE_INFINITY };
  const experiment = { ...GRPO, reward, steps: 1 };

  it('cannot come from weights of a file', () => {
    for (const text of ['1e999', '1.7e308', '-1e999', 'null']) {
      const given = JSON.parse(`{"success": ${text}}`);
      const parsed = experimentSchema.safeParse({ ...GRPO, reward: given });
      expect(parsed.error?.issues[0]?.path).toEqual(['reward', 'success']);
    }
  });

  it.each([
    ['nothing is paid for', { success: 0 }],
    ['the sum is not above 0', { taskFulfilment: 1, toolGrounding: -1, success: 1 }],
  ])('cannot come from weights where %s', (_, given) => {
    const none = { taskFulfilment: 0, toolAppropriateness: 0, toolGrounding: 0 };
    const parsed = experimentSchema.safeParse({
      ...GRPO,
      reward: { ...none, parameterAccuracy: 0, ...given },
    });
    const [issue] = parsed.error?.issues ?? [];
    expect(issue?.path).toEqual(['reward']);
    expect(issue?.message).toMatch(/^need weights of categories whose sum is above 0, or /);
  });

  it('are refused before any weight moves or any line is written', async () => {
    const store = new MemoryRunStore();
    const model = taught.copy();
    const run = runWith(experiment, model, store);
    await expect(run).rejects.toThrow(InputError);
    await expect(run).rejects.toThrow(
      /^rewards of task \S+: got .*NaN.*, need finite numbers whose sum is one too; mend the weights/,
    );
    expect(await weightsOf(model)).toBe(await weightsOf(taught));
    expect(store.logs).toEqual({ metrics: [], trajectories: [], timing: [] });
  });

  it('are refused in a resampled group, too', async () => {
    const { algorithm } = experimentSchema.parse({
      ...GRPO,
      algorithm: { ...GRPO.algorithm, resample: { rounds: 2 } },
    });
    const run = runWith({ ...experiment, algorithm }, taught.copy(), new MemoryRunStore());
    await expect(run).rejects.toThrow(/need finite numbers/);
  });
});

describe('groups that teach nothing', () => {
  it('take no step: no weight moves, and the line counts them', async () => {
    // Nothing but parameters earns, and nobody makes a call in 8 tokens.
    const none = { taskFulfilment: 0, toolAppropriateness: 0, toolGrounding: 0, success: 0 };
    const experiment = experimentSchema.parse({
      ...GRPO,
      reward: { ...none, parameterAccuracy: 1 },
      limits: { ...GRPO.limits, turnTokens: 8 },
      optimiser: { learningRate: 100, clipNorm: 0, weightDecay: 0.5 },
      steps: 2,
    });
    const model = taught.copy();
    const metrics = await runWith(experiment, model, new MemoryRunStore());
    expect(await weightsOf(model)).toBe(await weightsOf(taught));
    for (const line of metrics) {
      expect(line).toMatchObject({ zeroSpread: 1, groups: 3, trained: 0, skipped: 0, tokens: 0 });
      expect(line).toMatchObject({ loss: 0, gradNorm: 0, ratioMax: null, clipFraction: null });
    }
  });
});

/** The real disk, which has room for some whole files: the next one is left half written. */
function fullDisk(files: number): Disk {
  let written = 0;
  return {
    ...nodeDisk,
    async writeFile(path, content) {
      if (written++ < files) return nodeDisk.writeFile(path, content);
      await nodeDisk.writeFile(path, content.slice(0, content.length >> 1));
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    },
  };
}

describe('a full disk', () => {
  const experiment = experimentSchema.parse({
    ...GRPO,
    algorithm: { kind: 'grpo', tasksPerStep: 2, group: 2 },
    steps: 3,
    checkpointEvery: 1,
  });
  const filesOf = async (name: string) => {
    const entries = await readdir(join(dir, name), { recursive: true, withFileTypes: true });
    const paths = entries
      .filter((entry) => entry.isFile() && entry.name !== 'timing.jsonl')
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
    const hashes = await Promise.all(paths.map(async (path) => sha(await readFile(path))));
    return paths.map((path, i) => `${path.slice(join(dir, name).length)} ${hashes[i]}`);
  };

  async function run(name: string, { resume = false, disk = nodeDisk } = {}) {
    const store = await openRunDirectory(join(dir, name), { resume, disk });
    try {
      return await runWith(experiment, taught.copy(), store, { resume });
    } finally {
      await store.close();
    }
  }

  it('leaves the checkpoint before it whole, and the run goes on to the same bytes', async () => {
    await run('whole');
    const whole = await filesOf('whole');
    // experiment.json, then two files a checkpoint: full at the state and at the weights of each
    // of the three, and at the trained weights.
    for (let files = 1; files <= 7; files++) {
      const name = `full-${files}`;
      await expect(run(name, { disk: fullDisk(files) })).rejects.toThrow(/got a full disk/);
      const kept = await openRunDirectory(join(dir, name), { resume: true });
      const checkpoint = await kept.readCheckpoint();
      const state = new TextDecoder().decode(checkpoint?.['state.json']);
      const done = Math.floor((files - 1) / 2);
      if (done === 0) expect(checkpoint).toBeNull();
      else expect(JSON.parse(state).step).toBe(done);
      const again = await run(name, { resume: true });
      expect(again.map(({ step }) => step)).toEqual([0, 1, 2].slice(done));
      expect(await filesOf(name)).toEqual(whole);
    }
  });

  it('is told of by the sentence that names what to do', async () => {
    await expect(run('told', { disk: fullDisk(3) })).rejects.toMatchObject({
      code: 'disk-full',
      message: expect.stringMatching(/^run directory: .*free some space, and go on with --resume$/),
    });
  });
});
