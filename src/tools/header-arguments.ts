// Arguments that a tool wants repeated as HTTP headers (`x-mcp-header`, revision 2026-07-28, Streamable HTTP). A client must
// leave out a tool whose declarations break the rules. Knows no server.
import type { Json, JsonObject } from '../trajectory/json.ts';
import { cleanLine } from './untrusted-text.ts';

const KEY = 'x-mcp-header';
/** RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const TYPES = ['string', 'integer', 'boolean'];
const SHOWN_CHARACTERS = 60;

/**
 * Why the header declarations of an input schema are not allowed, null when they are.
 * @param schema known to be shallow.
 */
export function headerComplaint(schema: JsonObject): string | null {
  const taken = new Set<string>();
  return complaintBelow(schema, false, true, taken);
}

/** `reachable`: on a chain of `properties` alone, where a declaration may stand. */
function complaintBelow(
  value: Json,
  isProperty: boolean,
  reachable: boolean,
  taken: Set<string>,
): string | null {
  if (typeof value !== 'object' || value === null) return null;
  if (Array.isArray(value)) {
    return firstOf(value.map((item) => () => complaintBelow(item, false, false, taken)));
  }
  const own = Object.hasOwn(value, KEY)
    ? ownComplaint(value, isProperty && reachable, taken)
    : null;
  if (own !== null) return own;
  return firstOf(
    Object.entries(value).map(([key, child]) => () => {
      if (key !== 'properties') return complaintBelow(child, false, false, taken);
      if (typeof child !== 'object' || child === null || Array.isArray(child)) return null;
      const properties = Object.values(child);
      return firstOf(properties.map((one) => () => complaintBelow(one, true, reachable, taken)));
    }),
  );
}

function firstOf(checks: readonly (() => string | null)[]): string | null {
  for (const check of checks) {
    const complaint = check();
    if (complaint !== null) return complaint;
  }
  return null;
}

function ownComplaint(schema: JsonObject, allowed: boolean, taken: Set<string>): string | null {
  const header = schema[KEY];
  const shown = typeof header === 'string' ? `'${cleanLine(header, SHOWN_CHARACTERS)}'` : 'no text';
  if (!allowed) return `${KEY} ${shown} stands where no argument is`;
  if (typeof header !== 'string' || !TOKEN.test(header)) return `${KEY} ${shown} is no header name`;
  const type = schema['type'];
  if (typeof type !== 'string' || !TYPES.includes(type)) {
    return `${KEY} ${shown} is on an argument that is not of type ${TYPES.join(', ')}`;
  }
  if (taken.has(header.toLowerCase())) return `${KEY} ${shown} is declared twice`;
  taken.add(header.toLowerCase());
  return null;
}
