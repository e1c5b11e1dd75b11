// The built-in news service: articles of sections, saved articles, and subscriptions to topics. Knows nothing of tasks or
// transports.
import { z } from 'zod';
import { defined } from '../../base/assert.ts';
import { byId, defineTool, drawIds, pageOf, pageSchema, type ServerDef } from '../server.ts';
import {
  dayTime,
  distinct,
  isDate,
  isTime,
  pairName,
  personName,
  shiftDate,
  words,
} from '../values.ts';

export const SECTIONS = ['politics', 'business', 'science', 'sport', 'culture'] as const;
export const TOPICS = [
  'housing',
  'climate',
  'football',
  'cycling',
  'banking',
  'trade',
  'space',
  'health',
  'elections',
  'schools',
  'opera',
  'chess',
  'energy',
  'farming',
] as const;
export const PERIODS = ['day', 'week', 'month'] as const;

export type Article = {
  id: string;
  headline: string;
  section: (typeof SECTIONS)[number];
  author: string;
  date: string;
  words: number;
  text: string;
};
type Saved = { id: string; note: string };
type Subscription = {
  topic: (typeof TOPICS)[number];
  every: (typeof PERIODS)[number];
  time: string;
};
export type NewsState = { articles: Article[]; saved: Saved[]; subscriptions: Subscription[] };

/** Silent reading of non-fiction in English: Brysbaert 2019, Journal of Memory and Language 109. */
const WORDS_PER_MINUTE = 238;

const HEADLINE_WORDS = [
  words(`
    Ferry Airport Bridge Tram School Hospital Harbour Stadium Market Library Theatre Tunnel Railway
    Museum Zoo Factory Bakery Farm Lighthouse Reservoir
  `),
  words(`
    strike closure repair delay sale inquiry shortage renovation protest dispute festival auction
    evacuation trial ballot inspection blackout boycott audit lockout
  `),
] as const;

const articleId = z.string().describe('article id, such as N-214');
const section = z.enum(SECTIONS);
const topic = z.enum(TOPICS);
const day = z.string();
const time = z.string().describe('time of day, like 07:30');
const minutes = z.int().describe('minutes to read');
const briefly = z.strictObject({
  id: z.string(),
  headline: z.string(),
  section,
  date: z.string(),
});

function inBrief(article: Article) {
  const { id, headline, date } = article;
  return { id, headline, section: article.section, date };
}

function newestFirst(articles: readonly Article[]): Article[] {
  return articles.toSorted((a, b) => (a.date < b.date ? 1 : a.date > b.date ? -1 : 0));
}

function minutesOf(article: Article): number {
  return Math.ceil(article.words / WORDS_PER_MINUTE);
}

const search = defineTool({
  name: 'search',
  description: 'Searches headlines and authors, the newest article first, in pages.',
  input: z.strictObject({
    query: z.string().default('').describe('part of the headline or the author'),
    sections: z.array(section).default([]).describe('none: all sections'),
    since: day.optional().describe('that day or later, like 2026-03-14'),
    before: day.optional().describe('earlier than that day, like 2026-03-14'),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(briefly),
  kind: 'reads',
  run(state: NewsState, { query, sections, since, before, page }) {
    for (const [name, text] of Object.entries({ since, before })) {
      if (text !== undefined && !isDate(text)) {
        return { error: `${name}: got '${text}', need a date like 2026-03-14` };
      }
    }
    const wanted = query.trim().toLowerCase();
    const found = state.articles.filter(
      (article) =>
        `${article.headline} ${article.author}`.toLowerCase().includes(wanted) &&
        (sections.length === 0 || sections.includes(article.section)) &&
        (since === undefined || article.date >= since) &&
        (before === undefined || article.date < before),
    );
    return pageOf(newestFirst(found).map(inBrief), page);
  },
});

const listHeadlines = defineTool({
  name: 'list_headlines',
  description: 'Lists the headlines of one section, the newest first.',
  input: z.strictObject({ section, limit: z.int().min(1).max(20).default(10) }),
  output: z.strictObject({ articles: z.array(briefly) }),
  kind: 'reads',
  run(state: NewsState, { section: wanted, limit }) {
    const found = state.articles.filter((article) => article.section === wanted);
    return { value: { articles: newestFirst(found).slice(0, limit).map(inBrief) } };
  },
});

const readArticle = defineTool({
  name: 'read_article',
  description: 'Reads an article: who wrote it, what it says, and how long it takes to read.',
  input: z.strictObject({ id: articleId }),
  output: briefly.extend({
    author: z.string(),
    text: z.string(),
    words: z.int(),
    minutes,
  }),
  kind: 'reads',
  run(state: NewsState, { id }) {
    const article = byId(state.articles, id);
    if (typeof article === 'string') return { error: article };
    return { value: { ...article, minutes: minutesOf(article) } };
  },
});

const saveArticle = defineTool({
  name: 'save_article',
  description: 'Saves an article for later; saved again, it gets the new note.',
  input: z.strictObject({ id: articleId, note: z.string().max(120).default('') }),
  output: z.strictObject({ id: z.string(), saved: z.int() }),
  kind: 'sets',
  run(state: NewsState, { id, note }) {
    const article = byId(state.articles, id);
    if (typeof article === 'string') return { error: article };
    const there = state.saved.some((item) => item.id === article.id);
    const saved = there
      ? state.saved.map((item) => (item.id === article.id ? { ...item, note } : item))
      : [...state.saved, { id: article.id, note }];
    return { value: { id: article.id, saved: saved.length }, state: { ...state, saved } };
  },
});

const removeSaved = defineTool({
  name: 'remove_saved',
  description: 'Removes an article from the saved ones. Fails when it is not saved.',
  input: z.strictObject({ id: articleId }),
  output: z.strictObject({ id: z.string(), saved: z.int() }),
  kind: 'adds',
  run(state: NewsState, { id }) {
    const article = byId(state.articles, id);
    if (typeof article === 'string') return { error: article };
    const saved = state.saved.filter((item) => item.id !== article.id);
    if (saved.length === state.saved.length) return { error: `${article.id} is not saved` };
    return { value: { id: article.id, saved: saved.length }, state: { ...state, saved } };
  },
});

const listSaved = defineTool({
  name: 'list_saved',
  description: 'Lists the saved articles, of one section or of all, and the minutes to read them.',
  input: z.strictObject({ section: section.optional() }),
  output: z.strictObject({
    articles: z.array(
      z.strictObject({
        id: z.string(),
        headline: z.string(),
        section,
        note: z.string(),
        minutes,
      }),
    ),
    minutes,
  }),
  kind: 'reads',
  run(state: NewsState, args) {
    const articles = state.saved.flatMap(({ id, note }) => {
      const article = byId(state.articles, id);
      if (typeof article === 'string') return [];
      if (args.section !== undefined && args.section !== article.section) return [];
      const { headline, section: own } = article;
      return [{ id, headline, section: own, note, minutes: minutesOf(article) }];
    });
    const sum = articles.reduce((total, article) => total + article.minutes, 0);
    return { value: { articles, minutes: sum } };
  },
});

const subscriptionSchema = z.strictObject({ topic, every: z.enum(PERIODS), time: z.string() });

const subscribe = defineTool({
  name: 'subscribe',
  description: 'Subscribes to a topic, or sets anew how often and when its articles arrive.',
  input: z.strictObject({
    topic,
    delivery: z.strictObject({ every: z.enum(PERIODS), time }),
  }),
  output: subscriptionSchema,
  kind: 'sets',
  run(state: NewsState, args) {
    const { every, time: at } = args.delivery;
    if (!isTime(at)) return { error: `delivery.time: got '${at}', need a time like 07:30` };
    const latest = { topic: args.topic, every, time: at };
    const there = state.subscriptions.some((item) => item.topic === latest.topic);
    const subscriptions = there
      ? state.subscriptions.map((item) => (item.topic === latest.topic ? latest : item))
      : [...state.subscriptions, latest];
    return { value: latest, state: { ...state, subscriptions } };
  },
});

const unsubscribe = defineTool({
  name: 'unsubscribe',
  description: 'Ends the subscription to a topic. Fails when there is none.',
  input: z.strictObject({ topic }),
  output: z.strictObject({ topic, left: z.int() }),
  kind: 'adds',
  run(state: NewsState, args) {
    const subscriptions = state.subscriptions.filter((item) => item.topic !== args.topic);
    if (subscriptions.length === state.subscriptions.length) {
      const known = state.subscriptions.map((item) => item.topic).join(', ') || 'none';
      return { error: `topic: not subscribed to ${args.topic}, subscribed: ${known}` };
    }
    return {
      value: { topic: args.topic, left: subscriptions.length },
      state: { ...state, subscriptions },
    };
  },
});

const listSubscriptions = defineTool({
  name: 'list_subscriptions',
  description: 'Lists the topics subscribed to, how often and at what time their articles arrive.',
  input: z.strictObject({}),
  output: z.strictObject({ subscriptions: z.array(subscriptionSchema) }),
  kind: 'reads',
  run(state: NewsState) {
    return { value: { subscriptions: state.subscriptions } };
  },
});

/** The news server. Its state is `{articles, saved: [{id, note}], subscriptions: [{topic, every, time}]}`. */
export const news: ServerDef = {
  name: 'news',
  description: 'A news service: articles of sections, saved articles, subscriptions to topics.',
  tools: [
    search,
    listHeadlines,
    readArticle,
    saveArticle,
    removeSaved,
    listSaved,
    subscribe,
    unsubscribe,
    listSubscriptions,
  ],
  initial(rng, pool, clock): NewsState {
    const today = clock.slice(0, 10);
    const headlines = distinct(14, () => pairName(rng, pool, 'headline', HEADLINE_WORDS));
    const people = distinct(8, () => personName(rng, pool));
    const days = distinct(headlines.length, () => shiftDate(today, -rng.int(1, 60)));
    const articles = drawIds(rng, 'N', headlines.length, 101, 987).map((id, i): Article => {
      const source = rng.pick(people.slice(4));
      const end = shiftDate(today, rng.int(2, 90));
      return {
        id,
        headline: defined(headlines[i], 'headline'),
        section: SECTIONS[i] ?? rng.pick(SECTIONS),
        author: rng.pick(people.slice(0, 4)),
        date: defined(days[i], 'day'),
        words: rng.int(240, 2400),
        text: `It will be over by ${end}, as ${source} told this paper.`,
      };
    });
    // One of each section, so that a section tells which one is meant, and two of the rest.
    const saved = [...articles.slice(0, 3), ...rng.sample(articles.slice(5), 2)];
    const topics = rng.sample(TOPICS, rng.int(3, 5));
    return {
      articles,
      saved: saved.map(({ id }) => ({ id, note: '' })),
      subscriptions: topics.map((name) => ({
        topic: name,
        every: rng.pick(PERIODS),
        time: dayTime(rng),
      })),
    };
  },
};
