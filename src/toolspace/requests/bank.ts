// Requests to the bank. Knows nothing of how parts are combined.
import { defined } from '../../base/assert.ts';
import { type Draft, type Family, stateIs } from '../draft.ts';
import { asking, askingAndChanging, changing, numberOf, textOf } from '../parts.ts';
import { available, type BankState, PERIODS } from '../servers/bank.ts';
import { shiftDate } from '../values.ts';

const bankOf = (draft: Draft) => draft.state<BankState>('bank');
const accounts = (draft: Draft) => bankOf(draft).accounts;
const drawAmount = (draft: Draft) => draft.rng.int(500, 30_000) / 100;
const takePayer = (draft: Draft, amount: number) =>
  draft.take(accounts(draft).filter((account) => available(account) >= amount));
const takeStanding = (draft: Draft) =>
  draft.take(bankOf(draft).standingOrders.filter(({ active }) => active));

const balanceOf = (draft: Draft, wanted: string) =>
  defined(
    accounts(draft).find(({ id }) => id === wanted),
    wanted,
  ).balance;
const balanceIs = (id: string, balance: number) =>
  stateIs('bank', ['accounts', { id }, 'balance'], balance);

export const BANK_REQUESTS: readonly Family[] = [
  {
    name: 'bank_balance',
    tools: ['bank:find_account', 'bank:get_balance'],
    byName: true,
    gives: 'amount',
    phrasings: {
      train: [
        'What is the balance of [|the account ]{account}?',
        'How much money is in the account {account}[| now| at the moment]?',
        '[Tell me|Look up|Find out|Check] the balance of the account {account}.',
      ],
      heldOut: [
        'State how many euros there are in {account}.',
        'I would like to know what {account} holds.',
      ],
    },
    draw(draft) {
      const { name } = draft.take(accounts(draft));
      const spelled = draft.spelled(name);
      const account_id = textOf(
        draft.find('bank:find_account', 'name', spelled, name),
        'account_id',
      );
      const balance = numberOf(draft.call('bank:get_balance', { account_id }), 'balance');
      return {
        ...asking({ account: `'${spelled}'` }, [balance], `the balance of '${name}'`),
        gives: balance,
      };
    },
  },
  {
    name: 'bank_transfer',
    tools: ['bank:transfer'],
    byName: false,
    takes: 'amount',
    phrasings: {
      train: [
        '[Transfer|Move|Send] {amount} from [|account ]{from} to [|account ]{to}.',
        'Make a transfer of {amount} from {from} to {to}.',
        'Take {amount} out of {from} and put it [in|into] {to}.',
      ],
      heldOut: [
        'Account {to} is to get {amount} from {from}.',
        'Have {from} pay {amount} to {to}.',
      ],
    },
    draw(draft) {
      const { value: amount, shown } = draft.given('amount', () => drawAmount(draft));
      const from = takePayer(draft, amount);
      const to = draft.take(accounts(draft));
      const sent = draft.call('bank:transfer', {
        from_account: from.id,
        to_account: to.id,
        amount,
      });
      return changing(
        { amount: shown, from: from.id, to: to.id },
        `${amount} went from ${from.id} to ${to.id}`,
        [balanceIs(from.id, numberOf(sent, 'balance')), balanceIs(to.id, balanceOf(draft, to.id))],
      );
    },
  },
  {
    name: 'bank_transfer_named',
    tools: ['bank:find_account', 'bank:find_account', 'bank:transfer'],
    byName: true,
    gives: 'amount',
    phrasings: {
      train: [
        '[Transfer|Move|Send] {amount} euros from {from} to {to} and tell me what [is left|remains] in {from}.',
        'Take {amount} euros from the account {from}, put that into {to} and [give|tell] me the new balance of {from}.',
      ],
      heldOut: [
        'The account {to} is to get {amount} euros from {from}; how much does {from} hold then?',
        'Have {from} pay {amount} euros to {to} and report what {from} has afterwards.',
      ],
    },
    draw(draft) {
      const amount = drawAmount(draft);
      const from = takePayer(draft, amount);
      const to = draft.take(accounts(draft));
      const spelled = draft.spelled(from.name);
      const found = draft.find('bank:find_account', 'name', spelled, from.name);
      const other = draft.call('bank:find_account', { name: to.name });
      const from_account = textOf(found, 'account_id');
      const to_account = textOf(other, 'account_id');
      const sent = draft.call('bank:transfer', { from_account, to_account, amount });
      const balance = numberOf(sent, 'balance');
      const slots = { amount: String(amount), from: `'${spelled}'`, to: `'${to.name}'` };
      return {
        ...askingAndChanging(slots, [balance], `the new balance of '${from.name}'`, [
          balanceIs(from.id, balance),
          balanceIs(to.id, balanceOf(draft, to.id)),
        ]),
        gives: balance,
      };
    },
  },
  {
    name: 'bank_pay_regularly',
    tools: ['bank:create_standing_order'],
    byName: false,
    takes: 'date',
    phrasings: {
      train: [
        '[Set up|Create|Open] a standing order on {id}: {amount} euros to {who} every {every}, [starting|for the first time] on {date}.',
        '[Pay|Send] {who} {amount} euros from {id} every {every}, [starting|beginning] on {date}.',
        'Let {id} pay {amount} euros to {who} every {every}, [starting|for the first time] on {date}.',
      ],
      heldOut: [
        'Every {every}, {amount} euros should go from {id} to {who}; the first payment is on {date}.',
        'From {date} on, {who} should get {amount} euros each {every} out of {id}, so arrange that.',
      ],
    },
    draw(draft) {
      const { id } = draft.take(accounts(draft));
      const payee = draft.person();
      const amount = drawAmount(draft);
      const every = draft.rng.pick(PERIODS);
      const { value: first, shown } = draft.given('date', () => draft.laterDate());
      const schedule = { every, first };
      const made = draft.call('bank:create_standing_order', {
        account_id: id,
        payee,
        amount,
        schedule,
      });
      draft.claim(textOf(made, 'id'));
      const slots = { id, who: `'${payee}'`, amount: String(amount), every, date: shown };
      const path = ['standingOrders', { account: id, payee }];
      return changing(slots, `${payee} gets ${amount} every ${every} from ${first} on`, [
        stateIs('bank', [...path, 'amount'], amount),
        stateIs('bank', [...path, 'every'], every),
        stateIs('bank', [...path, 'next'], first),
      ]);
    },
  },
  {
    name: 'bank_end_standing',
    tools: ['bank:list_standing_orders', 'bank:cancel_standing_order'],
    byName: false,
    phrasings: {
      train: [
        '[Cancel|Stop|End] the standing order [from|of] {id} to {who}.',
        'Account {id} should no longer pay {who} regularly[|; cancel that].',
        'End the regular payments from {id} to {who}.',
      ],
      heldOut: [
        'No more standing payments to {who} from {id}, please.',
        'The standing order by which {who} gets money from {id} has to end.',
      ],
    },
    draw(draft) {
      const { id, account, payee } = takeStanding(draft);
      draft.call('bank:list_standing_orders', { account_id: account });
      draft.call('bank:cancel_standing_order', { id });
      return changing(
        { id: account, who: `'${payee}'` },
        `the standing order to ${payee} has ended`,
        [stateIs('bank', ['standingOrders', { id }, 'active'], false)],
      );
    },
  },
  {
    name: 'bank_next_payment',
    tools: ['bank:list_standing_orders'],
    byName: false,
    gives: 'date',
    phrasings: {
      train: [
        '[When|On what date] does [|the account ]{id} pay {who} next?',
        'What is the next [date|day] of the standing order from {id} to {who}?',
        '[Tell me|Find out|Look up] when the standing order of {id} pays {who} next.',
      ],
      heldOut: [
        'Name the day on which {who} gets the next regular payment from {id}.',
        'The standing order to {who} on {id} is due next on which day?',
      ],
    },
    draw(draft) {
      const { account, payee, next } = takeStanding(draft);
      draft.call('bank:list_standing_orders', { account_id: account });
      const slots = { id: account, who: `'${payee}'` };
      return { ...asking(slots, [next], `the next payment to ${payee}`), gives: next };
    },
  },
  {
    name: 'bank_first_entry',
    tools: ['bank:get_statement', 'bank:get_statement'],
    byName: false,
    gives: 'person',
    phrasings: {
      train: [
        'Who is the party of the oldest entry on the [|whole ]statement of {id}, and what is the amount?',
        '[Go back to|Look up|Find] the oldest entry on the statement of {id} and [tell|give] me its party and its amount.',
        'Name party and amount of the [oldest|very first] entry of [|account ]{id}.',
      ],
      heldOut: [
        'The first booking ever made on {id}: which party was it with, and what was the amount?',
        'I need to know with which party, and with what amount, the history of {id} began.',
      ],
    },
    draw(draft) {
      const long = accounts(draft).filter(({ entries }) => entries.length > 5);
      const { id, entries } = draft.take(long.filter((account) => account.entries.length <= 10));
      const page = draft.call('bank:get_statement', { account_id: id });
      draft.call('bank:get_statement', { account_id: id, page: page['nextPage'] ?? 2 });
      const { party, amount } = defined(entries.at(-1), 'entry');
      const part = asking({ id }, [party, amount], `party and amount of the first entry of ${id}`);
      return { ...part, gives: party };
    },
  },
  {
    name: 'bank_entries_between',
    tools: ['bank:get_statement'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many entries does the statement of {id} have from {from} to {to}?',
        '[Count|Give me the number of] the entries [on|of] {id} between {from} and {to}, both days included.',
        'From {from} to {to}, how many entries were [booked|made] on [|the account ]{id}?',
      ],
      heldOut: [
        'I want to know the number of bookings on {id} in the days {from} to {to}.',
        'State how often money came or went on {id} from {from} until {to}.',
      ],
    },
    draw(draft) {
      const { id, entries } = draft.take(accounts(draft));
      const newest = defined(entries[0], 'entry').date;
      const to = shiftDate(newest, -draft.rng.int(-2, 6));
      const from = shiftDate(to, -draft.rng.int(7, 30));
      const found = draft.call('bank:get_statement', { account_id: id, from, to });
      const total = numberOf(found, 'total');
      return { ...asking({ id, from, to }, [total], `how many entries ${id} had`), gives: total };
    },
  },
  {
    name: 'bank_lock_card',
    tools: ['bank:find_account', 'bank:list_cards', 'bank:set_card_lock'],
    byName: true,
    phrasings: {
      train: [
        '[Lock|Block] the card of {who} for [|the account ]{account}.',
        '{who} lost the card for the account {account}[; lock it|; please lock it|, and it must be locked].',
        'The card that {who} has for {account} [must be locked|is to be locked].',
      ],
      heldOut: [
        'Make sure that {who} can no longer pay with the card for {account}.',
        'Nothing may be paid any more with the card for {account} that {who} holds.',
      ],
    },
    draw(draft) {
      const card = draft.take(bankOf(draft).cards.filter(({ locked }) => !locked));
      const account = defined(
        accounts(draft).find(({ id }) => id === card.account),
        'account',
      );
      const spelled = draft.spelled(account.name);
      const found = draft.find('bank:find_account', 'name', spelled, account.name);
      draft.call('bank:list_cards', { account_id: textOf(found, 'account_id') });
      draft.call('bank:set_card_lock', { card_id: card.id, locked: true });
      return changing(
        { who: `'${card.holder}'`, account: `'${spelled}'` },
        `the card of ${card.holder} is locked`,
        [stateIs('bank', ['cards', { id: card.id }, 'locked'], true)],
      );
    },
  },
];
