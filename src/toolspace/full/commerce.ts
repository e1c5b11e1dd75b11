// Servers of toolspace full about money, trade and delivery.
import { AUCTIONS_REQUESTS } from '../requests/auctions.ts';
import { BANK_REQUESTS } from '../requests/bank.ts';
import { INVOICES_REQUESTS } from '../requests/invoices.ts';
import { ORDERS_REQUESTS } from '../requests/orders.ts';
import { PARCELS_REQUESTS } from '../requests/parcels.ts';
import { TRADING_REQUESTS } from '../requests/trading.ts';
import { auctions } from '../servers/auctions.ts';
import { bank } from '../servers/bank.ts';
import { invoices } from '../servers/invoices.ts';
import { orders } from '../servers/orders.ts';
import { parcels } from '../servers/parcels.ts';
import { trading } from '../servers/trading.ts';
import type { BuiltIn } from './built-in.ts';

export const COMMERCE: readonly BuiltIn[] = [
  { server: bank, requests: BANK_REQUESTS },
  { server: trading, requests: TRADING_REQUESTS },
  { server: orders, requests: ORDERS_REQUESTS },
  { server: parcels, requests: PARCELS_REQUESTS },
  { server: invoices, requests: INVOICES_REQUESTS },
  { server: auctions, requests: AUCTIONS_REQUESTS },
];
