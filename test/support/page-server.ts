// Builds the page and serves it for the e2e project, as `npm start` does, in a folder of its own.
import { resolve } from 'node:path';
import { build, preview } from 'vite';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Address of the served page, with a slash at the end. */
    pageUrl: string;
    /** The folder that it is built in. */
    pageFolder: string;
  }
}

const root = resolve(import.meta.dirname, '../..');
/** Where the build thinks that it will be. */
export const PUBLIC_URL = 'https://atlas.example/app/';
const outDir = resolve(root, 'node_modules/.cache/e2e-dist');

/** Vitest runs this once before the project's tests, and what it returns after them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  process.env['ATLAS_PUBLIC_URL'] = PUBLIC_URL;
  await build({ root, logLevel: 'warn', build: { outDir, emptyOutDir: true } });
  const server = await preview({
    root,
    logLevel: 'warn',
    build: { outDir },
    preview: { host: '127.0.0.1', port: 0 },
  });
  const url = server.resolvedUrls?.local[0];
  if (url === undefined) throw new Error('page-server: vite preview has no local address');
  project.provide('pageUrl', url);
  project.provide('pageFolder', outDir);
  return () => server.close();
}
