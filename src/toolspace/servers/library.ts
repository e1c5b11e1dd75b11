// The built-in public library: books on shelves, loans of members, and the queue of holds. Knows nothing of tasks or
// transports.
import { z } from 'zod';
import { defined } from '../../base/assert.ts';
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
import { distinct, isDate, pairName, personName, shiftDate, words } from '../values.ts';

export const GENRES = ['novel', 'history', 'science', 'poetry', 'travel'] as const;

/** `borrower` and `due` are null while the book stands on its shelf. */
export type Book = {
  id: string;
  title: string;
  author: string;
  genre: string;
  year: number;
  borrower: string | null;
  due: string | null;
  renewals: number;
  holds: string[];
};
export type LibraryState = { books: Book[] };

const MOST_RENEWALS = 2;
const LOAN_DAYS = 21;

const FIRST_WORDS = words(`
  silent golden broken hidden distant burning frozen wandering forgotten crimson endless hollow
  painted restless sleeping vanished secret northern bitter radiant
`);
const SECOND_WORDS = words(`
  river garden island mirror orchard lantern mountain harbor letter clock bridge forest winter
  voyage feather kingdom shadow window meadow compass
`);

const bookId = z.string().describe('book id, such as B-214');
const member = z.string().min(1).describe('name of a member');
const shown = z.strictObject({ id: z.string(), title: z.string(), author: z.string() });

const search = defineTool({
  name: 'search',
  description: 'Searches the catalogue by words of the title or the author, by genre, or by both.',
  input: z.strictObject({
    query: z.string().default('').describe('words of the title or the author'),
    filter: z
      .strictObject({ genre: z.enum(GENRES), available: z.boolean() })
      .partial()
      .optional()
      .describe('only books that fit'),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(shown),
  kind: 'reads',
  run(state: LibraryState, { query, filter = {}, page }) {
    const wanted = query.trim().toLowerCase();
    const found = state.books.filter(
      ({ title, author, genre, borrower }) =>
        `${title} ${author}`.toLowerCase().includes(wanted) &&
        (filter.genre === undefined || genre === filter.genre) &&
        (filter.available === undefined || (borrower === null) === filter.available),
    );
    return pageOf(
      found.map(({ id, title, author }) => ({ id, title, author })),
      page,
    );
  },
});

const findBook = defineTool({
  name: 'find_book',
  description: 'Finds a book by its exact title.',
  input: z.strictObject({ title: z.string() }),
  output: z.strictObject({ id: z.string(), author: z.string(), available: z.boolean() }),
  kind: 'reads',
  run(state: LibraryState, { title }) {
    const book = byName(state.books, title, (item) => item.title);
    if (typeof book === 'string') return { error: book };
    const { id, author, borrower } = book;
    return { value: { id, author, available: borrower === null } };
  },
});

const getBook = defineTool({
  name: 'get_book',
  description: 'Reads the catalogue card of a book.',
  input: z.strictObject({ id: bookId }),
  output: shown.extend({ genre: z.enum(GENRES), year: z.int() }),
  kind: 'reads',
  run(state: LibraryState, args) {
    const book = byId(state.books, args.id);
    if (typeof book === 'string') return { error: book };
    const { id, title, author, genre, year } = book;
    return { value: { id, title, author, genre: z.enum(GENRES).parse(genre), year } };
  },
});

const getLoan = defineTool({
  name: 'get_loan',
  description: 'Tells who has a book and when it is due.',
  input: z.strictObject({ id: bookId }),
  output: z.strictObject({ borrower: z.string(), due: z.string(), renewals: z.int() }),
  kind: 'reads',
  run(state: LibraryState, { id }) {
    const book = byId(state.books, id);
    if (typeof book === 'string') return { error: book };
    const { borrower, due, renewals } = book;
    if (borrower === null || due === null) return { error: `${book.id} is not on loan` };
    return { value: { borrower, due, renewals } };
  },
});

const listLoans = defineTool({
  name: 'list_loans',
  description: 'Lists the books that a member has now.',
  input: z.strictObject({ member }),
  output: z.strictObject({ ids: z.array(z.string()), count: z.int() }),
  kind: 'reads',
  run(state: LibraryState, args) {
    const wanted = args.member.trim().toLowerCase();
    const ids = state.books
      .filter(({ borrower }) => borrower?.toLowerCase() === wanted)
      .map(({ id }) => id);
    return { value: { ids, count: ids.length } };
  },
});

function update(state: LibraryState, id: string, set: Partial<Book>): LibraryState {
  return { books: changed(state.books, id, set) };
}

const dueSchema = z.strictObject({ id: z.string(), due: z.string() });

const lend = defineTool({
  name: 'lend',
  description: 'Lends a book that is on its shelf to a member, for 21 days or until another day.',
  input: z.strictObject({
    id: bookId,
    member,
    due: z.string().optional().describe('last day of the loan, like 2026-03-14'),
  }),
  output: dueSchema,
  kind: 'adds',
  run(state: LibraryState, args, clock) {
    const book = byId(state.books, args.id);
    if (typeof book === 'string') return { error: book };
    if (book.borrower !== null) return { error: `${book.id} is on loan until ${book.due}` };
    const due = args.due ?? shiftDate(clock.slice(0, 10), LOAN_DAYS);
    if (!isDate(due)) return { error: `due: got '${due}', need a date like 2026-03-14` };
    const set = { borrower: args.member, due, renewals: 0 };
    return { value: { id: book.id, due }, state: update(state, book.id, set) };
  },
});

const renew = defineTool({
  name: 'renew',
  description: 'Renews a loan by some days, twice at most.',
  input: z.strictObject({ id: bookId, days: z.int().min(1).max(60).default(LOAN_DAYS) }),
  output: dueSchema,
  kind: 'adds',
  run(state: LibraryState, { id, days }) {
    const book = byId(state.books, id);
    if (typeof book === 'string') return { error: book };
    if (book.due === null) return { error: `${book.id} is not on loan` };
    if (book.renewals >= MOST_RENEWALS) return { error: `${book.id} was renewed twice already` };
    const due = shiftDate(book.due, days);
    const set = { due, renewals: book.renewals + 1 };
    return { value: { id: book.id, due }, state: update(state, book.id, set) };
  },
});

const giveBack = defineTool({
  name: 'return_book',
  description: 'Takes a book back: it stands on its shelf again.',
  input: z.strictObject({ id: bookId }),
  output: z.strictObject({ id: z.string(), next: z.string().nullable() }),
  kind: 'adds',
  run(state: LibraryState, { id }) {
    const book = byId(state.books, id);
    if (typeof book === 'string') return { error: book };
    if (book.borrower === null) return { error: `${book.id} is not on loan` };
    const set = { borrower: null, due: null, renewals: 0 };
    return {
      value: { id: book.id, next: book.holds[0] ?? null },
      state: update(state, book.id, set),
    };
  },
});

const placeHold = defineTool({
  name: 'place_hold',
  description: 'Puts a member at the end of the queue for a book.',
  input: z.strictObject({ id: bookId, member }),
  output: z.strictObject({ id: z.string(), place: z.int() }),
  kind: 'sets',
  run(state: LibraryState, args) {
    const book = byId(state.books, args.id);
    if (typeof book === 'string') return { error: book };
    const holds = book.holds.includes(args.member) ? book.holds : [...book.holds, args.member];
    const place = holds.indexOf(args.member) + 1;
    return { value: { id: book.id, place }, state: update(state, book.id, { holds }) };
  },
});

/** The library server. Its state is `{books: [{id, title, author, genre, year, borrower, due, renewals, holds}]}`. */
export const library: ServerDef = {
  name: 'library',
  description: 'A public library: its catalogue, loans and holds.',
  tools: [search, findBook, getBook, getLoan, listLoans, lend, renew, giveBack, placeHold],
  initial(rng, pool, clock): LibraryState {
    const count = rng.int(10, 12);
    const titles = distinct(count, () => pairName(rng, pool, 'book', [FIRST_WORDS, SECOND_WORDS]));
    const people = distinct(8, () => personName(rng, pool));
    const today = clock.slice(0, 10);
    const books = drawIds(rng, 'B', count, 101, 987).map((id, i): Book => {
      // Half of the books are out, so that either kind is always there.
      const out = i % 2 === 0;
      return {
        id,
        title: defined(titles[i], 'title'),
        author: rng.pick(people.slice(0, 5)),
        genre: rng.pick(GENRES),
        year: rng.int(1951, 2024),
        borrower: out ? rng.pick(people.slice(4)) : null,
        due: out ? shiftDate(today, rng.int(-5, 30)) : null,
        renewals: out ? rng.int(0, 1) : 0,
        holds: [],
      };
    });
    return { books };
  },
};
