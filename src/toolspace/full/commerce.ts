// Servers of toolspace full about money, trade and delivery.
import { BANK_REQUESTS } from '../requests/bank.ts';
import { TRADING_REQUESTS } from '../requests/trading.ts';
import { bank } from '../servers/bank.ts';
import { trading } from '../servers/trading.ts';
import type { BuiltIn } from './built-in.ts';

export const COMMERCE: readonly BuiltIn[] = [
  { server: bank, requests: BANK_REQUESTS },
  { server: trading, requests: TRADING_REQUESTS },
];
