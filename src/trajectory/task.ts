// A task: a request, the seeded world it is about, the servers an agent may see, an oracle and a rubric.
import { z } from 'zod';
import { jsonObjectSchema } from './json.ts';
import { rubricSchema } from './rubric.ts';

export const splitSchema = z.enum(['train', 'test', 'unseen']);
export type Split = z.infer<typeof splitSchema>;

/** The seeded state behind the servers. Same seed, same clock, same toolspace version: same bytes. */
export const worldSchema = z.strictObject({
  seed: z.number().int().nonnegative(),
  /** The world's time, ISO 8601 without zone. */
  clock: z.string(),
});
export type World = z.infer<typeof worldSchema>;

/** One call of the oracle. `expectError` marks a call that the oracle makes to run into the task's planted error. */
export const oracleStepSchema = z.strictObject({
  server: z.string(),
  tool: z.string(),
  arguments: jsonObjectSchema,
  expectError: z.boolean().optional(),
});
export type OracleStep = z.infer<typeof oracleStepSchema>;

export const taskSchema = z.strictObject({
  v: z.literal(1),
  /** Hash of the content below, so that equal tasks have equal ids. */
  id: z.string(),
  toolspace: z.string(),
  /** A property of the content, never of the drawing seed. */
  split: splitSchema,
  prompt: z.string(),
  world: worldSchema,
  /** What an episode shows, in this order: the task's servers and distractors. */
  servers: z.array(z.string()),
  difficulty: z.enum(['easy', 'medium', 'hard']),
  /** The template family of each part of the request, and whether its phrasing is kept out of training. */
  families: z.array(z.string()),
  heldOutPhrasing: z.boolean(),
  /** Of each part, a hash of its family and the values in it: no two splits share one. */
  instances: z.array(z.string()).optional(),
  /** Written by a person: the oracle has no steps, the rubric no checks, and the split says nothing. Absent: generated. */
  source: z.literal('user').optional(),
  oracle: z.strictObject({
    steps: z.array(oracleStepSchema),
    /** The text inside <answer>. */
    answer: z.string(),
  }),
  rubric: rubricSchema,
});
export type Task = z.infer<typeof taskSchema>;
