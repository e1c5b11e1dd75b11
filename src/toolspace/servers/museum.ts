// The built-in museum: objects of artists in rooms, exhibitions, and loans to museums of other cities. Knows nothing of
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
  pageOf,
  pageSchema,
  type ServerDef,
} from '../server.ts';
import { distinct, isDate, type Pool, pairName, personName, shiftDate, words } from '../values.ts';

export const MEDIA = ['oil', 'bronze', 'marble', 'ink', 'glass'] as const;
export const CITIES = [
  'Bergen',
  'Porto',
  'Ghent',
  'Krakow',
  'Graz',
  'Turin',
  'Malaga',
  'Riga',
  'Lyon',
  'Basel',
  'Leeds',
  'Cork',
  'Kyoto',
  'Quito',
  'Dakar',
];
const FLOORS = 3;

type Loan = { city: string; until: string };
/** `room` is null while the object is on loan, `loan` while it is not. */
export type Work = {
  id: string;
  title: string;
  artist: string;
  year: number;
  medium: (typeof MEDIA)[number];
  room: string | null;
  loan: Loan | null;
};
type Room = { id: string; floor: number; capacity: number };
type Artist = { name: string; born: number; city: string };
type Exhibition = {
  id: string;
  title: string;
  from: string;
  to: string;
  objects: string[];
};
export type MuseumState = {
  objects: Work[];
  artists: Artist[];
  rooms: Room[];
  exhibitions: Exhibition[];
};

const WORK_WORDS = [
  words(`
    Sleeping Dancing Waiting Laughing Young Blind Seated Kneeling Weeping Standing Running Singing
    Reading Fallen Masked Crowned Hooded Veiled Armoured Barefoot
  `),
  words(`
    Shepherd Fisherman Weaver Miller Pilgrim Soldier Gardener Baker Piper Hunter Juggler Sailor
    Potter Archer Reaper Rider Scholar Smith Herald Boatman
  `),
] as const;
const EXHIBITION_WORDS = [
  words(`
    Northern Hidden Early Lost Modern Sacred Private Painted Borrowed Golden Quiet Forgotten
    Restless Silent Luminous Urban Rural Distant
  `),
  words(`
    Landscapes Portraits Gestures Interiors Masters Bodies Colours Shores Gardens Dreams Faces
    Lights Shadows Journeys Workshops Seasons Rituals Windows
  `),
] as const;

const objectId = z.string().describe('object id, such as OB-214');
const roomId = z.string().describe('room id, such as R-12');
const loanSchema = z.strictObject({ city: z.string(), until: z.string() });

/** Whether a room can take one more object. */
export function hasSpace(state: MuseumState, { id, capacity }: Room): boolean {
  return state.objects.filter(({ room }) => room === id).length < capacity;
}

function roomFor(state: MuseumState, work: Work, wanted: string): Room | string {
  const room = byId(state.rooms, wanted);
  if (typeof room === 'string') return `room: ${room}`;
  if (work.room === room.id || hasSpace(state, room)) return room;
  return `room: ${room.id} is full, see list_rooms`;
}

function place(state: MuseumState, id: string, set: Partial<Work>): MuseumState {
  return { ...state, objects: changed(state.objects, id, set) };
}

const searchCollection = defineTool({
  name: 'search_collection',
  description: 'Searches the collection by medium, artist, years of making and loan, in pages.',
  input: z.strictObject({
    medium: z.enum(MEDIA).optional(),
    artist: z.string().optional().describe('full name'),
    made: z
      .strictObject({ from: z.int(), to: z.int() })
      .partial()
      .optional()
      .describe('years, both included'),
    on_loan: z.boolean().optional(),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(
    z.strictObject({ object_id: z.string(), title: z.string(), artist: z.string() }),
  ),
  kind: 'reads',
  run(state: MuseumState, { medium, artist, made = {}, on_loan, page }) {
    const { from = -Infinity, to = Infinity } = made;
    const found = state.objects.filter(
      (work) =>
        (medium === undefined || work.medium === medium) &&
        (artist === undefined || work.artist.toLowerCase() === artist.trim().toLowerCase()) &&
        work.year >= from &&
        work.year <= to &&
        (on_loan === undefined || (work.loan !== null) === on_loan),
    );
    return pageOf(
      found.map((work) => ({ object_id: work.id, title: work.title, artist: work.artist })),
      page,
    );
  },
});

const getObject = defineTool({
  name: 'get_object_details',
  description: 'Gets an object by its title: id, artist, year, and its room or its loan.',
  input: z.strictObject({ title: z.string().describe('exact title') }),
  output: z.strictObject({
    object_id: z.string(),
    title: z.string(),
    artist: z.string(),
    year: z.int(),
    medium: z.enum(MEDIA),
    room: z.string().nullable(),
    loan: loanSchema.nullable(),
  }),
  kind: 'reads',
  run(state: MuseumState, { title }) {
    const work = byName(state.objects, title, (item) => item.title);
    if (typeof work === 'string') return { error: work };
    const { id, ...rest } = work;
    return { value: { object_id: id, ...rest } };
  },
});

const getArtist = defineTool({
  name: 'get_artist_details',
  description: 'Gets when and in what city an artist was born, and the number of works held.',
  input: z.strictObject({ name: z.string() }),
  output: z.strictObject({
    name: z.string(),
    born: z.int(),
    city: z.string(),
    works: z.int(),
  }),
  kind: 'reads',
  run(state: MuseumState, { name }) {
    const artist = byName(state.artists, name, (item) => item.name);
    if (typeof artist === 'string') return { error: artist };
    const works = state.objects.filter((work) => work.artist === artist.name).length;
    return { value: { ...artist, works } };
  },
});

const listRooms = defineTool({
  name: 'list_rooms',
  description: 'Lists the rooms, of one floor or of all, with the free places of each.',
  input: z.strictObject({ floor: z.int().min(1).max(FLOORS).optional() }),
  output: z.strictObject({
    rooms: z.array(
      z.strictObject({ room: z.string(), floor: z.int(), capacity: z.int(), free: z.int() }),
    ),
  }),
  kind: 'reads',
  run(state: MuseumState, { floor }) {
    const rooms = state.rooms
      .filter((room) => floor === undefined || room.floor === floor)
      .map(({ id, capacity, ...rest }) => {
        const held = state.objects.filter(({ room }) => room === id).length;
        return { room: id, ...rest, capacity, free: capacity - held };
      });
    return { value: { rooms } };
  },
});

const listExhibitions = defineTool({
  name: 'list_exhibitions',
  description:
    'Lists exhibitions with their first and last day: all, or those open, coming or past.',
  input: z.strictObject({ status: z.enum(['all', 'open', 'coming', 'past']).default('all') }),
  output: z.strictObject({
    exhibitions: z.array(
      z.strictObject({
        exhibition_id: z.string(),
        title: z.string(),
        from: z.string(),
        to: z.string(),
        objects: z.int(),
      }),
    ),
  }),
  kind: 'reads',
  run(state: MuseumState, { status }, clock) {
    const today = clock.slice(0, 10);
    const exhibitions = state.exhibitions
      .filter(({ from, to }) => {
        const now = to < today ? 'past' : from > today ? 'coming' : 'open';
        return status === 'all' || status === now;
      })
      .map(({ id, objects, ...rest }) => ({ exhibition_id: id, ...rest, objects: objects.length }));
    return { value: { exhibitions } };
  },
});

const addToExhibition = defineTool({
  name: 'add_to_exhibition',
  description: 'Adds an object to an exhibition. Fails when it is over or the object is away then.',
  input: z.strictObject({
    exhibition_id: z.string().describe('exhibition id, such as EX-21'),
    object_id: objectId,
  }),
  output: z.strictObject({ exhibition_id: z.string(), objects: z.int() }),
  kind: 'sets',
  run(state: MuseumState, args, clock) {
    const show = byId(state.exhibitions, args.exhibition_id);
    if (typeof show === 'string') return { error: `exhibition_id: ${show}` };
    const work = byId(state.objects, args.object_id);
    if (typeof work === 'string') return { error: `object_id: ${work}` };
    if (show.to < clock.slice(0, 10)) return { error: `${show.id} ended on ${show.to}` };
    if (work.loan !== null && work.loan.until >= show.from) {
      return {
        error: `${work.id} is on loan until ${work.loan.until}, ${show.id} opens on ${show.from}`,
      };
    }
    const objects = show.objects.includes(work.id) ? show.objects : [...show.objects, work.id];
    return {
      value: { exhibition_id: show.id, objects: objects.length },
      state: { ...state, exhibitions: changed(state.exhibitions, show.id, { objects }) },
    };
  },
});

const moveObject = defineTool({
  name: 'move_object',
  description:
    'Moves an object to another room. Fails when the room is full or the object is away.',
  input: z.strictObject({ object_id: objectId, room: roomId }),
  output: z.strictObject({ object_id: z.string(), room: z.string() }),
  kind: 'sets',
  run(state: MuseumState, args) {
    const work = byId(state.objects, args.object_id);
    if (typeof work === 'string') return { error: `object_id: ${work}` };
    if (work.loan !== null) return { error: `${work.id} is on loan until ${work.loan.until}` };
    const room = roomFor(state, work, args.room);
    if (typeof room === 'string') return { error: room };
    return {
      value: { object_id: work.id, room: room.id },
      state: place(state, work.id, { room: room.id }),
    };
  },
});

const lendObject = defineTool({
  name: 'lend_object',
  description: 'Lends an object to the museum of a city. Fails when it is away or to be exhibited.',
  input: z.strictObject({
    object_id: objectId,
    city: z.string().trim().min(1),
    until: z.string().describe('last day of the loan, like 2026-03-14'),
  }),
  output: z.strictObject({ object_id: z.string(), loan: loanSchema }),
  kind: 'adds',
  run(state: MuseumState, { object_id, city, until }, clock) {
    const work = byId(state.objects, object_id);
    if (typeof work === 'string') return { error: `object_id: ${work}` };
    const today = clock.slice(0, 10);
    if (!isDate(until) || until <= today) {
      return { error: `until: got '${until}', need a date like 2026-03-14 after ${today}` };
    }
    if (work.loan !== null) return { error: `${work.id} is on loan until ${work.loan.until}` };
    const clash = state.exhibitions.find(
      ({ objects, from, to }) => objects.includes(work.id) && to >= today && from <= until,
    );
    if (clash !== undefined) {
      return { error: `${work.id} is in ${clash.id} from ${clash.from} to ${clash.to}` };
    }
    const loan = { city, until };
    return {
      value: { object_id: work.id, loan },
      state: place(state, work.id, { loan, room: null }),
    };
  },
});

const returnObject = defineTool({
  name: 'return_object',
  description: 'Ends the loan of an object, which goes into a room. Fails when the room is full.',
  input: z.strictObject({ object_id: objectId, room: roomId }),
  output: z.strictObject({ object_id: z.string(), room: z.string() }),
  kind: 'adds',
  run(state: MuseumState, args) {
    const work = byId(state.objects, args.object_id);
    if (typeof work === 'string') return { error: `object_id: ${work}` };
    if (work.loan === null) return { error: `${work.id} is not on loan` };
    const room = roomFor(state, work, args.room);
    if (typeof room === 'string') return { error: room };
    return {
      value: { object_id: work.id, room: room.id },
      state: place(state, work.id, { loan: null, room: room.id }),
    };
  },
});

const AWAY = 5;
const AT_HOME = 9;

function drawObjects(rng: Rng, pool: Pool, today: string, artists: Artist[], rooms: string[]) {
  const titles = distinct(AWAY + AT_HOME, () => pairName(rng, pool, 'artwork', WORK_WORDS));
  return drawIds(rng, 'OB', titles.length, 101, 987).map((id, i): Work => {
    const away = i >= AT_HOME;
    const { name, born } = rng.pick(artists);
    return {
      id,
      title: defined(titles[i], 'title'),
      artist: name,
      year: born + rng.int(18, 70),
      medium: rng.pick(MEDIA),
      // Each room has an object.
      room: away ? null : (rooms[i] ?? rng.pick(rooms)),
      loan: away ? { city: rng.pick(CITIES), until: shiftDate(today, rng.int(3, 90)) } : null,
    };
  });
}

function drawExhibitions(rng: Rng, pool: Pool, today: string, objects: Work[]): Exhibition[] {
  const titles = distinct(4, () => pairName(rng, pool, 'exhibition', EXHIBITION_WORDS));
  // One that is over, one that is open, and two to come.
  const starts = [rng.int(-300, -200), rng.int(-50, -5), rng.int(5, 40), rng.int(50, 90)];
  return drawIds(rng, 'EX', titles.length, 11, 98).map((id, i) => {
    const from = shiftDate(today, defined(starts[i], 'start'));
    return {
      id,
      title: defined(titles[i], 'title'),
      from,
      to: shiftDate(from, rng.int(60, 120)),
      // The rest can be lent.
      objects: rng.sample(objects.slice(0, 4), 2).map((work) => work.id),
    };
  });
}

/** The museum server. Its state is `{objects, artists, rooms, exhibitions}`; works name their artist and room. */
export const museum: ServerDef = {
  name: 'museum',
  description: 'A museum: its collection, artists, rooms, exhibitions and loans.',
  tools: [
    searchCollection,
    getObject,
    getArtist,
    listRooms,
    listExhibitions,
    addToExhibition,
    moveObject,
    lendObject,
    returnObject,
  ],
  initial(rng, pool, clock): MuseumState {
    const today = clock.slice(0, 10);
    const artists = distinct(5, () => personName(rng, pool)).map((name) => ({
      name,
      born: rng.int(1790, 1930),
      city: rng.pick(CITIES),
    }));
    const roomIds = drawIds(rng, 'R', 2 * FLOORS, 11, 98);
    const objects = drawObjects(rng, pool, today, artists, roomIds);
    const rooms = roomIds.map((id, i) => {
      const held = objects.filter(({ room }) => room === id).length;
      // One room of each floor is full.
      const capacity = held + (i % 2 === 0 ? 0 : rng.int(2, 4));
      return { id, floor: Math.floor(i / 2) + 1, capacity };
    });
    const exhibitions = drawExhibitions(rng, pool, today, objects);
    return { objects, artists, rooms: rng.shuffle(rooms), exhibitions };
  },
};
