// Requests to the issue tracker. Knows nothing of how parts are combined.
import { defined } from '../../base/assert.ts';
import { type Draft, type Family, Rejected, stateIs } from '../draft.ts';
import { asking, changing, numberOf, rowsOf, textOf } from '../parts.ts';
import { ISSUE_LABELS, type Issue, type IssuesState, issueTitle } from '../servers/issues.ts';
import { lastOfTwoPages, quoted } from './office-rows.ts';

const allIssues = (draft: Draft) => draft.state<IssuesState>('issues').issues;
/** The issues that came with the world: one that a part opened is left as that part made it. */
const issues = (draft: Draft) => allIssues(draft).filter(({ author }) => author !== 'me');
const OPINIONS = [
  'fixed by the last change',
  'please add a picture',
  'same as before',
  'more in the meeting',
];

/** The id of an issue whose title may be misspelled in the request, and how it stands there. */
function findByTitle(draft: Draft, { title }: Issue): { id: string; shown: string } {
  const spelled = draft.spelled(title);
  const id = textOf(draft.find('issues:find_issue', 'title', spelled, title), 'id');
  return { id, shown: quoted(spelled) };
}

/** A title that no issue has. */
function newTitle(draft: Draft): string {
  let title = issueTitle(draft.rng, draft.pool);
  while (allIssues(draft).some((issue) => issue.title === title))
    title = issueTitle(draft.rng, draft.pool);
  return draft.fresh(title);
}

export const ISSUES_REQUESTS: readonly Family[] = [
  {
    name: 'issues_last_comment',
    tools: ['issues:find_issue', 'issues:list_comments'],
    byName: true,
    gives: 'person',
    phrasings: {
      train: [
        'Who [wrote the last comment on|commented last on] the issue {title}?',
        '[Tell me|Find out|Look up] who [commented last on|wrote the latest comment on] the issue {title}.',
        'From whom is the [last|latest] comment on the issue {title}?',
      ],
      heldOut: [
        'Name the author of the newest comment under the issue {title}.',
        'The discussion of the issue {title} ends with a comment by whom?',
      ],
    },
    draw(draft) {
      const issue = draft.take(issues(draft).filter(({ comments }) => comments.length > 0));
      const { id, shown } = findByTitle(draft, issue);
      const rows = rowsOf(draft.call('issues:list_comments', { id }), 'comments');
      const author = textOf(defined(rows.at(-1), 'comment'), 'author');
      return {
        ...asking({ title: shown }, [author], `who commented last on '${issue.title}'`),
        gives: author,
      };
    },
  },
  {
    name: 'issues_close',
    tools: ['issues:find_issue', 'issues:update_issue'],
    byName: true,
    phrasings: {
      train: [
        '[Close|Please close] the issue {title}.',
        'The issue {title} is [done|solved|fixed], [close it|so close it].',
        '[Set|Change] the state of the issue {title} to closed.',
      ],
      heldOut: [
        'Nothing is left to do for the issue {title}; it can be closed.',
        'I want the issue {title} to be in the state closed.',
      ],
    },
    draw(draft) {
      const issue = draft.take(issues(draft).filter(({ state }) => state === 'open'));
      const { id, shown } = findByTitle(draft, issue);
      draft.call('issues:update_issue', { id, changes: { state: 'closed' } });
      return changing({ title: shown }, `'${issue.title}' is closed`, [
        stateIs('issues', ['issues', { id }, 'state'], 'closed'),
      ]);
    },
  },
  {
    name: 'issues_assign',
    tools: ['issues:update_issue'],
    byName: false,
    takes: 'person',
    phrasings: {
      train: [
        '[Assign|Hand|Give] the issue {id} to {who}.',
        'Make {who} [the assignee of|responsible for] [|the issue ]{id}.',
        'Let {who} [take care of|work on|be assigned to] [|the issue ]{id}.',
        '[Set|Change] the assignee of {id} to {who}.',
      ],
      heldOut: [
        'From now on the issue {id} is on the desk of {who}; set the assignee.',
        'Reassign {id}: {who} should have it.',
      ],
    },
    draw(draft) {
      const { value: assignee, shown } = draft.given('person', () => draft.person());
      const { id } = draft.take(issues(draft).filter((issue) => issue.assignee !== assignee));
      draft.call('issues:update_issue', { id, changes: { assignee } });
      return changing({ id, who: shown }, `${id} is assigned to ${assignee}`, [
        stateIs('issues', ['issues', { id }, 'assignee'], assignee),
      ]);
    },
  },
  {
    name: 'issues_label',
    tools: ['issues:add_labels'],
    byName: false,
    phrasings: {
      train: [
        '[Add|Attach] the labels {a} and {b} to [|the issue ]{id}.',
        '[Label|Tag] [|the issue ]{id} with {a} and {b}.',
        'Put [the labels |]{a} and {b} on [|the issue ]{id}.',
      ],
      heldOut: [
        'What {id} lacks are the labels {a} and {b}; add both.',
        'Besides its other labels, give {id} the labels {a} and {b}.',
      ],
    },
    draw(draft) {
      const { id, labels } = draft.take(issues(draft));
      const free = ISSUE_LABELS.filter((label) => !labels.includes(label));
      const [a = 'bug', b = 'docs'] = draft.rng.sample(free, 2);
      draft.call('issues:add_labels', { id, labels: [a, b] });
      const all = ISSUE_LABELS.filter((label) => [...labels, a, b].includes(label));
      return changing({ id, a, b }, `${id} is labelled ${a} and ${b}`, [
        stateIs('issues', ['issues', { id }, 'labels'], all),
      ]);
    },
  },
  {
    name: 'issues_comment',
    tools: ['issues:find_issue', 'issues:add_comment'],
    byName: true,
    takes: 'text',
    phrasings: {
      train: [
        '[Comment|Write|Note] {text} on the issue {title}.',
        '[Add|Leave|Write] the comment {text} [on|under] the issue {title}.',
        'Add a comment to the issue {title} [that says|with the text] {text}.',
      ],
      heldOut: [
        'The issue {title} should get {text} as a comment.',
        'My comment on the issue {title} is {text}; post it there.',
      ],
    },
    draw(draft) {
      const { value: text, shown: said } = draft.given('text', () => draft.rng.pick(OPINIONS));
      const issue = draft.take(issues(draft));
      const { id, shown } = findByTitle(draft, issue);
      draft.call('issues:add_comment', { id, text });
      const comment = ['comments', { author: 'me' }, 'text'];
      return changing({ title: shown, text: said }, `'${issue.title}' has my comment '${text}'`, [
        stateIs('issues', ['issues', { id }, ...comment], text),
      ]);
    },
  },
  {
    name: 'issues_open_of',
    tools: ['issues:search_issues'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many open issues [are assigned to {who}|does {who} have]?',
        '[Count|Tell me the number of] the open issues [of|assigned to|that are with] {who}.',
        'How many issues that are still open [does {who} have|are with {who}]?',
      ],
      heldOut: [
        'State how many issues assigned to {who} are not closed yet.',
        'With {who} as the assignee, how many issues are open?',
      ],
    },
    draw(draft) {
      const { assignee } = draft.rng.pick(issues(draft).filter((issue) => issue.assignee !== null));
      const who = draft.fresh(String(assignee));
      const filter = { assignee: who, state: 'open' };
      const total = numberOf(draft.call('issues:search_issues', { filter }), 'total');
      return {
        ...asking({ who: quoted(who) }, [total], `how many open issues ${who} has`),
        gives: total,
      };
    },
  },
  {
    name: 'issues_milestone_due',
    tools: ['issues:find_issue', 'issues:get_issue', 'issues:list_milestones'],
    byName: true,
    gives: 'date',
    phrasings: {
      train: [
        'To which milestone does the issue {title} belong, and when is that [one|milestone] due?',
        '[Tell me|Find out|Look up] the milestone of the issue {title} and its due date.',
        'What is the milestone of the issue {title}, and on what date is it due?',
      ],
      heldOut: [
        'Name the milestone for which the issue {title} is planned, and the due date of it.',
        'The issue {title} is part of a milestone: which one, and what is its date?',
      ],
    },
    draw(draft) {
      const issue = draft.take(issues(draft).filter(({ milestone }) => milestone !== null));
      const { id, shown } = findByTitle(draft, issue);
      const title = textOf(draft.call('issues:get_issue', { id }), 'milestone');
      const rows = rowsOf(draft.call('issues:list_milestones', {}), 'milestones');
      const row = rows.find((item) => item['title'] === title);
      const due = textOf(defined(row, title), 'due');
      return {
        ...asking(
          { title: shown },
          [title, due],
          `the milestone of '${issue.title}' and its due date`,
        ),
        gives: due,
      };
    },
  },
  {
    name: 'issues_create',
    tools: ['issues:create_issue'],
    byName: false,
    phrasings: {
      train: [
        '[Open|Create|File] an issue [|titled |called ]{title} with the label {label} and assign it to {who}.',
        'Open a new issue {title}: label {label}, assignee {who}.',
        '{who} should [get|have] a new issue {title} with the label {label}, [open|create] it.',
      ],
      heldOut: [
        'We need an issue {title} that is labelled {label} and assigned to {who}.',
        'Put {title} into the tracker as a new issue; {label} is the label and {who} the assignee.',
      ],
    },
    draw(draft) {
      const title = newTitle(draft);
      const label = draft.rng.pick(ISSUE_LABELS);
      const assignee = draft.person();
      draft.call('issues:create_issue', { title, labels: [label], assignee });
      const path = ['issues', { title }];
      return changing(
        { title: quoted(title), label, who: quoted(assignee) },
        `there is an issue '${title}' with the label ${label} for ${assignee}`,
        [
          stateIs('issues', [...path, 'labels'], [label]),
          stateIs('issues', [...path, 'assignee'], assignee),
        ],
      );
    },
  },
  {
    name: 'issues_newest',
    tools: ['issues:search_issues', 'issues:search_issues', 'issues:get_issue'],
    byName: false,
    gives: 'text',
    phrasings: {
      train: [
        'What is the title of the [newest|latest] {state} issue[| in the tracker], and on what date was it opened?',
        '[Find|Look up] the [newest|most recent] {state} issue and [tell|give] me its title and the date [it was opened|of its opening].',
        'Of all {state} issues, give me the title and the opening date of the one that was opened last.',
      ],
      heldOut: [
        'Name the {state} issue with the latest opening date, and that date.',
        'Among all {state} issues one is the youngest: state its title and when it was opened.',
      ],
    },
    draw(draft) {
      const state = draft.rng.pick(['open', 'closed']);
      draft.claim(`newest ${state}`);
      const filter = { state };
      const newest = lastOfTwoPages((page) =>
        draft.call('issues:search_issues', page === null ? { filter } : { filter, page }),
      );
      const title = textOf(newest, 'title');
      const { id } = newest;
      const opened = textOf(draft.call('issues:get_issue', { id: String(id) }), 'opened');
      if (draft.isUsed(title)) throw new Rejected(`'${title}' is new`);
      return {
        ...asking({ state }, [title, opened], `the newest ${state} issue and its date`),
        gives: title,
      };
    },
  },
];
