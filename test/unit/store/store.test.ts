import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { beforeEach, describe, expect, it } from 'vitest';
import { StoreError } from '../../../src/base/errors.ts';
import { DATABASE_VERSION, openDatabase } from '../../../src/store/database.ts';
import { persistStorage, storageUsage, withQuota } from '../../../src/store/quota.ts';
import { Records } from '../../../src/store/records.ts';
import { PageRunStore } from '../../../src/store/run-store.ts';
import { MemoryDirectory } from '../../support/memory-directory.ts';
import { someTask } from '../../support/traces.ts';

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

const bytes = (text: string) => new TextEncoder().encode(text);
const FIRST = { 'state.json': bytes('1'), 'trainer/a': bytes('first-a') };
const SECOND = { 'state.json': bytes('2'), 'trainer/b': bytes('second-b') };

describe('database', () => {
  it('keeps what an older version wrote when it is brought to the newest', async () => {
    const old = await openDatabase('atlas', 1);
    await new Records(old).saveSetting('theme', 'dark');
    expect(old.objectStoreNames.contains('timings')).toBe(false);
    old.close();
    const database = await openDatabase('atlas');
    expect(database.version).toBe(DATABASE_VERSION);
    expect(database.objectStoreNames.contains('timings')).toBe(true);
    expect(await new Records(database).setting('theme', 'light')).toBe('dark');
    database.close();
  });

  it('refuses one of a newer version', async () => {
    (await openDatabase('atlas')).close();
    await expect(openDatabase('atlas', 1)).rejects.toThrow(/newer version/);
  });

  it('takes records and gives them back', async () => {
    const records = new Records(await openDatabase('atlas'));
    await records.saveExperiment({ hash: 'h', name: 'first', settings: { seed: 1 } });
    for (const [id, savedAt] of [
      ['a', 1],
      ['b', 3],
      ['c', 2],
    ] as const) {
      await records.saveRun({ id, experiment: 'h', name: id, status: 'done', savedAt });
    }
    expect((await records.runs()).map((run) => run.id)).toEqual(['b', 'c', 'a']);
    expect((await records.experiment('h'))?.settings).toEqual({ seed: 1 });
    expect(await records.experiment('x')).toBeNull();
    await records.saveTasks([someTask('t1'), { ...someTask('t2'), split: 'test' }]);
    expect((await records.tasks('test')).map((task) => task.id)).toEqual(['t2']);
    expect(await records.setting('absent', 7)).toBe(7);
  });
});

describe('run store of the page', () => {
  it('keeps the logs of each run apart, in order, and cuts them', async () => {
    const database = await openDatabase('atlas');
    const root = new MemoryDirectory();
    const [one, two] = ['one', 'two'].map((run) => new PageRunStore(database, root, run));
    for (let i = 0; i < 12; i++) await one?.append('metrics', `m${i}`);
    await two?.append('metrics', 'other');
    await one?.append('trajectories', 't');
    const again = new PageRunStore(database, root, 'one');
    await again.truncateLog('metrics', 11);
    await again.append('metrics', 'new');
    const want = [...Array.from({ length: 11 }, (_, i) => `m${i}`), 'new'];
    expect(await again.readLog('metrics')).toEqual(want);
    expect(await two?.readLog('metrics')).toEqual(['other']);
    await expect(again.truncateLog('timing', 1)).rejects.toThrow(StoreError);
    await again.remove();
    expect(await again.readLog('metrics')).toEqual([]);
    expect(await two?.readLog('metrics')).toEqual(['other']);
  });

  it('has one whole checkpoint, wherever the tab dies', async () => {
    const database = await openDatabase('atlas');
    const checkpointAfter = async (changes: number) => {
      let left = Number.POSITIVE_INFINITY;
      const root = new MemoryDirectory({
        onChange: () => {
          if (left-- <= 0) throw new Error('the tab died');
        },
      });
      const store = new PageRunStore(database, root, 'r');
      await store.writeCheckpoint(FIRST);
      left = changes;
      let died = false;
      try {
        await store.writeCheckpoint(SECOND);
      } catch (error) {
        if (!(error instanceof Error && error.message === 'the tab died')) throw error;
        died = true;
      }
      left = Number.POSITIVE_INFINITY;
      return { died, files: await new PageRunStore(database, root, 'r').readCheckpoint() };
    };
    const seen: string[] = [];
    for (let changes = 0; ; changes++) {
      const { died, files } = await checkpointAfter(changes);
      const state = new TextDecoder().decode(files?.['state.json']);
      expect(files).toEqual(state === '1' ? FIRST : SECOND);
      seen.push(state);
      if (!died) break;
    }
    expect(seen.length).toBeGreaterThan(6);
    expect(seen[0]).toBe('1');
    expect(seen.at(-1)).toBe('2');
  });

  it('says what to delete when the storage is full', async () => {
    const database = await openDatabase('atlas');
    const root = new MemoryDirectory({ quotaBytes: 1000 });
    const store = new PageRunStore(database, root, 'r');
    await store.writeCheckpoint(FIRST);
    const large = { 'state.json': bytes('3'), weights: new Uint8Array(2000) };
    await expect(store.writeCheckpoint(large)).rejects.toThrow(/delete a model file/);
    expect(await store.readCheckpoint()).toEqual(FIRST);
    await store.writeFile('adapter/a', bytes('A'));
    expect(await store.readFile('adapter/a')).toEqual(bytes('A'));
    expect(await store.readFile('adapter/b')).toBeNull();
  });

  it('has no checkpoint before the first', async () => {
    const store = new PageRunStore(await openDatabase('atlas'), new MemoryDirectory(), 'r');
    expect(await store.readCheckpoint()).toBeNull();
  });
});

describe('quota', () => {
  const storage = (persisted: boolean, granted: boolean) => ({
    estimate: async () => ({ usage: 10, quota: 100 }),
    persisted: async () => persisted,
    persist: async () => granted,
  });

  it('reads the usage and asks to persist', async () => {
    expect(await storageUsage(storage(true, false))).toEqual({
      usageBytes: 10,
      quotaBytes: 100,
      persisted: true,
    });
    expect(await persistStorage(storage(true, false))).toBe(true);
    expect(await persistStorage(storage(false, true))).toBe(true);
    expect(await persistStorage(storage(false, false))).toBe(false);
  });

  it('passes on other errors as they are', async () => {
    const other = new TypeError('other');
    await expect(withQuota('x', () => Promise.reject(other))).rejects.toBe(other);
  });
});
