// Requests to the museum. Knows nothing of how parts are combined.
import { defined } from '../../base/assert.ts';
import { type Draft, type Family, Rejected, stateIs } from '../draft.ts';
import { asking, changing, field } from '../parts.ts';
import { CITIES, hasSpace, MEDIA, type MuseumState, type Work } from '../servers/museum.ts';

const museum = (draft: Draft) => draft.state<MuseumState>('museum');
const take = (draft: Draft, fits: (work: Work) => boolean) =>
  draft.take(museum(draft).objects.filter(fits));
const isHere = ({ room }: Work) => room !== null;
const isAway = ({ loan }: Work) => loan !== null;

/** The rooms that can take one more object. */
function open(draft: Draft) {
  const state = museum(draft);
  const rooms = state.rooms.filter((room) => hasSpace(state, room));
  if (rooms.length === 0) throw new Rejected('all rooms are full');
  return rooms;
}

/** Objects that no exhibition from today on needs. */
function lendable(draft: Draft): (work: Work) => boolean {
  const shows = museum(draft).exhibitions.filter(({ to }) => to >= draft.clock.slice(0, 10));
  return ({ id, loan }) => loan === null && !shows.some(({ objects }) => objects.includes(id));
}

const LOOKUPS: readonly Family[] = [
  {
    name: 'museum_birthplace',
    tools: ['museum:get_object_details', 'museum:get_artist_details'],
    byName: true,
    gives: 'city',
    phrasings: {
      train: [
        'In what city [and year was|and in what year was] the artist of {title} born?',
        'Where and when was [the artist who made|the maker of|the artist of] {title} born?',
        '[Find out|Tell me] the city and the year in which the artist of {title} was born.',
      ],
      heldOut: [
        'I need the birthplace and the birth year of whoever made {title}.',
        'The artist behind {title}: born in what city, and in what year?',
      ],
    },
    draw(draft) {
      const { title } = take(draft, () => true);
      const spelled = draft.spelled(title);
      const { artist } = draft.find('museum:get_object_details', 'title', spelled, title);
      const name = defined(artist, 'artist');
      const card = draft.call('museum:get_artist_details', { name });
      const city = String(field(card, 'city'));
      const asked = [city, field(card, 'born')];
      const what = `where and when the artist of '${title}' was born`;
      return { ...asking({ title: `'${spelled}'` }, asked, what), gives: city };
    },
  },
  {
    name: 'museum_loan_end',
    tools: ['museum:get_object_details'],
    byName: true,
    gives: 'date',
    phrasings: {
      train: [
        '[To|In] which city is {title} on loan, and until [when|what date]?',
        'Our museum has lent {title}: to which city, and until [when|what date]?',
        '[Tell me|Look up] to which city {title} is lent and [until when|when the loan ends].',
      ],
      heldOut: [
        'What city has {title} now, and on what date does that loan end?',
        'Name the city that borrowed {title} from us and the last day of the loan.',
      ],
    },
    draw(draft) {
      const { title, loan } = take(draft, isAway);
      const spelled = draft.spelled(title);
      draft.find('museum:get_object_details', 'title', spelled, title);
      const { city, until } = defined(loan, 'loan');
      const what = `where '${title}' is on loan and until when`;
      return { ...asking({ title: `'${spelled}'` }, [city, until], what), gives: until };
    },
  },
  {
    name: 'museum_count',
    tools: ['museum:search_collection'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many works in {medium} [|of our collection ]were made from {from} to {to}?',
        'Count the works in {medium} [|that we hold ]from the years {from} to {to}.',
        'How many works in {medium} does the museum have from the years {from} to {to}?',
        'What is the number of [|our ]works in {medium} made from {from} to {to}?',
      ],
      heldOut: [
        'The museum holds how many works in {medium} made no earlier than {from} and no later than {to}?',
        'State how many works in {medium} date from {from} to {to}.',
      ],
    },
    draw(draft) {
      const medium = draft.rng.pick(MEDIA);
      const from = draft.rng.int(1815, 1890);
      const to = from + draft.rng.int(40, 90);
      const found = draft.call('museum:search_collection', { medium, made: { from, to } });
      const total = Number(field(found, 'total'));
      const slots = { medium, from: String(from), to: String(to) };
      const what = `how many works in ${medium} are from ${from} to ${to}`;
      return { ...asking(slots, [total], what), gives: total };
    },
  },
  {
    name: 'museum_closing',
    tools: ['museum:list_exhibitions'],
    byName: false,
    gives: 'date',
    phrasings: {
      train: [
        '[When|On what date] does the exhibition {title} [close|end]?',
        '[Tell me|Look up] the last day of the exhibition {title}.',
        'Until what date can [one|I] see the exhibition {title}?',
      ],
      heldOut: [
        'The exhibition {title} runs until what date?',
        'I want to know the closing date of the exhibition {title}.',
      ],
    },
    draw(draft) {
      const { title, to } = draft.take(museum(draft).exhibitions);
      draft.call('museum:list_exhibitions', {});
      const what = `the last day of the exhibition '${title}'`;
      return { ...asking({ title: `'${title}'` }, [to], what), gives: to };
    },
  },
];

const CHANGES: readonly Family[] = [
  {
    name: 'museum_lend',
    tools: ['museum:lend_object'],
    byName: false,
    takes: 'city',
    phrasings: {
      train: [
        'Lend {id} to the museum of {city} until {date}.',
        '[Let|Have] the museum of {city} borrow [|the object ]{id} until {date}.',
        '[Record|Enter] a loan of {id} to the museum of {city} until {date}.',
        'The museum of {city} borrows [|the object ]{id} until {date}; [note|record] it.',
      ],
      heldOut: [
        'Until {date}, {id} goes on loan to the museum of {city}.',
        'Our object {id} goes to {city} on loan; its last day there is {date}.',
      ],
    },
    draw(draft) {
      const { id } = take(draft, lendable(draft));
      const { value: city, shown } = draft.given('city', () => draft.rng.pick(CITIES));
      const until = draft.laterDate();
      draft.call('museum:lend_object', { object_id: id, city, until });
      return changing({ id, city: shown, date: until }, `${id} is lent to ${city} until ${until}`, [
        stateIs('museum', ['objects', { id }, 'loan'], { city, until }),
      ]);
    },
  },
  {
    name: 'museum_return',
    tools: ['museum:return_object'],
    byName: false,
    phrasings: {
      train: [
        '{id} is back from its loan; [put|hang|place] it in [|room ]{room}.',
        'The loan of {id} is over: [it goes into|put it in] [|room ]{room}.',
        '[End|Close] the loan of {id} and put it in [|room ]{room}.',
      ],
      heldOut: [
        '{id} has come home from its loan and goes into {room}.',
        'Take {id} back from its borrower, into room {room}.',
      ],
    },
    draw(draft) {
      const { id } = take(draft, isAway);
      const room = draft.rng.pick(open(draft)).id;
      draft.call('museum:return_object', { object_id: id, room });
      const path = ['objects', { id }];
      return changing({ id, room }, `${id} is in room ${room} and not on loan`, [
        stateIs('museum', [...path, 'room'], room),
        stateIs('museum', [...path, 'loan'], null),
      ]);
    },
  },
  {
    name: 'museum_move',
    tools: ['museum:get_object_details', 'museum:list_rooms', 'museum:move_object'],
    byName: true,
    phrasings: {
      train: [
        'Move {title} to the room on floor {floor} that has space.',
        '[Put|Hang|Place] {title} in the room on floor {floor} that [is not full|has a free place].',
        'On floor {floor} one room has space; [move|bring] {title} there.',
      ],
      heldOut: [
        '{title} is to be shown on floor {floor}: find the room with space and move it there.',
        'There is only one room on floor {floor} that is not full: take {title} to it.',
      ],
    },
    draw(draft) {
      const rooms = open(draft);
      const single = rooms.filter(
        ({ floor }) => rooms.filter((other) => other.floor === floor).length === 1,
      );
      const { id: room, floor } = draft.take(single);
      const { id, title } = take(draft, (work) => isHere(work) && work.room !== room);
      const spelled = draft.spelled(title);
      draft.find('museum:get_object_details', 'title', spelled, title);
      draft.call('museum:list_rooms', { floor });
      draft.call('museum:move_object', { object_id: id, room });
      return changing(
        { title: `'${spelled}'`, floor: String(floor) },
        `'${title}' is in room ${room}`,
        [stateIs('museum', ['objects', { id }, 'room'], room)],
      );
    },
  },
  {
    name: 'museum_exhibit',
    tools: ['museum:get_object_details', 'museum:list_exhibitions', 'museum:add_to_exhibition'],
    byName: true,
    phrasings: {
      train: [
        '[Add|Assign] {title} to the exhibition {show}.',
        '[Show|Put|Include] {title} in the exhibition {show}.',
        'Let {title} be [part of|shown in] the exhibition {show}.',
      ],
      heldOut: [
        'The exhibition {show} should also have {title}.',
        'Visitors of the exhibition {show} should see {title} there as well.',
      ],
    },
    draw(draft) {
      const shows = museum(draft).exhibitions.filter(({ to }) => to >= draft.clock.slice(0, 10));
      const show = draft.take(shows);
      const { id, title } = take(draft, (work) => isHere(work) && !show.objects.includes(work.id));
      const spelled = draft.spelled(title);
      draft.find('museum:get_object_details', 'title', spelled, title);
      draft.call('museum:list_exhibitions', {});
      draft.call('museum:add_to_exhibition', { exhibition_id: show.id, object_id: id });
      return changing(
        { title: `'${spelled}'`, show: `'${show.title}'` },
        `'${title}' is in the exhibition '${show.title}'`,
        [stateIs('museum', ['exhibitions', { id: show.id }, 'objects'], [...show.objects, id])],
      );
    },
  },
];

export const MUSEUM_REQUESTS: readonly Family[] = [...LOOKUPS, ...CHANGES];
