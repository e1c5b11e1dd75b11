// Requests to the cinema guide. Knows nothing of how parts are combined.
import { defined } from '../../base/assert.ts';
import { type Draft, type Family, Rejected, stateIs } from '../draft.ts';
import { asking, changing, field } from '../parts.ts';
import { GENRES, type Movie, type MoviesState, PRIORITIES } from '../servers/movies.ts';

const guide = (draft: Draft) => draft.state<MoviesState>('movies');
const take = (draft: Draft, fits: (movie: Movie) => boolean = () => true) =>
  draft.take(guide(draft).movies.filter(fits));

/** Finds the movie by its title as it stands in the request. */
function find(draft: Draft, { id, title }: Movie) {
  const spelled = draft.spelled(title);
  draft.find('movies:find_movie', 'title', spelled, title);
  return { id, shown: `'${spelled}'` };
}

/** The showings of a movie, the next one first. */
function showingsOf(draft: Draft, movie: string) {
  return guide(draft)
    .showings.filter((showing) => showing.movie === movie)
    .toSorted((a, b) => (`${a.date} ${a.time}` < `${b.date} ${b.time}` ? -1 : 1));
}

/** The one movie of a genre with the best rating, when it is shown. */
function bestOf(draft: Draft, genre: Movie['genre']): Movie[] {
  const mean = ({ stars, votes }: Movie) => stars / votes;
  const [top, second] = guide(draft)
    .movies.filter((movie) => movie.genre === genre)
    .toSorted((a, b) => mean(b) - mean(a));
  if (top === undefined || showingsOf(draft, top.id).length === 0) return [];
  // Ratings are told to one decimal.
  return second !== undefined && mean(top) - mean(second) < 0.1 ? [] : [top];
}

const LOOKUPS: readonly Family[] = [
  {
    name: 'movies_director',
    tools: ['movies:find_movie', 'movies:get_movie'],
    byName: true,
    gives: 'person',
    phrasings: {
      train: [
        'Who directed [|the movie ]{title}, and how many minutes [is it|does it last]?',
        '[Tell me|Look up] the director of [|the movie ]{title} and its length in minutes.',
      ],
      heldOut: [
        'By which director is {title}, and how many minutes does it run?',
        'I need to know who made the movie {title} as its director, and its minutes.',
      ],
    },
    draw(draft) {
      const { id, shown } = find(draft, take(draft));
      const movie = draft.call('movies:get_movie', { id });
      const director = String(field(movie, 'director'));
      const asked = [director, field(movie, 'minutes')];
      return {
        ...asking({ title: shown }, asked, `director and length of ${id}`),
        gives: director,
      };
    },
  },
  {
    name: 'movies_rating',
    tools: ['movies:find_movie', 'movies:get_ratings'],
    byName: true,
    gives: 'number',
    phrasings: {
      train: [
        'What is the rating of [|the movie ]{title}, and how many votes [has it|is that from|are there]?',
        '[Tell me|Find out] how [|the movie ]{title} is rated and by how many votes.',
      ],
      heldOut: [
        'State the mean rating and the number of votes of {title}.',
        'How good do people find the movie {title}: what rating, from how many votes?',
      ],
    },
    draw(draft) {
      const { id, shown } = find(draft, take(draft));
      const ratings = draft.call('movies:get_ratings', { id });
      const rating = Number(field(ratings, 'rating'));
      const asked = [rating, field(ratings, 'votes')];
      return { ...asking({ title: shown }, asked, `rating and votes of ${id}`), gives: rating };
    },
  },
  {
    name: 'movies_best_showing',
    tools: ['movies:search', 'movies:list_showings'],
    byName: false,
    gives: 'time',
    phrasings: {
      train: [
        'On what date and at what time is the best rated movie of the genre {genre} shown next?',
        '[Find|Look up] the {genre} with the best rating: on what date and at what time is its next showing?',
        'On what date and at what time is the next showing of the best rated {genre}?',
        'Which date and time has the next showing of the {genre} with the [best|highest] rating?',
        'Take the {genre} with the highest rating and [tell|give] me the date and the time of its next showing.',
      ],
      heldOut: [
        'I want to see the {genre} that people rate best: give me the date and the time of its next showing.',
        'The top rated {genre} is shown next on what date, and at what time?',
      ],
    },
    draw(draft) {
      const best = GENRES.flatMap((genre) => bestOf(draft, genre));
      if (best.length === 0) throw new Rejected('no best movie is shown');
      const { id, genre } = draft.rng.pick(best);
      draft.call('movies:search', { genre, order_by: 'rating' });
      draft.call('movies:list_showings', { movie_id: id });
      const { date, time } = defined(showingsOf(draft, id)[0], 'next showing');
      const what = `when the best rated ${genre} is shown next`;
      return { ...asking({ genre }, [date, time], what), gives: time };
    },
  },
  {
    name: 'movies_cheapest',
    tools: ['movies:find_movie', 'movies:list_showings'],
    byName: true,
    gives: 'amount',
    phrasings: {
      train: [
        'What does the cheapest [showing of|ticket for] {title} cost?',
        'How much is the cheapest ticket for [|the movie ]{title}?',
        '[Find|Look up|Tell me] the lowest price of all showings of {title}.',
      ],
      heldOut: [
        'For what price can I see {title} where it is cheapest?',
        'I want to spend as little as possible on a ticket for {title}; what is the price?',
      ],
    },
    draw(draft) {
      const movie = take(draft, ({ id }) => showingsOf(draft, id).length > 1);
      const { id, shown } = find(draft, movie);
      draft.call('movies:list_showings', { movie_id: id });
      const price = Math.min(...showingsOf(draft, id).map((showing) => showing.price));
      const what = `the lowest price of a showing of ${id}`;
      return { ...asking({ title: shown }, [price], what), gives: price };
    },
  },
  {
    name: 'movies_watch_minutes',
    tools: ['movies:get_watchlist'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many minutes do the movies of {priority} priority on my watchlist last [together|in all]?',
        '[Add up|Tell me|Work out] the minutes of all movies with {priority} priority on my watchlist.',
        'How many minutes of {priority} priority movies are on my watchlist?',
      ],
      heldOut: [
        'If I watch all of my watchlist that has {priority} priority, how many minutes is that?',
        'State the total minutes of what is on my watchlist with {priority} priority.',
      ],
    },
    draw(draft) {
      const { watchlist } = guide(draft);
      const priority = draft.rng.pick(watchlist).priority;
      const minutes = Number(field(draft.call('movies:get_watchlist', { priority }), 'minutes'));
      const what = `the minutes of the watchlist with ${priority} priority`;
      return { ...asking({ priority }, [minutes], what), gives: minutes };
    },
  },
  {
    name: 'movies_count',
    tools: ['movies:search'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many movies of the genre {genre} [were released|came out] from {from} to {to}?',
        'Count the movies of the genre {genre} from the years {from} to {to}.',
        'How many {genre} movies [does the catalogue have|does the cinema guide have|are there] from the years {from} to {to}?',
      ],
      heldOut: [
        'The catalogue has how many {genre} movies of the years {from} to {to}?',
        'State how many {genre} movies are no older than {from} and no newer than {to}.',
      ],
    },
    draw(draft) {
      const genre = draft.rng.pick(GENRES);
      const min = draft.rng.int(1958, 1985);
      const max = min + draft.rng.int(20, 39);
      const found = draft.call('movies:search', { genre, released: { min, max } });
      const total = Number(field(found, 'total'));
      const slots = { genre, from: String(min), to: String(max) };
      const what = `how many ${genre} movies are from ${min} to ${max}`;
      return { ...asking(slots, [total], what), gives: total };
    },
  },
];

const CHANGES: readonly Family[] = [
  {
    name: 'movies_rate',
    tools: ['movies:find_movie', 'movies:rate_movie'],
    byName: true,
    phrasings: {
      train: [
        '[Give|Rate] [|the movie ]{title} {stars} stars.',
        'My rating of [|the movie ]{title} is {stars} stars[|; enter it].',
        '[Enter|Record] {stars} stars from me for {title}.',
      ],
      heldOut: [
        'I thought {title} was worth {stars} stars; rate it like that.',
        'Let my vote for the movie {title} be {stars} stars.',
      ],
    },
    draw(draft) {
      const movie = take(draft, ({ own }) => own === null);
      const stars = draft.rng.int(2, 10);
      const { id, shown } = find(draft, movie);
      draft.call('movies:rate_movie', { id, stars });
      return changing(
        { title: shown, stars: String(stars) },
        `'${movie.title}' has ${stars} stars from the user`,
        [stateIs('movies', ['movies', { id }, 'own'], stars)],
      );
    },
  },
  {
    name: 'movies_watch',
    tools: ['movies:find_movie', 'movies:add_to_watchlist'],
    byName: true,
    phrasings: {
      train: [
        'Put [|the movie ]{title} on my watchlist with {priority} priority.',
        'Add [|the movie ]{title} to my watchlist, {priority} priority.',
        '[Put {title} on|Add {title} to] my watchlist, and let its priority be {priority}.',
      ],
      heldOut: [
        'I want to watch {title} some day: note it on the watchlist as {priority} priority.',
        'My watchlist should have {title} with the priority {priority}.',
      ],
    },
    draw(draft) {
      const { watchlist } = guide(draft);
      const movie = take(draft, (one) => watchlist.every((wanted) => wanted.id !== one.id));
      const priority = draft.rng.pick(PRIORITIES);
      const { id, shown } = find(draft, movie);
      draft.call('movies:add_to_watchlist', { id, priority });
      return changing(
        { title: shown, priority },
        `'${movie.title}' is on the watchlist with ${priority} priority`,
        [stateIs('movies', ['watchlist', { id }, 'priority'], priority)],
      );
    },
  },
  {
    name: 'movies_book',
    tools: ['movies:find_movie', 'movies:list_showings', 'movies:book_seats'],
    byName: true,
    takes: 'person',
    gives: 'amount',
    phrasings: {
      train: [
        'Book {seats} seats for {title} on {date} under the name of {who} and [tell|give] me the total price.',
        '[Get|Reserve] {seats} seats for [|the movie ]{title} on {date} in the name of {who}; what [do they cost|is the price] in all?',
        'What do {seats} seats for {title} on {date} cost in all? Book them for {who}.',
      ],
      heldOut: [
        'On {date}, {seats} seats for {title} are to be booked for {who}; name the sum to pay.',
        'See to {seats} seats for {title} on {date}, booked for {who}, and say what they come to.',
      ],
    },
    draw(draft) {
      const movie = take(draft, ({ id }) => showingsOf(draft, id).length > 0);
      const { id: showing, date } = draft.rng.pick(showingsOf(draft, movie.id));
      const seats = draft.rng.int(2, 8);
      const { value: name, shown: who } = draft.given('person', () => draft.person());
      const { id, shown } = find(draft, movie);
      draft.call('movies:list_showings', { movie_id: id, date });
      const booked = draft.call('movies:book_seats', { showing_id: showing, seats, name });
      const total = Number(field(booked, 'total'));
      const slots = { seats: String(seats), title: shown, date, who };
      const what = `the price of ${seats} seats for '${movie.title}' on ${date}`;
      const part = asking(slots, [total], what);
      const state = stateIs('movies', ['bookings', { showing, name }, 'seats'], seats);
      const check = { kind: 'all' as const, checks: [part.requirement.check, state] };
      return { ...part, requirement: { ...part.requirement, check }, gives: total };
    },
  },
];

export const MOVIES_REQUESTS: readonly Family[] = [...LOOKUPS, ...CHANGES];
