// Requests to the web shop. Knows nothing of how parts are combined.
import { defined } from '../../base/assert.ts';
import { type Draft, type Family, stateIs } from '../draft.ts';
import { asking, askingAndChanging, changing, numberOf, textOf } from '../parts.ts';
import { CATEGORIES, type OrdersState, REASONS, TOWNS } from '../servers/orders.ts';

const shop = (draft: Draft) => draft.state<OrdersState>('orders');
const inCart = (draft: Draft, product: string) =>
  shop(draft).cart.lines.find((line) => line.product === product)?.quantity ?? 0;
const takeWithStock = (draft: Draft, quantity: number) =>
  draft.take(shop(draft).products.filter(({ id, stock }) => stock >= quantity + inCart(draft, id)));
/** There is one cart: two parts that change it would undo each other. */
const claimCart = (draft: Draft) => draft.claim('the cart of the shop');

export const ORDERS_REQUESTS: readonly Family[] = [
  {
    name: 'orders_price',
    tools: ['orders:find_product'],
    byName: true,
    gives: 'amount',
    phrasings: {
      train: [
        '[What is the price of|How much is|What does the shop ask for] [|the product ]{product}?',
        '[Look up|Find out|Tell me] what [|the product ]{product} costs[| in the shop].',
      ],
      heldOut: [
        'How many euros do I pay for one {product}?',
        'I may buy a {product}; name its price.',
      ],
    },
    draw(draft) {
      const { name } = draft.take(shop(draft).products);
      const spelled = draft.spelled(name);
      const price = numberOf(draft.find('orders:find_product', 'name', spelled, name), 'price');
      return {
        ...asking({ product: `'${spelled}'` }, [price], `the price of '${name}'`),
        gives: price,
      };
    },
  },
  {
    name: 'orders_offers',
    tools: ['orders:search_products'],
    byName: false,
    takes: 'amount',
    gives: 'number',
    phrasings: {
      train: [
        'How many products of the category {category} are in stock [at a price of|and cost] at most {price}?',
        '[Count|Give me the number of] the products in stock from the category {category} that cost at most {price}.',
        'Of what the shop has in stock in the category {category}, how many products [cost|are priced at] no more than {price}?',
      ],
      heldOut: [
        'I want something of the category {category} that is in stock and not dearer than {price}; how many products fit?',
        'Limit the price to {price} and the category to {category}: how many products in stock are left?',
      ],
    },
    draw(draft) {
      const category = draft.rng.pick(CATEGORIES);
      const { value: max_price, shown } = draft.given('amount', () => draft.rng.int(20, 80));
      const filters = { category, max_price, in_stock: true };
      const total = numberOf(draft.call('orders:search_products', { filters }), 'total');
      const what = `how many ${category} products in stock cost at most ${max_price}`;
      return { ...asking({ category, price: shown }, [total], what), gives: total };
    },
  },
  {
    name: 'orders_dearest',
    tools: ['orders:search_products', 'orders:search_products'],
    byName: false,
    gives: 'text',
    phrasings: {
      train: [
        'Which product [of|in] the shop is the [dearest|most expensive], and what does it cost?',
        'Name the most expensive product [of|in] the shop and its price.',
        '[Go through|Look through] all products of the shop and [tell|give] me the dearest one with its price.',
      ],
      heldOut: [
        'What costs more than anything else in the shop, and how much is it?',
        'Of all that the shop sells, I want name and price of what has the highest price.',
      ],
    },
    draw(draft) {
      const page = draft.call('orders:search_products', {});
      draft.call('orders:search_products', { page: page['nextPage'] ?? 2 });
      const ranked = [...shop(draft).products].sort((a, b) => a.price - b.price);
      const { name, price } = defined(ranked.at(-1), 'product');
      return { ...asking({}, [name, price], 'the dearest product and its price'), gives: name };
    },
  },
  {
    name: 'orders_cart_add',
    tools: ['orders:find_product', 'orders:add_to_cart'],
    byName: true,
    takes: 'number',
    phrasings: {
      train: [
        '[Put|Place] the product {product} in[|to] my cart, quantity {count}.',
        '[Put|Place] {product} [in|into] the cart with {count} as the quantity.',
        'My cart needs [|the product ]{product}: add it with a quantity of {count}.',
      ],
      heldOut: [
        'I am about to buy {product}, so add it to the cart; the quantity is {count}.',
        'Let the cart have {product}, with {count} as the number of pieces to add.',
      ],
    },
    draw(draft) {
      claimCart(draft);
      const { value: quantity, shown } = draft.given('number', () => draft.rng.int(2, 15));
      const { name } = takeWithStock(draft, quantity);
      const spelled = draft.spelled(name);
      const found = draft.find('orders:find_product', 'name', spelled, name);
      const product_id = textOf(found, 'product_id');
      const line = draft.call('orders:add_to_cart', { product_id, quantity });
      return changing(
        { product: `'${spelled}'`, count: shown },
        `${quantity} of '${name}' were put into the cart`,
        [
          stateIs(
            'orders',
            ['cart', 'lines', { product: product_id }, 'quantity'],
            numberOf(line, 'quantity'),
          ),
        ],
      );
    },
  },
  {
    name: 'orders_coupon',
    tools: ['orders:apply_coupon', 'orders:view_cart'],
    byName: false,
    gives: 'amount',
    phrasings: {
      train: [
        '[Apply the coupon {code} to|Use the coupon {code} on|Redeem the coupon {code} for] my cart and [tell|give] me the new total.',
        'What does my cart cost in total with [|the ]coupon {code}? [Apply it and tell me.|Please apply it.]',
        'I have the coupon {code}: apply it to the cart and [report|name] the total with shipping.',
      ],
      heldOut: [
        'Let the cart profit from {code} and state the total that I then have to pay.',
        'Let the coupon {code} lower what I pay for the cart, and let me know the total that is left.',
      ],
    },
    draw(draft) {
      claimCart(draft);
      const today = draft.clock.slice(0, 10);
      const { id } = draft.take(
        shop(draft).coupons.filter(({ expires, minimum }) => expires >= today && minimum === 0),
      );
      draft.call('orders:apply_coupon', { code: id });
      const total = numberOf(draft.call('orders:view_cart', {}), 'total');
      return {
        ...askingAndChanging({ code: id }, [total], `the total of the cart with ${id}`, [
          stateIs('orders', ['cart', 'coupon'], id),
        ]),
        gives: total,
      };
    },
  },
  {
    name: 'orders_checkout',
    tools: ['orders:find_product', 'orders:add_to_cart', 'orders:checkout'],
    byName: true,
    takes: 'city',
    phrasings: {
      train: [
        'Add {count} [|pieces ]of {product} to my cart, then order what is in it for {who} in {city} and [tell|give] me the total.',
        'Put {count} [|pieces ]of {product} [in|into] the cart and check out, [shipping|sending] everything to {who} in {city}; what is the total?',
        'My cart also needs {count} of {product}. Then order it all, with {who} in {city} as the address, and [name|report] the total.',
      ],
      heldOut: [
        'Once {count} of {product} are in the cart too, buy it all; {who} in {city} gets the goods. What did it come to?',
        'Complete the cart with {count} of {product} and have the order go to {who} in {city}, then say what the order costs.',
      ],
    },
    draw(draft) {
      claimCart(draft);
      const quantity = draft.rng.int(2, 9);
      const { name } = takeWithStock(draft, quantity);
      // The stock of what is in the cart already shrinks as well.
      for (const { product } of shop(draft).cart.lines) {
        if (!draft.isUsed(product)) draft.claim(product);
      }
      const recipient = draft.person();
      const { value: city, shown } = draft.given('city', () => draft.rng.pick(TOWNS));
      const spelled = draft.spelled(name);
      const found = draft.find('orders:find_product', 'name', spelled, name);
      const product_id = textOf(found, 'product_id');
      const line = draft.call('orders:add_to_cart', { product_id, quantity });
      const bought = numberOf(line, 'quantity');
      const order = draft.call('orders:checkout', { ship_to: { recipient, city } });
      draft.claim(textOf(order, 'order_id'));
      const total = numberOf(order, 'total');
      const slots = {
        count: String(quantity),
        product: `'${spelled}'`,
        who: `'${recipient}'`,
        city: shown,
      };
      const path = ['orders', { recipient }];
      return askingAndChanging(slots, [total], `what the order for ${recipient} costs`, [
        stateIs('orders', [...path, 'city'], city),
        stateIs('orders', [...path, 'lines', { product: product_id }, 'quantity'], bought),
        stateIs('orders', [...path, 'total'], total),
      ]);
    },
  },
  {
    name: 'orders_status',
    tools: ['orders:get_order'],
    byName: false,
    gives: 'date',
    phrasings: {
      train: [
        'What is the status of [|the ]order {id}, and for what day is its delivery noted?',
        '[Look up|Check|Read] order {id}: its status and its day of delivery.',
        '[Give|Tell] me the status and the delivery date of [|the ]order {id}.',
      ],
      heldOut: [
        'How far has {id} got, and what is its date of delivery?',
        'I ordered something as {id}; state its status and its delivery date.',
      ],
    },
    draw(draft) {
      const { id } = draft.take(shop(draft).orders);
      const order = draft.call('orders:get_order', { order_id: id });
      const expected = textOf(order, 'expected');
      const asked = [textOf(order, 'status'), expected];
      return { ...asking({ id }, asked, `status and delivery of ${id}`), gives: expected };
    },
  },
  {
    name: 'orders_cancel',
    tools: ['orders:cancel_order'],
    byName: false,
    phrasings: {
      train: [
        '[Cancel|Withdraw] [|the |my ][|shop ]order {id}.',
        'I no longer [want|need] what I ordered as {id}[; cancel it|, so cancel it].',
      ],
      heldOut: [
        'Stop {id} before the shop ships it.',
        'The shop must not send me {id}, so call it off.',
      ],
    },
    draw(draft) {
      const early = shop(draft).orders.filter(
        ({ status }) => status === 'placed' || status === 'packed',
      );
      const { id } = draft.take(early);
      draft.call('orders:cancel_order', { order_id: id });
      return changing({ id }, `${id} is cancelled`, [
        stateIs('orders', ['orders', { id }, 'status'], 'cancelled'),
      ]);
    },
  },
  {
    name: 'orders_return',
    tools: ['orders:get_order', 'orders:request_return'],
    byName: false,
    gives: 'amount',
    phrasings: {
      train: [
        '[Return|Send back] all pieces of {product} from order {id} because they are {reason}, and tell me the refund.',
        'Every piece of {product} in [|the ]order {id} must go back, [being|since it is] {reason}; how much is refunded?',
        'Request the return of all {product} pieces of order {id} with the reason given as {reason}, and [name|report] the refund.',
      ],
      heldOut: [
        'I am keeping no {product} from {id}: send back all there is, give {reason} as the reason, and say what money I get.',
        'The {product} in {id} turned out to be {reason}. What is refunded for the whole quantity? Send it back.',
      ],
    },
    draw(draft) {
      const order = draft.take(shop(draft).orders.filter(({ status }) => status === 'delivered'));
      const { product, quantity } = draft.rng.pick(order.lines);
      const { name } = defined(
        shop(draft).products.find(({ id }) => id === product),
        'product',
      );
      const reason = draft.rng.pick(REASONS);
      const { id } = order;
      draft.call('orders:get_order', { order_id: id });
      const sent = { order_id: id, product_id: product, quantity, reason };
      const refund = numberOf(draft.call('orders:request_return', sent), 'refund');
      const path = ['orders', { id }, 'lines', { product }];
      return {
        ...askingAndChanging(
          { product: `'${name}'`, id, reason },
          [refund],
          `the refund for '${name}' of ${id}`,
          [
            stateIs('orders', [...path, 'returned'], quantity),
            stateIs('orders', [...path, 'reason'], reason),
          ],
        ),
        gives: refund,
      };
    },
  },
];
