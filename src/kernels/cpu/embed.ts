// Plain twin of the token table: the reference of its tests.
import type { Vec } from './linear.ts';

/** y[m] = table[ids[m]], or y[m] when the table has no such row: table (V, C), y (M, C). */
export function embed(
  ids: ArrayLike<number>,
  table: Vec,
  y: Vec,
  [V, C]: readonly [number, number],
): void {
  for (let m = 0; m < ids.length; m++) {
    const row = ids[m] ?? 0;
    if (row >= V) continue;
    y.set(table.subarray(row * C, (row + 1) * C), m * C);
  }
}

/** dTable[ids[m]] += dy[m]: dy (M, C), dTable (V, C). */
export function embedGrad(ids: ArrayLike<number>, dy: Vec, dTable: Vec, C: number): void {
  for (let m = 0; m < ids.length; m++) {
    for (let c = 0; c < C; c++) {
      const i = (ids[m] ?? 0) * C + c;
      dTable[i] = (dTable[i] ?? 0) + (dy[m * C + c] ?? 0);
    }
  }
}
