// The servers of toolspace full beside those of core.
import type { BuiltIn } from './built-in.ts';
import { COMMERCE } from './commerce.ts';
import { FIGURES } from './figures.ts';
import { OFFICE } from './office.ts';
import { READING } from './reading.ts';
import { TRAVEL } from './travel.ts';
import { UNSEEN } from './unseen.ts';

/** Servers of the splits train and test. */
export const SEEN: readonly BuiltIn[] = [...COMMERCE, ...FIGURES, ...OFFICE, ...READING, ...TRAVEL];

/** Servers that only tasks of the split unseen need. */
export const UNSEEN_ONLY: readonly BuiltIn[] = [...UNSEEN];
