// Runs command lines: in this process for what is refused at once, as a process of its own for the rest.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { main } from '../../src/cli/main.ts';

export interface Ran {
  code: number | null;
  stdout: string;
  /** Without the notes that drivers write there. */
  stderr: string;
}

/** Collects what is written to a stream of this process until the returned function is called. */
function collect(stream: NodeJS.WriteStream): () => string {
  const own = stream.write;
  let text = '';
  stream.write = (chunk: string | Uint8Array) => {
    text += typeof chunk === 'string' ? chunk : new TextDecoder().decode(chunk);
    return true;
  };
  return () => {
    stream.write = own;
    return text;
  };
}

/** Runs a command line in this process. */
export async function runHere(...argv: string[]): Promise<Ran> {
  const stdout = collect(process.stdout);
  const stderr = collect(process.stderr);
  const code = await main(argv).catch((error: unknown) => {
    stdout();
    stderr();
    throw error;
  });
  return { code, stdout: stdout(), stderr: stderr() };
}

/** Runs a command line as `npm run -s atlas` does; fails when it does not end by itself. */
export async function runAtlas(argv: readonly string[], limitMs = 100_000): Promise<Ran> {
  const script = fileURLToPath(new URL('../../scripts/atlas.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (bytes: Buffer) => {
    stdout += bytes.toString();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes.toString();
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve(status));
  });
  clearTimeout(timer);
  const notes = /^Warning: max\w+ artificially reduced .*\n/gm;
  return { code, stdout, stderr: stderr.replace(notes, '') };
}

/** The JSON objects that a command printed, one a line. */
export function linesOf({ stdout }: Ran): Record<string, unknown>[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}
