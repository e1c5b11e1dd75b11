// The agent worker: everything but the GPU. Opens the stores and serves the page.
import '../base/zod-config.ts';
import { openDatabase } from '../store/database.ts';
import { PageDesk } from './page-desk.ts';
import { type PageApi, type PageEvent, serveWorker } from './protocol.ts';
import { Shelf } from './shelf.ts';

async function openShelf(): Promise<Shelf> {
  const [database, root] = await Promise.all([openDatabase(), navigator.storage.getDirectory()]);
  return new Shelf({ database, root, now: () => Date.now() });
}

serveWorker<PageApi, PageEvent>(self, (emit, gpu) => {
  const shelf = openShelf();
  // Every call that needs it tells of its failure.
  shelf.catch(() => undefined);
  return new PageDesk({ shelf, emit, gpu });
});
