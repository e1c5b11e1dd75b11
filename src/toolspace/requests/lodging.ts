// Requests to the agency for short stays. Knows nothing of how parts are combined.
import { type Draft, type Family, stateIs } from '../draft.ts';
import { asking, askingAndChanging, changing, field, rowsOf } from '../parts.ts';
import type { LodgingState } from '../servers/lodging.ts';
import { shiftDate } from '../values.ts';
import { entryAt } from './unseen-parts.ts';

const agency = (draft: Draft) => draft.state<LodgingState>('lodging');

export const LODGING_REQUESTS: readonly Family[] = [
  {
    name: 'lodging_host',
    tools: ['lodging:search_stays', 'lodging:stay_overview'],
    byName: false,
    gives: 'person',
    phrasings: {
      train: [
        'Who is the host of the cheapest flat in {city} [for|with room for] {guests} people?',
        'Find the cheapest flat in {city} that takes {guests} guests and [tell me|name] its host.',
        'What is the name of the host who lets the cheapest flat for {guests} in {city}?',
        'We are {guests} and want to stay in {city}: whose is the cheapest flat [there|that fits]?',
      ],
      heldOut: [
        'A party of {guests} looks for the least expensive flat in {city}. With whom would they stay?',
        'In {city}, name the host of the lowest priced flat with {guests} places or more.',
      ],
    },
    draw(draft) {
      const { city, guests } = draft.take(agency(draft).flats);
      const found = draft.call('lodging:search_stays', { city, filter: { guests } });
      const id = String(field(entryAt(rowsOf(found, 'items'), 0), 'id'));
      const host = String(field(draft.call('lodging:stay_overview', { id }), 'host'));
      return {
        ...asking({ city: `'${city}'`, guests: String(guests) }, [host], `the host of ${id}`),
        gives: host,
      };
    },
  },
  {
    name: 'lodging_offer',
    tools: ['lodging:search_stays'],
    byName: false,
    takes: 'city',
    gives: 'number',
    phrasings: {
      train: [
        'How many flats [are there|can one rent] in {city} for {price} euros a night or less?',
        'Count the flats in {city} that cost {price} euros a night at most.',
        'With up to {price} euros a night, how many flats can I choose from in {city}?',
        'How many flats in {city} cost no more than {price} euros [a|per] night?',
      ],
      heldOut: [
        'My limit is {price} euros a night; what number of flats does that leave me in {city}?',
        'State how many short-stay flats {city} has at {price} euros a night or below.',
      ],
    },
    draw(draft) {
      const { value: city, shown } = draft.given(
        'city',
        () => draft.rng.pick(agency(draft).flats).city,
      );
      const max_nightly = draft.rng.int(14, 22) * 10;
      const found = draft.call('lodging:search_stays', { city, filter: { max_nightly } });
      const total = Number(field(found, 'total'));
      const slots = { city: shown, price: String(max_nightly) };
      return { ...asking(slots, [total], `how many flats ${city} has`), gives: total };
    },
  },
  {
    name: 'lodging_price',
    tools: ['lodging:quote_stay'],
    byName: false,
    takes: 'number',
    gives: 'amount',
    phrasings: {
      train: [
        'What does a stay in {id} cost [in all|with all fees], if the number of nights is {nights}?',
        'With {nights} as the number of nights, what is the total price of {id}[|, fees included]?',
        '[Tell|Give] me the total price of {id}, with {nights} for the number of nights.',
        'Take {nights} as the number of nights: how many euros does {id} come to with all fees?',
      ],
      heldOut: [
        'Quote {id} with the number of nights at {nights}; I only need the final sum.',
        'If I put down {nights} for the number of nights, what must I pay altogether for {id}?',
      ],
    },
    draw(draft) {
      const { id } = draft.take(agency(draft).flats);
      const { value: nights, shown } = draft.given('number', () => draft.rng.int(3, 12));
      const total = Number(field(draft.call('lodging:quote_stay', { id, nights }), 'total'));
      return {
        ...asking({ id, nights: shown }, [total], `the price of ${nights} nights in ${id}`),
        gives: total,
      };
    },
  },
  {
    name: 'lodging_book',
    tools: ['lodging:first_opening', 'lodging:book_stay'],
    byName: false,
    takes: 'date',
    gives: 'date',
    phrasings: {
      train: [
        'Book {id} for {who}, {nights} nights from the first day on or after {date} on which that is possible, and [tell|give] me the day of arrival.',
        'Find the first {nights} nights in a row, on or after {date}, for which {id} is free; book them for {who} and tell me the arrival date.',
        '{who} wants {id} for {nights} nights, as early as possible but not before {date}: book it and [say|tell me] when the stay begins.',
        'When is {id} first free for {nights} nights, counting from {date}? Book that stay for {who}.',
      ],
      heldOut: [
        'Reserve the earliest {nights} nights that {id} has left from {date} on, under the name {who}; on what date do they start?',
        'From {date} on, take the first gap of {nights} nights in {id} for {who} and name its first day.',
      ],
    },
    draw(draft) {
      const { id } = draft.take(agency(draft).flats);
      const who = draft.person();
      const { value: not_before, shown } = draft.given('date', () => draft.laterDate());
      const nights = draft.rng.int(2, 9);
      const opening = draft.call('lodging:first_opening', { id, not_before, nights });
      const arrival = String(field(opening, 'arrival'));
      const stay = { arrival, nights };
      const booked = draft.call('lodging:book_stay', { id, guest: who, stay });
      const path = ['bookings', { id: String(field(booked, 'reference')) }];
      const slots = { id, who: `'${who}'`, date: shown, nights: String(nights) };
      const part = askingAndChanging(slots, [arrival], `the arrival of ${who} in ${id}`, [
        stateIs('lodging', [...path, 'guest'], who),
        stateIs('lodging', [...path, 'flat'], id),
        stateIs('lodging', [...path, 'from'], arrival),
        stateIs('lodging', [...path, 'to'], String(field(opening, 'departure'))),
      ]);
      return { ...part, gives: arrival };
    },
  },
  {
    name: 'lodging_reviews',
    tools: ['lodging:stay_reviews'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many reviews has {id}, and what is their average of stars?',
        '[Tell|Give] me the number of reviews of {id} and their average.',
        'Count the reviews of {id} and [state|add] the average of their stars.',
        'By how many guests was {id} reviewed, and with how many stars on average?',
      ],
      heldOut: [
        'What do guests think of {id}: the count of reviews, then the mean of stars?',
        'Sum up the reviews of {id} as two numbers: how many, and how good on average.',
      ],
    },
    draw(draft) {
      const { id } = draft.take(agency(draft).flats);
      const reviews = draft.call('lodging:stay_reviews', { id });
      const count = Number(field(reviews, 'count'));
      return {
        ...asking({ id }, [count, field(reviews, 'average')], `the reviews of ${id}`),
        gives: count,
      };
    },
  },
  {
    name: 'lodging_longer',
    tools: ['lodging:set_departure'],
    byName: false,
    phrasings: {
      train: [
        '[Let|Have] booking {reference} end on {date}.',
        'Change the departure of [|the booking ]{reference} to {date}.',
        'The guest with booking {reference} leaves on {date}[|: change it].',
        'Move the end of {reference} to {date}.',
      ],
      heldOut: [
        'In {reference}, put {date} as the day on which the flat is left.',
        'The stay under {reference} is to finish on {date}.',
      ],
    },
    draw(draft) {
      const { id, to } = draft.take(agency(draft).bookings);
      const departure = shiftDate(to, draft.rng.int(1, 6));
      draft.call('lodging:set_departure', { reference: id, departure });
      return changing({ reference: id, date: departure }, `${id} ends on ${departure}`, [
        stateIs('lodging', ['bookings', { id }, 'to'], departure),
      ]);
    },
  },
];
