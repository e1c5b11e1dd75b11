// A server's declarations -> tools that can be shown and called. One bad tool is refused with its reason; the others stay.
// Knows no connection.
import { z } from 'zod';
import { type JsonObject, jsonObjectSchema } from '../trajectory/json.ts';
import type { ToolSpec } from '../trajectory/tool.ts';
import { headerComplaint } from './header-arguments.ts';
import { TOOL_LIMITS, type ToolLimits } from './limits.ts';
import { schemaComplaint } from './schema-check.ts';
import { cleanLine, cleanText, policyName } from './untrusted-text.ts';

/** A tool, and what its server calls it. */
export interface ListedTool {
  spec: ToolSpec;
  /** The name on the wire, which may be one that a policy cannot write. */
  wireName: string;
  /** Schemas as they came, for the headers and the check of results. */
  definition: { name: string; inputSchema: { type: 'object' }; outputSchema?: JsonObject };
}

/** A tool that is left out or shown otherwise than its server wrote it. */
export interface ToolProblem {
  /** Its name, fit to be shown. */
  tool: string;
  kind: 'refused' | 'renamed' | 'duplicate' | 'too_many';
  reason: string;
}

export interface ToolList {
  tools: ListedTool[];
  problems: ToolProblem[];
}

const rawToolSchema = z.looseObject({
  name: z.string().min(1),
  description: z.string().nullish(),
  inputSchema: z.looseObject({ type: z.literal('object') }),
  outputSchema: z.looseObject({}).nullish(),
  annotations: z
    .looseObject({ readOnlyHint: z.unknown(), idempotentHint: z.unknown() })
    .partial()
    .nullish(),
});
type RawTool = z.infer<typeof rawToolSchema>;

export interface ReadOptions {
  maxTools: number;
  limits?: ToolLimits;
  /** On revision 2026-07-28, where declared headers are sent. */
  checkHeaders: boolean;
}

/** Reads what `tools/list` brought. The first of two tools of one name wins. */
export function readTools(
  declared: readonly unknown[],
  { maxTools, limits = TOOL_LIMITS, checkHeaders }: ReadOptions,
): ToolList {
  const list: ToolList = { tools: [], problems: [] };
  const wireNames = new Set<string>();
  const names = new Set<string>();
  for (const [i, declaration] of declared.entries()) {
    if (list.tools.length >= maxTools) {
      const reason = `the server has ${declared.length} tools, the first ${maxTools} are taken`;
      list.problems.push({ tool: `tools from number ${i + 1}`, kind: 'too_many', reason });
      break;
    }
    const read = rawToolSchema.safeParse(declaration);
    const shown = shownName(declaration, i, limits);
    const refuse = (reason: string) => {
      list.problems.push({ tool: shown, kind: 'refused', reason });
    };
    if (!read.success) {
      refuse(`its declaration does not fit: ${declarationComplaint(read.error)}`);
      continue;
    }
    const raw = read.data;
    if (wireNames.has(raw.name)) {
      const reason = 'the server has two tools of this name, the first is taken';
      list.problems.push({ tool: shown, kind: 'duplicate', reason });
      continue;
    }
    const complaint = toolComplaint(raw, limits, checkHeaders);
    if (complaint !== null) {
      refuse(complaint);
      continue;
    }
    wireNames.add(raw.name);
    const name = policyName(raw.name, names, limits.nameCharacters);
    names.add(name);
    if (name !== raw.name) {
      list.problems.push({ tool: shown, kind: 'renamed', reason: `it is shown as ${name}` });
    }
    list.tools.push(listedTool(raw, name, limits));
  }
  return list;
}

function shownName(declaration: unknown, i: number, limits: ToolLimits): string {
  const name =
    typeof declaration === 'object' && declaration !== null && 'name' in declaration
      ? declaration.name
      : null;
  const shown = typeof name === 'string' ? cleanLine(name, limits.nameCharacters) : '';
  return shown === '' ? `tool number ${i + 1}` : shown;
}

function declarationComplaint(error: z.ZodError): string {
  const [issue] = error.issues;
  return issue === undefined ? 'unknown' : `${issue.path.join('.')}: ${issue.message}`;
}

function toolComplaint(raw: RawTool, limits: ToolLimits, checkHeaders: boolean): string | null {
  // They came as JSON, so that is what they are.
  const input = schemaComplaint(raw.inputSchema as JsonObject, limits);
  if (input !== null) return input;
  const output = raw.outputSchema as JsonObject | null | undefined;
  const outputComplaint = output ? schemaComplaint(output, limits) : null;
  if (outputComplaint !== null) return outputComplaint.replace('its schema', 'its output schema');
  return checkHeaders ? headerComplaint(raw.inputSchema as JsonObject) : null;
}

function listedTool(raw: RawTool, name: string, limits: ToolLimits): ListedTool {
  const inputSchema = cleanedSchema(raw.inputSchema, limits);
  const outputSchema = raw.outputSchema ? cleanedSchema(raw.outputSchema, limits) : undefined;
  const readOnly = raw.annotations?.readOnlyHint;
  const idempotent = raw.annotations?.idempotentHint;
  return {
    spec: {
      name,
      description: cleanText(raw.description ?? '', limits.descriptionCharacters),
      inputSchema,
      ...(outputSchema === undefined ? {} : { outputSchema }),
      ...(typeof readOnly === 'boolean' ? { readOnly } : {}),
      ...(typeof idempotent === 'boolean' ? { idempotent } : {}),
    },
    wireName: raw.name,
    definition: {
      name: raw.name,
      inputSchema: raw.inputSchema,
      ...(outputSchema === undefined ? {} : { outputSchema }),
    },
  };
}

const TEXTS = new Set(['title', 'description', '$comment']);

/** A copy whose texts for people are cleaned; a property of such a name is an object, so it is left. */
function cleanedSchema(schema: object, limits: ToolLimits): JsonObject {
  const copy = JSON.stringify(schema, (key, value: unknown) =>
    TEXTS.has(key) && typeof value === 'string'
      ? cleanText(value, limits.descriptionCharacters)
      : value,
  );
  return jsonObjectSchema.parse(JSON.parse(copy));
}
