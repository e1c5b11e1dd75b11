// The built-in street map of one town: addresses, points of interest and transit lines. Knows nothing of tasks or
// transports.
import { z } from 'zod';
import type { Rng } from '../../base/rng.ts';
import {
  byName,
  changed,
  defineTool,
  drawIds,
  pageOf,
  pageSchema,
  type ServerDef,
} from '../server.ts';
import { distinct, isDate, type Pool, pairName, rounded, words } from '../values.ts';

export const AMENITIES = ['bakery', 'cafe', 'clinic', 'museum', 'pharmacy', 'playground'] as const;

/** Degrees north and east. */
type Place = { lat: number; lon: number };
type Address = Place & { id: string };
/** `closed_until` is the last day of a closure that was reported, null when there is none. */
type Poi = Place & {
  id: string;
  name: string;
  amenity: (typeof AMENITIES)[number];
  address: string;
  opens: string;
  closes: string;
  closed_until: string | null;
};
/** Stops in the order of travel, with minutes from the first one. */
type TransitLine = {
  id: string;
  mode: 'bus' | 'tram';
  stops: { stop: string; minute: number }[];
};
export type StreetMapState = { addresses: Address[]; pois: Poi[]; lines: TransitLine[] };

const EARTH_RADIUS_M = 6_371_008.8;

const STREET_FIRSTS = words(`
  almond bishop candle dovecote elm fountain glebe hawthorn ivy kingfisher larch millrace nunnery
  orangery plover rookery saddlery tannery vicarage weir
`);
const STREET_SECONDS = words(`
  alley avenue close court crescent drive gardens grove hill lane mews parade passage place road
  row square street terrace walk
`);
const POI_FIRSTS = words(`
  anchor bluebell copperhead dandelion emerald foxglove golden hummingbird ivory jubilee kettle
  lavender moonlight nightingale old parrot queens rainbow silver tulip
`);
const POI_SECONDS = words(`
  arcade barn cabin corner cottage den gate hall hearth house inn lodge nook pavilion point rooms
  shed spot station yard
`);
const STOP_FIRSTS = words(`
  abbey bastion canal depot embankment ferry gasworks hippodrome infirmary junction kiln lido
  monument northgate observatory priory quarry racecourse sluice turnpike
`);
const STOP_SECONDS = words(`
  bend bridge centre cross east end field green halt lock market north park pond rise south top
  vale view west
`);

const stopName = (rng: Rng, pool: Pool) => pairName(rng, pool, 'stop', [STOP_FIRSTS, STOP_SECONDS]);
const streetName = (rng: Rng, pool: Pool) =>
  pairName(rng, pool, 'street', [STREET_FIRSTS, STREET_SECONDS]);
const poiName = (rng: Rng, pool: Pool) => pairName(rng, pool, 'poi', [POI_FIRSTS, POI_SECONDS]);

const amenity = z.enum(AMENITIES);
const latitude = z.number().min(-90).max(90);
const longitude = z.number().min(-180).max(180);

/** Great-circle distance in whole metres by the haversine formula, on the mean radius of the IUGG. */
function metres(from: Place, to: Place): number {
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  const dLat = radians(to.lat - from.lat);
  const dLon = radians(to.lon - from.lon);
  const h =
    Math.sin(dLat / 2) ** 2 +
    Math.cos(radians(from.lat)) * Math.cos(radians(to.lat)) * Math.sin(dLon / 2) ** 2;
  return Math.round(2 * EARTH_RADIUS_M * Math.asin(Math.min(1, Math.sqrt(h))));
}

const addressLookup = defineTool({
  name: 'address_lookup',
  description: 'Finds the coordinates of an address, given as number and street.',
  input: z.strictObject({ address: z.string().describe('such as 14 elm lane') }),
  output: z.strictObject({ lat: z.number(), lon: z.number() }),
  kind: 'reads',
  run(state: StreetMapState, { address }) {
    const found = byName(state.addresses, address, ({ id }) => id);
    if (typeof found === 'string') return { error: found };
    return { value: { lat: found.lat, lon: found.lon } };
  },
});

const poisInBox = defineTool({
  name: 'pois_in_box',
  description: 'Lists points of interest inside a box of coordinates, by name, in pages.',
  input: z.strictObject({
    box: z.strictObject({ south: latitude, west: longitude, north: latitude, east: longitude }),
    amenity: amenity.optional(),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(z.strictObject({ id: z.string(), name: z.string(), amenity })),
  kind: 'reads',
  run(state: StreetMapState, { box, amenity: wanted, page }) {
    if (box.south > box.north)
      return { error: `box: south ${box.south} is above north ${box.north}` };
    if (box.west > box.east) return { error: `box: west ${box.west} is beyond east ${box.east}` };
    const rows = state.pois
      .filter(
        ({ lat, lon }) =>
          lat >= box.south && lat <= box.north && lon >= box.west && lon <= box.east,
      )
      .filter((poi) => wanted === undefined || poi.amenity === wanted)
      .map((poi) => ({ id: poi.id, name: poi.name, amenity: poi.amenity }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    return pageOf(rows, page);
  },
});

const closestPoi = defineTool({
  name: 'closest_poi',
  description: 'Finds the point of interest of a kind that is closest to some coordinates.',
  input: z.strictObject({ lat: latitude, lon: longitude, amenity }),
  output: z.strictObject({ id: z.string(), name: z.string(), metres: z.int() }),
  kind: 'reads',
  run(state: StreetMapState, { lat, lon, amenity: wanted }) {
    const [closest] = state.pois
      .filter((poi) => poi.amenity === wanted)
      .map((poi) => ({ id: poi.id, name: poi.name, metres: metres({ lat, lon }, poi) }))
      .sort((a, b) => a.metres - b.metres);
    if (closest === undefined) return { error: `amenity: the map has no ${wanted}` };
    return { value: closest };
  },
});

const poiCard = defineTool({
  name: 'poi_card',
  description: 'Shows address and opening hours of a point of interest, by its exact name.',
  input: z.strictObject({ name: z.string() }),
  output: z.strictObject({
    id: z.string(),
    amenity,
    address: z.string(),
    opens: z.string(),
    closes: z.string(),
    closed_until: z.string().nullable(),
  }),
  kind: 'reads',
  run(state: StreetMapState, { name }) {
    const poi = byName(state.pois, name, (entry) => entry.name);
    if (typeof poi === 'string') return { error: poi };
    const { id, amenity: kind, address, opens, closes, closed_until } = poi;
    return { value: { id, amenity: kind, address, opens, closes, closed_until } };
  },
});

const reportClosure = defineTool({
  name: 'report_closure',
  description: 'Marks a point of interest as closed until a day, or as open again.',
  input: z.strictObject({
    id: z.string().describe('id of the point of interest, such as POI-318'),
    until: z.string().nullable().describe('last day closed, like 2026-03-14; null: open again'),
  }),
  output: z.strictObject({ id: z.string(), closed_until: z.string().nullable() }),
  kind: 'sets',
  run(state: StreetMapState, { id, until }, clock) {
    const wanted = id.trim().toUpperCase();
    const poi = state.pois.find((entry) => entry.id === wanted);
    if (poi === undefined) return { error: `id: no point of interest '${id}'` };
    if (until !== null && !isDate(until)) {
      return { error: `until: got '${until}', need a date like 2026-03-14` };
    }
    const today = clock.slice(0, 10);
    if (until !== null && until < today) {
      return { error: `until: got ${until}, need ${today} or later` };
    }
    return {
      value: { id: poi.id, closed_until: until },
      state: { ...state, pois: changed(state.pois, poi.id, { closed_until: until }) },
    };
  },
});

const linesAtStop = defineTool({
  name: 'lines_at_stop',
  description: 'Lists the bus and tram lines that call at a stop.',
  input: z.strictObject({ stop: z.string() }),
  output: z.strictObject({
    lines: z.array(z.strictObject({ line: z.string(), mode: z.enum(['bus', 'tram']) })),
  }),
  kind: 'reads',
  run(state: StreetMapState, args) {
    const calls = state.lines.flatMap(({ stops }) => stops);
    const found = byName(calls, args.stop, ({ stop }) => stop);
    if (typeof found === 'string') return { error: found };
    const lines = state.lines
      .filter(({ stops }) => stops.some(({ stop }) => stop === found.stop))
      .map(({ id, mode }) => ({ line: id, mode }));
    return { value: { lines } };
  },
});

const lineRoute = defineTool({
  name: 'line_route',
  description: 'Lists the stops of a line in the order of travel, with minutes from the first.',
  input: z.strictObject({ line: z.string().describe('such as LINE-12') }),
  output: z.strictObject({
    mode: z.enum(['bus', 'tram']),
    stops: z.array(z.strictObject({ stop: z.string(), minute: z.int() })),
    count: z.int(),
  }),
  kind: 'reads',
  run(state: StreetMapState, args) {
    const wanted = args.line.trim().toUpperCase();
    const line = state.lines.find(({ id }) => id === wanted);
    if (line === undefined) {
      return {
        error: `line: no '${args.line}', lines are ${state.lines.map(({ id }) => id).join(', ')}`,
      };
    }
    return { value: { mode: line.mode, stops: line.stops, count: line.stops.length } };
  },
});

const MODES = ['bus', 'tram'] as const;

/** Three lines of six stops; all of them call at one stop, where one changes. */
function drawLines(rng: Rng, pool: Pool): TransitLine[] {
  const names = distinct(16, () => stopName(rng, pool));
  const shared = names[15] ?? '';
  return drawIds(rng, 'LINE', 3, 2, 99).map((id, i): TransitLine => {
    const own = names.slice(i * 5, i * 5 + 5);
    own.splice(rng.int(1, 4), 0, shared);
    let minute = 0;
    const stops = own.map((stop, place) => {
      if (place > 0) minute += rng.int(2, 9);
      return { stop, minute };
    });
    return { id, mode: rng.pick(MODES), stops };
  });
}

function drawAddresses(rng: Rng, pool: Pool, count: number): Address[] {
  const streets = distinct(8, () => streetName(rng, pool));
  const ids = distinct(count, () => `${rng.int(1, 96)} ${rng.pick(streets)}`);
  const [lat, lon] = [rng.int(440, 560) / 10, rng.int(20, 220) / 10];
  return ids.map((id) => ({
    id,
    lat: rounded(lat + rng.int(-300, 300) / 10_000, 4),
    lon: rounded(lon + rng.int(-400, 400) / 10_000, 4),
  }));
}

const POIS = 13;
const HOMES = 6;

/** The street map server. Its state is `{addresses: [{id, lat, lon}], pois, lines: [{id, mode, stops}]}`; an address is its own id. */
export const streetMap: ServerDef = {
  name: 'street_map',
  description: 'The map of a town: addresses, points of interest, bus and tram lines.',
  tools: [addressLookup, poisInBox, closestPoi, poiCard, reportClosure, linesAtStop, lineRoute],
  initial(rng, pool): StreetMapState {
    const addresses = drawAddresses(rng, pool, POIS + HOMES);
    const names = distinct(POIS, () => poiName(rng, pool));
    const ids = drawIds(rng, 'POI', POIS, 104, 983);
    const pois = addresses.slice(0, POIS).map(({ id: address, lat, lon }, i): Poi => {
      const pad = (hour: number) => String(hour).padStart(2, '0');
      return {
        id: ids[i] ?? '',
        name: names[i] ?? '',
        amenity: AMENITIES[i % AMENITIES.length] ?? 'cafe',
        lat,
        lon,
        address,
        opens: `${pad(rng.int(7, 10))}:${rng.pick(['00', '30'])}`,
        closes: `${pad(rng.int(16, 21))}:${rng.pick(['00', '15', '30', '45'])}`,
        closed_until: null,
      };
    });
    return { addresses: rng.shuffle(addresses), pois, lines: drawLines(rng, pool) };
  },
};
