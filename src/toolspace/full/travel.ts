// Servers of toolspace full about getting about and staying somewhere.
import { FLIGHTS_REQUESTS } from '../requests/flights.ts';
import { HOTELS_REQUESTS } from '../requests/hotels.ts';
import { MAPS_REQUESTS } from '../requests/maps.ts';
import { flights } from '../servers/flights.ts';
import { hotels } from '../servers/hotels.ts';
import { maps } from '../servers/maps.ts';
import type { BuiltIn } from './built-in.ts';

export const TRAVEL: readonly BuiltIn[] = [
  { server: flights, requests: FLIGHTS_REQUESTS },
  { server: hotels, requests: HOTELS_REQUESTS },
  { server: maps, requests: MAPS_REQUESTS },
];
