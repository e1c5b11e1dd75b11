// The worker of one notebook in a browser.
import wasmUrl from '@jitl/quickjs-ng-wasmfile-release-sync/wasm?url';
import type { ToWorker } from './protocol.ts';
import { NotebookServer, useUtc } from './serve.ts';

/** Without streaming: not every host sends the type of a wasm file. */
async function compiled(): Promise<WebAssembly.Module> {
  const response = await fetch(wasmUrl);
  if (!response.ok) throw new Error(`${wasmUrl}: got status ${response.status}, need 200`);
  return WebAssembly.compile(await response.arrayBuffer());
}

useUtc();
const server = new NotebookServer((message) => self.postMessage(message), compiled());
self.addEventListener('message', ({ data }: MessageEvent<ToWorker>) => server.receive(data));
