// Requests to the file store. Knows nothing of how parts are combined.
import { defined } from '../../base/assert.ts';
import { type Draft, type Family, Rejected, stateIs } from '../draft.ts';
import { asking, askingAndChanging, changing, numberOf, textOf } from '../parts.ts';
import {
  FILE_KINDS,
  FILE_STATUSES,
  type FilesState,
  fileStem,
  type StoredFile,
} from '../servers/files.ts';
import { firstIn, quoted } from './office-rows.ts';

type Kind = (typeof FILE_KINDS)[number];

const filesOf = (draft: Draft) => draft.state<FilesState>('files').files;
const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);
const ARCHIVES = ['/archive/', '/old/', '/done/', '/home/archive/', '/office/closed/'];
const BACKUPS = ['/backup/', '/copies/', '/safe/', '/home/backup/', '/office/copies/'];
const SEARCHED = ['/', '/office', '/home', ...FILE_KINDS.map(({ directory }) => directory)];

/** The kind of a file that still lies where it was made. */
function kindOf(file: StoredFile): Kind | undefined {
  return FILE_KINDS.find(({ directory }) => file.id.startsWith(`${directory}/`));
}

/** The value behind a key in a text; null when no line has it. */
function valueIn(content: string, key: string): string | null {
  const line = content.split('\n').find((text) => text.startsWith(`${key}: `));
  return line?.slice(key.length + 2) ?? null;
}

/** An unused file that has all the values of its kind. */
function takeFile(draft: Draft): { file: StoredFile; kind: Kind } {
  const whole = filesOf(draft).filter((file) => {
    const kind = kindOf(file);
    return kind !== undefined && valueIn(file.content, kind.person) !== null;
  });
  const file = draft.take(whole);
  return { file, kind: defined(kindOf(file), file.id) };
}

/** An unused file, and the person whom it alone mentions. */
function takeMentioned(draft: Draft): { file: StoredFile; kind: Kind; who: string } {
  const { file, kind } = takeFile(draft);
  const who = defined(valueIn(file.content, kind.person), kind.person);
  const wanted = who.toLowerCase();
  const mentions = filesOf(draft).filter(({ content }) => content.toLowerCase().includes(wanted));
  if (mentions.length !== 1) throw new Rejected(`${who} is mentioned elsewhere too`);
  return { file, kind, who: draft.fresh(who) };
}

/** The path of the only file that mentions a person, by a call. */
function mentioning(draft: Draft, who: string): string {
  return textOf(firstIn(draft.call('files:grep', { text: who })), 'path');
}

/** A path for a file that is not there. */
function newPath(draft: Draft): string {
  for (;;) {
    const stem = fileStem(draft.rng, draft.pool);
    if (filesOf(draft).some(({ id }) => id.includes(stem))) continue;
    const directory = draft.rng.pick(['/home/notes', '/office/notes', '/home', '/office/drafts']);
    return draft.fresh(`${directory}/${stem}.${draft.rng.pick(['txt', 'md'])}`);
  }
}

/** A line for a note: a subject and a wish. */
function noteText(draft: Draft): string {
  const subject = fileStem(draft.rng, draft.pool).replace('-', ' ');
  const wish = draft.rng.pick(['is cancelled', 'is fully booked', 'needs a new date', 'went well']);
  return `${subject} ${wish}`;
}

export const FILES_REQUESTS: readonly Family[] = [
  {
    name: 'files_sum',
    tools: ['files:read_file'],
    byName: true,
    gives: 'amount',
    phrasings: {
      train: [
        'What {what} [does the file {path} state|is written in {path}|stands in {path}]?',
        'What is the {what} [in|according to] [|the file ]{path}?',
        'Open [|the file ]{path} and [tell|give] me the {what}.',
        '[Look up|Find|Read] the {what} in [|the file ]{path}.',
      ],
      heldOut: [
        'I need the {what} that is noted in {path}.',
        'How high is the {what} that {path} mentions?',
      ],
    },
    draw(draft) {
      const { file, kind } = takeFile(draft);
      const spelled = draft.spelled(file.id);
      const found = draft.find('files:read_file', 'path', spelled, file.id);
      const sum = Number(valueIn(textOf(found, 'content'), kind.sum));
      const slots = { path: quoted(spelled), what: kind.sum };
      return { ...asking(slots, [sum], `the ${kind.sum} in ${file.id}`), gives: sum };
    },
  },
  {
    name: 'files_day',
    tools: ['files:grep', 'files:read_file'],
    byName: false,
    gives: 'date',
    phrasings: {
      train: [
        '[Find|Look for] the file that mentions {who} and [tell|give] me its {what} date.',
        'One [of the files|file] mentions {who}: what is the {what} date in it?',
        'What {what} date does the file that [mentions|names] {who} state?',
      ],
      heldOut: [
        'Which {what} date is written in the file where {who} occurs?',
        'I need the {what} date from the file in which {who} is named.',
      ],
    },
    draw(draft) {
      const { kind, who } = takeMentioned(draft);
      const path = mentioning(draft, who);
      const { content } = draft.call('files:read_file', { path });
      const day = defined(valueIn(String(content), kind.day), kind.day);
      const slots = { who: quoted(who), what: kind.day };
      return { ...asking(slots, [day], `the ${kind.day} date in ${path}`), gives: day };
    },
  },
  {
    name: 'files_newest',
    tools: ['files:list_directory', 'files:read_file'],
    byName: false,
    gives: 'person',
    phrasings: {
      train: [
        'Who is the {what} in the file of {path} that was changed last?',
        '[Open|Read] the [newest|most recently changed] file in {path} and [tell me|name] its {what}.',
        'Which {what} does the [newest|last changed] file in {path} name?',
      ],
      heldOut: [
        'Of all files in {path}, take the one with the latest change; who is the {what} there?',
        'Name the {what} from the latest file in {path}.',
      ],
    },
    draw(draft) {
      const { directory, person } = draft.rng.pick(FILE_KINDS);
      const listed = draft.call('files:list_directory', { path: directory, sort_by: 'modified' });
      const path = textOf(firstIn(listed, 'entries'), 'path');
      const { content } = draft.call('files:read_file', { path: draft.fresh(path) });
      const who = valueIn(String(content), person);
      if (who === null) throw new Rejected(`no ${person} in ${path}`);
      const slots = { path: quoted(directory), what: person };
      return { ...asking(slots, [who], `the ${person} in ${path}`), gives: who };
    },
  },
  {
    name: 'files_status',
    tools: ['files:grep'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many lines in [|the ]files under {path} [contain|say] {text}?',
        'In how many lines [below|under] {path} does {text} [occur|stand]?',
        'Search [all the|the] files under {path} for {text} and [tell|give] me the number of lines found.',
      ],
      heldOut: [
        'Count the lines with {text} in everything under {path}.',
        'How often is there a line with {text} in the directory {path} and below it?',
      ],
    },
    draw(draft) {
      const text = `status: ${draft.rng.pick(FILE_STATUSES)}`;
      const path = draft.rng.pick(SEARCHED);
      const total = numberOf(draft.call('files:grep', { text, path }), 'total');
      const slots = { text: quoted(text), path: quoted(path) };
      draft.claim(`${text} ${path}`);
      return {
        ...asking(slots, [total], `how many lines under ${path} say '${text}'`),
        gives: total,
      };
    },
  },
  {
    name: 'files_copy',
    tools: ['files:search_files', 'files:copy_file'],
    byName: false,
    phrasings: {
      train: [
        '[Find|Look for] the file named {name} and [copy it|put a copy of it] into {directory}.',
        'Somewhere [|in the tree ]there is a file named {name}; copy it into {directory}.',
        'Search for {name} and [make a copy in|copy it to] the directory {directory}.',
      ],
      heldOut: [
        'A copy of {name}, wherever that file lies, should stand in {directory}.',
        'Duplicate the file {name} into {directory}; look for its path first.',
      ],
    },
    draw(draft) {
      const { file } = takeFile(draft);
      const name = nameOf(file.id);
      const directory = draft.rng.pick(BACKUPS);
      const found = draft.call('files:search_files', { pattern: name });
      const source = textOf(firstIn(found), 'path');
      draft.call('files:copy_file', { source, destination: directory });
      const copy = { id: directory + name };
      return changing(
        { name: quoted(name), directory: quoted(directory) },
        `${source} is copied into ${directory}`,
        [
          stateIs('files', ['files', copy, 'content'], file.content),
          stateIs('files', ['files', { id: source }, 'content'], file.content),
        ],
      );
    },
  },
  {
    name: 'files_move',
    tools: ['files:grep', 'files:move_file'],
    byName: false,
    phrasings: {
      train: [
        '[Move the file that mentions {who} to|Put the file that mentions {who} into] {directory}.',
        'Find the file that [mentions|names] {who} and move it [into|to] {directory}.',
        'The file that [mentions|names] {who} belongs in {directory}, move it there.',
      ],
      heldOut: [
        'Search the files for {who} and take the one that you find to {directory}.',
        'Have the file in which {who} occurs moved to {directory}.',
      ],
    },
    draw(draft) {
      const { file, who } = takeMentioned(draft);
      const directory = draft.rng.pick(ARCHIVES);
      const source = mentioning(draft, who);
      draft.call('files:move_file', { source, destination: directory });
      const moved = { id: directory + nameOf(source) };
      return changing(
        { who: quoted(who), directory: quoted(directory) },
        `${source} is in ${directory}`,
        [
          stateIs('files', ['files', moved, 'content'], file.content),
          stateIs('files', ['files', { id: source }], null),
        ],
      );
    },
  },
  {
    name: 'files_delete_largest',
    tools: ['files:disk_usage', 'files:delete_file'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'Delete the largest file [in|under] {path} and tell me how many bytes that [frees|freed].',
        'Find out which file [in|under] {path} is the largest, delete it and [state|give] its size in bytes.',
        'How many bytes [are freed|become free] when you delete the largest file [in|under] {path}? Do it.',
      ],
      heldOut: [
        'Remove whichever file [in|under] {path} takes up the most bytes, and say how many that was.',
        'The biggest file of {path} has to go; how many bytes did it have?',
      ],
    },
    draw(draft) {
      const { directory } = draft.rng.pick(FILE_KINDS);
      const path = textOf(draft.call('files:disk_usage', { path: directory }), 'largest');
      const bytes = numberOf(draft.call('files:delete_file', { path: draft.fresh(path) }), 'bytes');
      const rest = filesOf(draft).filter(({ id }) => id.startsWith(`${directory}/`));
      if (rest.some(({ content }) => content.length === bytes)) throw new Rejected('two largest');
      return {
        ...askingAndChanging({ path: quoted(directory) }, [bytes], `the size of ${path}`, [
          stateIs('files', ['files', { id: path }], null),
        ]),
        gives: bytes,
      };
    },
  },
  {
    name: 'files_note',
    tools: ['files:write_file'],
    byName: false,
    takes: 'text',
    phrasings: {
      train: [
        '[Save|Store|Write] {text} in a new file {path}.',
        '[Make|Create] a file {path} [that holds|with] {text}[| and nothing else].',
        'Write {text} to [|the new file ]{path}.',
      ],
      heldOut: [
        'Put {text} into a file of its own at {path}.',
        'There should be a file {path} that says {text}.',
      ],
    },
    draw(draft) {
      const { value: content, shown } = draft.given('text', () => noteText(draft));
      const path = newPath(draft);
      draft.call('files:write_file', { path, content });
      return changing({ text: shown, path: quoted(path) }, `${path} says '${content}'`, [
        stateIs('files', ['files', { id: path }, 'content'], content),
      ]);
    },
  },
  {
    name: 'files_append',
    tools: ['files:grep', 'files:write_file'],
    byName: false,
    takes: 'date',
    phrasings: {
      train: [
        '[Append|Add] {date} as a line of its own to the file that mentions {who}.',
        'Find the file that [mentions|names] {who} and [append|add] {date} as its last line.',
        'To the file that [mentions|names] {who}, add one more line at the end: {date}.',
      ],
      heldOut: [
        'Let the file in which {who} occurs end in a new line with just {date}.',
        'Where {who} is mentioned, note {date} in a line at the end of the file.',
      ],
    },
    draw(draft) {
      const { value: date, shown } = draft.given('date', () => draft.laterDate());
      const { file, who } = takeMentioned(draft);
      const path = mentioning(draft, who);
      draft.call('files:write_file', { path, content: date, mode: 'append' });
      return changing({ who: quoted(who), date: shown }, `${path} ends in the line ${date}`, [
        stateIs('files', ['files', { id: path }, 'content'], `${file.content}\n${date}`),
      ]);
    },
  },
];
