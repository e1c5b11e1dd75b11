// The built-in index of research papers: search, authors, citations, and reading lists. Knows nothing of tasks or
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
import { distinct, pairName, personName, words } from '../values.ts';

export const FIELDS = ['genetics', 'optics', 'robotics', 'ecology', 'acoustics'] as const;
export const SORTS = ['newest', 'oldest', 'most_cited'] as const;
const VENUES = ['journal', 'conference', 'workshop', 'preprint'] as const;

/** `cites` holds ids of older papers. */
export type Paper = {
  id: string;
  title: string;
  authors: string[];
  year: number;
  field: (typeof FIELDS)[number];
  venue: (typeof VENUES)[number];
  cites: string[];
};
type Entry = { paper: string; read: boolean; note: string };
export type ReadingList = { id: string; name: string; entries: Entry[] };
export type PapersState = { papers: Paper[]; lists: ReadingList[] };

const TITLE_WORDS = [
  words(`
    Adaptive Coupled Delayed Distributed Elastic Fractal Hybrid Inverse Latent Modular Nested
    Noisy Periodic Robust Scalable Sparse Stable Stochastic Transient Weighted
  `),
  words(`
    Bundles Cascades Clusters Couplings Filters Gradients Lattices Manifolds Membranes Networks
    Oscillators Patterns Probes Pulses Resonators Sensors Signals Spectra Surfaces Swarms
  `),
] as const;
const LIST_WORDS = [
  words(`
    Monday Tuesday Wednesday Thursday Friday Weekend Morning Evening Summer Winter Spring Autumn
    Seminar Thesis Holiday Commute Project Office
  `),
  words(`
    pile stack queue shelf folder basket picks backlog selection bundle set reader digest batch
    papers reading choice list
  `),
] as const;

const paperId = z.string().describe('paper id, such as PA-214');
const listName = z.string().min(1).describe('name of a reading list');
const brief = z.strictObject({ id: z.string(), title: z.string(), year: z.int() });

function inBrief({ id, title, year }: Paper) {
  return { id, title, year };
}

function citing(state: PapersState, id: string): Paper[] {
  return state.papers.filter(({ cites }) => cites.includes(id));
}

function listOf(state: PapersState, name: string): ReadingList | string {
  const found = byName(state.lists, name, (list) => list.name);
  if (typeof found !== 'string') return found;
  return `list: ${found}; there are ${state.lists.map((list) => `'${list.name}'`).join(', ')}`;
}

function sorted(state: PapersState, papers: Paper[], sort: (typeof SORTS)[number]): Paper[] {
  if (sort === 'most_cited') {
    const times = new Map(papers.map(({ id }) => [id, citing(state, id).length]));
    return papers.toSorted((a, b) => (times.get(b.id) ?? 0) - (times.get(a.id) ?? 0));
  }
  return papers.toSorted((a, b) => (sort === 'newest' ? b.year - a.year : a.year - b.year));
}

const search = defineTool({
  name: 'search',
  description:
    'Searches papers whose title, field or authors have the words of the query, in pages.',
  input: z.strictObject({
    query: z.string().min(1),
    years: z
      .strictObject({ from: z.int(), to: z.int() })
      .partial()
      .optional()
      .describe('years of publication, both included'),
    sort: z.enum(SORTS).default('newest'),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(brief),
  kind: 'reads',
  run(state: PapersState, { query, years = {}, sort, page }) {
    const { from = -Infinity, to = Infinity } = years;
    const wanted = words(query.toLowerCase());
    const found = state.papers.filter(({ title, field, authors, year }) => {
      const all = words([title, field, ...authors].join(' ').toLowerCase());
      return wanted.every((word) => all.includes(word)) && year >= from && year <= to;
    });
    return pageOf(sorted(state, found, sort).map(inBrief), page);
  },
});

const resolveTitle = defineTool({
  name: 'resolve_title',
  description: 'Resolves the exact title of a paper to its id.',
  input: z.strictObject({ title: z.string() }),
  output: z.strictObject({ id: z.string() }),
  kind: 'reads',
  run(state: PapersState, { title }) {
    const paper = byName(state.papers, title, (item) => item.title);
    return typeof paper === 'string' ? { error: paper } : { value: { id: paper.id } };
  },
});

const getPaper = defineTool({
  name: 'get_paper',
  description: 'Gets the record of a paper: authors in their order, year, field and venue.',
  input: z.strictObject({ id: paperId }),
  output: brief.extend({
    authors: z.array(z.string()),
    field: z.enum(FIELDS),
    venue: z.enum(VENUES),
  }),
  kind: 'reads',
  run(state: PapersState, args) {
    const paper = byId(state.papers, args.id);
    if (typeof paper === 'string') return { error: paper };
    const { cites: _, ...card } = paper;
    return { value: card };
  },
});

const getCitations = defineTool({
  name: 'get_citations',
  description: 'Lists the papers that cite a paper, the newest first, and counts them.',
  input: z.strictObject({ id: paperId, limit: z.int().min(1).max(50).default(10) }),
  output: z.strictObject({ papers: z.array(brief), total: z.int() }),
  kind: 'reads',
  run(state: PapersState, { id, limit }) {
    const paper = byId(state.papers, id);
    if (typeof paper === 'string') return { error: paper };
    const found = sorted(state, citing(state, paper.id), 'newest');
    return { value: { papers: found.slice(0, limit).map(inBrief), total: found.length } };
  },
});

const getReferences = defineTool({
  name: 'get_references',
  description: 'Lists the papers that a paper cites, in the order in which it cites them.',
  input: z.strictObject({ id: paperId }),
  output: z.strictObject({ papers: z.array(brief), total: z.int() }),
  kind: 'reads',
  run(state: PapersState, { id }) {
    const paper = byId(state.papers, id);
    if (typeof paper === 'string') return { error: paper };
    const papers = paper.cites.flatMap((cited) =>
      state.papers.filter((other) => other.id === cited).map(inBrief),
    );
    return { value: { papers, total: papers.length } };
  },
});

const getAuthor = defineTool({
  name: 'get_author',
  description: 'Gets how many papers and citations an author has, and the h-index.',
  input: z.strictObject({ name: z.string() }),
  output: z.strictObject({
    name: z.string(),
    papers: z.int(),
    citations: z.int(),
    h_index: z.int(),
  }),
  kind: 'reads',
  run(state: PapersState, args) {
    const names = [...new Set(state.papers.flatMap(({ authors }) => authors))];
    const name = byName(names, args.name, (known) => known);
    if (!names.includes(name)) return { error: name };
    const times = state.papers
      .filter(({ authors }) => authors.includes(name))
      .map(({ id }) => citing(state, id).length)
      .toSorted((a, b) => b - a);
    const citations = times.reduce((sum, count) => sum + count, 0);
    // The largest h such that h papers have h citations each (Hirsch 2005, PNAS 102(46)).
    const h = times.filter((count, rank) => count > rank).length;
    return { value: { name, papers: times.length, citations, h_index: h } };
  },
});

const getReadingList = defineTool({
  name: 'get_reading_list',
  description: 'Gets the papers of a reading list, all of them or only those not read yet.',
  input: z.strictObject({ list: listName, unread_only: z.boolean().default(false) }),
  output: z.strictObject({
    papers: z.array(
      z.strictObject({ id: z.string(), title: z.string(), read: z.boolean(), note: z.string() }),
    ),
    total: z.int(),
  }),
  kind: 'reads',
  run(state: PapersState, { list: name, unread_only }) {
    const list = listOf(state, name);
    if (typeof list === 'string') return { error: list };
    const papers = list.entries
      .filter(({ read }) => !unread_only || !read)
      .map(({ paper, read, note }) => {
        const title = state.papers.find(({ id }) => id === paper)?.title ?? paper;
        return { id: paper, title, read, note };
      });
    return { value: { papers, total: papers.length } };
  },
});

function withEntries(state: PapersState, id: string, entries: Entry[]): PapersState {
  return { ...state, lists: changed(state.lists, id, { entries }) };
}

const addToReadingList = defineTool({
  name: 'add_to_reading_list',
  description: 'Puts a paper at the end of a reading list; one that is there gets the new note.',
  input: z.strictObject({
    list: listName,
    paper_id: paperId,
    note: z.string().max(120).default(''),
  }),
  output: z.strictObject({ list: z.string(), total: z.int() }),
  kind: 'sets',
  run(state: PapersState, args) {
    const list = listOf(state, args.list);
    if (typeof list === 'string') return { error: list };
    const paper = byId(state.papers, args.paper_id);
    if (typeof paper === 'string') return { error: `paper_id: ${paper}` };
    const there = list.entries.some((entry) => entry.paper === paper.id);
    const entries = there
      ? list.entries.map((entry) =>
          entry.paper === paper.id ? { ...entry, note: args.note } : entry,
        )
      : [...list.entries, { paper: paper.id, read: false, note: args.note }];
    return {
      value: { list: list.name, total: entries.length },
      state: withEntries(state, list.id, entries),
    };
  },
});

const markRead = defineTool({
  name: 'mark_read',
  description: 'Marks a paper of a reading list as read. Fails when the paper is not on the list.',
  input: z.strictObject({ list: listName, paper_id: paperId }),
  output: z.strictObject({ paper_id: z.string(), unread: z.int() }),
  kind: 'sets',
  run(state: PapersState, args) {
    const list = listOf(state, args.list);
    if (typeof list === 'string') return { error: list };
    const paper = byId(state.papers, args.paper_id);
    if (typeof paper === 'string') return { error: `paper_id: ${paper}` };
    if (!list.entries.some((entry) => entry.paper === paper.id)) {
      return { error: `paper_id: ${paper.id} is not on '${list.name}'` };
    }
    const entries = list.entries.map((entry) =>
      entry.paper === paper.id ? { ...entry, read: true } : entry,
    );
    return {
      value: { paper_id: paper.id, unread: entries.filter(({ read }) => !read).length },
      state: withEntries(state, list.id, entries),
    };
  },
});

/** The papers server. Its state is `{papers: [{id, title, authors, year, field, venue, cites}], lists: [{id, name, entries}]}`. */
export const papers: ServerDef = {
  name: 'papers',
  description: 'An index of research papers: search, authors, citations and reading lists.',
  tools: [
    search,
    resolveTitle,
    getPaper,
    getCitations,
    getReferences,
    getAuthor,
    getReadingList,
    addToReadingList,
    markRead,
  ],
  initial(rng, pool): PapersState {
    const titles = distinct(16, () => pairName(rng, pool, 'paper', TITLE_WORDS));
    const people = distinct(7, () => personName(rng, pool));
    const ids = drawIds(rng, 'PA', titles.length, 101, 987);
    const main = rng.pick(FIELDS);
    let year = rng.int(1994, 2004);
    const found = ids.map((id, i): Paper => {
      year += rng.int(0, 2);
      return {
        id,
        title: defined(titles[i], 'title'),
        authors: rng.sample(people, rng.int(1, 3)),
        year,
        // Half are of one field, so that its papers fill more than a page.
        field: i % 2 === 0 ? main : rng.pick(FIELDS),
        venue: rng.pick(VENUES),
        cites: rng.sample(ids.slice(0, i), rng.int(2, 4)),
      };
    });
    const names = distinct(3, () => pairName(rng, pool, 'reading list', LIST_WORDS));
    const lists = drawIds(rng, 'RL', names.length, 11, 98).map((id, i) => ({
      id,
      name: defined(names[i], 'name'),
      entries: rng.sample(ids, rng.int(3, 5)).map((paper, place) => ({
        paper,
        read: place === 0 || (place > 1 && rng.chance(0.4)),
        note: '',
      })),
    }));
    return { papers: found, lists };
  },
};
