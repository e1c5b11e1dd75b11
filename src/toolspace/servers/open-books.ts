// The built-in open catalogue of books: works, their editions, authors, subjects and ratings. Knows nothing of tasks or
// transports.
import { z } from 'zod';
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
import { distinct, pairName, personName, rounded, words } from '../values.ts';

export const SUBJECTS = [
  'astronomy',
  'beekeeping',
  'folklore',
  'gardening',
  'navigation',
  'railways',
] as const;
const LANGUAGES = ['english', 'french', 'german', 'italian', 'spanish'] as const;

type Author = { id: string; name: string; born: number };
type Rating = { reader: string; stars: number };
type Work = {
  id: string;
  title: string;
  author: string;
  year: number;
  subjects: (typeof SUBJECTS)[number][];
  ratings: Rating[];
};
type Edition = {
  id: string;
  work: string;
  language: (typeof LANGUAGES)[number];
  publisher: string;
  year: number;
  pages: number;
};
export type OpenBooksState = { authors: Author[]; works: Work[]; editions: Edition[] };

const TITLE_FIRSTS = words(`
  ancient borrowed clever drifting eternal faithful gentle humble invisible jealous kindly lonely
  mighty narrow obscure patient quarrelsome reluctant solemn tender
`);
const TITLE_SECONDS = words(`
  apprentice beekeeper cartographer druid envoy ferryman gardener heiress innkeeper juggler
  lamplighter miller navigator organist pilgrim quartermaster ropemaker stargazer tinker weaver
`);
const PUBLISHERS = words(`
  Altamont Brightwell Castellan Dunmore Eastgate Fairholm Greyfriars Hartwick Ironbridge Kestrel
`);

const workId = z.string().describe('work id, such as OL214W');
const authorId = z.string().describe('author id, such as OL31A');
const subject = z.enum(SUBJECTS);
const language = z.enum(LANGUAGES);

const resolveTitle = defineTool({
  name: 'resolve_title',
  description: 'Resolves the exact title of a work to its id.',
  input: z.strictObject({ title: z.string() }),
  output: z.strictObject({ work: z.string() }),
  kind: 'reads',
  run(state: OpenBooksState, { title }) {
    const work = byName(state.works, title, (entry) => entry.title);
    if (typeof work === 'string') return { error: work };
    return { value: { work: work.id } };
  },
});

const workSummary = defineTool({
  name: 'work_summary',
  description: 'Summarises a work: title, id of its author, year it first appeared, and subjects.',
  input: z.strictObject({ work: workId }),
  output: z.strictObject({
    title: z.string(),
    author: z.string(),
    first_published: z.int(),
    subjects: z.array(subject),
  }),
  kind: 'reads',
  run(state: OpenBooksState, args) {
    const work = byId(state.works, args.work);
    if (typeof work === 'string') return { error: work };
    const { title, author, year, subjects } = work;
    return { value: { title, author, first_published: year, subjects } };
  },
});

const authorProfile = defineTool({
  name: 'author_profile',
  description: 'Tells name and year of birth of an author, and the works in the catalogue.',
  input: z.strictObject({ author: authorId }),
  output: z.strictObject({ name: z.string(), born: z.int(), works: z.array(z.string()) }),
  kind: 'reads',
  run(state: OpenBooksState, args) {
    const author = byId(state.authors, args.author);
    if (typeof author === 'string') return { error: author };
    const works = state.works.filter((work) => work.author === author.id).map(({ id }) => id);
    return { value: { name: author.name, born: author.born, works } };
  },
});

const workEditions = defineTool({
  name: 'work_editions',
  description: 'Lists the editions of a work, the newest first, in all languages or in one.',
  input: z.strictObject({ work: workId, language: language.optional() }),
  output: z.strictObject({
    editions: z.array(
      z.strictObject({
        id: z.string(),
        language,
        publisher: z.string(),
        year: z.int(),
        pages: z.int(),
      }),
    ),
    count: z.int(),
  }),
  kind: 'reads',
  run(state: OpenBooksState, args) {
    const work = byId(state.works, args.work);
    if (typeof work === 'string') return { error: work };
    const editions = state.editions
      .filter((edition) => edition.work === work.id)
      .filter((edition) => args.language === undefined || edition.language === args.language)
      .map(({ work: _, ...shown }) => shown)
      .sort((a, b) => b.year - a.year);
    return { value: { editions, count: editions.length } };
  },
});

const worksOnSubject = defineTool({
  name: 'works_on_subject',
  description: 'Lists works on a subject in pages, sorted by title, or by year either way.',
  input: z.strictObject({
    subject,
    sort: z.enum(['title', 'oldest', 'newest']).default('title'),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(
    z.strictObject({ work: z.string(), title: z.string(), first_published: z.int() }),
  ),
  kind: 'reads',
  run(state: OpenBooksState, args) {
    const rows = state.works
      .filter(({ subjects }) => subjects.includes(args.subject))
      .map(({ id, title, year }) => ({ work: id, title, first_published: year }))
      .sort((a, b) => (a.title < b.title ? -1 : 1));
    if (args.sort === 'oldest') rows.sort((a, b) => a.first_published - b.first_published);
    if (args.sort === 'newest') rows.sort((a, b) => b.first_published - a.first_published);
    return pageOf(rows, args.page);
  },
});

function averageOf(ratings: readonly Rating[]): number {
  return rounded(ratings.reduce((sum, { stars }) => sum + stars, 0) / ratings.length, 2);
}

const ratingSummary = defineTool({
  name: 'rating_summary',
  description: 'Tells how many readers rated a work, and their average of one to five stars.',
  input: z.strictObject({ work: workId }),
  output: z.strictObject({ average: z.number().nullable(), count: z.int() }),
  kind: 'reads',
  run(state: OpenBooksState, args) {
    const work = byId(state.works, args.work);
    if (typeof work === 'string') return { error: work };
    const { ratings } = work;
    const average = ratings.length === 0 ? null : averageOf(ratings);
    return { value: { average, count: ratings.length } };
  },
});

const rateWork = defineTool({
  name: 'rate_work',
  description: 'Records how many stars a reader gives a work; an earlier rating is replaced.',
  input: z.strictObject({
    work: workId,
    rating: z.strictObject({
      reader: z.string().min(1).max(60),
      stars: z.int().min(1).max(5),
    }),
  }),
  output: z.strictObject({ average: z.number(), count: z.int() }),
  kind: 'sets',
  run(state: OpenBooksState, { work: id, rating }) {
    const work = byId(state.works, id);
    if (typeof work === 'string') return { error: work };
    const known = work.ratings.some(({ reader }) => reader === rating.reader);
    const ratings = known
      ? work.ratings.map((other) => (other.reader === rating.reader ? rating : other))
      : [...work.ratings, rating];
    return {
      value: { average: averageOf(ratings), count: ratings.length },
      state: { ...state, works: changed(state.works, work.id, { ratings }) },
    };
  },
});

/** Ids in the catalogue's own form: a letter behind the number says what it names. */
function openIds(rng: Rng, letter: string, count: number): string[] {
  return drawIds(rng, 'OL', count, 112, 9876).map((id) => `${id.replace('-', '')}${letter}`);
}

function drawEditions(rng: Rng, works: readonly Work[]): Edition[] {
  const drawn = works.flatMap((work) =>
    rng.sample(LANGUAGES, rng.int(1, 3)).map((spoken) => ({ work, spoken })),
  );
  const ids = openIds(rng, 'M', drawn.length);
  return drawn.map(({ work, spoken }, i) => ({
    id: ids[i] ?? '',
    work: work.id,
    language: spoken,
    publisher: rng.pick(PUBLISHERS),
    year: Math.min(2025, work.year + rng.int(0, 30)),
    pages: rng.int(96, 712),
  }));
}

/** The open catalogue. Its state is `{authors: [{id, name, born}], works: [{id, title, author, year, subjects, ratings}], editions}`. */
export const openBooks: ServerDef = {
  name: 'open_books',
  description: 'An open catalogue of works, editions, authors and ratings by readers.',
  tools: [
    resolveTitle,
    workSummary,
    authorProfile,
    workEditions,
    worksOnSubject,
    ratingSummary,
    rateWork,
  ],
  initial(rng, pool): OpenBooksState {
    const names = distinct(6, () => personName(rng, pool));
    const authors = openIds(rng, 'A', names.length).map(
      (id, i): Author => ({ id, name: names[i] ?? '', born: rng.int(1885, 1949) }),
    );
    const readers = distinct(6, () => personName(rng, pool));
    const titles = distinct(13, () => pairName(rng, pool, 'work', [TITLE_FIRSTS, TITLE_SECONDS]));
    // Different years, so that oldest and newest are one work each.
    const years = rng.sample(
      Array.from({ length: 50 }, (_, i) => 1970 + i),
      titles.length,
    );
    const works = openIds(rng, 'W', titles.length).map(
      (id, i): Work => ({
        id,
        title: titles[i] ?? '',
        author: rng.pick(authors).id,
        year: years[i] ?? 1970,
        subjects: rng.sample(SUBJECTS, rng.int(1, 3)),
        ratings: rng
          .sample(readers, rng.int(2, 4))
          .map((reader) => ({ reader, stars: rng.int(1, 5) })),
      }),
    );
    return { authors, works, editions: drawEditions(rng, works) };
  },
};
