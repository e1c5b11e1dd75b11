import { OFFICE } from '../../../src/toolspace/full/office.ts';
import { keepsTheRules } from '../../support/built-in-rules.ts';

keepsTheRules(OFFICE, 8);
