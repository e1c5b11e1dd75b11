import { UNSEEN } from '../../../src/toolspace/full/unseen.ts';
import { keepsTheRules } from '../../support/built-in-rules.ts';

keepsTheRules(UNSEEN, 6);
