// The worker of one notebook in Node.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { parentPort } from 'node:worker_threads';
import { defined } from '../base/assert.ts';
import { NotebookServer, useUtc } from '../sandbox/serve.ts';

const port = defined(parentPort, 'port of the thread that opened this one');
const path = createRequire(import.meta.url).resolve('@jitl/quickjs-ng-wasmfile-release-sync/wasm');

useUtc();
const server = new NotebookServer(
  (message) => port.postMessage(message),
  readFile(path).then((bytes) => WebAssembly.compile(bytes)),
);
port.on('message', (message) => server.receive(message));
