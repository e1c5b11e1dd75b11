// The built-in hotel agency: hotels of a few cities, their rooms, reservations and reviews. Knows nothing of tasks or
// transports.
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
import { cityNames, nightsFrom, plannedDateTrouble, weekday } from './travel-values.ts';

export const ROOM_TYPES = ['single', 'double', 'family'] as const;
type RoomType = (typeof ROOM_TYPES)[number];

/** `price` is that of a night from Sunday to Thursday, `count` how many such rooms there are. */
type Room = { type: RoomType; price: number; count: number };
export type Hotel = {
  id: string;
  name: string;
  city: string;
  stars: number;
  km_to_centre: number;
  pool: boolean;
  rooms: Room[];
};
type Guest = { name: string; adults: number; city: string | null };
type HotelReservation = {
  id: string;
  hotel: string;
  room: RoomType;
  check_in: string;
  nights: number;
  guest: Guest;
  total: number;
  status: 'booked' | 'cancelled';
};
type Review = { hotel: string; author: string; score: number; date: string };
export type HotelsState = {
  hotels: Hotel[];
  reservations: HotelReservation[];
  reviews: Review[];
};

/** Adults that a room sleeps. */
const SLEEPS = { single: 1, double: 2, family: 4 };
/** A night that starts on a Friday or Saturday costs this much more. */
const WEEKEND_FACTOR = 1.2;
const FREE_CANCEL_DAYS = 2;
const MOST_NIGHTS = 30;

const FIRST_WORDS = words(`
  Velvet Gilded Copper Ivory Sapphire Marble Emerald Linden Willow Cedar Juniper Magnolia Harbour
  Meadow Garden Sunset Moonlit Royal Regent Old
`);
const SECOND_WORDS = words(`
  Lantern Anchor Crown Gate Palace Court Terrace Lodge Manor Arcade Fountain Pavilion Swan
  Pelican Stag Heron Compass Tower Villa Mill
`);

const hotelId = z.string().describe('hotel id, such as HT-41');
const reservationId = z.string().describe('reservation id, such as HR-512');
const checkIn = z.string().describe('day of arrival, like 2026-03-14');
const nights = z.int().min(1).max(MOST_NIGHTS);

const search = defineTool({
  name: 'search',
  description: 'Searches the hotels of a city, those nearest to its centre first.',
  input: z.strictObject({
    city: z.string(),
    filter: z
      .strictObject({
        min_stars: z.int().min(1).max(5),
        max_price: z.number().min(0).describe('some room is not dearer a night'),
        pool: z.boolean(),
      })
      .partial()
      .optional()
      .describe('only hotels that fit'),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(
    z.strictObject({ id: z.string(), name: z.string(), stars: z.int(), km_to_centre: z.number() }),
  ),
  kind: 'reads',
  run({ hotels: all }: HotelsState, { city, filter = {}, page }) {
    const here = byName(all, city, (hotel) => hotel.city);
    if (typeof here === 'string') return { error: here };
    const { min_stars = 1, max_price = Number.POSITIVE_INFINITY, pool } = filter;
    const found = all
      .filter((hotel) => hotel.city === here.city && hotel.stars >= min_stars)
      .filter(({ rooms }) => rooms.some(({ price }) => price <= max_price))
      .filter((hotel) => pool === undefined || hotel.pool === pool)
      .sort((a, b) => a.km_to_centre - b.km_to_centre);
    return pageOf(
      found.map(({ id, name, stars, km_to_centre }) => ({ id, name, stars, km_to_centre })),
      page,
    );
  },
});

const findHotel = defineTool({
  name: 'find_hotel',
  description: 'Finds a hotel by its exact name.',
  input: z.strictObject({ name: z.string() }),
  output: z.strictObject({ id: z.string(), city: z.string(), stars: z.int(), pool: z.boolean() }),
  kind: 'reads',
  run({ hotels: all }: HotelsState, { name }) {
    const hotel = byName(all, name, (item) => item.name);
    if (typeof hotel === 'string') return { error: hotel };
    const { id, city, stars, pool } = hotel;
    return { value: { id, city, stars, pool } };
  },
});

const listRooms = defineTool({
  name: 'list_rooms',
  description: 'Lists the types of rooms of a hotel and their prices a night, weekends aside.',
  input: z.strictObject({ hotel_id: hotelId }),
  output: z.strictObject({
    rooms: z.array(
      z.strictObject({ type: z.enum(ROOM_TYPES), price: z.number(), sleeps: z.int() }),
    ),
  }),
  kind: 'reads',
  run({ hotels: all }: HotelsState, { hotel_id }) {
    const hotel = byId(all, hotel_id);
    if (typeof hotel === 'string') return { error: hotel };
    const rooms = hotel.rooms.map(({ type, price }) => ({ type, price, sleeps: SLEEPS[type] }));
    return { value: { rooms } };
  },
});

interface Stay {
  hotel: Hotel;
  room: Room;
  check_in: string;
  nights: number;
}

/** The stay that is asked for, or what is wrong with it. */
function stayOf(
  { hotels: all }: HotelsState,
  args: { hotel_id: string; room_type: RoomType; check_in: string; nights: number },
  clock: string,
): Stay | string {
  const hotel = byId(all, args.hotel_id);
  if (typeof hotel === 'string') return hotel;
  const trouble = plannedDateTrouble('check_in', args.check_in, clock);
  if (trouble !== null) return trouble;
  const room = hotel.rooms.find(({ type }) => type === args.room_type);
  if (room !== undefined) return { hotel, room, check_in: args.check_in, nights: args.nights };
  const types = hotel.rooms.map(({ type }) => type).join(', ');
  return `room_type: got '${args.room_type}', ${hotel.id} has ${types}`;
}

/** Rooms that are free in every night of a stay; `except` is a reservation that does not count. */
function freeRooms({ reservations }: HotelsState, stay: Stay, except?: string): number {
  const others = reservations.filter(
    ({ id, hotel, room, status }) =>
      hotel === stay.hotel.id && room === stay.room.type && status === 'booked' && id !== except,
  );
  const taken = nightsFrom(stay.check_in, stay.nights).map(
    (night) =>
      others.filter((other) => nightsFrom(other.check_in, other.nights).includes(night)).length,
  );
  return Math.max(0, stay.room.count - Math.max(...taken));
}

function priceOf({ room: { price }, ...stay }: Stay): number {
  const prices = nightsFrom(stay.check_in, stay.nights).map((night) =>
    [5, 6].includes(weekday(night)) ? price * WEEKEND_FACTOR : price,
  );
  return rounded(
    prices.reduce((sum, one) => sum + one, 0),
    2,
  );
}

const stayInput = z.strictObject({
  hotel_id: hotelId,
  room_type: z.enum(ROOM_TYPES),
  check_in: checkIn,
  nights,
});

const checkAvailability = defineTool({
  name: 'check_availability',
  description:
    'Tells how many rooms of a type are free for a whole stay, and the price of the stay. Friday and Saturday nights cost a fifth more.',
  input: stayInput,
  output: z.strictObject({ free: z.int(), total: z.number() }),
  kind: 'reads',
  run(state: HotelsState, args, clock) {
    const stay = stayOf(state, args, clock);
    if (typeof stay === 'string') return { error: stay };
    return { value: { free: freeRooms(state, stay), total: priceOf(stay) } };
  },
});

const guest = z.strictObject({
  name: z.string().min(1),
  adults: z.int().min(1).max(4).default(1),
  city: z.string().min(1).optional().describe('where the guest lives'),
});

const bookRoom = defineTool({
  name: 'book_room',
  description: 'Books a room for a guest. Fails when none is free or it is too small.',
  input: stayInput.extend({ guest }),
  output: z.strictObject({ reservation_id: z.string(), total: z.number() }),
  kind: 'adds',
  run(state: HotelsState, args, clock) {
    const stay = stayOf(state, args, clock);
    if (typeof stay === 'string') return { error: stay };
    const { hotel, room, check_in } = stay;
    const { adults } = args.guest;
    if (adults > SLEEPS[room.type]) {
      return { error: `guest.adults: got ${adults}, a ${room.type} sleeps ${SLEEPS[room.type]}` };
    }
    if (freeRooms(state, stay) === 0) return { error: `${hotel.id} has no free ${room.type} then` };
    const id = nextId('HR', state.reservations);
    const total = priceOf(stay);
    const reservation: HotelReservation = {
      id,
      hotel: hotel.id,
      room: room.type,
      check_in,
      nights: args.nights,
      guest: { ...args.guest, city: args.guest.city ?? null },
      total,
      status: 'booked',
    };
    return {
      value: { reservation_id: id, total },
      state: { ...state, reservations: [...state.reservations, reservation] },
    };
  },
});

const getReservation = defineTool({
  name: 'get_reservation',
  description: 'Reads a reservation: hotel, room, days, guest and price.',
  input: z.strictObject({ reservation_id: reservationId }),
  output: z.strictObject({
    hotel: z.string(),
    room: z.enum(ROOM_TYPES),
    check_in: z.string(),
    check_out: z.string(),
    guest: z.strictObject({ name: z.string(), adults: z.int(), city: z.string().nullable() }),
    total: z.number(),
    status: z.enum(['booked', 'cancelled']),
  }),
  kind: 'reads',
  run(state: HotelsState, { reservation_id }) {
    const reservation = byId(state.reservations, reservation_id);
    if (typeof reservation === 'string') return { error: reservation };
    const { id: _, nights: count, ...rest } = reservation;
    const hotel = byId(state.hotels, rest.hotel);
    if (typeof hotel === 'string') return { error: hotel };
    return {
      value: { ...rest, hotel: hotel.name, check_out: shiftDate(rest.check_in, count) },
    };
  },
});

/** A reservation that is not cancelled. */
function openReservation(state: HotelsState, id: string): HotelReservation | string {
  const reservation = byId(state.reservations, id);
  if (typeof reservation === 'string' || reservation.status === 'booked') return reservation;
  return `${reservation.id} is cancelled`;
}

const changeDates = defineTool({
  name: 'change_dates',
  description: 'Moves a reservation to other days. Fails when no such room is free then.',
  input: z.strictObject({ reservation_id: reservationId, check_in: checkIn, nights }),
  output: z.strictObject({ check_out: z.string(), total: z.number() }),
  kind: 'sets',
  run(state: HotelsState, args, clock) {
    const reservation = openReservation(state, args.reservation_id);
    if (typeof reservation === 'string') return { error: reservation };
    const { id, hotel, room } = reservation;
    const { check_in, nights: count } = args;
    const wanted = { hotel_id: hotel, room_type: room, check_in, nights: count };
    const stay = stayOf(state, wanted, clock);
    if (typeof stay === 'string') return { error: stay };
    if (freeRooms(state, stay, id) === 0) return { error: `${hotel} has no free ${room} then` };
    const total = priceOf(stay);
    const reservations = changed(state.reservations, id, { check_in, nights: count, total });
    return {
      value: { check_out: shiftDate(check_in, count), total },
      state: { ...state, reservations },
    };
  },
});

const cancelReservation = defineTool({
  name: 'cancel_reservation',
  description:
    'Cancels a reservation. Pays all of it back until 2 days before arrival, later all but an equal share for one night.',
  input: z.strictObject({ reservation_id: reservationId }),
  output: z.strictObject({ reservation_id: z.string(), refund: z.number() }),
  kind: 'adds',
  run(state: HotelsState, args, clock) {
    const reservation = openReservation(state, args.reservation_id);
    if (typeof reservation === 'string') return { error: reservation };
    const { id, check_in, nights: count, total } = reservation;
    const early = check_in >= shiftDate(clock.slice(0, 10), FREE_CANCEL_DAYS);
    const refund = early ? total : rounded(total - total / count, 2);
    const reservations = changed(state.reservations, id, { status: 'cancelled' });
    return { value: { reservation_id: id, refund }, state: { ...state, reservations } };
  },
});

const getReviews = defineTool({
  name: 'get_reviews',
  description: 'Lists the reviews of a hotel, the newest first, with their average score.',
  input: z.strictObject({
    hotel_id: hotelId,
    min_score: z.int().min(1).max(10).default(1),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(
    z.strictObject({ author: z.string(), score: z.int(), date: z.string() }),
  ).extend({ average: z.number().nullable() }),
  kind: 'reads',
  run(state: HotelsState, { hotel_id, min_score, page }) {
    const hotel = byId(state.hotels, hotel_id);
    if (typeof hotel === 'string') return { error: hotel };
    const found = state.reviews
      .filter((review) => review.hotel === hotel.id && review.score >= min_score)
      .sort((a, b) => (a.date > b.date ? -1 : 1));
    const outcome = pageOf(
      found.map(({ author, score, date }) => ({ author, score, date })),
      page,
    );
    if (outcome.error !== undefined) return { error: outcome.error };
    const sum = found.reduce((all, { score }) => all + score, 0);
    const average = found.length === 0 ? null : rounded(sum / found.length, 1);
    return { value: { ...outcome.value, average } };
  },
});

function drawHotels(rng: Rng, pool: Pool): Hotel[] {
  const names = distinct(8, () => pairName(rng, pool, 'hotel', [FIRST_WORDS, SECOND_WORDS]));
  const [first = '', second = ''] = cityNames(rng, pool, 2);
  const distances = distinct(names.length, () => String(rng.int(2, 79) / 10));
  return drawIds(rng, 'HT', names.length, 11, 98).map((id, i) => {
    const price = rng.int(4500, 16_000) / 100;
    const types = rng.shuffle(i % 3 === 0 ? ROOM_TYPES.slice(0, 2) : ROOM_TYPES);
    return {
      id,
      name: defined(names[i], 'name'),
      city: i < 5 ? first : second,
      stars: rng.int(2, 5),
      km_to_centre: Number(distances[i]),
      pool: rng.chance(0.5),
      rooms: types.map((type) => ({
        type,
        price: rounded(price * { single: 1, double: 1.5, family: 2.75 }[type], 2),
        count: rng.int(2, 5),
      })),
    };
  });
}

/** Reviews of all hotels: those of the first three need a second page. */
function drawReviews(rng: Rng, pool: Pool, all: readonly Hotel[], today: string): Review[] {
  return all.flatMap(({ id }, i) => {
    const count = i < 3 ? rng.int(6, 8) : rng.int(1, 3);
    const dates = distinct(count, () => shiftDate(today, -rng.int(3, 400)));
    const authors = distinct(count, () => personName(rng, pool));
    return dates.map((date, k) => {
      return { hotel: id, author: defined(authors[k], 'author'), score: rng.int(4, 10), date };
    });
  });
}

function drawReservations(rng: Rng, pool: Pool, all: readonly Hotel[], today: string) {
  const ids = drawIds(rng, 'HR', 7, 120, 890);
  const people = distinct(ids.length, () => personName(rng, pool));
  return ids.map((id, i): HotelReservation => {
    const hotel = defined(all[i], 'hotel');
    const room = rng.pick(hotel.rooms);
    const stay = { check_in: shiftDate(today, rng.int(1, 30)), nights: rng.int(1, 6) };
    const adults = rng.int(1, SLEEPS[room.type]);
    return {
      id,
      hotel: hotel.id,
      room: room.type,
      ...stay,
      guest: { name: defined(people[i], 'person'), adults, city: null },
      total: priceOf({ hotel, room, ...stay }),
      status: 'booked',
    };
  });
}

const READING = [search, findHotel, listRooms, checkAvailability, getReservation, getReviews];
const CHANGING = [bookRoom, changeDates, cancelReservation];

/** The hotel server. Its state is `{hotels, reservations, reviews}`. */
export const hotels: ServerDef = {
  name: 'hotels',
  description: 'An agency of hotels: rooms and prices, reservations, and reviews by guests.',
  tools: [...READING, ...CHANGING],
  initial(rng, pool, clock): HotelsState {
    const today = clock.slice(0, 10);
    const all = drawHotels(rng, pool);
    const reservations = drawReservations(rng, pool, all, today);
    return { hotels: all, reservations, reviews: drawReviews(rng, pool, all, today) };
  },
};
