// The built-in auction house: lots with bids and closing times, a watch on them, and ratings of sellers. Knows nothing of
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
  pageOf,
  pageSchema,
  type ServerDef,
} from '../server.ts';
import {
  dayTime,
  distinct,
  futureDate,
  pairName,
  personName,
  rounded,
  shiftDate,
  words,
} from '../values.ts';
import { amountSchema, cents, dateSchema } from './argument-schemas.ts';

export const CATEGORIES = ['furniture', 'art', 'jewellery', 'instruments'] as const;
export const RATINGS = ['positive', 'neutral', 'negative'] as const;

export type Bid = { bidder: string; amount: number };
/** `bids` stand oldest first. `rating` is what the seller got for this lot, null until then. */
export type Lot = {
  id: string;
  title: string;
  category: (typeof CATEGORIES)[number];
  seller: string;
  start: number;
  bids: Bid[];
  closesOn: string;
  closesAt: string;
  watched: boolean;
  rating: (typeof RATINGS)[number] | null;
};
export type Seller = { name: string } & Record<(typeof RATINGS)[number], number>;
export type AuctionsState = { lots: Lot[]; sellers: Seller[] };

/** From each price on, the least step to the next bid: eBay, "Automatic bidding", table of bid increments. */
const STEPS = [
  { from: 5000, step: 100 },
  { from: 2500, step: 50 },
  { from: 1000, step: 25 },
  { from: 500, step: 10 },
  { from: 250, step: 5 },
  { from: 100, step: 2.5 },
  { from: 25, step: 1 },
  { from: 5, step: 0.5 },
  { from: 1, step: 0.25 },
  { from: 0, step: 0.05 },
] as const;

const FIRST_WORDS = words(`
  antique baroque carved engraved ebony gilded hammered inlaid lacquered mahogany ornate pewter
  porcelain rococo rosewood rustic sapphire tortoise victorian walnut
`);
const SECOND_WORDS = words(`
  armchair brooch bureau cabinet cello clarinet dresser etching figurine goblet harp locket
  mandolin medallion pendant portrait sideboard tapestry viola violin
`);

const lotId = z.string().describe('lot id, such as LT-417');

const findLot = defineTool({
  name: 'find_lot',
  description: 'Finds a lot by its exact title.',
  input: z.strictObject({ title: z.string() }),
  output: z.strictObject({ lot_id: z.string(), seller: z.string(), open: z.boolean() }),
  kind: 'reads',
  run(state: AuctionsState, { title }, clock) {
    const lot = byName(state.lots, title, (item) => item.title);
    if (typeof lot === 'string') return { error: lot };
    return { value: { lot_id: lot.id, seller: lot.seller, open: isOpen(lot, clock) } };
  },
});

const searchLots = defineTool({
  name: 'search_lots',
  description:
    'Searches lots by words of the title and by filters, in pages and in a wanted order.',
  input: z.strictObject({
    query: z.string().default('').describe('words of the title'),
    filters: z
      .strictObject({
        category: z.enum(CATEGORIES),
        max_price: z.number().min(0),
        open: z.boolean(),
        watched: z.boolean(),
      })
      .partial()
      .default({}),
    sort: z.enum(['closing', 'price']).default('closing').describe('soonest or cheapest first'),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(
    z.strictObject({
      lot_id: z.string(),
      title: z.string(),
      price: z.number(),
      closes_on: z.string(),
    }),
  ),
  kind: 'reads',
  run(state: AuctionsState, { query, filters, sort, page }, clock) {
    const { category, max_price, open, watched } = filters;
    const wanted = query.trim().toLowerCase();
    const rows = byClosing(state.lots)
      .filter(
        (lot) =>
          lot.title.toLowerCase().includes(wanted) &&
          (category === undefined || lot.category === category) &&
          (max_price === undefined || priceOf(lot) <= max_price) &&
          (open === undefined || isOpen(lot, clock) === open) &&
          (watched === undefined || lot.watched === watched),
      )
      .map((lot) => {
        return { lot_id: lot.id, title: lot.title, price: priceOf(lot), closes_on: lot.closesOn };
      });
    return pageOf(sort === 'price' ? rows.sort((a, b) => a.price - b.price) : rows, page);
  },
});

const getLot = defineTool({
  name: 'get_lot',
  description:
    'Reads a lot: its price now, how many bids it has, the least amount of the next bid, and when it closes.',
  input: z.strictObject({ lot_id: lotId }),
  output: z.strictObject({
    title: z.string(),
    category: z.enum(CATEGORIES),
    seller: z.string(),
    price: z.number(),
    bids: z.int(),
    minimum_bid: z.number(),
    closes_on: z.string(),
    closes_at: z.string(),
  }),
  kind: 'reads',
  run(state: AuctionsState, { lot_id }) {
    const lot = byId(state.lots, lot_id);
    if (typeof lot === 'string') return { error: lot };
    const { title, category, seller, closesOn, closesAt } = lot;
    const prices = { price: priceOf(lot), bids: lot.bids.length, minimum_bid: minimumBid(lot) };
    return {
      value: { title, category, seller, ...prices, closes_on: closesOn, closes_at: closesAt },
    };
  },
});

const listBids = defineTool({
  name: 'list_bids',
  description: 'Lists the bids on a lot, the highest first.',
  input: z.strictObject({ lot_id: lotId }),
  output: z.strictObject({
    bids: z.array(z.strictObject({ bidder: z.string(), amount: z.number() })),
  }),
  kind: 'reads',
  run(state: AuctionsState, { lot_id }) {
    const lot = byId(state.lots, lot_id);
    if (typeof lot === 'string') return { error: lot };
    return { value: { bids: [...lot.bids].reverse() } };
  },
});

const placeBid = defineTool({
  name: 'place_bid',
  description:
    'Bids on a lot. Fails when the lot is closed or the amount is below the minimum, which depends on the price.',
  input: z.strictObject({
    lot_id: lotId,
    bidder: z.string().min(1).describe('name of a person'),
    amount: amountSchema.describe('in euros'),
  }),
  output: z.strictObject({ lot_id: z.string(), price: z.number(), minimum_bid: z.number() }),
  kind: 'adds',
  run(state: AuctionsState, { lot_id, bidder, amount }, clock) {
    const lot = byId(state.lots, lot_id);
    if (typeof lot === 'string') return { error: lot };
    if (!isOpen(lot, clock)) return { error: `${lot.id} closed on ${lot.closesOn}` };
    const least = minimumBid(lot);
    if (amount < least) return { error: `amount: got ${amount}, need ${least} or more` };
    const bids = [...lot.bids, { bidder, amount }];
    return {
      value: { lot_id: lot.id, price: amount, minimum_bid: minimumBid({ ...lot, bids }) },
      state: { ...state, lots: changed(state.lots, lot.id, { bids }) },
    };
  },
});

const setWatch = defineTool({
  name: 'set_watch',
  description: 'Puts a lot under watch, or ends the watch.',
  input: z.strictObject({ lot_id: lotId, watched: z.boolean().default(true) }),
  output: z.strictObject({ lot_id: z.string(), watched: z.boolean() }),
  kind: 'sets',
  run(state: AuctionsState, { lot_id, watched }) {
    const lot = byId(state.lots, lot_id);
    if (typeof lot === 'string') return { error: lot };
    const lots = changed(state.lots, lot.id, { watched });
    return { value: { lot_id: lot.id, watched }, state: { ...state, lots } };
  },
});

const listClosing = defineTool({
  name: 'list_closing',
  description: 'Lists the open lots that close on a day or before it, the soonest first.',
  input: z.strictObject({ until: dateSchema }),
  output: z.strictObject({
    lots: z.array(
      z.strictObject({ lot_id: z.string(), closes_on: z.string(), closes_at: z.string() }),
    ),
    count: z.int(),
  }),
  kind: 'reads',
  run(state: AuctionsState, { until }, clock) {
    const lots = byClosing(state.lots)
      .filter((lot) => isOpen(lot, clock) && lot.closesOn <= until)
      .map(({ id, closesOn, closesAt }) => {
        return { lot_id: id, closes_on: closesOn, closes_at: closesAt };
      });
    return { value: { lots, count: lots.length } };
  },
});

const getSeller = defineTool({
  name: 'get_seller',
  description:
    'Reads the ratings of a seller and the percentage of positive ones, in which neutral ones do not count.',
  input: z.strictObject({ seller: z.string() }),
  output: z.strictObject({
    positive: z.int(),
    neutral: z.int(),
    negative: z.int(),
    positive_percent: z.number(),
  }),
  kind: 'reads',
  run(state: AuctionsState, args) {
    const seller = byName(state.sellers, args.seller, ({ name }) => name);
    if (typeof seller === 'string') return { error: seller };
    const { positive, neutral, negative } = seller;
    const counted = Math.max(1, positive + negative);
    const positive_percent = rounded((100 * positive) / counted, 1);
    return { value: { positive, neutral, negative, positive_percent } };
  },
});

const rateSeller = defineTool({
  name: 'rate_seller',
  description: 'Rates the seller of a lot, once and after its closing.',
  input: z.strictObject({ lot_id: lotId, rating: z.enum(RATINGS) }),
  output: z.strictObject({ seller: z.string(), rating: z.enum(RATINGS), count: z.int() }),
  kind: 'adds',
  run(state: AuctionsState, { lot_id, rating }, clock) {
    const lot = byId(state.lots, lot_id);
    if (typeof lot === 'string') return { error: lot };
    if (isOpen(lot, clock)) return { error: `${lot.id} is open until ${lot.closesOn}` };
    if (lot.rating !== null) return { error: `${lot.id} was rated: ${lot.rating}` };
    const seller = defined(
      state.sellers.find(({ name }) => name === lot.seller),
      'seller',
    );
    const count = seller[rating] + 1;
    const rated = { ...seller, [rating]: count };
    const sellers = state.sellers.map((other) => (other === seller ? rated : other));
    const lots = changed(state.lots, lot.id, { rating });
    return { value: { seller: seller.name, rating, count }, state: { lots, sellers } };
  },
});

/** Whether a lot takes bids: it does until the minute in which it closes. */
export function isOpen({ closesOn, closesAt }: Lot, clock: string): boolean {
  return `${closesOn}T${closesAt}` > clock;
}

/** What a lot costs now: its highest bid, or what it starts at. */
export function priceOf({ bids, start }: Lot): number {
  return bids.at(-1)?.amount ?? start;
}

/** The least amount of the next bid. */
export function minimumBid(lot: Lot): number {
  const price = priceOf(lot);
  const { step } = defined(
    STEPS.find(({ from }) => price >= from),
    'step',
  );
  return lot.bids.length === 0 ? price : cents(price + step);
}

function byClosing(lots: readonly Lot[]): Lot[] {
  const moment = ({ closesOn, closesAt }: Lot) => `${closesOn}T${closesAt}`;
  return [...lots].sort((a, b) => (moment(a) < moment(b) ? -1 : moment(a) > moment(b) ? 1 : 0));
}

function withBids(rng: Rng, lot: Lot, people: readonly string[], count: number): Lot {
  if (lot.bids.length >= count) return lot;
  const others = people.filter((name) => name !== lot.bids.at(-1)?.bidder);
  const amount = cents(minimumBid(lot) + rng.pick([0, 0, 1, 5]));
  const bids = [...lot.bids, { bidder: rng.pick(others), amount }];
  return withBids(rng, { ...lot, bids }, people, count);
}

/**
 * The auctions server. Its state is `{lots: [{id, title, category, seller, start, bids: [{bidder, amount}], closesOn,
 * closesAt, watched, rating}], sellers: [{name, positive, neutral, negative}]}`.
 */
export const auctions: ServerDef = {
  name: 'auctions',
  description: 'An auction house: lots, bids, closing times, a watch and ratings of sellers.',
  tools: [
    findLot,
    searchLots,
    getLot,
    listBids,
    placeBid,
    setWatch,
    listClosing,
    getSeller,
    rateSeller,
  ],
  initial(rng, pool, clock): AuctionsState {
    const count = rng.int(11, 13);
    const titles = distinct(count, () => pairName(rng, pool, 'lot', [FIRST_WORDS, SECOND_WORDS]));
    const people = distinct(10, () => personName(rng, pool));
    const [owners, bidders] = [people.slice(0, 4), people.slice(4)];
    const lots = drawIds(rng, 'LT', count, 104, 989).map((id, i): Lot => {
      // The first three are closed already; the next ones have a lot of each category among them.
      const closed = i < 3;
      const lot: Lot = {
        id,
        title: defined(titles[i], 'title'),
        category: CATEGORIES[i - 3] ?? rng.pick(CATEGORIES),
        seller: rng.pick(owners),
        start: rng.int(4, 60) * 5,
        bids: [],
        closesOn: closed ? shiftDate(clock.slice(0, 10), -rng.int(1, 9)) : futureDate(rng, clock),
        closesAt: dayTime(rng),
        watched: i % 4 === 1,
        rating: null,
      };
      return withBids(rng, lot, bidders, closed ? 3 : rng.int(i % 5 === 0 ? 0 : 1, 5));
    });
    const sellers = owners.map((name): Seller => {
      const [positive, neutral] = [rng.int(12, 240), rng.int(0, 9)];
      return { name, positive, neutral, negative: rng.int(0, 11) };
    });
    return { lots, sellers };
  },
};
