// The built-in trading desk: stocks with quotes, orders, positions and a watchlist, for one customer. Knows nothing of
// tasks or transports.
import { z } from 'zod';
import { defined } from '../../base/assert.ts';
import type { Rng } from '../../base/rng.ts';
import {
  byId,
  byName,
  changed,
  defineTool,
  drawIds,
  nextId,
  pageOf,
  pageSchema,
  type ServerDef,
} from '../server.ts';
import { type Pool, pairName, rounded, words } from '../values.ts';
import { amountSchema, cents } from './argument-schemas.ts';

export const SECTORS = ['energy', 'health', 'retail', 'software', 'transport'] as const;
const SIDES = ['buy', 'sell'] as const;
const STATUSES = ['open', 'filled', 'cancelled'] as const;

/** `id` is the symbol; `close` is the last price of the day before. */
export type Stock = {
  id: string;
  company: string;
  sector: (typeof SECTORS)[number];
  bid: number;
  ask: number;
  last: number;
  close: number;
  watched: boolean;
};
/** `id` is the symbol; `cost` is the average price that was paid for a share. */
export type Position = { id: string; shares: number; cost: number };
/** `limit` is null for an order at the market; `price` is null until it is filled. */
export type Order = {
  id: string;
  symbol: string;
  side: (typeof SIDES)[number];
  shares: number;
  limit: number | null;
  price: number | null;
  status: (typeof STATUSES)[number];
};
export type TradingState = {
  stocks: Stock[];
  positions: Position[];
  orders: Order[];
  cash: number;
};

const FIRST_WORDS = words(`
  amber boreal cobalt delta ember falcon granite helix indigo juniper kestrel lumen meridian nova
  orchid pioneer quartz raven summit tundra
`);
const SECOND_WORDS = words(`
  works labs foods motors power logic freight pharma mills systems rail optics steel media
  textiles bakeries airways marine robotics chemicals
`);

const symbolSchema = z.string().describe('symbol of a stock, such as AMWO');

const findSymbol = defineTool({
  name: 'find_symbol',
  description: 'Finds the symbol of a company by its name. Fails when no such company is listed.',
  input: z.strictObject({ company: z.string() }),
  output: z.strictObject({ symbol: z.string(), sector: z.enum(SECTORS) }),
  kind: 'reads',
  run(state: TradingState, { company }) {
    const stock = byName(state.stocks, company, (item) => item.company);
    if (typeof stock === 'string') return { error: stock };
    return { value: { symbol: stock.id, sector: stock.sector } };
  },
});

const getQuote = defineTool({
  name: 'get_quote',
  description:
    'Reads the prices of a stock in dollars: what sellers ask, what buyers bid, the last trade, and its change in percent since the day before.',
  input: z.strictObject({ symbol: symbolSchema }),
  output: z.strictObject({
    ask: z.number(),
    bid: z.number(),
    last: z.number(),
    changePercent: z.number(),
  }),
  kind: 'reads',
  run(state: TradingState, { symbol }) {
    const stock = byId(state.stocks, symbol);
    if (typeof stock === 'string') return { error: stock };
    const { ask, bid, last, close } = stock;
    const changePercent = rounded((100 * (last - close)) / close, 2);
    return { value: { ask, bid, last, changePercent } };
  },
});

const screenStocks = defineTool({
  name: 'screen_stocks',
  description: 'Lists the stocks that meet all conditions, cheapest first, in pages.',
  input: z.strictObject({
    conditions: z
      .strictObject({
        sector: z.enum(SECTORS),
        maxPrice: z.number().min(0).describe('of the last trade'),
        watched: z.boolean().describe('on the watchlist or not'),
      })
      .partial(),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(z.strictObject({ symbol: z.string(), company: z.string(), last: z.number() })),
  kind: 'reads',
  run(state: TradingState, { conditions: { sector, maxPrice, watched }, page }) {
    const rows = state.stocks
      .filter(
        (stock) =>
          (sector === undefined || stock.sector === sector) &&
          (maxPrice === undefined || stock.last <= maxPrice) &&
          (watched === undefined || stock.watched === watched),
      )
      .sort((a, b) => a.last - b.last)
      .map(({ id, company, last }) => ({ symbol: id, company, last }));
    return pageOf(rows, page);
  },
});

const orderRow = z.strictObject({
  orderId: z.string(),
  symbol: z.string(),
  side: z.enum(SIDES),
  shares: z.int(),
  limit: z.number().nullable(),
  price: z.number().nullable(),
  status: z.enum(STATUSES),
});

const rowOf = ({ id, ...order }: Order) => ({ orderId: id, ...order });

const placeOrder = defineTool({
  name: 'place_order',
  description:
    'Orders shares at the market or with a limit. What the market can meet is filled at once, a limit beyond it stays open. Fails when cash or free shares are short.',
  input: z.strictObject({
    symbol: symbolSchema,
    order: z.strictObject({
      side: z.enum(SIDES),
      shares: z.int().min(1).max(1_000_000),
      limit: amountSchema.optional().describe('worst price per share; without it, at the market'),
    }),
  }),
  output: orderRow,
  kind: 'adds',
  run(state: TradingState, { symbol, order: { side, shares, limit } }) {
    const stock = byId(state.stocks, symbol);
    if (typeof stock === 'string') return { error: stock };
    const market = side === 'buy' ? stock.ask : stock.bid;
    const met = limit === undefined || (side === 'buy' ? limit >= market : limit <= market);
    const lack =
      side === 'buy'
        ? lackOfCash(state, shares * (met ? market : (limit ?? market)))
        : lackOfShares(state, stock.id, shares);
    if (lack !== null) return { error: lack };
    const order: Order = {
      id: nextId('OD', state.orders),
      symbol: stock.id,
      side,
      shares,
      limit: limit ?? null,
      price: met ? market : null,
      status: met ? 'filled' : 'open',
    };
    const placed = { ...state, orders: [...state.orders, order] };
    return { value: rowOf(order), state: met ? settled(placed, order, market) : placed };
  },
});

const cancelOrder = defineTool({
  name: 'cancel_order',
  description: 'Cancels an open order. Fails when it was filled.',
  input: z.strictObject({ orderId: z.string().describe('order id, such as OD-57') }),
  output: z.strictObject({ orderId: z.string(), status: z.enum(STATUSES) }),
  kind: 'sets',
  run(state: TradingState, { orderId }) {
    const order = byId(state.orders, orderId);
    if (typeof order === 'string') return { error: order };
    if (order.status === 'filled') return { error: `${order.id} is filled, need an open order` };
    const status = 'cancelled' as const;
    const orders = changed(state.orders, order.id, { status });
    return { value: { orderId: order.id, status }, state: { ...state, orders } };
  },
});

const listOrders = defineTool({
  name: 'list_orders',
  description: 'Lists orders, of one stock or of all, with one status or with any.',
  input: z.strictObject({
    symbol: symbolSchema.optional(),
    status: z.enum(STATUSES).optional(),
  }),
  output: z.strictObject({ orders: z.array(orderRow), count: z.int() }),
  kind: 'reads',
  run(state: TradingState, { symbol, status }) {
    const wanted = symbol?.trim().toUpperCase();
    const orders = state.orders.filter(
      (order) =>
        (wanted === undefined || order.symbol === wanted) &&
        (status === undefined || order.status === status),
    );
    return { value: { orders: orders.map(rowOf), count: orders.length } };
  },
});

const getPosition = defineTool({
  name: 'get_position',
  description:
    'Reads how many shares of a stock are held, what they are worth at the bid, and the gain over what was paid. Fails when none are held.',
  input: z.strictObject({ symbol: symbolSchema }),
  output: z.strictObject({
    shares: z.int(),
    averageCost: z.number(),
    value: z.number(),
    gain: z.number(),
  }),
  kind: 'reads',
  run(state: TradingState, { symbol }) {
    const stock = byId(state.stocks, symbol);
    if (typeof stock === 'string') return { error: stock };
    const position = state.positions.find(({ id }) => id === stock.id);
    if (position === undefined) return { error: `no shares of ${stock.id} are held` };
    const { shares, cost } = position;
    const value = cents(shares * stock.bid);
    const gain = cents(value - shares * cost);
    return { value: { shares, averageCost: cost, value, gain } };
  },
});

const getPortfolio = defineTool({
  name: 'get_portfolio',
  description:
    'Reads the cash, the cash not set aside for open orders, what all positions are worth at the bid, and the total.',
  input: z.strictObject({}),
  output: z.strictObject({
    cash: z.number(),
    freeCash: z.number(),
    invested: z.number(),
    total: z.number(),
  }),
  kind: 'reads',
  run(state: TradingState) {
    const bids = new Map(state.stocks.map(({ id, bid }) => [id, bid]));
    const invested = cents(
      state.positions.reduce((sum, { id, shares }) => sum + shares * (bids.get(id) ?? 0), 0),
    );
    const { cash } = state;
    return { value: { cash, freeCash: freeCash(state), invested, total: cents(cash + invested) } };
  },
});

const updateWatchlist = defineTool({
  name: 'update_watchlist',
  description: 'Puts stocks on the watchlist and takes others off. Gives the whole list.',
  input: z.strictObject({
    add: z.array(symbolSchema).default([]),
    remove: z.array(symbolSchema).default([]),
  }),
  output: z.strictObject({ watchlist: z.array(z.string()) }),
  kind: 'sets',
  run(state: TradingState, { add, remove }) {
    let { stocks } = state;
    const wishes = [
      ...add.map((symbol) => ({ symbol, watched: true })),
      ...remove.map((symbol) => ({ symbol, watched: false })),
    ];
    for (const { symbol, watched } of wishes) {
      const stock = byId(stocks, symbol);
      if (typeof stock === 'string') return { error: stock };
      stocks = changed(stocks, stock.id, { watched });
    }
    const watchlist = stocks.filter(({ watched }) => watched).map(({ id }) => id);
    return { value: { watchlist }, state: { ...state, stocks } };
  },
});

/** Cash that no open order to buy has set aside. */
function freeCash({ cash, orders }: TradingState): number {
  const aside = orders.reduce((sum, { side, status, shares, limit }) => {
    return side === 'buy' && status === 'open' ? sum + shares * (limit ?? 0) : sum;
  }, 0);
  return cents(cash - aside);
}

function lackOfCash(state: TradingState, needed: number): string | null {
  const free = freeCash(state);
  return needed <= free ? null : `shares: they need ${cents(needed)}, ${free} is free`;
}

/** Shares that an open order sells cannot be sold a second time. */
function lackOfShares(state: TradingState, symbol: string, shares: number): string | null {
  const held = state.positions.find(({ id }) => id === symbol)?.shares ?? 0;
  const aside = state.orders.reduce((sum, order) => {
    const counts = order.symbol === symbol && order.side === 'sell' && order.status === 'open';
    return counts ? sum + order.shares : sum;
  }, 0);
  const free = held - aside;
  return shares <= free ? null : `shares: got ${shares}, ${free} of ${symbol} are free to sell`;
}

/** The state after a filled order: cash and position change; an empty position is gone. */
function settled(state: TradingState, order: Order, price: number): TradingState {
  const { symbol, side, shares } = order;
  const held = state.positions.find(({ id }) => id === symbol) ?? {
    id: symbol,
    shares: 0,
    cost: 0,
  };
  const others = state.positions.filter(({ id }) => id !== symbol);
  if (side === 'sell') {
    const rest = { ...held, shares: held.shares - shares };
    const positions = rest.shares > 0 ? [...others, rest] : others;
    return { ...state, positions, cash: cents(state.cash + shares * price) };
  }
  const sum = held.shares + shares;
  const cost = cents((held.shares * held.cost + shares * price) / sum);
  const positions = [...others, { id: symbol, shares: sum, cost }];
  return { ...state, positions, cash: cents(state.cash - shares * price) };
}

/** Stocks with different symbols: two letters of each word of the company's name. */
function drawStocks(rng: Rng, pool: Pool, count: number): Stock[] {
  const stocks = new Map<string, Stock>();
  while (stocks.size < count) {
    const company = pairName(rng, pool, 'company', [FIRST_WORDS, SECOND_WORDS]);
    const id = company
      .split(' ')
      .map((word) => word.slice(0, 2).toUpperCase())
      .join('');
    if (stocks.has(id)) continue;
    const last = rng.int(800, 15_000);
    const spread = rng.int(2, 40);
    stocks.set(id, {
      id,
      company,
      sector: rng.pick(SECTORS),
      bid: cents((last - spread) / 100),
      ask: cents((last + spread) / 100),
      last: cents(last / 100),
      close: cents((last * rng.int(940, 1060)) / 100_000),
      watched: rng.chance(0.4),
    });
  }
  return [...stocks.values()];
}

/** Open orders: the first position is for sale in part, and the last three stocks are wanted. One old order is filled. */
function drawOrders(rng: Rng, stocks: readonly Stock[], held: readonly Position[]): Order[] {
  const position = defined(held[0], 'position');
  const [sold, owned] = [defined(stocks[0], 'stock'), defined(stocks[1], 'stock')];
  const open = { price: null, status: 'open' } as const;
  const orders: Omit<Order, 'id'>[] = [
    {
      symbol: sold.id,
      side: 'sell',
      shares: rng.int(1, position.shares - 1),
      limit: cents(sold.ask * 1.08),
      ...open,
    },
    ...stocks.slice(-3).map(
      (stock): Omit<Order, 'id'> => ({
        symbol: stock.id,
        side: 'buy',
        shares: rng.int(2, 12),
        limit: cents(stock.bid * 0.94),
        ...open,
      }),
    ),
    {
      symbol: owned.id,
      side: 'buy',
      shares: rng.int(1, 5),
      limit: null,
      price: owned.close,
      status: 'filled',
    },
  ];
  const ids = drawIds(rng, 'OD', orders.length, 11, 97);
  return orders.map((order, i) => ({ id: defined(ids[i], 'id'), ...order }));
}

/**
 * The trading server. Its state is `{stocks: [{id, company, sector, bid, ask, last, close, watched}],
 * positions: [{id, shares, cost}], orders: [{id, symbol, side, shares, limit, price, status}], cash}`.
 */
export const trading: ServerDef = {
  name: 'trading',
  description: 'A trading desk: quotes, orders, positions and a watchlist of stocks.',
  tools: [
    findSymbol,
    getQuote,
    screenStocks,
    placeOrder,
    cancelOrder,
    listOrders,
    getPosition,
    getPortfolio,
    updateWatchlist,
  ],
  initial(rng, pool): TradingState {
    const stocks = drawStocks(rng, pool, rng.int(11, 13));
    const positions = stocks.slice(0, 5).map(({ id, close }): Position => {
      return { id, shares: rng.int(6, 60), cost: cents((close * rng.int(80, 115)) / 100) };
    });
    const orders = drawOrders(rng, stocks, positions);
    return { stocks, positions, orders, cash: cents(rng.int(1_500_000, 4_000_000) / 100) };
  },
};
