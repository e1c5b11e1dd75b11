// Servers of toolspace full about what is counted, measured and reckoned.
import { DATES_REQUESTS } from '../requests/dates.ts';
import { MATHS_REQUESTS } from '../requests/maths.ts';
import { SENSORS_REQUESTS } from '../requests/sensors.ts';
import { SPORTS_REQUESTS } from '../requests/sports.ts';
import { STATISTICS_REQUESTS } from '../requests/statistics.ts';
import { TEXT_TOOLS_REQUESTS } from '../requests/text-tools.ts';
import { dates } from '../servers/dates.ts';
import { maths } from '../servers/maths.ts';
import { sensors } from '../servers/sensors.ts';
import { sports } from '../servers/sports.ts';
import { statistics } from '../servers/statistics.ts';
import { textTools } from '../servers/text-tools.ts';
import type { BuiltIn } from './built-in.ts';

export const FIGURES: readonly BuiltIn[] = [
  { server: maths, requests: MATHS_REQUESTS },
  { server: statistics, requests: STATISTICS_REQUESTS },
  { server: textTools, requests: TEXT_TOOLS_REQUESTS },
  { server: dates, requests: DATES_REQUESTS },
  { server: sensors, requests: SENSORS_REQUESTS },
  { server: sports, requests: SPORTS_REQUESTS },
];
