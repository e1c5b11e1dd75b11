// Requests to the index of medical abstracts. Knows nothing of how parts are combined.
import { type Draft, type Family, stateIs } from '../draft.ts';
import { asking, changing, field, rowsOf } from '../parts.ts';
import type { MedlineState } from '../servers/medline.ts';
import { pairName, words } from '../values.ts';
import { entryAt, textsOf } from './unseen-parts.ts';

const articles = (draft: Draft) => draft.state<MedlineState>('medline').articles;

const LIST_FIRSTS = words(`
  urgent weekend seminar lecture thesis reviewer clinic committee morning audit grant teaching
  ward doctoral conference emergency nursing student
`);
const LIST_SECONDS = words(`
  backlog basket bundle collection digest folder homework list packet picks pile queue reading
  selection shelf shortlist stack tray
`);

export const MEDLINE_REQUESTS: readonly Family[] = [
  {
    name: 'medline_journal',
    tools: ['medline:search_abstracts', 'medline:abstract_details'],
    byName: false,
    gives: 'person',
    phrasings: {
      train: [
        'Who is the first author of the article {title}, and in which journal did it appear?',
        'Look up the abstract {title} and [tell|give] me its first author and its journal.',
        '[Name|State] the first author and the journal of the medical article {title}.',
        'In the medical index, find {title}: who is named first among its authors, and what journal printed it?',
      ],
      heldOut: [
        'I want to cite {title}. Whose name comes first, and which journal is it from?',
        'By whom, in first place, and in what journal was {title} published?',
      ],
    },
    draw(draft) {
      const { title } = draft.take(articles(draft));
      const found = draft.call('medline:search_abstracts', { text: title });
      const rows = rowsOf(found, 'items').filter((row) => row['title'] === title);
      const pmid = String(field(entryAt(rows, 0), 'pmid'));
      const details = draft.call('medline:abstract_details', { pmid });
      const author = entryAt(textsOf(details, 'authors'), 0);
      return {
        ...asking(
          { title: `'${title}'` },
          [author, field(details, 'journal')],
          `first author and journal of '${title}'`,
        ),
        gives: author,
      };
    },
  },
  {
    name: 'medline_related',
    tools: ['medline:related_articles', 'medline:abstract_details'],
    byName: false,
    gives: 'text',
    phrasings: {
      train: [
        'What is the title of the article that is most related to {pmid}?',
        'Find the closest relative of {pmid} [among the abstracts|in the index] and [tell|give] me its title.',
        'Which title has the abstract that is [most|most closely] related to {pmid}?',
        'Name the title of the article that ranks first as related to {pmid}.',
      ],
      heldOut: [
        'Someone who read {pmid} should read what next? Give the title of the most related article.',
        'Of all that is related to {pmid}, state the title at the top of the ranking.',
      ],
    },
    draw(draft) {
      const { id } = draft.take(articles(draft));
      const related = draft.call('medline:related_articles', { pmid: id });
      const pmid = String(field(entryAt(rowsOf(related, 'related'), 0), 'pmid'));
      const title = String(field(draft.call('medline:abstract_details', { pmid }), 'title'));
      return {
        ...asking({ pmid: id }, [title], `the title most related to ${id}`),
        gives: title,
      };
    },
  },
  {
    name: 'medline_keyword',
    tools: ['medline:keywords_of', 'medline:search_abstracts'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many articles does a search for the main keyword of {pmid} find?',
        'Take the main keyword of {pmid} and [count the abstracts|tell me how many abstracts there are] with it.',
        'What is the number of abstracts found by searching for the main keyword of {pmid}?',
        'Search the abstracts for the main keyword of {pmid}: how many are there?',
        'Look up the main keyword of {pmid}, search for it and [report|give] the number of hits.',
      ],
      heldOut: [
        'Under the keyword that {pmid} has first, how many articles stand in the index?',
        'Find out how common the main keyword of {pmid} is: the count of articles that a search gives.',
      ],
    },
    draw(draft) {
      const { id } = draft.take(articles(draft));
      const main = String(field(draft.call('medline:keywords_of', { pmid: id }), 'main'));
      const found = draft.call('medline:search_abstracts', { text: main });
      const total = Number(field(found, 'total'));
      return {
        ...asking({ pmid: id }, [total], `how many articles have the keyword '${main}'`),
        gives: total,
      };
    },
  },
  {
    name: 'medline_trial',
    tools: ['medline:abstract_details', 'medline:trial_record'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many people were enrolled in the trial that {pmid} reports, and who sponsored it?',
        '[Look up|Find] the trial behind {pmid}: how many were enrolled, and by whom was it sponsored?',
        '[Tell|Give] me the enrolment and the sponsor of the trial reported in {pmid}.',
        'What enrolment and what sponsor has the trial [that {pmid} reports|behind {pmid}]?',
      ],
      heldOut: [
        'The article {pmid} rests on a trial: state its number of participants and its sponsor.',
        'For the trial of {pmid}, name first how many took part, then who paid for it.',
      ],
    },
    draw(draft) {
      const { id } = draft.take(articles(draft).filter((article) => article.trial !== null));
      const { trial } = draft.call('medline:abstract_details', { pmid: id });
      const entry = draft.call('medline:trial_record', { id: trial ?? '' });
      const enrolled = Number(field(entry, 'enrolled'));
      return {
        ...asking(
          { pmid: id },
          [enrolled, field(entry, 'sponsor')],
          `enrolment and sponsor of the trial of ${id}`,
        ),
        gives: enrolled,
      };
    },
  },
  {
    name: 'medline_match',
    tools: ['medline:match_trials'],
    byName: false,
    phrasings: {
      train: [
        'Which {status} trial on {condition} is the [largest|biggest], and how many people are enrolled?',
        'Find the largest {status} trial on {condition} and [tell|give] me its id and enrolment.',
        'Among the {status} trials on {condition}, [name|state] the one with most people enrolled, and how many they are.',
        'What is the id of the biggest {status} trial on {condition}, and what is its enrolment?',
      ],
      heldOut: [
        'For {condition}, which trial with status {status} has the highest enrolment, and what is the figure?',
        'Of the trials on {condition} that are listed as {status}, give the most populous one and its size.',
      ],
    },
    draw(draft) {
      const { trials } = draft.state<MedlineState>('medline');
      const { condition, status } = draft.take(trials);
      const matched = draft.call('medline:match_trials', { condition, status });
      const largest = entryAt(rowsOf(matched, 'trials'), 0);
      return asking(
        { condition, status },
        [field(largest, 'id'), field(largest, 'enrolled')],
        `the largest ${status} trial on ${condition}`,
      );
    },
  },
  {
    name: 'medline_keep',
    tools: ['medline:keep_abstract'],
    byName: false,
    takes: 'text',
    phrasings: {
      train: [
        '[Put|Keep] {pmid} on the reading list [called|named] {list}.',
        'Add [the abstract |]{pmid} to my reading list called {list}.',
        'Begin a reading list with the name {list} and put {pmid} on it.',
        'Save {pmid} to the list that is called {list}.',
      ],
      heldOut: [
        'I want to find {pmid} again under {list}; keep it there.',
        'The reading list under the name {list} should contain {pmid}.',
      ],
    },
    draw(draft) {
      const { id } = draft.take(articles(draft));
      const { value: list, shown } = draft.given('text', () =>
        draft.fresh(pairName(draft.rng, draft.pool, 'reading list', [LIST_FIRSTS, LIST_SECONDS])),
      );
      draft.call('medline:keep_abstract', { pmid: id, list });
      return changing({ pmid: id, list: shown }, `${id} is on the list '${list}'`, [
        stateIs('medline', ['lists', { id: list }, 'articles'], [id]),
      ]);
    },
  },
];
