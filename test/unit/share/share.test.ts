import { deflateSync, strFromU8, unzipSync, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/base/errors.ts';
import { openAtlasFile, packAtlasFile } from '../../../src/share/atlas-file.ts';
import { experimentLink, experimentOfLink } from '../../../src/share/link.ts';
import { experimentSchema } from '../../../src/trajectory/experiment.ts';
import { traceWith } from '../../support/traces.ts';

const experiment = experimentSchema.parse({
  v: 1,
  name: 'Käse & Brot',
  seed: 7,
  model: 'rookie',
  tasks: { split: 'train', count: 64, seed: 1 },
  algorithm: { kind: 'grpo', tasksPerStep: 4, group: 8 },
  adapter: { rank: 8, alpha: 16 },
  optimiser: { learningRate: 0.002 },
  steps: 10,
});

describe('link', () => {
  it('holds the whole experiment in a short fragment', () => {
    const link = experimentLink(experiment);
    expect(link).toMatch(/^#x1=[A-Za-z0-9_-]+$/);
    expect(link.length).toBeLessThan(800);
    expect(experimentOfLink(link)).toEqual(experiment);
    expect(experimentLink(experiment)).toBe(link);
  });

  it('is null for other fragments, and refuses damaged and hostile ones', () => {
    expect(experimentOfLink('#runs')).toBeNull();
    expect(() => experimentOfLink(experimentLink(experiment).slice(0, -20))).toThrow(InputError);
    expect(() => experimentOfLink('#x1=%%%')).toThrow(InputError);
    const bomb = deflateSync(new Uint8Array(50_000_000), { level: 9 });
    const text = btoa(strFromU8(bomb, true)).replaceAll('+', '-').replaceAll('/', '_');
    expect(() => experimentOfLink(`#x1=${text.replaceAll('=', '')}`)).toThrow(InputError);
  });
});

describe('.atlas file', () => {
  const file = {
    experiment,
    metrics: [],
    trajectories: [traceWith([])],
    adapter: { 'adapter_config.json': new TextEncoder().encode('{}') },
  };

  it('gives back what was packed, and the same bytes each time', async () => {
    const bytes = await packAtlasFile(file);
    expect(await openAtlasFile(bytes)).toEqual(file);
    expect(await packAtlasFile(file)).toEqual(bytes);
  });

  it('refuses a changed part, a missing one and what is no zip', async () => {
    const parts = unzipSync(await packAtlasFile(file));
    const changed = zipSync({ ...parts, 'adapter/adapter_config.json': new Uint8Array([1]) });
    await expect(openAtlasFile(changed)).rejects.toThrow(/changed adapter\/adapter_config.json/);
    const { 'metrics.jsonl': _, ...fewer } = parts;
    await expect(openAtlasFile(zipSync(fewer))).rejects.toThrow(/metrics.jsonl/);
    await expect(openAtlasFile(new Uint8Array([1, 2, 3]))).rejects.toThrow(InputError);
  });
});
