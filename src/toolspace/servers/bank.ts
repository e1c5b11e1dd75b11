// The built-in bank: accounts with their statements, standing orders and cards. Knows nothing of tasks or transports.
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
import { distinct, futureDate, pairName, personName, shiftDate, words } from '../values.ts';
import { amountSchema, cents, dateSchema } from './argument-schemas.ts';

const KINDS = ['checking', 'savings'] as const;
export const PERIODS = ['week', 'month', 'quarter', 'year'] as const;
const REFERENCES = ['rent', 'salary', 'groceries', 'gift', 'refund', 'repair', 'travel', 'fees'];

/** `amount` is below zero for money that left. */
export type Entry = { date: string; party: string; reference: string; amount: number };
/** `entries` stand newest first; their amounts led to `balance`. */
export type Account = {
  id: string;
  name: string;
  owner: string;
  kind: (typeof KINDS)[number];
  balance: number;
  overdraft: number;
  entries: Entry[];
};
export type StandingOrder = {
  id: string;
  account: string;
  payee: string;
  amount: number;
  every: (typeof PERIODS)[number];
  next: string;
  active: boolean;
};
export type Card = { id: string; account: string; holder: string; limit: number; locked: boolean };
export type BankState = { accounts: Account[]; standingOrders: StandingOrder[]; cards: Card[] };

const PURPOSES = words(`
  holiday kitchen wedding garden rainy winter college boat bicycle piano family cottage moving
  roof charity hobby birthday camper orchard studio
`);
const POTS = words(`
  fund pot reserve purse kitty chest stash vault jar budget treasury cushion pool coffer hoard
  savings wallet nest box account
`);

const accountId = z.string().describe('account id, such as AC-412');

const findAccount = defineTool({
  name: 'find_account',
  description: 'Finds an account by its name. Fails with a suggestion when no account has it.',
  input: z.strictObject({ name: z.string() }),
  output: z.strictObject({ account_id: z.string(), owner: z.string(), kind: z.enum(KINDS) }),
  kind: 'reads',
  run(state: BankState, { name }) {
    const account = byName(state.accounts, name, (item) => item.name);
    if (typeof account === 'string') return { error: account };
    return { value: { account_id: account.id, owner: account.owner, kind: account.kind } };
  },
});

const getBalance = defineTool({
  name: 'get_balance',
  description:
    'Reads the balance of an account in euros, and what can be spent with its overdraft.',
  input: z.strictObject({ account_id: accountId }),
  output: z.strictObject({ balance: z.number(), available: z.number() }),
  kind: 'reads',
  run(state: BankState, args) {
    const account = byId(state.accounts, args.account_id);
    if (typeof account === 'string') return { error: account };
    return { value: { balance: account.balance, available: available(account) } };
  },
});

const entryRow = z.strictObject({
  date: z.string(),
  party: z.string(),
  reference: z.string(),
  amount: z.number(),
  balance: z.number(),
});

const getStatement = defineTool({
  name: 'get_statement',
  description:
    'Reads the entries of an account in pages, newest first, each with the balance after it. Money that left is below zero.',
  input: z.strictObject({
    account_id: accountId,
    from: dateSchema.optional().describe('first day'),
    to: dateSchema.optional().describe('last day'),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(entryRow),
  kind: 'reads',
  run(state: BankState, { account_id, from, to, page }) {
    const account = byId(state.accounts, account_id);
    if (typeof account === 'string') return { error: account };
    let { balance } = account;
    const rows = account.entries.map((entry) => {
      const row = { ...entry, balance };
      balance = cents(balance - entry.amount);
      return row;
    });
    const inside = ({ date }: Entry) =>
      (from === undefined || date >= from) && (to === undefined || date <= to);
    return pageOf(rows.filter(inside), page);
  },
});

const transfer = defineTool({
  name: 'transfer',
  description:
    'Moves money from one account to another at once. Fails when the first account has not enough.',
  input: z.strictObject({
    from_account: accountId,
    to_account: accountId,
    amount: amountSchema.describe('in euros'),
    reference: z.string().max(70).default('transfer'),
  }),
  output: z.strictObject({ amount: z.number(), balance: z.number() }),
  kind: 'adds',
  run(state: BankState, { from_account, to_account, amount, reference }, clock) {
    const from = byId(state.accounts, from_account);
    if (typeof from === 'string') return { error: `from_account: ${from}` };
    const to = byId(state.accounts, to_account);
    if (typeof to === 'string') return { error: `to_account: ${to}` };
    if (from.id === to.id) return { error: `to_account: got ${to.id}, need another account` };
    if (amount > available(from)) {
      return { error: `amount: got ${amount}, ${from.id} has ${available(from)} to spend` };
    }
    const date = clock.slice(0, 10);
    const sent = booked(from, { date, party: to.owner, reference, amount: -amount });
    const received = booked(to, { date, party: from.owner, reference, amount });
    const accounts = changed(changed(state.accounts, from.id, sent), to.id, received);
    return { value: { amount, balance: sent.balance }, state: { ...state, accounts } };
  },
});

const orderRow = z.strictObject({
  id: z.string(),
  payee: z.string(),
  amount: z.number(),
  every: z.enum(PERIODS),
  next: z.string(),
});

const listStandingOrders = defineTool({
  name: 'list_standing_orders',
  description: 'Lists the active standing orders of an account with their next dates.',
  input: z.strictObject({ account_id: accountId }),
  output: z.strictObject({ standing_orders: z.array(orderRow) }),
  kind: 'reads',
  run(state: BankState, { account_id }) {
    const account = byId(state.accounts, account_id);
    if (typeof account === 'string') return { error: account };
    const rows = state.standingOrders
      .filter((order) => order.account === account.id && order.active)
      .map(({ id, payee, amount, every, next }) => ({ id, payee, amount, every, next }));
    return { value: { standing_orders: rows } };
  },
});

const createStandingOrder = defineTool({
  name: 'create_standing_order',
  description:
    'Sets up a standing order: an amount that is paid again and again. Fails when its first day is over.',
  input: z.strictObject({
    account_id: accountId,
    payee: z.string().min(1).describe('name of a person'),
    amount: amountSchema.describe('in euros'),
    schedule: z.strictObject({
      every: z.enum(PERIODS),
      first: dateSchema.describe('day of the first payment'),
    }),
  }),
  output: z.strictObject({ id: z.string(), next: z.string() }),
  kind: 'adds',
  run(state: BankState, { account_id, payee, amount, schedule: { every, first } }, clock) {
    const account = byId(state.accounts, account_id);
    if (typeof account === 'string') return { error: account };
    const today = clock.slice(0, 10);
    if (first < today) return { error: `schedule.first: got ${first}, need ${today} or later` };
    const id = nextId('SO', state.standingOrders);
    const order = { id, account: account.id, payee, amount, every, next: first, active: true };
    const standingOrders = [...state.standingOrders, order];
    return { value: { id, next: first }, state: { ...state, standingOrders } };
  },
});

const cancelStandingOrder = defineTool({
  name: 'cancel_standing_order',
  description: 'Ends a standing order: nothing more is paid. Ending it again changes nothing.',
  input: z.strictObject({ id: z.string().describe('standing order id, such as SO-31') }),
  output: z.strictObject({ id: z.string(), active: z.boolean() }),
  kind: 'sets',
  run(state: BankState, args) {
    const order = byId(state.standingOrders, args.id);
    if (typeof order === 'string') return { error: order };
    const standingOrders = changed(state.standingOrders, order.id, { active: false });
    return { value: { id: order.id, active: false }, state: { ...state, standingOrders } };
  },
});

const cardRow = z.strictObject({
  card_id: z.string(),
  holder: z.string(),
  limit: z.number(),
  locked: z.boolean(),
});

const listCards = defineTool({
  name: 'list_cards',
  description: 'Lists the cards of an account: who holds them, their limit and if they are locked.',
  input: z.strictObject({ account_id: accountId }),
  output: z.strictObject({ cards: z.array(cardRow) }),
  kind: 'reads',
  run(state: BankState, { account_id }) {
    const account = byId(state.accounts, account_id);
    if (typeof account === 'string') return { error: account };
    const cards = state.cards
      .filter((card) => card.account === account.id)
      .map(({ id, holder, limit, locked }) => ({ card_id: id, holder, limit, locked }));
    return { value: { cards } };
  },
});

const setCardLock = defineTool({
  name: 'set_card_lock',
  description: 'Locks a card, so that nothing can be paid with it, or unlocks it.',
  input: z.strictObject({
    card_id: z.string().describe('card id, such as CD-58'),
    locked: z.boolean(),
  }),
  output: z.strictObject({ card_id: z.string(), locked: z.boolean() }),
  kind: 'sets',
  run(state: BankState, { card_id, locked }) {
    const card = byId(state.cards, card_id);
    if (typeof card === 'string') return { error: card };
    const cards = changed(state.cards, card.id, { locked });
    return { value: { card_id: card.id, locked }, state: { ...state, cards } };
  },
});

/** What can be spent: the balance, and as much below zero as the overdraft allows. */
export function available({ balance, overdraft }: Account): number {
  return cents(balance + overdraft);
}

function booked({ balance, entries }: Account, entry: Entry) {
  return { balance: cents(balance + entry.amount), entries: [entry, ...entries] };
}

function drawEntries(rng: Rng, people: readonly string[], count: number, today: string): Entry[] {
  let date = today;
  return Array.from({ length: count }, () => {
    date = shiftDate(date, -rng.int(1, 8));
    const amount = cents(rng.int(500, 30_000) / 100) * (rng.chance(0.5) ? 1 : -1);
    return { date, party: rng.pick(people), reference: rng.pick(REFERENCES), amount };
  });
}

/**
 * The bank server. Its state is `{accounts: [{id, name, owner, kind, balance, overdraft, entries}],
 * standingOrders: [{id, account, payee, amount, every, next, active}],
 * cards: [{id, account, holder, limit, locked}]}`.
 */
export const bank: ServerDef = {
  name: 'bank',
  description: 'A bank: accounts, statements, transfers, standing orders and cards.',
  tools: [
    findAccount,
    getBalance,
    getStatement,
    transfer,
    listStandingOrders,
    createStandingOrder,
    cancelStandingOrder,
    listCards,
    setCardLock,
  ],
  initial(rng, pool, clock): BankState {
    const count = rng.int(5, 6);
    const names = distinct(count, () => pairName(rng, pool, 'account', [PURPOSES, POTS]));
    const people = distinct(16, () => personName(rng, pool));
    const accounts = drawIds(rng, 'AC', count, 104, 989).map((id, i): Account => {
      // Every second statement has two pages.
      const length = i % 2 === 0 ? rng.int(6, 9) : rng.int(2, 5);
      return {
        id,
        name: defined(names[i], 'name'),
        owner: rng.pick(people.slice(0, 4)),
        kind: rng.pick(KINDS),
        balance: cents(rng.int(50_000, 900_000) / 100),
        overdraft: rng.pick([0, 0, 200, 500]),
        entries: drawEntries(rng, people.slice(4, 10), length, clock.slice(0, 10)),
      };
    });
    // Payees and holders are all different, so that a request may name one.
    const payees = people.slice(10);
    const standingOrders = drawIds(rng, 'SO', payees.length, 11, 97).map(
      (id, i): StandingOrder => ({
        id,
        account: rng.pick(accounts).id,
        payee: defined(payees[i], 'payee'),
        amount: cents(rng.int(1000, 40_000) / 100),
        every: rng.pick(PERIODS),
        next: futureDate(rng, clock),
        active: true,
      }),
    );
    const cards = drawIds(rng, 'CD', 8, 11, 97).map(
      (id, i): Card => ({
        id,
        account: rng.pick(accounts).id,
        holder: defined(people[i], 'holder'),
        limit: rng.int(2, 30) * 100,
        locked: i % 4 === 3,
      }),
    );
    return { accounts, standingOrders, cards };
  },
};
