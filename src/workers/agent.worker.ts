// The agent worker: everything but the GPU. Opens the stores and serves the page.
import '../base/zod-config.ts';
import { InputError } from '../base/errors.ts';
import { openDatabase } from '../store/database.ts';
import { PageDesk } from './page-desk.ts';
import { type PageApi, type PageEvent, serveWorker } from './protocol.ts';
import { Shelf } from './shelf.ts';

async function openShelf(): Promise<Shelf> {
  const [database, root] = await Promise.all([openDatabase(), navigator.storage.getDirectory()]);
  return new Shelf({ database, root, now: () => Date.now() });
}

/** Two tabs must not write the same run. */
async function lockRun<T>(run: string, work: () => Promise<T>): Promise<T> {
  return navigator.locks.request(`run ${run}`, { ifAvailable: true }, async (lock) => {
    if (lock === null) {
      throw new InputError('run-locked', `run ${run}: another tab works on it; go on there`);
    }
    return work();
  });
}

serveWorker<PageApi, PageEvent>(self, (emit, gpu) => {
  const shelf = openShelf();
  // Every call that needs it tells of its failure.
  shelf.catch(() => undefined);
  return new PageDesk({ shelf, emit, gpu, lock: lockRun });
});
