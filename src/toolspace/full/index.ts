// The servers of toolspace full beside those of core.
import type { BuiltIn } from './built-in.ts';
import { COMMERCE } from './commerce.ts';
import { FIGURES } from './figures.ts';
import { OFFICE } from './office.ts';
import { READING } from './reading.ts';

/** Servers of the splits train and test. */
export const SEEN: readonly BuiltIn[] = [...COMMERCE, ...FIGURES, ...OFFICE, ...READING];

/** Servers that only tasks of the split unseen need. */
export const UNSEEN_ONLY: readonly BuiltIn[] = [];
