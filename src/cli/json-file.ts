// JSON files that people write: read, checked against a schema, and refused with the place that is wrong.
import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { errorMessage, InputError } from '../base/errors.ts';

/** @throws {InputError} naming the file and the first thing in it that does not fit. */
export async function readJsonFile<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new InputError('file', `${path}: cannot be read (${errorMessage(cause)})`, { cause });
  }
  return parseJson(text, path, schema);
}

/** @throws {InputError} naming the place in the text that does not fit. */
export function parseJson<T>(text: string, where: string, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new InputError('json', `${where}: not JSON (${errorMessage(cause)})`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const place = issue?.path.join('.') ?? '';
  throw new InputError(
    'schema',
    `${where}: ${place === '' ? '' : `${place}: `}${issue?.message ?? 'does not fit its schema'}`,
  );
}

/** A file of JSON lines, or of one JSON object. @throws {InputError} naming the line that does not fit. */
export async function readJsonLines<T>(path: string, schema: z.ZodType<T>): Promise<T[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new InputError('file', `${path}: cannot be read (${errorMessage(cause)})`, { cause });
  }
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  // An indented object spans lines, none of which is JSON by itself.
  if (lines[0]?.trim() === '{') return [parseJson(text, path, schema)];
  return lines.map((line, i) => parseJson(line, `${path}, line ${i + 1}`, schema));
}
