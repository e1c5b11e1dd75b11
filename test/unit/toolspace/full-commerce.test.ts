import { COMMERCE } from '../../../src/toolspace/full/commerce.ts';
import { keepsTheRules } from '../../support/built-in-rules.ts';

keepsTheRules(COMMERCE, 8);
