// What `atlas export` wrote, given back to the command line: every form of an adapter computes the same.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { linesOf, runAtlas } from '../support/command-line.ts';
import { goldenPath } from '../support/golden-engine.ts';

const MODEL = goldenPath('f32.gguf');
const ADAPTER = goldenPath('f32.adapter');
const IDS = '3,1,4,1,5,9,2,6,5,3,5';
let folder = '';
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atlas-exported-'));
  for (const more of [
    ['--to', 'peft', '--out', at('a.zip')],
    ['--to', 'gguf', '--model', MODEL, '--out', at('a.gguf')],
    ['--to', 'gguf', '--model', MODEL, '--merge', '--out', at('merged.gguf')],
  ]) {
    const { code, stderr } = await runAtlas(['export', ADAPTER, ...more]);
    expect(code, stderr).toBe(0);
  }
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function logits(model: string, adapter?: string): Promise<number[]> {
  const more = adapter === undefined ? [] : ['--adapter', adapter];
  const ran = await runAtlas(['logits', model, '--ids', IDS, ...more]);
  expect(ran.code, ran.stderr).toBe(0);
  return (linesOf(ran)[0]?.['last'] ?? []) as number[];
}

it('the folder, the zip and the GGUF file give the same bits, the merged model the same numbers', async () => {
  const folderLogits = await logits(MODEL, ADAPTER);
  expect(await logits(MODEL, at('a.zip'))).toEqual(folderLogits);
  expect(await logits(MODEL, at('a.gguf'))).toEqual(folderLogits);
  const largest = Math.max(...folderLogits.map(Math.abs));
  const off = (list: readonly number[]) =>
    Math.max(...folderLogits.map((value, i) => Math.abs(value - (list[i] ?? Number.NaN)))) /
    largest;
  expect(off(await logits(at('merged.gguf')))).toBeLessThan(1e-4);
  expect(off(await logits(MODEL))).toBeGreaterThan(1e-2);
});
