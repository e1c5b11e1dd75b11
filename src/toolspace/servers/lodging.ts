// The built-in agency for short stays in flats: search, prices with fees, reviews and bookings. Knows nothing of tasks
// or transports.
import { z } from 'zod';
import type { Rng } from '../../base/rng.ts';
import {
  byId,
  changed,
  defineTool,
  drawIds,
  nextId,
  pageOf,
  pageSchema,
  type ServerDef,
} from '../server.ts';
import { distinct, isDate, pairName, personName, rounded, shiftDate, words } from '../values.ts';

const FLAT_CITIES = [
  'Bologna',
  'Gdansk',
  'Ghent',
  'Girona',
  'Lucerne',
  'Maastricht',
  'Salzburg',
  'Tallinn',
] as const;
const COMFORTS = ['balcony', 'desk', 'dishwasher', 'garage', 'lift', 'washer'] as const;

type Review = { author: string; stars: number; date: string };
type Flat = {
  id: string;
  title: string;
  city: string;
  host: string;
  guests: number;
  comforts: (typeof COMFORTS)[number][];
  /** In euros for a night; `cleaning` is paid once a stay. */
  nightly: number;
  cleaning: number;
  servicePercent: number;
  reviews: Review[];
};
/** The guest leaves on the day `to`, so that the next one may arrive on it. */
type Booking = { id: string; flat: string; guest: string; from: string; to: string };
export type LodgingState = { flats: Flat[]; bookings: Booking[] };

const LONGEST_STAY = 90;

const TITLE_FIRSTS = words(`
  airy bright central charming compact cosy elegant leafy light modern peaceful roomy rustic serene
  snug spacious stylish sunlit tidy whitewashed
`);
const TITLE_SECONDS = words(`
  annex apartment attic basement bolthole cottage courtyard duplex garret hideaway loft maisonette
  mezzanine nest penthouse flatlet studio suite terrace townhouse
`);

const stayId = z.string().describe('id of a flat, such as STAY-412');
const nights = z.int().min(1).max(LONGEST_STAY);
const day = z.string().describe('date, like 2026-03-14');

function badDate(name: string, text: string): string {
  return `${name}: got '${text}', need a date like 2026-03-14`;
}

const searchStays = defineTool({
  name: 'search_stays',
  description: 'Searches the flats of a city, the cheapest first, in pages.',
  input: z.strictObject({
    city: z.string().min(1),
    filter: z
      .strictObject({
        guests: z.int().min(1).describe('places at least'),
        max_nightly: z.number().min(0).describe('most euros for a night'),
        comforts: z.array(z.enum(COMFORTS)).describe('all of these'),
      })
      .partial()
      .optional(),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(
    z.strictObject({ id: z.string(), title: z.string(), guests: z.int(), nightly: z.number() }),
  ),
  kind: 'reads',
  run(state: LodgingState, { city, filter = {}, page }) {
    const { guests: places = 1, max_nightly: most = Number.MAX_VALUE, comforts = [] } = filter;
    const wanted = city.trim().toLowerCase();
    const rows = state.flats
      .filter((flat) => flat.city.toLowerCase() === wanted)
      .filter((flat) => flat.guests >= places && flat.nightly <= most)
      .filter((flat) => comforts.every((comfort) => flat.comforts.includes(comfort)))
      .map(({ id, title, guests, nightly }) => ({ id, title, guests, nightly }))
      .sort((a, b) => a.nightly - b.nightly);
    return pageOf(rows, page);
  },
});

const stayOverview = defineTool({
  name: 'stay_overview',
  description: 'Describes a flat: title, city, host, places and comforts.',
  input: z.strictObject({ id: stayId }),
  output: z.strictObject({
    title: z.string(),
    city: z.string(),
    host: z.string(),
    guests: z.int(),
    comforts: z.array(z.enum(COMFORTS)),
  }),
  kind: 'reads',
  run(state: LodgingState, { id }) {
    const flat = byId(state.flats, id);
    if (typeof flat === 'string') return { error: flat };
    const { title, city, host, guests, comforts } = flat;
    return { value: { title, city, host, guests, comforts } };
  },
});

/** The booking of a flat that overlaps the days, if there is one. */
function clash(state: LodgingState, flat: string, from: string, to: string): Booking | undefined {
  return state.bookings.find(
    (booking) => booking.flat === flat && booking.from < to && from < booking.to,
  );
}

const firstOpening = defineTool({
  name: 'first_opening',
  description:
    'Finds the first day, on or after a date, from which a flat is free for some nights.',
  input: z.strictObject({ id: stayId, not_before: day, nights }),
  output: z.strictObject({ id: z.string(), arrival: z.string(), departure: z.string() }),
  kind: 'reads',
  run(state: LodgingState, args) {
    const flat = byId(state.flats, args.id);
    if (typeof flat === 'string') return { error: flat };
    if (!isDate(args.not_before)) return { error: badDate('not_before', args.not_before) };
    let arrival = args.not_before;
    for (;;) {
      const departure = shiftDate(arrival, args.nights);
      const taken = clash(state, flat.id, arrival, departure);
      if (taken === undefined) return { value: { id: flat.id, arrival, departure } };
      arrival = taken.to;
    }
  },
});

const quoteStay = defineTool({
  name: 'quote_stay',
  description:
    'Tells what a stay in a flat costs in euros: nights, cleaning, service fee on both, and total. From seven nights on, nights are a tenth off.',
  input: z.strictObject({ id: stayId, nights }),
  output: z.strictObject({
    nights: z.number(),
    cleaning: z.number(),
    service: z.number(),
    total: z.number(),
  }),
  kind: 'reads',
  run(state: LodgingState, args) {
    const flat = byId(state.flats, args.id);
    if (typeof flat === 'string') return { error: flat };
    const factor = args.nights >= 7 ? 0.9 : 1;
    const forNights = rounded(flat.nightly * args.nights * factor, 2);
    const service = rounded(((forNights + flat.cleaning) * flat.servicePercent) / 100, 2);
    const total = rounded(forNights + flat.cleaning + service, 2);
    return { value: { nights: forNights, cleaning: flat.cleaning, service, total } };
  },
});

const stayReviews = defineTool({
  name: 'stay_reviews',
  description: 'Lists what guests gave a flat, the latest first, with their average of stars.',
  input: z.strictObject({ id: stayId, min_stars: z.int().min(1).max(5).default(1) }),
  output: z.strictObject({
    reviews: z.array(z.strictObject({ author: z.string(), stars: z.int(), date: z.string() })),
    average: z.number().nullable(),
    count: z.int(),
  }),
  kind: 'reads',
  run(state: LodgingState, { id, min_stars }) {
    const flat = byId(state.flats, id);
    if (typeof flat === 'string') return { error: flat };
    const reviews = flat.reviews
      .filter(({ stars }) => stars >= min_stars)
      .sort((a, b) => (a.date > b.date ? -1 : 1));
    const sum = reviews.reduce((total, { stars }) => total + stars, 0);
    const average = reviews.length === 0 ? null : rounded(sum / reviews.length, 2);
    return { value: { reviews, average, count: reviews.length } };
  },
});

const bookStay = defineTool({
  name: 'book_stay',
  description: 'Books a flat for a guest. Fails when one of the nights is taken or in the past.',
  input: z.strictObject({
    id: stayId,
    guest: z.string().min(1).max(60),
    stay: z.strictObject({ arrival: day, nights }),
  }),
  output: z.strictObject({ reference: z.string(), departure: z.string() }),
  kind: 'adds',
  run(state: LodgingState, { id, guest, stay }, clock) {
    const flat = byId(state.flats, id);
    if (typeof flat === 'string') return { error: flat };
    const { arrival: from } = stay;
    if (!isDate(from)) return { error: badDate('stay.arrival', from) };
    const today = clock.slice(0, 10);
    if (from < today) return { error: `stay.arrival: got ${from}, need ${today} or later` };
    const to = shiftDate(from, stay.nights);
    const taken = clash(state, flat.id, from, to);
    if (taken !== undefined) {
      return { error: `${flat.id} is taken from ${taken.from} to ${taken.to}` };
    }
    const booking: Booking = { id: nextId('RSV', state.bookings), flat: flat.id, guest, from, to };
    return {
      value: { reference: booking.id, departure: to },
      state: { ...state, bookings: [...state.bookings, booking] },
    };
  },
});

const setDeparture = defineTool({
  name: 'set_departure',
  description:
    'Changes the day on which a booking ends. Fails when other guests have those nights.',
  input: z.strictObject({
    reference: z.string().describe('reference of a booking, such as RSV-512'),
    departure: day,
  }),
  output: z.strictObject({ reference: z.string(), arrival: z.string(), departure: z.string() }),
  kind: 'sets',
  run(state: LodgingState, { reference, departure }) {
    const booking = byId(state.bookings, reference);
    if (typeof booking === 'string') return { error: booking };
    if (!isDate(departure)) return { error: badDate('departure', departure) };
    const { id, flat, from } = booking;
    const latest = shiftDate(from, LONGEST_STAY);
    if (departure <= from || departure > latest) {
      return { error: `departure: got ${departure}, need a day after ${from}, ${latest} at most` };
    }
    const others = { ...state, bookings: state.bookings.filter((other) => other !== booking) };
    const taken = clash(others, flat, from, departure);
    if (taken !== undefined) return { error: `${flat} is taken from ${taken.from}` };
    return {
      value: { reference: id, arrival: from, departure },
      state: { ...state, bookings: changed(state.bookings, id, { to: departure }) },
    };
  },
});

function drawReviews(rng: Rng, people: readonly string[], today: string): Review[] {
  const ages = distinct(5, () => String(rng.int(5, 400)));
  return rng.sample(people, rng.int(2, 4)).map((author, i) => ({
    author,
    stars: rng.int(2, 5),
    date: shiftDate(today, -Number(ages[i])),
  }));
}

/** The lodging server. Its state is `{flats: [{id, title, city, host, …}], bookings: [{id, flat, guest, from, to}]}`. */
export const lodging: ServerDef = {
  name: 'lodging',
  description: 'Flats for short stays: search, prices, reviews and bookings.',
  tools: [searchStays, stayOverview, firstOpening, quoteStay, stayReviews, bookStay, setDeparture],
  initial(rng, pool, clock): LodgingState {
    const today = clock.slice(0, 10);
    const titles = distinct(12, () => pairName(rng, pool, 'flat', [TITLE_FIRSTS, TITLE_SECONDS]));
    const hosts = distinct(7, () => personName(rng, pool));
    const people = distinct(8, () => personName(rng, pool));
    const cities = rng.sample(FLAT_CITIES, 3);
    // Different prices, so that one flat is the cheapest.
    const prices = distinct(12, () => String(rng.int(54, 240)));
    const flats = drawIds(rng, 'STAY', 12, 103, 987).map(
      (id, i): Flat => ({
        id,
        title: titles[i] ?? '',
        city: cities[i % cities.length] ?? '',
        host: rng.pick(hosts),
        guests: rng.int(2, 6),
        comforts: rng.sample(COMFORTS, rng.int(2, 4)),
        nightly: Number(prices[i]),
        cleaning: rng.int(15, 60),
        servicePercent: rng.int(6, 14),
        reviews: drawReviews(rng, people, today),
      }),
    );
    const bookings = drawIds(rng, 'RSV', 10, 104, 880).map((id, i): Booking => {
      const from = shiftDate(today, rng.int(1, 50));
      const to = shiftDate(from, rng.int(2, 9));
      return { id, flat: flats[i]?.id ?? '', guest: rng.pick(people), from, to };
    });
    return { flats, bookings };
  },
};
