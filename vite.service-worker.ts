// Builds the page's service worker beside the page, as one classic script at a name that does not change: its folder is what
// it may answer, and not every browser takes a module here. The development server answers the same file.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'vite';
import layers from './scripts/layers.json' with { type: 'json' };
import { WORKER_PATH } from './src/workers/service/addresses.ts';

const ROOT = import.meta.dirname;
const ENTRY = join(ROOT, 'src/workers/service/service.worker.ts');

/** Hash of what makes up the built-in servers: their folder, those it may import, and the packages. */
export function toolspaceVersion(): string {
  const folders = ['toolspace', ...layers.toolspace].map((name) => join(ROOT, 'src', name));
  const files = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .sort()
      .map((path) => join(folder, path)),
  );
  const hash = createHash('sha256');
  for (const file of [...files, join(ROOT, 'package-lock.json')]) hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 12);
}

/** Puts the worker's script beside index.html. @param version of its servers, the same that the page knows. */
export function serviceWorker(version: string): Plugin {
  return {
    name: 'service-worker',
    configureServer(server) {
      server.middlewares.use(`/${WORKER_PATH}`, (_request, response, next) => {
        workerScript(version).then((code) => {
          response.setHeader('content-type', 'text/javascript');
          response.setHeader('cache-control', 'no-cache');
          response.end(code);
        }, next);
      });
    },
    async generateBundle() {
      // Those of workers are made with the same plugins.
      if (this.environment.config.isWorker) return;
      this.emitFile({ type: 'asset', fileName: WORKER_PATH, source: await workerScript(version) });
    },
  };
}

async function workerScript(version: string): Promise<string> {
  const built = await build({
    root: ROOT,
    configFile: false,
    publicDir: false,
    logLevel: 'warn',
    define: { 'import.meta.env.TOOLSPACE_VERSION': JSON.stringify(version) },
    build: {
      target: 'es2023',
      write: false,
      modulePreload: false,
      chunkSizeWarningLimit: 1024,
      rollupOptions: { input: ENTRY, output: { format: 'iife' } },
    },
  });
  const [output] = Array.isArray(built) ? built : [built];
  const chunk = output !== undefined && 'output' in output ? output.output[0] : undefined;
  if (chunk === undefined) throw new Error('service worker: Vite built nothing');
  return chunk.code;
}
