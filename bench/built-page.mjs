// A page of a bench, built by Vite with the project's settings, in a folder of the caller's.
import { join } from 'node:path';
import { build, preview } from 'vite';
import { ROOT } from '../scripts/install.mjs';

/** Builds and serves the page of `bench/NAME`, as the project's own page is. */
export async function serveBuilt(name, outDir) {
  const input = join(ROOT, 'bench', name, 'index.html');
  const rollupOptions = { input };
  await build({
    root: ROOT,
    logLevel: 'warn',
    build: { outDir, emptyOutDir: true, rollupOptions },
  });
  const server = await preview({
    root: ROOT,
    logLevel: 'warn',
    build: { outDir },
    preview: { host: '127.0.0.1', port: 0 },
  });
  const url = new URL(`bench/${name}/index.html`, server.resolvedUrls.local[0]).href;
  return { url, close: () => server.close() };
}
