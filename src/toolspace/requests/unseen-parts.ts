// What the requests of the unseen split share: lists in results. Knows no server.
import { z } from 'zod';
import type { JsonObject } from '../../trajectory/json.ts';
import { Rejected } from '../draft.ts';
import { field } from '../parts.ts';

/** The texts in the list of a result. */
export function textsOf(result: JsonObject, key: string): string[] {
  return z.array(z.string()).parse(field(result, key));
}

/**
 * The entry at a place of a list, counted from its end when negative.
 * @throws {Rejected} when the list is too short.
 */
export function entryAt<T>(list: readonly T[], place: number): T {
  const entry = list.at(place);
  if (entry === undefined) throw new Rejected(`no entry ${place} of ${list.length}`);
  return entry;
}
