import { TRAVEL } from '../../../src/toolspace/full/travel.ts';
import { keepsTheRules } from '../../support/built-in-rules.ts';

keepsTheRules(TRAVEL, 8);
