// The build of the page, and the servers that show it. Knows nothing of the command line's build.
import { defineConfig, type Plugin } from 'vite';
import { CALLBACK_PAGE, CLIENT_DOCUMENT, clientDocument } from './src/tools/auth/oauth.ts';
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

/**
 * Writes the client-ID metadata document, by which authorisation servers know the page without a registration. It names its
 * own address, which a build with a relative base does not know: only where ATLAS_PUBLIC_URL tells it.
 */
function clientDocumentFile(): Plugin {
  return {
    name: 'client-document',
    apply: 'build',
    generateBundle() {
      const page = process.env['ATLAS_PUBLIC_URL'] ?? '';
      if (page === '') return;
      if (!/^https:\/\/.+\/$/.test(page)) {
        throw new Error(`ATLAS_PUBLIC_URL: got ${page}, need https://…/, the folder of the page`);
      }
      const at = (path: string) => new URL(path, page).href;
      const source = JSON.stringify(clientDocument(at(CLIENT_DOCUMENT), at(CALLBACK_PAGE)));
      this.emitFile({ type: 'asset', fileName: CLIENT_DOCUMENT, source });
    },
  };
}

export default defineConfig(({ command, isPreview }) => {
  const dev = command === 'serve' && isPreview !== true;
  const version = toolspaceVersion();
  return {
    base: './',
    plugins: [cspMeta(dev), clientDocumentFile(), serviceWorker(version)],
    define: { 'import.meta.env.TOOLSPACE_VERSION': JSON.stringify(version) },
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
