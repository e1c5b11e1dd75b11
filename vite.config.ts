// The build of the page, and the servers that show it. Knows nothing of the command line's build.
import { defineConfig, type Plugin } from 'vite';
import { serviceWorker, toolspaceVersion } from './vite.service-worker.ts';

/** `connect-src` lets the page reach model files and tool servers that the user names. */
const CSP_RULES = {
  'default-src': "'self'",
  'script-src': "'self' 'wasm-unsafe-eval'",
  'worker-src': "'self'",
  'connect-src': "'self' blob: https: http://localhost:* http://127.0.0.1:*",
  'style-src': "'self'",
  'img-src': "'self' data: blob:",
};

/** The dev server inserts style sheets as `<style>` elements, which only a nonce lets through. */
const DEV_NONCE = 'pocket-atlas-dev';

function cspText(dev: boolean): string {
  const style = `${CSP_RULES['style-src']}${dev ? ` 'nonce-${DEV_NONCE}'` : ''}`;
  return Object.entries({ ...CSP_RULES, 'style-src': style })
    .map(([name, sources]) => `${name} ${sources}`)
    .join('; ');
}

function serverHeaders(dev: boolean): Record<string, string> {
  return {
    'Content-Security-Policy': cspText(dev),
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
  };
}

/** Writes the policy into index.html, for hosts that send no headers. */
function cspMeta(dev: boolean): Plugin {
  return {
    name: 'csp-meta',
    transformIndexHtml: {
      order: 'pre',
      handler: (html) => html.replace('%CSP%', cspText(dev)),
    },
  };
}

export default defineConfig(({ command, isPreview }) => {
  const dev = command === 'serve' && isPreview !== true;
  return {
    base: './',
    plugins: [cspMeta(dev), serviceWorker()],
    define: { 'import.meta.env.TOOLSPACE_VERSION': JSON.stringify(toolspaceVersion()) },
    ...(dev ? { html: { cspNonce: DEV_NONCE } } : {}),
    build: { target: 'es2023', outDir: 'dist', emptyOutDir: true },
    worker: { format: 'es' },
    server: { headers: serverHeaders(true) },
    preview: { headers: serverHeaders(false) },
    optimizeDeps: {
      include: [
        ...['wesl', 'comlink', 'zod', 'acorn', 'quickjs-emscripten-core'],
        '@jitl/quickjs-ng-wasmfile-release-sync',
      ],
    },
  };
});
