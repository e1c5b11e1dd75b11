// Requests to the restricted shell. Knows nothing of how parts are combined.
import { type Draft, type Family, Rejected, stateIs } from '../draft.ts';
import { asking, askingAndChanging, changing, field, rowsOf } from '../parts.ts';
import {
  LEVELS,
  SHELL_ROOT,
  type ShellNode,
  type ShellState,
  shellName,
} from '../servers/shell.ts';
import { entryAt, textsOf } from './unseen-parts.ts';

const nodes = (draft: Draft) => draft.state<ShellState>('shell').nodes;
const takeFile = (draft: Draft) => draft.take(nodes(draft).filter(({ kind }) => kind === 'file'));
const ownerOf = ({ lines }: ShellNode) =>
  lines.find((line) => line.startsWith('kept by '))?.slice('kept by '.length) ?? '';

/** A directory that lies directly below the root, and so holds files. */
const takeTop = (draft: Draft, except = '') =>
  draft.take(
    nodes(draft).filter(
      ({ id, kind }) => kind === 'directory' && id.split('/').length === 3 && id !== except,
    ),
  );

const newName = (draft: Draft) => draft.fresh(shellName(draft.rng, draft.pool));

export const SHELL_REQUESTS: readonly Family[] = [
  {
    name: 'shell_count',
    tools: ['shell:wc'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many lines and how many words [has|are in] the file {file}?',
        '[Count|Give me] the lines and the words of {file}.',
        'Run a word count on {file} and [report|tell me] its lines and words.',
      ],
      heldOut: [
        'I want to know how long {file} is, first in lines, then in words.',
        'What does wc say of {file}: how many lines, how many words?',
      ],
    },
    draw(draft) {
      const { id } = takeFile(draft);
      const counted = draft.call('shell:wc', { path: id });
      const lines = Number(field(counted, 'lines'));
      return {
        ...asking({ file: `'${id}'` }, [lines, field(counted, 'words')], `the size of ${id}`),
        gives: lines,
      };
    },
  },
  {
    name: 'shell_matches',
    tools: ['shell:grep'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many lines of {file} contain {text}?',
        'In {file}, on how many lines does {text} [appear|stand]?',
        'Count the lines with {text} in [|the file ]{file}.',
        'Search {file} for {text} and tell me the number of matching lines.',
      ],
      heldOut: [
        'Tell me how often {text} turns up in {file}, in lines.',
        'What number of lines does grep find for {text} in {file}?',
      ],
    },
    draw(draft) {
      const { id } = takeFile(draft);
      const text = draft.rng.pick(LEVELS);
      const count = Number(field(draft.call('shell:grep', { text, path: id }), 'count'));
      const slots = { file: `'${id}'`, text: `'${text}'` };
      return { ...asking(slots, [count], `how many lines hold '${text}'`), gives: count };
    },
  },
  {
    name: 'shell_largest',
    tools: ['shell:ls', 'shell:cat'],
    byName: false,
    gives: 'text',
    phrasings: {
      train: [
        'What is the first line of the largest file in {directory}?',
        'Print the first line of the biggest file in [|the directory ]{directory}.',
        'Find the largest file in {directory} and [quote|read out] its first line.',
        '[Tell|Show] me how the biggest file in {directory} begins: its first line.',
      ],
      heldOut: [
        'Among the files of {directory}, take the one with most bytes and read me its top line.',
        'With what line does the largest file under {directory} start?',
      ],
    },
    draw(draft) {
      const { id } = takeTop(draft);
      const listed = draft.call('shell:ls', { path: id, sort: 'size' });
      const [largest, second] = rowsOf(listed, 'entries');
      if (largest === undefined || largest['bytes'] === second?.['bytes']) {
        throw new Rejected('no file is the largest');
      }
      const path = String(field(largest, 'path'));
      const first = entryAt(textsOf(draft.call('shell:cat', { path }), 'lines'), 0);
      return {
        ...asking({ directory: `'${id}'` }, [first], `the first line of ${path}`),
        gives: first,
      };
    },
  },
  {
    name: 'shell_keeper',
    tools: ['shell:grep', 'shell:wc'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many bytes [has|are in] the file below {root} that mentions {who}?',
        'Find the file [below|under] {root} in which {who} is named and tell me its size in bytes.',
        'What is the size in bytes of the file [below|under] {root} that has {who} in it?',
      ],
      heldOut: [
        'Somewhere under {root} a file speaks of {who}: how big is it, in bytes?',
        'Search everything below {root} for {who}, then give the byte count of the file found.',
      ],
    },
    draw(draft) {
      const who = draft.fresh(ownerOf(takeFile(draft)));
      const found = draft.call('shell:grep', { text: who, path: SHELL_ROOT, recursive: true });
      const path = String(field(entryAt(rowsOf(found, 'matches'), 0), 'path'));
      const bytes = Number(field(draft.call('shell:wc', { path }), 'bytes'));
      const slots = { root: `'${SHELL_ROOT}'`, who: `'${who}'` };
      return { ...asking(slots, [bytes], `the size of ${path}`), gives: bytes };
    },
  },
  {
    name: 'shell_elsewhere',
    tools: ['shell:pwd', 'shell:cd', 'shell:ls'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        '[Note|Print] the working directory[|, please], then go to {directory} and [count|tell me the number of] the entries there.',
        'Which directory [is the shell|are we] in now, and how many entries do you see after you change to {directory}?',
        'Tell me where the shell is now; [go|change] to {directory} and say how many entries it has.',
      ],
      heldOut: [
        'I need the present working directory, and after a move to {directory} the number of things in it.',
        'Read the working directory before you enter {directory}. How many entries are in the latter?',
      ],
    },
    draw(draft) {
      const { cwd: now } = draft.state<ShellState>('shell');
      const { id } = takeTop(draft, now);
      const cwd = String(field(draft.call('shell:pwd', {}), 'cwd'));
      draft.call('shell:cd', { path: id });
      const count = Number(field(draft.call('shell:ls', {}), 'count'));
      const part = askingAndChanging(
        { directory: `'${id}'` },
        [cwd, count],
        `the first directory and the entries of ${id}`,
        [stateIs('shell', ['cwd'], id)],
      );
      return { ...part, gives: count };
    },
  },
  {
    name: 'shell_make_there',
    tools: ['shell:cd', 'shell:mkdir'],
    byName: false,
    takes: 'text',
    phrasings: {
      train: [
        '[Change|Move|Go] into {directory} and make a directory [called|named] {name} [there|in it].',
        'Run cd to {directory}, then mkdir for {name} [there|from there].',
        'Enter {directory} and create a directory with the name {name} from there.',
      ],
      heldOut: [
        'Let {directory} be the working directory and give it a new directory called {name}.',
        'Step into {directory}; once there, set up a directory by the name of {name}.',
      ],
    },
    draw(draft) {
      const { id } = takeTop(draft);
      const { value: name, shown } = draft.given('text', () => newName(draft));
      draft.call('shell:cd', { path: id });
      const made = String(field(draft.call('shell:mkdir', { path: name }), 'path'));
      const slots = { directory: `'${id}'`, name: shown };
      return changing(slots, `the shell is in ${id} and ${made} is a directory`, [
        stateIs('shell', ['cwd'], id),
        stateIs('shell', ['nodes', { id: made }, 'kind'], 'directory'),
      ]);
    },
  },
];
