import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError, StoreError } from '../../../src/base/errors.ts';
import { type Disk, nodeDisk } from '../../../src/cli/disk.ts';
import { openRunDirectory } from '../../../src/cli/run-store.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'atlas-run-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const bytes = (text: string) => new TextEncoder().encode(text);
const FIRST = { 'state.json': bytes('1'), 'trainer/a': bytes('first-a'), 'trainer/b': bytes('b1') };
const SECOND = {
  'state.json': bytes('2'),
  'trainer/a': bytes('second-a'),
  'trainer/c': bytes('c'),
};

/**
 * The real disk, which dies at its n-th changing operation: a file written then is left half
 * written.
 */
function dyingDisk(operations: number): { disk: Disk; used: () => number } {
  let used = 0;
  const step = () => {
    used++;
    if (used > operations) throw new Error('the process died');
  };
  const disk: Disk = {
    ...nodeDisk,
    async makeDirectory(path) {
      step();
      await nodeDisk.makeDirectory(path);
    },
    async writeFile(path, content) {
      used++;
      if (used > operations) {
        await nodeDisk.writeFile(path, content.slice(0, content.length >> 1));
        throw new Error('the process died');
      }
      await nodeDisk.writeFile(path, content);
    },
    async rename(from, to) {
      step();
      await nodeDisk.rename(from, to);
    },
    async remove(path) {
      step();
      await nodeDisk.remove(path);
    },
    async syncDirectory(path) {
      step();
      await nodeDisk.syncDirectory(path);
    },
  };
  return { disk, used: () => used };
}

async function checkpointAfterDeath(operations: number) {
  const path = join(dir, String(operations));
  const before = await openRunDirectory(path, { resume: false });
  await before.writeCheckpoint(FIRST);
  // Opening makes the directory and removes two leftovers: three operations that come before those
  // counted.
  const dying = dyingDisk(operations + 3);
  const run = await openRunDirectory(path, { resume: true, disk: dying.disk });
  let died = false;
  try {
    await run.writeCheckpoint(SECOND);
  } catch (error) {
    if (!(error instanceof Error && error.message === 'the process died')) throw error;
    died = true;
  }
  const after = await openRunDirectory(path, { resume: true });
  return {
    files: await after.readCheckpoint(),
    died,
    names: await readdir(path),
    used: dying.used() - 3,
  };
}

describe('checkpoint', () => {
  it('is whole whenever the process dies', async () => {
    const whole = await checkpointAfterDeath(1000);
    expect(whole.died).toBe(false);
    expect(whole.files).toEqual(SECOND);
    expect(whole.used).toBeGreaterThan(10);
    const seen = new Set<string>();
    for (let operations = 0; operations < whole.used; operations++) {
      const { files, died, names } = await checkpointAfterDeath(operations);
      expect(died).toBe(true);
      const state = new TextDecoder().decode(files?.['state.json']);
      expect(files).toEqual(state === '1' ? FIRST : SECOND);
      expect(names).toEqual(['checkpoint']);
      seen.add(state);
    }
    expect([...seen]).toEqual(['1', '2']);
  });

  it('is null before the first one, also when the first one was cut short', async () => {
    const run = await openRunDirectory(join(dir, 'r'), { resume: true, disk: dyingDisk(6).disk });
    expect(await run.readCheckpoint()).toBeNull();
    await expect(run.writeCheckpoint(FIRST)).rejects.toThrow('the process died');
    const after = await openRunDirectory(join(dir, 'r'), { resume: true });
    expect(await after.readCheckpoint()).toBeNull();
  });
});

describe('logs', () => {
  it('keep their lines, and truncate cuts a half-written one too', async () => {
    const run = await openRunDirectory(dir, { resume: false });
    for (const line of ['{"a":1}', '{"ä":2}', '{"c":3}']) await run.append('metrics', line);
    await run.close();
    await writeFile(join(dir, 'metrics.jsonl'), '{"half":', { flag: 'a' });
    const again = await openRunDirectory(dir, { resume: true });
    expect(await again.readLog('metrics')).toEqual(['{"a":1}', '{"ä":2}', '{"c":3}']);
    await again.truncateLog('metrics', 2);
    await again.append('metrics', '{"d":4}');
    await again.close();
    expect(await readFile(join(dir, 'metrics.jsonl'), 'utf8')).toBe('{"a":1}\n{"ä":2}\n{"d":4}\n');
    expect(await again.readLog('timing')).toEqual([]);
  });

  it('truncate cuts at lines beyond one read', async () => {
    const run = await openRunDirectory(dir, { resume: false });
    const long = 'x'.repeat(50_000);
    for (let i = 0; i < 5; i++) await run.append('trajectories', `${i}${long}`);
    await run.truncateLog('trajectories', 3);
    expect((await run.readLog('trajectories')).map((line) => line.length)).toEqual([
      50_001, 50_001, 50_001,
    ]);
  });

  it('refuse to be cut to more lines than there are', async () => {
    const run = await openRunDirectory(dir, { resume: false });
    await run.append('metrics', '{}');
    await expect(run.truncateLog('metrics', 2)).rejects.toThrow(StoreError);
  });
});

describe('directory', () => {
  it('must be empty without resume', async () => {
    await writeFile(join(dir, 'notes.txt'), 'mine');
    await expect(openRunDirectory(dir, { resume: false })).rejects.toThrow(InputError);
    expect(await readdir(dir)).toEqual(['notes.txt']);
  });

  it('takes result files in folders, and none outside', async () => {
    const run = await openRunDirectory(dir, { resume: false });
    await run.writeFile('adapter/adapter_config.json', bytes('{}'));
    expect(await readFile(join(dir, 'adapter', 'adapter_config.json'), 'utf8')).toBe('{}');
    await expect(run.writeFile('../outside', bytes('x'))).rejects.toThrow(StoreError);
  });
});
