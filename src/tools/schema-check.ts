// Whether a schema that a stranger wrote can be used: not too deep, large or cyclic, and nothing outside of itself. Walks
// without recursion, since the depth is the stranger's too. Knows no server.
import type { Json, JsonObject } from '../trajectory/json.ts';
import type { ToolLimits } from './limits.ts';
import { cleanLine } from './untrusted-text.ts';

type SchemaLimits = Pick<ToolLimits, 'schemaBytes' | 'schemaDepth' | 'schemaPlaces'>;

/** Keywords whose values are examples, not schemas: a `$ref` in them refers to nothing. */
const VALUES = new Set(['const', 'enum', 'default', 'examples', 'example']);
/** Keywords that hold schemas by name: a property may be called `default` or `$ref`. */
const MAPS = new Set([
  'properties',
  'patternProperties',
  'dependentSchemas',
  '$defs',
  'definitions',
]);
const REFERENCES = ['$ref', '$dynamicRef', '$recursiveRef'];
const SHOWN_CHARACTERS = 80;
/** Places on one way down, references followed: bounds the recursion. */
const PATH = 400;
const PATTERN_CHARACTERS = 500;

/** Characters of the texts and keys of a JSON value, and 4 for each value: about its length as JSON, at any depth. */
export function jsonSize(value: unknown): number {
  const open = [value];
  let size = 0;
  while (open.length > 0) {
    const one = open.pop();
    size += typeof one === 'string' ? one.length + 4 : 4;
    if (typeof one !== 'object' || one === null) continue;
    for (const [key, child] of Object.entries(one)) {
      if (!Array.isArray(one)) size += key.length;
      open.push(child);
    }
  }
  return size;
}

/** Why a schema is refused, in words; null when it can be used. */
export function schemaComplaint(schema: JsonObject, limits: SchemaLimits): string | null {
  return sizeComplaint(schema, limits) ?? referenceComplaint(schema, limits);
}

function sizeComplaint(schema: JsonObject, limits: SchemaLimits): string | null {
  const open: { value: Json; depth: number }[] = [{ value: schema, depth: 0 }];
  let places = 0;
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const { value, depth } = place;
    if (typeof value !== 'object' || value === null) continue;
    if (depth > limits.schemaDepth) return `its schema is deeper than ${limits.schemaDepth} levels`;
    places += 1;
    if (places > limits.schemaPlaces) {
      return `its schema has more than ${limits.schemaPlaces} places`;
    }
    for (const child of Object.values(value)) open.push({ value: child, depth: depth + 1 });
  }
  const bytes = JSON.stringify(schema).length;
  return bytes > limits.schemaBytes
    ? `its schema has ${bytes} characters, more than ${limits.schemaBytes}`
    : null;
}

/** Schemas below a schema that is known to be shallow, values of examples left out. */
function childSchemas(value: Json): Json[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value;
  return Object.entries(value).flatMap(([key, child]) => {
    if (VALUES.has(key)) return [];
    return MAPS.has(key) && isObject(child) ? Object.values(child) : [child];
  });
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function anchorsOf(schema: JsonObject): Map<string, Json> {
  const anchors = new Map<string, Json>();
  const open: Json[] = [schema];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (isObject(value)) {
      for (const key of ['$anchor', '$dynamicAnchor']) {
        const name = value[key];
        if (typeof name === 'string') anchors.set(name, value);
      }
    }
    open.push(...childSchemas(value));
  }
  return anchors;
}

/** The place that `#/a/b` or `#anchor` names; undefined when there is none. */
function target(schema: JsonObject, anchors: Map<string, Json>, reference: string) {
  const fragment = safeDecode(reference.slice(1));
  if (fragment === '') return schema;
  if (!fragment.startsWith('/')) return anchors.get(fragment);
  let place: Json | undefined = schema;
  for (const token of fragment.slice(1).split('/')) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof place !== 'object' || place === null || !Object.hasOwn(place, key)) return undefined;
    place = (place as JsonObject)[key];
  }
  return place;
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}

/**
 * Follows every reference and counts each place as often as it is reached: doubling references would keep a validator busy
 * for hours, a loop for ever.
 */
function referenceComplaint(schema: JsonObject, limits: SchemaLimits): string | null {
  const anchors = anchorsOf(schema);
  const sizes = new Map<Json, number>();
  const onPath = new Set<Json>();
  const sizeOf = (value: Json): number => {
    if (typeof value !== 'object' || value === null) return 0;
    if (onPath.has(value)) throw new Complaint('its schema refers to itself');
    const known = sizes.get(value);
    if (known !== undefined) return known;
    onPath.add(value);
    if (onPath.size > PATH) throw new Complaint('its references lead too deep');
    const below = [...childSchemas(value), ...referred(value)];
    const size = below.reduce<number>((sum, child) => sum + sizeOf(child), 1);
    if (size > limits.schemaPlaces) {
      throw new Complaint(
        `its schema has more than ${limits.schemaPlaces} places, references followed`,
      );
    }
    onPath.delete(value);
    sizes.set(value, size);
    return size;
  };
  const referred = (value: Json): Json[] => {
    if (!isObject(value)) return [];
    return REFERENCES.flatMap((key) => {
      const reference = value[key];
      if (typeof reference !== 'string') return [];
      const shown = cleanLine(reference, SHOWN_CHARACTERS);
      if (!reference.startsWith('#')) {
        throw new Complaint(`its schema refers to another document, ${shown}`);
      }
      const place = target(schema, anchors, reference);
      if (place === undefined)
        throw new Complaint(`its schema refers to ${shown}, which is not there`);
      return [place];
    });
  };
  try {
    sizeOf(schema);
    return null;
  } catch (error) {
    if (error instanceof Complaint) return error.message;
    throw error;
  }
}

/** Ends the walk; never leaves this file. */
class Complaint extends Error {}

/**
 * The schema for a validator: without patterns that are no regular expressions or that may take for ever on a text (a
 * repeated group with a repetition or a choice inside). The server checks them; the text that a policy sees keeps them.
 */
export function withoutSlowPatterns(schema: JsonObject): JsonObject {
  const copy = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(copy);
    if (!isObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value)
        .filter(([key, child]) => {
          return key !== 'pattern' || typeof child !== 'string' || isQuickPattern(child);
        })
        .map(([key, child]) => {
          if (VALUES.has(key)) return [key, child];
          if (key !== 'patternProperties' || !isObject(child)) return [key, copy(child)];
          const quick = Object.entries(child).filter(([pattern]) => isQuickPattern(pattern));
          return [key, copy(Object.fromEntries(quick))];
        }),
    );
  };
  // An object stays one.
  return copy(schema) as JsonObject;
}

function isQuickPattern(pattern: string): boolean {
  if (pattern.length > PATTERN_CHARACTERS) return false;
  try {
    new RegExp(pattern, 'u');
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
  let flat = pattern.replace(/\\./g, 'a').replace(/\[[^\]]*\]/g, 'a');
  for (;;) {
    const group = /\((?:\?(?:[:=!]|<[=!]|<\w+>))?([^()]*)\)([*+]|\{)?/.exec(flat);
    if (group === null) return true;
    const varies = /[*+{|]/.test(group[1] ?? '');
    if (varies && group[2] !== undefined) return false;
    flat = flat.replace(group[0], varies ? `a*${group[2] ?? ''}` : `a${group[2] ?? ''}`);
  }
}
