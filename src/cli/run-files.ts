// What the directory of a run holds, for commands that only read it.
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { z } from 'zod';
import { errorMessage, InputError } from '../base/errors.ts';
import { type JsonObject, jsonObjectSchema } from '../trajectory/json.ts';
import { type Trace, traceSchema } from '../trajectory/trace.ts';
import { parseJson, readJsonFile } from './json-file.ts';

const NEWLINE = 10;

export class RunFiles {
  readonly path: string;
  /** The directory's own name. */
  readonly name: string;
  readonly #names: ReadonlySet<string>;

  private constructor(path: string, names: readonly string[]) {
    this.path = path;
    this.name = basename(resolve(path));
    this.#names = new Set(names);
  }

  /** @throws {InputError} when there is no such directory, or nothing in it. */
  static async open(path: string): Promise<RunFiles> {
    const names = await readdir(path).catch((cause: unknown) => {
      throw new InputError(
        'run-directory',
        `${path}: cannot be read (${errorMessage(cause)}); give the directory of a run`,
        { cause },
      );
    });
    if (names.length > 0) return new RunFiles(path, names);
    throw new InputError('run-directory', `${path}: got an empty directory, need that of a run`);
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** The settings as they were written, or null. */
  async experiment(): Promise<JsonObject | null> {
    if (!this.has('experiment.json')) return null;
    return readJsonFile(join(this.path, 'experiment.json'), jsonObjectSchema);
  }

  /** Lines of `metrics.jsonl`; none when there is no such file. */
  async metrics(): Promise<JsonObject[]> {
    const lines: JsonObject[] = [];
    for await (const line of this.#lines('metrics.jsonl', jsonObjectSchema)) lines.push(line);
    return lines;
  }

  /** Trajectories one by one; none when there is no such file. @throws {InputError} naming the line that is none. */
  trajectories(): AsyncGenerator<Trace, void, void> {
    return this.#lines('trajectories.jsonl', traceSchema);
  }

  async *#lines<T>(name: string, schema: z.ZodType<T>): AsyncGenerator<T, void, void> {
    if (!this.has(name)) return;
    const path = join(this.path, name);
    let number = 0;
    for await (const line of wholeLines(path)) {
      number += 1;
      yield parseJson(line, `${path}, line ${number}`, schema);
    }
  }
}

/** The lines of a file that end in a newline: a last one without is still being written. */
async function* wholeLines(path: string): AsyncGenerator<string, void, void> {
  let rest: Buffer<ArrayBufferLike> = Buffer.alloc(0);
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      yield Buffer.concat([rest, chunk.subarray(from, end)]).toString('utf8');
      rest = Buffer.alloc(0);
      from = end + 1;
    }
    rest = Buffer.concat([rest, chunk.subarray(from)]);
  }
}
