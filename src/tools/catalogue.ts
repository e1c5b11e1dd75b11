// What can be said of a call before it is made: the tool's nearest names and the schema's
// complaint. Calls nothing.
import { type Schema, Validator } from '@cfworker/json-schema';
import type { JsonObject } from '../trajectory/json.ts';
import type { ServerSpec, ToolSpec } from '../trajectory/tool.ts';
import { nearest } from './nearest.ts';
import { withoutSlowPatterns } from './schema-check.ts';

const validators = new WeakMap<ToolSpec, Validator>();

function validatorOf(tool: ToolSpec): Validator {
  const known = validators.get(tool);
  if (known !== undefined) return known;
  const schema: Schema = withoutSlowPatterns(tool.inputSchema);
  const validator = new Validator(schema, '2020-12', false);
  validators.set(tool, validator);
  return validator;
}

/**
 * What is wrong with the arguments of a call, naming the argument and the schema's complaint; null
 * when they fit.
 */
export function checkArguments(tool: ToolSpec, args: JsonObject): string | null {
  const { valid, errors } = validatorOf(tool).validate(args);
  if (valid) return null;
  const unknown = unknownArgument(tool, args);
  if (unknown !== null) return unknown;
  // The validator reports outer before inner places: the last error is the most precise one.
  const error = errors.at(-1);
  if (error === undefined) return `bad arguments for ${tool.name}`;
  const where = error.instanceLocation.replace(/^#\/?/, '').replaceAll('/', '.');
  const place = where === '' ? '' : ` ${where}:`;
  return `bad arguments for ${tool.name}:${place} ${error.error}`;
}

/** A closed schema complains of an argument that it does not have by "False boolean schema": say it in words. */
function unknownArgument(tool: ToolSpec, args: JsonObject): string | null {
  const { properties, additionalProperties } = tool.inputSchema;
  if (additionalProperties !== false || typeof properties !== 'object') return null;
  const names = Object.keys(properties ?? {});
  const name = Object.keys(args).find((key) => !names.includes(key));
  if (name === undefined) return null;
  return `bad arguments for ${tool.name}: it has no argument '${name}', only ${names.join(', ')}`;
}

/** The text for a name that a server does not have, with its nearest tools or else all of them. */
export function unknownTool(server: ServerSpec, name: string): string {
  const names = server.tools.map((tool) => tool.name);
  const near = nearest(name, names, Math.max(2, Math.floor(name.length / 3))).slice(0, 3);
  const hint =
    near.length > 0 ? `did you mean ${near.join(' or ')}?` : `it has ${names.join(', ')}`;
  return `unknown tool '${name}' of ${server.name}, ${hint}`;
}
