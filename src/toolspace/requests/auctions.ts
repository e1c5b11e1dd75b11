// Requests to the auction house. Knows nothing of how parts are combined.
import { defined } from '../../base/assert.ts';
import { type Draft, type Family, stateIs } from '../draft.ts';
import { asking, askingAndChanging, changing, numberOf, textOf } from '../parts.ts';
import {
  type AuctionsState,
  CATEGORIES,
  isOpen,
  type Lot,
  minimumBid,
  priceOf,
  RATINGS,
} from '../servers/auctions.ts';

const lots = (draft: Draft) => draft.state<AuctionsState>('auctions').lots;
const openLots = (draft: Draft) => lots(draft).filter((lot) => isOpen(lot, draft.clock));
const topBidIs = ({ id, bids }: Lot, bidder: string, amount: number) => [
  stateIs('auctions', ['lots', { id }, 'bids', bids.length, 'bidder'], bidder),
  stateIs('auctions', ['lots', { id }, 'bids', bids.length, 'amount'], amount),
];

/** The cheapest open lot of a category; undefined when there is none, or two cost the same. */
function cheapestOf(draft: Draft, category: Lot['category']): Lot | undefined {
  const [first, second] = openLots(draft)
    .filter((lot) => lot.category === category)
    .sort((a, b) => priceOf(a) - priceOf(b));
  if (first === undefined || second === undefined) return first;
  return priceOf(first) < priceOf(second) ? first : undefined;
}

export const AUCTIONS_REQUESTS: readonly Family[] = [
  {
    name: 'auctions_price',
    tools: ['auctions:find_lot', 'auctions:get_lot'],
    byName: true,
    gives: 'amount',
    phrasings: {
      train: [
        'What is the price of the lot {title} now, and how many bids [are there|has it had]?',
        '[Look up|Check] the lot {title} and [tell|give] me its price and its number of bids.',
        'At what price does [|the lot ]{title} stand, and after how many bids?',
      ],
      heldOut: [
        'How far has the bidding for {title} gone: the price and the count of bids?',
        'I am keeping an eye on {title}; state what it costs now and how many times people have bid on it.',
      ],
    },
    draw(draft) {
      const { title } = draft.take(lots(draft));
      const spelled = draft.spelled(title);
      const { lot_id } = draft.find('auctions:find_lot', 'title', spelled, title);
      const lot = draft.call('auctions:get_lot', { lot_id: lot_id ?? '' });
      const price = numberOf(lot, 'price');
      const asked = [price, numberOf(lot, 'bids')];
      const slots = { title: `'${spelled}'` };
      return { ...asking(slots, asked, `price and bids of '${title}'`), gives: price };
    },
  },
  {
    name: 'auctions_least_bid',
    tools: ['auctions:find_lot', 'auctions:get_lot', 'auctions:place_bid'],
    byName: true,
    takes: 'person',
    gives: 'amount',
    phrasings: {
      train: [
        '[Bid|Offer] the least that is allowed on {title} for {who} and [tell|give] me the amount.',
        'For {who}, place the lowest possible bid on the lot {title}; how much is it?',
        'Make the minimum bid on [|the lot ]{title} in the name of {who} and [name|report] the amount.',
      ],
      heldOut: [
        'I want {title} to have a bid by {who} that is as low as the rules permit. How much is that?',
        'Let the next bid on {title} be by {who} and not a cent above the minimum, then state it.',
      ],
    },
    draw(draft) {
      const lot = draft.take(openLots(draft));
      const { value: bidder, shown } = draft.given('person', () => draft.person());
      const spelled = draft.spelled(lot.title);
      const found = draft.find('auctions:find_lot', 'title', spelled, lot.title);
      const lot_id = textOf(found, 'lot_id');
      const amount = numberOf(draft.call('auctions:get_lot', { lot_id }), 'minimum_bid');
      draft.call('auctions:place_bid', { lot_id, bidder, amount });
      const slots = { title: `'${spelled}'`, who: shown };
      return {
        ...askingAndChanging(
          slots,
          [amount],
          `the bid of ${bidder} on '${lot.title}'`,
          topBidIs(lot, bidder, amount),
        ),
        gives: amount,
      };
    },
  },
  {
    name: 'auctions_bid',
    tools: ['auctions:place_bid'],
    byName: false,
    takes: 'amount',
    phrasings: {
      train: [
        '[Bid|Offer] {amount} on [|the ]lot {id} for {who}.',
        '[Place|Make|Enter] a bid of {amount} on {id} in the name of {who}.',
        'For {who}, bid {amount} on [|the ]lot {id}.',
      ],
      heldOut: [
        'Lot {id} is worth {amount} to {who}, so make that bid.',
        'Raise the bidding on {id} to {amount} in the name of {who}.',
      ],
    },
    draw(draft) {
      const open = openLots(draft);
      const { value: amount, shown } = draft.given('amount', () =>
        Math.ceil(minimumBid(draft.rng.pick(open)) + draft.rng.int(1, 30)),
      );
      const lot = draft.take(open.filter((each) => minimumBid(each) <= amount));
      const bidder = draft.person();
      draft.call('auctions:place_bid', { lot_id: lot.id, bidder, amount });
      return changing(
        { amount: shown, id: lot.id, who: `'${bidder}'` },
        `${bidder} has bid ${amount} on ${lot.id}`,
        topBidIs(lot, bidder, amount),
      );
    },
  },
  {
    name: 'auctions_closes',
    tools: ['auctions:get_lot'],
    byName: false,
    gives: 'date',
    phrasings: {
      train: [
        'On what [day|date] and at what time [does|will] [|the ]lot {id} close?',
        '[Tell me|Find out|Look up] when [|the ]lot {id} closes, day and time.',
        'When does the bidding on {id} end? [Give|Tell] me the date and the time.',
      ],
      heldOut: [
        'Until which day and which time of day may I bid on {id}?',
        'State the closing date and the closing time of {id}.',
      ],
    },
    draw(draft) {
      const { id } = draft.take(openLots(draft));
      const lot = draft.call('auctions:get_lot', { lot_id: id });
      const date = textOf(lot, 'closes_on');
      const asked = [date, textOf(lot, 'closes_at')];
      return { ...asking({ id }, asked, `when ${id} closes`), gives: date };
    },
  },
  {
    name: 'auctions_leader',
    tools: ['auctions:list_bids'],
    byName: false,
    gives: 'person',
    phrasings: {
      train: [
        'Who has [made|placed] the highest bid on [|the ]lot {id}, and how much is it?',
        '[Tell me|Find out|Look up] who leads the bidding on [|the ]lot {id} and with what amount.',
        '[Give|Name] me the top bidder of {id} and the amount of that bid.',
      ],
      heldOut: [
        'Whose bid is the best on {id} so far, and what is the sum?',
        'If {id} were closed now, who would get it, and for how much?',
      ],
    },
    draw(draft) {
      const lot = draft.take(openLots(draft).filter(({ bids }) => bids.length > 0));
      const { bidder } = defined(lot.bids.at(-1), 'bid');
      draft.call('auctions:list_bids', { lot_id: lot.id });
      const asked = [bidder, priceOf(lot)];
      return { ...asking({ id: lot.id }, asked, `the highest bid on ${lot.id}`), gives: bidder };
    },
  },
  {
    name: 'auctions_seller',
    tools: ['auctions:find_lot', 'auctions:get_seller'],
    byName: true,
    gives: 'person',
    phrasings: {
      train: [
        'Who sells [|the lot ]{title}, and what percentage of the ratings of [that seller|the seller] is positive?',
        '[Name|Find] the seller of [|the lot ]{title} and [tell|give] me the percentage of positive ratings.',
        '[Look up|Check] who sells {title} and what percentage of the seller ratings is positive.',
      ],
      heldOut: [
        'Can I trust whoever offers {title}? I need the name and the positive percentage.',
        'State the seller behind {title}, together with the share of positive ratings in percent.',
      ],
    },
    draw(draft) {
      const { title } = draft.take(lots(draft));
      const spelled = draft.spelled(title);
      const found = draft.find('auctions:find_lot', 'title', spelled, title);
      const seller = textOf(found, 'seller');
      const ratings = draft.call('auctions:get_seller', { seller });
      const asked = [seller, numberOf(ratings, 'positive_percent')];
      const slots = { title: `'${spelled}'` };
      return { ...asking(slots, asked, `the seller of '${title}'`), gives: seller };
    },
  },
  {
    name: 'auctions_rate',
    tools: ['auctions:find_lot', 'auctions:rate_seller'],
    byName: true,
    phrasings: {
      train: [
        '[Rate|Mark] the seller of [|the lot ]{title} as {rating}.',
        '[Give the seller of {title} a {rating} rating|Leave a {rating} rating for the seller of {title}].',
        'The lot {title} is over, and my rating for the seller is {rating}[|; enter it|, so enter it].',
      ],
      heldOut: [
        'The auction of {title} has ended; note that I judge its seller to be {rating}.',
        'For selling {title}, the seller has earned a {rating} mark from me.',
      ],
    },
    draw(draft) {
      const closed = lots(draft).filter((lot) => !isOpen(lot, draft.clock) && lot.rating === null);
      const { id, title } = draft.take(closed);
      const rating = draft.rng.pick(RATINGS);
      const spelled = draft.spelled(title);
      const { lot_id } = draft.find('auctions:find_lot', 'title', spelled, title);
      draft.call('auctions:rate_seller', { lot_id: lot_id ?? '', rating });
      return changing(
        { title: `'${spelled}'`, rating },
        `the seller of '${title}' has a ${rating} rating for it`,
        [stateIs('auctions', ['lots', { id }, 'rating'], rating)],
      );
    },
  },
  {
    name: 'auctions_closing',
    tools: ['auctions:list_closing'],
    byName: false,
    takes: 'date',
    gives: 'number',
    phrasings: {
      train: [
        'How many lots close [by|on or before] {date}?',
        '[Count|Give me the number of] the open lots that close no later than {date}.',
        'Up to and including {date}, how many lots [will close|are going to close]?',
      ],
      heldOut: [
        'State how many of the open auctions end on {date} at the latest.',
        'I have time for bids until {date}; how many lots end by then?',
      ],
    },
    draw(draft) {
      const { value: until, shown } = draft.given('date', () => draft.laterDate());
      const count = numberOf(draft.call('auctions:list_closing', { until }), 'count');
      return {
        ...asking({ date: shown }, [count], `how many lots close by ${until}`),
        gives: count,
      };
    },
  },
  {
    name: 'auctions_watch_cheapest',
    tools: ['auctions:search_lots', 'auctions:set_watch'],
    byName: false,
    gives: 'text',
    phrasings: {
      train: [
        '[Watch|Put a watch on] the cheapest open lot [of the category|in the category] {category} and [tell|give] me its title.',
        'Which open lot of the category {category} [is the cheapest|costs least]? Watch it and [name|report] its title.',
        'Find the cheapest lot of the category {category} that is still open, [watch it|put a watch on it] and [tell|give] me the title.',
      ],
      heldOut: [
        'Among open lots of {category}, keep a watch on the one with the lowest price, and state what it is called.',
        'I am after a bargain in {category}: let me watch the least expensive lot that is open, and say its title.',
      ],
    },
    draw(draft) {
      const fitting = CATEGORIES.flatMap((each) => cheapestOf(draft, each) ?? []);
      const { id, title, category } = draft.take(fitting.filter(({ watched }) => !watched));
      const filters = { category, open: true };
      draft.call('auctions:search_lots', { filters, sort: 'price' });
      draft.call('auctions:set_watch', { lot_id: id, watched: true });
      return {
        ...askingAndChanging({ category }, [title], `the cheapest lot of ${category}`, [
          stateIs('auctions', ['lots', { id }, 'watched'], true),
        ]),
        gives: title,
      };
    },
  },
];
