// Requests to the hotel agency. Knows nothing of how parts are combined.
import { defined } from '../../base/assert.ts';
import { type Draft, type Family, stateIs } from '../draft.ts';
import { asking, askingAndChanging, changing, field, rowsOf } from '../parts.ts';
import type { HotelsState } from '../servers/hotels.ts';
import { givenCity, givenDate, givenPerson, handingOn, objectIn } from './travel-parts.ts';

const state = (draft: Draft) => draft.state<HotelsState>('hotels');
const aHotel = (draft: Draft) => draft.take(state(draft).hotels);
const aReservation = (draft: Draft) =>
  draft.take(state(draft).reservations.filter(({ status }) => status === 'booked'));

/** Finds a hotel by its name, as the request spells it. */
function findHotel(draft: Draft, name: string): { title: string; hotel_id: string } {
  const spelled = draft.spelled(name);
  const { id } = draft.find('hotels:find_hotel', 'name', spelled, name);
  return { title: `'${spelled}'`, hotel_id: String(id) };
}

/** A check of the reservation of a guest: its id is made by the call. */
function reserved(guest: { name: string; adults: number; city: string | null }, stay: object) {
  return Object.entries(stay).map(([key, value]) =>
    stateIs('hotels', ['reservations', { guest }, key], value),
  );
}

export const HOTELS_REQUESTS: readonly Family[] = [
  {
    name: 'hotels_count',
    tools: ['hotels:search'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many hotels with [at least {stars} stars|{stars} stars or more] are there in {city}?',
        'Count the hotels in {city} that have [at least {stars} stars|{stars} stars or more].',
        '[Tell me|Find out] how many hotels in {city} have at least {stars} stars.',
      ],
      heldOut: [
        'State the number of hotels in {city} with no fewer than {stars} stars.',
        'In {city}, between how many hotels of {stars} stars and above can one choose?',
      ],
    },
    draw(draft) {
      const { city, stars } = draft.take(state(draft).hotels.filter((hotel) => hotel.stars > 2));
      draft.claim(`${city} ${stars}`);
      const found = draft.call('hotels:search', { city, filter: { min_stars: stars } });
      const slots = { city: `'${city}'`, stars: String(stars) };
      const what = `how many hotels with ${stars} stars or more are in ${city}`;
      return handingOn(asking(slots, [field(found, 'total')], what));
    },
  },
  {
    name: 'hotels_quote',
    tools: ['hotels:find_hotel', 'hotels:check_availability'],
    byName: true,
    takes: 'date',
    gives: 'amount',
    phrasings: {
      train: [
        'What [would|does] a {room} room at {title} cost for {nights} nights from {date} on?',
        '[Tell me|Find out|Look up] the price of {nights} nights in a {room} room at {title}, arriving on {date}.',
        'How much are {nights} nights in a {room} room at {title} [from|starting on] {date}?',
      ],
      heldOut: [
        'I plan to arrive at {title} on {date} and stay {nights} nights in a {room} room; what do I pay?',
        'Name the total for a {room} room at {title}: arrival on {date}, {nights} nights.',
      ],
    },
    draw(draft) {
      const hotel = aHotel(draft);
      const room_type = draft.rng.pick(hotel.rooms).type;
      const nights = draft.rng.int(2, 7);
      const { value: check_in, shown } = givenDate(draft);
      const { title, hotel_id } = findHotel(draft, hotel.name);
      const stay = { hotel_id, room_type, check_in, nights };
      const total = field(draft.call('hotels:check_availability', stay), 'total');
      const slots = { title, room: room_type, nights: String(nights), date: shown };
      return handingOn(asking(slots, [total], `what the stay at '${hotel.name}' costs`));
    },
  },
  {
    name: 'hotels_book',
    tools: ['hotels:find_hotel', 'hotels:book_room'],
    byName: true,
    takes: 'person',
    phrasings: {
      train: [
        '[Book|Reserve] a {room} room for {adults} adults at {title} in the name of {who}, {nights} nights from {date} on.',
        '[Reserve|Book] {nights} nights at {title} from {date} on: a {room} room in the name of {who}, {adults} adults.',
        '[Reserve|Book] for {who} a {room} room for {adults} adults at {title}, arriving on {date} for {nights} nights.',
      ],
      heldOut: [
        'A {room} room at {title} is needed on {date} for {nights} nights; the guest is {who}, there are {adults} adults. Book it.',
        'Have {title} keep a {room} room for {who} from {date} on: {adults} adults, {nights} nights.',
      ],
    },
    draw(draft) {
      const { id, name, rooms } = aHotel(draft);
      const room = draft.rng.pick(rooms.filter(({ type }) => type !== 'single')).type;
      const stay = { check_in: draft.laterDate(), nights: draft.rng.int(2, 7) };
      const { value: who, shown } = givenPerson(draft);
      const adults = room === 'family' ? draft.rng.int(2, 4) : 2;
      const guest = { name: who, adults };
      const { title, hotel_id } = findHotel(draft, name);
      draft.call('hotels:book_room', { hotel_id, room_type: room, ...stay, guest });
      const slots = { title, room, who: shown, date: stay.check_in };
      return changing(
        { ...slots, adults: String(adults), nights: String(stay.nights) },
        `${who} has a ${room} room at '${name}' for ${stay.nights} nights from ${stay.check_in} on`,
        reserved({ ...guest, city: null }, { hotel: id, room, ...stay }),
      );
    },
  },
  {
    name: 'hotels_book_for_city',
    tools: ['hotels:book_room'],
    byName: false,
    takes: 'city',
    phrasings: {
      train: [
        '[Book|Reserve] a {room} room at {id} for {who} from {city}, {nights} nights from {date} on.',
        '[Reserve|Book] {nights} nights in a {room} room at {id}, arriving on {date}; the guest is {who} [from|of] {city}.',
        '{who}, who lives in {city}, needs a {room} room at {id} on {date} for {nights} nights; book it.',
      ],
      heldOut: [
        'Arrange a stay at {id} for {who}, a guest from {city}: a {room} room on {date}, {nights} nights.',
        'Let {id} expect {who} of {city} on {date} in a {room} room for {nights} nights.',
      ],
    },
    draw(draft) {
      const { id, rooms } = aHotel(draft);
      const room = draft.rng.pick(rooms).type;
      const stay = { check_in: draft.laterDate(), nights: draft.rng.int(2, 7) };
      const who = draft.person();
      const { value: city, shown } = givenCity(draft);
      const guest = { name: who, city };
      draft.call('hotels:book_room', { hotel_id: id, room_type: room, ...stay, guest });
      const slots = { id, room, who: `'${who}'`, city: shown, date: stay.check_in };
      return changing(
        { ...slots, nights: String(stay.nights) },
        `${who} of ${city} has a ${room} room at ${id} from ${stay.check_in} on`,
        reserved({ ...guest, adults: 1 }, { hotel: id, room, ...stay }),
      );
    },
  },
  {
    name: 'hotels_cheapest_room',
    tools: ['hotels:find_hotel', 'hotels:list_rooms'],
    byName: true,
    gives: 'amount',
    phrasings: {
      train: [
        'What does the cheapest [type of |]room at {title} cost a night?',
        '[Tell me|Find out|Look up] the lowest price [of|for] a night at {title}.',
        'How much is a night in the cheapest room [of|at] {title}?',
      ],
      heldOut: [
        'For what price can one sleep at {title}, at the least?',
        'Of the rooms of {title}, name the lowest price a night.',
      ],
    },
    draw(draft) {
      const { title, hotel_id } = findHotel(draft, aHotel(draft).name);
      const rooms = rowsOf(draft.call('hotels:list_rooms', { hotel_id }), 'rooms');
      const price = Math.min(...rooms.map((room) => Number(field(room, 'price'))));
      return handingOn(asking({ title }, [price], `the lowest price a night at ${title}`));
    },
  },
  {
    name: 'hotels_guest',
    tools: ['hotels:get_reservation'],
    byName: false,
    gives: 'person',
    phrasings: {
      train: [
        'Who is the guest of reservation {id}, and on what day does the stay end?',
        '[Tell me|Look up|Find out] the guest and the day of departure of reservation {id}.',
        'In whose name is [reservation |]{id}, and when is [its |the ]check-out?',
      ],
      heldOut: [
        'Name the guest of {id} and the date on which the room is left.',
        'I need to know for whom {id} was made and what its last day is.',
      ],
    },
    draw(draft) {
      const { id } = aReservation(draft);
      const found = draft.call('hotels:get_reservation', { reservation_id: id });
      const asked = [field(objectIn(found, 'guest'), 'name'), field(found, 'check_out')];
      return handingOn(asking({ id }, asked, `guest and last day of ${id}`));
    },
  },
  {
    name: 'hotels_move',
    tools: ['hotels:change_dates'],
    byName: false,
    takes: 'date',
    gives: 'amount',
    phrasings: {
      train: [
        '[Move|Change] [reservation |]{id} to {nights} nights from {date} on and [tell|give] me the new [price|total].',
        'Reservation {id} shall start on {date} and last {nights} nights; what does it cost [then|now]?',
        '[Let|Have] {id} begin on {date} for {nights} nights. What is the new total?',
      ],
      heldOut: [
        'The guest of {id} now comes on {date} for {nights} nights: note it and name the price.',
        'Shift {id} so that arrival is on {date}, {nights} nights, and state what it costs.',
      ],
    },
    draw(draft) {
      const { id } = aReservation(draft);
      const nights = draft.rng.int(2, 7);
      const { value: check_in, shown } = givenDate(draft);
      const changes = { check_in, nights };
      const found = draft.call('hotels:change_dates', { reservation_id: id, ...changes });
      const checks = Object.entries(changes).map(([key, value]) =>
        stateIs('hotels', ['reservations', { id }, key], value),
      );
      const slots = { id, nights: String(nights), date: shown };
      const what = `the new price of ${id}`;
      return handingOn(askingAndChanging(slots, [field(found, 'total')], what, checks));
    },
  },
  {
    name: 'hotels_cancel',
    tools: ['hotels:cancel_reservation'],
    byName: false,
    gives: 'amount',
    phrasings: {
      train: [
        'Cancel [reservation|the hotel reservation] {id} and [tell|give] me the refund.',
        '[Cancel|Call off] [reservation |the stay of ]{id}; how much is paid back?',
        'What is refunded when {id} is cancelled? [Do it|Cancel it].',
      ],
      heldOut: [
        'The guest of {id} is not coming: cancel it and name the sum that is returned.',
        'Take {id} off the books and state the money that goes back.',
      ],
    },
    draw(draft) {
      const { id } = aReservation(draft);
      const found = draft.call('hotels:cancel_reservation', { reservation_id: id });
      const check = stateIs('hotels', ['reservations', { id }, 'status'], 'cancelled');
      const what = `the refund of ${id}`;
      return handingOn(askingAndChanging({ id }, [field(found, 'refund')], what, [check]));
    },
  },
  {
    name: 'hotels_first_review',
    tools: ['hotels:find_hotel', 'hotels:get_reviews', 'hotels:get_reviews'],
    byName: true,
    gives: 'person',
    phrasings: {
      train: [
        'Who wrote the oldest review of {title}?',
        '[Tell me|Find out|Look up] who was the first to review {title}.',
        'Of all [the |]reviews of {title}, who is the author of the oldest?',
      ],
      heldOut: [
        'Name the guest who reviewed {title} before anybody else did.',
        'The earliest review of {title}: by whom is it?',
      ],
    },
    draw(draft) {
      const { hotels, reviews } = state(draft);
      const long = hotels.filter(
        ({ id }) => reviews.filter(({ hotel }) => hotel === id).length > 5,
      );
      const { title, hotel_id } = findHotel(draft, draft.take(long).name);
      const first = draft.call('hotels:get_reviews', { hotel_id });
      const page = field(first, 'nextPage');
      const last = draft.call('hotels:get_reviews', { hotel_id, page });
      const author = field(defined(rowsOf(last, 'items').at(-1), 'review'), 'author');
      return handingOn(asking({ title }, [author], `who reviewed ${title} first`));
    },
  },
];
