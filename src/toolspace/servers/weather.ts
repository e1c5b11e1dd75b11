// The built-in weather service: stations of a few cities, forecasts, past days and warnings. Knows nothing of tasks or
// transports.
import { z } from 'zod';
import { defined } from '../../base/assert.ts';
import type { Rng } from '../../base/rng.ts';
import { byId, byName, defineTool, drawIds, type ServerDef } from '../server.ts';
import { isDate, type Pool, personName, rounded, shiftDate } from '../values.ts';
import { cityNames } from './travel-values.ts';

export const UNITS = ['celsius', 'fahrenheit'] as const;
export const SCALES = [...UNITS, 'kelvin'] as const;
export const LEVELS = ['yellow', 'orange', 'red'] as const;
const SKIES = ['clear', 'cloudy', 'overcast', 'rain', 'snow', 'fog'] as const;
const HAZARDS = ['wind', 'flood', 'frost', 'heat', 'thunder'] as const;
type Scale = (typeof SCALES)[number];
type Level = (typeof LEVELS)[number];
type Sky = (typeof SKIES)[number];

/** Degrees are Celsius with one decimal, `rain` is mm. */
type Day = { date: string; high: number; low: number; rain: number; sky: Sky };
export type Station = {
  id: string;
  city: string;
  elevation: number;
  now: { degrees: number; humidity: number; wind: number; sky: Sky };
  past: Day[];
  coming: Day[];
};
type Alert = {
  id: string;
  city: string;
  hazard: (typeof HAZARDS)[number];
  level: Level;
  until: string;
};
type Subscription = { city: string; person: string; min_level: Level };
export type WeatherState = {
  stations: Station[];
  alerts: Alert[];
  subscriptions: Subscription[];
};

const COMING_DAYS = 6;
const PAST_DAYS = 6;
const ABSOLUTE_ZERO_C = -273.15;

/** Exact relations of the scales: NIST SP 811, appendix B. */
function toCelsius(value: number, from: Scale): number {
  if (from === 'fahrenheit') return ((value - 32) * 5) / 9;
  return from === 'kelvin' ? value + ABSOLUTE_ZERO_C : value;
}

function fromCelsius(value: number, to: Scale): number {
  if (to === 'fahrenheit') return rounded((value * 9) / 5 + 32, 2);
  return rounded(to === 'kelvin' ? value - ABSOLUTE_ZERO_C : value, 2);
}

/** Dew point in degrees Celsius by the Magnus formula (Alduchov & Eskridge 1996). */
function dewPoint(degrees: number, humidity: number): number {
  const gamma = Math.log(humidity / 100) + (17.625 * degrees) / (243.04 + degrees);
  return (243.04 * gamma) / (17.625 - gamma);
}

const units = z.enum(UNITS).default('celsius');
const city = z.string().describe('name of a city');
const date = z.string().describe('day, like 2026-03-14');
const stationId = z.string().describe('station id, such as ST-42');
const minLevel = z.enum(LEVELS).default('yellow').describe('lowest level');

const daySchema = z.strictObject({
  date: z.string(),
  high: z.number(),
  low: z.number(),
  rain_mm: z.number(),
  sky: z.enum(SKIES),
});

function dayIn({ date: on, high, low, rain, sky }: Day, scale: Scale) {
  const inScale = { high: fromCelsius(high, scale), low: fromCelsius(low, scale) };
  return { date: on, ...inScale, rain_mm: rain, sky };
}

function badDate(argument: string, text: string): { error: string } {
  return { error: `${argument}: got '${text}', need a date like 2026-03-14` };
}

/** The day of a date, or which days there are. */
function dayOf(days: readonly Day[], wanted: string): Day | { error: string } {
  if (!isDate(wanted)) return badDate('date', wanted);
  const day = days.find((one) => one.date === wanted);
  if (day !== undefined) return day;
  return { error: `date: got ${wanted}, known are ${days[0]?.date} to ${days.at(-1)?.date}` };
}

const stationOf = ({ stations }: WeatherState, name: string) =>
  byName(stations, name, (station) => station.city);

const getCurrent = defineTool({
  name: 'get_current',
  description: 'Reads the weather in a city now, in degrees Celsius or Fahrenheit.',
  input: z.strictObject({ city, units }),
  output: z.strictObject({
    temperature: z.number(),
    dew_point: z.number(),
    humidity_percent: z.int(),
    wind_kmh: z.int(),
    sky: z.enum(SKIES),
  }),
  kind: 'reads',
  run(state: WeatherState, args) {
    const station = stationOf(state, args.city);
    if (typeof station === 'string') return { error: station };
    const { degrees, humidity, wind, sky } = station.now;
    const dew = rounded(dewPoint(degrees, humidity), 1);
    return {
      value: {
        temperature: fromCelsius(degrees, args.units),
        dew_point: fromCelsius(dew, args.units),
        humidity_percent: humidity,
        wind_kmh: wind,
        sky,
      },
    };
  },
});

const getForecast = defineTool({
  name: 'get_forecast',
  description: `Forecasts a day in a city, today or one of the next ${COMING_DAYS - 1} days.`,
  input: z.strictObject({ city, date, units }),
  output: daySchema,
  kind: 'reads',
  run(state: WeatherState, args) {
    const station = stationOf(state, args.city);
    if (typeof station === 'string') return { error: station };
    const day = dayOf(station.coming, args.date);
    return 'error' in day ? day : { value: dayIn(day, args.units) };
  },
});

const findStation = defineTool({
  name: 'find_station',
  description: 'Finds the weather station of a city, which keeps its past days.',
  input: z.strictObject({ city }),
  output: z.strictObject({ station_id: z.string(), elevation_m: z.int() }),
  kind: 'reads',
  run(state: WeatherState, args) {
    const station = stationOf(state, args.city);
    if (typeof station === 'string') return { error: station };
    return { value: { station_id: station.id, elevation_m: station.elevation } };
  },
});

const getHistory = defineTool({
  name: 'get_history',
  description: `Reads one of the last ${PAST_DAYS} days that a station has kept.`,
  input: z.strictObject({ station_id: stationId, date, units }),
  output: daySchema,
  kind: 'reads',
  run({ stations }: WeatherState, args) {
    const station = byId(stations, args.station_id);
    if (typeof station === 'string') return { error: station };
    const day = dayOf(station.past, args.date);
    return 'error' in day ? day : { value: dayIn(day, args.units) };
  },
});

const summarizeHistory = defineTool({
  name: 'summarize_history',
  description: 'Sums up the past days of a station: means of the highs and lows, and all rain.',
  input: z.strictObject({ station_id: stationId, from: date, to: date, units }),
  output: z.strictObject({
    days: z.int(),
    mean_high: z.number(),
    mean_low: z.number(),
    rain_mm: z.number(),
  }),
  kind: 'reads',
  run({ stations }: WeatherState, args) {
    const station = byId(stations, args.station_id);
    if (typeof station === 'string') return { error: station };
    const { from, to } = args;
    for (const [name, text] of Object.entries({ from, to })) {
      if (!isDate(text)) return badDate(name, text);
    }
    const days = station.past.filter((day) => day.date >= from && day.date <= to);
    if (days.length === 0) return { error: `no day of ${station.id} from ${from} to ${to}` };
    const sum = (of: (day: Day) => number) => days.reduce((all, day) => all + of(day), 0);
    const mean = (of: (day: Day) => number) =>
      rounded(fromCelsius(sum(of) / days.length, args.units), 1);
    return {
      value: {
        days: days.length,
        mean_high: mean(({ high }) => high),
        mean_low: mean(({ low }) => low),
        rain_mm: rounded(
          sum(({ rain }) => rain),
          1,
        ),
      },
    };
  },
});

const alertSchema = z.strictObject({
  id: z.string(),
  city: z.string(),
  hazard: z.enum(HAZARDS),
  level: z.enum(LEVELS),
  until: z.string(),
});

const listAlerts = defineTool({
  name: 'list_alerts',
  description: 'Lists the warnings of a level or above, of one city or of all.',
  input: z.strictObject({ city: city.optional(), min_level: minLevel }),
  output: z.strictObject({ ids: z.array(z.string()), count: z.int() }),
  kind: 'reads',
  run(state: WeatherState, args) {
    const station = args.city === undefined ? undefined : stationOf(state, args.city);
    if (typeof station === 'string') return { error: station };
    const ids = state.alerts
      .filter((alert) => station === undefined || alert.city === station.city)
      .filter(({ level }) => LEVELS.indexOf(level) >= LEVELS.indexOf(args.min_level))
      .map(({ id }) => id);
    return { value: { ids, count: ids.length } };
  },
});

const getAlert = defineTool({
  name: 'get_alert',
  description: 'Reads a warning: city, hazard, level and the last day of it.',
  input: z.strictObject({ alert_id: z.string().describe('id of a warning, such as WA-57') }),
  output: alertSchema,
  kind: 'reads',
  run({ alerts }: WeatherState, { alert_id }) {
    const alert = byId(alerts, alert_id);
    return typeof alert === 'string' ? { error: alert } : { value: alert };
  },
});

const subscribe = defineTool({
  name: 'subscribe_alerts',
  description: 'Has a person told of the warnings of a city, from a level on.',
  input: z.strictObject({ city, person: z.string().min(1), min_level: minLevel }),
  output: z.strictObject({ city: z.string(), person: z.string(), min_level: z.enum(LEVELS) }),
  kind: 'sets',
  run(state: WeatherState, { person, min_level, ...args }) {
    const station = stationOf(state, args.city);
    if (typeof station === 'string') return { error: station };
    const set: Subscription = { city: station.city, person, min_level };
    const others = state.subscriptions.filter(
      (other) => other.city !== set.city || other.person !== person,
    );
    return { value: set, state: { ...state, subscriptions: [...others, set] } };
  },
});

const convertTemperature = defineTool({
  name: 'convert_temperature',
  description: 'Converts a temperature exactly. Fails below absolute zero.',
  input: z.strictObject({ value: z.number(), from: z.enum(SCALES), to: z.enum(SCALES) }),
  output: z.strictObject({ value: z.number() }),
  kind: 'reads',
  run(_state: WeatherState, { value, from, to }) {
    const celsius = toCelsius(value, from);
    if (celsius < ABSOLUTE_ZERO_C) {
      const least = fromCelsius(ABSOLUTE_ZERO_C, from);
      return { error: `value: got ${value}, nothing is colder than ${least} ${from}` };
    }
    return { value: { value: fromCelsius(celsius, to) } };
  },
});

/** Days from `first` on around a mean temperature. */
function drawDays(rng: Rng, first: string, count: number, mean: number): Day[] {
  return Array.from({ length: count }, (_, i): Day => {
    const low = rounded(mean + rng.int(-80, 0) / 10, 1);
    const high = rounded(low + rng.int(20, 120) / 10, 1);
    const rain = rng.chance(0.6) ? rng.int(2, 240) / 10 : 0;
    const wet = high < 3 ? 'snow' : 'rain';
    const sky = rain > 0 ? wet : rng.pick(['clear', 'cloudy', 'overcast', 'fog'] as const);
    return { date: shiftDate(first, i), high, low, rain, sky };
  });
}

function drawAlerts(rng: Rng, cities: readonly string[], today: string): Alert[] {
  // Each city has a warning, and some have more.
  const places = [...cities, ...Array.from({ length: 3 }, () => rng.pick(cities))];
  return drawIds(rng, 'WA', places.length, 11, 98).map((id, i) => ({
    id,
    city: defined(places[i], 'city'),
    hazard: rng.pick(HAZARDS),
    level: rng.pick(LEVELS),
    until: shiftDate(today, rng.int(1, 9)),
  }));
}

function drawStation(rng: Rng, id: string, name: string, today: string): Station {
  const mean = rng.int(-4, 26);
  return {
    id,
    city: name,
    elevation: rng.int(2, 1400),
    now: {
      degrees: rounded(mean + rng.int(-40, 60) / 10, 1),
      humidity: rng.int(31, 97),
      wind: rng.int(2, 58),
      sky: rng.pick(SKIES.slice(0, 3)),
    },
    past: drawDays(rng, shiftDate(today, -PAST_DAYS), PAST_DAYS, mean),
    coming: drawDays(rng, today, COMING_DAYS, mean),
  };
}

function drawSubscriptions(rng: Rng, pool: Pool, cities: readonly string[]): Subscription[] {
  return cities.slice(0, 2).map((name) => {
    return { city: name, person: personName(rng, pool), min_level: rng.pick(LEVELS) };
  });
}

/** The weather server. Its state is `{stations, alerts, subscriptions: [{city, person, min_level}]}`. */
export const weather: ServerDef = {
  name: 'weather',
  description: 'Weather of some cities: now, to come and past, with warnings.',
  tools: [
    getCurrent,
    getForecast,
    findStation,
    getHistory,
    summarizeHistory,
    listAlerts,
    getAlert,
    subscribe,
    convertTemperature,
  ],
  initial(rng, pool, clock): WeatherState {
    const today = clock.slice(0, 10);
    const cities = cityNames(rng, pool, 5);
    const ids = drawIds(rng, 'ST', cities.length, 11, 98);
    return {
      stations: cities.map((name, i) => drawStation(rng, defined(ids[i], 'id'), name, today)),
      alerts: drawAlerts(rng, cities, today),
      subscriptions: drawSubscriptions(rng, pool, cities),
    };
  },
};
