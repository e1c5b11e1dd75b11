// Servers of toolspace full about getting about and staying somewhere.
import { FLIGHTS_REQUESTS } from '../requests/flights.ts';
import { HOTELS_REQUESTS } from '../requests/hotels.ts';
import { MAPS_REQUESTS } from '../requests/maps.ts';
import { PARKS_REQUESTS } from '../requests/parks.ts';
import { VEHICLES_REQUESTS } from '../requests/vehicles.ts';
import { WEATHER_REQUESTS } from '../requests/weather.ts';
import { flights } from '../servers/flights.ts';
import { hotels } from '../servers/hotels.ts';
import { maps } from '../servers/maps.ts';
import { parks } from '../servers/parks.ts';
import { vehicles } from '../servers/vehicles.ts';
import { weather } from '../servers/weather.ts';
import type { BuiltIn } from './built-in.ts';

export const TRAVEL: readonly BuiltIn[] = [
  { server: flights, requests: FLIGHTS_REQUESTS },
  { server: hotels, requests: HOTELS_REQUESTS },
  { server: maps, requests: MAPS_REQUESTS },
  { server: weather, requests: WEATHER_REQUESTS },
  { server: vehicles, requests: VEHICLES_REQUESTS },
  { server: parks, requests: PARKS_REQUESTS },
];
