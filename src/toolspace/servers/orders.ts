// The built-in web shop: products, the cart and coupons of one customer, orders and returns. Knows nothing of tasks or
// transports.
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
import { daysBetween, distinct, pairName, personName, shiftDate, words } from '../values.ts';
import { cents } from './argument-schemas.ts';

export const CATEGORIES = ['kitchen', 'garden', 'sports', 'toys', 'office'] as const;
export const REASONS = ['damaged', 'faulty', 'late', 'unwanted'] as const;
const STATUSES = ['placed', 'packed', 'shipped', 'delivered', 'cancelled'] as const;
export const TOWNS = words('Ghent Porto Malmo Graz Turin Lyon Bergen Leeds Cork Basel Brno Split');

export type Product = {
  id: string;
  name: string;
  category: (typeof CATEGORIES)[number];
  price: number;
  stock: number;
};
/** `reason` is that of the last return, null when nothing was returned. */
export type OrderLine = {
  product: string;
  quantity: number;
  price: number;
  returned: number;
  reason: (typeof REASONS)[number] | null;
};
/** `expected` is the day of delivery, past or to come. */
export type ShopOrder = {
  id: string;
  recipient: string;
  city: string;
  lines: OrderLine[];
  total: number;
  placed: string;
  expected: string;
  status: (typeof STATUSES)[number];
};
export type Coupon = { id: string; percent: number; minimum: number; expires: string };
/** `coupon` is the id of the coupon that is applied, null without one. */
export type Cart = { lines: { product: string; quantity: number }[]; coupon: string | null };
export type OrdersState = {
  products: Product[];
  cart: Cart;
  coupons: Coupon[];
  orders: ShopOrder[];
};

/** Days to change one's mind: Directive 2011/83/EU, article 9. */
const RETURN_DAYS = 14;
const SHIPPING = 4.9;
const FREE_SHIPPING_FROM = 100;
const UNTOUCHED = { returned: 0, reason: null };
const DELIVERY_DAYS = { standard: 4, express: 1 };

const FIRST_WORDS = words(`
  bamboo canvas ceramic copper cotton crystal enamel folding leather linen magnetic marble nylon
  oak pocket rubber silicone steel velvet wooden
`);
const SECOND_WORDS = words(`
  apron basket blender cushion feeder globe kettle lantern notebook organizer planter puzzle
  racket scale skillet stapler teapot thermos trowel whistle
`);

/** Statuses of the orders of a new world. */
const DRAWN_STATUSES = [
  'delivered',
  'delivered',
  'delivered',
  'shipped',
  'packed',
  'packed',
  'placed',
] as const;

const orderId = z.string().describe('order id, such as OR-5021');
const productId = z.string().describe('product id, such as PR-318');
const productRow = z.strictObject({
  product_id: z.string(),
  name: z.string(),
  price: z.number(),
  stock: z.int(),
});

const rowOf = ({ id, name, price, stock }: Product) => ({ product_id: id, name, price, stock });

const searchProducts = defineTool({
  name: 'search_products',
  description:
    'Searches the products by words of their name and by filters, cheapest first, in pages. Without arguments it lists all.',
  input: z.strictObject({
    query: z.string().default('').describe('words of the name'),
    filters: z
      .strictObject({
        category: z.enum(CATEGORIES),
        max_price: z.number().min(0),
        in_stock: z.boolean(),
      })
      .partial()
      .default({}),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(productRow),
  kind: 'reads',
  run(state: OrdersState, { query, filters: { category, max_price, in_stock }, page }) {
    const wanted = query.trim().toLowerCase();
    const rows = state.products
      .filter(
        (product) =>
          product.name.toLowerCase().includes(wanted) &&
          (category === undefined || product.category === category) &&
          (max_price === undefined || product.price <= max_price) &&
          (in_stock === undefined || product.stock > 0 === in_stock),
      )
      .sort((a, b) => a.price - b.price)
      .map(rowOf);
    return pageOf(rows, page);
  },
});

const findProduct = defineTool({
  name: 'find_product',
  description: 'Finds a product by its exact name: its id, price in euros and stock.',
  input: z.strictObject({ name: z.string() }),
  output: productRow.omit({ name: true }),
  kind: 'reads',
  run(state: OrdersState, args) {
    const product = byName(state.products, args.name, ({ name }) => name);
    if (typeof product === 'string') return { error: product };
    const { id, price, stock } = product;
    return { value: { product_id: id, price, stock } };
  },
});

const addToCart = defineTool({
  name: 'add_to_cart',
  description: 'Puts pieces of a product into the cart. Fails when the stock is too small.',
  input: z.strictObject({ product_id: productId, quantity: z.int().min(1).max(999).default(1) }),
  output: z.strictObject({ product_id: z.string(), quantity: z.int(), subtotal: z.number() }),
  kind: 'adds',
  run(state: OrdersState, args) {
    const product = byId(state.products, args.product_id);
    if (typeof product === 'string') return { error: product };
    const { lines } = state.cart;
    const before = lines.find((line) => line.product === product.id)?.quantity ?? 0;
    const quantity = before + args.quantity;
    if (quantity > product.stock) {
      return { error: `quantity: got ${quantity} in all, ${product.stock} are in stock` };
    }
    const line = { product: product.id, quantity };
    const others = lines.filter((other) => other.product !== product.id);
    const next = { ...state, cart: { ...state.cart, lines: [...others, line] } };
    return {
      value: { product_id: product.id, quantity, subtotal: totals(next).subtotal },
      state: next,
    };
  },
});

const totalsSchema = z.strictObject({
  subtotal: z.number(),
  discount: z.number(),
  shipping: z.number(),
  total: z.number(),
});

const viewCart = defineTool({
  name: 'view_cart',
  description: 'Shows the lines of the cart, its coupon, and what it costs with shipping.',
  input: z.strictObject({}),
  output: totalsSchema.extend({
    lines: z.array(z.strictObject({ product_id: z.string(), name: z.string(), quantity: z.int() })),
    coupon: z.string().nullable(),
  }),
  kind: 'reads',
  run(state: OrdersState) {
    const lines = state.cart.lines.map(({ product, quantity }) => {
      return { product_id: product, name: productOf(state, product).name, quantity };
    });
    return { value: { lines, coupon: state.cart.coupon, ...totals(state) } };
  },
});

const applyCoupon = defineTool({
  name: 'apply_coupon',
  description:
    'Applies a coupon to the cart instead of any other. Fails when it has expired or the cart is below its minimum.',
  input: z.strictObject({ code: z.string().describe('code of a coupon, such as CP-204') }),
  output: z.strictObject({ code: z.string(), percent: z.int(), discount: z.number() }),
  kind: 'sets',
  run(state: OrdersState, { code }, clock) {
    const coupon = byId(state.coupons, code);
    if (typeof coupon === 'string') return { error: coupon };
    const { id, percent, minimum, expires } = coupon;
    if (expires < clock.slice(0, 10)) return { error: `${id} expired on ${expires}` };
    const { subtotal } = totals(state);
    if (subtotal < minimum) {
      return { error: `${id} needs a cart of ${minimum} or more, this one has ${subtotal}` };
    }
    const next = { ...state, cart: { ...state.cart, coupon: id } };
    return { value: { code: id, percent, discount: totals(next).discount }, state: next };
  },
});

const checkout = defineTool({
  name: 'checkout',
  description: 'Orders what is in the cart and empties it. Fails when the cart is empty.',
  input: z.strictObject({
    ship_to: z.strictObject({ recipient: z.string().min(1), city: z.string().min(1) }),
    speed: z.enum(['standard', 'express']).default('standard'),
  }),
  output: z.strictObject({ order_id: z.string(), total: z.number(), expected: z.string() }),
  kind: 'adds',
  run(state: OrdersState, { ship_to, speed }, clock) {
    if (state.cart.lines.length === 0) return { error: 'the cart is empty, use add_to_cart first' };
    const placed = clock.slice(0, 10);
    const order: ShopOrder = {
      id: nextId('OR', state.orders),
      ...ship_to,
      lines: state.cart.lines.map(({ product, quantity }) => {
        return { product, quantity, price: productOf(state, product).price, ...UNTOUCHED };
      }),
      total: totals(state).total,
      placed,
      expected: shiftDate(placed, DELIVERY_DAYS[speed]),
      status: 'placed',
    };
    const products = state.products.map((product) => {
      const sold = order.lines.find((line) => line.product === product.id)?.quantity ?? 0;
      return sold > 0 ? { ...product, stock: product.stock - sold } : product;
    });
    const { id, total, expected } = order;
    const cart = { lines: [], coupon: null };
    return {
      value: { order_id: id, total, expected },
      state: { ...state, products, cart, orders: [...state.orders, order] },
    };
  },
});

const getOrder = defineTool({
  name: 'get_order',
  description: 'Reads an order: its status, its day of delivery, what it cost and its lines.',
  input: z.strictObject({ order_id: orderId }),
  output: z.strictObject({
    status: z.enum(STATUSES),
    placed: z.string(),
    expected: z.string(),
    total: z.number(),
    lines: z.array(
      z.strictObject({
        product_id: z.string(),
        name: z.string(),
        quantity: z.int(),
        price: z.number(),
      }),
    ),
  }),
  kind: 'reads',
  run(state: OrdersState, args) {
    const order = byId(state.orders, args.order_id);
    if (typeof order === 'string') return { error: order };
    const { status, placed, expected, total } = order;
    const lines = order.lines.map(({ product, quantity, price }) => {
      return { product_id: product, name: productOf(state, product).name, quantity, price };
    });
    return { value: { status, placed, expected, total, lines } };
  },
});

const cancelOrder = defineTool({
  name: 'cancel_order',
  description: 'Cancels an order. Fails when it has been shipped or delivered.',
  input: z.strictObject({ order_id: orderId }),
  output: z.strictObject({ order_id: z.string(), status: z.enum(STATUSES) }),
  kind: 'sets',
  run(state: OrdersState, { order_id }) {
    const order = byId(state.orders, order_id);
    if (typeof order === 'string') return { error: order };
    if (order.status === 'shipped' || order.status === 'delivered') {
      return { error: `${order.id} is ${order.status}, need placed or packed` };
    }
    const status = 'cancelled' as const;
    const orders = changed(state.orders, order.id, { status });
    return { value: { order_id: order.id, status }, state: { ...state, orders } };
  },
});

const requestReturn = defineTool({
  name: 'request_return',
  description: `Sends pieces of a delivered order back for a refund. Fails more than ${RETURN_DAYS} days after the delivery.`,
  input: z.strictObject({
    order_id: orderId,
    product_id: productId,
    quantity: z.int().min(1),
    reason: z.enum(REASONS),
  }),
  output: z.strictObject({ order_id: z.string(), returned: z.int(), refund: z.number() }),
  kind: 'adds',
  run(state: OrdersState, { order_id, product_id, quantity, reason }, clock) {
    const order = byId(state.orders, order_id);
    if (typeof order === 'string') return { error: order };
    const product = product_id.trim().toUpperCase();
    const line = order.lines.find((candidate) => candidate.product === product);
    if (line === undefined) return { error: `product_id: '${product_id}' is not in ${order.id}` };
    if (order.status !== 'delivered') return { error: `${order.id} is ${order.status} only` };
    const age = daysBetween(order.expected, clock.slice(0, 10));
    if (age > RETURN_DAYS) return { error: `${order.id} was delivered ${age} days ago` };
    const left = line.quantity - line.returned;
    if (quantity > left) return { error: `quantity: got ${quantity}, ${left} can be returned` };
    const returned = line.returned + quantity;
    const change = { ...line, returned, reason };
    const lines = order.lines.map((other) => (other === line ? change : other));
    const orders = changed(state.orders, order.id, { lines });
    const refund = cents(quantity * line.price);
    return { value: { order_id: order.id, returned, refund }, state: { ...state, orders } };
  },
});

/** A product of the cart or of an order: products are never taken out of the shop. */
function productOf({ products }: OrdersState, id: string): Product {
  return defined(
    products.find((product) => product.id === id),
    `product ${id}`,
  );
}

/** What the cart costs: the coupon takes its share off the lines, and shipping is free from 100 euros on. */
function totals(state: OrdersState) {
  const { lines, coupon } = state.cart;
  const subtotal = cents(
    lines.reduce((sum, line) => sum + line.quantity * productOf(state, line.product).price, 0),
  );
  const percent = state.coupons.find(({ id }) => id === coupon)?.percent ?? 0;
  const discount = cents((subtotal * percent) / 100);
  const paid = cents(subtotal - discount);
  const shipping = paid >= FREE_SHIPPING_FROM || lines.length === 0 ? 0 : SHIPPING;
  return { subtotal, discount, shipping, total: cents(paid + shipping) };
}

function drawOrder(rng: Rng, id: string, people: string[], products: Product[]) {
  const lines = rng.sample(products, rng.int(1, 3)).map((product): OrderLine => {
    return { product: product.id, quantity: rng.int(1, 4), price: product.price, ...UNTOUCHED };
  });
  const total = cents(lines.reduce((sum, line) => sum + line.quantity * line.price, 0));
  return { id, recipient: rng.pick(people), city: rng.pick(TOWNS), lines, total };
}

/** Orders of every status; the delivered ones came lately enough to be returned. */
function drawOrders(rng: Rng, people: string[], products: Product[], today: string) {
  const ids = drawIds(rng, 'OR', DRAWN_STATUSES.length, 5011, 8987);
  return DRAWN_STATUSES.map((status, i): ShopOrder => {
    const days = status === 'delivered' ? -rng.int(1, RETURN_DAYS - 1) : rng.int(1, 9);
    const expected = shiftDate(today, days);
    const placed = shiftDate(expected < today ? expected : today, -rng.int(2, 6));
    const drawn = drawOrder(rng, defined(ids[i], 'id'), people, products);
    return { ...drawn, placed, expected, status };
  });
}

/**
 * The orders server. Its state is `{products: [{id, name, category, price, stock}],
 * cart: {lines: [{product, quantity}], coupon}, coupons: [{id, percent, minimum, expires}],
 * orders: [{id, recipient, city, lines: [{product, quantity, price, returned, reason}], total, placed, expected, status}]}`.
 */
export const orders: ServerDef = {
  name: 'orders',
  description: 'A web shop: products, the cart, coupons, orders and returns.',
  tools: [
    searchProducts,
    findProduct,
    addToCart,
    viewCart,
    applyCoupon,
    checkout,
    getOrder,
    cancelOrder,
    requestReturn,
  ],
  initial(rng, pool, clock): OrdersState {
    const count = rng.int(8, 10);
    const today = clock.slice(0, 10);
    const names = distinct(count, () =>
      pairName(rng, pool, 'product', [FIRST_WORDS, SECOND_WORDS]),
    );
    const products = drawIds(rng, 'PR', count, 104, 989).map(
      (id, i): Product => ({
        id,
        name: defined(names[i], 'name'),
        category: rng.pick(CATEGORIES),
        price: cents(rng.int(390, 8990) / 100),
        stock: i === 0 ? 0 : rng.int(18, 80),
      }),
    );
    const people = distinct(6, () => personName(rng, pool));
    const coupons = drawIds(rng, 'CP', 4, 104, 989).map((id, i): Coupon => {
      const days = i === 0 ? -rng.int(1, 20) : rng.int(1, 40);
      const percent = rng.pick([5, 10, 15, 20]);
      return { id, percent, minimum: i === 1 ? 500 : 0, expires: shiftDate(today, days) };
    });
    const lines = rng.sample(products.slice(1), 2).map(({ id }) => {
      return { product: id, quantity: rng.int(1, 3) };
    });
    const shopOrders = drawOrders(rng, people, products, today);
    return { products, cart: { lines, coupon: null }, coupons, orders: shopOrders };
  },
};
