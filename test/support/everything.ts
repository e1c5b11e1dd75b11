// The public test server `@modelcontextprotocol/server-everything`, as a process of its own over streamable HTTP.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(
  new URL(
    '../../node_modules/@modelcontextprotocol/server-everything/dist/index.js',
    import.meta.url,
  ),
);
const START_MS = 20_000;

export interface Everything {
  url: string;
  close(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}

/** Starts it and waits until it answers. */
export async function startEverything(): Promise<Everything> {
  const port = await freePort();
  const child = spawn(process.execPath, [SCRIPT, 'streamableHttp'], {
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  let notes = '';
  child.stderr.on('data', (bytes: Buffer) => {
    notes += bytes.toString();
  });
  const url = `http://127.0.0.1:${port}/mcp`;
  const close = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  for (const until = Date.now() + START_MS; ; ) {
    const answers = await fetch(url, { method: 'OPTIONS' }).then(
      () => true,
      () => false,
    );
    if (answers) return { url, close };
    if (Date.now() > until || child.exitCode !== null) {
      await close();
      throw new Error(`server-everything did not start: ${notes}`);
    }
    await new Promise((done) => setTimeout(done, 100));
  }
}
