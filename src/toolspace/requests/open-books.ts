// Requests to the open catalogue of books. Knows nothing of how parts are combined.
import { type Draft, type Family, stateIs } from '../draft.ts';
import { asking, changing, field, rowsOf } from '../parts.ts';
import { type OpenBooksState, SUBJECTS } from '../servers/open-books.ts';
import { entryAt } from './unseen-parts.ts';

const catalogue = (draft: Draft) => draft.state<OpenBooksState>('open_books');

export const OPEN_BOOKS_REQUESTS: readonly Family[] = [
  {
    name: 'open_books_writer',
    tools: ['open_books:resolve_title', 'open_books:work_summary', 'open_books:author_profile'],
    byName: true,
    gives: 'person',
    phrasings: {
      train: [
        'Who wrote {title}, and in what year was that author born?',
        '[Name|Tell me] the author of {title} and the year [of birth of that author|in which that author was born].',
        'Look up {title} in the open catalogue: [who is its author, and born in what year|what are name and birth year of its author]?',
      ],
      heldOut: [
        'By whose pen is {title}, and when was that person born?',
        'I need the name and birth year of the one who wrote {title}.',
      ],
    },
    draw(draft) {
      const { title } = draft.take(catalogue(draft).works);
      const spelled = draft.spelled(title);
      const { work } = draft.find('open_books:resolve_title', 'title', spelled, title);
      const { author } = draft.call('open_books:work_summary', { work: work ?? '' });
      const profile = draft.call('open_books:author_profile', { author: author ?? '' });
      const name = String(field(profile, 'name'));
      return {
        ...asking(
          { title: `'${spelled}'` },
          [name, field(profile, 'born')],
          `the author of '${title}' and the year of birth`,
        ),
        gives: name,
      };
    },
  },
  {
    name: 'open_books_pages',
    tools: ['open_books:resolve_title', 'open_books:work_editions'],
    byName: true,
    gives: 'number',
    phrasings: {
      train: [
        'How many pages has the {language} edition of {title}?',
        '[Find|Look up] the {language} edition of {title} and [tell|give] me its number of pages.',
        'What is the page count of {title} in [the {language} edition|{language}]?',
      ],
      heldOut: [
        'How thick is {title} in pages when read in {language}?',
        'State how many pages one has to read of {title} in the {language} edition.',
      ],
    },
    draw(draft) {
      const { works, editions } = catalogue(draft);
      const { id, title } = draft.take(works);
      const { language } = draft.rng.pick(editions.filter((edition) => edition.work === id));
      const spelled = draft.spelled(title);
      const { work } = draft.find('open_books:resolve_title', 'title', spelled, title);
      const found = draft.call('open_books:work_editions', { work: work ?? '', language });
      const pages = Number(field(entryAt(rowsOf(found, 'editions'), 0), 'pages'));
      return {
        ...asking(
          { title: `'${spelled}'`, language: capital(language) },
          [pages],
          `pages of '${title}' in ${language}`,
        ),
        gives: pages,
      };
    },
  },
  {
    name: 'open_books_recent',
    tools: ['open_books:works_on_subject', 'open_books:rating_summary'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'What is the average rating of the [newest|latest] work on {subject}?',
        'Find the most recent work on {subject} in the open catalogue and [give|tell] me its average rating.',
        'How do readers rate the newest work on {subject}, on average?',
        'Take the latest work on {subject}: what is its average of stars?',
      ],
      heldOut: [
        'Of all works on {subject}, how many stars has the one that appeared last, on average?',
        'Among the works on {subject}, take the youngest and state its mean rating.',
      ],
    },
    draw(draft) {
      const subject = draft.fresh(draft.rng.pick(SUBJECTS));
      const listed = draft.call('open_books:works_on_subject', { subject, sort: 'newest' });
      const work = String(field(entryAt(rowsOf(listed, 'items'), 0), 'work'));
      const average = Number(field(draft.call('open_books:rating_summary', { work }), 'average'));
      return {
        ...asking({ subject }, [average], `the average rating of the newest work on ${subject}`),
        gives: average,
      };
    },
  },
  {
    name: 'open_books_rate',
    tools: ['open_books:resolve_title', 'open_books:rate_work'],
    byName: true,
    takes: 'person',
    phrasings: {
      train: [
        '{who} [gives|awards] {title} {stars} stars[|: record it].',
        'Record a rating of {stars} stars [by|from] {who} for {title}.',
        'Rate {title} with {stars} stars in the name of {who}.',
      ],
      heldOut: [
        'As a reader, {who} thinks {title} is worth {stars} stars; enter that.',
        'Put down {stars} stars for {title}, given by {who}.',
      ],
    },
    draw(draft) {
      const { title } = draft.take(catalogue(draft).works);
      const { value: reader, shown } = draft.given('person', () => draft.person());
      const stars = draft.rng.int(2, 5);
      const spelled = draft.spelled(title);
      const found = draft.find('open_books:resolve_title', 'title', spelled, title);
      const work = String(field(found, 'work'));
      draft.call('open_books:rate_work', { work, rating: { reader, stars } });
      return changing(
        { who: shown, title: `'${spelled}'`, stars: String(stars) },
        `${reader} rates '${title}' with ${stars} stars`,
        [stateIs('open_books', ['works', { id: work }, 'ratings', { reader }, 'stars'], stars)],
      );
    },
  },
  {
    name: 'open_books_ratings',
    tools: ['open_books:rating_summary'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'What average rating [does the work {work} have|has the work {work}], and from how many readers?',
        '[Tell|Give] me the average [rating|number of stars] of {work} and the number of its ratings.',
        'How is {work} rated on average, and how many [readers rated it|ratings has it]?',
      ],
      heldOut: [
        'Summarise the ratings of {work}: mean of stars and number of readers.',
        'With how many stars, and by how many people, has {work} been rated?',
      ],
    },
    draw(draft) {
      const { id } = draft.take(catalogue(draft).works);
      const summary = draft.call('open_books:rating_summary', { work: id });
      const average = Number(field(summary, 'average'));
      return {
        ...asking({ work: id }, [average, field(summary, 'count')], `the ratings of ${id}`),
        gives: average,
      };
    },
  },
];

/** The name of a language as English writes it. */
function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
