// Requests to the fleet. Knows nothing of how parts are combined.
import { type Draft, type Family, stateIs } from '../draft.ts';
import { asking, askingAndChanging, changing, field, rowsOf } from '../parts.ts';
import {
  DOORS,
  DRIVING_STYLES,
  LIGHTS,
  type Vehicle,
  type VehiclesState,
} from '../servers/vehicles.ts';
import { givenDate, handingOn, rowOf } from './travel-parts.ts';

const all = (draft: Draft) => draft.state<VehiclesState>('vehicles').vehicles;
const aVehicle = (draft: Draft) => draft.take(all(draft));

/** Finds a car by its name, as the request spells it. */
function findVehicle(draft: Draft, { name }: Vehicle): { car: string; vehicle_id: string } {
  const spelled = draft.spelled(name);
  const { id } = draft.find('vehicles:find_vehicle', 'name', spelled, name);
  return { car: `'${spelled}'`, vehicle_id: String(id) };
}

const is = (id: string, path: string[], value: string | number | string[]) =>
  stateIs('vehicles', ['vehicles', { id }, ...path], value);

export const VEHICLES_REQUESTS: readonly Family[] = [
  {
    name: 'vehicles_service_due',
    tools: ['vehicles:find_vehicle', 'vehicles:get_status'],
    byName: true,
    gives: 'date',
    phrasings: {
      train: [
        'When is the next service of [|the car ]{car}[| due]?',
        '[Tell me|Find out|Look up] the date of the next service of {car}.',
        'On what date [does|must] {car} go in for [its next |]service?',
      ],
      heldOut: [
        'For which day is {car} booked into the garage?',
        'State the date on which {car} will be serviced.',
      ],
    },
    draw(draft) {
      const { car, vehicle_id } = findVehicle(draft, aVehicle(draft));
      const date = field(draft.call('vehicles:get_status', { vehicle_id }), 'next_service');
      return handingOn(asking({ car }, [date], `the next service of ${car}`));
    },
  },
  {
    name: 'vehicles_plan_service',
    tools: ['vehicles:find_vehicle', 'vehicles:schedule_service'],
    byName: true,
    takes: 'date',
    phrasings: {
      train: [
        '[Schedule|Plan|Book] the next service of {car} for {date}.',
        '[Move|Set] the next service of {car} to {date}.',
        'Have {car} serviced on {date}.',
      ],
      heldOut: [
        'The garage can take {car} on {date}; enter that as its service.',
        'Put {date} down as the day on which {car} is serviced next.',
      ],
    },
    draw(draft) {
      const vehicle = aVehicle(draft);
      const { value: date, shown } = givenDate(draft);
      const { car, vehicle_id } = findVehicle(draft, vehicle);
      draft.call('vehicles:schedule_service', { vehicle_id, date });
      return changing({ car, date: shown }, `the next service of ${car} is on ${date}`, [
        is(vehicle.id, ['service'], date),
      ]);
    },
  },
  {
    name: 'vehicles_driver',
    tools: ['vehicles:find_vehicle'],
    byName: true,
    gives: 'person',
    phrasings: {
      train: [
        'Who [drives|is the driver of] [|the car ]{car}?',
        '[Tell me|Find out|Look up] who drives {car}.',
        'Whose car is {car}?',
      ],
      heldOut: ['Name the person at the wheel of {car}.', 'To which driver does {car} belong?'],
    },
    draw(draft) {
      const vehicle = aVehicle(draft);
      const spelled = draft.spelled(vehicle.name);
      const found = draft.find('vehicles:find_vehicle', 'name', spelled, vehicle.name);
      const what = `who drives '${vehicle.name}'`;
      return handingOn(asking({ car: `'${spelled}'` }, [field(found, 'driver')], what));
    },
  },
  {
    name: 'vehicles_unlock',
    tools: ['vehicles:set_doors'],
    byName: false,
    phrasings: {
      train: [
        'Unlock the {door} door of [|the car ]{id}.',
        'The {door} door of {id} is locked: [open the lock|unlock it].',
        '[I cannot open|Nobody can open] the {door} door of {id}; unlock it, [please|and only it].',
      ],
      heldOut: [
        'Somebody must get in at the {door} door of {id}, so release its lock.',
        'On {id}, make the {door} door no longer locked.',
      ],
    },
    draw(draft) {
      const { id, locked } = draft.take(all(draft).filter((vehicle) => vehicle.locked.length > 0));
      const door = draft.rng.pick(locked);
      const now = DOORS.filter((other) => other !== door && locked.includes(other));
      draft.call('vehicles:set_doors', { vehicle_id: id, locked: false, doors: [door] });
      return changing(
        { id, door },
        `the ${door} door of ${id} is unlocked, the others are as before`,
        [is(id, ['locked'], now)],
      );
    },
  },
  {
    name: 'vehicles_lights',
    tools: ['vehicles:set_lights'],
    byName: false,
    phrasings: {
      train: [
        '[Set|Switch|Turn] the lights of [|the car ]{id} to {mode}.',
        'The lights of {id} [must|shall] be [set|switched] to {mode}.',
      ],
      heldOut: [
        'Let {id} drive with its lights on {mode}.',
        'Make {mode} the mode of the lights of {id}.',
      ],
    },
    draw(draft) {
      const { id, lights } = aVehicle(draft);
      const mode = draft.rng.pick(LIGHTS.filter((other) => other !== lights && other !== 'off'));
      draft.call('vehicles:set_lights', { vehicle_id: id, mode });
      return changing({ id, mode }, `the lights of ${id} are on ${mode}`, [
        is(id, ['lights'], mode),
      ]);
    },
  },
  {
    name: 'vehicles_climate',
    tools: ['vehicles:find_vehicle', 'vehicles:set_climate'],
    byName: true,
    phrasings: {
      train: [
        '[Set|Bring] the climate of {car} to {target} degrees [with the fan at|and its fan to] level {fan}.',
        '[Heat or cool|Bring] {car} to {target} degrees, fan level {fan}.',
        'In {car}, set [a target of|the climate to] {target} degrees and [the fan to|fan] level {fan}.',
      ],
      heldOut: [
        'The driver of {car} wants {target} degrees inside and the fan at {fan}; set it so.',
        'Have the fan of {car} run at {fan}, aiming for {target} degrees.',
      ],
    },
    draw(draft) {
      const vehicle = aVehicle(draft);
      const { climate: old } = vehicle;
      const fan = draft.rng.pick([1, 2, 3, 4, 5].filter((level) => level !== old.fan));
      const target = draft.rng.int(33, 55) / 2;
      const { car, vehicle_id } = findVehicle(draft, vehicle);
      draft.call('vehicles:set_climate', { vehicle_id, climate: { target, fan } });
      const slots = { car, target: String(target), fan: String(fan) };
      return changing(slots, `the climate of ${car} is ${target} degrees, fan level ${fan}`, [
        is(vehicle.id, ['climate', 'target'], target),
        is(vehicle.id, ['climate', 'fan'], fan),
      ]);
    },
  },
  {
    name: 'vehicles_softest_tyre',
    tools: ['vehicles:get_tyre_pressure'],
    byName: false,
    gives: 'text',
    phrasings: {
      train: [
        'Which tyre of [|the car ]{id} has the lowest pressure, and how much is that in {unit}?',
        '[Tell me|Find out|Look up] which tyre of {id} is the softest, and its pressure in {unit}.',
        'Which wheel of {id} has the least air, and what is the pressure there in {unit}?',
      ],
      heldOut: [
        'Of the four tyres of {id}, name the one that most needs air and what it has in {unit}.',
        'Where is the pressure of {id} lowest, and how many {unit} are left there?',
      ],
    },
    draw(draft) {
      const { id } = aVehicle(draft);
      const unit = draft.rng.pick(['bar', 'psi', 'kPa']);
      const found = draft.call('vehicles:get_tyre_pressure', { vehicle_id: id, unit });
      const tyres = rowsOf(found, 'tyres');
      const lowest = Math.min(...tyres.map((tyre) => Number(field(tyre, 'pressure'))));
      const wheel = field(
        rowOf(found, 'tyres', (row) => row['pressure'] === lowest),
        'wheel',
      );
      const asked = [wheel, lowest];
      return handingOn(asking({ id, unit }, asked, `the softest tyre of ${id} in ${unit}`));
    },
  },
  {
    name: 'vehicles_trip_fuel',
    tools: ['vehicles:find_vehicle', 'vehicles:estimate_trip'],
    byName: true,
    takes: 'number',
    gives: 'number',
    phrasings: {
      train: [
        'Take {km} as the length of a trip in km: how many litres [does {car} need|will {car} need] for it in {style} style?',
        '[Estimate|Work out|Tell me] the litres of fuel that {car} needs in {style} style if the length of the trip in km is {km}.',
        'The length of a trip in km is {km}. How many litres of fuel does it take with {car} in {style} style?',
      ],
      heldOut: [
        'With {car} driven in {style} style and {km} as the number of km, what amount of fuel in litres must be reckoned with?',
        'The km ahead of {car} are {km}, the style is {style}: state the litres that this takes.',
      ],
    },
    draw(draft) {
      const vehicle = aVehicle(draft);
      const style = draft.rng.pick(DRIVING_STYLES);
      const { value: km, shown } = draft.given('number', () => draft.rng.int(12, 900));
      const { car, vehicle_id } = findVehicle(draft, vehicle);
      const trip = draft.call('vehicles:estimate_trip', { vehicle_id, km, style });
      const slots = { car, km: shown, style };
      return handingOn(asking(slots, [field(trip, 'litres')], `litres of ${car} for ${km} km`));
    },
  },
  {
    name: 'vehicles_refuel',
    tools: ['vehicles:refuel'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        '[Note|Enter] that {litres} litres were put into {id} and [tell me|say] how many it has now.',
        '[The car |]{id} was filled with {litres} more litres: note it. How many litres [has it|are in its tank] now?',
        'Add {litres} litres of fuel to {id}; what is its [level in litres|fuel in litres] then?',
      ],
      heldOut: [
        'I bought {litres} litres for {id}: put that down and state the litres in its tank.',
        'After a stop at the pump {id} has {litres} litres more; enter them and name the sum.',
      ],
    },
    draw(draft) {
      const { id, fuel, tank } = aVehicle(draft);
      const litres = draft.rng.int(20, Math.floor((tank - fuel) * 10)) / 10;
      const now = Number(
        field(draft.call('vehicles:refuel', { vehicle_id: id, litres }), 'fuel_litres'),
      );
      const slots = { id, litres: String(litres) };
      const what = `the litres in the tank of ${id}`;
      return handingOn(askingAndChanging(slots, [now], what, [is(id, ['fuel'], now)]));
    },
  },
];
