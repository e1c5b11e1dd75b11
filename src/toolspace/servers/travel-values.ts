// Values that the servers about travel and their requests share: names of made-up cities, days and times of a journey.
// Knows no server.
import type { Rng } from '../../base/rng.ts';
import { daysBetween, isDate, type Pool, poolOf, shiftDate, words } from '../values.ts';

const STEMS = words(`
  Brol Cald Drav Eskel Felm Gorv Hulm Istr Jask Kelv Lorm Marv Nelt Ostr Prav Queln Rask Selv Tulm
  Umbr Vask Wend Yelm Zorn
`);
const ENDINGS = words(`
  ana aria eby ento ica igo ingen ola ona osk ovia uma ura ader ella ique idor esse ath omar
`);

/** The name of a city that is on no map. The first three letters are different for each stem. */
export function cityName(rng: Rng, pool: Pool): string {
  for (;;) {
    const name = rng.pick(STEMS) + rng.pick(ENDINGS);
    if (poolOf('city', name) === pool) return name;
  }
}

/** Names of different cities, whose first three letters are different too. */
export function cityNames(rng: Rng, pool: Pool, count: number): string[] {
  const names = new Map<string, string>();
  while (names.size < count) {
    const name = cityName(rng, pool);
    names.set(name.slice(0, 3), name);
  }
  return [...names.values()];
}

/** The time of day some minutes after another, and how many days later that is. */
export function timeAfter(time: string, minutes: number): { time: string; days: number } {
  const [hour = 0, minute = 0] = time.split(':').map(Number);
  const sum = hour * 60 + minute + minutes;
  const pad = (value: number) => String(value).padStart(2, '0');
  const rest = sum % 1440;
  return { time: `${pad(Math.floor(rest / 60))}:${pad(rest % 60)}`, days: Math.floor(sum / 1440) };
}

/** The day of the week, from 1 for Monday to 7 for Sunday. */
export function weekday(date: string): number {
  // 1970-01-01 was a Thursday.
  const days = daysBetween('1970-01-01', date) + 3;
  return (((days % 7) + 7) % 7) + 1;
}

/** What is wrong with the date of something planned; null when it is today or later. */
export function plannedDateTrouble(argument: string, date: string, clock: string): string | null {
  if (!isDate(date)) return `${argument}: got '${date}', need a date like 2026-03-14`;
  const today = clock.slice(0, 10);
  return date < today ? `${argument}: got ${date}, need ${today} or later` : null;
}

/** The dates on which the nights of a stay begin. */
export function nightsFrom(arrival: string, nights: number): string[] {
  return Array.from({ length: nights }, (_, i) => shiftDate(arrival, i));
}
