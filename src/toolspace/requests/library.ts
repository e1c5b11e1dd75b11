// Requests to the library. Knows nothing of how parts are combined.
import { type Draft, type Family, stateIs } from '../draft.ts';
import { asking, askingAndChanging, changing, field } from '../parts.ts';
import { GENRES, type LibraryState } from '../servers/library.ts';

const books = (draft: Draft) => draft.state<LibraryState>('library').books;
const onLoan = (draft: Draft) => draft.take(books(draft).filter(({ due }) => due !== null));
const onShelf = (draft: Draft) => draft.take(books(draft).filter(({ due }) => due === null));

export const LIBRARY_REQUESTS: readonly Family[] = [
  {
    name: 'library_due',
    tools: ['library:find_book', 'library:get_loan'],
    byName: true,
    gives: 'date',
    phrasings: {
      train: [
        'When is [|the book ]{title} due[| back]?',
        '[Tell me|Find out|Look up] when {title} must be back in the library.',
        'Until what date is {title} on loan?',
      ],
      heldOut: ['I want to know the due date of {title}.', 'On what day does {title} come back?'],
    },
    draw(draft) {
      const { title } = onLoan(draft);
      const spelled = draft.spelled(title);
      const { id } = draft.find('library:find_book', 'title', spelled, title);
      const due = String(field(draft.call('library:get_loan', { id: id ?? '' }), 'due'));
      return {
        ...asking({ title: `'${spelled}'` }, [due], `the due date of '${title}'`),
        gives: due,
      };
    },
  },
  {
    name: 'library_lend',
    tools: ['library:find_book', 'library:lend'],
    byName: true,
    takes: 'date',
    phrasings: {
      train: [
        'Lend {title} to {who} until {date}.',
        '[Let|Have] {who} borrow {title} until {date}.',
        '{who} takes [home |out |]{title} until {date}[|, book it].',
      ],
      heldOut: [
        'Note that {who} has {title} until {date}.',
        'Give {title} to {who}, due on {date}.',
      ],
    },
    draw(draft) {
      const book = onShelf(draft);
      const member = draft.person();
      const { value: due, shown } = draft.given('date', () => draft.laterDate());
      const spelled = draft.spelled(book.title);
      const { id } = draft.find('library:find_book', 'title', spelled, book.title);
      draft.call('library:lend', { id: id ?? '', member, due });
      const path = ['books', { id: book.id }];
      return changing(
        { title: `'${spelled}'`, who: `'${member}'`, date: shown },
        `${member} has '${book.title}' until ${due}`,
        [
          stateIs('library', [...path, 'borrower'], member),
          stateIs('library', [...path, 'due'], due),
        ],
      );
    },
  },
  {
    name: 'library_renew',
    tools: ['library:renew'],
    byName: false,
    gives: 'date',
    phrasings: {
      train: [
        '[Renew|Extend] [the loan of |]{id} by {days} days and [tell|give] me the new due date.',
        'Until when is {id} out once it is [renewed|extended] by {days} days? Do it.',
      ],
      heldOut: [
        'Add {days} days to the loan of {id}; what is its new end?',
        'Put {days} days on {id} and name the day it is due.',
      ],
    },
    draw(draft) {
      const { id } = onLoan(draft);
      const days = draft.rng.int(2, 28);
      const due = String(field(draft.call('library:renew', { id, days }), 'due'));
      const state = stateIs('library', ['books', { id }, 'due'], due);
      const slots = { id, days: String(days) };
      return {
        ...askingAndChanging(slots, [due], `the new due date of ${id}`, [state]),
        gives: due,
      };
    },
  },
  {
    name: 'library_return',
    tools: ['library:return_book'],
    byName: false,
    phrasings: {
      train: ['{id} [came|is] back[|, note it].', '[Take back|Check in|Return] [the book |]{id}.'],
      heldOut: ['The loan of {id} is over.', 'Put {id} back on its shelf.'],
    },
    draw(draft) {
      const { id } = onLoan(draft);
      draft.call('library:return_book', { id });
      return changing({ id }, `${id} is on its shelf`, [
        stateIs('library', ['books', { id }, 'borrower'], null),
      ]);
    },
  },
  {
    name: 'library_hold',
    tools: ['library:place_hold'],
    byName: false,
    takes: 'person',
    phrasings: {
      train: [
        '[Place|Make] a hold on {id} for {who}.',
        'Put {who} [in|into] the [queue|line] for {id}.',
      ],
      heldOut: ['{who} wants {id} next; note that.', 'Reserve {id} for {who}.'],
    },
    draw(draft) {
      const { id } = draft.take(books(draft));
      const { value: member, shown } = draft.given('person', () => draft.person());
      draft.call('library:place_hold', { id, member });
      return changing({ id, who: shown }, `${member} waits for ${id}`, [
        stateIs('library', ['books', { id }, 'holds'], [member]),
      ]);
    },
  },
  {
    name: 'library_genre',
    tools: ['library:search'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many [|books of the genre ]{genre} [books |]has the library?',
        'Count the {genre} books [of|in] the library.',
      ],
      heldOut: [
        'State the number of {genre} books in the library.',
        'The library has how many {genre} books?',
      ],
    },
    draw(draft) {
      const genre = draft.fresh(draft.rng.pick(GENRES));
      const found = draft.call('library:search', { filter: { genre } });
      const total = Number(field(found, 'total'));
      return { ...asking({ genre }, [total], `how many ${genre} books there are`), gives: total };
    },
  },
  {
    name: 'library_author_year',
    tools: ['library:find_book', 'library:get_book'],
    byName: true,
    gives: 'person',
    phrasings: {
      train: [
        '[Who wrote|Who is the author of] {title}, and in what year [was it printed|did it come out]?',
        'Give me [the |]author and year of {title}.',
      ],
      heldOut: [
        'Name the writer and the year of {title}.',
        'I need to know by whom and of what year {title} is.',
      ],
    },
    draw(draft) {
      const { title } = draft.take(books(draft));
      const spelled = draft.spelled(title);
      const { id } = draft.find('library:find_book', 'title', spelled, title);
      const card = draft.call('library:get_book', { id: id ?? '' });
      const author = String(field(card, 'author'));
      const asked = [author, Number(field(card, 'year'))];
      return {
        ...asking({ title: `'${spelled}'` }, asked, `author and year of '${title}'`),
        gives: author,
      };
    },
  },
  {
    name: 'library_loans_of',
    tools: ['library:list_loans'],
    byName: false,
    takes: 'person',
    gives: 'number',
    phrasings: {
      train: [
        'How many books has {who} [borrowed|out|at home] [now|today]?',
        'Count the [loans of|books lent to] {who}.',
      ],
      heldOut: ['{who} has how many loans?', 'State the number of books that are with {who}.'],
    },
    draw(draft) {
      const borrowers = books(draft).flatMap(({ borrower }) => borrower ?? []);
      const { value: who, shown } = draft.given('person', () =>
        draft.fresh(draft.rng.pick(borrowers)),
      );
      const count = Number(field(draft.call('library:list_loans', { member: who }), 'count'));
      return { ...asking({ who: shown }, [count], `how many books ${who} has`), gives: count };
    },
  },
];
