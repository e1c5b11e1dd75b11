// Requests to the text tools. Knows nothing of how parts are combined.
import { defined } from '../../base/assert.ts';
import { type Draft, type Family, Rejected, stateIs } from '../draft.ts';
import { asking, changing, field, readNumber } from '../parts.ts';
import { STYLES, type TextDocument, type TextToolsState } from '../servers/text-tools.ts';
import { itemName, personName } from '../values.ts';

const documents = (draft: Draft) => draft.state<TextToolsState>('text_tools').documents;

const linesHave = (id: string, lines: string[]) =>
  stateIs('text_tools', ['documents', { id }, 'lines'], lines);

/** The lines of a document now. */
function linesOf(draft: Draft, id: string): string[] {
  return documents(draft).find((document) => document.id === id)?.lines ?? [];
}

/** A document, looked up by its title. */
function findTitled(draft: Draft, { title }: TextDocument) {
  const spelled = draft.spelled(title);
  const found = draft.find('text_tools:find_document', 'title', spelled, title);
  return { shown: `'${spelled}'`, id: String(field(found, 'id')) };
}

/** A thing that a document speaks of: the two words after the first `the` of a line. */
function thingIn(draft: Draft, { lines }: TextDocument): string {
  const [, thing] = / the (\w+ \w+)/.exec(draft.rng.pick(lines)) ?? [];
  return defined(thing, 'thing');
}

/** The letters of a name in another order. */
function scrambled(draft: Draft, name: string): string {
  for (;;) {
    const letters = draft.rng.shuffle([...name.toLowerCase()]).join('');
    if (letters !== name.toLowerCase()) return letters.charAt(0).toUpperCase() + letters.slice(1);
  }
}

export const TEXT_TOOLS_REQUESTS: readonly Family[] = [
  {
    name: 'text_tools_words',
    tools: ['text_tools:find_document', 'text_tools:count_words'],
    byName: true,
    gives: 'number',
    phrasings: {
      train: [
        'How many {unit} [does {title} have|are there in {title}|are there in the document {title}]?',
        'Count the {unit} [of|in] [|the document ]{title}.',
        '[Look up|Open] {title} and [tell|give] me the number of its {unit}.',
      ],
      heldOut: [
        'How long is {title}, counted in {unit}?',
        'State how many {unit} the text of {title} comes to.',
      ],
    },
    draw(draft) {
      const document = draft.take(documents(draft));
      const unit = draft.rng.pick(['words', 'characters', 'lines'] as const);
      const { shown, id } = findTitled(draft, document);
      const count = readNumber(draft, 'text_tools:count_words', { id }, unit);
      const what = `how many ${unit} '${document.title}' has`;
      return { ...asking({ title: shown, unit }, [count], what), gives: count };
    },
  },
  {
    name: 'text_tools_occurrences',
    tools: ['text_tools:count_words'],
    byName: false,
    takes: 'text',
    gives: 'number',
    phrasings: {
      train: [
        'How [often|many times] does {text} [occur|appear] in [|the document ]{id}?',
        'Count [how often|how many times] {text} [occurs|appears] in {id}.',
        '[Tell me|Find out] how often {id} contains {text}.',
      ],
      heldOut: [
        'State the number of times that {id} says {text}.',
        'Is {text} in {id}, and how many times? Give the number.',
      ],
    },
    draw(draft) {
      const document = draft.take(documents(draft));
      const { id } = document;
      const { value: phrase, shown } = draft.given('text', () => thingIn(draft, document));
      const count = readNumber(draft, 'text_tools:count_words', { id, phrase }, 'occurrences');
      const part = asking({ id, text: shown }, [count], `how often '${phrase}' is in ${id}`);
      return { ...part, gives: count };
    },
  },
  {
    name: 'text_tools_replace',
    tools: ['text_tools:replace_text'],
    byName: false,
    phrasings: {
      train: [
        'Replace [every|each] {old} [by|with] {new} in [|the document ]{id}.',
        'In {id}, [write|put] {new} [instead of|in place of] {old} [everywhere|throughout].',
        '[Change|Turn] every {old} [of|in] {id} into {new}.',
      ],
      heldOut: [
        'Wherever {id} says {old}, it should say {new}; correct that.',
        'The document {id} must speak of {new} and no longer of {old}.',
      ],
    },
    draw(draft) {
      const document = draft.take(documents(draft));
      const { id } = document;
      const search = thingIn(draft, document);
      const replacement = itemName(draft.rng, draft.pool);
      draft.call('text_tools:replace_text', { id, search, replacement });
      const slots = { id, old: `'${search}'`, new: `'${replacement}'` };
      return changing(slots, `${id} says '${replacement}' instead of '${search}'`, [
        linesHave(id, linesOf(draft, id)),
      ]);
    },
  },
  {
    name: 'text_tools_case',
    tools: ['text_tools:change_case'],
    byName: false,
    takes: 'text',
    gives: 'text',
    phrasings: {
      train: [
        'How is {text} written in {style} case?',
        '[Write|Put|Give me] {text} in {style} case.',
        '[Convert|Change] {text} to {style} case[| and tell me the result].',
        'What is {text} in {style} case?',
      ],
      heldOut: [
        'I need {text} in {style} case.',
        'Turn {text} into {style} case and show it to me.',
      ],
    },
    draw(draft) {
      const { rng, pool } = draft;
      const { value: text, shown } = draft.given('text', () => {
        return `${itemName(rng, pool)} of ${personName(rng, pool)}`;
      });
      const style = rng.pick(STYLES);
      const written = String(field(draft.call('text_tools:change_case', { text, style }), 'text'));
      const part = asking({ text: shown, style }, [written], `'${text}' in ${style} case`);
      return { ...part, gives: written };
    },
  },
  {
    name: 'text_tools_line_slug',
    tools: ['text_tools:find_document', 'text_tools:slugify'],
    byName: true,
    gives: 'text',
    phrasings: {
      train: [
        'Make a slug of the {place} line of [|the document ]{title}.',
        '[Read|Look up|Open] {title} and [give|tell] me its {place} line as a slug.',
        'What is the slug of the {place} line [of|in] {title}?',
      ],
      heldOut: [
        'I need the {place} line of {title} as a slug for an address.',
        'Turn the {place} line that stands in {title} into a slug and state it.',
      ],
    },
    draw(draft) {
      const document = draft.take(documents(draft));
      const place = draft.rng.pick(['first', 'second', 'last'] as const);
      const { shown, id } = findTitled(draft, document);
      const text = linesOf(draft, id).at({ first: 0, second: 1, last: -1 }[place]) ?? '';
      const slug = String(field(draft.call('text_tools:slugify', { text }), 'slug'));
      const what = `the slug of the ${place} line of '${document.title}'`;
      return { ...asking({ title: shown, place }, [slug], what), gives: slug };
    },
  },
  {
    name: 'text_tools_emails',
    tools: ['text_tools:find_document', 'text_tools:extract_emails'],
    byName: true,
    phrasings: {
      train: [
        'Which e-mail addresses [occur|are] in [|the document ]{title}?',
        '[List|Give me|Find|Extract] the e-mail addresses [in|from] [|the document ]{title}.',
        'Whom can one write to according to {title}? Give the addresses.',
      ],
      heldOut: [
        'Name every e-mail address that {title} holds.',
        'I want to mail the people in {title}: what are their addresses?',
      ],
    },
    draw(draft) {
      const document = draft.take(documents(draft));
      const { shown, id } = findTitled(draft, document);
      const emails = field(draft.call('text_tools:extract_emails', { id }), 'emails');
      if (!Array.isArray(emails) || emails.length === 0) throw new Rejected('no addresses');
      return asking({ title: shown }, emails, `the e-mail addresses in '${document.title}'`);
    },
  },
  {
    name: 'text_tools_sort',
    tools: ['text_tools:sort_lines'],
    byName: false,
    phrasings: {
      train: [
        'Sort the lines of [|the document ]{id} in {order} order.',
        '[Put|Bring] the lines of {id} into {order} order.',
        'The lines of {id} should [stand|be] in {order} order: sort them.',
      ],
      heldOut: [
        'Rearrange the document {id}, line by line, in {order} order.',
        'Arrange {id} so that its lines are {order}.',
      ],
    },
    draw(draft) {
      const order = draft.rng.pick(['ascending', 'descending'] as const);
      const sorted = (lines: string[]) =>
        order === 'ascending' ? lines.toSorted() : lines.toSorted().toReversed();
      const unsorted = documents(draft).filter(
        ({ lines }) => sorted(lines).join('\n') !== lines.join('\n'),
      );
      const { id, lines } = draft.take(unsorted);
      draft.call('text_tools:sort_lines', { id, order });
      return changing({ id, order }, `the lines of ${id} are in ${order} order`, [
        linesHave(id, sorted(lines)),
      ]);
    },
  },
  {
    name: 'text_tools_compare',
    tools: ['text_tools:compare_texts'],
    byName: false,
    takes: 'text',
    gives: 'number',
    phrasings: {
      train: [
        'How many single-letter edits [lead|are there|does it take to get] from {text} to {other}?',
        'What is the edit distance from {text} to {other}?',
        'Compare {text} and {other}; how many edits apart are they?',
        '[Tell me|Find out|Count] how many edits turn {text} into {other}.',
      ],
      heldOut: [
        'How many changes of one letter make {other} out of {text}?',
        'State how many edits lie between {text} and {other}.',
      ],
    },
    draw(draft) {
      const { rng, pool } = draft;
      const { value: a, shown } = draft.given('text', () => itemName(rng, pool));
      const b = itemName(rng, pool);
      const edits = readNumber(draft, 'text_tools:compare_texts', { a, b }, 'edits');
      const part = asking({ text: shown, other: `'${b}'` }, [edits], `edits from '${a}' to '${b}'`);
      return { ...part, gives: edits };
    },
  },
  {
    name: 'text_tools_anagram',
    tools: ['text_tools:find_anagrams'],
    byName: false,
    gives: 'text',
    phrasings: {
      train: [
        'Which of {list} is an anagram of {name}?',
        '[Find|Pick] the anagram of {name} among {list}.',
        'One of {list} is an anagram of {name}: which one?',
        '[Name|Tell me] the anagram of {name} among {list}.',
      ],
      heldOut: [
        'Which of {list} has just the letters of {name} in another order?',
        'Someone shuffled the letters of {name}: which of {list} came out?',
      ],
    },
    draw(draft) {
      const name = draft.person();
      const others = [draft.person(), draft.person()];
      const candidates = draft.rng.shuffle([scrambled(draft, name), ...others]);
      const found = draft.call('text_tools:find_anagrams', { text: name, candidates });
      const matches = field(found, 'matches');
      const [match] = Array.isArray(matches) && matches.length === 1 ? matches : [];
      if (typeof match !== 'string') throw new Rejected('not one anagram');
      const [a, b, c] = candidates;
      const slots = { name: `'${name}'`, list: `'${a}', '${b}' and '${c}'` };
      return { ...asking(slots, [match], `the anagram of '${name}'`), gives: match };
    },
  },
];
