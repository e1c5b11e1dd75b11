// A sandbox on the worker of the command line, built for the tests of one file.
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'vite';
import { afterAll, beforeAll } from 'vitest';
import { nodeWorker } from '../../src/cli/node-worker.ts';
import { openSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';
import type { SpawnWorker } from '../../src/sandbox/worker-pool.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** Builds the worker before the tests of the file that calls this; the function opens one. */
export function builtWorker(): SpawnWorker {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atlas-sandbox-'));
    // The worker finds its packages as the built command line does.
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    await build({
      configFile: false,
      root: ROOT,
      logLevel: 'error',
      publicDir: false,
      build: {
        ssr: true,
        target: 'node20',
        outDir: join(folder, 'out'),
        emptyOutDir: false,
        rolldownOptions: {
          input: { worker: 'src/cli/notebook.worker.ts' },
          output: { entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' },
        },
      },
    });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return () => nodeWorker(pathToFileURL(join(folder, 'out', 'worker.mjs')));
}

/** A sandbox for the tests of one file. */
export function testSandbox(): Sandbox {
  const sandbox = openSandbox(builtWorker());
  afterAll(() => sandbox.close());
  return sandbox;
}
