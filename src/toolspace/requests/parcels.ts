// Requests to the parcel service. Knows nothing of how parts are combined.
import { defined } from '../../base/assert.ts';
import { type Draft, type Family, stateIs } from '../draft.ts';
import { asking, askingAndChanging, changing, numberOf, textOf } from '../parts.ts';
import { CITIES, type ParcelsState, SERVICES, STATUSES, ZONES } from '../servers/parcels.ts';

const service = (draft: Draft) => draft.state<ParcelsState>('parcels');
const shipments = (draft: Draft) => service(draft).shipments;
const takeUnderWay = (draft: Draft) =>
  draft.take(shipments(draft).filter(({ events }) => events.length > 5));
const hour = (value: number) => `${String(value).padStart(2, '0')}:00`;

export const PARCELS_REQUESTS: readonly Family[] = [
  {
    name: 'parcels_status',
    tools: ['parcels:get_status'],
    byName: false,
    gives: 'date',
    phrasings: {
      train: [
        'What is the status of [|the |my ]parcel {id}, and what is its day of delivery?',
        '[Check|Look up] parcel {id} and [tell|give] me its status and its date of delivery.',
        '[Tell|Give] me status and delivery day of [|the ]shipment {id}.',
      ],
      heldOut: [
        'Is there news of {id}? I want its status and the date of its delivery.',
        'I need to know the state of shipment {id} and its delivery date.',
      ],
    },
    draw(draft) {
      const { id } = draft.take(shipments(draft));
      const found = draft.call('parcels:get_status', { trackingNumber: id });
      const expected = textOf(found, 'expected');
      const asked = [textOf(found, 'status'), expected];
      return { ...asking({ id }, asked, `status and delivery day of ${id}`), gives: expected };
    },
  },
  {
    name: 'parcels_last_seen',
    tools: ['parcels:list_events'],
    byName: false,
    gives: 'city',
    phrasings: {
      train: [
        'In which city was [|the |my ]parcel {id} [scanned|seen] last, and at what time?',
        'Where was {id} last scanned? [Tell me|Give me|Name] the city and the time of day.',
        '[Find|Look up] the latest scan of [|the ]parcel {id}: the city and the time of day.',
      ],
      heldOut: [
        'Which city did {id} reach last, and what time was it?',
        'I am looking for {id}; state the place and the time of its newest event.',
      ],
    },
    draw(draft) {
      const { id, events } = takeUnderWay(draft);
      draft.call('parcels:list_events', { trackingNumber: id });
      const { place, time } = defined(events[0], 'event');
      const what = `where and at what time ${id} was seen last`;
      return { ...asking({ id }, [place, time], what), gives: place };
    },
  },
  {
    name: 'parcels_registered',
    tools: ['parcels:list_events', 'parcels:list_events'],
    byName: false,
    gives: 'time',
    phrasings: {
      train: [
        '[On what date|On which day] and at what time was [|the |my ]parcel {id} registered?',
        '[Go back to|Find|Look up] the registration of {id} in its events and [tell|give] me its date and time.',
        'When did the trail of {id} begin? [Give|Tell] me the date and the time of its oldest event.',
      ],
      heldOut: [
        'The very first event of {id}: what are its date and its time?',
        'I must know the day and the time at which {id} entered the system.',
      ],
    },
    draw(draft) {
      const { id, events } = takeUnderWay(draft);
      const page = draft.call('parcels:list_events', { trackingNumber: id });
      draft.call('parcels:list_events', { trackingNumber: id, page: page['nextPage'] ?? 2 });
      const { date, time } = defined(events.at(-1), 'event');
      return { ...asking({ id }, [date, time], `when ${id} was registered`), gives: time };
    },
  },
  {
    name: 'parcels_rate',
    tools: ['parcels:quote_rate'],
    byName: false,
    gives: 'amount',
    phrasings: {
      train: [
        'What does {service} delivery of a parcel of {weight} kg and {length} x {width} x {height} cm cost in the zone {zone}?',
        '[Work out|Find out|Quote] the rate for a parcel of {weight} kg, {length} cm long, {width} cm wide and {height} cm high: zone {zone}, service {service}.',
        '[How much|What] is the postage for {weight} kg in a box of {length} x {width} x {height} cm, zone {zone}, {service} service?',
      ],
      heldOut: [
        'I want to send {weight} kg, packed to a length of {length}, a width of {width} and a height of {height} cm, {service}, zone {zone}; at what price?',
        'With {service} service to the zone {zone}, name the price for a box of {length} x {width} x {height} cm that weighs {weight} kg.',
      ],
    },
    draw(draft) {
      const { rng } = draft;
      const weightKg = rng.int(5, 200) / 10;
      const [lengthCm, widthCm, heightCm] = [rng.int(40, 90), rng.int(20, 39), rng.int(10, 35)];
      const [zone, speed] = [rng.pick(ZONES), rng.pick(SERVICES)];
      const size = { lengthCm, widthCm, heightCm };
      const price = numberOf(
        draft.call('parcels:quote_rate', { weightKg, size, zone, service: speed }),
        'price',
      );
      const slots = {
        weight: String(weightKg),
        length: String(lengthCm),
        width: String(widthCm),
        height: String(heightCm),
        zone,
        service: speed,
      };
      return { ...asking(slots, [price], 'the price of the parcel'), gives: price };
    },
  },
  {
    name: 'parcels_send',
    tools: ['parcels:create_shipment'],
    byName: false,
    takes: 'person',
    phrasings: {
      train: [
        '[Register|Create] a shipment to {who} in {city}: {weight} kg, zone {zone}, {service}; [give|tell] me its tracking number.',
        'A parcel of {weight} kg [goes|is going] to {who} in {city}, zone {zone}, by {service} service. Register it and [name|report] the tracking number.',
        'Send {weight} kg to {who} in {city}, which is zone {zone}, with {service} service; what is the tracking number?',
      ],
      heldOut: [
        'I have {weight} kg for {who}; the city is {city}, the zone {zone}, the service {service}. Enter the shipment and state its tracking number.',
        'What tracking number does a new {service} parcel to {who} in {city} get? It weighs {weight} kg and the zone is {zone}. Register it.',
      ],
    },
    draw(draft) {
      const { rng } = draft;
      const { value: name, shown } = draft.given('person', () => draft.person());
      const city = rng.pick(CITIES);
      const weightKg = rng.int(5, 200) / 10;
      const [zone, speed] = [rng.pick(ZONES), rng.pick(SERVICES)];
      const sent = { recipient: { name, city }, weightKg, zone, service: speed };
      const made = draft.call('parcels:create_shipment', sent);
      const id = draft.fresh(textOf(made, 'trackingNumber'));
      const slots = {
        who: shown,
        city: `'${city}'`,
        weight: String(weightKg),
        zone,
        service: speed,
      };
      const of = (key: string) => ['shipments', { id }, key];
      return askingAndChanging(slots, [id], `the tracking number of the parcel to ${name}`, [
        stateIs('parcels', of('recipient'), name),
        stateIs('parcels', of('city'), city),
        stateIs('parcels', of('weightKg'), weightKg),
        stateIs('parcels', of('zone'), zone),
        stateIs('parcels', of('service'), speed),
      ]);
    },
  },
  {
    name: 'parcels_redirect',
    tools: ['parcels:list_shipments', 'parcels:redirect_shipment'],
    byName: false,
    takes: 'city',
    phrasings: {
      train: [
        '[Redirect|Send on|Reroute] the parcel for {who} to {city}.',
        'The parcel [for|to] {who} [should|has to] go to {city}[|; redirect it|, so redirect it].',
        'Change the city of the shipment to {who}: it is {city} now.',
      ],
      heldOut: [
        'Have what is on its way to {who} delivered in {city} instead.',
        'Since {who} has moved, let the parcel go to {city}.',
      ],
    },
    draw(draft) {
      const { value: city, shown } = draft.given('city', () => draft.rng.pick(CITIES));
      const moving = shipments(draft).filter(({ status }) => status !== 'delivered');
      const { id, recipient } = draft.take(moving.filter((shipment) => shipment.city !== city));
      draft.call('parcels:list_shipments', { recipient });
      draft.call('parcels:redirect_shipment', { trackingNumber: id, city });
      return changing(
        { who: `'${recipient}'`, city: shown },
        `the parcel for ${recipient} goes to ${city}`,
        [stateIs('parcels', ['shipments', { id }, 'city'], city)],
      );
    },
  },
  {
    name: 'parcels_due',
    tools: ['parcels:list_shipments'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many [parcels|shipments] with the status {status} are expected [by|on or before] {date}?',
        '[Count|Give me the number of] the shipments with the status {status} that are expected on {date} or earlier.',
        'Of the parcels [that are {status}|with the status {status}], how many are expected by {date}?',
      ],
      heldOut: [
        'State how many {status} shipments have {date} or an earlier day as their day of delivery.',
        'By {date}, how many of the parcels that are {status} now should have come?',
      ],
    },
    draw(draft) {
      const status = draft.rng.pick(STATUSES.filter((each) => each !== 'delivered'));
      const expectedBy = draft.laterDate();
      const found = draft.call('parcels:list_shipments', { status, expectedBy });
      const total = numberOf(found, 'total');
      const what = `how many ${status} parcels are expected by ${expectedBy}`;
      return { ...asking({ status, date: expectedBy }, [total], what), gives: total };
    },
  },
  {
    name: 'parcels_pickup',
    tools: ['parcels:schedule_pickup'],
    byName: false,
    takes: 'time',
    phrasings: {
      train: [
        '[Order|Schedule|Book] a pickup of {count} parcels on {date}, not before {from} and not after {to}.',
        '[Have|Get] {count} parcels [picked up|collected|fetched] on {date} between {from} and {to}.',
        'On {date}, {count} parcels must be [collected|fetched]: order a pickup between {from} and {to}.',
      ],
      heldOut: [
        'There will be {count} parcels to collect on {date}; somebody has to come after {from} but before {to}.',
        'Let the driver fetch {count} parcels on {date}, with {from} as the earliest and {to} as the latest time.',
      ],
    },
    draw(draft) {
      const date = draft.fresh(draft.laterDate());
      const count = draft.rng.int(2, 40);
      const { value: from, shown } = draft.given('time', () => hour(draft.rng.int(8, 12)));
      const to = hour(draft.rng.int(20, 22));
      const window = { from, to };
      const made = draft.call('parcels:schedule_pickup', { date, window, parcels: count });
      draft.claim(textOf(made, 'pickupId'));
      const path = ['pickups', { date, parcels: count }];
      return changing(
        { count: String(count), date, from: shown, to },
        `${count} parcels are picked up on ${date} between ${from} and ${to}`,
        [stateIs('parcels', [...path, 'from'], from), stateIs('parcels', [...path, 'to'], to)],
      );
    },
  },
  {
    name: 'parcels_move_pickup',
    tools: ['parcels:move_pickup'],
    byName: false,
    takes: 'date',
    phrasings: {
      train: [
        '[Move|Shift] [|the ]pickup {id} to {date}.',
        'Pickup {id} should take place on {date}[|; move it|; please move it].',
        '[Change|Set] the day of [|the ]pickup {id} to {date}.',
      ],
      heldOut: [
        'Let the driver come for {id} on {date} instead.',
        'Another day suits me better for {id}: make it {date}.',
      ],
    },
    draw(draft) {
      const { value: date, shown } = draft.given('date', () => draft.laterDate());
      const planned = service(draft).pickups.filter(({ cancelled }) => !cancelled);
      const { id } = draft.take(planned.filter((pickup) => pickup.date !== date));
      draft.call('parcels:move_pickup', { pickupId: id, date });
      return changing({ id, date: shown }, `${id} is on ${date}`, [
        stateIs('parcels', ['pickups', { id }, 'date'], date),
      ]);
    },
  },
];
