// Requests to the pocket calculator. Knows nothing of how parts are combined.
import type { Rng } from '../../base/rng.ts';
import { type Draft, type Family, stateIs } from '../draft.ts';
import { asking, askingAndChanging, changing, field } from '../parts.ts';
import type { CalculatorState } from '../servers/calculator.ts';
import { rounded } from '../values.ts';

const register = (draft: Draft) => draft.take(draft.state<CalculatorState>('calculator').registers);

const contentIs = (id: string, value: number) =>
  stateIs('calculator', ['registers', { id }, 'value'], value);

/** A sum of money with cents. */
const money = (rng: Rng) => rounded(rng.int(1210, 48_900) / 100, 2);

/** An expression whose value has two decimals at most. */
function expression(rng: Rng): string {
  const [a, b, c] = [rng.int(11, 98), rng.int(3, 19), rng.int(21, 60)];
  return rng.pick([
    `(${a} + ${b}) * ${c}`,
    `${a} * ${b} - ${c}`,
    `${c}^2 - ${a} * ${b}`,
    `(${a} - ${b}) / 4 + ${c}`,
    `${a}.5 * ${b} + ${c}`,
    `sqrt(${b * b}) * (${a} + ${c})`,
    `max(${a}, ${c}) * ${b}`,
    `${a * b} % ${c} + ${b}^2`,
  ]);
}

export const CALCULATOR_REQUESTS: readonly Family[] = [
  {
    name: 'calculator_expression',
    tools: ['calculator:compute'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        '[Evaluate|Work out|Compute] {expression}[| for me|, please].',
        'What [is|does the calculator give for] {expression}?',
        'What value does {expression} have?',
      ],
      heldOut: [
        'Type {expression} into the calculator and read off the result.',
        'How much is {expression}?',
      ],
    },
    draw(draft) {
      const text = draft.fresh(expression(draft.rng));
      const result = Number(
        field(draft.call('calculator:compute', { expression: text }), 'result'),
      );
      return {
        ...asking({ expression: text }, [result], `the value of ${text}`),
        gives: result,
      };
    },
  },
  {
    name: 'calculator_keep',
    tools: ['calculator:compute', 'calculator:memory_store'],
    byName: false,
    phrasings: {
      train: [
        '[Evaluate|Work out] {expression} and [store|keep] the result in register {register}.',
        'Put the value of {expression} [into|in] [register|memory] {register}.',
        'Register {register} shall hold the value of {expression}[|, so overwrite it].',
      ],
      heldOut: [
        'Let {register} be the outcome of {expression}.',
        'Replace what is in {register} by what {expression} comes to.',
      ],
    },
    draw(draft) {
      const { id } = register(draft);
      const text = draft.fresh(expression(draft.rng));
      const value = Number(field(draft.call('calculator:compute', { expression: text }), 'result'));
      draft.call('calculator:memory_store', { register: id, value });
      return changing({ expression: text, register: id }, `${id} holds ${value}`, [
        contentIs(id, value),
      ]);
    },
  },
  {
    name: 'calculator_collect',
    tools: ['calculator:memory_add'],
    byName: false,
    takes: 'amount',
    gives: 'number',
    phrasings: {
      train: [
        'Add {amount} to [register|memory] {register} and [tell me|say] what it holds then.',
        'What is in [register|memory] {register} once {amount} has been added to it? [Do it.|Please do so.]',
        'Increase [register|memory] {register} by {amount} and give me its new content.',
      ],
      heldOut: [
        'Let {register} grow by {amount} and report the sum in it.',
        'Put {amount} on top of what {register} holds; how much does that make?',
      ],
    },
    draw(draft) {
      const { id } = register(draft);
      const { value: amount, shown } = draft.given('amount', () => money(draft.rng));
      const sum = Number(
        field(draft.call('calculator:memory_add', { register: id, value: amount }), 'value'),
      );
      const slots = { amount: shown, register: id };
      return {
        ...askingAndChanging(slots, [sum], `the new content of ${id}`, [contentIs(id, sum)]),
        gives: sum,
      };
    },
  },
  {
    name: 'calculator_gross',
    tools: ['calculator:memory_recall', 'calculator:tax_on'],
    byName: false,
    gives: 'amount',
    phrasings: {
      train: [
        'What is the gross price if [the net price is in register {register}|register {register} holds the net price] and the {class} tax rate applies?',
        'Take the net price from [register|memory] {register} and [tell me|work out] the price with {class} tax.',
        'How much does the net price in [register|memory] {register} come to with {class} tax?',
      ],
      heldOut: [
        'The net amount kept in {register} is taxed at the {class} rate: what must be paid in all?',
        'Read {register} and state the gross amount under {class} tax.',
      ],
    },
    draw(draft) {
      const { id } = register(draft);
      const taxClass = draft.rng.pick(['standard', 'reduced']);
      const { value: net } = draft.call('calculator:memory_recall', { register: id });
      const taxed = draft.call('calculator:tax_on', { net: net ?? 0, class: taxClass });
      const gross = Number(field(taxed, 'gross'));
      return {
        ...asking({ register: id, class: taxClass }, [gross], `the gross price of ${id}`),
        gives: gross,
      };
    },
  },
  {
    name: 'calculator_round',
    tools: ['calculator:round_off'],
    byName: false,
    takes: 'number',
    phrasings: {
      train: [
        'Round {number} {direction} to {places} decimals[|, please].',
        'What is {number}[, rounded| when rounded] {direction} to {places} [decimals|decimal places]?',
        '[Give|Tell] me {number} rounded {direction} to {places} decimals.',
      ],
      heldOut: [
        'Cut {number} to {places} digits after the point, rounding {direction}.',
        'With {places} decimals and rounding {direction}, what becomes of {number}?',
      ],
    },
    draw(draft) {
      const { value: number, shown } = draft.given('number', () =>
        rounded(draft.rng.int(100_001, 999_999) / 10_000, 4),
      );
      const direction = draft.rng.pick(['up', 'down']);
      const places = draft.rng.int(2, 3);
      const result = draft.call('calculator:round_off', { number, places, direction });
      return asking(
        { number: shown, direction, places: String(places) },
        [Number(field(result, 'rounded'))],
        `${number} rounded ${direction}`,
      );
    },
  },
  {
    name: 'calculator_tip',
    tools: ['calculator:tip_share'],
    byName: false,
    takes: 'amount',
    gives: 'amount',
    phrasings: {
      train: [
        'We are {people} and the bill is {bill}: with a tip of {percent} percent, what does each of us pay?',
        '[Split|Divide] a bill of {bill} among {people} people with {percent} percent tip; how much is one share?',
        'How much does each of {people} [people|guests] pay for a bill of {bill} plus {percent} percent tip?',
        'What is one share when {people} [friends|people] pay {bill} and tip {percent} percent?',
      ],
      heldOut: [
        'A table of {people} owes {bill} and leaves {percent} percent on top. What is due from each?',
        'State the share of one out of {people} if {bill} is paid with {percent} percent tip.',
      ],
    },
    draw(draft) {
      const { value: bill, shown } = draft.given('amount', () => money(draft.rng));
      const percent = draft.rng.int(5, 20);
      const people = draft.rng.int(2, 9);
      const split = draft.call('calculator:tip_share', { bill, percent, people });
      const share = Number(field(split, 'share'));
      const slots = { bill: shown, percent: String(percent), people: String(people) };
      return { ...asking(slots, [share], 'the share of each'), gives: share };
    },
  },
];
