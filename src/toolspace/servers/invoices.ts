// The built-in invoicing desk: customers, invoices with taxed lines, payments and reminders. Knows nothing of tasks or
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
import { distinct, type Pool, pairName, personName, shiftDate, words } from '../values.ts';
import { amountSchema, cents, dateSchema } from './argument-schemas.ts';

const STATUSES = ['open', 'overdue', 'paid'] as const;

export type Customer = { id: string; name: string; contact: string; termDays: number };
/** `tax` is in percent; `price` is for one unit, without tax. */
export type InvoiceLine = { item: string; quantity: number; price: number; tax: number };
/** `reminders` are the days on which one was sent. */
export type Invoice = {
  id: string;
  customer: string;
  date: string;
  due: string;
  lines: InvoiceLine[];
  payments: { date: string; amount: number }[];
  reminders: string[];
};
export type InvoicesState = { customers: Customer[]; invoices: Invoice[] };

const MOST_REMINDERS = 3;
/** Rates of value added tax, in percent. */
export const TAXES = [0, 7, 19] as const;

const FIRST_WORDS = words(`
  alpine bright cedar coastal crown dawn eagle elm fairway gold harvest ivory jade lakeside maple
  noble pearl ridge silver willow
`);
const SECOND_WORDS = words(`
  bakery brewery clinic dairy florist gallery garage hotel laundry nursery opticians pharmacy
  plumbing printing roofers school stables tailors tours winery
`);
const WORK_WORDS = words(`
  annual basic custom daily express final full initial light monthly onsite partial quick remote
  seasonal special standard weekly yearly urgent
`);
const SERVICE_WORDS = words(`
  audit cleaning consulting delivery design editing hosting inspection installation maintenance
  painting planning rental repair review setup storage support training transport
`);

/** A name of something that is billed. */
export function drawItem(rng: Rng, pool: Pool): string {
  return pairName(rng, pool, 'billed', [WORK_WORDS, SERVICE_WORDS]);
}

const invoiceId = z.string().describe('invoice id, such as INV-2041');
const customerId = z.string().describe('customer id, such as CU-318');
const lineSchema = z.strictObject({
  item: z.string().min(1).max(120),
  quantity: z.int().min(1).max(10_000).default(1),
  price: amountSchema.describe('of one unit in euros, without tax'),
  tax: z.number().min(0).max(30).describe('in percent'),
});
const totalsSchema = z.strictObject({ net: z.number(), tax: z.number(), total: z.number() });

const findCustomer = defineTool({
  name: 'find_customer',
  description: 'Finds a customer by the name of the business, with its contact and payment term.',
  input: z.strictObject({ name: z.string() }),
  output: z.strictObject({ customer_id: z.string(), contact: z.string(), term_days: z.int() }),
  kind: 'reads',
  run(state: InvoicesState, args) {
    const customer = byName(state.customers, args.name, ({ name }) => name);
    if (typeof customer === 'string') return { error: customer };
    const { id, contact, termDays } = customer;
    return { value: { customer_id: id, contact, term_days: termDays } };
  },
});

const createInvoice = defineTool({
  name: 'create_invoice',
  description:
    "Writes an invoice of today. Without a due date, it is due after the customer's payment term.",
  input: z.strictObject({
    customer_id: customerId,
    lines: z.array(lineSchema).min(1).max(20),
    due: dateSchema.optional(),
  }),
  output: totalsSchema.extend({ invoice_id: z.string(), due: z.string() }),
  kind: 'adds',
  run(state: InvoicesState, { customer_id, lines, ...args }, clock) {
    const customer = byId(state.customers, customer_id);
    if (typeof customer === 'string') return { error: customer };
    const date = clock.slice(0, 10);
    const due = args.due ?? shiftDate(date, customer.termDays);
    if (due < date) return { error: `due: got ${due}, need ${date} or later` };
    const id = nextId('INV', state.invoices);
    const record = { payments: [], reminders: [] };
    const invoice: Invoice = { id, customer: customer.id, date, due, lines, ...record };
    return {
      value: { invoice_id: id, due, ...totals(invoice) },
      state: { ...state, invoices: [...state.invoices, invoice] },
    };
  },
});

const getInvoice = defineTool({
  name: 'get_invoice',
  description: 'Reads an invoice: customer, dates, lines, totals with tax, and what is still open.',
  input: z.strictObject({ invoice_id: invoiceId }),
  output: totalsSchema.extend({
    customer: z.string(),
    date: z.string(),
    due: z.string(),
    lines: z.array(lineSchema),
    open: z.number(),
    status: z.enum(STATUSES),
  }),
  kind: 'reads',
  run(state: InvoicesState, { invoice_id }, clock) {
    const invoice = byId(state.invoices, invoice_id);
    if (typeof invoice === 'string') return { error: invoice };
    const { date, due, lines } = invoice;
    const open = openOf(invoice);
    const status = statusOf(invoice, clock);
    const customer = nameOf(state, invoice);
    return { value: { customer, date, due, lines, ...totals(invoice), open, status } };
  },
});

const invoiceRow = z.strictObject({
  invoice_id: z.string(),
  customer: z.string(),
  due: z.string(),
  open: z.number(),
});

const listInvoices = defineTool({
  name: 'list_invoices',
  description: 'Lists invoices, of one customer or of all, by their due dates and in pages.',
  input: z.strictObject({
    customer_id: customerId.optional(),
    status: z.enum(STATUSES).optional(),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(invoiceRow),
  kind: 'reads',
  run(state: InvoicesState, { customer_id, status, page }, clock) {
    const wanted = customer_id?.trim().toUpperCase();
    const rows = byDue(state.invoices)
      .filter(
        (invoice) =>
          (wanted === undefined || invoice.customer === wanted) &&
          (status === undefined || statusOf(invoice, clock) === status),
      )
      .map((invoice) => rowOf(state, invoice));
    return pageOf(rows, page);
  },
});

const listOverdue = defineTool({
  name: 'list_overdue',
  description: 'Lists what is open after its due date, oldest first, with the sum of it all.',
  input: z.strictObject({}),
  output: z.strictObject({ invoices: z.array(invoiceRow), count: z.int(), sum: z.number() }),
  kind: 'reads',
  run(state: InvoicesState, _, clock) {
    const invoices = overdue(state, clock).map((invoice) => rowOf(state, invoice));
    const sum = cents(invoices.reduce((all, { open }) => all + open, 0));
    return { value: { invoices, count: invoices.length, sum } };
  },
});

const addLine = defineTool({
  name: 'add_line',
  description: 'Adds a line to an invoice and gives its new totals. Fails when it is paid.',
  input: z.strictObject({ invoice_id: invoiceId, line: lineSchema }),
  output: totalsSchema.extend({ invoice_id: z.string() }),
  kind: 'adds',
  run(state: InvoicesState, { invoice_id, line }) {
    const invoice = byId(state.invoices, invoice_id);
    if (typeof invoice === 'string') return { error: invoice };
    if (openOf(invoice) === 0) return { error: `${invoice.id} is paid, create a new invoice` };
    const lines = [...invoice.lines, line];
    const invoices = changed(state.invoices, invoice.id, { lines });
    return {
      value: { invoice_id: invoice.id, ...totals({ lines }) },
      state: { ...state, invoices },
    };
  },
});

const recordPayment = defineTool({
  name: 'record_payment',
  description: 'Notes that money came for an invoice. Fails when it is more than what is open.',
  input: z.strictObject({
    invoice_id: invoiceId,
    amount: amountSchema.describe('in euros'),
    date: dateSchema.optional().describe('day of the payment, today if left out'),
  }),
  output: z.strictObject({ invoice_id: z.string(), open: z.number(), status: z.enum(STATUSES) }),
  kind: 'adds',
  run(state: InvoicesState, { invoice_id, amount, date }, clock) {
    const invoice = byId(state.invoices, invoice_id);
    if (typeof invoice === 'string') return { error: invoice };
    const open = openOf(invoice);
    if (amount > open) return { error: `amount: got ${amount}, ${open} is open` };
    const payment = { date: date ?? clock.slice(0, 10), amount };
    const paid = { ...invoice, payments: [...invoice.payments, payment] };
    const invoices = changed(state.invoices, invoice.id, paid);
    return {
      value: { invoice_id: invoice.id, open: openOf(paid), status: statusOf(paid, clock) },
      state: { ...state, invoices },
    };
  },
});

const sendReminder = defineTool({
  name: 'send_reminder',
  description:
    'Reminds the customer of an invoice that is overdue, three times at most. Fails when it is not overdue.',
  input: z.strictObject({ invoice_id: invoiceId }),
  output: z.strictObject({ invoice_id: z.string(), contact: z.string(), level: z.int() }),
  kind: 'adds',
  run(state: InvoicesState, { invoice_id }, clock) {
    const invoice = byId(state.invoices, invoice_id);
    if (typeof invoice === 'string') return { error: invoice };
    const { id } = invoice;
    const status = statusOf(invoice, clock);
    if (status !== 'overdue') return { error: `${id} is ${status}, need an overdue one` };
    if (invoice.reminders.length >= MOST_REMINDERS) return { error: `${id} had all reminders` };
    const reminders = [...invoice.reminders, clock.slice(0, 10)];
    const { contact } = customerOf(state, invoice);
    return {
      value: { invoice_id: id, contact, level: reminders.length },
      state: { ...state, invoices: changed(state.invoices, id, { reminders }) },
    };
  },
});

const setDueDate = defineTool({
  name: 'set_due_date',
  description: 'Gives an invoice another due date, not before its own date.',
  input: z.strictObject({ invoice_id: invoiceId, due: dateSchema }),
  output: z.strictObject({ invoice_id: z.string(), due: z.string() }),
  kind: 'sets',
  run(state: InvoicesState, { invoice_id, due }) {
    const invoice = byId(state.invoices, invoice_id);
    if (typeof invoice === 'string') return { error: invoice };
    if (due < invoice.date) return { error: `due: got ${due}, need ${invoice.date} or later` };
    const invoices = changed(state.invoices, invoice.id, { due });
    return { value: { invoice_id: invoice.id, due }, state: { ...state, invoices } };
  },
});

/** Net, tax and total. Tax is worked out and rounded for each rate, not for each line (EN 16931-1, BR-CO-17). */
function totals({ lines }: Pick<Invoice, 'lines'>) {
  const byRate = new Map<number, number>();
  for (const { quantity, price, tax } of lines) {
    byRate.set(tax, cents((byRate.get(tax) ?? 0) + quantity * price));
  }
  const rates = [...byRate];
  const net = cents(rates.reduce((sum, [, base]) => sum + base, 0));
  const tax = cents(rates.reduce((sum, [rate, base]) => sum + cents((base * rate) / 100), 0));
  return { net, tax, total: cents(net + tax) };
}

/** What is still to be paid of an invoice. */
export function openOf(invoice: Invoice): number {
  const paid = invoice.payments.reduce((sum, { amount }) => sum + amount, 0);
  return cents(totals(invoice).total - paid);
}

function statusOf(invoice: Invoice, clock: string): (typeof STATUSES)[number] {
  if (openOf(invoice) === 0) return 'paid';
  return invoice.due < clock.slice(0, 10) ? 'overdue' : 'open';
}

function byDue(invoices: readonly Invoice[]): Invoice[] {
  return [...invoices].sort((a, b) => (a.due === b.due ? 0 : a.due < b.due ? -1 : 1));
}

/** The invoices that are open after their due dates, oldest first. */
export function overdue({ invoices }: InvoicesState, clock: string): Invoice[] {
  return byDue(invoices).filter((invoice) => statusOf(invoice, clock) === 'overdue');
}

function customerOf({ customers }: InvoicesState, { customer }: Invoice): Customer {
  return defined(
    customers.find(({ id }) => id === customer),
    `customer ${customer}`,
  );
}

const nameOf = (state: InvoicesState, invoice: Invoice) => customerOf(state, invoice).name;

function rowOf(state: InvoicesState, invoice: Invoice) {
  const { id, due } = invoice;
  return { invoice_id: id, customer: nameOf(state, invoice), due, open: openOf(invoice) };
}

function drawLines(rng: Rng, pool: Pool): InvoiceLine[] {
  return Array.from({ length: rng.int(1, 3) }, () => ({
    item: drawItem(rng, pool),
    quantity: rng.int(1, 12),
    price: cents(rng.int(900, 24_000) / 100),
    tax: rng.pick(TAXES),
  }));
}

/** Every third invoice is overdue, every third is open, and the rest are paid. */
function drawInvoice(rng: Rng, pool: Pool, { id, termDays }: Customer, today: string, i: number) {
  const status = defined((['overdue', 'open', 'paid'] as const)[i % 3], 'status');
  // Overdue invoices have different due dates, so that one of them is the oldest.
  const late = i * 4 + rng.int(1, 4);
  const due = shiftDate(today, status === 'open' ? rng.int(0, termDays) : -late);
  const lines = drawLines(rng, pool);
  const { total } = totals({ lines });
  const amount = status === 'paid' ? total : cents((total * rng.pick([0, 0, 25, 40])) / 100);
  const date = shiftDate(due, -termDays);
  const payments = amount > 0 ? [{ date: shiftDate(date, rng.int(0, 5)), amount }] : [];
  const reminders = status === 'overdue' && rng.chance(0.4) ? [shiftDate(due, 1)] : [];
  return { customer: id, date, due, lines, payments, reminders };
}

/**
 * The invoices server. Its state is `{customers: [{id, name, contact, termDays}], invoices: [{id, customer, date, due,
 * lines: [{item, quantity, price, tax}], payments: [{date, amount}], reminders}]}`.
 */
export const invoices: ServerDef = {
  name: 'invoices',
  description: 'An invoicing desk: customers, invoices, tax, payments and reminders.',
  tools: [
    findCustomer,
    createInvoice,
    getInvoice,
    listInvoices,
    listOverdue,
    addLine,
    recordPayment,
    sendReminder,
    setDueDate,
  ],
  initial(rng, pool, clock): InvoicesState {
    const count = rng.int(5, 6);
    const names = distinct(count, () =>
      pairName(rng, pool, 'business', [FIRST_WORDS, SECOND_WORDS]),
    );
    const contacts = distinct(count, () => personName(rng, pool));
    const customers = drawIds(rng, 'CU', count, 104, 989).map((id, i): Customer => {
      const [name, contact] = [defined(names[i], 'name'), defined(contacts[i], 'contact')];
      return { id, name, contact, termDays: rng.pick([14, 21, 30]) };
    });
    const drawn = drawIds(rng, 'INV', rng.int(10, 12), 1011, 8987).map((id, i): Invoice => {
      return { id, ...drawInvoice(rng, pool, rng.pick(customers), clock.slice(0, 10), i) };
    });
    return { customers, invoices: drawn };
  },
};
