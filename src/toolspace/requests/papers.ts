// Requests to the index of papers. Knows nothing of how parts are combined.
import { z } from 'zod';
import { defined } from '../../base/assert.ts';
import { type Draft, type Family, Rejected, stateIs } from '../draft.ts';
import { asking, changing, field } from '../parts.ts';
import { FIELDS, type Paper, type PapersState, SORTS } from '../servers/papers.ts';
import { pairName, words } from '../values.ts';

/** How a request speaks of an order. */
const ORDERS: Readonly<Record<(typeof SORTS)[number], string>> = {
  newest: 'the newest first',
  oldest: 'the oldest first',
  most_cited: 'the most cited first',
};
/** The places of the second page. */
const PLACES = ['sixth', 'seventh', 'eighth', 'ninth', 'tenth'];
const PAGE_ROWS = 5;
const ROWS = z.object({ items: z.array(z.object({ title: z.string() })) });

const NOTE_WORDS = [
  words(`
    check discuss compare cite extend verify question reuse reproduce present translate summarise
    print annotate simplify review study sketch
  `),
  words(`
    methods results proof tables figures appendix argument baseline notation limits claims
    definitions assumptions examples measurements charts abstract conclusion
  `),
] as const;

const index = (draft: Draft) => draft.state<PapersState>('papers');
const take = (draft: Draft, fits: (paper: Paper) => boolean = () => true) =>
  draft.take(index(draft).papers.filter(fits));

/** Resolves the title as it stands in the request. */
function resolve(draft: Draft, { id, title }: Paper) {
  const spelled = draft.spelled(title);
  draft.find('papers:resolve_title', 'title', spelled, title);
  return { id, shown: `'${spelled}'` };
}

const LOOKUPS: readonly Family[] = [
  {
    name: 'papers_first_author',
    tools: ['papers:resolve_title', 'papers:get_paper'],
    byName: true,
    gives: 'person',
    phrasings: {
      train: [
        'Who is the first author of [|the paper ]{title}?',
        '[Name|Tell me|Look up] the first author of [|the paper ]{title}.',
      ],
      heldOut: [
        'Whose name comes first among the authors of {title}?',
        'I need to know who the first author of the article {title} is.',
      ],
    },
    draw(draft) {
      const paper = take(draft);
      const { id, shown } = resolve(draft, paper);
      draft.call('papers:get_paper', { id });
      const author = defined(paper.authors[0], 'first author');
      return {
        ...asking({ title: shown }, [author], `the first author of ${id}`),
        gives: author,
      };
    },
  },
  {
    name: 'papers_h_index',
    tools: ['papers:resolve_title', 'papers:get_paper', 'papers:get_author'],
    byName: true,
    gives: 'number',
    phrasings: {
      train: [
        'Who is the last author of [|the paper ]{title}, and what is [his or her|their] h-index?',
        '[Find|Name|Give me] the last author of [|the paper ]{title} and the h-index of that author.',
      ],
      heldOut: [
        'What h-index does the last author of {title} have, and who is it?',
        'Look up who stands last among the authors of {title}, with the h-index.',
      ],
    },
    draw(draft) {
      const paper = take(draft, ({ authors }) => authors.length > 1);
      const { id, shown } = resolve(draft, paper);
      draft.call('papers:get_paper', { id });
      const name = defined(paper.authors.at(-1), 'last author');
      const h = Number(field(draft.call('papers:get_author', { name }), 'h_index'));
      return {
        ...asking({ title: shown }, [name, h], `the last author of ${id} and the h-index`),
        gives: h,
      };
    },
  },
  {
    name: 'papers_cited_by',
    tools: ['papers:resolve_title', 'papers:get_citations'],
    byName: true,
    gives: 'number',
    phrasings: {
      train: [
        'How many papers cite {title}?',
        '[Count the|Tell me the number of|Find out the number of] papers that cite {title}.',
        'How [often|many times] has [|the paper ]{title} been cited?',
      ],
      heldOut: [
        'State the number of citations of {title}.',
        'In how many other papers is {title} cited?',
      ],
    },
    draw(draft) {
      const { id, shown } = resolve(draft, take(draft));
      const total = Number(field(draft.call('papers:get_citations', { id }), 'total'));
      return { ...asking({ title: shown }, [total], `how many papers cite ${id}`), gives: total };
    },
  },
  {
    name: 'papers_oldest_reference',
    tools: ['papers:resolve_title', 'papers:get_references'],
    byName: true,
    gives: 'text',
    phrasings: {
      train: [
        '[What|Which] is the oldest paper that {title} cites?',
        'Which paper is the oldest [among the references of|of those cited in] {title}?',
        '[Find|Name|Give me the title of] the oldest paper that {title} cites.',
      ],
      heldOut: [
        'Among all that {title} cites, which paper came out first?',
        'Go through the references of {title} and name the earliest one.',
      ],
    },
    draw(draft) {
      const { papers } = index(draft);
      const oldestOf = ({ cites }: Paper) => {
        const cited = papers.filter(({ id }) => cites.includes(id));
        const least = Math.min(...cited.map(({ year }) => year));
        return cited.filter(({ year }) => year === least);
      };
      const paper = take(draft, (one) => oldestOf(one).length === 1);
      const { id, shown } = resolve(draft, paper);
      draft.call('papers:get_references', { id });
      const { title } = defined(oldestOf(paper)[0], 'oldest reference');
      return {
        ...asking({ title: shown }, [title], `the oldest paper that ${id} cites`),
        gives: title,
      };
    },
  },
  {
    name: 'papers_ranked',
    tools: ['papers:search', 'papers:search'],
    byName: false,
    gives: 'text',
    phrasings: {
      train: [
        'List the {field} papers, {order}: [which|what] is the {place}?',
        'Which paper is the {place} when the {field} papers are [listed|sorted], {order}?',
        'With the {field} papers in order, {order}, [which|what] is the {place} one?',
      ],
      heldOut: [
        'Sort all papers in {field}, {order}, and name the {place} one.',
        'I need the title of the {place} paper in a list of the {field} papers with {order}.',
      ],
    },
    draw(draft) {
      const { papers } = index(draft);
      const count = (name: string) => papers.filter((paper) => paper.field === name).length;
      const long = FIELDS.filter((name) => count(name) > PAGE_ROWS);
      const query = draft.rng.pick(long);
      const sort = draft.rng.pick(SORTS);
      const at = draft.rng.int(0, Math.min(count(query), 2 * PAGE_ROWS) - PAGE_ROWS - 1);
      const first = draft.call('papers:search', { query, sort });
      const page = field(first, 'nextPage');
      const { items } = ROWS.parse(draft.call('papers:search', { query, sort, page }));
      const { title } = defined(items[at], 'row');
      const place = defined(PLACES[at], 'place');
      const slots = { field: query, order: ORDERS[sort], place };
      const what = `the ${place} paper in ${query}, ${ORDERS[sort]}`;
      return { ...asking(slots, [title], what), gives: title };
    },
  },
  {
    name: 'papers_count',
    tools: ['papers:search'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many {field} papers [appeared|were published|came out] from {from} to {to}?',
        '[Count the|Tell me the number of] {field} papers of the years {from} to {to}.',
        'How many papers in {field} are from the years {from} to {to}?',
      ],
      heldOut: [
        'The index has how many papers in {field} of {from} to {to}?',
        'State how many {field} papers are no older than {from} and no newer than {to}.',
      ],
    },
    draw(draft) {
      const query = draft.rng.pick(FIELDS);
      const from = draft.rng.int(1995, 2008);
      const to = from + draft.rng.int(4, 15);
      const found = draft.call('papers:search', { query, years: { from, to } });
      const total = Number(field(found, 'total'));
      const slots = { field: query, from: String(from), to: String(to) };
      const what = `how many papers in ${query} are from ${from} to ${to}`;
      return { ...asking(slots, [total], what), gives: total };
    },
  },
  {
    name: 'papers_unread',
    tools: ['papers:get_reading_list'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many papers [of|on] my [reading |]list {list} are [still |]unread?',
        'Count the unread papers [of|on] my reading list {list}.',
        'How many papers have I left to read on [my|the] reading list {list}?',
      ],
      heldOut: [
        'My reading list {list} still has how many unread papers?',
        'State the number of papers on the list {list} that I have not read.',
      ],
    },
    draw(draft) {
      const { name } = draft.take(index(draft).lists);
      const found = draft.call('papers:get_reading_list', { list: name, unread_only: true });
      const total = Number(field(found, 'total'));
      const what = `how many papers of '${name}' are unread`;
      return { ...asking({ list: `'${name}'` }, [total], what), gives: total };
    },
  },
];

const CHANGES: readonly Family[] = [
  {
    name: 'papers_keep',
    tools: ['papers:resolve_title', 'papers:add_to_reading_list'],
    byName: true,
    takes: 'text',
    phrasings: {
      train: [
        'Put [|the paper ]{title} on my reading list {list} with {note} as [its|the] note.',
        'Add [|the paper ]{title} to my reading list {list}, with {note} as [its|the] note.',
        'To my reading list {list}, add {title} with {note} as [its|the] note.',
      ],
      heldOut: [
        'My reading list {list} should have {title} too; let its note be {note}.',
        'I mean to read {title}: put it on the list {list} and write {note} there as a note.',
      ],
    },
    draw(draft) {
      const list = draft.rng.pick(index(draft).lists);
      const paper = take(draft, ({ id }) => list.entries.every((entry) => entry.paper !== id));
      const { value: note, shown: noted } = draft.given('text', () =>
        draft.fresh(pairName(draft.rng, draft.pool, 'note', NOTE_WORDS)),
      );
      const { id, shown } = resolve(draft, paper);
      draft.call('papers:add_to_reading_list', { list: list.name, paper_id: id, note });
      return changing(
        { title: shown, list: `'${list.name}'`, note: noted },
        `${id} is on '${list.name}' with the note '${note}'`,
        [stateIs('papers', ['lists', { id: list.id }, 'entries', { paper: id }, 'note'], note)],
      );
    },
  },
  {
    name: 'papers_mark_read',
    tools: ['papers:resolve_title', 'papers:mark_read'],
    byName: true,
    phrasings: {
      train: [
        '[Mark|Check off] {title} as read on my reading list {list}.',
        'On [my|the] reading list {list}, mark {title} as read.',
        'I have read {title}; [mark|note] that on my reading list {list}.',
      ],
      heldOut: [
        'The paper {title} of my list {list} is read now; record that.',
        'Note for the reading list {list} that I am through with {title}.',
      ],
    },
    draw(draft) {
      const { papers, lists } = index(draft);
      const open = lists.flatMap((list) =>
        list.entries
          .filter(({ read, paper }) => !read && !draft.isUsed(paper))
          .flatMap((entry) => papers.filter(({ id }) => id === entry.paper))
          .map((paper) => ({ list, paper })),
      );
      if (open.length === 0) throw new Rejected('all is read');
      const { list, paper } = draft.rng.pick(open);
      draft.claim(paper.id);
      const { id, shown } = resolve(draft, paper);
      draft.call('papers:mark_read', { list: list.name, paper_id: id });
      return changing({ title: shown, list: `'${list.name}'` }, `${id} is read on '${list.name}'`, [
        stateIs('papers', ['lists', { id: list.id }, 'entries', { paper: id }, 'read'], true),
      ]);
    },
  },
];

export const PAPERS_REQUESTS: readonly Family[] = [...LOOKUPS, ...CHANGES];
