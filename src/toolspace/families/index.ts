// All families of toolspace core.
import { CHAIN_FAMILIES } from './chains.ts';
import type { CoreFamily } from './core-draft.ts';
import { ENTITY_FAMILIES } from './entities.ts';
import { LOOKUP_FAMILIES } from './lookups.ts';

export const FAMILIES: readonly CoreFamily[] = [
  ...LOOKUP_FAMILIES,
  ...ENTITY_FAMILIES,
  ...CHAIN_FAMILIES,
];
