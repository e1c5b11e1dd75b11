// The built-in web search: a small index of pages that link to each other, with cached copies. Knows nothing of tasks or
// transports.
import { z } from 'zod';
import type { Rng } from '../../base/rng.ts';
import { nearest } from '../../tools/nearest.ts';
import { defineTool, pageOf, pageSchema, type ServerDef } from '../server.ts';
import { distinct, type Pool, pairName, personName, shiftDate, words } from '../values.ts';

export const TOPICS = ['aquariums', 'bonsai', 'calligraphy', 'juggling', 'origami'] as const;

/** `id` is the address; `snapshot` is the day of the cached copy. */
type WebPage = {
  id: string;
  site: string;
  title: string;
  topic: (typeof TOPICS)[number];
  author: string;
  published: string;
  snapshot: string;
  links: string[];
};
/** `queue` holds the addresses that wait to be crawled again, the next one first. */
export type WebSearchState = { pages: WebPage[]; queue: string[] };

const SITE_FIRSTS = words(`
  amberly brisk cedarwood daybreak easterly fernside gladstone hillside inkwell joyful keystone
  lantern millpond northern openair papermill quickstep riverside sundial timberline
`);
const SITE_SECONDS = words(`
  almanac bulletin chronicle courier digest forum gazette herald journal letter magazine notebook
  observer post press record review times tribune wire
`);
const TITLE_FIRSTS = words(`
  common complete easy essential famous first forgotten hidden honest little lost practical quick
  secret simple strange true useful
`);
const TITLE_SECONDS = words(`
  answers basics beginnings customs errors exercises habits lessons methods myths origins pitfalls
  recipes remedies routines shortcuts stories tricks
`);

const url = z.string().min(1).max(200).describe('address of a page, https:// included');

/** The page of an address, or what is wrong with the address. */
function pageAt(state: WebSearchState, given: string): WebPage | string {
  const wanted = given.trim().toLowerCase().replace(/\/$/, '');
  const page = state.pages.find(({ id }) => id === wanted);
  if (page !== undefined) return page;
  const addresses = state.pages.map(({ id }) => id);
  const [near] = nearest(wanted, addresses, 3);
  const hint = near === undefined ? '' : `, did you mean ${near}?`;
  return `url: 404, no page at ${given}${hint}`;
}

const webQuery = defineTool({
  name: 'web_query',
  description:
    'Searches titles, topics and authors for all given words, the last published page first, five results to a page.',
  input: z.strictObject({
    words: z.string().min(1).max(120),
    site: z.string().optional().describe('host name: only pages of this site'),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(z.strictObject({ title: z.string(), url: z.string() })),
  kind: 'reads',
  run(state: WebSearchState, args) {
    const wanted = words(args.words.toLowerCase());
    const rows = state.pages
      .filter(({ site }) => args.site === undefined || site === args.site.trim().toLowerCase())
      .filter(({ title, topic, author }) => {
        const text = `${title} ${topic} ${author}`.toLowerCase();
        return wanted.every((word) => text.includes(word));
      })
      .sort((a, b) => (a.published > b.published ? -1 : 1))
      .map(({ title, id }) => ({ title, url: id }));
    return pageOf(rows, args.page);
  },
});

function textOf({ title, topic, author, published }: WebPage): string {
  return `${title}: a page on ${topic}, written by ${author}, published on ${published}.`;
}

const openUrl = defineTool({
  name: 'open_url',
  description: 'Opens a page and gives its title, author, day of publication and text.',
  input: z.strictObject({ url }),
  output: z.strictObject({
    title: z.string(),
    author: z.string(),
    published: z.string(),
    text: z.string(),
  }),
  kind: 'reads',
  run(state: WebSearchState, args) {
    const page = pageAt(state, args.url);
    if (typeof page === 'string') return { error: page };
    const { title, author, published } = page;
    return { value: { title, author, published, text: textOf(page) } };
  },
});

const linksFrom = defineTool({
  name: 'links_from',
  description: 'Lists the addresses that a page links to, in the order of the page.',
  input: z.strictObject({ url }),
  output: z.strictObject({ links: z.array(z.string()), count: z.int() }),
  kind: 'reads',
  run(state: WebSearchState, args) {
    const page = pageAt(state, args.url);
    if (typeof page === 'string') return { error: page };
    return { value: { links: page.links, count: page.links.length } };
  },
});

const linksTo = defineTool({
  name: 'links_to',
  description: 'Lists the pages of the index that link to a page.',
  input: z.strictObject({ url }),
  output: z.strictObject({ links: z.array(z.string()), count: z.int() }),
  kind: 'reads',
  run(state: WebSearchState, args) {
    const page = pageAt(state, args.url);
    if (typeof page === 'string') return { error: page };
    const links = state.pages.filter((other) => other.links.includes(page.id)).map(({ id }) => id);
    return { value: { links, count: links.length } };
  },
});

const cachedCopy = defineTool({
  name: 'cached_copy',
  description: 'Gives the text of a page as it was crawled last, and the day of that snapshot.',
  input: z.strictObject({ url }),
  output: z.strictObject({ snapshot: z.string(), text: z.string() }),
  kind: 'reads',
  run(state: WebSearchState, args) {
    const page = pageAt(state, args.url);
    if (typeof page === 'string') return { error: page };
    return { value: { snapshot: page.snapshot, text: textOf(page) } };
  },
});

const siteReport = defineTool({
  name: 'site_report',
  description: 'Reports on a site: how many pages are indexed, and which has the oldest snapshot.',
  input: z.strictObject({ site: z.string().describe('host name, such as inkwell-post.example') }),
  output: z.strictObject({ pages: z.int(), stalest: z.string(), snapshot: z.string() }),
  kind: 'reads',
  run(state: WebSearchState, args) {
    const wanted = args.site.trim().toLowerCase();
    const pages = state.pages
      .filter(({ site }) => site === wanted)
      .sort((a, b) => (a.snapshot < b.snapshot ? -1 : 1));
    const [stalest] = pages;
    if (stalest === undefined) {
      const sites = [...new Set(state.pages.map(({ site }) => site))];
      return { error: `site: '${args.site}' is not indexed, sites are ${sites.join(', ')}` };
    }
    const { id, snapshot } = stalest;
    return { value: { pages: pages.length, stalest: id, snapshot } };
  },
});

const requestCrawl = defineTool({
  name: 'request_crawl',
  description: 'Puts a page at the end of the queue to be crawled again, unless it waits already.',
  input: z.strictObject({ url }),
  output: z.strictObject({ url: z.string(), place: z.int() }),
  kind: 'sets',
  run(state: WebSearchState, args) {
    const page = pageAt(state, args.url);
    if (typeof page === 'string') return { error: page };
    const queue = [...new Set([...state.queue, page.id])];
    const place = queue.indexOf(page.id) + 1;
    return { value: { url: page.id, place }, state: { ...state, queue } };
  },
});

/** Hosts under `.example`, which RFC 2606 keeps free of real sites. */
function drawSites(rng: Rng, pool: Pool): string[] {
  const names = distinct(4, () => pairName(rng, pool, 'site', [SITE_FIRSTS, SITE_SECONDS]));
  return names.map((name) => `${name.replace(' ', '-')}.example`);
}

const PAGES = 16;
/** Pages of the topic that fills two pages of results. */
const COMMON = 7;

/** The web search server. Its state is `{pages: [{id, site, title, …, links}], queue}`; an address is its own id. */
export const webSearch: ServerDef = {
  name: 'web_search',
  description: 'A search engine over a small web, with links between pages and cached copies.',
  tools: [webQuery, openUrl, linksFrom, linksTo, cachedCopy, siteReport, requestCrawl],
  initial(rng, pool, clock): WebSearchState {
    const today = clock.slice(0, 10);
    const sites = drawSites(rng, pool);
    const titles = distinct(PAGES, () =>
      pairName(rng, pool, 'web page', [TITLE_FIRSTS, TITLE_SECONDS]),
    );
    const authors = distinct(6, () => personName(rng, pool));
    const [common, ...others] = rng.shuffle(TOPICS);
    // Different days, so that results and snapshots have one order.
    const ages = rng.shuffle(Array.from({ length: 400 }, (_, i) => i + 60)).slice(0, PAGES);
    const crawled = rng.shuffle(Array.from({ length: 58 }, (_, i) => i + 1)).slice(0, PAGES);
    const bare = titles.map((title, i): WebPage => {
      const site = sites[i % sites.length] ?? '';
      return {
        id: `https://${site}/${title.replace(' ', '-')}`,
        site,
        title,
        topic: i < COMMON ? (common ?? 'bonsai') : rng.pick(others),
        author: rng.pick(authors),
        published: shiftDate(today, -(ages[i] ?? 0)),
        snapshot: shiftDate(today, -(crawled[i] ?? 0)),
        links: [],
      };
    });
    const pages = bare.map((page) => {
      const linked = rng.sample(
        bare.filter((other) => other !== page),
        rng.int(1, 4),
      );
      return { ...page, links: linked.map(({ id }) => id) };
    });
    return { pages, queue: [] };
  },
};
