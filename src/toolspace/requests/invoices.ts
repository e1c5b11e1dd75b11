// Requests to the invoicing desk. Knows nothing of how parts are combined.
import { defined } from '../../base/assert.ts';
import { type Draft, type Family, Rejected, stateIs } from '../draft.ts';
import { asking, askingAndChanging, changing, numberOf, textOf } from '../parts.ts';
import { drawItem, type InvoicesState, openOf, overdue, TAXES } from '../servers/invoices.ts';

const desk = (draft: Draft) => draft.state<InvoicesState>('invoices');
const takeUnpaid = (draft: Draft, amount: number) =>
  draft.take(desk(draft).invoices.filter((invoice) => openOf(invoice) >= amount));
const drawPrice = (draft: Draft) => draft.rng.int(900, 20_000) / 100;
const freshItem = (draft: Draft) => draft.fresh(drawItem(draft.rng, draft.pool));
const invoiceOf = (draft: Draft, wanted: string) =>
  defined(
    desk(draft).invoices.find(({ id }) => id === wanted),
    wanted,
  );

export const INVOICES_REQUESTS: readonly Family[] = [
  {
    name: 'invoices_total',
    tools: ['invoices:get_invoice'],
    byName: false,
    phrasings: {
      train: [
        'What is the total of [|the ]invoice {id}, and how much of it is tax?',
        '[Look up|Read|Check] invoice {id} and [tell|give] me its total and the tax in it.',
        '[Give|Tell|Send] me the total and the tax of [|the ]invoice {id}.',
      ],
      heldOut: [
        'How much does {id} come to with tax, and what is the tax alone?',
        'I need two figures of {id}: the sum to pay in all and the part that is tax.',
      ],
    },
    draw(draft) {
      const { id } = draft.take(desk(draft).invoices);
      const invoice = draft.call('invoices:get_invoice', { invoice_id: id });
      const asked = [numberOf(invoice, 'total'), numberOf(invoice, 'tax')];
      return asking({ id }, asked, `total and tax of ${id}`);
    },
  },
  {
    name: 'invoices_of_customer',
    tools: ['invoices:find_customer', 'invoices:list_invoices'],
    byName: true,
    gives: 'person',
    phrasings: {
      train: [
        'Who is our contact at {customer}, and how many invoices are there for it?',
        '[Tell|Give] me the contact person of the customer {customer} and the number of its invoices.',
        '[Look up|Find] the customer {customer}: I need its contact and [the number of its invoices|how many invoices it has had].',
      ],
      heldOut: [
        'With whom do we deal at {customer}, and what is the count of its invoices?',
        'I want to call {customer}; state whom to ask for, and how often we have billed it.',
      ],
    },
    draw(draft) {
      const { name } = draft.take(desk(draft).customers);
      const spelled = draft.spelled(name);
      const found = draft.find('invoices:find_customer', 'name', spelled, name);
      const customer_id = textOf(found, 'customer_id');
      const list = draft.call('invoices:list_invoices', { customer_id });
      const contact = textOf(found, 'contact');
      const asked = [contact, numberOf(list, 'total')];
      const slots = { customer: `'${spelled}'` };
      return { ...asking(slots, asked, `contact and invoices of '${name}'`), gives: contact };
    },
  },
  {
    name: 'invoices_payment',
    tools: ['invoices:record_payment'],
    byName: false,
    takes: 'amount',
    phrasings: {
      train: [
        '[Record|Note|Enter] a payment of {amount} for [|the ]invoice {id} and [tell|give] me what is still open.',
        'For invoice {id}, {amount} came in today: [record|note] it and [name|report] the rest that is open.',
        'Book {amount} as paid on {id}; how much is [then|still] open?',
      ],
      heldOut: [
        'The customer has paid {amount} of {id}, so enter that and say how much is missing.',
        'Take note that we got {amount} for {id}, and state what remains to be paid.',
      ],
    },
    draw(draft) {
      const { value: amount, shown } = draft.given('amount', () => draft.rng.int(200, 9000) / 100);
      const { id } = takeUnpaid(draft, amount);
      const paid = draft.call('invoices:record_payment', { invoice_id: id, amount });
      const slots = { amount: shown, id };
      return askingAndChanging(slots, [numberOf(paid, 'open')], `what is open of ${id}`, [
        stateIs('invoices', ['invoices', { id }, 'payments'], invoiceOf(draft, id).payments),
      ]);
    },
  },
  {
    name: 'invoices_settle',
    tools: ['invoices:get_invoice', 'invoices:record_payment'],
    byName: false,
    phrasings: {
      train: [
        'Everything that was open on [|the ]invoice {id} has been paid[| today]; [record|note|enter] it.',
        '[Record|Note|Enter] the payment of everything that is open on [|the ]invoice {id}.',
        'Invoice {id} has been paid [in full|completely] now; record the [rest|open amount] as its payment.',
      ],
      heldOut: [
        'Nothing is left to pay on {id} since today: enter what was missing as paid.',
        'The customer cleared {id}. Find what was open and book it.',
      ],
    },
    draw(draft) {
      const { id } = takeUnpaid(draft, 0.01);
      const amount = numberOf(draft.call('invoices:get_invoice', { invoice_id: id }), 'open');
      draft.call('invoices:record_payment', { invoice_id: id, amount });
      return changing({ id }, `${id} is paid`, [
        stateIs('invoices', ['invoices', { id }, 'payments'], invoiceOf(draft, id).payments),
      ]);
    },
  },
  {
    name: 'invoices_create',
    tools: ['invoices:find_customer', 'invoices:create_invoice'],
    byName: true,
    gives: 'amount',
    phrasings: {
      train: [
        '[Write|Create] an invoice to {customer} with two lines, {first} for {price} euros plus {tax} % tax and {second} for {other} euros plus {rate} % tax, and [tell|give] me the total.',
        '[Bill|Invoice] {customer} for {first} at {price} euros plus {tax} % tax and for {second} at {other} euros plus {rate} % tax, both on one invoice. What is the total?',
        'The customer {customer} gets an invoice over {first}, {price} euros plus {tax} % tax, and {second}, {other} euros plus {rate} % tax; [name|report] its total.',
      ],
      heldOut: [
        'We did {first} ({price} euros plus {tax} % tax) and {second} ({other} euros plus {rate} % tax) for {customer}: put both on a new invoice and say what it comes to.',
        'How much must {customer} pay for {first} and {second}? The prices without tax are {price} and {other} euros, the tax rates {tax} and {rate} %. Create the invoice.',
      ],
    },
    draw(draft) {
      const { id, name } = draft.take(desk(draft).customers);
      const lines = [0, 1].map(() => ({
        item: freshItem(draft),
        price: drawPrice(draft),
        tax: draft.rng.pick(TAXES),
      }));
      const [one, two] = [defined(lines[0], 'line'), defined(lines[1], 'line')];
      const spelled = draft.spelled(name);
      const found = draft.find('invoices:find_customer', 'name', spelled, name);
      const customer_id = textOf(found, 'customer_id');
      const made = draft.call('invoices:create_invoice', { customer_id, lines });
      const total = numberOf(made, 'total');
      const slots = {
        customer: `'${spelled}'`,
        first: `'${one.item}'`,
        price: String(one.price),
        tax: String(one.tax),
        second: `'${two.item}'`,
        other: String(two.price),
        rate: String(two.tax),
      };
      const path = ['invoices', { id: draft.fresh(textOf(made, 'invoice_id')) }];
      const whole = lines.map((line) => ({ ...line, quantity: 1 }));
      return {
        ...askingAndChanging(slots, [total], `the total of the invoice to '${name}'`, [
          stateIs('invoices', [...path, 'customer'], id),
          stateIs('invoices', [...path, 'lines'], whole),
        ]),
        gives: total,
      };
    },
  },
  {
    name: 'invoices_add_line',
    tools: ['invoices:add_line'],
    byName: false,
    takes: 'text',
    phrasings: {
      train: [
        'Add to invoice {id} a line that reads {item}: quantity {count}, {price} euros each plus {tax} % tax.',
        '[Put|Enter] a line on [|the ]invoice {id} with {item} as the item, {count} units at {price} euros each plus {tax} % tax.',
        'Invoice {id} [needs|lacks] a line, so add it: the item is {item}, the quantity {count}, the unit price {price} euros without tax and the tax {tax} %.',
      ],
      heldOut: [
        'We forgot something on {id}: {item}, {count} units, {price} euros a unit and {tax} % tax on top. Please add it.',
        'Let {id} have one more line, which says {item} and bills {count} units for {price} euros each plus {tax} % tax.',
      ],
    },
    draw(draft) {
      const { id } = takeUnpaid(draft, 0.01);
      const { value: item, shown } = draft.given('text', () => freshItem(draft));
      const quantity = draft.rng.int(2, 25);
      const price = drawPrice(draft);
      const tax = draft.rng.pick(TAXES);
      const line = { item, quantity, price, tax };
      draft.call('invoices:add_line', { invoice_id: id, line });
      const slots = {
        id,
        item: shown,
        count: String(quantity),
        price: String(price),
        tax: String(tax),
      };
      return changing(slots, `${id} has a line '${item}'`, [
        stateIs('invoices', ['invoices', { id }, 'lines'], invoiceOf(draft, id).lines),
      ]);
    },
  },
  {
    name: 'invoices_overdue',
    tools: ['invoices:list_overdue'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many invoices are overdue[| now| today], and how much is open on them in all?',
        '[Count|Look up] the overdue invoices and [tell|give] me their number and their sum.',
        '[Tell|Give] me the number of overdue invoices and the money that is open on them.',
      ],
      heldOut: [
        'What number of invoices should have been paid by now but are not, and what sum is missing?',
        'State how many of our invoices are late and how much money we are waiting for because of them.',
      ],
    },
    draw(draft) {
      const list = draft.call('invoices:list_overdue', {});
      const count = numberOf(list, 'count');
      const asked = [count, numberOf(list, 'sum')];
      return { ...asking({}, asked, 'number and sum of the overdue invoices'), gives: count };
    },
  },
  {
    name: 'invoices_remind_oldest',
    tools: ['invoices:list_overdue', 'invoices:send_reminder'],
    byName: false,
    gives: 'person',
    phrasings: {
      train: [
        'Send a reminder for the invoice that has been overdue the longest; [who is the contact that gets it?|name the contact that gets it.]',
        '[Find|Look up] the invoice that has been overdue longest, send a reminder for it and [tell|give] me the contact who gets it.',
        'The oldest overdue invoice [needs|calls for] a reminder: send one and [name|report] the contact.',
      ],
      heldOut: [
        'Of all that is overdue, remind the customer who has been late the longest, and say which contact got it.',
        'One overdue invoice fell due before all others: have a reminder sent for it, then state to which contact it went.',
      ],
    },
    draw(draft) {
      const [oldest] = overdue(desk(draft), draft.clock);
      if (oldest === undefined) throw new Rejected('nothing is overdue');
      const { id, reminders } = oldest;
      draft.claim(id);
      draft.call('invoices:list_overdue', {});
      const sent = draft.call('invoices:send_reminder', { invoice_id: id });
      const contact = textOf(sent, 'contact');
      const today = draft.clock.slice(0, 10);
      return {
        ...askingAndChanging({}, [contact], `who was reminded of ${id}`, [
          stateIs('invoices', ['invoices', { id }, 'reminders'], [...reminders, today]),
        ]),
        gives: contact,
      };
    },
  },
  {
    name: 'invoices_due_date',
    tools: ['invoices:set_due_date'],
    byName: false,
    takes: 'date',
    phrasings: {
      train: [
        '[Move|Change|Set] the due date of [|the ]invoice {id} to {date}.',
        '[Let invoice {id} be|Make invoice {id}] due on {date}.',
        'Invoice {id} may be paid until {date}[; change its due date|, so set that as its due date].',
      ],
      heldOut: [
        'The customer has time for {id} until {date}; note that as the day it is due.',
        'Give {id} a new last day of payment: {date}.',
      ],
    },
    draw(draft) {
      const { value: due, shown } = draft.given('date', () => draft.laterDate());
      const unpaid = desk(draft).invoices.filter((invoice) => openOf(invoice) > 0);
      const { id } = draft.take(unpaid.filter((invoice) => invoice.due !== due));
      draft.call('invoices:set_due_date', { invoice_id: id, due });
      return changing({ id, date: shown }, `${id} is due on ${due}`, [
        stateIs('invoices', ['invoices', { id }, 'due'], due),
      ]);
    },
  },
];
