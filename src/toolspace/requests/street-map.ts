// Requests to the street map. Knows nothing of how parts are combined.
import { type Draft, type Family, stateIs } from '../draft.ts';
import { asking, changing, field, rowsOf } from '../parts.ts';
import { AMENITIES, type StreetMapState } from '../servers/street-map.ts';
import { rounded } from '../values.ts';
import { entryAt } from './unseen-parts.ts';

const town = (draft: Draft) => draft.state<StreetMapState>('street_map');

/** An address where no point of interest stands. */
function takeHome(draft: Draft): string {
  const { addresses, pois } = town(draft);
  return draft.take(addresses.filter(({ id }) => !pois.some(({ address }) => address === id))).id;
}

/** A box round the middle of two places, which cuts some of the town off. */
function drawBox(draft: Draft) {
  const { rng } = draft;
  const { lat, lon } = rng.pick(town(draft).pois);
  const [up, side] = [rng.int(5, 25) / 1000, rng.int(8, 35) / 1000];
  return {
    south: rounded(lat - up, 3),
    west: rounded(lon - side, 3),
    north: rounded(lat + up, 3),
    east: rounded(lon + side, 3),
  };
}

export const STREET_MAP_REQUESTS: readonly Family[] = [
  {
    name: 'street_map_closest',
    tools: ['street_map:address_lookup', 'street_map:closest_poi'],
    byName: false,
    gives: 'text',
    phrasings: {
      train: [
        'Which {amenity} is closest to {address}, and how many metres away?',
        '[Find|Look up] the nearest {amenity} to {address} and [tell|give] me its name and the distance in metres.',
        'From {address}, what is the name of the [closest|nearest] {amenity}, and how far is it in metres?',
        'I am at {address}: which {amenity} is nearest, and at how many metres?',
      ],
      heldOut: [
        'Starting at {address}, name the {amenity} with the shortest way as the crow flies, and its metres.',
        'What {amenity} would someone at {address} reach first, and over what distance in metres?',
      ],
    },
    draw(draft) {
      const address = takeHome(draft);
      const amenity = draft.rng.pick(AMENITIES);
      const { lat, lon } = draft.call('street_map:address_lookup', { address });
      const closest = draft.call('street_map:closest_poi', {
        lat: lat ?? 0,
        lon: lon ?? 0,
        amenity,
      });
      const name = String(field(closest, 'name'));
      return {
        ...asking(
          { address: `'${address}'`, amenity },
          [name, field(closest, 'metres')],
          `the closest ${amenity} to ${address}, and the metres`,
        ),
        gives: name,
      };
    },
  },
  {
    name: 'street_map_box',
    tools: ['street_map:pois_in_box'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many points of interest [lie|are there] between {south} and {north} degrees north and between {west} and {east} degrees east?',
        'Count the points of interest in the [box|area] from {south} to {north} north and from {west} to {east} east.',
        'On the map, how many points of interest has the box with south {south}, west {west}, north {north} and east {east}?',
        'What number of points of interest falls in latitudes {south} to {north} and longitudes {west} to {east}?',
        'Tell me how many points of interest are inside south {south}, north {north}, west {west}, east {east}.',
      ],
      heldOut: [
        'Draw a box from {south} to {north} of latitude and {west} to {east} of longitude: how many points of interest does it enclose?',
        'The rectangle bounded by {south} in the south, {north} in the north, {west} in the west and {east} in the east has how many points of interest?',
      ],
    },
    draw(draft) {
      const box = drawBox(draft);
      const total = Number(field(draft.call('street_map:pois_in_box', { box }), 'total'));
      const slots = {
        south: String(box.south),
        west: String(box.west),
        north: String(box.north),
        east: String(box.east),
      };
      return { ...asking(slots, [total], 'how many points of interest lie there'), gives: total };
    },
  },
  {
    name: 'street_map_hours',
    tools: ['street_map:poi_card'],
    byName: true,
    gives: 'time',
    phrasings: {
      train: [
        'At what address is {name}, and until what time is it open?',
        '[Tell|Give] me the address of {name} and the time at which it closes.',
        'Where is {name}, and when does it [close|shut]?',
        '[Look up|Find] {name} on the map: what are its address and its closing time?',
      ],
      heldOut: [
        'I want to visit {name}. Name its address and the hour at which it shuts.',
        'Which address has {name}, and at what time do its doors close?',
      ],
    },
    draw(draft) {
      const { name } = draft.take(town(draft).pois);
      const spelled = draft.spelled(name);
      const card = draft.find('street_map:poi_card', 'name', spelled, name);
      const closes = String(field(card, 'closes'));
      return {
        ...asking(
          { name: `'${spelled}'` },
          [field(card, 'address'), closes],
          `address and closing time of '${name}'`,
        ),
        gives: closes,
      };
    },
  },
  {
    name: 'street_map_closure',
    tools: ['street_map:poi_card', 'street_map:report_closure'],
    byName: true,
    takes: 'date',
    phrasings: {
      train: [
        '[Mark|Flag] {name} as closed until {date} on the map.',
        'Report that {name} is [closed|shut] until {date}.',
        '{name} stays closed until {date}: [report|mark] it on the map.',
        'Put a closure until {date} on {name}[| on the map].',
      ],
      heldOut: [
        'People should see on the map that {name} does not open before {date} is over.',
        'Let the map say that {name} is shut, up to and including {date}.',
      ],
    },
    draw(draft) {
      const { name } = draft.take(town(draft).pois);
      const { value: until, shown } = draft.given('date', () => draft.laterDate());
      const spelled = draft.spelled(name);
      const id = String(field(draft.find('street_map:poi_card', 'name', spelled, name), 'id'));
      draft.call('street_map:report_closure', { id, until });
      return changing(
        { name: `'${spelled}'`, date: shown },
        `'${name}' is marked as closed until ${until}`,
        [stateIs('street_map', ['pois', { id }, 'closed_until'], until)],
      );
    },
  },
  {
    name: 'street_map_terminus',
    tools: ['street_map:lines_at_stop', 'street_map:line_route'],
    byName: true,
    gives: 'text',
    phrasings: {
      train: [
        'What is the last stop of the line that calls at {stop}?',
        'I [get on|board] at {stop}: at which stop does the line end?',
        'Find the line that [serves|stops at] {stop} and [name|tell me] its final stop.',
        'Where does the line that calls at {stop} end?',
      ],
      heldOut: [
        'Name the terminus towards which one travels from {stop}.',
        'Take whatever line passes {stop} all the way: what is the stop at its end?',
      ],
    },
    draw(draft) {
      const { lines } = town(draft);
      const calls = lines.flatMap(({ stops }) => stops.slice(0, -1).map(({ stop }) => stop));
      const single = calls.filter((stop) => calls.indexOf(stop) === calls.lastIndexOf(stop));
      const stop = draft.fresh(draft.rng.pick(single));
      const spelled = draft.spelled(stop);
      const served = draft.find('street_map:lines_at_stop', 'stop', spelled, stop);
      const line = String(field(entryAt(rowsOf(served, 'lines'), 0), 'line'));
      const route = draft.call('street_map:line_route', { line });
      const last = String(field(entryAt(rowsOf(route, 'stops'), -1), 'stop'));
      return {
        ...asking({ stop: `'${spelled}'` }, [last], `the last stop of ${line}`),
        gives: last,
      };
    },
  },
  {
    name: 'street_map_ride',
    tools: ['street_map:line_route'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many minutes does {line} take from its first stop to {stop}?',
        'After how many minutes [is {line} at|does {line} reach] {stop}?',
        '[Tell|Give] me the minutes that {line} needs from its start to {stop}.',
        'How long is the ride on {line} from the first stop to {stop}, in minutes?',
      ],
      heldOut: [
        'Leaving with {line} at its origin, when do I arrive at {stop}, counted in minutes?',
        'State the minute at which {line} calls at {stop}.',
      ],
    },
    draw(draft) {
      const { id, stops } = draft.take(town(draft).lines);
      const { stop } = draft.rng.pick(stops.slice(1));
      const route = rowsOf(draft.call('street_map:line_route', { line: id }), 'stops');
      const minute = Number(route.find((call) => call['stop'] === stop)?.['minute']);
      const slots = { line: id, stop: `'${stop}'` };
      return { ...asking(slots, [minute], `the minute of ${id} at '${stop}'`), gives: minute };
    },
  },
];
