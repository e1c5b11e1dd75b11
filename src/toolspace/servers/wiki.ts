// The built-in wiki: articles in sections, their revisions, and the links between them. Knows nothing of tasks or
// transports.
import { z } from 'zod';
import { defined } from '../../base/assert.ts';
import type { Rng } from '../../base/rng.ts';
import {
  byName,
  changed,
  defineTool,
  drawIds,
  pageOf,
  pageSchema,
  type ServerDef,
} from '../server.ts';
import { distinct, type Pool, pairName, personName, shiftDate, words } from '../values.ts';

export const CATEGORIES = ['town', 'district', 'reserve', 'landmark'] as const;
export const HEADINGS = [
  'History',
  'Geography',
  'Climate',
  'Business',
  'Transport',
  'Culture',
] as const;
export type Heading = (typeof HEADINGS)[number];

/** The newest revision is the last one; `links` holds titles of other articles. */
export type Article = {
  id: string;
  title: string;
  category: (typeof CATEGORIES)[number];
  protected: boolean;
  sections: { heading: string; text: string }[];
  links: string[];
  revisions: { revision: number; editor: string; date: string; comment: string }[];
};
/** `user` is who edits here. */
export type WikiState = { user: string; articles: Article[] };

const FIRST_WORDS = words(`
  Alder Amber Barley Birch Bracken Cedar Copper Curlew Dunlin Elder Falcon Gannet Hazel Heron
  Juniper Linden Otter Rowan Teasel Thistle
`);
const SECOND_WORDS = words(`
  Bay Bridge Castle Common Cove Dale Fen Ferry Ford Harbour Heath Hill Hollow Island Lake Marsh
  Mill Point Ridge Valley
`);
const COMMENTS = ['typo', 'sources', 'update', 'photo', 'layout', 'names'];

const TEXTS: Readonly<Record<Heading, (rng: Rng) => string>> = {
  History: (rng) => `First named in a charter of ${rng.int(1102, 1799)}.`,
  Geography: (rng) => `It lies ${rng.int(12, 940)} metres above the sea.`,
  Climate: (rng) => `The yearly rainfall is about ${rng.int(480, 1900)} mm.`,
  Business: (rng) => `The largest employer has ${rng.int(35, 880)} workers.`,
  Transport: (rng) => `The station is served by ${rng.int(6, 96)} trains a day.`,
  Culture: (rng) => `The summer fair draws ${rng.int(300, 9800)} visitors.`,
};

/** A title for an article on a place. */
export function placeName(rng: Rng, pool: Pool): string {
  return pairName(rng, pool, 'place', [FIRST_WORDS, SECOND_WORDS]);
}

const title = z.string().min(1).describe('exact title of an article');
const heading = z.string().trim().min(1).describe('heading of a section, such as History');
const text = z.string().min(1).max(400).describe('the whole text of the section');
const category = z.enum(CATEGORIES);

function articleOf(state: WikiState, wanted: string): Article | string {
  return byName(state.articles, wanted, (article) => article.title);
}

function sectionOf(article: Article, wanted: string) {
  const found = byName(article.sections, wanted, (section) => section.heading);
  if (typeof found !== 'string') return found;
  const there = article.sections.map((section) => section.heading).join(', ');
  return `heading: ${found}; '${article.title}' has ${there || 'no sections'}`;
}

function locked(article: Article): string {
  return `'${article.title}' is protected and cannot be edited`;
}

function update(state: WikiState, id: string, set: Partial<Article>): WikiState {
  return { ...state, articles: changed(state.articles, id, set) };
}

function nextRevision(state: WikiState, clock: string, comment: string) {
  const known = state.articles.flatMap(({ revisions }) => revisions.map((item) => item.revision));
  const revision = Math.max(0, ...known) + 1;
  return { revision, editor: state.user, date: clock.slice(0, 10), comment };
}

const search = defineTool({
  name: 'search',
  description:
    'Full-text search of the wiki. Finds articles whose title or sections have the text.',
  input: z.strictObject({
    text: z.string().min(1),
    scope: z.enum(['titles', 'everything']).default('everything'),
    category: category.optional(),
    limit: z.int().min(1).max(20).default(10),
  }),
  output: z.strictObject({
    results: z.array(z.strictObject({ title: z.string(), category })),
    total: z.int(),
  }),
  kind: 'reads',
  run(state: WikiState, args) {
    const wanted = args.text.trim().toLowerCase();
    const found = state.articles.filter((article) => {
      const body = args.scope === 'titles' ? [] : article.sections.map((section) => section.text);
      return (
        [article.title, ...body].some((part) => part.toLowerCase().includes(wanted)) &&
        (args.category === undefined || article.category === args.category)
      );
    });
    const results = found
      .slice(0, args.limit)
      .map((article) => ({ title: article.title, category: article.category }));
    return { value: { results, total: found.length } };
  },
});

const getArticle = defineTool({
  name: 'get_article',
  description: 'Gets the outline of an article: category, headings, and whether it is protected.',
  input: z.strictObject({ title }),
  output: z.strictObject({
    title: z.string(),
    category,
    protected: z.boolean(),
    headings: z.array(z.string()),
    revisions: z.int(),
  }),
  kind: 'reads',
  run(state: WikiState, args) {
    const article = articleOf(state, args.title);
    if (typeof article === 'string') return { error: article };
    const { sections, revisions } = article;
    return {
      value: {
        title: article.title,
        category: article.category,
        protected: article.protected,
        headings: sections.map((section) => section.heading),
        revisions: revisions.length,
      },
    };
  },
});

const getSection = defineTool({
  name: 'get_section',
  description: 'Gets the text of one section. Fails when the article has no section of that name.',
  input: z.strictObject({ title, heading }),
  output: z.strictObject({ heading: z.string(), text: z.string() }),
  kind: 'reads',
  run(state: WikiState, args) {
    const article = articleOf(state, args.title);
    if (typeof article === 'string') return { error: article };
    const section = sectionOf(article, args.heading);
    return typeof section === 'string' ? { error: section } : { value: section };
  },
});

const listLinks = defineTool({
  name: 'list_links',
  description: 'Lists the articles that an article links to, or with `to` those that link to it.',
  input: z.strictObject({ title, direction: z.enum(['from', 'to']).default('from') }),
  output: z.strictObject({ titles: z.array(z.string()), count: z.int() }),
  kind: 'reads',
  run(state: WikiState, args) {
    const article = articleOf(state, args.title);
    if (typeof article === 'string') return { error: article };
    const titles =
      args.direction === 'from'
        ? article.links
        : state.articles
            .filter(({ links }) => links.includes(article.title))
            .map((other) => other.title);
    return { value: { titles, count: titles.length } };
  },
});

const listRevisions = defineTool({
  name: 'list_revisions',
  description: 'Lists who edited an article and when, the newest revision first, in pages.',
  input: z.strictObject({ title, page: z.int().min(1).default(1) }),
  output: pageSchema(
    z.strictObject({
      revision: z.int(),
      editor: z.string(),
      date: z.string(),
      comment: z.string(),
    }),
  ),
  kind: 'reads',
  run(state: WikiState, args) {
    const article = articleOf(state, args.title);
    if (typeof article === 'string') return { error: article };
    return pageOf([...article.revisions].reverse(), args.page);
  },
});

const editSection = defineTool({
  name: 'edit_section',
  description: 'Replaces the text of a section and records a revision. Protected articles refuse.',
  input: z.strictObject({
    title,
    heading,
    text,
    comment: z.string().max(80).default('').describe('why it is edited'),
  }),
  output: z.strictObject({ title: z.string(), revision: z.int() }),
  kind: 'adds',
  run(state: WikiState, args, clock) {
    const article = articleOf(state, args.title);
    if (typeof article === 'string') return { error: article };
    if (article.protected) return { error: locked(article) };
    const section = sectionOf(article, args.heading);
    if (typeof section === 'string') return { error: section };
    const sections = article.sections.map((item) =>
      item.heading === section.heading ? { ...item, text: args.text } : item,
    );
    const latest = nextRevision(state, clock, args.comment);
    const set = { sections, revisions: [...article.revisions, latest] };
    return {
      value: { title: article.title, revision: latest.revision },
      state: update(state, article.id, set),
    };
  },
});

const addLink = defineTool({
  name: 'add_link',
  description: 'Adds an article to the links of another one. Protected articles refuse.',
  input: z.strictObject({
    from: z.string().min(1).describe('title of the article that gets the link'),
    to: z.string().min(1).describe('title of the article that it leads to'),
  }),
  output: z.strictObject({ from: z.string(), links: z.array(z.string()) }),
  kind: 'sets',
  run(state: WikiState, args) {
    const from = articleOf(state, args.from);
    if (typeof from === 'string') return { error: `from: ${from}` };
    const to = articleOf(state, args.to);
    if (typeof to === 'string') return { error: `to: ${to}` };
    if (from.protected) return { error: locked(from) };
    if (from.id === to.id) return { error: `to: '${to.title}' cannot link to itself` };
    const links = from.links.includes(to.title) ? from.links : [...from.links, to.title];
    return { value: { from: from.title, links }, state: update(state, from.id, { links }) };
  },
});

const createArticle = defineTool({
  name: 'create_article',
  description: 'Creates an article with its first sections. Fails when the title is taken.',
  input: z.strictObject({
    title: z.string().trim().min(1).max(60).describe('title that no article has'),
    category,
    sections: z.array(z.strictObject({ heading, text })).max(6).default([]),
  }),
  output: z.strictObject({ title: z.string(), revision: z.int() }),
  kind: 'adds',
  run(state: WikiState, args, clock) {
    if (typeof articleOf(state, args.title) !== 'string') {
      return { error: `title: '${args.title}' exists already` };
    }
    const headings = args.sections.map((section) => section.heading.toLowerCase());
    const twice = headings.find((name, i) => headings.indexOf(name) !== i);
    if (twice !== undefined) return { error: `sections: got '${twice}' twice, need each once` };
    const first = nextRevision(state, clock, 'new');
    const numbers = state.articles.map(({ id }) => Number(id.slice(3)));
    const article: Article = {
      id: `WA-${Math.max(0, ...numbers) + 1}`,
      ...args,
      protected: false,
      links: [],
      revisions: [first],
    };
    return {
      value: { title: article.title, revision: first.revision },
      state: { ...state, articles: [...state.articles, article] },
    };
  },
});

const setProtection = defineTool({
  name: 'set_protection',
  description: 'Protects an article against edits, or opens it again.',
  input: z.strictObject({ title, protected: z.boolean() }),
  output: z.strictObject({ title: z.string(), protected: z.boolean() }),
  kind: 'sets',
  run(state: WikiState, args) {
    const article = articleOf(state, args.title);
    if (typeof article === 'string') return { error: article };
    return {
      value: { title: article.title, protected: args.protected },
      state: update(state, article.id, { protected: args.protected }),
    };
  },
});

/** The wiki server. Its state is `{user, articles: [{id, title, category, protected, sections, links, revisions}]}`. */
export const wiki: ServerDef = {
  name: 'wiki',
  description: 'A wiki on places: articles in sections, links between them, and their revisions.',
  tools: [
    search,
    getArticle,
    getSection,
    listLinks,
    listRevisions,
    editSection,
    addLink,
    createArticle,
    setProtection,
  ],
  initial(rng, pool, clock): WikiState {
    const titles = distinct(8, () => placeName(rng, pool));
    const people = distinct(6, () => personName(rng, pool));
    let revision = rng.int(1100, 4000);
    const articles = drawIds(rng, 'WA', titles.length, 101, 987).map((id, i): Article => {
      const own = defined(titles[i], 'title');
      // Some histories are longer than a page.
      const edits = i < 4 ? rng.int(6, 8) : rng.int(1, 4);
      let date = shiftDate(clock.slice(0, 10), -rng.int(200, 900));
      return {
        id,
        title: own,
        category: rng.pick(CATEGORIES),
        protected: i % 4 === 3,
        sections: rng
          .sample(HEADINGS, 3)
          .map((name) => ({ heading: name, text: TEXTS[name](rng) })),
        links: rng.sample(
          titles.filter((other) => other !== own),
          rng.int(1, 3),
        ),
        revisions: Array.from({ length: edits }, (_, edit) => {
          revision += rng.int(1, 40);
          date = shiftDate(date, rng.int(1, 24));
          const comment = edit === 0 ? 'new' : rng.pick(COMMENTS);
          return { revision, editor: rng.pick(people.slice(1)), date, comment };
        }),
      };
    });
    return { user: defined(people[0], 'user'), articles };
  },
};
