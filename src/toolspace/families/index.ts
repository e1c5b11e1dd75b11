// All families of toolspace core.
import { CHAIN_FAMILIES } from './chains.ts';
import { ENTITY_FAMILIES } from './entities.ts';
import type { Family } from './family.ts';
import { LOOKUP_FAMILIES } from './lookups.ts';

export const FAMILIES: readonly Family[] = [
  ...LOOKUP_FAMILIES,
  ...ENTITY_FAMILIES,
  ...CHAIN_FAMILIES,
];
