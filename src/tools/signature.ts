// Tool schemas as one short line: `convert(value:number,from:km|mi,to:km|mi)`. Knows no server.
import type { Json, JsonObject } from '../trajectory/json.ts';
import type { ToolSpec } from '../trajectory/tool.ts';

/**
 * The tool in signature style: required arguments bare, optional ones with `?`, a type unless it
 * is string, enums as `a|b`.
 */
export function toolSignature(tool: ToolSpec): string {
  const properties = asObject(tool.inputSchema['properties']);
  const required = tool.inputSchema['required'];
  const args = Object.entries(properties).map(([name, schema]) => {
    const isRequired = Array.isArray(required) && required.includes(name);
    return `${name}${isRequired ? '' : '?'}${typeMark(asObject(schema))}`;
  });
  return `${tool.name}(${args.join(',')})`;
}

function typeMark(schema: JsonObject): string {
  const values = schema['enum'];
  if (Array.isArray(values)) return `:${values.map(String).join('|')}`;
  const type = schema['type'];
  return typeof type !== 'string' || type === 'string' ? '' : `:${type}`;
}

function asObject(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}
