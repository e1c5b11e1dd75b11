// Requests to the web search. Knows nothing of how parts are combined.
import { type Draft, type Family, stateIs } from '../draft.ts';
import { asking, changing, field, rowsOf } from '../parts.ts';
import { TOPICS, type WebSearchState } from '../servers/web-search.ts';
import { entryAt, textsOf } from './unseen-parts.ts';

const web = (draft: Draft) => draft.state<WebSearchState>('web_search');

export const WEB_SEARCH_REQUESTS: readonly Family[] = [
  {
    name: 'web_search_author',
    tools: ['web_search:web_query', 'web_search:open_url'],
    byName: false,
    gives: 'person',
    phrasings: {
      train: [
        'Search the web for {title}: who wrote that page, and on what date was it published?',
        '[Find|Look up] the web page {title} and [tell|give] me its author and its day of publication.',
        'Who is the author of the web page {title}, and when was it published?',
        'Find {title} on the web, open it and [name|state] the author and the date of publication.',
      ],
      heldOut: [
        'There is a page called {title} on the web. By whom is it, and of what date?',
        'I want to quote the web page {title} and need its author and its publication date.',
      ],
    },
    draw(draft) {
      const { title } = draft.take(web(draft).pages);
      const found = draft.call('web_search:web_query', { words: title });
      const rows = rowsOf(found, 'items').filter((row) => row['title'] === title);
      const url = String(field(entryAt(rows, 0), 'url'));
      const page = draft.call('web_search:open_url', { url });
      const author = String(field(page, 'author'));
      return {
        ...asking(
          { title: `'${title}'` },
          [author, field(page, 'published')],
          `author and date of the page '${title}'`,
        ),
        gives: author,
      };
    },
  },
  {
    name: 'web_search_snapshot',
    tools: ['web_search:cached_copy'],
    byName: false,
    gives: 'date',
    phrasings: {
      train: [
        'Of what [date|day] is the cached copy of {url}?',
        'When was the last snapshot of {url} [taken|made]?',
        '[Tell|Give] me the date of the cached snapshot of {url}.',
        'How old is the cached copy of {url}? [I need|Give me] its date.',
      ],
      heldOut: [
        'On which day did the search engine last store {url}?',
        'State from what date the cache has {url}.',
      ],
    },
    draw(draft) {
      const { id } = draft.take(web(draft).pages);
      const copy = draft.call('web_search:cached_copy', { url: id });
      const snapshot = String(field(copy, 'snapshot'));
      return {
        ...asking({ url: `'${id}'` }, [snapshot], `the date of the snapshot of ${id}`),
        gives: snapshot,
      };
    },
  },
  {
    name: 'web_search_follow',
    tools: ['web_search:links_from', 'web_search:open_url'],
    byName: false,
    gives: 'text',
    phrasings: {
      train: [
        'What is the title of the page that {url} links to first?',
        'Follow the first link on {url} and [tell|give] me the title of the page behind it.',
        '[Open|Read] the page behind the first link of {url}: what is its title?',
        'To which page does the first link on {url} lead? [Name|State] its title.',
      ],
      heldOut: [
        'A reader of {url} clicks on the link at the top: with what title does the next page greet them?',
        'Take the first of the links on {url} and read the title where it ends.',
      ],
    },
    draw(draft) {
      const { id } = draft.take(web(draft).pages);
      const url = entryAt(textsOf(draft.call('web_search:links_from', { url: id }), 'links'), 0);
      const title = String(field(draft.call('web_search:open_url', { url }), 'title'));
      return { ...asking({ url: `'${id}'` }, [title], `the title of ${url}`), gives: title };
    },
  },
  {
    name: 'web_search_backlinks',
    tools: ['web_search:links_to'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many pages link to {url}?',
        'Count the pages [of the index |]that link to {url}.',
        '[Tell|Give] me the number of pages with a link to {url}.',
        'By how many pages is {url} linked?',
      ],
      heldOut: [
        'How well linked is {url}: how many pages point at it?',
        'State the number of backlinks of {url}.',
      ],
    },
    draw(draft) {
      const { id } = draft.take(web(draft).pages);
      const count = Number(field(draft.call('web_search:links_to', { url: id }), 'count'));
      return {
        ...asking({ url: `'${id}'` }, [count], `how many pages link to ${id}`),
        gives: count,
      };
    },
  },
  {
    name: 'web_search_end',
    tools: ['web_search:web_query', 'web_search:web_query'],
    byName: false,
    gives: 'text',
    phrasings: {
      train: [
        'Search the web for {topic} and [tell|give] me the title of the very last result.',
        'What is the title of the last of all search results for {topic}?',
        '[Page|Go] through the web results for {topic} to the end: what title is last?',
        'Which title closes the list of web results for {topic}?',
        'When you search the web for {topic}, which title do you find at the very end?',
      ],
      heldOut: [
        'Look for {topic} on the web, and read on until there are no more results; name the title you end with.',
        'Of everything the search engine has on {topic}, what title does it rank last?',
      ],
    },
    draw(draft) {
      const { pages } = web(draft);
      const many = TOPICS.filter((topic) => {
        const { length } = pages.filter((page) => page.topic === topic);
        return length > 5 && length <= 10;
      });
      const topic = draft.fresh(entryAt(draft.rng.shuffle(many), 0));
      const first = draft.call('web_search:web_query', { words: topic });
      const page = Number(field(first, 'nextPage'));
      const second = draft.call('web_search:web_query', { words: topic, page });
      const title = String(field(entryAt(rowsOf(second, 'items'), -1), 'title'));
      return { ...asking({ topic }, [title], `the last result for ${topic}`), gives: title };
    },
  },
  {
    name: 'web_search_crawl',
    tools: ['web_search:site_report', 'web_search:request_crawl'],
    byName: false,
    phrasings: {
      train: [
        'Have the page of {site} with the oldest snapshot crawled again.',
        'Find [out |]which page of {site} has the oldest snapshot and [request a new crawl of it|queue it for crawling].',
        'The stalest page of {site} should be crawled again: [ask for it|put it into the queue].',
        'Look for the oldest snapshot of {site} and queue that page [for a crawl|to be crawled].',
      ],
      heldOut: [
        'Of the pages of {site}, get the one that was stored longest ago back into the crawler.',
        'Refresh whichever page of {site} has not been crawled for the longest time.',
      ],
    },
    draw(draft) {
      const { pages, queue } = web(draft);
      const site = draft.fresh(draft.rng.pick(pages).site);
      const report = draft.call('web_search:site_report', { site });
      const url = String(field(report, 'stalest'));
      draft.call('web_search:request_crawl', { url });
      return changing({ site: `'${site}'` }, `${url} waits to be crawled`, [
        stateIs('web_search', ['queue'], [...queue, url]),
      ]);
    },
  },
  {
    name: 'web_search_hits',
    tools: ['web_search:web_query'],
    byName: false,
    takes: 'person',
    gives: 'number',
    phrasings: {
      train: [
        'How many results does a web search for {who} give?',
        'Search the web for {who} and [count|tell me the number of] the results.',
        'How many pages does the web search find for {who}?',
        '[Tell|Give] me the number of web [results|search results] for {who}.',
      ],
      heldOut: [
        'Is {who} well known on the web? Name the number of hits.',
        'State how many pages come up when one looks for {who} on the web.',
      ],
    },
    draw(draft) {
      const { value: who, shown } = draft.given('person', () =>
        draft.fresh(draft.rng.pick(web(draft).pages).author),
      );
      const total = Number(field(draft.call('web_search:web_query', { words: who }), 'total'));
      return { ...asking({ who: shown }, [total], `how many results '${who}' has`), gives: total };
    },
  },
];
