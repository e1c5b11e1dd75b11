// The build of the command line for Node. npm packages stay outside of the bundle.
import { defineConfig } from 'vite';

export default defineConfig({
  publicDir: false,
  build: {
    ssr: true,
    target: 'node20',
    outDir: 'dist-cli',
    // A running command may still load a chunk of the build before; scripts/build-cli.mjs prunes.
    emptyOutDir: false,
    rolldownOptions: {
      input: { cli: 'src/cli/main.ts' },
      output: { entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
    },
  },
});
