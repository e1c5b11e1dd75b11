// Requests to the news service. Knows nothing of how parts are combined.
import { defined } from '../../base/assert.ts';
import { type Draft, type Family, Rejected, stateIs } from '../draft.ts';
import { asking, changing, field } from '../parts.ts';
import { type Article, type NewsState, PERIODS, SECTIONS, TOPICS } from '../servers/news.ts';
import { dayTime, pairName, shiftDate, words } from '../values.ts';

const NOTE_WORDS = [
  words(`
    ask tell call show remind warn invite thank inform brief convince surprise join meet visit
    support answer quote
  `),
  words(`
    neighbours parents colleagues friends cousins teachers students tenants drivers members
    cyclists farmers nurses runners readers players editors grandma
  `),
] as const;

const news = (draft: Draft) => draft.state<NewsState>('news');
const take = (draft: Draft, fits: (article: Article) => boolean = () => true) =>
  draft.take(news(draft).articles.filter(fits));

/** The sections with exactly one saved article, and that article. */
function savedAlone({ saved, articles }: NewsState): Article[] {
  const kept = articles.filter(({ id }) => saved.some((item) => item.id === id));
  return kept.filter(
    ({ section }) => kept.filter((other) => other.section === section).length === 1,
  );
}

const LOOKUPS: readonly Family[] = [
  {
    name: 'news_author',
    tools: ['news:search', 'news:read_article'],
    byName: false,
    gives: 'person',
    phrasings: {
      train: [
        'Who wrote the [|news ]article {headline}, and how many minutes does it take to read?',
        '[Find|Look up] the [|news ]article {headline}: who [wrote it|is its author], and how many minutes [is it long|does it take to read]?',
        'Tell me the author of the news article {headline} and its reading time in minutes.',
      ],
      heldOut: [
        'By whom is the article {headline}, and in how many minutes can I read it?',
        'For the news story {headline}, give me the author and the minutes of reading.',
      ],
    },
    draw(draft) {
      const { id, headline } = take(draft);
      draft.call('news:search', { query: headline });
      const read = draft.call('news:read_article', { id });
      const author = String(field(read, 'author'));
      const asked = [author, field(read, 'minutes')];
      const what = `who wrote '${headline}' and the minutes to read it`;
      return { ...asking({ headline: `'${headline}'` }, asked, what), gives: author };
    },
  },
  {
    name: 'news_end',
    tools: ['news:list_headlines', 'news:read_article'],
    byName: false,
    gives: 'date',
    phrasings: {
      train: [
        'By what date will it be over, according to the [newest|latest] {section} article?',
        'Read the [newest|latest] {section} article: by what date will it be over?',
        '[Which|What] date does the [newest|latest] {section} article give for the end of the matter?',
      ],
      heldOut: [
        'Open the most recent article on {section} and tell me the date in it.',
        'Read what is newest in {section}: by what date, it says, will the matter be over?',
      ],
    },
    draw(draft) {
      const { articles } = news(draft);
      const section = draft.rng.pick(SECTIONS);
      draft.call('news:list_headlines', { section });
      const newest = defined(
        articles
          .filter((article) => article.section === section)
          .toSorted((a, b) => (a.date < b.date ? 1 : -1))[0],
        'article',
      );
      draft.call('news:read_article', { id: newest.id });
      const date = defined(/\d{4}-\d{2}-\d{2}/.exec(newest.text)?.[0], 'date in the text');
      const what = `the date in the newest article on ${section}`;
      return { ...asking({ section }, [date], what), gives: date };
    },
  },
  {
    name: 'news_count',
    tools: ['news:search'],
    byName: false,
    takes: 'date',
    gives: 'number',
    phrasings: {
      train: [
        'How many {section} articles have [appeared|come out] since {date}?',
        'Count the {section} [articles|news articles] since {date}.',
        'How many articles on {section} have [appeared|come out|been published] since {date}?',
      ],
      heldOut: [
        'State the number of {section} articles not older than {date}.',
        'From {date} on, how many {section} articles were there?',
      ],
    },
    draw(draft) {
      const section = draft.rng.pick(SECTIONS);
      const { value: since, shown } = draft.given('date', () =>
        shiftDate(draft.clock.slice(0, 10), -draft.rng.int(20, 58)),
      );
      const all = draft.call('news:search', { sections: [section], since });
      const total = Number(field(all, 'total'));
      const what = `how many articles on ${section} there are since ${since}`;
      return { ...asking({ section, date: shown }, [total], what), gives: total };
    },
  },
  {
    name: 'news_saved_minutes',
    tools: ['news:list_saved'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many minutes [do I need|does it take] to read all [|news ]articles that I saved?',
        '[Tell me|Find out] the reading time of all my saved [|news ]articles in minutes.',
      ],
      heldOut: [
        'In how many minutes can I read everything that I saved from the news?',
        'My saved articles are how many minutes of reading altogether?',
      ],
    },
    draw(draft) {
      const minutes = Number(field(draft.call('news:list_saved', {}), 'minutes'));
      const what = 'the minutes to read all saved articles';
      return { ...asking({}, [minutes], what), gives: minutes };
    },
  },
  {
    name: 'news_delivery',
    tools: ['news:list_subscriptions'],
    byName: false,
    gives: 'time',
    phrasings: {
      train: [
        'At what time do [|the ]articles on {topic} [arrive|come]?',
        '[Tell me|Look up] at what time my subscription to {topic} [delivers|arrives].',
        'What is the delivery time of my subscription to {topic}?',
      ],
      heldOut: [
        'My news subscription to {topic} comes at what time of day?',
        'I forgot when the articles on {topic} are delivered; what is the time?',
      ],
    },
    draw(draft) {
      const free = news(draft).subscriptions.filter(({ topic }) => !draft.isUsed(topic));
      if (free.length === 0) throw new Rejected('no unused subscription');
      const { topic, time } = draft.rng.pick(free);
      draft.claim(topic);
      draft.call('news:list_subscriptions', {});
      return { ...asking({ topic }, [time], `when articles on ${topic} arrive`), gives: time };
    },
  },
];

const CHANGES: readonly Family[] = [
  {
    name: 'news_save',
    tools: ['news:search', 'news:save_article'],
    byName: false,
    takes: 'text',
    phrasings: {
      train: [
        '[Save|Keep] the [|news ]article {headline} for later, with {note} as its note.',
        'Put the article {headline} among my saved ones, with {note} as [its|the] note.',
        'Save the news article {headline} and note {note} with it.',
      ],
      heldOut: [
        'I want to read the article {headline} later: save it, and let its note be {note}.',
        'The article {headline} belongs among my saved articles; its note is {note}.',
      ],
    },
    draw(draft) {
      const { saved } = news(draft);
      const { id, headline } = take(draft, (one) => !saved.some((item) => item.id === one.id));
      const { value: note, shown } = draft.given('text', () =>
        draft.fresh(pairName(draft.rng, draft.pool, 'memo', NOTE_WORDS)),
      );
      draft.call('news:search', { query: headline });
      draft.call('news:save_article', { id, note });
      return changing(
        { headline: `'${headline}'`, note: shown },
        `'${headline}' is saved with the note '${note}'`,
        [stateIs('news', ['saved', { id }, 'note'], note)],
      );
    },
  },
  {
    name: 'news_remove_saved',
    tools: ['news:list_saved', 'news:remove_saved'],
    byName: false,
    gives: 'text',
    phrasings: {
      train: [
        'Remove the {section} article from my saved [ones|articles] and tell me its headline.',
        '[Take|Drop] the one {section} article from my saved articles; what is its headline?',
        'I have read the {section} article that I saved; remove it and [name|give me] its headline.',
      ],
      heldOut: [
        'Unsave the only article on {section}, and say what headline it had.',
        'What is the headline of the article on {section} that I saved? It need not be saved any longer, so remove it.',
      ],
    },
    draw(draft) {
      const { id, section, headline } = draft.take(savedAlone(news(draft)));
      draft.call('news:list_saved', { section });
      draft.call('news:remove_saved', { id });
      const part = asking({ section }, [headline], `the headline of the ${section} article`);
      const state = stateIs('news', ['saved', { id }], null);
      const check = { kind: 'all' as const, checks: [part.requirement.check, state] };
      const description = `${part.requirement.description} It is no longer saved.`;
      return { ...part, requirement: { description, check }, gives: headline };
    },
  },
  {
    name: 'news_subscribe',
    tools: ['news:subscribe'],
    byName: false,
    takes: 'time',
    phrasings: {
      train: [
        'Subscribe me to {topic}, every {period} at {time}.',
        '[Send|Bring] me the news on {topic} every {period} at {time}.',
        'I want [articles|news|to get news] on {topic} every {period} at {time}.',
        'Set up a [|news ]subscription to {topic} for every {period} at {time}.',
      ],
      heldOut: [
        'Once a {period}, at {time}, articles on {topic} should come to me.',
        'Let articles on {topic} arrive every {period} at {time}.',
      ],
    },
    draw(draft) {
      const { subscriptions } = news(draft);
      const others = TOPICS.filter((topic) => subscriptions.every((item) => item.topic !== topic));
      const topic = draft.fresh(draft.rng.pick(others));
      const every = draft.rng.pick(PERIODS);
      const { value: time, shown } = draft.given('time', () => dayTime(draft.rng));
      draft.call('news:subscribe', { topic, delivery: { every, time } });
      return changing(
        { topic, period: every, time: shown },
        `articles on ${topic} come every ${every} at ${time}`,
        [stateIs('news', ['subscriptions', { topic }], { topic, every, time })],
      );
    },
  },
  {
    name: 'news_unsubscribe',
    tools: ['news:list_subscriptions', 'news:unsubscribe'],
    byName: false,
    phrasings: {
      train: [
        '[End|Cancel|Stop] my news subscription that comes every {period} at {time}.',
        'Unsubscribe me from the topic that [comes|arrives] every {period} at {time}.',
        'I want no more of the news that [comes|arrives] every {period} at {time}; end that subscription.',
      ],
      heldOut: [
        'The articles delivered every {period} at {time} need not come to me any longer: unsubscribe.',
        'One of my subscriptions arrives every {period} at {time}; let it end.',
      ],
    },
    draw(draft) {
      const { subscriptions } = news(draft);
      const clear = subscriptions.filter(
        (one) =>
          !draft.isUsed(one.topic) &&
          subscriptions.filter((other) => other.time === one.time && other.every === one.every)
            .length === 1,
      );
      if (clear.length === 0) throw new Rejected('no unused subscription');
      const { topic, every, time } = draft.rng.pick(clear);
      draft.claim(topic);
      draft.call('news:list_subscriptions', {});
      draft.call('news:unsubscribe', { topic });
      return changing({ period: every, time }, `there is no subscription to ${topic}`, [
        stateIs('news', ['subscriptions', { topic }], null),
      ]);
    },
  },
];

export const NEWS_REQUESTS: readonly Family[] = [...LOOKUPS, ...CHANGES];
