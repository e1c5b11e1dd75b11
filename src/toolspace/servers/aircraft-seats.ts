// Cabins and seats of an aircraft: rows from the front to the back, letters from left to right. Knows no server.

export const CABINS = ['economy', 'business'] as const;
export const POSITIONS = ['window', 'middle', 'aisle'] as const;
export type Cabin = (typeof CABINS)[number];
type Position = (typeof POSITIONS)[number];

const ROWS = { business: [1, 2], economy: [10, 11, 12, 13, 14] };
const LETTERS = { business: [...'ACDF'], economy: [...'ABCDEF'] };

export function seatsOf(cabin: Cabin): string[] {
  return ROWS[cabin].flatMap((row) => LETTERS[cabin].map((letter) => `${row}${letter}`));
}

export function cabinOf(seat: string): Cabin {
  return Number.parseInt(seat, 10) <= 2 ? 'business' : 'economy';
}

export function positionOf(seat: string): Position {
  if (/[AF]$/.test(seat)) return 'window';
  return /[CD]$/.test(seat) ? 'aisle' : 'middle';
}
