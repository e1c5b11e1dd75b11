// Runs of `atlas train` in a folder of their own, and what they leave there.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { type Metrics, metricsSchema } from '../../src/trajectory/experiment.ts';

const ATLAS = fileURLToPath(new URL('../../scripts/atlas.mjs', import.meta.url));

/** What a command printed; fails when it does. */
export async function output(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect(code).toBe(0);
  return text;
}

/** Kills a run half a second after its first step is kept. */
export async function killInSecondStep(child: ChildProcess): Promise<void> {
  await new Promise<void>((resolve) => {
    // The first line says that step 0 is kept; half a second later the process is inside step 1.
    child.stdout?.once('data', () => setTimeout(resolve, 500));
    child.once('close', () => resolve());
  });
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('exit', resolve));
}

interface Started {
  /** Flags of Node. */
  readonly node?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly stderr?: 'inherit' | 'pipe';
}

export class RunFolder {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  static async open(experiment: object): Promise<RunFolder> {
    const path = await mkdtemp(join(tmpdir(), 'atlas-train-'));
    await writeFile(join(path, 'experiment.json'), JSON.stringify(experiment));
    return new RunFolder(path);
  }

  train(
    out: string,
    flags: readonly string[] = [],
    { node = [], env = {}, stderr = 'inherit' }: Started = {},
  ): ChildProcess {
    const args = ['train', join(this.#path, 'experiment.json'), '--out', join(this.#path, out)];
    return spawn(process.execPath, [...node, ATLAS, ...args, ...flags], {
      stdio: ['ignore', 'pipe', stderr],
      env: { ...process.env, ...env },
    });
  }

  read(out: string, name: string): Promise<Buffer> {
    return readFile(join(this.#path, out, name));
  }

  async metrics(out: string): Promise<Metrics[]> {
    const lines = (await this.read(out, 'metrics.jsonl')).toString().trim().split('\n');
    return lines.map((line) => metricsSchema.parse(JSON.parse(line)));
  }

  /** Checks that two runs left the same bytes. */
  async expectSame(out: string, as: string): Promise<void> {
    for (const name of [
      'metrics.jsonl',
      'trajectories.jsonl',
      'adapter/adapter_model.safetensors',
    ]) {
      expect((await this.read(out, name)).equals(await this.read(as, name)), name).toBe(true);
    }
  }

  remove(): Promise<void> {
    return rm(this.#path, { recursive: true });
  }
}
