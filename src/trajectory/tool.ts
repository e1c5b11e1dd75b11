// What a tool is to a policy, what a call is, and what came back.
import { z } from 'zod';
import { jsonObjectSchema, jsonSchema } from './json.ts';

/** A tool as its server declares it. `inputSchema` is a JSON Schema object. Names and descriptions are untrusted text. */
export const toolSpecSchema = z.strictObject({
  name: z.string(),
  description: z.string(),
  inputSchema: jsonObjectSchema,
  /** JSON Schema of the results, where the server declares one. */
  outputSchema: jsonObjectSchema.optional(),
  /** The server promises that a call changes nothing. */
  readOnly: z.boolean().optional(),
  idempotent: z.boolean().optional(),
});
export type ToolSpec = z.infer<typeof toolSpecSchema>;

export const serverSpecSchema = z.strictObject({
  name: z.string(),
  description: z.string(),
  tools: z.array(toolSpecSchema),
});
export type ServerSpec = z.infer<typeof serverSpecSchema>;

/** A call as a policy wrote it: `name` is the bare or the qualified (`server:tool`) name. */
export const toolCallSchema = z.strictObject({ name: z.string(), arguments: jsonObjectSchema });
export type ToolCall = z.infer<typeof toolCallSchema>;

/** Where an observation came from (CacheRL, arXiv 2606.14179): a live call, or a tier of the tool cache. */
export const tierSchema = z.enum(['live', 'exact', 'fuzzy', 'name', 'simulated']);
export type Tier = z.infer<typeof tierSchema>;

/** What a tool answered. `text` is what the policy sees, cut at the run's limit; `value` is the parsed JSON if it was JSON. */
export const toolResultSchema = z.strictObject({
  text: z.string(),
  value: jsonSchema,
  isError: z.boolean(),
  tier: tierSchema,
  /** Characters cut off `text`; 0 is whole. */
  cutCharacters: z.number().int(),
});
export type ToolResult = z.infer<typeof toolResultSchema>;

/** Meta tool of ptc. What it returns a program printed, so it is no source of what a policy knows. */
export const CODE_INTERPRETER = 'code_interpreter';

/** One executed call. `server` is null for a meta tool (`fetch_tools`, `get_selected_tools`) and for an unknown tool. */
export const callRecordSchema = z.strictObject({
  turn: z.number().int(),
  server: z.string().nullable(),
  tool: z.string(),
  arguments: jsonObjectSchema,
  meta: z.boolean(),
  result: toolResultSchema,
  /** Made by a program of ptc: it stands before the call that ran the program. */
  inProgram: z.boolean().optional(),
});
export type CallRecord = z.infer<typeof callRecordSchema>;
