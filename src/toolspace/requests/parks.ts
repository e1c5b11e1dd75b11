// Requests to the service of national parks. Knows nothing of how parts are combined.
import { type Draft, type Family, stateIs } from '../draft.ts';
import { asking, askingAndChanging, changing, field, rowsOf } from '../parts.ts';
import { DIFFICULTIES, MONTHS, PASSES, type Park, type ParksState } from '../servers/parks.ts';
import { givenCity, givenDate, givenPerson, handingOn, rowOf } from './travel-parts.ts';

const state = (draft: Draft) => draft.state<ParksState>('parks');
const aPark = (draft: Draft) => draft.take(state(draft).parks);
const neverClosed = ({ opens, closes }: Park) => opens === 1 && closes === 12;

/** Finds a park by its name, as the request spells it. */
function findPark(draft: Draft, { name }: Park): { park: string; park_id: string } {
  const spelled = draft.spelled(name);
  const { id } = draft.find('parks:get_park_details', 'name', spelled, name);
  return { park: `'${spelled}'`, park_id: String(id) };
}

/** Checks of the reservation of a camper: its id is made by the call. */
function reserved(camper: string, stay: object) {
  return Object.entries(stay).map(([key, value]) =>
    stateIs('parks', ['reservations', { camper }, key], value),
  );
}

export const PARKS_REQUESTS: readonly Family[] = [
  {
    name: 'parks_fee',
    tools: ['parks:get_park_details'],
    byName: true,
    gives: 'amount',
    phrasings: {
      train: [
        'What does [it cost|one pay] to enter the [national |]park {park}, and what is the last month in which it is open?',
        '[Tell me|Find out|Look up] the entrance fee of [the park |]{park} and the last month in which it is open.',
        'How much is the entrance to {park}, and until the end of which month is it open?',
      ],
      heldOut: [
        'I want to visit {park}: name the fee at the gate and the last month in which I can come.',
        'State the entrance fee of {park} and the month with which its season ends.',
      ],
    },
    draw(draft) {
      const { name } = aPark(draft);
      const spelled = draft.spelled(name);
      const found = draft.find('parks:get_park_details', 'name', spelled, name);
      const asked = [field(found, 'fee'), field(found, 'closes')];
      return handingOn(asking({ park: `'${spelled}'` }, asked, `fee and last month of '${name}'`));
    },
  },
  {
    name: 'parks_open_in',
    tools: ['parks:search_parks'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many [national |]parks are open in {month} and cost at most {fee} to enter?',
        'Count the [national |]parks [that are |]open in {month} with an entrance fee of {fee} or less.',
        '[Tell me|Find out] how many [national |]parks one can visit in {month} for a fee of at most {fee}.',
      ],
      heldOut: [
        'State the number of parks that are not closed in {month} and ask no more than {fee} at the gate.',
        'With {fee} for the entrance, between how many parks that are open can one choose in {month}?',
      ],
    },
    draw(draft) {
      const month = draft.rng.pick(MONTHS);
      const fee = draft.fresh(draft.rng.int(12, 36));
      const found = draft.call('parks:search_parks', { open_in: month, max_fee: fee });
      const what = `how many parks are open in ${month} for ${fee} or less`;
      return handingOn(asking({ month, fee: String(fee) }, [field(found, 'total')], what));
    },
  },
  {
    name: 'parks_trail_count',
    tools: ['parks:get_park_details', 'parks:list_trails'],
    byName: true,
    gives: 'number',
    phrasings: {
      train: [
        'How many {difficulty} trails [does {park} have|are there in {park}]?',
        'Count the {difficulty} trails [of|in] {park}.',
        '[Tell me|Find out] how many trails of {park} are {difficulty}.',
      ],
      heldOut: [
        'State the number of trails in {park} that count as {difficulty}.',
        'Between how many {difficulty} trails can one choose in {park}?',
      ],
    },
    draw(draft) {
      const difficulty = draft.rng.pick(DIFFICULTIES);
      const { park, park_id } = findPark(draft, aPark(draft));
      const found = draft.call('parks:list_trails', { park_id, difficulty });
      const what = `how many ${difficulty} trails ${park} has`;
      return handingOn(asking({ park, difficulty }, [field(found, 'count')], what));
    },
  },
  {
    name: 'parks_longest_trail',
    tools: ['parks:get_park_details', 'parks:list_trails', 'parks:get_trail'],
    byName: true,
    gives: 'number',
    phrasings: {
      train: [
        'How many minutes does the longest trail [of|in] {park} take?',
        '[Find|Look up] the longest trail [of|in] {park} and tell me how many minutes it takes.',
        'In how many minutes can one walk the longest trail [of|in] {park}?',
      ],
      heldOut: [
        'Of the trails in {park} I want the longest one: how many minutes must I plan for it?',
        'State the minutes that are needed for the trail of {park} with the most km.',
      ],
    },
    draw(draft) {
      const { park, park_id } = findPark(draft, aPark(draft));
      const found = draft.call('parks:list_trails', { park_id });
      const most = Math.max(...rowsOf(found, 'trails').map((trail) => Number(field(trail, 'km'))));
      const trail_id = field(
        rowOf(found, 'trails', (row) => row['km'] === most),
        'id',
      );
      const minutes = field(draft.call('parks:get_trail', { trail_id }), 'minutes');
      return handingOn(asking({ park }, [minutes], `the minutes of the longest trail of ${park}`));
    },
  },
  {
    name: 'parks_camp',
    tools: ['parks:reserve_campsite'],
    byName: false,
    takes: 'date',
    gives: 'amount',
    phrasings: {
      train: [
        '[Reserve|Book] campsite {id} for {who}, {people} people, {nights} nights from {date} on, and [tell|give] me the [price|total].',
        '{who} wants campsite {id} with {people} people from {date} on for {nights} nights: [reserve|book] it. What does it cost?',
        '[Reserve|Book] {nights} nights at campsite {id}, arriving on {date}, for {who} and a party of {people} people in all; how much is that?',
      ],
      heldOut: [
        'A party of {people} people led by {who} comes to {id} on {date} and stays {nights} nights: make the reservation and name its price.',
        'Hold {id} for {nights} nights from {date} on in the name of {who}, {people} people, and state what is to pay.',
      ],
    },
    draw(draft) {
      const { parks, campsites } = state(draft);
      const open = parks.filter(neverClosed).map(({ id }) => id);
      const { id } = draft.take(campsites.filter((site) => open.includes(site.park)));
      const { value: arrival, shown } = givenDate(draft);
      const nights = draft.rng.int(2, 7);
      const party = { camper: draft.person(), people: draft.rng.int(2, 4) };
      const stay = { arrival, nights };
      const found = draft.call('parks:reserve_campsite', { campsite_id: id, ...stay, party });
      const slots = { id, who: `'${party.camper}'`, people: String(party.people), date: shown };
      const checks = reserved(party.camper, { campsite: id, people: party.people, ...stay });
      const what = `what ${party.camper} pays at ${id}`;
      const asked = [field(found, 'total')];
      return handingOn(
        askingAndChanging({ ...slots, nights: String(nights) }, asked, what, checks),
      );
    },
  },
  {
    name: 'parks_cheapest_camp',
    tools: ['parks:get_park_details', 'parks:list_campsites', 'parks:reserve_campsite'],
    byName: true,
    takes: 'person',
    phrasings: {
      train: [
        '[Reserve|Book] the cheapest campsite [of|in] {park} for {who}, {nights} nights from {date} on.',
        '[Find|Look up] the campsite [of|in] {park} with the lowest price and reserve it for {who}: {nights} nights, arriving on {date}.',
      ],
      heldOut: [
        'On {date}, {who} comes to {park} alone for {nights} nights and wants to pay as little as possible for a campsite; reserve one.',
        'Have {who} sleep at the least expensive campsite of {park}, {nights} nights starting on {date}.',
      ],
    },
    draw(draft) {
      const park = draft.take(state(draft).parks.filter(neverClosed));
      const stay = { arrival: draft.laterDate(), nights: draft.rng.int(2, 7) };
      const { value: camper, shown } = givenPerson(draft);
      const { park: said, park_id } = findPark(draft, park);
      const found = draft.call('parks:list_campsites', { park_id });
      const prices = rowsOf(found, 'campsites').map((site) => Number(field(site, 'price')));
      const cheapest = rowOf(found, 'campsites', (row) => row['price'] === Math.min(...prices));
      const campsite = field(cheapest, 'id');
      draft.call('parks:reserve_campsite', { campsite_id: campsite, ...stay, party: { camper } });
      return changing(
        { park: said, who: shown, date: stay.arrival, nights: String(stay.nights) },
        `${camper} has the cheapest campsite of ${said} for ${stay.nights} nights`,
        reserved(camper, { campsite, ...stay }),
      );
    },
  },
  {
    name: 'parks_cancel',
    tools: ['parks:cancel_reservation'],
    byName: false,
    gives: 'person',
    phrasings: {
      train: [
        'Cancel [the camping reservation|campsite reservation] {id} and tell me whose it was.',
        '[Cancel|Call off] {id}, a campsite reservation; who was the camper?',
        'Campsite reservation {id} is [off|no longer needed]: cancel it and name the camper.',
      ],
      heldOut: [
        'Take {id} out of the plans of the campsite and say who had reserved.',
        'Who is the camper of {id}? The trip is off, so cancel the reservation.',
      ],
    },
    draw(draft) {
      const { reservations } = state(draft);
      const { id } = draft.take(reservations.filter(({ status }) => status === 'reserved'));
      const found = draft.call('parks:cancel_reservation', { reservation_id: id });
      const check = stateIs('parks', ['reservations', { id }, 'status'], 'cancelled');
      const what = `the camper of ${id}, which is cancelled`;
      return handingOn(askingAndChanging({ id }, [field(found, 'camper')], what, [check]));
    },
  },
  {
    name: 'parks_alert_until',
    tools: ['parks:get_park_details', 'parks:list_alerts'],
    byName: true,
    gives: 'date',
    phrasings: {
      train: [
        'Until what date does the {kind} alert [of|in] {park} hold?',
        '[Tell me|Find out|Look up] until when the {kind} alert [of|in] {park} holds.',
        'When does the {kind} alert [of|in] {park} end?',
      ],
      heldOut: [
        'Name the last day of the alert of the kind {kind} that {park} has issued.',
        'On which date can visitors of {park} forget about the {kind} alert?',
      ],
    },
    draw(draft) {
      const chosen = aPark(draft);
      const alerts = state(draft).alerts.filter((alert) => alert.park === chosen.id);
      const { kind } = draft.rng.pick(alerts);
      const { park, park_id } = findPark(draft, chosen);
      const found = draft.call('parks:list_alerts', { park_id, kind });
      const until = field(rowOf(found, 'alerts'), 'until');
      return handingOn(asking({ park, kind }, [until], `until when the ${kind} alert holds`));
    },
  },
  {
    name: 'parks_pass',
    tools: ['parks:buy_pass'],
    byName: false,
    takes: 'city',
    gives: 'date',
    phrasings: {
      train: [
        'Buy {who} a park pass of the kind {kind}, valid from {date} on and [posted|sent] to {city}, and tell me its last day.',
        '[Get|Buy] a park pass of the kind {kind} for {who}, valid from {date} on and sent to {city}; until what date is it good?',
        '{who} needs a park pass of the kind {kind} from {date} on, [posted|sent] to {city}: buy it. What is its last day?',
      ],
      heldOut: [
        'Post a park pass to {city}: holder {who}, kind {kind}, first day {date}. Name the day on which it runs out.',
        'From {date} on {who} wants to visit parks with a pass of the kind {kind} that comes by post to {city}; order it and state its end.',
      ],
    },
    draw(draft) {
      const kind = draft.rng.pick(PASSES.filter((one) => one !== 'day'));
      const from = draft.laterDate();
      const holder = draft.person();
      const { value: city, shown } = givenCity(draft);
      const found = draft.call('parks:buy_pass', { holder, kind, from, post_to: city });
      const checks = Object.entries({ kind, from, post_to: city }).map(([key, value]) =>
        stateIs('parks', ['passes', { holder }, key], value),
      );
      const slots = { who: `'${holder}'`, kind, date: from, city: shown };
      const what = `the last day of the pass of ${holder}`;
      return handingOn(askingAndChanging(slots, [field(found, 'until')], what, checks));
    },
  },
];
