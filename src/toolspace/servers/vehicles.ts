// The built-in fleet: cars with their doors, lights, fuel, tyres, climate and service. Knows nothing of tasks or
// transports.
import { z } from 'zod';
import { defined } from '../../base/assert.ts';
import type { Rng } from '../../base/rng.ts';
import { byId, byName, changed, defineTool, drawIds, type ServerDef } from '../server.ts';
import { distinct, pairName, personName, rounded, shiftDate, words } from '../values.ts';
import { plannedDateTrouble } from './travel-values.ts';

export const DOORS = ['driver', 'passenger', 'rear', 'cargo'] as const;
export const LIGHTS = ['off', 'parking', 'low beam', 'high beam', 'fog'] as const;
const WHEELS = ['front left', 'front right', 'rear left', 'rear right'] as const;
const PRESSURE_UNITS = ['bar', 'psi', 'kPa'] as const;
export const DRIVING_STYLES = ['eco', 'normal', 'sport'] as const;
type Door = (typeof DOORS)[number];
type Climate = { target: number; fan: number; defrost: boolean };

/** `use` is litres for 100 km, `tyres` are bar in the order of the wheels, `locked` the doors that are. */
export type Vehicle = {
  id: string;
  name: string;
  driver: string;
  odometer: number;
  fuel: number;
  tank: number;
  use: number;
  locked: Door[];
  lights: (typeof LIGHTS)[number];
  climate: Climate;
  tyres: number[];
  service: string;
};
export type VehiclesState = { vehicles: Vehicle[] };

/** NIST SP 811, appendix B. */
const BAR_IN = { bar: 1, psi: 14.503_773_8, kPa: 100 };
const RECOMMENDED_BAR = 2.4;
/** What a style of driving does to the use of fuel. */
const STYLE_FACTORS = { eco: 0.9, normal: 1, sport: 1.25 };

const FIRST_WORDS = words(`
  Silver Scarlet Midnight Golden Cobalt Ivory Copper Jade Amber Crimson Pearl Slate Ruby Arctic
  Desert Coastal Alpine Prairie Lunar Solar
`);
const SECOND_WORDS = words(`
  Falcon Badger Otter Lynx Bison Heron Beetle Panther Marten Kestrel Gazelle Walrus Ferret Puma
  Raven Stallion Cricket Dolphin Turtle Moose
`);

const vehicleId = z.string().describe('vehicle id, such as VH-27');

const findVehicle = defineTool({
  name: 'find_vehicle',
  description: 'Finds a car of the fleet by its name.',
  input: z.strictObject({ name: z.string() }),
  output: z.strictObject({ id: z.string(), driver: z.string() }),
  kind: 'reads',
  run({ vehicles: all }: VehiclesState, { name }) {
    const vehicle = byName(all, name, (item) => item.name);
    if (typeof vehicle === 'string') return { error: vehicle };
    return { value: { id: vehicle.id, driver: vehicle.driver } };
  },
});

const getStatus = defineTool({
  name: 'get_status',
  description: 'Reads the state of a car: odometer, fuel, locked doors, lights, climate, service.',
  input: z.strictObject({ vehicle_id: vehicleId }),
  output: z.strictObject({
    odometer_km: z.int(),
    fuel_litres: z.number(),
    tank_litres: z.number(),
    locked_doors: z.array(z.enum(DOORS)),
    lights: z.enum(LIGHTS),
    climate: z.strictObject({ target: z.number(), fan: z.int(), defrost: z.boolean() }),
    next_service: z.string(),
  }),
  kind: 'reads',
  run({ vehicles: all }: VehiclesState, { vehicle_id }) {
    const vehicle = byId(all, vehicle_id);
    if (typeof vehicle === 'string') return { error: vehicle };
    const { odometer, fuel, tank, locked, lights, climate, service } = vehicle;
    return {
      value: {
        odometer_km: odometer,
        fuel_litres: fuel,
        tank_litres: tank,
        locked_doors: locked,
        lights,
        climate,
        next_service: service,
      },
    };
  },
});

function update(state: VehiclesState, id: string, set: Partial<Vehicle>): VehiclesState {
  return { vehicles: changed(state.vehicles, id, set) };
}

const setDoors = defineTool({
  name: 'set_doors',
  description: 'Locks or unlocks doors of a car, all of them if none is named.',
  input: z.strictObject({
    vehicle_id: vehicleId,
    locked: z.boolean(),
    doors: z
      .array(z.enum(DOORS))
      .min(1)
      .default([...DOORS]),
  }),
  output: z.strictObject({ locked_doors: z.array(z.enum(DOORS)) }),
  kind: 'sets',
  run(state: VehiclesState, { vehicle_id, locked, doors }) {
    const vehicle = byId(state.vehicles, vehicle_id);
    if (typeof vehicle === 'string') return { error: vehicle };
    const now = DOORS.filter((door) =>
      doors.includes(door) ? locked : vehicle.locked.includes(door),
    );
    return { value: { locked_doors: now }, state: update(state, vehicle.id, { locked: now }) };
  },
});

const setLights = defineTool({
  name: 'set_lights',
  description: 'Switches the lights of a car.',
  input: z.strictObject({ vehicle_id: vehicleId, mode: z.enum(LIGHTS) }),
  output: z.strictObject({ lights: z.enum(LIGHTS) }),
  kind: 'sets',
  run(state: VehiclesState, { vehicle_id, mode }) {
    const vehicle = byId(state.vehicles, vehicle_id);
    if (typeof vehicle === 'string') return { error: vehicle };
    return { value: { lights: mode }, state: update(state, vehicle.id, { lights: mode }) };
  },
});

const setClimate = defineTool({
  name: 'set_climate',
  description: 'Sets the climate of a car; what is not named stays as it is.',
  input: z.strictObject({
    vehicle_id: vehicleId,
    climate: z
      .strictObject({
        target: z.number().min(16).max(28).describe('degrees Celsius'),
        fan: z.int().min(0).max(5).describe('level of the fan, 0 is off'),
        defrost: z.boolean(),
      })
      .partial(),
  }),
  output: z.strictObject({ target: z.number(), fan: z.int(), defrost: z.boolean() }),
  kind: 'sets',
  run(state: VehiclesState, { vehicle_id, climate: set }) {
    const vehicle = byId(state.vehicles, vehicle_id);
    if (typeof vehicle === 'string') return { error: vehicle };
    const { target, fan, defrost } = vehicle.climate;
    const climate: Climate = {
      target: set.target ?? target,
      fan: set.fan ?? fan,
      defrost: set.defrost ?? defrost,
    };
    return { value: climate, state: update(state, vehicle.id, { climate }) };
  },
});

const getTyrePressure = defineTool({
  name: 'get_tyre_pressure',
  description: `Reads the pressure of the tyres of a car. Those below ${RECOMMENDED_BAR} bar are low.`,
  input: z.strictObject({ vehicle_id: vehicleId, unit: z.enum(PRESSURE_UNITS).default('bar') }),
  output: z.strictObject({
    tyres: z.array(
      z.strictObject({ wheel: z.enum(WHEELS), pressure: z.number(), low: z.boolean() }),
    ),
    unit: z.enum(PRESSURE_UNITS),
  }),
  kind: 'reads',
  run({ vehicles: all }: VehiclesState, { vehicle_id, unit }) {
    const vehicle = byId(all, vehicle_id);
    if (typeof vehicle === 'string') return { error: vehicle };
    const tyres = WHEELS.map((wheel, i) => {
      const bar = defined(vehicle.tyres[i], 'tyre');
      return { wheel, pressure: rounded(bar * BAR_IN[unit], 1), low: bar < RECOMMENDED_BAR };
    });
    return { value: { tyres, unit } };
  },
});

const estimateTrip = defineTool({
  name: 'estimate_trip',
  description: 'Estimates the fuel that a trip takes, and whether the car has as much.',
  input: z.strictObject({
    vehicle_id: vehicleId,
    km: z.number().min(0).max(100_000),
    style: z.enum(DRIVING_STYLES).default('normal'),
  }),
  output: z.strictObject({
    litres: z.number(),
    enough: z.boolean(),
    range_km: z.int().describe('how far the car comes without refuelling'),
  }),
  kind: 'reads',
  run({ vehicles: all }: VehiclesState, { vehicle_id, km, style }) {
    const vehicle = byId(all, vehicle_id);
    if (typeof vehicle === 'string') return { error: vehicle };
    const perKm = (vehicle.use * STYLE_FACTORS[style]) / 100;
    const litres = km * perKm;
    return {
      value: {
        litres: rounded(litres, 2),
        enough: litres <= vehicle.fuel,
        range_km: Math.floor(vehicle.fuel / perKm),
      },
    };
  },
});

const refuel = defineTool({
  name: 'refuel',
  description: 'Notes fuel that was put into a car. Fails when its tank has not as much room.',
  input: z.strictObject({ vehicle_id: vehicleId, litres: z.number().positive().max(200) }),
  output: z.strictObject({ fuel_litres: z.number(), tank_litres: z.number() }),
  kind: 'adds',
  run(state: VehiclesState, { vehicle_id, litres }) {
    const vehicle = byId(state.vehicles, vehicle_id);
    if (typeof vehicle === 'string') return { error: vehicle };
    const { id, tank } = vehicle;
    const room = rounded(tank - vehicle.fuel, 1);
    if (litres > room) return { error: `litres: got ${litres}, ${id} has room for ${room}` };
    const fuel = rounded(vehicle.fuel + litres, 1);
    return {
      value: { fuel_litres: fuel, tank_litres: tank },
      state: update(state, id, { fuel }),
    };
  },
});

const scheduleService = defineTool({
  name: 'schedule_service',
  description: 'Sets the day of the next service of a car, today or later.',
  input: z.strictObject({
    vehicle_id: vehicleId,
    date: z.string().describe('day, like 2026-03-14'),
  }),
  output: z.strictObject({ vehicle_id: z.string(), next_service: z.string() }),
  kind: 'sets',
  run(state: VehiclesState, { vehicle_id, date }, clock) {
    const vehicle = byId(state.vehicles, vehicle_id);
    if (typeof vehicle === 'string') return { error: vehicle };
    const trouble = plannedDateTrouble('date', date, clock);
    if (trouble !== null) return { error: trouble };
    return {
      value: { vehicle_id: vehicle.id, next_service: date },
      state: update(state, vehicle.id, { service: date }),
    };
  },
});

function drawVehicle(rng: Rng, today: string): Omit<Vehicle, 'id' | 'name' | 'driver'> {
  const tank = rng.int(9, 15) * 5;
  return {
    odometer: rng.int(2000, 180_000),
    fuel: rng.int(60, tank * 5) / 10,
    tank,
    use: rng.int(45, 110) / 10,
    locked: DOORS.filter(() => rng.chance(0.7)),
    lights: rng.pick(LIGHTS),
    climate: { target: rng.int(34, 50) / 2, fan: rng.int(0, 5), defrost: rng.chance(0.3) },
    // Different ones, so that one tyre is the softest.
    tyres: rng.sample([1.8, 1.9, 2, 2.1, 2.2, 2.3, 2.4, 2.5, 2.6, 2.7, 2.8], WHEELS.length),
    service: shiftDate(today, rng.int(3, 200)),
  };
}

/** The fleet server. Its state is `{vehicles}`. */
export const vehicles: ServerDef = {
  name: 'vehicles',
  description: 'A fleet of connected cars: doors, lights, fuel, tyres, climate and service.',
  tools: [
    findVehicle,
    getStatus,
    setDoors,
    setLights,
    setClimate,
    getTyrePressure,
    estimateTrip,
    refuel,
    scheduleService,
  ],
  initial(rng, pool, clock): VehiclesState {
    const ids = drawIds(rng, 'VH', 7, 11, 98);
    const draw = () => pairName(rng, pool, 'vehicle', [FIRST_WORDS, SECOND_WORDS]);
    const names = distinct(ids.length, draw);
    const people = distinct(ids.length, () => personName(rng, pool));
    const all = ids.map((id, i): Vehicle => {
      const who = { name: defined(names[i], 'name'), driver: defined(people[i], 'driver') };
      return { id, ...who, ...drawVehicle(rng, clock.slice(0, 10)) };
    });
    return { vehicles: all };
  },
};
