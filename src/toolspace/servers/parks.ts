// The built-in service of national parks: trails, campsites with reservations, alerts and passes. Knows nothing of
// tasks or transports.
import { z } from 'zod';
import { defined } from '../../base/assert.ts';
import type { Rng } from '../../base/rng.ts';
import {
  byId,
  byName,
  changed,
  defineTool,
  drawIds,
  nextId,
  pageOf,
  pageSchema,
  type ServerDef,
} from '../server.ts';
import { distinct, type Pool, pairName, personName, rounded, shiftDate, words } from '../values.ts';
import { nightsFrom, plannedDateTrouble } from './travel-values.ts';

export const MONTHS = [
  ...(['January', 'February', 'March', 'April', 'May', 'June'] as const),
  ...(['July', 'August', 'September', 'October', 'November', 'December'] as const),
] as const;
export const DIFFICULTIES = ['easy', 'moderate', 'hard'] as const;
export const PASSES = ['day', 'week', 'annual'] as const;
const SITE_KINDS = ['tent', 'cabin', 'caravan'] as const;
const ALERT_KINDS = ['closure', 'fire', 'flood', 'wildlife'] as const;

/** Open from the month `opens` to the month `closes`, both included, from 1 to 12. */
export type Park = { id: string; name: string; opens: number; closes: number; fee: number };
type Trail = {
  id: string;
  park: string;
  name: string;
  km: number;
  climb: number;
  difficulty: (typeof DIFFICULTIES)[number];
};
type Campsite = {
  id: string;
  park: string;
  kind: (typeof SITE_KINDS)[number];
  pitches: number;
  price: number;
};
type Reservation = {
  id: string;
  campsite: string;
  camper: string;
  people: number;
  arrival: string;
  nights: number;
  status: 'reserved' | 'cancelled';
};
type ParkAlert = { id: string; park: string; kind: (typeof ALERT_KINDS)[number]; until: string };
type ParkPass = {
  id: string;
  holder: string;
  kind: (typeof PASSES)[number];
  from: string;
  until: string;
  post_to: string | null;
};
export type ParksState = {
  parks: Park[];
  trails: Trail[];
  campsites: Campsite[];
  reservations: Reservation[];
  alerts: ParkAlert[];
  passes: ParkPass[];
};

/** Days and price of each kind of pass. */
const PASS_DAYS = { day: 1, week: 7, annual: 365 };
const PASS_PRICES = { day: 15, week: 40, annual: 90 };
const MOST_PEOPLE = { tent: 4, cabin: 6, caravan: 5 };

const PARK_FIRST = words(`
  Granite Whispering Eagle Thunder Mirror Painted Hidden Redwood Glacier Condor Juniper Obsidian
  Wolf Sandstone Misty Bear Cinder Larkspur Falling Twin
`);
const PARK_SECOND = words(`
  Hollow Canyon Basin Ridge Peaks Lakes Plateau Gorge Mesa Falls Dunes Caverns Spires Meadows
  Fjords Marsh Cliffs Springs Arches Bluffs
`);
const TRAIL_FIRST = words(`
  Lost Old Upper Lower Mossy Stony Windy Sunrise Hermit Shepherd Miner Ranger Salmon Heather
  Lonely Crooked Narrow Cold Blue Echo
`);
const TRAIL_SECOND = words(`
  Loop Pass Creek Saddle Overlook Traverse Steps Hut Meadow Pond Bridge Switchback Rim Notch Cave
  Grove Bend Knoll Ledge Crossing
`);

const parkId = z.string().describe('park id, such as NP-31');

function isOpen({ opens, closes }: Park, month: number): boolean {
  return month >= opens && month <= closes;
}

const monthName = (month: number) => defined(MONTHS[month - 1], 'month');

const searchParks = defineTool({
  name: 'search_parks',
  description: 'Searches parks by a word of the name, a month in which they are open, or the fee.',
  input: z.strictObject({
    query: z.string().default(''),
    open_in: z.enum(MONTHS).optional(),
    max_fee: z.number().min(0).optional(),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(z.strictObject({ id: z.string(), name: z.string(), fee: z.number() })),
  kind: 'reads',
  run({ parks: all }: ParksState, { query, open_in, max_fee, page }) {
    const wanted = query.trim().toLowerCase();
    const found = all
      .filter(({ name }) => name.toLowerCase().includes(wanted))
      .filter((park) => open_in === undefined || isOpen(park, MONTHS.indexOf(open_in) + 1))
      .filter(({ fee }) => max_fee === undefined || fee <= max_fee);
    return pageOf(
      found.map(({ id, name, fee }) => ({ id, name, fee })),
      page,
    );
  },
});

const getParkDetails = defineTool({
  name: 'get_park_details',
  description: 'Finds a park by its exact name: its id, entrance fee and months.',
  input: z.strictObject({ name: z.string() }),
  output: z.strictObject({
    id: z.string(),
    fee: z.number(),
    opens: z.enum(MONTHS),
    closes: z.enum(MONTHS).describe('last month in which it is open'),
  }),
  kind: 'reads',
  run({ parks: all }: ParksState, { name }) {
    const park = byName(all, name, (item) => item.name);
    if (typeof park === 'string') return { error: park };
    const { id, fee, opens, closes } = park;
    return { value: { id, fee, opens: monthName(opens), closes: monthName(closes) } };
  },
});

const listTrails = defineTool({
  name: 'list_trails',
  description: 'Lists the trails of a park, of one difficulty or up to a length.',
  input: z.strictObject({
    park_id: parkId,
    difficulty: z.enum(DIFFICULTIES).optional(),
    max_km: z.number().min(0).optional(),
  }),
  output: z.strictObject({
    trails: z.array(z.strictObject({ id: z.string(), name: z.string(), km: z.number() })),
    count: z.int(),
  }),
  kind: 'reads',
  run(state: ParksState, { park_id, difficulty, max_km }) {
    const park = byId(state.parks, park_id);
    if (typeof park === 'string') return { error: park };
    const trails = state.trails
      .filter((trail) => trail.park === park.id)
      .filter((trail) => difficulty === undefined || trail.difficulty === difficulty)
      .filter(({ km }) => max_km === undefined || km <= max_km)
      .map(({ id, name, km }) => ({ id, name, km }));
    return { value: { trails, count: trails.length } };
  },
});

const getTrail = defineTool({
  name: 'get_trail',
  description: 'Reads a trail, with the minutes that it takes by the rule of Naismith.',
  input: z.strictObject({ trail_id: z.string().describe('trail id, such as TR-204') }),
  output: z.strictObject({
    name: z.string(),
    km: z.number(),
    climb_m: z.int(),
    difficulty: z.enum(DIFFICULTIES),
    minutes: z.int(),
  }),
  kind: 'reads',
  run({ trails }: ParksState, { trail_id }) {
    const trail = byId(trails, trail_id);
    if (typeof trail === 'string') return { error: trail };
    const { name, km, climb, difficulty } = trail;
    // Naismith 1892, in metres: an hour for 5 km, and one more for 600 m of climb.
    const minutes = Math.round((km / 5 + climb / 600) * 60);
    return { value: { name, km, climb_m: climb, difficulty, minutes } };
  },
});

const listCampsites = defineTool({
  name: 'list_campsites',
  description: 'Lists the campsites of a park, of one kind or of all, with prices a night.',
  input: z.strictObject({ park_id: parkId, kind: z.enum(SITE_KINDS).optional() }),
  output: z.strictObject({
    campsites: z.array(
      z.strictObject({ id: z.string(), kind: z.enum(SITE_KINDS), price: z.number() }),
    ),
  }),
  kind: 'reads',
  run(state: ParksState, { park_id, kind }) {
    const park = byId(state.parks, park_id);
    if (typeof park === 'string') return { error: park };
    const campsites = state.campsites
      .filter((site) => site.park === park.id && (kind === undefined || site.kind === kind))
      .map((site) => ({ id: site.id, kind: site.kind, price: site.price }));
    return { value: { campsites } };
  },
});

/** True when a pitch is free in each of the nights. */
function hasPitch({ reservations }: ParksState, site: Campsite, nights: readonly string[]) {
  const others = reservations.filter(
    ({ campsite, status }) => campsite === site.id && status === 'reserved',
  );
  return nights.every(
    (night) =>
      others.filter((other) => nightsFrom(other.arrival, other.nights).includes(night)).length <
      site.pitches,
  );
}

const reserveCampsite = defineTool({
  name: 'reserve_campsite',
  description:
    'Reserves a pitch. Fails when the park is closed then, no pitch is free or the party is too big.',
  input: z.strictObject({
    campsite_id: z.string().describe('campsite id, such as CS-77'),
    arrival: z.string().describe('first day, like 2026-03-14'),
    nights: z.int().min(1).max(14),
    party: z.strictObject({
      camper: z.string().min(1).describe('name of the camper'),
      people: z.int().min(1).max(6).default(1),
    }),
  }),
  output: z.strictObject({ reservation_id: z.string(), total: z.number() }),
  kind: 'adds',
  run(state: ParksState, { campsite_id, arrival, nights, party }, clock) {
    const site = byId(state.campsites, campsite_id);
    if (typeof site === 'string') return { error: site };
    const trouble = plannedDateTrouble('arrival', arrival, clock);
    if (trouble !== null) return { error: trouble };
    const park = byId(state.parks, site.park);
    if (typeof park === 'string') return { error: park };
    const days = nightsFrom(arrival, nights);
    if (days.some((day) => !isOpen(park, Number(day.slice(5, 7))))) {
      const months = `${monthName(park.opens)} to ${monthName(park.closes)}`;
      return { error: `arrival: got ${arrival}, ${park.name} is open from ${months}` };
    }
    const most = MOST_PEOPLE[site.kind];
    if (party.people > most) {
      return { error: `party.people: got ${party.people}, ${site.id} takes up to ${most}` };
    }
    if (!hasPitch(state, site, days)) return { error: `${site.id} has no free pitch then` };
    const id = nextId('CR', state.reservations);
    const booked = { id, campsite: site.id, ...party, arrival, nights };
    const reservation: Reservation = { ...booked, status: 'reserved' };
    return {
      value: { reservation_id: id, total: rounded(site.price * nights, 2) },
      state: { ...state, reservations: [...state.reservations, reservation] },
    };
  },
});

const cancelReservation = defineTool({
  name: 'cancel_reservation',
  description: 'Cancels the reservation of a pitch; one that is cancelled stays so.',
  input: z.strictObject({ reservation_id: z.string().describe('such as CR-512') }),
  output: z.strictObject({ reservation_id: z.string(), camper: z.string() }),
  kind: 'sets',
  run(state: ParksState, { reservation_id }) {
    const reservation = byId(state.reservations, reservation_id);
    if (typeof reservation === 'string') return { error: reservation };
    const { id, camper } = reservation;
    const reservations = changed(state.reservations, id, { status: 'cancelled' });
    return { value: { reservation_id: id, camper }, state: { ...state, reservations } };
  },
});

const listAlerts = defineTool({
  name: 'list_alerts',
  description: 'Lists the alerts of a park and until when they hold.',
  input: z.strictObject({ park_id: parkId, kind: z.enum(ALERT_KINDS).optional() }),
  output: z.strictObject({
    alerts: z.array(
      z.strictObject({ id: z.string(), kind: z.enum(ALERT_KINDS), until: z.string() }),
    ),
  }),
  kind: 'reads',
  run(state: ParksState, { park_id, kind }) {
    const park = byId(state.parks, park_id);
    if (typeof park === 'string') return { error: park };
    const alerts = state.alerts
      .filter((alert) => alert.park === park.id && (kind === undefined || alert.kind === kind))
      .map((alert) => ({ id: alert.id, kind: alert.kind, until: alert.until }));
    return { value: { alerts } };
  },
});

const buyPass = defineTool({
  name: 'buy_pass',
  description: 'Buys a pass to all parks, for a day, a week or 365 days, and posts it if told.',
  input: z.strictObject({
    holder: z.string().min(1),
    kind: z.enum(PASSES),
    from: z.string().describe('first day, like 2026-03-14'),
    post_to: z.string().min(1).optional().describe('city that the pass is posted to'),
  }),
  output: z.strictObject({ pass_id: z.string(), until: z.string(), price: z.number() }),
  kind: 'adds',
  run(state: ParksState, { holder, kind, from, post_to = null }, clock) {
    const trouble = plannedDateTrouble('from', from, clock);
    if (trouble !== null) return { error: trouble };
    const id = nextId('PS', state.passes);
    const until = shiftDate(from, PASS_DAYS[kind] - 1);
    const pass: ParkPass = { id, holder, kind, from, until, post_to };
    return {
      value: { pass_id: id, until, price: PASS_PRICES[kind] },
      state: { ...state, passes: [...state.passes, pass] },
    };
  },
});

function drawTrails(rng: Rng, pool: Pool, all: readonly Park[]): Trail[] {
  const places = all.flatMap(({ id }) => Array.from({ length: rng.int(3, 4) }, () => id));
  const names = distinct(places.length, () =>
    pairName(rng, pool, 'trail', [TRAIL_FIRST, TRAIL_SECOND]),
  );
  // Lengths are different, so that one trail of a park is the longest.
  const lengths = distinct(places.length, () => String(rng.int(12, 248) / 10));
  return drawIds(rng, 'TR', places.length, 101, 980).map((id, i) => {
    const km = Number(lengths[i]);
    const climb = Math.round((km * rng.int(200, 900)) / 100) * 10;
    const effort = km + climb / 100;
    const hardness = effort < 20 ? 'moderate' : 'hard';
    return {
      id,
      park: defined(places[i], 'park'),
      name: defined(names[i], 'name'),
      km,
      climb,
      difficulty: effort < 10 ? 'easy' : hardness,
    };
  });
}

function drawCampsites(rng: Rng, all: readonly Park[]): Campsite[] {
  const places = all.flatMap(({ id }) => [id, id, id]);
  const prices = distinct(places.length, () => String(rng.int(36, 190) / 2));
  return drawIds(rng, 'CS', places.length, 11, 98).map((id, i) => {
    const place = { id, park: defined(places[i], 'park'), kind: rng.pick(SITE_KINDS) };
    return { ...place, pitches: rng.int(2, 6), price: Number(prices[i]) };
  });
}

function drawReservations(rng: Rng, pool: Pool, sites: readonly Campsite[], today: string) {
  const taken = rng.sample(sites, 5);
  const people = distinct(taken.length, () => personName(rng, pool));
  return drawIds(rng, 'CR', people.length, 120, 890).map((id, i): Reservation => {
    const site = defined(taken[i], 'campsite');
    return {
      id,
      campsite: site.id,
      camper: defined(people[i], 'camper'),
      people: rng.int(1, MOST_PEOPLE[site.kind]),
      arrival: shiftDate(today, rng.int(1, 40)),
      nights: rng.int(1, 7),
      status: 'reserved',
    };
  });
}

function drawAlerts(rng: Rng, all: readonly Park[], today: string): ParkAlert[] {
  const drawn = all.flatMap(({ id }) =>
    rng.sample(ALERT_KINDS, rng.int(1, 2)).map((kind) => ({ park: id, kind })),
  );
  return drawIds(rng, 'PA', drawn.length, 11, 98).map((id, i) => {
    return { id, ...defined(drawn[i], 'alert'), until: shiftDate(today, rng.int(2, 90)) };
  });
}

const READING = [searchParks, getParkDetails, listTrails, getTrail, listCampsites, listAlerts];
const CHANGING = [reserveCampsite, cancelReservation, buyPass];

/** The park server. Its state is `{parks, trails, campsites, reservations, alerts, passes}`. */
export const parks: ServerDef = {
  name: 'parks',
  description: 'National parks: trails, campsites and their reservations, alerts and passes.',
  tools: [...READING, ...CHANGING],
  initial(rng, pool, clock): ParksState {
    const today = clock.slice(0, 10);
    const ids = drawIds(rng, 'NP', 5, 11, 98);
    const draw = () => pairName(rng, pool, 'park', [PARK_FIRST, PARK_SECOND]);
    const names = distinct(ids.length, draw);
    const all = ids.map((id, i): Park => {
      // Three parks never close.
      const months =
        i < 3 ? { opens: 1, closes: 12 } : { opens: rng.int(3, 5), closes: rng.int(9, 11) };
      return { id, name: defined(names[i], 'name'), ...months, fee: rng.int(10, 70) / 2 };
    });
    const campsites = drawCampsites(rng, all);
    const always = all.filter(({ opens, closes }) => opens === 1 && closes === 12);
    const reservable = campsites.filter(({ park }) => always.some(({ id }) => id === park));
    return {
      parks: all,
      trails: drawTrails(rng, pool, all),
      campsites,
      reservations: drawReservations(rng, pool, reservable, today),
      alerts: drawAlerts(rng, all, today),
      passes: [],
    };
  },
};
