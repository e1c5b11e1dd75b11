// The built-in cinema guide: a catalogue with ratings, a watchlist, showings and their seats. Knows nothing of tasks or
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
import {
  dayTime,
  distinct,
  isDate,
  pairName,
  personName,
  rounded,
  shiftDate,
  words,
} from '../values.ts';

export const GENRES = ['comedy', 'drama', 'thriller', 'western', 'musical'] as const;
export const PRIORITIES = ['low', 'normal', 'high'] as const;
const CINEMAS = ['Rex', 'Odeon', 'Lux', 'Astoria', 'Tivoli', 'Metropol'];
const MOST_SEATS = 8;

/** `stars` is the sum of all `votes`, one's `own` among them; `own` is null while not given. */
export type Movie = {
  id: string;
  title: string;
  director: string;
  genre: (typeof GENRES)[number];
  year: number;
  minutes: number;
  stars: number;
  votes: number;
  own: number | null;
};
/** `movie` is its id; `free` counts the seats left. */
export type Showing = {
  id: string;
  movie: string;
  cinema: string;
  date: string;
  time: string;
  price: number;
  free: number;
};
type Booking = { id: string; showing: string; name: string; seats: number };
type Wanted = { id: string; priority: (typeof PRIORITIES)[number] };
export type MoviesState = {
  movies: Movie[];
  showings: Showing[];
  bookings: Booking[];
  watchlist: Wanted[];
};

const TITLE_WORDS = [
  words(`
    Midnight Paper Velvet Crimson Electric Broken Seven Lonely Savage Invisible Burning Plastic
    Perfect Stolen Second Falling Hollow Neon Fatal Gentle
  `),
  words(`
    Courier Highway Alibi Carousel Witness Orchid Stranger Hotel Verdict Harvest Detective Signal
    Tango Empire Suitcase Promise Cowboy Balloon Passenger Rooftop
  `),
] as const;

const movieId = z.string().describe('movie id, such as MV-214');
const stars = z.int().min(1).max(10);
const rating = z.number().describe('mean of all votes, from 1 to 10');
const brief = z.strictObject({ id: z.string(), title: z.string(), year: z.int(), rating });
const showingSchema = z.strictObject({
  showing_id: z.string(),
  cinema: z.string(),
  date: z.string(),
  time: z.string(),
  price: z.number(),
  free: z.int(),
});

function mean(movie: Movie): number {
  return rounded(movie.stars / movie.votes, 1);
}

const ORDERS = {
  title: (a: Movie, b: Movie) => (a.title < b.title ? -1 : 1),
  year: (a: Movie, b: Movie) => b.year - a.year,
  rating: (a: Movie, b: Movie) => mean(b) - mean(a),
};

const search = defineTool({
  name: 'search',
  description:
    'Searches the catalogue by genre, year of release and words of the title, in pages. Years and ratings are ordered from the top.',
  input: z.strictObject({
    title_contains: z.string().default(''),
    genre: z.enum(GENRES).optional(),
    released: z.strictObject({ min: z.int(), max: z.int() }).partial().optional(),
    order_by: z.enum(['title', 'year', 'rating']).default('title'),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(brief),
  kind: 'reads',
  run(state: MoviesState, { title_contains, genre, released = {}, order_by, page }) {
    const { min = -Infinity, max = Infinity } = released;
    const wanted = title_contains.trim().toLowerCase();
    const found = state.movies.filter(
      (movie) =>
        movie.title.toLowerCase().includes(wanted) &&
        (genre === undefined || movie.genre === genre) &&
        movie.year >= min &&
        movie.year <= max,
    );
    const rows = found.toSorted(ORDERS[order_by]).map((movie) => {
      const { id, title, year } = movie;
      return { id, title, year, rating: mean(movie) };
    });
    return pageOf(rows, page);
  },
});

const findMovie = defineTool({
  name: 'find_movie',
  description: 'Finds a movie by its exact title.',
  input: z.strictObject({ title: z.string() }),
  output: z.strictObject({ id: z.string(), year: z.int() }),
  kind: 'reads',
  run(state: MoviesState, { title }) {
    const movie = byName(state.movies, title, (entity) => entity.title);
    if (typeof movie === 'string') return { error: movie };
    return { value: { id: movie.id, year: movie.year } };
  },
});

const getMovie = defineTool({
  name: 'get_movie',
  description: 'Gets the credits of a movie: director, genre, year and length.',
  input: z.strictObject({ id: movieId }),
  output: z.strictObject({
    id: z.string(),
    title: z.string(),
    director: z.string(),
    genre: z.enum(GENRES),
    year: z.int(),
    minutes: z.int(),
  }),
  kind: 'reads',
  run(state: MoviesState, args) {
    const movie = byId(state.movies, args.id);
    if (typeof movie === 'string') return { error: movie };
    const { id, title, director, genre, year, minutes } = movie;
    return { value: { id, title, director, genre, year, minutes } };
  },
});

const getRatings = defineTool({
  name: 'get_ratings',
  description: "Gets the mean rating of a movie, its number of votes, and the user's own stars.",
  input: z.strictObject({ id: movieId }),
  output: z.strictObject({ rating, votes: z.int(), own: z.int().nullable() }),
  kind: 'reads',
  run(state: MoviesState, { id }) {
    const movie = byId(state.movies, id);
    if (typeof movie === 'string') return { error: movie };
    return { value: { rating: mean(movie), votes: movie.votes, own: movie.own } };
  },
});

const rateMovie = defineTool({
  name: 'rate_movie',
  description: 'Gives a movie 1 to 10 stars, in place of those given before.',
  input: z.strictObject({ id: movieId, stars }),
  output: z.strictObject({ rating, votes: z.int() }),
  kind: 'sets',
  run(state: MoviesState, args) {
    const movie = byId(state.movies, args.id);
    if (typeof movie === 'string') return { error: movie };
    const rated = {
      ...movie,
      stars: movie.stars - (movie.own ?? 0) + args.stars,
      votes: movie.votes + (movie.own === null ? 1 : 0),
      own: args.stars,
    };
    return {
      value: { rating: mean(rated), votes: rated.votes },
      state: { ...state, movies: changed(state.movies, movie.id, rated) },
    };
  },
});

const addToWatchlist = defineTool({
  name: 'add_to_watchlist',
  description: 'Puts a movie on the watchlist; one that is there gets the new priority.',
  input: z.strictObject({ id: movieId, priority: z.enum(PRIORITIES).default('normal') }),
  output: z.strictObject({ id: z.string(), count: z.int() }),
  kind: 'sets',
  run(state: MoviesState, { id, priority }) {
    const movie = byId(state.movies, id);
    if (typeof movie === 'string') return { error: movie };
    const there = state.watchlist.some((wanted) => wanted.id === movie.id);
    const watchlist = there
      ? changed(state.watchlist, movie.id, { priority })
      : [...state.watchlist, { id: movie.id, priority }];
    return { value: { id: movie.id, count: watchlist.length }, state: { ...state, watchlist } };
  },
});

const getWatchlist = defineTool({
  name: 'get_watchlist',
  description: 'Gets the movies on the watchlist and how many minutes they last together.',
  input: z.strictObject({ priority: z.enum(PRIORITIES).optional() }),
  output: z.strictObject({
    movies: z.array(
      z.strictObject({
        id: z.string(),
        title: z.string(),
        minutes: z.int(),
        priority: z.enum(PRIORITIES),
      }),
    ),
    minutes: z.int(),
  }),
  kind: 'reads',
  run(state: MoviesState, args) {
    const movies = state.watchlist.flatMap(({ id, priority }) => {
      const movie = byId(state.movies, id);
      if (typeof movie === 'string') return [];
      if (args.priority !== undefined && args.priority !== priority) return [];
      return [{ id, title: movie.title, minutes: movie.minutes, priority }];
    });
    const total = movies.reduce((sum, { minutes }) => sum + minutes, 0);
    return { value: { movies, minutes: total } };
  },
});

const listShowings = defineTool({
  name: 'list_showings',
  description: 'Lists when and where a movie is shown, the next showing first, with free seats.',
  input: z.strictObject({
    movie_id: movieId,
    date: z.string().optional().describe('only on this day, like 2026-03-14'),
  }),
  output: z.strictObject({ showings: z.array(showingSchema) }),
  kind: 'reads',
  run(state: MoviesState, { movie_id, date }) {
    const movie = byId(state.movies, movie_id);
    if (typeof movie === 'string') return { error: `movie_id: ${movie}` };
    if (date !== undefined && !isDate(date)) {
      return { error: `date: got '${date}', need a date like 2026-03-14` };
    }
    const showings = state.showings
      .filter((showing) => showing.movie === movie.id && (date ?? showing.date) === showing.date)
      .toSorted((a, b) => (`${a.date} ${a.time}` < `${b.date} ${b.time}` ? -1 : 1))
      .map(({ id, movie: _, ...rest }) => ({ showing_id: id, ...rest }));
    return { value: { showings } };
  },
});

const bookSeats = defineTool({
  name: 'book_seats',
  description: 'Books seats of a showing under a name and gives the price of all of them together.',
  input: z.strictObject({
    showing_id: z.string().describe('showing id, such as SH-214'),
    seats: z.int().min(1).max(MOST_SEATS),
    name: z.string().trim().min(1).max(60).describe('name of a person'),
  }),
  output: z.strictObject({ booking_id: z.string(), total: z.number() }),
  kind: 'adds',
  run(state: MoviesState, { showing_id, seats, name }) {
    const showing = byId(state.showings, showing_id);
    if (typeof showing === 'string') return { error: `showing_id: ${showing}` };
    if (showing.free < seats) {
      return { error: `seats: got ${seats}, ${showing.id} has ${showing.free} free` };
    }
    const booking = { id: nextId('BK', state.bookings), showing: showing.id, name, seats };
    return {
      value: { booking_id: booking.id, total: rounded(showing.price * seats, 2) },
      state: {
        ...state,
        showings: changed(state.showings, showing.id, { free: showing.free - seats }),
        bookings: [...state.bookings, booking],
      },
    };
  },
});

function drawShowings(rng: Rng, today: string, movies: Movie[]): Showing[] {
  // Two of each movie: a date tells which one is meant.
  const shown = movies.slice(0, 9).flatMap(({ id }) => [id, id]);
  return drawIds(rng, 'SH', shown.length, 101, 987).map((id, i) => ({
    id,
    movie: defined(shown[i], 'movie'),
    cinema: rng.pick(CINEMAS),
    date: shiftDate(today, i % 2 === 0 ? rng.int(1, 9) : rng.int(10, 20)),
    time: dayTime(rng),
    price: rng.int(14, 37) / 2,
    free: rng.int(9, 80),
  }));
}

/** The movies server. Its state is `{movies, showings, bookings, watchlist: [{id, priority}]}`. */
export const movies: ServerDef = {
  name: 'movies',
  description: 'A cinema guide: a movie catalogue, ratings, a watchlist, showings and their seats.',
  tools: [
    search,
    findMovie,
    getMovie,
    getRatings,
    rateMovie,
    addToWatchlist,
    getWatchlist,
    listShowings,
    bookSeats,
  ],
  initial(rng, pool, clock): MoviesState {
    const titles = distinct(14, () => pairName(rng, pool, 'movie', TITLE_WORDS));
    const people = distinct(7, () => personName(rng, pool));
    const found = drawIds(rng, 'MV', titles.length, 101, 987).map((id, i): Movie => {
      const votes = rng.int(20, 900);
      return {
        id,
        title: defined(titles[i], 'title'),
        director: rng.pick(people),
        genre: GENRES[i] ?? rng.pick(GENRES),
        year: rng.int(1958, 2025),
        minutes: rng.int(78, 164),
        stars: Math.round((votes * rng.int(35, 92)) / 10),
        votes,
        own: null,
      };
    });
    const watchlist = rng
      .sample(found, rng.int(4, 6))
      .map(({ id }): Wanted => ({ id, priority: rng.pick(PRIORITIES) }));
    return {
      movies: found,
      showings: drawShowings(rng, clock.slice(0, 10), found),
      bookings: [],
      watchlist,
    };
  },
};
