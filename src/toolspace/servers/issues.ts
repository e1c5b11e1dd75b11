// The built-in issue tracker: issues with labels, an assignee, comments and milestones. Knows nothing of tasks or
// transports.
import { z } from 'zod';
import { defined } from '../../base/assert.ts';
import type { Rng } from '../../base/rng.ts';
import {
  byId,
  byName,
  changed,
  defineTool,
  drawIds,
  nextId,
  pageOf,
  pageSchema,
  type ServerDef,
} from '../server.ts';
import { distinct, type Pool, pairName, personName, shiftDate, words } from '../values.ts';

export const ISSUE_LABELS = [
  'bug',
  'design',
  'docs',
  'feature',
  'performance',
  'question',
  'security',
] as const;
const STATES = ['open', 'closed'] as const;

type Comment = { author: string; date: string; text: string };
/** `assignee` and `milestone` are null when there is none; labels stand in the order of their list. */
export type Issue = {
  id: string;
  title: string;
  state: string;
  labels: string[];
  assignee: string | null;
  milestone: string | null;
  author: string;
  opened: string;
  comments: Comment[];
};
type Milestone = { id: string; title: string; due: string };
export type IssuesState = { issues: Issue[]; milestones: Milestone[] };

const FIRST_WORDS = words(`
  archive avatar cache calendar cursor dashboard editor exporter footer gallery importer layout menu
  parser preview sidebar slider thumbnail toolbar validator
`);
const SECOND_WORDS = words(`
  alignment animation cleanup contrast deadlock duplicates encoding fallback headings latency
  migration offset overflow permissions redirect rewrite shortcuts spacing timeout truncation
`);
const CODE_WORDS = words(`
  arctic autumn boreal canyon coastal desert dune fjord glacier highland lowland monsoon polar prairie
  savanna steppe tropic tundra valley volcanic
`);
const BIRD_WORDS = words(`
  bittern condor crane curlew dipper dunlin egret finch gannet godwit grebe harrier hoopoe kestrel
  lapwing merlin plover puffin swift wren
`);
const REMARKS = [
  'happens here too',
  'can be seen on every screen',
  'needs a test first',
  'looks good to me',
  'depends on the next release',
  'could not be repeated',
];

/** The title of an issue, such as `parser deadlock`. */
export function issueTitle(rng: Rng, pool: Pool): string {
  return pairName(rng, pool, 'issue', [FIRST_WORDS, SECOND_WORDS]);
}

const issueId = z.string().describe('issue id, such as ISS-214');
const label = z.enum(ISSUE_LABELS);
const stateSchema = z.enum(STATES);
const milestone = z.string().describe('title of a milestone');
const row = z.strictObject({ id: z.string(), title: z.string(), state: stateSchema });
const card = row.extend({
  labels: z.array(label),
  assignee: z.string().nullable(),
  milestone: z.string().nullable(),
  author: z.string(),
  opened: z.string(),
  comments: z.int(),
});

const same = (a: string | null, b: string) => a?.toLowerCase() === b.trim().toLowerCase();

function cardOf({ comments, ...rest }: Issue): z.infer<typeof card> {
  return card.parse({ ...rest, comments: comments.length });
}

const searchIssues = defineTool({
  name: 'search_issues',
  description: 'Searches issues by words of the title and by what they are, the oldest first.',
  input: z.strictObject({
    query: z.string().default('').describe('words of the title'),
    filter: z
      .strictObject({ state: stateSchema, label, assignee: z.string(), milestone })
      .partial()
      .optional()
      .describe('only issues that fit'),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(row),
  kind: 'reads',
  run(state: IssuesState, { query, filter = {}, page }) {
    const wanted = query.trim().toLowerCase();
    const found = state.issues.filter(
      (issue) =>
        issue.title.toLowerCase().includes(wanted) &&
        (filter.state === undefined || issue.state === filter.state) &&
        (filter.label === undefined || issue.labels.includes(filter.label)) &&
        (filter.assignee === undefined || same(issue.assignee, filter.assignee)) &&
        (filter.milestone === undefined || same(issue.milestone, filter.milestone)),
    );
    return pageOf(
      found.map(({ id, title, state: now }) => ({ id, title, state: stateSchema.parse(now) })),
      page,
    );
  },
});

const findIssue = defineTool({
  name: 'find_issue',
  description: 'Finds an issue by its exact title and tells its id and state.',
  input: z.strictObject({ title: z.string() }),
  output: z.strictObject({ id: z.string(), state: stateSchema }),
  kind: 'reads',
  run(state: IssuesState, { title }) {
    const issue = byName(state.issues, title, (item) => item.title);
    if (typeof issue === 'string') return { error: issue };
    return { value: { id: issue.id, state: stateSchema.parse(issue.state) } };
  },
});

const getIssue = defineTool({
  name: 'get_issue',
  description: 'Reads an issue: its labels, assignee, milestone, and how many comments it has.',
  input: z.strictObject({ id: issueId }),
  output: card,
  kind: 'reads',
  run(state: IssuesState, { id }) {
    const issue = byId(state.issues, id);
    return typeof issue === 'string' ? { error: issue } : { value: cardOf(issue) };
  },
});

/** The title of a milestone as it is written there. */
function milestoneTitle(state: IssuesState, title: string): { title: string } | { error: string } {
  const found = byName(state.milestones, title, (item) => item.title);
  return typeof found === 'string' ? { error: `milestone: ${found}` } : { title: found.title };
}

const inOrder = (labels: readonly string[]) => ISSUE_LABELS.filter((item) => labels.includes(item));

const createIssue = defineTool({
  name: 'create_issue',
  description:
    'Opens an issue. Fails when an issue has that title already or the milestone is unknown.',
  input: z.strictObject({
    title: z.string().trim().min(1),
    labels: z.array(label).default([]),
    assignee: z.string().min(1).optional().describe('name of a person'),
    milestone: milestone.optional(),
  }),
  output: z.strictObject({ id: z.string() }),
  kind: 'adds',
  run(state: IssuesState, args, clock) {
    const other = state.issues.find(({ title }) => same(title, args.title));
    if (other !== undefined) return { error: `title: '${other.title}' is ${other.id} already` };
    const found = args.milestone === undefined ? null : milestoneTitle(state, args.milestone);
    if (found !== null && 'error' in found) return found;
    const issue: Issue = {
      id: nextId('ISS', state.issues),
      title: args.title,
      state: 'open',
      labels: inOrder(args.labels),
      assignee: args.assignee ?? null,
      milestone: found?.title ?? null,
      author: 'me',
      opened: clock.slice(0, 10),
      comments: [],
    };
    return { value: { id: issue.id }, state: { ...state, issues: [...state.issues, issue] } };
  },
});

function update(state: IssuesState, id: string, set: Partial<Issue>): IssuesState {
  return { ...state, issues: changed(state.issues, id, set) };
}

const updateIssue = defineTool({
  name: 'update_issue',
  description:
    'Changes state, assignee or milestone of an issue; null takes the assignee or the milestone away.',
  input: z.strictObject({
    id: issueId,
    changes: z
      .strictObject({
        state: stateSchema,
        assignee: z.string().min(1).nullable().describe('name of a person'),
        milestone: milestone.nullable(),
      })
      .partial(),
  }),
  output: card,
  kind: 'sets',
  run(state: IssuesState, { id, changes }) {
    const issue = byId(state.issues, id);
    if (typeof issue === 'string') return { error: issue };
    const { state: now = issue.state, assignee = issue.assignee } = changes;
    const wanted = changes.milestone;
    const found = typeof wanted === 'string' ? milestoneTitle(state, wanted) : null;
    if (found !== null && 'error' in found) return found;
    const aim = wanted === undefined ? issue.milestone : (found?.title ?? null);
    const set = { state: now, assignee, milestone: aim };
    return { value: cardOf({ ...issue, ...set }), state: update(state, issue.id, set) };
  },
});

const addLabels = defineTool({
  name: 'add_labels',
  description: 'Adds labels to an issue; those that it has stay.',
  input: z.strictObject({ id: issueId, labels: z.array(label).min(1) }),
  output: z.strictObject({ id: z.string(), labels: z.array(label) }),
  kind: 'sets',
  run(state: IssuesState, args) {
    const issue = byId(state.issues, args.id);
    if (typeof issue === 'string') return { error: issue };
    const labels = inOrder([...issue.labels, ...args.labels]);
    return { value: { id: issue.id, labels }, state: update(state, issue.id, { labels }) };
  },
});

const addComment = defineTool({
  name: 'add_comment',
  description: 'Adds a comment of yours to an issue, open or closed.',
  input: z.strictObject({ id: issueId, text: z.string().min(1) }),
  output: z.strictObject({ id: z.string(), comments: z.int() }),
  kind: 'adds',
  run(state: IssuesState, args, clock) {
    const issue = byId(state.issues, args.id);
    if (typeof issue === 'string') return { error: issue };
    const comment = { author: 'me', date: clock.slice(0, 10), text: args.text };
    const comments = [...issue.comments, comment];
    return {
      value: { id: issue.id, comments: comments.length },
      state: update(state, issue.id, { comments }),
    };
  },
});

const listComments = defineTool({
  name: 'list_comments',
  description: 'Lists the comments of an issue, the first one first.',
  input: z.strictObject({ id: issueId }),
  output: z.strictObject({
    comments: z.array(z.strictObject({ author: z.string(), date: z.string(), text: z.string() })),
  }),
  kind: 'reads',
  run(state: IssuesState, { id }) {
    const issue = byId(state.issues, id);
    return typeof issue === 'string' ? { error: issue } : { value: { comments: issue.comments } };
  },
});

const listMilestones = defineTool({
  name: 'list_milestones',
  description: 'Lists the milestones by due date, each with its open and closed issues.',
  input: z.strictObject({}),
  output: z.strictObject({
    milestones: z.array(
      z.strictObject({ title: z.string(), due: z.string(), open: z.int(), closed: z.int() }),
    ),
  }),
  kind: 'reads',
  run(state: IssuesState) {
    const milestones = state.milestones.map(({ title, due }) => {
      const inside = state.issues.filter((issue) => issue.milestone === title);
      const open = inside.filter((issue) => issue.state === 'open').length;
      return { title, due, open, closed: inside.length - open };
    });
    return { value: { milestones } };
  },
});

/** The comments of an issue that was opened some days ago. */
function thread(rng: Rng, people: readonly string[], opened: string): Comment[] {
  const texts = rng.sample(REMARKS, rng.int(0, 2));
  return texts.map((text, i) => ({
    author: rng.pick(people),
    date: shiftDate(opened, i + 1),
    text,
  }));
}

/**
 * The issues server. Its state is `{issues: [{id, title, state, labels, assignee, milestone, author, opened, comments}],
 * milestones: [{id, title, due}]}`.
 */
export const issues: ServerDef = {
  name: 'issues',
  description: 'An issue tracker of a software project.',
  tools: [
    searchIssues,
    findIssue,
    getIssue,
    createIssue,
    updateIssue,
    addLabels,
    addComment,
    listComments,
    listMilestones,
  ],
  initial(rng, pool, clock): IssuesState {
    // The open issues fill two pages, and so do the closed ones.
    const open = rng.int(7, 9);
    const count = open + rng.int(6, 7);
    const states = rng.shuffle(
      Array.from({ length: count }, (_, i) => (i < open ? 'open' : 'closed')),
    );
    const titles = distinct(count, () => issueTitle(rng, pool));
    const people = distinct(5, () => personName(rng, pool));
    const aims = distinct(4, () => pairName(rng, pool, 'milestone', [CODE_WORDS, BIRD_WORDS]));
    const today = clock.slice(0, 10);
    const dues = distinct(aims.length, () => shiftDate(today, rng.int(5, 120))).sort();
    const ids = drawIds(rng, 'ISS', count, 101, 987).sort();
    const opened = distinct(count, () => shiftDate(today, -rng.int(4, 150))).sort();
    return {
      issues: ids.map((id, i): Issue => {
        const day = defined(opened[i], 'day');
        return {
          id,
          title: defined(titles[i], 'title'),
          state: defined(states[i], 'state'),
          labels: inOrder(rng.sample(ISSUE_LABELS, rng.int(1, 2))),
          assignee: rng.chance(0.8) ? rng.pick(people) : null,
          milestone: rng.chance(0.7) ? rng.pick(aims) : null,
          author: rng.pick(people),
          opened: day,
          comments: thread(rng, people, day),
        };
      }),
      milestones: drawIds(rng, 'MS', aims.length, 11, 98).map((id, i) => ({
        id,
        title: defined(aims[i], 'title'),
        due: defined(dues[i], 'due'),
      })),
    };
  },
};
