// Requests to the wiki. Knows nothing of how parts are combined.
import { defined } from '../../base/assert.ts';
import { type Draft, type Family, Rejected, stateIs } from '../draft.ts';
import { asking, changing, field } from '../parts.ts';
import {
  type Article,
  CATEGORIES,
  HEADINGS,
  type Heading,
  placeName,
  type WikiState,
} from '../servers/wiki.ts';
import { pairName, words } from '../values.ts';

/** What the number in a section is. */
const FACTS: Readonly<Record<Heading, string>> = {
  History: 'the year of the first charter',
  Geography: 'the height above the sea',
  Climate: 'the yearly rainfall',
  Business: 'the number of workers at the largest employer',
  Transport: 'the daily number of trains',
  Culture: 'the number of visitors at the summer fair',
};
/** Words of the sections. */
const WORDS = ['charter', 'sea', 'rainfall', 'employer', 'trains', 'fair'];

const REMARK_WORDS = [
  words(`
    Closed Flooded Rebuilt Renamed Sold Painted Cleared Widened Deepened Mapped Restored Abandoned
    Repaired Inspected Fenced Paved Replanted Surveyed Drained Reopened
  `),
  words(`
    twice recently briefly entirely partly again overnight locally early late jointly quietly
    quickly formally officially carefully privately slowly thoroughly lately
  `),
] as const;

const articles = (draft: Draft) => draft.state<WikiState>('wiki').articles;
const take = (draft: Draft, fits: (article: Article) => boolean = () => true) =>
  draft.take(articles(draft).filter(fits));
const remark = (draft: Draft) =>
  draft.given('text', () => draft.fresh(pairName(draft.rng, draft.pool, 'remark', REMARK_WORDS)));

/** A title that no article has. */
function newTitle(draft: Draft): string {
  const known = articles(draft).map(({ title }) => title);
  let title = placeName(draft.rng, draft.pool);
  while (known.includes(title)) title = placeName(draft.rng, draft.pool);
  return title;
}

/** Rows of `list_revisions` in one page. */
const PAGE_ROWS = 5;

const LOOKUPS: readonly Family[] = [
  {
    name: 'wiki_fact',
    tools: ['wiki:get_article', 'wiki:get_section'],
    byName: true,
    gives: 'number',
    phrasings: {
      train: [
        'What is {fact} of {title}[|, according to the wiki]?',
        'Look up {fact} of {title}[| in the wiki].',
        '[Find out|Tell me|Give me] {fact} of {title}.',
        'What does the wiki [give as|say is] {fact} of {title}?',
      ],
      heldOut: ['I need to know {fact} of {title}.', 'By the wiki, what is {fact} of {title}?'],
    },
    draw(draft) {
      const { title, sections } = take(draft);
      const facts = HEADINGS.flatMap((heading) => {
        const text = sections.find((section) => section.heading === heading)?.text ?? '';
        const digits = /\d+/.exec(text)?.[0];
        return digits === undefined ? [] : [{ heading, value: Number(digits) }];
      });
      if (facts.length === 0) throw new Rejected('no section has a number');
      const { heading, value } = draft.rng.pick(facts);
      const spelled = draft.spelled(title);
      draft.find('wiki:get_article', 'title', spelled, title);
      draft.call('wiki:get_section', { title, heading });
      const fact = FACTS[heading];
      return {
        ...asking({ fact, title: `'${spelled}'` }, [value], `${fact} of '${title}'`),
        gives: value,
      };
    },
  },
  {
    name: 'wiki_last_editor',
    tools: ['wiki:list_revisions'],
    byName: true,
    gives: 'person',
    phrasings: {
      train: [
        'Who [was the last to edit|last edited|made the latest change to] [|the article ]{title}?',
        '[Name|Tell me] the last editor of [|the wiki article ]{title}.',
      ],
      heldOut: [
        'The newest revision of {title} is by whom?',
        'I want to know whose edit of {title} is the latest.',
      ],
    },
    draw(draft) {
      const { title } = take(draft);
      const spelled = draft.spelled(title);
      draft.find('wiki:list_revisions', 'title', spelled, title);
      const editor = defined(
        articles(draft)
          .find((article) => article.title === title)
          ?.revisions.at(-1)?.editor,
        'last editor',
      );
      return {
        ...asking({ title: `'${spelled}'` }, [editor], `who last edited '${title}'`),
        gives: editor,
      };
    },
  },
  {
    name: 'wiki_created',
    tools: ['wiki:list_revisions', 'wiki:list_revisions'],
    byName: true,
    gives: 'date',
    phrasings: {
      train: [
        '[When|On what date] and by whom was [|the article ]{title} created?',
        'Who [created|started] [|the wiki article ]{title}, and [when|on what date]?',
      ],
      heldOut: [
        'State the date and the editor of the first revision of {title}.',
        'Go back to the oldest revision of {title}: what is its date, and who made it?',
      ],
    },
    draw(draft) {
      const { title, revisions } = take(
        draft,
        ({ revisions: all }) => all.length > PAGE_ROWS && all.length <= 2 * PAGE_ROWS,
      );
      const spelled = draft.spelled(title);
      const first = draft.find('wiki:list_revisions', 'title', spelled, title);
      draft.call('wiki:list_revisions', { title, page: field(first, 'nextPage') });
      const { date, editor } = defined(revisions[0], 'first revision');
      const what = `when and by whom '${title}' was created`;
      return { ...asking({ title: `'${spelled}'` }, [date, editor], what), gives: date };
    },
  },
  {
    name: 'wiki_backlinks',
    tools: ['wiki:list_links'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many [|other |wiki ]articles link to {title}?',
        'Count the [|wiki ]articles that [link to|have a link to] {title}.',
      ],
      heldOut: [
        'From how many articles does a link lead to {title}?',
        'State the number of articles with a link to {title}.',
      ],
    },
    draw(draft) {
      const { title } = take(draft);
      const found = draft.call('wiki:list_links', { title, direction: 'to' });
      const count = Number(field(found, 'count'));
      const what = `how many articles link to '${title}'`;
      return { ...asking({ title: `'${title}'` }, [count], what), gives: count };
    },
  },
  {
    name: 'wiki_mentions',
    tools: ['wiki:search'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many {category} articles [|of the wiki ]mention [|the word ]{word}?',
        'Count the {category} articles [|of the wiki ][that mention|that contain|with] [|the word ]{word}.',
      ],
      heldOut: [
        'In how many {category} articles does {word} occur?',
        'Search the wiki for {word}: how many {category} articles have it?',
      ],
    },
    draw(draft) {
      const word = draft.rng.pick(WORDS);
      const category = draft.rng.pick(CATEGORIES);
      const total = Number(field(draft.call('wiki:search', { text: word, category }), 'total'));
      const what = `how many ${category} articles mention '${word}'`;
      return { ...asking({ category, word: `'${word}'` }, [total], what), gives: total };
    },
  },
];

const CHANGES: readonly Family[] = [
  {
    name: 'wiki_edit',
    tools: ['wiki:edit_section'],
    byName: false,
    takes: 'text',
    phrasings: {
      train: [
        'Make the {heading} section of [|the article ]{title} say {text}.',
        '[Replace|Overwrite] the {heading} section of {title} with {text}.',
        'Set the {heading} section of [|the article ]{title} to {text}.',
        'In [|the article ]{title}, let the section {heading} [say|read] {text}.',
      ],
      heldOut: [
        'Edit {title} so that its {heading} section says {text}.',
        'The {heading} section of {title} is wrong; put {text} there instead.',
      ],
    },
    draw(draft) {
      const { title, sections } = take(draft, (one) => !one.protected && one.sections.length > 0);
      const { heading } = draft.rng.pick(sections);
      const { value: text, shown } = remark(draft);
      draft.call('wiki:edit_section', { title, heading, text });
      return changing(
        { heading, title: `'${title}'`, text: shown },
        `the ${heading} section of '${title}' says '${text}'`,
        [stateIs('wiki', ['articles', { title }, 'sections', { heading }, 'text'], text)],
      );
    },
  },
  {
    name: 'wiki_link',
    tools: ['wiki:add_link'],
    byName: false,
    phrasings: {
      train: [
        'Link [|the article ]{from} to {to}.',
        'In [|the article ]{from}, add a link to {to}.',
        '[Give|Add to] [|the article ]{from} a link to {to}.',
      ],
      heldOut: [
        'Readers of {from} should find a link to {to} there.',
        'From {from} a link should lead to {to}; add it.',
      ],
    },
    draw(draft) {
      const from = take(draft, (article) => !article.protected);
      const to = take(draft, ({ title }) => !from.links.includes(title)).title;
      const { links } = draft.call('wiki:add_link', { from: from.title, to });
      return changing(
        { from: `'${from.title}'`, to: `'${to}'` },
        `'${from.title}' links to '${to}'`,
        [stateIs('wiki', ['articles', { title: from.title }, 'links'], defined(links, 'links'))],
      );
    },
  },
  {
    name: 'wiki_create',
    tools: ['wiki:create_article'],
    byName: false,
    takes: 'text',
    phrasings: {
      train: [
        '[Create|Start|Write] a {category} article {title} with a {heading} section that says {text}.',
        'Add a {category} article called {title}, whose {heading} section says {text}.',
        'Add an article called {title} in the category {category}; its {heading} section [says|reads] {text}.',
        'Create {title} as a {category} article, and let its {heading} section [say|read] {text}.',
      ],
      heldOut: [
        'The wiki lacks {title}: make it a {category} article with {text} in a {heading} section.',
        'Begin a page {title} in the category {category}, with {text} under the heading {heading}.',
      ],
    },
    draw(draft) {
      const title = newTitle(draft);
      const category = draft.rng.pick(CATEGORIES);
      const heading = draft.rng.pick(HEADINGS);
      const { value: text, shown } = remark(draft);
      const sections = [{ heading, text }];
      draft.call('wiki:create_article', { title, category, sections });
      // No later part may change it.
      draft.take(articles(draft).filter((article) => article.title === title));
      const path = ['articles', { title }];
      return changing(
        { category, title: `'${title}'`, heading, text: shown },
        `there is a ${category} article '${title}' with a ${heading} section '${text}'`,
        [
          stateIs('wiki', [...path, 'category'], category),
          stateIs('wiki', [...path, 'sections'], sections),
        ],
      );
    },
  },
  {
    name: 'wiki_protect',
    tools: ['wiki:set_protection'],
    byName: false,
    phrasings: {
      train: [
        '[Protect|Lock] [|the article |the wiki article ]{title}[| against edits].',
        'Let nobody edit [|the article ]{title} any more.',
      ],
      heldOut: [
        'Close [|the wiki page ]{title} to edits.',
        'Edits of {title} must stop; see to its protection.',
      ],
    },
    draw(draft) {
      const { title } = take(draft, (article) => !article.protected);
      draft.call('wiki:set_protection', { title, protected: true });
      return changing({ title: `'${title}'` }, `'${title}' is protected`, [
        stateIs('wiki', ['articles', { title }, 'protected'], true),
      ]);
    },
  },
];

export const WIKI_REQUESTS: readonly Family[] = [...LOOKUPS, ...CHANGES];
