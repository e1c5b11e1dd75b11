// The built-in map: places of two cities and the roads between them. Knows nothing of tasks or transports.
import { z } from 'zod';
import { defined } from '../../base/assert.ts';
import type { Rng } from '../../base/rng.ts';
import {
  byId,
  byName,
  defineTool,
  drawIds,
  pageOf,
  pageSchema,
  type ServerDef,
} from '../server.ts';
import { distinct, isTime, type Pool, pairName, rounded, words } from '../values.ts';
import { cityNames, timeAfter } from './travel-values.ts';

const CATEGORIES = ['museum', 'cafe', 'pharmacy', 'library', 'cinema', 'bakery'] as const;
export const TRAVEL_MODES = ['walking', 'cycling', 'driving'] as const;
type Mode = (typeof TRAVEL_MODES)[number];

type Point = { lat: number; lon: number };
export type Place = {
  id: string;
  name: string;
  category: (typeof CATEGORIES)[number];
  city: string;
  lat: number;
  lon: number;
  opens: string;
  closes: string;
};
/** A road for both directions; `limit` is its speed limit in km/h. */
type Road = { a: string; b: string; km: number; limit: number; closed: boolean };
/** `saved` are the places that the user keeps, under a label each. */
export type MapsState = {
  places: Place[];
  roads: Road[];
  saved: { label: string; place: string; note: string | null }[];
};

/** Mean radius of the earth R1 of the International Union of Geodesy and Geophysics. */
const EARTH_KM = 6371.0088;
/** km/h of those who do not drive. */
const SPEEDS = { walking: 5, cycling: 16 };

const LABEL_ADJECTIVES = words(`
  sunny quiet secret favourite weekly usual spare second early evening rainy lazy busy cosy handy
  trusty simple windy
`);
const LABEL_NOUNS = words(`
  spot stop corner meeting errand stroll break hangout shelter detour refuge outing start finish
  backup landmark lunch treat
`);

/** A label of two words, such as a user gives to a place. */
export function placeLabel(rng: Rng, pool: Pool): string {
  return pairName(rng, pool, 'label', [LABEL_ADJECTIVES, LABEL_NOUNS]);
}

const FIRST_WORDS = words(`
  Crystal Harbor Maple Corner Union Beacon Orchid Granary Foundry Riverside Skylark Clover Summit
  Granite Bluebell Station Canal Hilltop Market Chestnut
`);
const SECOND_WORDS = words(`
  House Hall Corner Point Square Yard Court Rooms Works Gallery Passage Exchange Annex Cellar
  Loft Parlor Steps Wharf Barn Atrium
`);

/** Great-circle distance by the haversine formula (Sinnott 1984, Sky and Telescope 68). */
function haversineKm(from: Point, to: Point): number {
  const rad = (degrees: number) => (degrees * Math.PI) / 180;
  const lat = Math.sin(rad(to.lat - from.lat) / 2) ** 2;
  const lon = Math.sin(rad(to.lon - from.lon) / 2) ** 2;
  const h = lat + Math.cos(rad(from.lat)) * Math.cos(rad(to.lat)) * lon;
  // Rounding may lift h above 1 where the points are opposite.
  return 2 * EARTH_KM * Math.asin(Math.sqrt(Math.min(1, h)));
}

interface Route {
  cost: number;
  km: number;
  stops: string[];
}

/** The cheapest route over open roads by Dijkstra's algorithm; null when there is none. */
export function cheapestRoute(
  roads: readonly Road[],
  from: string,
  to: string,
  costOf: (road: Road) => number,
): Route | null {
  const open = new Map<string, Route>([[from, { cost: 0, km: 0, stops: [from] }]]);
  const done = new Set<string>();
  while (open.size > 0) {
    const [[at, route] = ['', null]] = [...open].sort(([, a], [, b]) => a.cost - b.cost);
    if (route === null || at === to) return route;
    open.delete(at);
    done.add(at);
    for (const road of roads.filter(({ a, b, closed }) => !closed && (a === at || b === at))) {
      const next = road.a === at ? road.b : road.a;
      const cost = route.cost + costOf(road);
      if (!done.has(next) && cost < (open.get(next)?.cost ?? Number.POSITIVE_INFINITY)) {
        open.set(next, { cost, km: route.km + road.km, stops: [...route.stops, next] });
      }
    }
  }
  return null;
}

/** The roads that pass none of these places. */
export function roadsWithout(roads: readonly Road[], barred: readonly string[]): Road[] {
  return roads.filter(({ a, b }) => !barred.includes(a) && !barred.includes(b));
}

const placeId = z.string().describe('place id, such as PL-38');
const pointSchema = z.strictObject({
  lat: z.number().min(-90).max(90),
  lon: z.number().min(-180).max(180),
});

/** Both ends of a journey, or what is wrong with them. */
function endsOf({ places }: MapsState, ids: { from_id: string; to_id: string }) {
  const from = byId(places, ids.from_id);
  if (typeof from === 'string') return `from_id: ${from}`;
  const to = byId(places, ids.to_id);
  if (typeof to === 'string') return `to_id: ${to}`;
  return { from, to };
}

const geocode = defineTool({
  name: 'maps_geocode',
  description: 'Finds a place by its name: its id, city and coordinates.',
  input: z.strictObject({ name: z.string() }),
  output: pointSchema.extend({ id: z.string(), city: z.string() }),
  kind: 'reads',
  run({ places }: MapsState, { name }) {
    const place = byName(places, name, (item) => item.name);
    if (typeof place === 'string') return { error: place };
    const { id, city, lat, lon } = place;
    return { value: { id, city, lat, lon } };
  },
});

const searchPlaces = defineTool({
  name: 'maps_search_places',
  description: 'Searches places by words of the name, by category and by city.',
  input: z.strictObject({
    query: z.string().default('').describe('words of the name'),
    category: z.enum(CATEGORIES).optional(),
    city: z.string().optional(),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(
    z.strictObject({ id: z.string(), name: z.string(), category: z.enum(CATEGORIES) }),
  ),
  kind: 'reads',
  run({ places }: MapsState, { query, category, city, page }) {
    const wanted = query.trim().toLowerCase();
    const found = places
      .filter(({ name }) => name.toLowerCase().includes(wanted))
      .filter((place) => category === undefined || place.category === category)
      .filter((place) => city === undefined || same(place.city, city));
    return pageOf(
      found.map((place) => ({ id: place.id, name: place.name, category: place.category })),
      page,
    );
  },
});

function same(a: string, b: string): boolean {
  return a.trim().toLowerCase() === b.trim().toLowerCase();
}

const placeDetails = defineTool({
  name: 'maps_place_details',
  description: 'Reads what a place is, its city and its hours.',
  input: z.strictObject({ place_id: placeId }),
  output: z.strictObject({
    name: z.string(),
    category: z.enum(CATEGORIES),
    city: z.string(),
    opens: z.string(),
    closes: z.string(),
  }),
  kind: 'reads',
  run({ places }: MapsState, { place_id }) {
    const place = byId(places, place_id);
    if (typeof place === 'string') return { error: place };
    const { name, category, city, opens, closes } = place;
    return { value: { name, category, city, opens, closes } };
  },
});

const distance = defineTool({
  name: 'maps_distance',
  description: 'Measures the straight line between two points on the globe, in km.',
  input: z.strictObject({ from: pointSchema, to: pointSchema }),
  output: z.strictObject({ km: z.number() }),
  kind: 'reads',
  run(_state: MapsState, { from, to }) {
    return { value: { km: rounded(haversineKm(from, to), 2) } };
  },
});

const directions = defineTool({
  name: 'maps_directions',
  description: 'Finds the shortest way by road, in km, and the places that it passes in order.',
  input: z.strictObject({
    from_id: placeId,
    to_id: placeId,
    avoid: z.array(z.string()).default([]).describe('ids of places that the way must not pass'),
  }),
  output: z.strictObject({ km: z.number(), stops: z.array(z.string()) }),
  kind: 'reads',
  run(state: MapsState, { avoid, ...ids }) {
    const ends = endsOf(state, ids);
    if (typeof ends === 'string') return { error: ends };
    for (const id of avoid) {
      const place = byId(state.places, id);
      if (typeof place === 'string') return { error: `avoid: ${place}` };
    }
    const barred = avoid.map((id) => id.trim().toUpperCase());
    const roads = roadsWithout(state.roads, barred);
    const route = cheapestRoute(roads, ends.from.id, ends.to.id, ({ km }) => km);
    if (route === null) return { error: `no open way from ${ends.from.id} to ${ends.to.id}` };
    return { value: { km: rounded(route.km, 1), stops: route.stops } };
  },
});

const travelTime = defineTool({
  name: 'maps_travel_time',
  description:
    'Tells how long the quickest way takes: driving at the speed limits, cycling at 16 km/h, walking at 5 km/h.',
  input: z.strictObject({
    from_id: placeId,
    to_id: placeId,
    mode: z.enum(TRAVEL_MODES).default('driving'),
    depart: z.string().optional().describe('time of day, like 14:30'),
  }),
  output: z.strictObject({
    minutes: z.int(),
    km: z.number(),
    arrive: z.string().nullable().describe('null without a departure'),
    days_later: z.int().describe('midnights between departure and arrival'),
  }),
  kind: 'reads',
  run(state: MapsState, { mode, depart, ...ids }) {
    const ends = endsOf(state, ids);
    if (typeof ends === 'string') return { error: ends };
    if (depart !== undefined && !isTime(depart)) {
      return { error: `depart: got '${depart}', need a time like 14:30` };
    }
    const hours = (road: Road) => road.km / speedOn(road, mode);
    const route = cheapestRoute(state.roads, ends.from.id, ends.to.id, hours);
    if (route === null) return { error: `no open way from ${ends.from.id} to ${ends.to.id}` };
    const minutes = Math.round(route.cost * 60);
    const km = rounded(route.km, 1);
    if (depart === undefined) return { value: { minutes, km, arrive: null, days_later: 0 } };
    const { time, days } = timeAfter(depart, minutes);
    return { value: { minutes, km, arrive: time, days_later: days } };
  },
});

function speedOn({ limit }: Road, mode: Mode): number {
  return mode === 'driving' ? limit : SPEEDS[mode];
}

const nearby = defineTool({
  name: 'maps_nearby',
  description: 'Lists other places round a place by the straight line, the nearest first.',
  input: z.strictObject({
    place_id: placeId,
    radius_km: z.number().min(0.1).max(100).default(50),
    category: z.enum(CATEGORIES).optional(),
  }),
  output: z.strictObject({
    places: z.array(z.strictObject({ id: z.string(), name: z.string(), km: z.number() })),
    count: z.int(),
  }),
  kind: 'reads',
  run(state: MapsState, { place_id, radius_km, category }) {
    const centre = byId(state.places, place_id);
    if (typeof centre === 'string') return { error: centre };
    const places = state.places
      .filter((place) => place.id !== centre.id)
      .filter((place) => category === undefined || place.category === category)
      .map((place) => ({ id: place.id, name: place.name, km: haversineKm(centre, place) }))
      .filter(({ km }) => km <= radius_km)
      .sort((a, b) => a.km - b.km)
      .map((row) => ({ ...row, km: rounded(row.km, 2) }));
    return { value: { places, count: places.length } };
  },
});

const savePlace = defineTool({
  name: 'maps_save_place',
  description: 'Keeps a place under a label. A label that is in use moves to the new place.',
  input: z.strictObject({
    place_id: placeId,
    label: z.string().min(1),
    note: z.string().optional(),
  }),
  output: z.strictObject({ label: z.string(), place: z.string() }),
  kind: 'sets',
  run(state: MapsState, { place_id, label, note }) {
    const place = byId(state.places, place_id);
    if (typeof place === 'string') return { error: place };
    const others = state.saved.filter((item) => !same(item.label, label));
    const saved = [...others, { label, place: place.id, note: note ?? null }];
    return { value: { label, place: place.id }, state: { ...state, saved } };
  },
});

const reportRoad = defineTool({
  name: 'maps_report_road',
  description: 'Marks the road that joins two places directly as closed, or as open again.',
  input: z.strictObject({ from_id: placeId, to_id: placeId, closed: z.boolean().default(true) }),
  output: z.strictObject({ a: z.string(), b: z.string(), closed: z.boolean() }),
  kind: 'sets',
  run(state: MapsState, { closed, ...ids }) {
    const ends = endsOf(state, ids);
    if (typeof ends === 'string') return { error: ends };
    const names = [ends.from.id, ends.to.id];
    const road = state.roads.find(({ a, b }) => a !== b && names.includes(a) && names.includes(b));
    if (road === undefined) return { error: `no road joins ${names.join(' and ')} directly` };
    const roads = state.roads.map((other) => (other === road ? { ...road, closed } : other));
    return { value: { a: road.a, b: road.b, closed }, state: { ...state, roads } };
  },
});

function drawPlaces(rng: Rng, pool: Pool): Place[] {
  const names = distinct(11, () => pairName(rng, pool, 'place', [FIRST_WORDS, SECOND_WORDS]));
  const cities = cityNames(rng, pool, 2);
  const centre = { lat: rng.int(-55, 60), lon: rng.int(-120, 140) };
  const near = (degrees: number) => rounded(degrees + rng.int(-1500, 1500) / 10_000, 4);
  return drawIds(rng, 'PL', names.length, 11, 98).map((id, i): Place => {
    return {
      id,
      name: defined(names[i], 'name'),
      category: rng.pick(CATEGORIES),
      city: rng.pick(cities),
      lat: near(centre.lat),
      lon: near(centre.lon),
      opens: `${rng.pick(['07', '08', '09', '10'])}:${rng.pick(['00', '15', '30', '45'])}`,
      closes: `${rng.int(17, 22)}:${rng.pick(['00', '15', '30', '45'])}`,
    };
  });
}

const EXTRA_ROADS = 6;

/** A tree of roads, so that all places can be reached, and a few more. */
function drawRoads(rng: Rng, places: readonly Place[]): Road[] {
  const all = places.flatMap((a, i) => places.slice(0, i).map((b) => ({ a, b })));
  const tree = places.slice(1).map((a, i) => ({ a, b: rng.pick(places.slice(0, i + 1)) }));
  const inTree = (pair: { a: Place; b: Place }) =>
    tree.some(({ a, b }) => a === pair.a && b === pair.b);
  const extra = rng.sample(
    all.filter((pair) => !inTree(pair)),
    EXTRA_ROADS,
  );
  return [...tree, ...extra].map(({ a, b }) => {
    // A road is longer than the straight line.
    const km = rounded(Math.max(0.3, (haversineKm(a, b) * rng.int(110, 150)) / 100), 1);
    return { a: a.id, b: b.id, km, limit: rng.pick([30, 50, 80, 100]), closed: false };
  });
}

const READING = [geocode, searchPlaces, placeDetails, distance, directions, travelTime, nearby];
const CHANGING = [savePlace, reportRoad];

/** The map server. Its state is `{places, roads: [{a, b, km, limit, closed}], saved}`. */
export const maps: ServerDef = {
  name: 'maps',
  description: 'A map: places with coordinates and hours, distances, and ways by road.',
  tools: [...READING, ...CHANGING],
  initial(rng, pool): MapsState {
    const places = drawPlaces(rng, pool);
    return { places, roads: drawRoads(rng, places), saved: [] };
  },
};
