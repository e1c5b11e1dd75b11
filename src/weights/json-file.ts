// JSON files beside a model's weights. Must not know what any key means.
import { errorMessage, ModelFileError } from '../base/errors.ts';
import type { ByteSource } from './byte-source.ts';
import { shown } from './shown.ts';

/** A JSON object of which nothing is known yet. */
export type Fields = Readonly<Record<string, unknown>>;

/** Ten times the largest tokenizer.json of the models that we load. */
const MAX_BYTES = 128 * 1024 * 1024;

/** Whether a JSON value is an object. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Reads a file that holds one JSON object.
 * @throws {ModelFileError} for a file that is too long or holds anything else.
 */
export async function readJsonFile(source: ByteSource): Promise<Fields> {
  if (source.size > MAX_BYTES) {
    throw new ModelFileError(
      'model-json',
      `${source.name}: ${source.size} bytes, need at most ${MAX_BYTES}; is this the right file?`,
      { data: { got: source.size, needed: MAX_BYTES } },
    );
  }
  const text = new TextDecoder().decode(await source.read(0, source.size));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw badField(source.name, `is not JSON (${shown(errorMessage(cause))})`, cause);
  }
  if (isFields(value)) return value;
  throw badField(source.name, 'is not a JSON object');
}

/** The refusal of a JSON file; `what` names the field. */
export function badField(name: string, what: string, cause?: unknown): ModelFileError {
  return new ModelFileError('model-json', `${name}: ${what}; choose another model`, { cause });
}
