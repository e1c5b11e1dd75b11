// Requests to the trading desk. Knows nothing of how parts are combined.
import { type Draft, type Family, stateIs } from '../draft.ts';
import { asking, askingAndChanging, changing, numberOf, textOf } from '../parts.ts';
import { SECTORS, type TradingState } from '../servers/trading.ts';

const desk = (draft: Draft) => draft.state<TradingState>('trading');
const isHeld = (draft: Draft, symbol: string) =>
  desk(draft).positions.some(({ id }) => id === symbol);
/** Shares of such a stock are neither wanted nor for sale, so that its orders are those of one part. */
const isIdle = (draft: Draft, symbol: string) =>
  !desk(draft).orders.some((order) => order.symbol === symbol && order.status === 'open');
const takeIdle = (draft: Draft) =>
  draft.take(desk(draft).stocks.filter(({ id }) => isIdle(draft, id)));

const watches = (symbol: string, watched: boolean) =>
  stateIs('trading', ['stocks', { id: symbol }, 'watched'], watched);

export const TRADING_REQUESTS: readonly Family[] = [
  {
    name: 'trading_ask_price',
    tools: ['trading:find_symbol', 'trading:get_quote'],
    byName: true,
    gives: 'amount',
    phrasings: {
      train: [
        'What do sellers ask for a share of {company}[| now| at the moment]?',
        '[Tell me|Look up|Find out|Give me] the ask price of {company}.',
        'At what price [can I|could I] buy [a|one] share of {company} right now?',
      ],
      heldOut: [
        'I am thinking of buying a share of {company}; what is asked for it?',
        'State the price that one share of {company} costs a buyer.',
      ],
    },
    draw(draft) {
      const { company } = draft.take(desk(draft).stocks);
      const spelled = draft.spelled(company);
      const found = draft.find('trading:find_symbol', 'company', spelled, company);
      const quote = draft.call('trading:get_quote', { symbol: textOf(found, 'symbol') });
      const ask = numberOf(quote, 'ask');
      return {
        ...asking({ company: `'${spelled}'` }, [ask], `the ask price of '${company}'`),
        gives: ask,
      };
    },
  },
  {
    name: 'trading_portfolio',
    tools: ['trading:get_portfolio'],
    byName: false,
    phrasings: {
      train: [
        'What is my portfolio worth in total, and how much of my cash is free?',
        '[Give|Tell|Show] me the total value of my portfolio and my free cash.',
        '[Look up|Find out] how much my portfolio comes to, cash included, and how much cash is free.',
      ],
      heldOut: [
        'I want to see what I own on the trading desk: the total, and the cash that no order ties up.',
        'Cash and shares together, what do I have, and what cash could I spend?',
      ],
    },
    draw(draft) {
      const portfolio = draft.call('trading:get_portfolio', {});
      const asked = [numberOf(portfolio, 'total'), numberOf(portfolio, 'freeCash')];
      return asking({}, asked, 'total and free cash of the portfolio');
    },
  },
  {
    name: 'trading_buy',
    tools: ['trading:find_symbol', 'trading:place_order'],
    byName: true,
    takes: 'number',
    phrasings: {
      train: [
        '[Place|Enter] a market order to buy {company}; the number of shares is {count}.',
        'Buy shares of {company} at the market, {count} in [all|total].',
        'At the market price, buy {company} shares: {count} in [all|total].',
      ],
      heldOut: [
        'I want shares of {company} at the market price, {count} altogether.',
        'Get me {company} stock at the market; as for how many shares, take {count}.',
      ],
    },
    draw(draft) {
      const { value: shares, shown } = draft.given('number', () => draft.rng.int(2, 40));
      const { id, company } = takeIdle(draft);
      const spelled = draft.spelled(company);
      const found = draft.find('trading:find_symbol', 'company', spelled, company);
      const symbol = textOf(found, 'symbol');
      draft.call('trading:place_order', { symbol, order: { side: 'buy', shares } });
      const held = desk(draft).positions.find((position) => position.id === id);
      return changing(
        { company: `'${spelled}'`, count: shown },
        `${shares} shares of '${company}' were bought`,
        [stateIs('trading', ['positions', { id }, 'shares'], held?.shares ?? shares)],
      );
    },
  },
  {
    name: 'trading_limit_buy',
    tools: ['trading:place_order'],
    byName: false,
    takes: 'amount',
    phrasings: {
      train: [
        '[Place|Enter|Put in] a limit order to buy {count} shares of {symbol} at {limit}[| each| per share].',
        'Buy {count} shares of {symbol} with a limit of {limit}[| per share].',
        'Order {count} shares of {symbol} with {limit} as the limit.',
      ],
      heldOut: [
        'I want {count} shares of {symbol}, but only if one costs {limit} or less, so use a limit order.',
        'Offer {limit} a share for {count} shares of {symbol} in a limit order.',
      ],
    },
    draw(draft) {
      const { id, bid } = takeIdle(draft);
      const shares = draft.rng.int(2, 30);
      const { value: limit, shown } = draft.given(
        'amount',
        () => Math.round(bid * draft.rng.int(85, 99)) / 100,
      );
      const order = { side: 'buy', shares, limit };
      const placed = draft.call('trading:place_order', { symbol: id, order });
      draft.claim(textOf(placed, 'orderId'));
      const path = ['orders', { symbol: id, side: 'buy', limit }];
      return changing(
        { count: String(shares), symbol: id, limit: shown },
        `there is an order to buy ${shares} shares of ${id} at ${limit}`,
        [
          stateIs('trading', [...path, 'shares'], shares),
          stateIs('trading', [...path, 'status'], textOf(placed, 'status')),
        ],
      );
    },
  },
  {
    name: 'trading_cancel',
    tools: ['trading:list_orders', 'trading:cancel_order'],
    byName: false,
    phrasings: {
      train: [
        '[Cancel|Withdraw|Take back] my open order [for|on] {symbol}.',
        'My order [for|on] {symbol} is still open[; cancel it|; please cancel it].',
        'I no longer want the open {symbol} order to be filled[|, so cancel it].',
      ],
      heldOut: [
        'Whatever I have open in {symbol} must not go through.',
        'See to it that the pending order for {symbol} is called off.',
      ],
    },
    draw(draft) {
      const open = desk(draft).orders.filter(
        (order) => order.status === 'open' && !draft.isUsed(order.symbol),
      );
      const { id, symbol } = draft.take(open);
      draft.claim(symbol);
      draft.call('trading:list_orders', { symbol, status: 'open' });
      draft.call('trading:cancel_order', { orderId: id });
      return changing({ symbol }, `the order for ${symbol} is cancelled`, [
        stateIs('trading', ['orders', { id }, 'status'], 'cancelled'),
      ]);
    },
  },
  {
    name: 'trading_position',
    tools: ['trading:get_position'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many shares of {symbol} do I [have|own|hold], and what are they worth?',
        '[Tell me|Look up] the number of {symbol} shares that I hold and their value.',
        '[Give|Show] me my position in {symbol}: number of shares and value.',
      ],
      heldOut: [
        'My {symbol} shares: how many are there, and how much are they worth together?',
        'State how many {symbol} shares are mine and what I would get for all of them.',
      ],
    },
    draw(draft) {
      const { id } = draft.take(desk(draft).positions);
      const position = draft.call('trading:get_position', { symbol: id });
      const shares = numberOf(position, 'shares');
      const asked = [shares, numberOf(position, 'value')];
      return { ...asking({ symbol: id }, asked, `shares and value of ${id}`), gives: shares };
    },
  },
  {
    name: 'trading_sell_all',
    tools: ['trading:find_symbol', 'trading:get_position', 'trading:place_order'],
    byName: true,
    gives: 'amount',
    phrasings: {
      train: [
        'Sell all my shares of {company} at the market and [tell|give] me the price per share.',
        '[Close|Sell] my whole position in {company} at the market; what price did a share bring?',
        'I want to be rid of all my {company} shares: sell them at the market and [report|name] the price of one.',
      ],
      heldOut: [
        'Turn everything that I hold of {company} into cash at the market price, and say at what price per share it went.',
        'I want no {company} shares left: sell them at the market, then state the price of each.',
      ],
    },
    draw(draft) {
      const free = desk(draft).stocks.filter(({ id }) => isHeld(draft, id) && isIdle(draft, id));
      const { id, company } = draft.take(free);
      const spelled = draft.spelled(company);
      const found = draft.find('trading:find_symbol', 'company', spelled, company);
      const symbol = textOf(found, 'symbol');
      const shares = numberOf(draft.call('trading:get_position', { symbol }), 'shares');
      const order = { side: 'sell', shares };
      const price = numberOf(draft.call('trading:place_order', { symbol, order }), 'price');
      const slots = { company: `'${spelled}'` };
      return {
        ...askingAndChanging(slots, [price], `the price of the sold '${company}'`, [
          stateIs('trading', ['positions', { id }], null),
        ]),
        gives: price,
      };
    },
  },
  {
    name: 'trading_screen',
    tools: ['trading:screen_stocks'],
    byName: false,
    takes: 'amount',
    gives: 'number',
    phrasings: {
      train: [
        'How many {sector} stocks cost at most {price}?',
        '[Count|Give me the number of] the {sector} stocks whose last price is at most {price}.',
        'In the {sector} sector, how many stocks [trade at|cost] no more than {price}?',
        'Of the stocks in the {sector} sector, how many cost no more than {price}?',
      ],
      heldOut: [
        'I am looking for {sector} stocks and will pay no more than {price}; how many are there?',
        'State the number of {sector} stocks that do not cost more than {price}.',
      ],
    },
    draw(draft) {
      const sector = draft.rng.pick(SECTORS);
      const { value: maxPrice, shown } = draft.given('amount', () => draft.rng.int(20, 140));
      const found = draft.call('trading:screen_stocks', { conditions: { sector, maxPrice } });
      const total = numberOf(found, 'total');
      const what = `how many ${sector} stocks cost at most ${maxPrice}`;
      return { ...asking({ sector, price: shown }, [total], what), gives: total };
    },
  },
  {
    name: 'trading_watch',
    tools: ['trading:update_watchlist'],
    byName: false,
    phrasings: {
      train: [
        '[Put|Place] {added} on [my|the] watchlist and take {removed} off it.',
        'On my watchlist, [replace {removed} with|swap {removed} for] {added}.',
        'Watch {added} from now on, and no longer watch {removed}.',
      ],
      heldOut: [
        'My watchlist should have {added} on it, but {removed} no more.',
        'I have lost interest in {removed} and want to follow {added}; change my watchlist.',
      ],
    },
    draw(draft) {
      const { stocks } = desk(draft);
      const added = draft.take(stocks.filter(({ watched }) => !watched)).id;
      const removed = draft.take(stocks.filter(({ watched }) => watched)).id;
      draft.call('trading:update_watchlist', { add: [added], remove: [removed] });
      return changing({ added, removed }, `${added} is on the watchlist, and ${removed} is not`, [
        watches(added, true),
        watches(removed, false),
      ]);
    },
  },
];
