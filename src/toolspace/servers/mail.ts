// The built-in mailbox: messages in folders, with flags and attachments. Knows nothing of tasks or transports.
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
import { dayTime, distinct, type Pool, pairName, personName, shiftDate, words } from '../values.ts';

export const FOLDERS = ['inbox', 'projects', 'bills', 'archive', 'sent', 'trash'] as const;
/** Who the mailbox belongs to, as sender and recipient. */
const ME = 'me';

/** An invoice as its sender's program wrote it. */
type Attachment = { name: string; invoice: string; amount: number; due: string };
/** `reply_to` is the id of the message that this one answers, null for a message of its own. */
export type Message = {
  id: string;
  folder: string;
  from: string;
  to: string[];
  subject: string;
  body: string;
  date: string;
  read: boolean;
  flagged: boolean;
  attachments: Attachment[];
  reply_to: string | null;
};
export type MailState = { messages: Message[] };

const FIRST_WORDS = words(`
  annual balcony carpet delivery electric fountain glass heating insurance kitchen laundry membership
  parking plumbing printer radiator roof spring street training
`);
const SECOND_WORDS = words(`
  agreement booking campaign checkup contract delay estimate inspection offer order permit plan
  proposal renewal repair request schedule survey transfer upgrade
`);

/** A subject of two words, such as `roof inspection`. */
export function mailSubject(rng: Rng, pool: Pool): string {
  return pairName(rng, pool, 'mail', [FIRST_WORDS, SECOND_WORDS]);
}

const messageId = z.string().describe('message id, such as M-214');
const folder = z.enum(FOLDERS);
const recipients = z.array(z.string().min(1)).describe('names of people');
const row = z.strictObject({
  id: z.string(),
  from: z.string(),
  subject: z.string(),
  date: z.string(),
  read: z.boolean(),
});

const listFolders = defineTool({
  name: 'list_folders',
  description:
    'Lists the folders with how many messages are in them and how many of those are unread.',
  input: z.strictObject({}),
  output: z.strictObject({
    folders: z.array(z.strictObject({ name: folder, messages: z.int(), unread: z.int() })),
  }),
  kind: 'reads',
  run(state: MailState) {
    const folders = FOLDERS.map((name) => {
      const inside = state.messages.filter((message) => message.folder === name);
      const unread = inside.filter(({ read }) => !read).length;
      return { name, messages: inside.length, unread };
    });
    return { value: { folders } };
  },
});

const filterSchema = z
  .strictObject({
    folder,
    from: z.string().describe('name of the sender'),
    unread: z.boolean(),
    flagged: z.boolean(),
    has_attachment: z.boolean(),
  })
  .partial();

function fits(message: Message, filter: z.infer<typeof filterSchema>): boolean {
  const { from, unread, flagged, has_attachment: attached } = filter;
  return (
    (filter.folder === undefined || message.folder === filter.folder) &&
    (from === undefined || message.from.toLowerCase() === from.trim().toLowerCase()) &&
    (unread === undefined || message.read !== unread) &&
    (flagged === undefined || message.flagged === flagged) &&
    (attached === undefined || message.attachments.length > 0 === attached)
  );
}

const searchMessages = defineTool({
  name: 'search_messages',
  description:
    'Searches messages by words of subject or text and by what they are; the newest comes first.',
  input: z.strictObject({
    query: z.string().default('').describe('words of the subject or the text'),
    filter: filterSchema.optional().describe('only messages that fit'),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(row),
  kind: 'reads',
  run(state: MailState, { query, filter = {}, page }) {
    const wanted = query.trim().toLowerCase();
    const found = state.messages.filter(
      (message) =>
        `${message.subject} ${message.body}`.toLowerCase().includes(wanted) &&
        fits(message, filter),
    );
    // Of two messages of one day the later one in the list came later.
    const newestFirst = found
      .reverse()
      .sort((a, b) => Number(a.date < b.date) - Number(a.date > b.date));
    return pageOf(
      newestFirst.map(({ id, from, subject, date, read }) => ({ id, from, subject, date, read })),
      page,
    );
  },
});

const findMessage = defineTool({
  name: 'find_message',
  description: 'Finds a message by its exact subject and tells its id and folder.',
  input: z.strictObject({ subject: z.string() }),
  output: z.strictObject({ id: z.string(), folder, attachments: z.int() }),
  kind: 'reads',
  run(state: MailState, { subject }) {
    const message = byName(state.messages, subject, (item) => item.subject);
    if (typeof message === 'string') return { error: message };
    const { id, attachments } = message;
    return { value: { id, folder: folder.parse(message.folder), attachments: attachments.length } };
  },
});

const readMessage = defineTool({
  name: 'read_message',
  description: 'Reads a message with its text and the names of its attachments. It stays unread.',
  input: z.strictObject({ id: messageId }),
  output: row.extend({
    to: z.array(z.string()),
    body: z.string(),
    flagged: z.boolean(),
    attachments: z.array(z.string()),
    reply_to: z.string().nullable(),
  }),
  kind: 'reads',
  run(state: MailState, args) {
    const message = byId(state.messages, args.id);
    if (typeof message === 'string') return { error: message };
    const { folder: _, attachments, ...rest } = message;
    return { value: { ...rest, attachments: attachments.map(({ name }) => name) } };
  },
});

const getAttachment = defineTool({
  name: 'get_attachment',
  description:
    'Reads the invoice that is attached to a message as data: number, amount and due date.',
  input: z.strictObject({
    message_id: messageId,
    name: z.string().optional().describe('name of the attachment; the first one without it'),
  }),
  output: z.strictObject({
    name: z.string(),
    invoice: z.string(),
    amount: z.number(),
    due: z.string(),
  }),
  kind: 'reads',
  run(state: MailState, args) {
    const message = byId(state.messages, args.message_id);
    if (typeof message === 'string') return { error: message };
    const [first] = message.attachments;
    if (first === undefined) return { error: `${message.id} has no attachments` };
    const found = byName(message.attachments, args.name ?? first.name, ({ name }) => name);
    return typeof found === 'string' ? { error: found } : { value: found };
  },
});

type Written = Pick<Message, 'to' | 'subject' | 'body' | 'reply_to'>;

function sent(state: MailState, clock: string, written: Written) {
  const message: Message = {
    id: nextId('M', state.messages),
    folder: 'sent',
    from: ME,
    ...written,
    date: clock.slice(0, 10),
    read: true,
    flagged: false,
    attachments: [],
  };
  const { id, to } = message;
  return { value: { id, to }, state: { messages: [...state.messages, message] } };
}

const sentSchema = z.strictObject({ id: z.string(), to: z.array(z.string()) });

const sendMessage = defineTool({
  name: 'send_message',
  description: 'Sends a new message to one or more people.',
  input: z.strictObject({
    to: recipients.min(1),
    subject: z.string().min(1),
    body: z.string().default(''),
  }),
  output: sentSchema,
  kind: 'adds',
  run(state: MailState, args, clock) {
    const to = [...new Set(args.to)];
    return sent(state, clock, { to, subject: args.subject, body: args.body, reply_to: null });
  },
});

const replyToMessage = defineTool({
  name: 'reply_to_message',
  description: 'Answers a message: to its sender, or to all whom it was sent to as well.',
  input: z.strictObject({
    id: messageId,
    body: z.string().min(1),
    to_all: z.boolean().default(false),
  }),
  output: sentSchema,
  kind: 'adds',
  run(state: MailState, args, clock) {
    const message = byId(state.messages, args.id);
    if (typeof message === 'string') return { error: message };
    if (message.from === ME) return { error: `${message.id} was sent by you, send a new message` };
    const others = args.to_all ? message.to.filter((name) => name !== ME) : [];
    const to = [...new Set([message.from, ...others])];
    const subject = message.subject.startsWith('Re: ') ? message.subject : `Re: ${message.subject}`;
    return sent(state, clock, { to, subject, body: args.body, reply_to: message.id });
  },
});

function update(state: MailState, id: string, set: Partial<Message>): MailState {
  return { messages: changed(state.messages, id, set) };
}

const moveMessage = defineTool({
  name: 'move_message',
  description: 'Moves a message to another folder; trash is where deleted messages go.',
  input: z.strictObject({ id: messageId, folder }),
  output: z.strictObject({ id: z.string(), folder }),
  kind: 'sets',
  run(state: MailState, args) {
    const message = byId(state.messages, args.id);
    if (typeof message === 'string') return { error: message };
    const set = { folder: args.folder };
    return { value: { id: message.id, ...set }, state: update(state, message.id, set) };
  },
});

const setFlags = defineTool({
  name: 'set_flags',
  description: 'Marks a message as read or unread, as flagged or not flagged, or both.',
  input: z.strictObject({
    id: messageId,
    flags: z.strictObject({ read: z.boolean(), flagged: z.boolean() }).partial(),
  }),
  output: z.strictObject({ id: z.string(), read: z.boolean(), flagged: z.boolean() }),
  kind: 'sets',
  run(state: MailState, args) {
    const message = byId(state.messages, args.id);
    if (typeof message === 'string') return { error: message };
    const { read = message.read, flagged = message.flagged } = args.flags;
    const set = { read, flagged };
    return { value: { id: message.id, ...set }, state: update(state, message.id, set) };
  },
});

/** Text and attachments by turns: an invoice, the wish to meet, or a plain note. */
function letter(rng: Rng, i: number, today: string): Pick<Message, 'body' | 'attachments'> {
  const day = shiftDate(today, rng.int(2, 50));
  if (i % 3 === 0) {
    const invoice = `R-${rng.int(2101, 9899)}`;
    const amount = rng.int(1250, 89_900) / 100;
    const attachment = { name: `${invoice}.json`, invoice, amount, due: day };
    return { body: 'Please find our invoice attached.', attachments: [attachment] };
  }
  const body =
    i % 3 === 1
      ? `Could we meet on ${day} at ${dayTime(rng)} to talk about it?`
      : rng.pick(['Thank you for the quick answer.', 'All is done now.', 'Please have a look.']);
  return { body, attachments: [] };
}

/** The mail server. Its state is `{messages: [{id, folder, from, to, subject, body, date, read, flagged, attachments, reply_to}]}`. */
export const mail: ServerDef = {
  name: 'mail',
  description: 'A mailbox: read, search, sort, send and answer messages.',
  tools: [
    listFolders,
    searchMessages,
    findMessage,
    readMessage,
    getAttachment,
    sendMessage,
    replyToMessage,
    moveMessage,
    setFlags,
  ],
  initial(rng, pool, clock): MailState {
    // The inbox and the projects fill two pages each.
    const inbox = rng.int(6, 7);
    const projects = rng.int(6, 7);
    const count = inbox + projects + rng.int(3, 4);
    const subjects = distinct(count, () => mailSubject(rng, pool));
    const people = distinct(9, () => personName(rng, pool));
    const today = clock.slice(0, 10);
    const dates = distinct(count, () => shiftDate(today, -rng.int(1, 60))).sort();
    const places = rng.shuffle([
      ...Array.from({ length: inbox }, () => 'inbox'),
      ...Array.from({ length: projects }, () => 'projects'),
      ...Array.from({ length: count - inbox - projects }, () => rng.pick(['bills', 'archive'])),
    ]);
    const messages = drawIds(rng, 'M', count, 101, 987).map((id, i): Message => {
      const from = rng.pick(people);
      const others = rng.chance(0.3) ? [rng.pick(people)] : [];
      return {
        id,
        folder: defined(places[i], 'folder'),
        from,
        to: [ME, ...others.filter((name) => name !== from)],
        subject: defined(subjects[i], 'subject'),
        ...letter(rng, i, today),
        date: defined(dates[i], 'date'),
        read: rng.chance(0.5),
        flagged: rng.chance(0.15),
        reply_to: null,
      };
    });
    return { messages };
  },
};
