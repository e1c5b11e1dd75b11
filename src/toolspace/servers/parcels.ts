// The built-in parcel service: shipments and where they were seen, rates by weight and zone, and pickups. Knows nothing of
// tasks or transports.
import { z } from 'zod';
import { defined } from '../../base/assert.ts';
import type { Rng } from '../../base/rng.ts';
import {
  byId,
  changed,
  defineTool,
  drawIds,
  nextId,
  pageOf,
  pageSchema,
  type ServerDef,
} from '../server.ts';
import { dayTime, distinct, futureDate, personName, shiftDate, words } from '../values.ts';
import { cents, dateSchema, timeSchema } from './argument-schemas.ts';

export const ZONES = ['domestic', 'europe', 'world'] as const;
export const SERVICES = ['standard', 'express'] as const;
export const STATUSES = ['registered', 'moving', 'delayed', 'delivered'] as const;
export const CITIES = words(`
  Antwerp Bremen Krakow Nantes Seville Tallinn Trieste Uppsala Linz Galway Bilbao Aarhus Riga
  Dresden Toulouse Brighton
`);
const STEPS = ['registered', 'collected', 'sorted', 'departed', 'arrived', 'delivered'] as const;

export type ParcelEvent = {
  date: string;
  time: string;
  place: string;
  step: (typeof STEPS)[number];
};
/** `events` stand newest first. */
export type Shipment = {
  id: string;
  recipient: string;
  city: string;
  zone: (typeof ZONES)[number];
  service: (typeof SERVICES)[number];
  weightKg: number;
  status: (typeof STATUSES)[number];
  expected: string;
  events: ParcelEvent[];
};
export type Pickup = {
  id: string;
  date: string;
  from: string;
  to: string;
  parcels: number;
  cancelled: boolean;
};
export type ParcelsState = { shipments: Shipment[]; pickups: Pickup[] };

/** Euros: `base` for any parcel, `perKg` for each kilogram that is charged. `days` under way by service. */
const RATES = {
  domestic: { base: 3.9, perKg: 0.8, days: { standard: 2, express: 1 } },
  europe: { base: 8.5, perKg: 1.9, days: { standard: 5, express: 2 } },
  world: { base: 17.5, perKg: 6.4, days: { standard: 12, express: 4 } },
} as const;
const EXPRESS_FACTOR = 1.8;
const INSURANCE_PERCENT = 1.5;
const CM3_PER_KG = 6000;
const REGISTRATION = { place: 'online', step: 'registered' } as const;

const tracking = z.string().describe('tracking number, such as SH-4182');
const pickupId = z.string().describe('pickup id, such as PU-37');
const weight = z.number().min(0.1).max(70).describe('in kilograms');
const windowSchema = z.strictObject({ from: timeSchema, to: timeSchema });

const getStatus = defineTool({
  name: 'get_status',
  description: 'Reads the status of a shipment, where it goes, and its expected day of delivery.',
  input: z.strictObject({ trackingNumber: tracking }),
  output: z.strictObject({
    status: z.enum(STATUSES),
    recipient: z.string(),
    city: z.string(),
    expected: z.string(),
  }),
  kind: 'reads',
  run(state: ParcelsState, { trackingNumber }) {
    const shipment = byId(state.shipments, trackingNumber);
    if (typeof shipment === 'string') return { error: shipment };
    const { status, recipient, city, expected } = shipment;
    return { value: { status, recipient, city, expected } };
  },
});

const listEvents = defineTool({
  name: 'list_events',
  description: 'Lists where and when a shipment was scanned, newest first, in pages.',
  input: z.strictObject({ trackingNumber: tracking, page: z.int().min(1).default(1) }),
  output: pageSchema(
    z.strictObject({
      date: z.string(),
      time: z.string(),
      place: z.string(),
      step: z.enum(STEPS),
    }),
  ),
  kind: 'reads',
  run(state: ParcelsState, { trackingNumber, page }) {
    const shipment = byId(state.shipments, trackingNumber);
    if (typeof shipment === 'string') return { error: shipment };
    return pageOf(shipment.events, page);
  },
});

const listShipments = defineTool({
  name: 'list_shipments',
  description:
    'Lists the shipments that fit all that is given: recipient, status, expected day. In pages.',
  input: z.strictObject({
    recipient: z.string().optional().describe('name of a person'),
    status: z.enum(STATUSES).optional(),
    expectedBy: dateSchema.optional().describe('last expected day of delivery'),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(
    z.strictObject({
      trackingNumber: z.string(),
      recipient: z.string(),
      status: z.enum(STATUSES),
    }),
  ),
  kind: 'reads',
  run(state: ParcelsState, { recipient, status, expectedBy, page }) {
    const wanted = recipient?.trim().toLowerCase();
    const rows = state.shipments
      .filter(
        (shipment) =>
          (wanted === undefined || shipment.recipient.toLowerCase() === wanted) &&
          (status === undefined || shipment.status === status) &&
          (expectedBy === undefined || shipment.expected <= expectedBy),
      )
      .map(({ id, recipient: to, status: now }) => ({
        trackingNumber: id,
        recipient: to,
        status: now,
      }));
    return pageOf(rows, page);
  },
});

const parcelShape = {
  weightKg: weight,
  size: z
    .strictObject({
      lengthCm: z.number().min(1).max(300),
      widthCm: z.number().min(1).max(300),
      heightCm: z.number().min(1).max(300),
    })
    .optional()
    .describe('a large light parcel is charged by its volume'),
  zone: z.enum(ZONES),
  service: z.enum(SERVICES).default('standard'),
};
type Parcel = z.infer<ReturnType<typeof z.strictObject<typeof parcelShape>>>;

const quoteRate = defineTool({
  name: 'quote_rate',
  description:
    'Works out what a parcel costs in euros, by its weight or volume, zone and service. Sends nothing.',
  input: z.strictObject({
    ...parcelShape,
    insuredValue: z.number().min(0).max(5000).default(0).describe('in euros'),
  }),
  output: z.strictObject({ chargedKg: z.number(), price: z.number(), days: z.int() }),
  kind: 'reads',
  run(_state: ParcelsState, { insuredValue, ...parcel }) {
    const price = cents(priceOf(parcel) + (insuredValue * INSURANCE_PERCENT) / 100);
    const days = RATES[parcel.zone].days[parcel.service];
    return { value: { chargedKg: chargedKg(parcel), price, days } };
  },
});

const createShipment = defineTool({
  name: 'create_shipment',
  description: 'Registers a parcel to a recipient and gives its tracking number and price.',
  input: z.strictObject({
    recipient: z.strictObject({ name: z.string().min(1), city: z.string().min(1) }),
    ...parcelShape,
  }),
  output: z.strictObject({ trackingNumber: z.string(), price: z.number(), expected: z.string() }),
  kind: 'adds',
  run(state: ParcelsState, { recipient, ...parcel }, clock) {
    const { zone, service, weightKg } = parcel;
    const [date, time] = [clock.slice(0, 10), clock.slice(11)];
    const shipment: Shipment = {
      id: nextId('SH', state.shipments),
      recipient: recipient.name,
      city: recipient.city,
      zone,
      service,
      weightKg,
      status: 'registered',
      expected: shiftDate(date, RATES[zone].days[service]),
      events: [{ date, time, ...REGISTRATION }],
    };
    const { id, expected } = shipment;
    const shipments = [...state.shipments, shipment];
    return {
      value: { trackingNumber: id, price: priceOf(parcel), expected },
      state: { ...state, shipments },
    };
  },
});

const redirectShipment = defineTool({
  name: 'redirect_shipment',
  description: 'Sends a shipment to another city on its way. Fails when it was delivered.',
  input: z.strictObject({ trackingNumber: tracking, city: z.string().min(1) }),
  output: z.strictObject({ trackingNumber: z.string(), city: z.string() }),
  kind: 'sets',
  run(state: ParcelsState, { trackingNumber, city }) {
    const shipment = byId(state.shipments, trackingNumber);
    if (typeof shipment === 'string') return { error: shipment };
    const { id, status } = shipment;
    if (status === 'delivered') return { error: `${id} is delivered, it cannot be redirected` };
    const shipments = changed(state.shipments, id, { city });
    return { value: { trackingNumber: id, city }, state: { ...state, shipments } };
  },
});

const pickupSchema = z.strictObject({
  pickupId: z.string(),
  date: z.string(),
  window: z.strictObject({ from: z.string(), to: z.string() }),
});

const schedulePickup = defineTool({
  name: 'schedule_pickup',
  description:
    'Orders that parcels are fetched on a day between two times. Fails for a day that is over.',
  input: z.strictObject({
    date: dateSchema,
    window: windowSchema,
    parcels: z.int().min(1).max(200),
  }),
  output: pickupSchema,
  kind: 'adds',
  run(state: ParcelsState, { date, window, parcels }, clock) {
    const wrong = wrongTime(date, window, clock);
    if (wrong !== null) return { error: wrong };
    const id = nextId('PU', state.pickups);
    const pickups = [...state.pickups, { id, date, ...window, parcels, cancelled: false }];
    return { value: { pickupId: id, date, window }, state: { ...state, pickups } };
  },
});

const movePickup = defineTool({
  name: 'move_pickup',
  description:
    'Moves a pickup to another day, and to other times if they are given. Fails when it is cancelled.',
  input: z.strictObject({ pickupId, date: dateSchema, window: windowSchema.optional() }),
  output: pickupSchema,
  kind: 'sets',
  run(state: ParcelsState, args, clock) {
    const pickup = byId(state.pickups, args.pickupId);
    if (typeof pickup === 'string') return { error: pickup };
    if (pickup.cancelled) return { error: `${pickup.id} is cancelled, schedule a new one` };
    const { date, window = { from: pickup.from, to: pickup.to } } = args;
    const wrong = wrongTime(date, window, clock);
    if (wrong !== null) return { error: wrong };
    const pickups = changed(state.pickups, pickup.id, { date, ...window });
    return { value: { pickupId: pickup.id, date, window }, state: { ...state, pickups } };
  },
});

const cancelPickup = defineTool({
  name: 'cancel_pickup',
  description: 'Cancels a pickup: nobody comes. Cancelling it again changes nothing.',
  input: z.strictObject({ pickupId }),
  output: z.strictObject({ pickupId: z.string(), cancelled: z.boolean() }),
  kind: 'sets',
  run(state: ParcelsState, args) {
    const pickup = byId(state.pickups, args.pickupId);
    if (typeof pickup === 'string') return { error: pickup };
    const pickups = changed(state.pickups, pickup.id, { cancelled: true });
    return { value: { pickupId: pickup.id, cancelled: true }, state: { ...state, pickups } };
  },
});

function wrongTime(date: string, { from, to }: Pick<Pickup, 'from' | 'to'>, clock: string) {
  const today = clock.slice(0, 10);
  if (date < today) return `date: got ${date}, need ${today} or later`;
  return from < to ? null : `window.to: got ${to}, need a time after ${from}`;
}

/** The larger of weight and volume weight, in steps of half a kilogram, as air cargo is charged (IATA TACT Rules). */
function chargedKg({ weightKg, size }: Parcel): number {
  const cm3 = size === undefined ? 0 : size.lengthCm * size.widthCm * size.heightCm;
  return Math.ceil(Math.max(weightKg, cm3 / CM3_PER_KG) * 2) / 2;
}

function priceOf(parcel: Parcel): number {
  const { base, perKg } = RATES[parcel.zone];
  const price = base + perKg * chargedKg(parcel);
  return cents(parcel.service === 'express' ? price * EXPRESS_FACTOR : price);
}

/** Scans from the registration on, newest first; the newest is of `day`, and where the parcel was delivered if it `arrived`. */
function drawEvents(rng: Rng, count: number, day: string, arrived: string | null): ParcelEvent[] {
  let date = day;
  return Array.from({ length: count }, (_, i): ParcelEvent => {
    if (i > 0) date = shiftDate(date, -rng.int(1, 2));
    const time = dayTime(rng);
    if (i === count - 1) return { date, time, ...REGISTRATION };
    if (i === 0 && arrived !== null) return { date, time, place: arrived, step: 'delivered' };
    const step = rng.pick(['sorted', 'departed', 'arrived'] as const);
    return { date, time, place: rng.pick(CITIES), step };
  });
}

function drawShipment(rng: Rng, id: string, recipient: string, clock: string, i: number): Shipment {
  // Every status is there once at least.
  const status = STATUSES[i] ?? rng.pick(STATUSES);
  const arrived = status === 'delivered';
  const city = rng.pick(CITIES);
  const day = shiftDate(clock.slice(0, 10), arrived ? -rng.int(1, 6) : -1);
  // Parcels on their way have a long trail, so that it fills two pages.
  const count = status === 'registered' ? 1 : rng.int(6, 8);
  return {
    id,
    recipient,
    city,
    zone: rng.pick(ZONES),
    service: rng.pick(SERVICES),
    weightKg: rng.int(3, 180) / 10,
    status,
    expected: arrived ? day : futureDate(rng, clock),
    events: drawEvents(rng, count, day, arrived ? city : null),
  };
}

/**
 * The parcels server. Its state is `{shipments: [{id, recipient, city, zone, service, weightKg, status, expected,
 * events: [{date, time, place, step}]}], pickups: [{id, date, from, to, parcels, cancelled}]}`.
 */
export const parcels: ServerDef = {
  name: 'parcels',
  description: 'A parcel service: shipments, tracking, rates and pickups.',
  tools: [
    getStatus,
    listEvents,
    listShipments,
    quoteRate,
    createShipment,
    redirectShipment,
    schedulePickup,
    movePickup,
    cancelPickup,
  ],
  initial(rng, pool, clock): ParcelsState {
    const recipients = distinct(rng.int(9, 10), () => personName(rng, pool));
    const ids = drawIds(rng, 'SH', recipients.length, 4011, 8987);
    const shipments = recipients.map((recipient, i) =>
      drawShipment(rng, defined(ids[i], 'id'), recipient, clock, i),
    );
    const pickups = drawIds(rng, 'PU', 4, 11, 97).map((id): Pickup => {
      const from = `${String(rng.int(8, 12)).padStart(2, '0')}:00`;
      const to = `${rng.int(14, 18)}:00`;
      return {
        id,
        date: futureDate(rng, clock),
        from,
        to,
        parcels: rng.int(1, 9),
        cancelled: false,
      };
    });
    return { shipments, pickups };
  },
};
