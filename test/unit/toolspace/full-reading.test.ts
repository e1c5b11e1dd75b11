import { READING } from '../../../src/toolspace/full/reading.ts';
import { keepsTheRules } from '../../support/built-in-rules.ts';

keepsTheRules(READING, 8);
