// Serves the peers' page and what it loads, isolated so that it may use threads. Nothing from outside this machine.
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const ROOT = join(HERE, '..');
const FOLDERS = {
  page: join(HERE, 'page'),
  jax: join(HERE, 'node_modules', '@jax-js', 'jax', 'dist'),
  ort: join(HERE, 'node_modules', 'onnxruntime-web', 'dist'),
  wllama: join(ROOT, 'node_modules', '@wllama', 'wllama', 'esm'),
};
const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};
const ISOLATED = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** Serves on a free port; `files` are paths on this machine, by what they are asked for. */
export async function servePage(files) {
  const server = createServer((request, response) => {
    const path = fileOf(new URL(request.url, 'http://localhost').pathname, files);
    const stat = path === null ? undefined : statSync(path, { throwIfNoEntry: false });
    if (stat === undefined || !stat.isFile()) {
      response.writeHead(404).end();
      return;
    }
    const type = TYPES[extname(path)] ?? 'application/octet-stream';
    response.writeHead(200, { ...ISOLATED, 'Content-Type': type, 'Content-Length': stat.size });
    createReadStream(path).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  return { url: `http://127.0.0.1:${port}/page/index.html`, close: () => server.close() };
}

function fileOf(pathname, files) {
  if (Object.hasOwn(files, pathname)) return files[pathname];
  const [, name, ...rest] = pathname.split('/');
  const folder = FOLDERS[name];
  const path = folder === undefined ? null : normalize(join(folder, ...rest));
  return path?.startsWith(folder) ? path : null;
}
