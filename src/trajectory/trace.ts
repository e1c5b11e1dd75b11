// A trajectory: what one episode was, token by token. Ids are what the policy saw and sampled; nothing is re-tokenised.
import { z } from 'zod';
import { jsonSchema } from './json.ts';
import { scoresSchema } from './rubric.ts';
import { taskSchema } from './task.ts';
import { callRecordSchema, tierSchema, toolCallSchema } from './tool.ts';

export const roleSchema = z.enum(['system', 'user', 'assistant', 'tool']);
export type Role = z.infer<typeof roleSchema>;

/** A message of a conversation, as text. */
export const messageSchema = z.strictObject({
  role: roleSchema,
  /** Whole text of the message as the model saw or wrote it (an assistant's includes its tags). */
  content: z.string(),
  /** Parsed parts of an assistant's message. */
  thinking: z.string().optional(),
  toolCalls: z.array(toolCallSchema).optional(),
});
export type Message = z.infer<typeof messageSchema>;

export const modeSchema = z.enum(['eager', 'isl', 'itl', 'ptc']);
export type Mode = z.infer<typeof modeSchema>;

/** A run of token ids of one origin. Segments joined give the whole sequence. */
export const segmentSchema = z.strictObject({
  role: roleSchema,
  ids: z.array(z.number().int()),
  /** True for tokens that the policy sampled: only these are trained (mask 1). */
  sampled: z.boolean(),
  /** Log-probability (temperature 1) of each id at sampling; null when the policy gave none or the segment is not sampled. */
  logprobs: z.array(z.number()).nullable(),
  /** Of an observation; null elsewhere. */
  tier: tierSchema.nullable(),
});
export type Segment = z.infer<typeof segmentSchema>;

/**
 * What tokens of a context are there for: `system` are our instructions, `servers` and `tools` the lists of names, `frame`
 * is what the chat template puts round messages.
 */
export const originSchema = z.enum([
  ...(['frame', 'system', 'servers', 'tools', 'schemas', 'request'] as const),
  ...(['thinking', 'calls', 'code', 'answer', 'results'] as const),
]);
export type Origin = z.infer<typeof originSchema>;

/** Tokens by origin; an origin without any is left out. */
export const originCountsSchema = z.partialRecord(originSchema, z.number().int().positive());
export type OriginCounts = z.infer<typeof originCountsSchema>;

/** Why an episode ended. `error` is the episode's own failure (a dead server, a failed policy), told in `error`. */
export const endSchema = z.enum(['answer', 'calls', 'context', 'length', 'error', 'cancel']);
export type End = z.infer<typeof endSchema>;

export const traceSchema = z.strictObject({
  v: z.literal(1),
  id: z.string(),
  task: taskSchema,
  mode: modeSchema,
  policy: z.string(),
  /** The rollout's own seed, and the temperature it sampled with. */
  seed: z.number().int(),
  temperature: z.number(),
  /** The policy was held to calls that can be made. */
  constrained: z.boolean().optional(),
  messages: z.array(messageSchema),
  segments: z.array(segmentSchema),
  calls: z.array(callRecordSchema),
  answer: z.string().nullable(),
  end: endSchema,
  error: z.string().nullable(),
  /** Tokens of the whole sequence at its end. */
  contextTokens: z.number().int(),
  /** Where they come from: those of the first prompt, then of each turn with what came back. Together `contextTokens`. */
  context: z.array(originCountsSchema).optional(),
  /** State of every shown built-in server at the end, by server name; null for a server that does not tell. */
  finalState: z.record(z.string(), jsonSchema),
  scores: scoresSchema.nullable(),
  /** All Task Fulfilment checks passed; null when one could not be evaluated. */
  success: z.boolean().nullable(),
  /** Added to the reward for the episode's length, 0 or less; only in runs with `algorithm.overlong`. */
  overlong: z.number().optional(),
});
export type Trace = z.infer<typeof traceSchema>;
