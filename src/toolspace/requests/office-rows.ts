// What requests to the office servers share: rows of results, quoted names. Knows no server.
import { defined } from '../../base/assert.ts';
import type { JsonObject } from '../../trajectory/json.ts';
import { Rejected } from '../draft.ts';
import { rowsOf } from '../parts.ts';

/** A name as requests write it. */
export const quoted = (name: string) => `'${name}'`;

/** The first row of a list in a result. @throws {Rejected} when it is empty. */
export function firstIn(result: JsonObject, key = 'items'): JsonObject {
  const [row] = rowsOf(result, key);
  if (row === undefined) throw new Rejected(`no ${key}`);
  return row;
}

/** The last row of the last of two pages. @throws {Rejected} when there are not two. */
export function lastOfTwoPages(call: (page: number | null) => JsonObject): JsonObject {
  const { nextPage } = call(null);
  if (typeof nextPage !== 'number') throw new Rejected('one page');
  const second = call(nextPage);
  if (second['nextPage'] !== null) throw new Rejected('more than two pages');
  return defined(rowsOf(second).at(-1), 'row');
}
