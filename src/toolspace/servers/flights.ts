// The built-in airline: flights between cities with fares and seats, and the bookings of passengers. Knows nothing of
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
import {
  daysBetween,
  dayTime,
  distinct,
  isDate,
  type Pool,
  personName,
  rounded,
  shiftDate,
} from '../values.ts';
import { CABINS, type Cabin, cabinOf, POSITIONS, positionOf, seatsOf } from './aircraft-seats.ts';
import { cityNames, timeAfter } from './travel-values.ts';

export const MOST_BAGS = 4;

type Airport = { code: string; city: string };
/** `fare` is that of economy; `taken` are the seats that are not free. All times are UTC. */
type Flight = {
  id: string;
  from: string;
  to: string;
  date: string;
  departs: string;
  minutes: number;
  fare: number;
  taken: string[];
};
/** `total` is what was paid for the seat, its bags and changes. */
type FlightBooking = {
  id: string;
  flight: string;
  passenger: string;
  cabin: Cabin;
  seat: string;
  bags: number;
  total: number;
  status: 'confirmed' | 'cancelled';
};
export type FlightsState = { airports: Airport[]; flights: Flight[]; bookings: FlightBooking[] };

const BUSINESS_FACTOR = 2.6;
const BAG_FEE = 35;
const FREE_BAGS = { economy: 0, business: 2 };
const CHANGE_FEE = 40;
/** Days before departure from which all, and half, of a booking is paid back. */
const FULL_REFUND_DAYS = 14;
const HALF_REFUND_DAYS = 2;

function freeSeats({ taken }: Flight, cabin: Cabin): string[] {
  return seatsOf(cabin).filter((seat) => !taken.includes(seat));
}

function fareOf({ fare }: Flight, cabin: Cabin): number {
  return cabin === 'business' ? rounded(fare * BUSINESS_FACTOR, 2) : fare;
}

function bagFee(cabin: Cabin, bags: number): number {
  return Math.max(0, bags - FREE_BAGS[cabin]) * BAG_FEE;
}

const flightId = z.string().describe('flight id, such as FL-2140');
const bookingId = z.string().describe('booking id, such as BK-731');
const bags = z.int().min(0).max(MOST_BAGS).describe('bags in the hold');
const airportCode = z.string().describe('three-letter code of an airport');

const findAirport = defineTool({
  name: 'find_airport',
  description: 'Finds the airport of a city and its code.',
  input: z.strictObject({ city: z.string() }),
  output: z.strictObject({ code: z.string(), city: z.string() }),
  kind: 'reads',
  run({ airports }: FlightsState, { city }) {
    const airport = byName(airports, city, (item) => item.city);
    return typeof airport === 'string' ? { error: airport } : { value: airport };
  },
});

function unknownCode({ airports }: FlightsState, argument: string, code: string): string | null {
  if (airports.some((airport) => airport.code === code)) return null;
  const known = airports.map((airport) => airport.code).join(', ');
  return `${argument}: got '${code}', need one of ${known}`;
}

const searchFlights = defineTool({
  name: 'search_flights',
  description: 'Searches the direct flights between two airports, on one day or on all days.',
  input: z.strictObject({
    from: airportCode,
    to: airportCode,
    date: z.string().optional().describe('day of departure, like 2026-03-14'),
    max_fare: z.number().min(0).optional().describe('highest economy fare'),
    sort: z.enum(['departure', 'fare']).default('departure'),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(
    z.strictObject({ id: z.string(), date: z.string(), departs: z.string(), fare: z.number() }),
  ),
  kind: 'reads',
  run(state: FlightsState, { date, max_fare, sort, page, ...args }) {
    const from = args.from.trim().toUpperCase();
    const to = args.to.trim().toUpperCase();
    const trouble = unknownCode(state, 'from', from) ?? unknownCode(state, 'to', to);
    if (trouble !== null) return { error: trouble };
    if (date !== undefined && !isDate(date)) {
      return { error: `date: got '${date}', need a date like 2026-03-14` };
    }
    const moment = (flight: Flight) => flight.date + flight.departs;
    const found = state.flights
      .filter((flight) => flight.from === from && flight.to === to)
      .filter((flight) => date === undefined || flight.date === date)
      .filter((flight) => max_fare === undefined || flight.fare <= max_fare)
      .sort((a, b) => (moment(a) < moment(b) ? -1 : 1));
    if (sort === 'fare') found.sort((a, b) => a.fare - b.fare);
    const rows = found.map(({ id, departs, fare, ...flight }) => {
      return { id, date: flight.date, departs, fare };
    });
    return pageOf(rows, page);
  },
});

const getFlight = defineTool({
  name: 'get_flight',
  description: 'Reads the cities, times and fares of a flight. All times are UTC.',
  input: z.strictObject({ flight_id: flightId }),
  output: z.strictObject({
    id: z.string(),
    from_city: z.string(),
    to_city: z.string(),
    date: z.string(),
    departs: z.string(),
    arrives: z.string(),
    arrival_date: z.string(),
    minutes: z.int(),
    economy_fare: z.number(),
    business_fare: z.number(),
  }),
  kind: 'reads',
  run({ airports, flights: all }: FlightsState, args) {
    const flight = byId(all, args.flight_id);
    if (typeof flight === 'string') return { error: flight };
    const { id, date, departs, minutes } = flight;
    const cityOf = (code: string) => airports.find((port) => port.code === code)?.city ?? code;
    const { time, days } = timeAfter(departs, minutes);
    return {
      value: {
        id,
        from_city: cityOf(flight.from),
        to_city: cityOf(flight.to),
        date,
        departs,
        arrives: time,
        arrival_date: shiftDate(date, days),
        minutes,
        economy_fare: fareOf(flight, 'economy'),
        business_fare: fareOf(flight, 'business'),
      },
    };
  },
});

const listSeats = defineTool({
  name: 'list_seats',
  description: 'Lists the free seats of a cabin from the front to the back.',
  input: z.strictObject({
    flight_id: flightId,
    cabin: z.enum(CABINS).default('economy'),
    position: z.enum(POSITIONS).optional(),
  }),
  output: z.strictObject({ free: z.array(z.string()), count: z.int() }),
  kind: 'reads',
  run(state: FlightsState, { flight_id, cabin, position }) {
    const flight = byId(state.flights, flight_id);
    if (typeof flight === 'string') return { error: flight };
    const free = freeSeats(flight, cabin).filter(
      (seat) => position === undefined || positionOf(seat) === position,
    );
    return { value: { free, count: free.length } };
  },
});

/** The flights with a seat taken or given free. */
function withSeat(flights: Flight[], flight: Flight, seat: string, taken: boolean): Flight[] {
  const others = flight.taken.filter((other) => other !== seat);
  return changed(flights, flight.id, { taken: taken ? [...others, seat] : others });
}

const bookFlight = defineTool({
  name: 'book_flight',
  description:
    'Books a seat for a passenger; without a seat, the first free one of the cabin. Fails when it is taken.',
  input: z.strictObject({
    flight_id: flightId,
    passenger: z.string().min(1).describe('name of the passenger'),
    cabin: z.enum(CABINS).default('economy'),
    seat: z.string().optional().describe('seat of the cabin, such as 12C'),
    bags: bags.default(0),
  }),
  output: z.strictObject({ booking_id: z.string(), seat: z.string(), total: z.number() }),
  kind: 'adds',
  run(state: FlightsState, args) {
    const flight = byId(state.flights, args.flight_id);
    if (typeof flight === 'string') return { error: flight };
    const { passenger, cabin } = args;
    const free = freeSeats(flight, cabin);
    const seat = args.seat?.trim().toUpperCase() ?? free[0];
    if (seat === undefined) return { error: `${flight.id} has no free seat in ${cabin}` };
    if (!free.includes(seat)) {
      return { error: `seat: got '${seat}', free in ${cabin} are ${free.join(', ') || 'none'}` };
    }
    const id = nextId('BK', state.bookings);
    const total = rounded(fareOf(flight, cabin) + bagFee(cabin, args.bags), 2);
    const booking: FlightBooking = {
      id,
      flight: flight.id,
      passenger,
      cabin,
      seat,
      bags: args.bags,
      total,
      status: 'confirmed',
    };
    const flights = withSeat(state.flights, flight, seat, true);
    return {
      value: { booking_id: id, seat, total },
      state: { ...state, flights, bookings: [...state.bookings, booking] },
    };
  },
});

/** A booking that can still be changed, with its flight. */
function openBooking(state: FlightsState, id: string) {
  const booking = byId(state.bookings, id);
  if (typeof booking === 'string') return booking;
  if (booking.status === 'cancelled') return `${booking.id} is cancelled`;
  const flight = byId(state.flights, booking.flight);
  return typeof flight === 'string' ? flight : { booking, flight };
}

const getBooking = defineTool({
  name: 'get_booking',
  description: 'Reads a booking: passenger, flight, seat, bags and what was paid.',
  input: z.strictObject({ booking_id: bookingId }),
  output: z.strictObject({
    passenger: z.string(),
    flight_id: z.string(),
    from: z.string(),
    to: z.string(),
    cabin: z.enum(CABINS),
    seat: z.string(),
    bags: z.int(),
    total: z.number(),
    status: z.enum(['confirmed', 'cancelled']),
  }),
  kind: 'reads',
  run(state: FlightsState, { booking_id }) {
    const booking = byId(state.bookings, booking_id);
    if (typeof booking === 'string') return { error: booking };
    const flight = byId(state.flights, booking.flight);
    if (typeof flight === 'string') return { error: flight };
    const { id: _, flight: flight_id, ...rest } = booking;
    return { value: { ...rest, flight_id, from: flight.from, to: flight.to } };
  },
});

const changeFlight = defineTool({
  name: 'change_flight',
  description: `Moves a booking to another flight of the same route, for ${CHANGE_FEE} and the difference where the fare is higher.`,
  input: z.strictObject({ booking_id: bookingId, flight_id: flightId }),
  output: z.strictObject({ seat: z.string(), paid: z.number(), total: z.number() }),
  kind: 'adds',
  run(state: FlightsState, args) {
    const open = openBooking(state, args.booking_id);
    if (typeof open === 'string') return { error: open };
    const { booking, flight: old } = open;
    const flight = byId(state.flights, args.flight_id);
    if (typeof flight === 'string') return { error: flight };
    if (flight.id === old.id) return { error: `${booking.id} is on ${old.id} already` };
    if (flight.from !== old.from || flight.to !== old.to) {
      return { error: `${flight.id} does not fly from ${old.from} to ${old.to}` };
    }
    const free = freeSeats(flight, booking.cabin);
    const seat = free.includes(booking.seat) ? booking.seat : free[0];
    if (seat === undefined) return { error: `${flight.id} has no free seat in ${booking.cabin}` };
    const higher = fareOf(flight, booking.cabin) - fareOf(old, booking.cabin);
    const paid = rounded(CHANGE_FEE + Math.max(0, higher), 2);
    const total = rounded(booking.total + paid, 2);
    const flights = withSeat(state.flights, old, booking.seat, false);
    return {
      value: { seat, paid, total },
      state: {
        ...state,
        flights: withSeat(flights, flight, seat, true),
        bookings: changed(state.bookings, booking.id, { flight: flight.id, seat, total }),
      },
    };
  },
});

const setBaggage = defineTool({
  name: 'set_baggage',
  description: `Sets how many bags a booking has, ${BAG_FEE} each; two are free in business.`,
  input: z.strictObject({ booking_id: bookingId, bags }),
  output: z.strictObject({ bags: z.int(), total: z.number() }),
  kind: 'sets',
  run(state: FlightsState, args) {
    const open = openBooking(state, args.booking_id);
    if (typeof open === 'string') return { error: open };
    const { id, cabin, ...booking } = open.booking;
    const more = bagFee(cabin, args.bags) - bagFee(cabin, booking.bags);
    const set = { bags: args.bags, total: rounded(booking.total + more, 2) };
    return { value: set, state: { ...state, bookings: changed(state.bookings, id, set) } };
  },
});

const cancelBooking = defineTool({
  name: 'cancel_booking',
  description:
    'Cancels a booking. Pays back all of it until 14 days before departure, half of it until 2 days before, later nothing.',
  input: z.strictObject({ booking_id: bookingId }),
  output: z.strictObject({ booking_id: z.string(), refund: z.number() }),
  kind: 'adds',
  run(state: FlightsState, args, clock) {
    const open = openBooking(state, args.booking_id);
    if (typeof open === 'string') return { error: open };
    const { booking, flight } = open;
    const days = daysBetween(clock.slice(0, 10), flight.date);
    let share = days >= HALF_REFUND_DAYS ? 0.5 : 0;
    if (days >= FULL_REFUND_DAYS) share = 1;
    return {
      value: { booking_id: booking.id, refund: rounded(booking.total * share, 2) },
      state: {
        ...state,
        flights: withSeat(state.flights, flight, booking.seat, false),
        bookings: changed(state.bookings, booking.id, { status: 'cancelled' }),
      },
    };
  },
});

/** Flights of one route, no two on the same day. */
function drawRoute(
  rng: Rng,
  clock: string,
  { from, to }: Pick<Flight, 'from' | 'to'>,
  count: number,
) {
  const minutes = rng.int(50, 420);
  const days = distinct(count, () => shiftDate(clock.slice(0, 10), rng.int(1, 40)));
  return days.map((date): Omit<Flight, 'id'> => {
    const taken = rng.sample([...seatsOf('business'), ...seatsOf('economy')], rng.int(8, 26));
    const fare = rounded(rng.int(4900, 38_900) / 100, 2);
    return { from, to, date, departs: dayTime(rng), minutes, fare, taken };
  });
}

/** A booking of one taken seat on each flight. */
function drawBookings(rng: Rng, pool: Pool, booked: readonly Flight[]): FlightBooking[] {
  const ids = drawIds(rng, 'BK', booked.length, 201, 980);
  const people = distinct(booked.length, () => personName(rng, pool));
  return booked.map((flight, i) => {
    const seat = rng.pick(flight.taken);
    const cabin = cabinOf(seat);
    const bagCount = rng.int(0, 3);
    return {
      id: defined(ids[i], 'id'),
      flight: flight.id,
      passenger: defined(people[i], 'person'),
      cabin,
      seat,
      bags: bagCount,
      total: rounded(fareOf(flight, cabin) + bagFee(cabin, bagCount), 2),
      status: 'confirmed',
    };
  });
}

/** The first has more flights than a page has rows. */
const FLIGHTS_OF_ROUTES = [6, 4, 3, 3] as const;

const READING = [findAirport, searchFlights, getFlight, listSeats, getBooking];
const CHANGING = [bookFlight, changeFlight, setBaggage, cancelBooking];

/** The airline server. Its state is `{airports: [{code, city}], flights, bookings}`. */
export const flights: ServerDef = {
  name: 'flights',
  description: 'An airline: flights, fares and seats, and bookings with their baggage.',
  tools: [...READING, ...CHANGING],
  initial(rng, pool, clock): FlightsState {
    const airports = cityNames(rng, pool, 5).map((city) => {
      return { code: city.slice(0, 3).toUpperCase(), city };
    });
    const pairs = airports.flatMap((from) =>
      airports.filter((to) => to !== from).map((to) => ({ from: from.code, to: to.code })),
    );
    const drawn = rng
      .sample(pairs, FLIGHTS_OF_ROUTES.length)
      .flatMap((route, i) => drawRoute(rng, clock, route, FLIGHTS_OF_ROUTES[i] ?? 1));
    const ids = drawIds(rng, 'FL', drawn.length, 1010, 9890);
    const all = drawn.map((flight, i): Flight => ({ id: defined(ids[i], 'id'), ...flight }));
    return { airports, flights: all, bookings: drawBookings(rng, pool, rng.sample(all, 7)) };
  },
};
