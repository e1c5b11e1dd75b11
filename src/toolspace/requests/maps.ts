// Requests to the map. Knows nothing of how parts are combined.
import { type Draft, type Family, Rejected, stateIs } from '../draft.ts';
import { asking, askingAndChanging, changing, field } from '../parts.ts';
import {
  cheapestRoute,
  type MapsState,
  type Place,
  placeLabel,
  roadsWithout,
  TRAVEL_MODES,
} from '../servers/maps.ts';
import { dayTime } from '../values.ts';
import { handingOn, rowOf } from './travel-parts.ts';

const state = (draft: Draft) => draft.state<MapsState>('maps');
const aPlace = (draft: Draft) => draft.take(state(draft).places);

/** Finds a place by its name, as the request spells it. */
function findPlace(draft: Draft, { name }: Place) {
  const spelled = draft.spelled(name);
  const found = draft.find('maps:maps_geocode', 'name', spelled, name);
  const point = { lat: field(found, 'lat'), lon: field(found, 'lon') };
  return { shown: `'${spelled}'`, id: String(field(found, 'id')), point };
}

/** Two places, and one on the shortest way between them that can be passed by. */
function drawDetour(draft: Draft): [string, string, string] {
  const { places, roads } = state(draft);
  const pairs = places.flatMap((a) =>
    places.filter((b) => b !== a).map((b) => [a.id, b.id] as const),
  );
  for (const [from, to] of draft.rng.shuffle(pairs)) {
    const inner = cheapestRoute(roads, from, to, ({ km }) => km)?.stops.slice(1, -1) ?? [];
    for (const stop of inner) {
      const detour = cheapestRoute(roadsWithout(roads, [stop]), from, to, ({ km }) => km);
      if (detour !== null) return [from, to, stop];
    }
  }
  throw new Rejected('no place can be passed by');
}

export const MAPS_REQUESTS: readonly Family[] = [
  {
    name: 'maps_beeline',
    tools: ['maps:maps_geocode', 'maps:maps_geocode', 'maps:maps_distance'],
    byName: true,
    gives: 'number',
    phrasings: {
      train: [
        'How many km is it in a straight line from {a} to {b}?',
        'What is the straight-line distance [between {a} and {b}|from {a} to {b}] in km?',
        '[Measure|Work out|Tell me] the straight line from {a} to {b} in km.',
      ],
      heldOut: [
        'As the crow flies, how many km lie between {a} and {b}?',
        'State the length in km of the beeline from {a} to {b}.',
      ],
    },
    draw(draft) {
      const from = findPlace(draft, aPlace(draft));
      const to = findPlace(draft, aPlace(draft));
      const line = draft.call('maps:maps_distance', { from: from.point, to: to.point });
      const slots = { a: from.shown, b: to.shown };
      return handingOn(asking(slots, [field(line, 'km')], `km from ${from.shown} to ${to.shown}`));
    },
  },
  {
    name: 'maps_way',
    tools: ['maps:maps_geocode', 'maps:maps_geocode', 'maps:maps_directions'],
    byName: true,
    gives: 'number',
    phrasings: {
      train: [
        'How many km is the shortest way by road from {a} to {b}?',
        '[Find|Work out|Tell me] how many km the shortest road route from {a} to {b} has.',
        'What is the [length in km|distance in km] of the shortest road route from {a} to {b}?',
      ],
      heldOut: [
        'On the roads, how many km must one cover at least to get from {a} to {b}?',
        'Give the road distance from {a} to {b} in km.',
      ],
    },
    draw(draft) {
      const from = findPlace(draft, aPlace(draft));
      const to = findPlace(draft, aPlace(draft));
      const way = draft.call('maps:maps_directions', { from_id: from.id, to_id: to.id });
      const slots = { a: from.shown, b: to.shown };
      const what = `km by road from ${from.shown} to ${to.shown}`;
      return handingOn(asking(slots, [field(way, 'km')], what));
    },
  },
  {
    name: 'maps_detour',
    tools: ['maps:maps_directions'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many km is the shortest way by road from {a} to {b} that [does not pass|avoids|stays away from] {c}?',
        '[Find|Work out|Tell me] how many km it is by road from {a} to {b} [without passing|avoiding] {c}.',
      ],
      heldOut: [
        'I want to drive from {a} to {b} but not by way of {c}; how many km is that?',
        'With {c} left out of the route, what is the road distance in km from {a} to {b}?',
      ],
    },
    draw(draft) {
      const [a, b, c] = drawDetour(draft);
      draft.claim(`${a}-${b}-${c}`);
      const way = draft.call('maps:maps_directions', { from_id: a, to_id: b, avoid: [c] });
      const what = `km by road from ${a} to ${b} without ${c}`;
      return handingOn(asking({ a, b, c }, [field(way, 'km')], what));
    },
  },
  {
    name: 'maps_arrival',
    tools: ['maps:maps_travel_time'],
    byName: false,
    takes: 'time',
    gives: 'time',
    phrasings: {
      train: [
        'When [do I|does one] [arrive at|reach] {b}, {mode} from {a} and starting at {time}?',
        'I [start|leave] from {a} at {time}, {mode} to {b}; at what time do I arrive?',
        '[Tell me|Work out] the time of arrival at {b} when {mode} from {a} at {time}.',
      ],
      heldOut: [
        'Somebody sets out from {a} at {time}, {mode} all the way; at what time is {b} reached?',
        'If the start is {a} at {time} and we are {mode}, at what time are we at {b}?',
      ],
    },
    draw(draft) {
      const a = aPlace(draft).id;
      const b = aPlace(draft).id;
      const mode = draft.rng.pick(TRAVEL_MODES);
      const { value: depart, shown } = draft.given('time', () => dayTime(draft.rng));
      const trip = draft.call('maps:maps_travel_time', { from_id: a, to_id: b, mode, depart });
      const slots = { a, b, mode, time: shown };
      return handingOn(asking(slots, [field(trip, 'arrive')], `when one arrives at ${b}`));
    },
  },
  {
    name: 'maps_count',
    tools: ['maps:maps_search_places'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many places of the category {category} [are there|does the map show|are on the map] in {city}?',
        'Count the places in {city} [of|that are in] the category {category}.',
        '[Tell me|Find out] how many places of the category {category} {city} has.',
      ],
      heldOut: [
        'State the number of entries of the kind {category} on the map of {city}.',
        'In {city}, how many places belong to the category {category}?',
      ],
    },
    draw(draft) {
      const { category, city } = aPlace(draft);
      draft.claim(`${city} ${category}`);
      const found = draft.call('maps:maps_search_places', { category, city });
      const what = `how many places of the category ${category} are in ${city}`;
      return handingOn(asking({ category, city: `'${city}'` }, [field(found, 'total')], what));
    },
  },
  {
    name: 'maps_hours',
    tools: ['maps:maps_geocode', 'maps:maps_place_details'],
    byName: true,
    gives: 'time',
    phrasings: {
      train: [
        '[When|At what time] does {place} close[| for the day]?',
        '[Tell me|Find out|Look up] the closing time of {place}.',
        'Until what time is {place} open?',
      ],
      heldOut: [
        'By what time must one have left {place}?',
        'Name the hour and minute at which {place} shuts its doors.',
      ],
    },
    draw(draft) {
      const { shown, id } = findPlace(draft, aPlace(draft));
      const closes = field(draft.call('maps:maps_place_details', { place_id: id }), 'closes');
      return handingOn(asking({ place: shown }, [closes], `when ${shown} closes`));
    },
  },
  {
    name: 'maps_nearest',
    tools: ['maps:maps_geocode', 'maps:maps_nearby'],
    byName: true,
    gives: 'text',
    phrasings: {
      train: [
        'Which [other |]place of the category {category} is nearest to {place}?',
        '[Find|Tell me|Look up] the name of the place of the category {category} that is nearest to {place}.',
        'What is the {category} [nearest|closest] to {place} called?',
      ],
      heldOut: [
        'Starting from {place}, what is the closest {category} called?',
        'I am at {place} and look for a {category}: name the nearest one.',
      ],
    },
    draw(draft) {
      const centre = aPlace(draft);
      const { category } = draft.rng.pick(state(draft).places.filter(({ id }) => id !== centre.id));
      const { shown, id } = findPlace(draft, centre);
      const found = draft.call('maps:maps_nearby', { place_id: id, category });
      const name = field(rowOf(found, 'places'), 'name');
      const slots = { place: shown, category };
      return handingOn(asking(slots, [name], `the ${category} nearest to ${shown}`));
    },
  },
  {
    name: 'maps_save',
    tools: ['maps:maps_geocode', 'maps:maps_save_place'],
    byName: true,
    takes: 'text',
    phrasings: {
      train: [
        '[Save|Keep] {place} [on my map |]under the label {label}.',
        '[Save|Label|Mark] {place} as {label} [on the map|on my map].',
        'Put the label {label} on {place}.',
      ],
      heldOut: [
        'I want to find {place} again under {label}; save it so.',
        'My saved places shall have {place} with the label {label}.',
      ],
    },
    draw(draft) {
      const place = aPlace(draft);
      const draw = () => draft.fresh(placeLabel(draft.rng, draft.pool));
      const { value: label, shown: said } = draft.given('text', draw);
      const { shown, id } = findPlace(draft, place);
      draft.call('maps:maps_save_place', { place_id: id, label });
      return changing({ place: shown, label: said }, `${shown} is saved as '${label}'`, [
        stateIs('maps', ['saved', { label }, 'place'], id),
      ]);
    },
  },
  {
    name: 'maps_closed_road',
    tools: ['maps:maps_report_road', 'maps:maps_directions'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'The road [between|joining] {a} and {b} is closed: [report|note] it and tell me how many km the shortest way by road from {a} to {b} is [then|now].',
        '[Report|Mark] the road between {a} and {b} as closed. How many km is it by road from {a} to {b} after that?',
        'Close the road between {a} and {b} on the map and [give|tell] me the road distance in km from {a} to {b} after that.',
      ],
      heldOut: [
        'Nobody can use the road between {a} and {b} any more: enter that, then name the km of the shortest other way by road from {a} to {b}.',
        'Mark the direct road of {a} and {b} as shut and say how many km by road it is from {a} to {b} without it.',
      ],
    },
    draw(draft) {
      const { places, roads } = state(draft);
      // Roads behind those of the tree may close, and all places are still reached.
      const road = draft.rng.pick(roads.slice(places.length - 1).filter(({ closed }) => !closed));
      const { a, b } = road;
      const ids = { from_id: a, to_id: b };
      draft.call('maps:maps_report_road', { ...ids, closed: true });
      const way = draft.call('maps:maps_directions', ids);
      const check = stateIs('maps', ['roads', { a, b }, 'closed'], true);
      const what = `km by road from ${a} to ${b}, whose direct road is closed`;
      return handingOn(askingAndChanging({ a, b }, [field(way, 'km')], what, [check]));
    },
  },
];
