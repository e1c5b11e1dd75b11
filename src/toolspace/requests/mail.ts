// Requests to the mailbox. Knows nothing of how parts are combined.
import { defined } from '../../base/assert.ts';
import { type Draft, type Family, Rejected, stateIs } from '../draft.ts';
import { asking, changing, field, numberOf, rowsOf, textOf } from '../parts.ts';
import { FOLDERS, type MailState, type Message, mailSubject } from '../servers/mail.ts';
import { firstIn, lastOfTwoPages, quoted } from './office-rows.ts';

const messages = (draft: Draft) => draft.state<MailState>('mail').messages;
const received = (draft: Draft) => messages(draft).filter(({ from }) => from !== 'me');
const BIG_FOLDERS = ['inbox', 'projects'] as const;
const ANSWERS = ['yes with pleasure', 'not before next month', 'please call me', 'that suits me'];

/** The id of a message whose subject may be misspelled in the request, and how it stands there. */
function findBySubject(draft: Draft, { subject }: Message): { id: string; shown: string } {
  const spelled = draft.spelled(subject);
  const id = textOf(draft.find('mail:find_message', 'subject', spelled, subject), 'id');
  return { id, shown: quoted(spelled) };
}

/** A subject that no message has. */
function newSubject(draft: Draft): string {
  let subject = mailSubject(draft.rng, draft.pool);
  while (messages(draft).some((message) => message.subject.endsWith(subject)))
    subject = mailSubject(draft.rng, draft.pool);
  return draft.fresh(subject);
}

export const MAIL_REQUESTS: readonly Family[] = [
  {
    name: 'mail_unread',
    tools: ['mail:list_folders'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many [unread messages|messages that I have not read] are in [the folder {folder}|my {folder} folder]?',
        '[Tell me|Count|Find out] how many messages in the {folder} folder are [unread|not read yet].',
        'What is the number of unread messages in the folder {folder}?',
      ],
      heldOut: [
        'Of the mail in the {folder} folder, how many messages are still unread?',
        'I want the count of unread mail in the folder {folder}.',
      ],
    },
    draw(draft) {
      const folder = draft.rng.pick(FOLDERS.slice(0, 4));
      draft.claim(`unread ${folder}`);
      const rows = rowsOf(draft.call('mail:list_folders', {}), 'folders');
      const row = defined(
        rows.find(({ name }) => name === folder),
        folder,
      );
      const unread = numberOf(row, 'unread');
      return {
        ...asking({ folder }, [unread], `how many messages in ${folder} are unread`),
        gives: unread,
      };
    },
  },
  {
    name: 'mail_sender',
    tools: ['mail:find_message', 'mail:read_message'],
    byName: true,
    gives: 'person',
    phrasings: {
      train: [
        'Who [sent|wrote] [me |]the [message|mail] {subject}, and on what date?',
        '[Tell me|Find out|Look up] who the [message|mail] {subject} is from and when it came.',
        'From whom is the [message|mail] {subject}, and what is its date?',
      ],
      heldOut: [
        'Name the sender and the date of the mail with the subject {subject}.',
        'There is a mail {subject}: by whom was it sent, and on which day?',
      ],
    },
    draw(draft) {
      const message = draft.take(received(draft));
      const { id, shown } = findBySubject(draft, message);
      const found = draft.call('mail:read_message', { id });
      const from = textOf(found, 'from');
      const asked = [from, textOf(found, 'date')];
      return {
        ...asking({ subject: shown }, asked, `sender and date of '${message.subject}'`),
        gives: from,
      };
    },
  },
  {
    name: 'mail_meeting',
    tools: ['mail:find_message', 'mail:read_message'],
    byName: true,
    gives: 'time',
    phrasings: {
      train: [
        'For what date and time does the [message|mail] {subject} [propose|suggest] a meeting?',
        'The mail {subject} asks for a meeting: on what [date|day] and at what time?',
        '[Read|Open] the [message|mail] {subject} and [tell|give] me the date and time of the meeting [in it|that it proposes].',
      ],
      heldOut: [
        'When, by date and time, does the writer of {subject} want to meet?',
        'I need to know the day and the hour that the mail {subject} names for a meeting.',
      ],
    },
    draw(draft) {
      const meetings = messages(draft).filter(({ body }) => body.startsWith('Could we meet'));
      const message = draft.take(meetings);
      const { id, shown } = findBySubject(draft, message);
      const body = textOf(draft.call('mail:read_message', { id }), 'body');
      const [, day = '', time = ''] = defined(/on (\S+) at (\S+)/.exec(body), 'meeting');
      return {
        ...asking({ subject: shown }, [day, time], `when '${message.subject}' proposes to meet`),
        gives: time,
      };
    },
  },
  {
    name: 'mail_invoice',
    tools: ['mail:find_message', 'mail:get_attachment'],
    byName: true,
    gives: 'amount',
    phrasings: {
      train: [
        'What amount does the invoice [attached to|in] the [message|mail] {subject} [state|ask for]?',
        '[Open|Read] the attachment of the [message|mail] {subject} and [tell|give] me the amount of the invoice.',
        'How much [is the invoice|do I owe on the invoice] that came with the [message|mail] {subject}?',
      ],
      heldOut: [
        'The mail {subject} has an invoice with it; how high is it?',
        'I want the amount to pay from the attachment of {subject}.',
      ],
    },
    draw(draft) {
      const message = draft.take(messages(draft).filter((item) => item.attachments.length > 0));
      const { id, shown } = findBySubject(draft, message);
      const amount = numberOf(draft.call('mail:get_attachment', { message_id: id }), 'amount');
      return {
        ...asking(
          { subject: shown },
          [amount],
          `the amount of the invoice of '${message.subject}'`,
        ),
        gives: amount,
      };
    },
  },
  {
    name: 'mail_send',
    tools: ['mail:send_message'],
    byName: false,
    takes: 'person',
    phrasings: {
      train: [
        '[Send|Write] {who} a [message|mail] with the subject {subject} and the text {body}.',
        '[Mail|Write] {body} to {who}, with {subject} as the subject.',
        'Send a [message|mail] to {who}: subject {subject}, text {body}.',
      ],
      heldOut: [
        'A mail with the subject {subject} should go to {who}, saying {body}.',
        'Let {who} know {body} by a mail with the subject {subject}.',
      ],
    },
    draw(draft) {
      const { value: who, shown } = draft.given('person', () => draft.person());
      const subject = newSubject(draft);
      const body = draft.rng.pick(ANSWERS);
      draft.call('mail:send_message', { to: [who], subject, body });
      const path = ['messages', { subject }];
      return changing(
        { who: shown, subject: quoted(subject), body: quoted(body) },
        `'${subject}' is sent to ${who}`,
        [stateIs('mail', [...path, 'to'], [who]), stateIs('mail', [...path, 'body'], body)],
      );
    },
  },
  {
    name: 'mail_reply',
    tools: ['mail:find_message', 'mail:reply_to_message'],
    byName: true,
    takes: 'date',
    phrasings: {
      train: [
        '[Reply to|Answer] the [message|mail] {subject} with {date} [and nothing else|as the whole text].',
        '[Reply to|Answer] the sender of {subject}; the text is just {date}.',
        'Send {date}, without other words, as [the answer|a reply] to the [message|mail] {subject}.',
      ],
      heldOut: [
        'Give {date} as the full text of a reply to {subject}.',
        'The mail {subject} gets an answer that says only {date}.',
      ],
    },
    draw(draft) {
      const { value: body, shown } = draft.given('date', () => draft.laterDate());
      const message = draft.take(received(draft));
      const { id, shown: subject } = findBySubject(draft, message);
      draft.call('mail:reply_to_message', { id, body });
      const path = ['messages', { reply_to: id }];
      return changing({ subject, date: shown }, `'${message.subject}' is answered with ${body}`, [
        stateIs('mail', [...path, 'body'], body),
        stateIs('mail', [...path, 'to'], [message.from]),
      ]);
    },
  },
  {
    name: 'mail_move',
    tools: ['mail:find_message', 'mail:move_message'],
    byName: true,
    phrasings: {
      train: [
        '[Move the message {subject} to|Move the mail {subject} to|Put the mail {subject} in] the folder {folder}.',
        'The [message|mail] {subject} belongs in {folder}, move it there.',
        '[File|Put] {subject} under {folder} in my mail.',
      ],
      heldOut: [
        'I want to see the mail with the subject {subject} in the {folder} folder.',
        'My mail {subject} should lie in {folder} from now on.',
      ],
    },
    draw(draft) {
      const message = draft.take(received(draft));
      const others = FOLDERS.filter((name) => name !== message.folder && name !== 'sent');
      const folder = draft.rng.pick(others);
      const { id, shown } = findBySubject(draft, message);
      draft.call('mail:move_message', { id, folder });
      return changing({ subject: shown, folder }, `'${message.subject}' is in ${folder}`, [
        stateIs('mail', ['messages', { id }, 'folder'], folder),
      ]);
    },
  },
  {
    name: 'mail_flag_latest',
    tools: ['mail:search_messages', 'mail:set_flags'],
    byName: false,
    phrasings: {
      train: [
        'Flag the [newest|latest|most recent] [message|mail] from {who}.',
        '[Find|Look for] the [newest|latest] [message|mail] from {who} and flag it.',
        'Set a flag on the [last|latest] [message|mail] that {who} sent me.',
      ],
      heldOut: [
        'What {who} wrote me last should be flagged.',
        'Of all mail from {who}, flag the one with the latest date.',
      ],
    },
    draw(draft) {
      const taken = draft.take(received(draft).filter(({ flagged }) => !flagged));
      const { from } = taken;
      const found = draft.call('mail:search_messages', { filter: { from: draft.fresh(from) } });
      const id = textOf(firstIn(found), 'id');
      if (id !== taken.id) draft.claim(id);
      const open = received(draft).some((message) => message.id === id && !message.flagged);
      if (!open) throw new Rejected(`${id} is flagged already`);
      draft.call('mail:set_flags', { id, flags: { flagged: true } });
      return changing({ who: quoted(from) }, `the latest message from ${from} is flagged`, [
        stateIs('mail', ['messages', { id }, 'flagged'], true),
      ]);
    },
  },
  {
    name: 'mail_oldest',
    tools: ['mail:search_messages', 'mail:search_messages'],
    byName: false,
    gives: 'text',
    phrasings: {
      train: [
        'What is the subject of the oldest [message|mail] in [the folder {folder}|my {folder} folder]?',
        '[Tell me|Find out] the subject of the oldest [message|mail] in the {folder} folder.',
        'Which [message|mail] in the folder {folder} is the oldest? Give [me |]its subject.',
      ],
      heldOut: [
        'By its date, which mail has been in the {folder} folder longest? State its subject.',
        'Name the subject of the earliest message in the folder {folder}.',
      ],
    },
    draw(draft) {
      const folder = draft.rng.pick(BIG_FOLDERS);
      draft.claim(`oldest ${folder}`);
      const filter = { folder };
      const oldest = lastOfTwoPages((page) =>
        draft.call('mail:search_messages', page === null ? { filter } : { filter, page }),
      );
      const subject = String(field(oldest, 'subject'));
      return {
        ...asking({ folder }, [subject], `the subject of the oldest message in ${folder}`),
        gives: subject,
      };
    },
  },
];
