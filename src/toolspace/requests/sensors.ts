// Requests to the sensors. Knows nothing of how parts are combined.
import { defined } from '../../base/assert.ts';
import { type Draft, type Family, stateIs } from '../draft.ts';
import { asking, askingAndChanging, changing, field, readNumber, rowsOf } from '../parts.ts';
import { alarmOf, type Device, type SensorsState } from '../servers/sensors.ts';

const devices = (draft: Draft) => draft.state<SensorsState>('sensors').devices;
const rooms = (draft: Draft) => [...new Set(devices(draft).map(({ room }) => room))];

/** A device, looked up by its name. */
function findNamed(draft: Draft, { name }: Device) {
  const spelled = draft.spelled(name);
  const found = draft.find('sensors:find_device', 'name', spelled, name);
  return { shown: `'${spelled}'`, id: String(field(found, 'id')) };
}

/** A value that a device could well show. */
function nearLatest(draft: Draft, { readings }: Device): number {
  const latest = defined(readings.at(-1), 'reading').raw;
  return Math.round(latest * 10 + draft.rng.pick([-31, -17, -8, 6, 12, 24, 35])) / 10;
}

export const SENSORS_REQUESTS: readonly Family[] = [
  {
    name: 'sensors_latest',
    tools: ['sensors:find_device', 'sensors:get_status'],
    byName: true,
    gives: 'number',
    phrasings: {
      train: [
        'What does [|the device |the sensor ]{name} read now?',
        '[Look up|Find] {name} and [tell|give] me its latest reading.',
        'What is the latest reading of [|the sensor ]{name}?',
      ],
      heldOut: [
        'State the value that {name} shows at present.',
        'I would like the most recent value of the device {name}.',
      ],
    },
    draw(draft) {
      const device = draft.take(devices(draft));
      const { shown, id } = findNamed(draft, device);
      const value = readNumber(draft, 'sensors:get_status', { id }, 'value');
      const what = `the latest reading of '${device.name}'`;
      return { ...asking({ name: shown }, [value], what), gives: value };
    },
  },
  {
    name: 'sensors_average',
    tools: ['sensors:get_stats'],
    byName: false,
    takes: 'time',
    gives: 'number',
    phrasings: {
      train: [
        'What is the average reading of {id} [today|of today] up to {time}?',
        '[Calculate|Give me|Find] the average of what {id} [read|measured] today up to {time}.',
        'Up to {time}, what was the average of the readings of {id} today?',
      ],
      heldOut: [
        'State the mean of all readings that {id} took today until {time}.',
        'How high was {id} on average today, up to and including {time}?',
      ],
    },
    draw(draft) {
      const { id, readings } = draft.take(devices(draft));
      const draw = () => draft.rng.pick(readings.slice(2, -1)).time;
      const { value: to, shown } = draft.given('time', draw);
      const average = readNumber(draft, 'sensors:get_stats', { id, to }, 'average');
      const part = asking({ id, time: shown }, [average], `the average of ${id} up to ${to}`);
      return { ...part, gives: average };
    },
  },
  {
    name: 'sensors_thresholds',
    tools: ['sensors:find_device', 'sensors:set_thresholds'],
    byName: true,
    phrasings: {
      train: [
        'Set the thresholds of {name} to {low} and {high}.',
        '[Let|Have] {name} [raise an alarm|sound the alarm] below {low} and above {high}.',
        'Change the low threshold of {name} to {low} and the high one to {high}.',
      ],
      heldOut: [
        'From {low} to {high} is fine for {name}; make those its thresholds.',
        'The alarm of {name} must go off under {low} and over {high}: set that up.',
      ],
    },
    draw(draft) {
      const device = draft.take(devices(draft));
      const low = Math.round(device.low) - draft.rng.int(1, 9);
      const high = Math.round(device.high) + draft.rng.int(1, 9);
      const { shown, id } = findNamed(draft, device);
      draft.call('sensors:set_thresholds', { id, thresholds: { low, high } });
      const path = ['devices', { id: device.id }];
      return changing(
        { name: shown, low: String(low), high: String(high) },
        `the thresholds of '${device.name}' are ${low} and ${high}`,
        [stateIs('sensors', [...path, 'low'], low), stateIs('sensors', [...path, 'high'], high)],
      );
    },
  },
  {
    name: 'sensors_alarms',
    tools: ['sensors:list_alarms'],
    byName: false,
    phrasings: {
      train: [
        'Which devices in [|the ]{room} are in alarm? [Give|Name|List] their ids.',
        '[List|Give me|Find] the ids of the devices in {room} that are in alarm.',
        'What are the ids of the devices with an alarm in {room}?',
      ],
      heldOut: [
        'Name, by id, all that is outside its thresholds in {room}.',
        'There is an alarm in {room}: state the ids of the devices behind it.',
      ],
    },
    draw(draft) {
      const alarming = devices(draft).filter((device) => alarmOf(device) !== 'none');
      const room = draft.fresh(draft.rng.pick(alarming).room);
      const ids = rowsOf(draft.call('sensors:list_alarms', { room }), 'alarms').map((row) =>
        field(row, 'id'),
      );
      return asking({ room: `'${room}'` }, ids, `the devices in alarm in '${room}'`);
    },
  },
  {
    name: 'sensors_calibrate',
    tools: ['sensors:calibrate'],
    byName: false,
    takes: 'number',
    gives: 'number',
    phrasings: {
      train: [
        'Calibrate {id} [to|against] {value} and [tell|give] me the correction.',
        'The true value at {id} is {value}: calibrate it; what is the correction?',
        'What correction does {id} get when it is calibrated to [|the reference ]{value}? Do calibrate it.',
      ],
      heldOut: [
        'A reference instrument shows {value} beside {id}. Calibrate {id} by it and state the correction.',
        'Make {id} read {value} by calibration, and name the correction that this takes.',
      ],
    },
    draw(draft) {
      const device = draft.take(devices(draft));
      const { id } = device;
      const { value: reference, shown } = draft.given('number', () => nearLatest(draft, device));
      const correction = readNumber(draft, 'sensors:calibrate', { id, reference }, 'correction');
      const part = askingAndChanging(
        { id, value: shown },
        [correction],
        `the correction of ${id} calibrated to ${reference}`,
        [stateIs('sensors', ['devices', { id }, 'correction'], correction)],
      );
      return { ...part, gives: correction };
    },
  },
  {
    name: 'sensors_record',
    tools: ['sensors:find_device', 'sensors:record_reading'],
    byName: true,
    takes: 'number',
    phrasings: {
      train: [
        '[Record|Enter|Note] a reading of {value} for {name}.',
        '{name} shows {value} now; [record|note|enter] that.',
        '[Record|Write down] that {name} reads {value} now.',
      ],
      heldOut: [
        'I stand before {name} and see {value}: put it on record.',
        'Add {value} as the latest reading of {name}.',
      ],
    },
    draw(draft) {
      const device = draft.take(devices(draft));
      const { value, shown: number } = draft.given('number', () => nearLatest(draft, device));
      const { shown, id } = findNamed(draft, device);
      draft.call('sensors:record_reading', { id, value });
      const last = device.readings.length;
      const readings = devices(draft).find((item) => item.id === id)?.readings ?? [];
      const path = ['devices', { id: device.id }, 'readings', last];
      return changing(
        { name: shown, value: number },
        `the latest reading of '${device.name}' is ${value}`,
        [stateIs('sensors', path, defined(readings[last], 'reading'))],
      );
    },
  },
  {
    name: 'sensors_beyond',
    tools: ['sensors:get_readings'],
    byName: false,
    takes: 'number',
    gives: 'number',
    phrasings: {
      train: [
        'How many readings of {id} [today were|are] {side} {limit}?',
        'Count the readings of {id} [|of today ]that are {side} {limit}.',
        'How [often|many times] did {id} read a value {side} {limit}?',
        '[Find out|Tell me] how many readings of {id} are {side} {limit}.',
      ],
      heldOut: [
        'State how many of the values that {id} measured lie {side} {limit}.',
        'The readings of {id} were {side} {limit} how many times?',
      ],
    },
    draw(draft) {
      const device = draft.take(devices(draft));
      const { id } = device;
      const side = draft.rng.pick(['above', 'below'] as const);
      const { value: limit, shown } = draft.given('number', () => {
        return Math.round(draft.rng.pick(device.readings).raw);
      });
      const count = readNumber(
        draft,
        'sensors:get_readings',
        { id, where: { [side]: limit } },
        'count',
      );
      const what = `how many readings of ${id} are ${side} ${limit}`;
      return { ...asking({ id, side, limit: shown }, [count], what), gives: count };
    },
  },
  {
    name: 'sensors_extreme_in_room',
    tools: ['sensors:list_devices', 'sensors:get_stats'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'What is the {extreme} {kind} that was measured in {room} today?',
        '[Tell|Give] me the {extreme} {kind} [measured|read] in {room} today.',
        'Look up the {kind} sensor in {room}: what is its {extreme} reading of today?',
      ],
      heldOut: [
        'State the {extreme} value of the {kind} in {room} today.',
        'Of all that the {kind} device in {room} read today, which value is the {extreme}?',
      ],
    },
    draw(draft) {
      const { id, kind, room } = draft.take(devices(draft));
      const extreme = draft.rng.pick(['lowest', 'highest'] as const);
      draft.call('sensors:list_devices', { kind, room });
      const value = readNumber(draft, 'sensors:get_stats', { id }, extreme);
      const slots = { extreme, kind, room: `'${room}'` };
      return { ...asking(slots, [value], `the ${extreme} ${kind} in '${room}'`), gives: value };
    },
  },
  {
    name: 'sensors_count',
    tools: ['sensors:list_devices'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many [devices|sensors] are there in {room}?',
        'Count the [devices|sensors] in {room}.',
        '[Tell me|Find out|Look up] how many [devices|sensors] {room} has.',
      ],
      heldOut: [
        'State the number of devices that stand in {room}.',
        'The room {room} has how many sensors?',
      ],
    },
    draw(draft) {
      const room = draft.fresh(draft.rng.pick(rooms(draft)));
      const count = readNumber(draft, 'sensors:list_devices', { room }, 'total');
      const part = asking({ room: `'${room}'` }, [count], `how many devices are in '${room}'`);
      return { ...part, gives: count };
    },
  },
];
