// A rubric: 12 criteria in four categories (ATLAS, arXiv 2603.06713 section 3.1), each with a text for a judge and, where
// one exists, a check. A check is data, a predicate on the calls, the final state or the answer; rubric/ evaluates it.
import { z } from 'zod';
import { jsonSchema } from './json.ts';

export const categorySchema = z.enum([
  'taskFulfilment',
  'toolAppropriateness',
  'toolGrounding',
  'parameterAccuracy',
]);
export type Category = z.infer<typeof categorySchema>;

/** How many criteria each category has, in the order in which they stand. */
export const CRITERIA_PER_CATEGORY: Readonly<Record<Category, number>> = {
  taskFulfilment: 5,
  toolAppropriateness: 3,
  toolGrounding: 2,
  parameterAccuracy: 2,
};

/** A JSON path: object keys and array indices. A `{key: value}` step picks the first array element with that member. */
export const statePathSchema = z.array(
  z.union([z.string(), z.number().int(), z.record(z.string(), jsonSchema)]),
);
export type StatePath = z.infer<typeof statePathSchema>;

const argumentsSchema = z.record(z.string(), jsonSchema);

export type Check =
  /** A call of `tool` (`server:tool`) that did not end in an error, with at least these arguments (strings compared trimmed, case-insensitively). */
  | {
      kind: 'called';
      tool: string;
      arguments?: Record<string, z.infer<typeof jsonSchema>> | undefined;
    }
  /** As `called`, errors included. */
  | {
      kind: 'attempted';
      tool: string;
      arguments?: Record<string, z.infer<typeof jsonSchema>> | undefined;
    }
  | { kind: 'notCalled'; tool: string }
  /** These tools were called without an error in this relative order. */
  | { kind: 'order'; tools: string[] }
  /** The final state of `server` has `equals` at `path`; a missing path is null. */
  | {
      kind: 'state';
      server: string;
      path: z.infer<typeof statePathSchema>;
      equals: z.infer<typeof jsonSchema>;
    }
  /** The final answer states this value: a number within 1e-6 relative, or a string as a whole word, case-insensitively. */
  | { kind: 'states'; value: string | number }
  /** The episode ended with an answer. */
  | { kind: 'answered' }
  /** It ended with an answer that asks something back. */
  | { kind: 'asks' }
  /** At most this many calls that are not meta calls. */
  | { kind: 'callsAtMost'; count: number }
  /** At most this many calls ended in an error. */
  | { kind: 'errorsAtMost'; count: number }
  /** Every string and number argument of the calls (of `tool`, or of all) occurs in the request, in an earlier result or in the tool's schema enums. */
  | { kind: 'grounded'; tool?: string | undefined }
  /** Every string or number that the answer states occurs in the request or in a result. */
  | { kind: 'answerGrounded' }
  | { kind: 'all'; checks: Check[] }
  | { kind: 'any'; checks: Check[] };

export const checkSchema: z.ZodType<Check> = z.lazy(() =>
  z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('called'),
      tool: z.string(),
      arguments: argumentsSchema.optional(),
    }),
    z.strictObject({
      kind: z.literal('attempted'),
      tool: z.string(),
      arguments: argumentsSchema.optional(),
    }),
    z.strictObject({ kind: z.literal('notCalled'), tool: z.string() }),
    z.strictObject({ kind: z.literal('order'), tools: z.array(z.string()).min(1) }),
    z.strictObject({
      kind: z.literal('state'),
      server: z.string(),
      path: statePathSchema,
      equals: jsonSchema,
    }),
    z.strictObject({ kind: z.literal('states'), value: z.union([z.string(), z.number()]) }),
    z.strictObject({ kind: z.literal('answered') }),
    z.strictObject({ kind: z.literal('asks') }),
    z.strictObject({ kind: z.literal('callsAtMost'), count: z.number().int() }),
    z.strictObject({ kind: z.literal('errorsAtMost'), count: z.number().int() }),
    z.strictObject({ kind: z.literal('grounded'), tool: z.string().optional() }),
    z.strictObject({ kind: z.literal('answerGrounded') }),
    z.strictObject({ kind: z.literal('all'), checks: z.array(checkSchema).min(1) }),
    z.strictObject({ kind: z.literal('any'), checks: z.array(checkSchema).min(1) }),
  ]),
);

export const criterionSchema = z.strictObject({
  category: categorySchema,
  /** One sentence for a judge. */
  description: z.string().min(1),
  weight: z.number().int().min(1).max(10),
  /** Null when only a judge can tell. */
  check: checkSchema.nullable(),
});
export type Criterion = z.infer<typeof criterionSchema>;

const order: readonly Category[] = [
  'taskFulfilment',
  'toolAppropriateness',
  'toolGrounding',
  'parameterAccuracy',
];
const expected = order.flatMap((name) => Array(CRITERIA_PER_CATEGORY[name]).fill(name));

export const rubricSchema = z.strictObject({
  v: z.literal(1),
  criteria: z
    .array(criterionSchema)
    .length(12)
    .refine((list) => list.every((item, i) => item.category === expected[i]), {
      message:
        'criteria must stand in the order 5 taskFulfilment, 3 toolAppropriateness, 2 toolGrounding, 2 parameterAccuracy',
    }),
});
export type Rubric = z.infer<typeof rubricSchema>;

/** Scores of one trajectory: 12 numbers in [0, 1] or null (not scored); a category without a score is null. */
export const scoresSchema = z.strictObject({
  criteria: z.array(z.number().nullable()).length(12),
  categories: z.record(categorySchema, z.number().nullable()),
  /** Weighted sum over categories that have a score, weights renormalised; null when none has. */
  reward: z.number().nullable(),
});
export type Scores = z.infer<typeof scoresSchema>;
