// The build of the command line for Node. npm packages stay outside of the bundle.
import { readdirSync } from 'node:fs';
import { defineConfig } from 'vite';

const FOLDER = 'src/cli';

/** The command, and every worker that it may open. */
function entries(): Record<string, string> {
  const workers = readdirSync(FOLDER).filter((name) => name.endsWith('.worker.ts'));
  const named = workers.map((name) => [name.replace(/\.ts$/, ''), `${FOLDER}/${name}`]);
  return { cli: `${FOLDER}/main.ts`, ...Object.fromEntries(named) };
}

export default defineConfig({
  publicDir: false,
  build: {
    ssr: true,
    target: 'node20',
    outDir: 'dist-cli',
    // A running command may still load a chunk of the build before; scripts/build-cli.mjs prunes.
    emptyOutDir: false,
    rolldownOptions: {
      input: entries(),
      output: {
        // A worker lies beside the chunks, one of which opens it.
        entryFileNames: ({ name }) => (name === 'cli' ? 'cli.js' : `chunks/${name}.js`),
        chunkFileNames: 'chunks/[name]-[hash].js',
      },
    },
  },
});
