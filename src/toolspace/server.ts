// What a built-in server is: its tools as pure functions over its state. Knows no transport and no
// particular server.
import { z } from 'zod';
import type { Rng } from '../base/rng.ts';
import { nearest } from '../tools/nearest.ts';
import type { JsonObject } from '../trajectory/json.ts';
import { jsonObjectSchema } from '../trajectory/json.ts';
import type { ServerSpec, ToolSpec } from '../trajectory/tool.ts';
import type { Pool } from './values.ts';

/**
 * What a handler says: a value and, when something changed, the new state; or an error that helps.
 */
export type Outcome<S extends JsonObject = JsonObject> =
  | { value: JsonObject; state?: S }
  | { error: string };

/** A declared tool. `run` never changes the state that it is given. */
export interface ToolDef {
  readonly name: string;
  readonly description: string;
  readonly input: z.ZodObject;
  /** What its results are; undefined where the server declares nothing of them. */
  readonly output?: z.ZodObject;
  readonly readOnly: boolean;
  readonly idempotent: boolean;
  run(state: JsonObject, args: JsonObject, clock: string): Outcome;
}

/** A declared server: its tools and how its state is made from a world. */
export interface ServerDef {
  readonly name: string;
  readonly description: string;
  readonly tools: readonly ToolDef[];
  initial(rng: Rng, pool: Pool, clock: string): JsonObject;
}

/** A tool as it is written in a server's file: handler typed by its input schema and state. */
interface TypedTool<S extends JsonObject, I extends z.ZodObject, O extends z.ZodObject> {
  name: string;
  description: string;
  input: I;
  output?: O;
  kind: 'reads' | 'sets' | 'adds';
  run(state: S, args: z.infer<I>, clock: string): TypedOutcome<S, z.infer<O>>;
}

type TypedOutcome<S extends JsonObject, V> =
  | { value: V & JsonObject; state?: S }
  | { error: string };

/**
 * Declares a tool. Arguments that do not fit its schema are an error outcome that names the
 * argument.
 * `kind`: `reads` changes nothing, `sets` may be repeated without further effect, `adds` may not.
 */
export function defineTool<
  S extends JsonObject,
  I extends z.ZodObject,
  O extends z.ZodObject = z.ZodObject,
>(tool: TypedTool<S, I, O>): ToolDef {
  return {
    name: tool.name,
    description: tool.description,
    input: tool.input,
    ...(tool.output === undefined ? {} : { output: tool.output }),
    readOnly: tool.kind === 'reads',
    idempotent: tool.kind !== 'adds',
    run(state, args, clock) {
      const parsed = tool.input.safeParse(args);
      if (!parsed.success) return { error: complaint(parsed.error) };
      // The server's own initial() made the state, so it has the server's shape.
      return tool.run(state as S, parsed.data, clock);
    },
  };
}

function complaint(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'bad arguments';
  const where = issue.path.length > 0 ? `${issue.path.join('.')}: ` : '';
  return `bad arguments: ${where}${issue.message}`;
}

const specs = new WeakMap<ServerDef, ServerSpec>();

/** The server as policies and clients see it; JSON Schemas come from the zod schemas. */
export function serverSpec(server: ServerDef): ServerSpec {
  const known = specs.get(server);
  if (known !== undefined) return known;
  const spec = {
    name: server.name,
    description: server.description,
    tools: server.tools.map(toolSpec),
  };
  specs.set(server, spec);
  return spec;
}

function toolSpec(tool: ToolDef): ToolSpec {
  return {
    name: tool.name,
    description: tool.description,
    inputSchema: jsonSchemaOf(tool.input, 'input'),
    ...(tool.output === undefined ? {} : { outputSchema: jsonSchemaOf(tool.output, 'output') }),
    readOnly: tool.readOnly,
    idempotent: tool.idempotent,
  };
}

/** `io`: an argument with a default is optional going in, and always there coming out. */
function jsonSchemaOf(schema: z.ZodObject, io: 'input' | 'output'): JsonObject {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io });
  return jsonObjectSchema.parse(rest);
}

/** Looks an entity up by id. */
export function byId<T extends { id: string }>(list: readonly T[], id: string): T | string {
  const wanted = id.trim().toUpperCase();
  return list.find((entity) => entity.id === wanted) ?? `not found: '${id}'`;
}

/** Looks an entity up by its name; a name that is nearly right is suggested in the error. */
export function byName<T>(
  list: readonly T[],
  name: string,
  nameOf: (entity: T) => string,
): T | string {
  const wanted = name.trim().toLowerCase();
  const found = list.find((entity) => nameOf(entity).toLowerCase() === wanted);
  if (found !== undefined) return found;
  const [near] = nearest(name, list.map(nameOf), 2);
  return near === undefined
    ? `not found: '${name}'`
    : `not found: '${name}', did you mean '${near}'?`;
}

/** The list with one entity changed. */
export function changed<T extends { id: string }>(
  list: readonly T[],
  id: string,
  change: Partial<T>,
): T[] {
  return list.map((entity) => (entity.id === id ? { ...entity, ...change } : entity));
}

/** The next free id after the largest one, such as `T-318`. */
export function nextId(prefix: string, list: readonly { id: string }[]): string {
  const largest = Math.max(0, ...list.map((entity) => Number(entity.id.slice(prefix.length + 1))));
  return `${prefix}-${largest + 1}`;
}

/** Different ids for new entities, in random order. */
export function drawIds(rng: Rng, prefix: string, count: number, low: number, high: number) {
  const ids = new Set<number>();
  while (ids.size < count) ids.add(rng.int(low, high));
  return [...ids].map((id) => `${prefix}-${id}`);
}

/** Rows of one page of a list. */
const PAGE_ROWS = 5;

/** What a tool that answers in pages gives: its rows, how many there are in all, and the page behind, null at the end. */
export function pageSchema<T extends z.ZodType>(row: T) {
  return z.strictObject({
    items: z.array(row),
    total: z.int().min(0),
    nextPage: z.int().nullable(),
  });
}

/** The `page`th page of a list, from 1 on; a page behind the end is an error. */
export function pageOf<T extends JsonObject>(rows: readonly T[], page: number) {
  const pages = Math.max(1, Math.ceil(rows.length / PAGE_ROWS));
  if (page > pages)
    return { error: `page: got ${page}, there ${pages === 1 ? 'is 1' : `are ${pages}`}` };
  const items = rows.slice((page - 1) * PAGE_ROWS, page * PAGE_ROWS);
  return { value: { items, total: rows.length, nextPage: page < pages ? page + 1 : null } };
}
