// Requests to the airline. Knows nothing of how parts are combined.
import { defined } from '../../base/assert.ts';
import { type Draft, type Family, Rejected, stateIs } from '../draft.ts';
import { asking, askingAndChanging, changing, field } from '../parts.ts';
import { CABINS, POSITIONS } from '../servers/aircraft-seats.ts';
import { type FlightsState, MOST_BAGS } from '../servers/flights.ts';
import { givenPerson, handingOn, rowOf } from './travel-parts.ts';

const state = (draft: Draft) => draft.state<FlightsState>('flights');
const aFlight = (draft: Draft) => draft.take(state(draft).flights);
const aBooking = (draft: Draft) =>
  draft.take(state(draft).bookings.filter(({ status }) => status === 'confirmed'));

/** A check of the booking of a passenger: its id is made by the call. */
function booked(passenger: string, key: string, value: string | number) {
  return stateIs('flights', ['bookings', { passenger }, key], value);
}

export const FLIGHTS_REQUESTS: readonly Family[] = [
  {
    name: 'flights_cheapest',
    tools: ['flights:find_airport', 'flights:find_airport', 'flights:search_flights'],
    byName: true,
    gives: 'amount',
    phrasings: {
      train: [
        'What is the [lowest|cheapest] fare [for a flight |]from {from} to {to}?',
        '[Find|Look up|Tell me] the [lowest|cheapest] fare from {from} to {to}.',
        'How much is the cheapest flight from {from} to {to}?',
        'I want to fly from {from} to {to}; what is the lowest fare?',
      ],
      heldOut: [
        'For how little money can one fly from {from} to {to}?',
        'Of all flights from {from} to {to}, what does the cheapest one cost?',
      ],
    },
    draw(draft) {
      const { from, to } = aFlight(draft);
      draft.claim(`${from}-${to}`);
      const cityOf = (wanted: string) =>
        defined(state(draft).airports.find(({ code }) => code === wanted)?.city, 'city');
      const cities = { from: cityOf(from), to: cityOf(to) };
      const spelled = draft.spelled(cities.from);
      draft.find('flights:find_airport', 'city', spelled, cities.from);
      draft.call('flights:find_airport', { city: cities.to });
      const found = draft.call('flights:search_flights', { from, to, sort: 'fare' });
      const fare = field(rowOf(found, 'items'), 'fare');
      const slots = { from: `'${spelled}'`, to: `'${cities.to}'` };
      return handingOn(asking(slots, [fare], `the lowest fare from ${from} to ${to}`));
    },
  },
  {
    name: 'flights_goes_to',
    tools: ['flights:get_flight'],
    byName: false,
    gives: 'city',
    phrasings: {
      train: [
        '[To which|To what] city does [flight |]{id} [fly|go]?',
        '[Tell me|Find out|Look up] which city [flight |]{id} [flies|goes] to.',
        'Where does [flight |]{id} [land|arrive]? [Give|Name] the city.',
      ],
      heldOut: ['Name the city that {id} is bound for.', 'What is the destination of {id}?'],
    },
    draw(draft) {
      const { id } = aFlight(draft);
      const city = field(draft.call('flights:get_flight', { flight_id: id }), 'to_city');
      return handingOn(asking({ id }, [city], `where ${id} goes`));
    },
  },
  {
    name: 'flights_departure',
    tools: ['flights:get_flight'],
    byName: false,
    gives: 'time',
    phrasings: {
      train: [
        'At what time does [flight |]{id} [leave|depart|take off], and how many minutes does it take?',
        '[Give|Tell] me the departure time of [flight |]{id} and its length in minutes.',
        '[Look up|Find out] when {id} [leaves|departs] and how many minutes it is in the air.',
      ],
      heldOut: [
        'I am on {id}: at what time does it start, and for how many minutes do we fly?',
        'State the time of departure of {id} and its minutes in the air.',
      ],
    },
    draw(draft) {
      const { id } = aFlight(draft);
      const flight = draft.call('flights:get_flight', { flight_id: id });
      const asked = [field(flight, 'departs'), field(flight, 'minutes')];
      return handingOn(asking({ id }, asked, `when ${id} leaves and how long it flies`));
    },
  },
  {
    name: 'flights_free_seats',
    tools: ['flights:list_seats'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many {position} seats are [still |]free in the {cabin} cabin of [flight |]{id}?',
        'Count the free {position} seats [in|of] the {cabin} cabin of [flight |]{id}.',
        '[Tell me|Find out] how many {position} seats {id} has left in {cabin}.',
      ],
      heldOut: [
        'State the number of {position} seats in {cabin} that nobody has taken on {id}.',
        'On {id}, how many seats in {cabin} of the kind {position} can one still get?',
      ],
    },
    draw(draft) {
      const { id } = aFlight(draft);
      const cabin = draft.rng.pick(CABINS);
      const position = draft.rng.pick(cabin === 'economy' ? POSITIONS : ['window', 'aisle']);
      const seats = draft.call('flights:list_seats', { flight_id: id, cabin, position });
      const what = `how many ${position} seats are free in ${cabin} on ${id}`;
      return handingOn(asking({ id, cabin, position }, [field(seats, 'count')], what));
    },
  },
  {
    name: 'flights_book',
    tools: ['flights:book_flight'],
    byName: false,
    takes: 'person',
    phrasings: {
      train: [
        'Book {who} on [flight |]{id} in {cabin} [with|and add] {bags} bags.',
        '[Get|Book] a seat in {cabin} on [flight |]{id} for {who}, [with|who brings|and add] {bags} bags.',
        'Put {who} on [flight |]{id}: {cabin}, {bags} bags.',
      ],
      heldOut: [
        'With {bags} bags, {who} wants to fly in {cabin} on {id}; book it.',
        'Make a booking on {id} for {who}, {cabin} class and {bags} bags.',
      ],
    },
    draw(draft) {
      const { id } = aFlight(draft);
      const cabin = draft.rng.pick(CABINS);
      const bags = draft.rng.int(2, MOST_BAGS);
      const { value: passenger, shown } = givenPerson(draft);
      draft.call('flights:book_flight', { flight_id: id, passenger, cabin, bags });
      return changing(
        { who: shown, id, cabin, bags: String(bags) },
        `${passenger} has a seat in ${cabin} on ${id} with ${bags} bags`,
        [
          booked(passenger, 'flight', id),
          booked(passenger, 'cabin', cabin),
          booked(passenger, 'bags', bags),
        ],
      );
    },
  },
  {
    name: 'flights_book_seat',
    tools: ['flights:list_seats', 'flights:book_flight'],
    byName: false,
    takes: 'person',
    phrasings: {
      train: [
        'Book the first free {position} seat in {cabin} on [flight |]{id} for {who}.',
        '[Find|Look up] the first {position} seat in {cabin} that is free on [flight |]{id}, and book it for {who}.',
        'Give {who} the first free {position} seat [in|of] {cabin} on [flight |]{id}.',
      ],
      heldOut: [
        'Let {who} have the {position} seat in {cabin} that is free farthest to the front on {id}.',
        'On {id}, take the frontmost free {position} seat of {cabin} for {who}.',
      ],
    },
    draw(draft) {
      const { id } = aFlight(draft);
      const cabin = draft.rng.pick(CABINS);
      const position = draft.rng.pick(['window', 'aisle']);
      const { value: passenger, shown } = givenPerson(draft);
      const seats = draft.call('flights:list_seats', { flight_id: id, cabin, position });
      const [seat] = [field(seats, 'free')].flat();
      if (typeof seat !== 'string') throw new Rejected('no seat is free');
      draft.call('flights:book_flight', { flight_id: id, passenger, cabin, seat });
      return changing(
        { who: shown, id, cabin, position },
        `${passenger} has seat ${seat} on ${id}`,
        [booked(passenger, 'flight', id), booked(passenger, 'seat', seat)],
      );
    },
  },
  {
    name: 'flights_bags',
    tools: ['flights:set_baggage'],
    byName: false,
    gives: 'amount',
    phrasings: {
      train: [
        '[Set|Change] the baggage of [booking |]{id} to {bags} bags and [tell|give] me the new total.',
        'What is the total of [booking |]{id} once it has {bags} bags? [Do it|Change it].',
        '[Make it|Note] {bags} bags for [booking |]{id}; what does it cost [now|in all]?',
      ],
      heldOut: [
        'Booking {id} shall have {bags} bags; name its price after that.',
        'Let {id} fly with {bags} bags and state what has to be paid altogether.',
      ],
    },
    draw(draft) {
      const booking = aBooking(draft);
      const bags = draft.rng.pick([2, 3, MOST_BAGS].filter((count) => count !== booking.bags));
      const { id } = booking;
      const total = field(draft.call('flights:set_baggage', { booking_id: id, bags }), 'total');
      const check = stateIs('flights', ['bookings', { id }, 'bags'], bags);
      const slots = { id, bags: String(bags) };
      return handingOn(askingAndChanging(slots, [total], `the new total of ${id}`, [check]));
    },
  },
  {
    name: 'flights_move',
    tools: ['flights:get_booking', 'flights:search_flights', 'flights:change_flight'],
    byName: false,
    phrasings: {
      train: [
        '[Move|Change|Switch] booking {id} to the flight of the same route on {date}.',
        'Rebook {id} [to|onto] the flight [of|with] the same route on {date}.',
        'Booking {id} [must|has to] fly on {date} [instead|rather than on its day]; change it.',
      ],
      heldOut: [
        'Whoever holds {id} wants to travel the same way on {date}; see to it.',
        'Find the flight on {date} between the airports of {id} and put the booking on it.',
      ],
    },
    draw(draft) {
      const { flights } = state(draft);
      const booking = aBooking(draft);
      const old = defined(
        flights.find(({ id }) => id === booking.flight),
        'flight',
      );
      const others = flights.filter((other) => other.from === old.from && other.to === old.to);
      const { date } = draft.take(others.filter(({ id }) => id !== old.id));
      const { id } = booking;
      const { from, to } = draft.call('flights:get_booking', { booking_id: id });
      const route = { from: defined(from, 'from'), to: defined(to, 'to') };
      const row = rowOf(draft.call('flights:search_flights', { ...route, date }), 'items');
      const flight = field(row, 'id');
      draft.call('flights:change_flight', { booking_id: id, flight_id: flight });
      return changing({ id, date }, `${id} is on the flight of ${date}`, [
        stateIs('flights', ['bookings', { id }, 'flight'], flight),
      ]);
    },
  },
  {
    name: 'flights_cancel',
    tools: ['flights:cancel_booking'],
    byName: false,
    gives: 'amount',
    phrasings: {
      train: [
        'Cancel booking {id} and [tell|give] me the refund.',
        '[Cancel|Call off] [the flight booking |booking ]{id}; how much is [paid back|refunded]?',
        'What refund does {id} get when it is cancelled? [Do it|Cancel it].',
      ],
      heldOut: [
        'The journey of {id} is off: cancel it and name the sum that comes back.',
        'Drop booking {id} and state what is returned to us.',
      ],
    },
    draw(draft) {
      const { id } = aBooking(draft);
      const refund = field(draft.call('flights:cancel_booking', { booking_id: id }), 'refund');
      const check = stateIs('flights', ['bookings', { id }, 'status'], 'cancelled');
      return handingOn(askingAndChanging({ id }, [refund], `the refund of ${id}`, [check]));
    },
  },
];
