// The built-in sensors: devices in rooms, their readings of one day, thresholds and alarms. Knows nothing of tasks or
// transports.
import { z } from 'zod';
import type { Rng } from '../../base/rng.ts';
import {
  byId,
  byName,
  changed,
  defineTool,
  drawIds,
  pageOf,
  pageSchema,
  type ServerDef,
} from '../server.ts';
import { distinct, isTime, pairName, rounded, words } from '../values.ts';

export const SENSOR_KINDS = ['temperature', 'humidity', 'pressure', 'noise'] as const;
type Kind = (typeof SENSOR_KINDS)[number];

/** `raw` is what the device measured; what it reads is that and the device's `correction`. */
export type Reading = { time: string; raw: number };
export type Device = {
  id: string;
  name: string;
  kind: Kind;
  room: string;
  correction: number;
  low: number;
  high: number;
  readings: Reading[];
};
export type SensorsState = { devices: Device[] };

/** Unit and usual level of each kind, and how far readings and thresholds lie around it. */
const KINDS: Readonly<Record<Kind, { unit: string; level: number; spread: number }>> = {
  temperature: { unit: 'degC', level: 19, spread: 6 },
  humidity: { unit: '%', level: 52, spread: 14 },
  pressure: { unit: 'hPa', level: 1012, spread: 12 },
  noise: { unit: 'dB', level: 46, spread: 12 },
};
/** Readings of each device, one an hour up to the hour before the world's. */
const HOURS = 8;

const ROOM_WORDS = words(`
  upper lower eastern western northern southern inner outer main rear front old new long narrow
  wide sunken vaulted
`);
const ROOM_KINDS = words(`
  hall cellar attic lab kitchen vault greenhouse loft corridor pantry studio archive foyer depot
  gallery lounge cloakroom hangar
`);
const DEVICE_WORDS = words(`
  amber cobalt ivory jade onyx opal pearl quartz ruby topaz zircon garnet agate beryl coral jasper
  slate sapphire
`);
const DEVICE_KINDS = words(`
  probe gauge node beacon logger monitor meter tracker sentry scout watcher pod dial eye stick disc
  cube tag
`);

const deviceId = z.string().describe('device id, such as SN-214');
const time = z.string().describe('time of today, like 14:30');
const alarm = z.enum(['none', 'low', 'high']);

const read = ({ correction }: Device, { raw }: Reading): number => rounded(raw + correction, 1) + 0;

function latestOf(device: Device) {
  const reading = device.readings.at(-1);
  return reading === undefined ? null : { time: reading.time, value: read(device, reading) };
}

/** Which threshold the latest reading lies beyond. */
export function alarmOf(device: Device): z.infer<typeof alarm> {
  const value = latestOf(device)?.value;
  if (value === undefined) return 'none';
  if (value < device.low) return 'low';
  return value > device.high ? 'high' : 'none';
}

interface Span {
  from?: string | undefined;
  to?: string | undefined;
}

/** What a device read from a time to another, both included; or why that is no span of time. */
function readingsIn(device: Device, { from = '00:00', to = '23:59' }: Span) {
  for (const [name, text] of Object.entries({ from, to })) {
    if (!isTime(text)) return `${name}: got '${text}', need a time like 14:30`;
  }
  if (from > to) return `to: got ${to}, need a time after ${from}`;
  return device.readings
    .filter((reading) => reading.time >= from && reading.time <= to)
    .map((reading) => ({ time: reading.time, value: read(device, reading) }));
}

/** The devices of a room, or all; or why there is no such room. */
function devicesIn({ devices }: SensorsState, room?: string): Device[] | string {
  if (room === undefined) return devices;
  const one = byName(devices, room, (device) => device.room);
  return typeof one === 'string'
    ? `room: ${one}`
    : devices.filter((device) => device.room === one.room);
}

const listDevices = defineTool({
  name: 'list_devices',
  description: 'Lists the devices, or those of one kind or room, some on each page.',
  input: z.strictObject({
    kind: z.enum(SENSOR_KINDS).optional(),
    room: z.string().optional(),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(
    z.strictObject({ id: z.string(), name: z.string(), kind: z.enum(SENSOR_KINDS) }),
  ),
  kind: 'reads',
  run(state: SensorsState, { kind, room, page }) {
    const devices = devicesIn(state, room);
    if (typeof devices === 'string') return { error: devices };
    const rows = devices
      .filter((device) => kind === undefined || device.kind === kind)
      .map((device) => ({ id: device.id, name: device.name, kind: device.kind }));
    return pageOf(rows, page);
  },
});

const findDevice = defineTool({
  name: 'find_device',
  description: 'Finds a device by its exact name.',
  input: z.strictObject({ name: z.string() }),
  output: z.strictObject({
    id: z.string(),
    kind: z.enum(SENSOR_KINDS),
    room: z.string(),
    thresholds: z.strictObject({ low: z.number(), high: z.number() }),
  }),
  kind: 'reads',
  run(state: SensorsState, { name }) {
    const device = byName(state.devices, name, (item) => item.name);
    if (typeof device === 'string') return { error: device };
    const { id, kind, room, low, high } = device;
    return { value: { id, kind, room, thresholds: { low, high } } };
  },
});

const getStatus = defineTool({
  name: 'get_status',
  description: 'Gives the latest reading of a device and whether it lies outside its thresholds.',
  input: z.strictObject({ id: deviceId }),
  output: z.strictObject({ time: z.string(), value: z.number(), unit: z.string(), alarm }),
  kind: 'reads',
  run(state: SensorsState, { id }) {
    const device = byId(state.devices, id);
    if (typeof device === 'string') return { error: device };
    const latest = latestOf(device);
    if (latest === null) return { error: `${device.id} has no readings` };
    return { value: { ...latest, unit: KINDS[device.kind].unit, alarm: alarmOf(device) } };
  },
});

const getReadings = defineTool({
  name: 'get_readings',
  description:
    'Lists the readings of a device today, all or those in a span of time, or strictly above or below a limit.',
  input: z.strictObject({
    id: deviceId,
    from: time.optional(),
    to: time.optional(),
    where: z.strictObject({ above: z.number(), below: z.number() }).partial().optional(),
  }),
  output: z.strictObject({
    readings: z.array(z.strictObject({ time: z.string(), value: z.number() })),
    count: z.int(),
  }),
  kind: 'reads',
  run(state: SensorsState, { id, from, to, where = {} }) {
    const device = byId(state.devices, id);
    if (typeof device === 'string') return { error: device };
    const found = readingsIn(device, { from, to });
    if (typeof found === 'string') return { error: found };
    const { above = Number.NEGATIVE_INFINITY, below = Number.POSITIVE_INFINITY } = where;
    const readings = found.filter(({ value }) => value > above && value < below);
    return { value: { readings, count: readings.length } };
  },
});

const getStats = defineTool({
  name: 'get_stats',
  description:
    'Gives average, lowest and highest reading of a device today or in a span of time. Fails when there is none in it.',
  input: z.strictObject({ id: deviceId, from: time.optional(), to: time.optional() }),
  output: z.strictObject({
    average: z.number(),
    lowest: z.number(),
    highest: z.number(),
    count: z.int(),
  }),
  kind: 'reads',
  run(state: SensorsState, { id, from, to }) {
    const device = byId(state.devices, id);
    if (typeof device === 'string') return { error: device };
    const found = readingsIn(device, { from, to });
    if (typeof found === 'string') return { error: found };
    if (found.length === 0) {
      const times = device.readings.map((reading) => reading.time);
      return {
        error: `no reading then, ${device.id} has some from ${times[0]} to ${times.at(-1)}`,
      };
    }
    const values = found.map(({ value }) => value);
    const average = values.reduce((sum, value) => sum + value, 0) / values.length;
    return {
      value: {
        average: rounded(average, 2) + 0,
        lowest: Math.min(...values),
        highest: Math.max(...values),
        count: values.length,
      },
    };
  },
});

const setThresholds = defineTool({
  name: 'set_thresholds',
  description: 'Sets the low or the high threshold of a device, or both. Low must lie below high.',
  input: z.strictObject({
    id: deviceId,
    thresholds: z.strictObject({ low: z.number(), high: z.number() }).partial(),
  }),
  output: z.strictObject({ id: z.string(), low: z.number(), high: z.number(), alarm }),
  kind: 'sets',
  run(state: SensorsState, { id, thresholds }) {
    const device = byId(state.devices, id);
    if (typeof device === 'string') return { error: device };
    const { low = device.low, high = device.high } = thresholds;
    if (low >= high) return { error: `thresholds: low is ${low}, need less than high, ${high}` };
    return {
      value: { id: device.id, low, high, alarm: alarmOf({ ...device, low, high }) },
      state: { devices: changed(state.devices, device.id, { low, high }) },
    };
  },
});

const listAlarms = defineTool({
  name: 'list_alarms',
  description:
    'Lists the devices whose latest reading lies outside their thresholds, in all rooms or in one.',
  input: z.strictObject({ room: z.string().optional() }),
  output: z.strictObject({
    alarms: z.array(z.strictObject({ id: z.string(), name: z.string(), value: z.number(), alarm })),
    count: z.int(),
  }),
  kind: 'reads',
  run(state: SensorsState, { room }) {
    const devices = devicesIn(state, room);
    if (typeof devices === 'string') return { error: devices };
    const alarms = devices
      .map((device) => ({
        id: device.id,
        name: device.name,
        value: latestOf(device)?.value ?? 0,
        alarm: alarmOf(device),
      }))
      .filter((row) => row.alarm !== 'none');
    return { value: { alarms, count: alarms.length } };
  },
});

const calibrate = defineTool({
  name: 'calibrate',
  description:
    'Corrects all readings of a device by one amount, so that its latest reading equals a reference value.',
  input: z.strictObject({ id: deviceId, reference: z.number() }),
  output: z.strictObject({ id: z.string(), correction: z.number() }),
  kind: 'sets',
  run(state: SensorsState, { id, reference }) {
    const device = byId(state.devices, id);
    if (typeof device === 'string') return { error: device };
    const latest = device.readings.at(-1);
    if (latest === undefined) return { error: `${device.id} has no readings` };
    const correction = rounded(reference - latest.raw, 1) + 0;
    return {
      value: { id: device.id, correction },
      state: { devices: changed(state.devices, device.id, { correction }) },
    };
  },
});

const recordReading = defineTool({
  name: 'record_reading',
  description: 'Records what a device shows now, by hand, as its latest reading.',
  input: z.strictObject({ id: deviceId, value: z.number() }),
  output: z.strictObject({ id: z.string(), time: z.string(), alarm }),
  kind: 'adds',
  run(state: SensorsState, { id, value }, clock) {
    const device = byId(state.devices, id);
    if (typeof device === 'string') return { error: device };
    const now = clock.slice(11, 16);
    // What is shown is corrected already.
    const reading = { time: now, raw: rounded(value - device.correction, 1) };
    const readings = [...device.readings, reading];
    return {
      value: { id: device.id, time: now, alarm: alarmOf({ ...device, readings }) },
      state: { devices: changed(state.devices, device.id, { readings }) },
    };
  },
});

/** Hourly readings around the usual level of a kind. */
function drawReadings(rng: Rng, kind: Kind, clock: string): Reading[] {
  const { level, spread } = KINDS[kind];
  const hour = Number(clock.slice(11, 13));
  const middle = level + rng.int(-spread, spread) / 2;
  return Array.from({ length: HOURS }, (_, i) => ({
    time: `${String(hour - HOURS + i).padStart(2, '0')}:00`,
    raw: rounded(middle + (rng.int(-100, 100) * spread) / 300, 1),
  }));
}

/** Alarms of the first devices and, again, of those after them. */
const ALARMS = ['high', 'none', 'none', 'low', 'none'] as const;

/** Thresholds of a device whose latest reading is known, so that it has the alarm that is asked for. */
function drawThresholds(rng: Rng, kind: Kind, latest: number, wanted: (typeof ALARMS)[number]) {
  const { spread } = KINDS[kind];
  const gap = 1 + rng.int(0, spread) / 2;
  const low = latest + (wanted === 'low' ? gap : wanted === 'high' ? -gap - spread : -gap);
  const high = wanted === 'none' ? latest + gap : low + spread;
  return { low: rounded(low, 1), high: rounded(high, 1) };
}

/** The sensors server. Its state is `{devices: [{id, name, kind, room, correction, low, high, readings}]}`. */
export const sensors: ServerDef = {
  name: 'sensors',
  description: 'Sensors in rooms: their readings of today, thresholds and alarms.',
  tools: [
    listDevices,
    findDevice,
    getStatus,
    getReadings,
    getStats,
    setThresholds,
    listAlarms,
    calibrate,
    recordReading,
  ],
  initial(rng, pool, clock): SensorsState {
    const rooms = distinct(3, () => pairName(rng, pool, 'room', [ROOM_WORDS, ROOM_KINDS]));
    const places = rng.sample(
      rooms.flatMap((room) => SENSOR_KINDS.map((kind) => ({ room, kind }))),
      rng.int(9, 10),
    );
    const names = distinct(places.length, () =>
      pairName(rng, pool, 'device', [DEVICE_WORDS, DEVICE_KINDS]),
    );
    const ids = drawIds(rng, 'SN', places.length, 101, 987);
    const devices = places.map(({ room, kind }, i): Device => {
      const readings = drawReadings(rng, kind, clock);
      return {
        id: ids[i] ?? kind,
        name: names[i] ?? kind,
        kind,
        room,
        correction: 0,
        ...drawThresholds(
          rng,
          kind,
          readings.at(-1)?.raw ?? 0,
          ALARMS[i % ALARMS.length] ?? 'none',
        ),
        readings,
      };
    });
    return { devices };
  },
};
