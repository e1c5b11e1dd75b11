// Schemas of amounts, dates and times that tools of several servers take. Knows no server.
import { z } from 'zod';
import { isDate, isTime, rounded } from '../values.ts';

/** An amount of money rounded to whole cents. */
export function cents(value: number): number {
  return rounded(value, 2);
}

/** An amount of money above zero. JSON Schema's `multipleOf` fails for many cents in binary fractions, so it is a refinement. */
export const amountSchema = z
  .number()
  .min(0.01)
  .max(1_000_000)
  .refine((value) => cents(value) === value, {
    error: ({ input }) => `got ${input}, need whole cents, like 12.5 or 12.55`,
  });

/** A calendar date. */
export const dateSchema = z
  .string()
  .refine(isDate, { error: ({ input }) => `got '${input}', need a date like 2026-03-14` });

/** A time of day. */
export const timeSchema = z
  .string()
  .refine(isTime, { error: ({ input }) => `got '${input}', need a time like 14:30` });
