// Wordings of the families about one entity. `{x}` is the entity by id or quoted name. Words only.
import type { Phrasings } from '../phrasing.ts';

export const TELL = '[Tell me|Give me|Show me|Look up|Check|Read|Find out|Get]';

export const ENTITY_PHRASINGS: Readonly<Record<string, Phrasings>> = {
  stock: {
    train: [
      'How many of {x} [are in stock|do we have|are left|are there|are in store]?',
      `${TELL} the stock [|count |level ]of {x}.`,
      'What is the stock [|count |level ]of {x}?',
      'How much stock [is there|do we have|is left] of {x}?',
    ],
    heldOut: [
      'How many pieces of {x} remain?',
      'Report the stock on hand of {x}.',
      'I need the stock of {x}.',
    ],
  },
  price: {
    train: [
      `${TELL} the [|selling ]price of {x}.`,
      'What [is the price of|is the selling price of|price has|do we charge for] {x}?',
      'How much [do we charge|does a customer pay] for {x}?',
      'For what price do we sell {x}?',
    ],
    heldOut: [
      'Quote the price of {x}.',
      'What does {x} sell for?',
      'I need the selling price of {x}.',
    ],
  },
  cost: {
    train: [
      `${TELL} the [|buying ]cost of {x}.`,
      'What [is the cost of|is the buying cost of|did we pay for|does it cost us to buy] {x}?',
      'How much [did we pay for|does it cost to buy|do we pay to buy] {x}?',
      'What does {x} cost us?',
    ],
    heldOut: [
      'What was paid to buy {x}?',
      'I need the cost of {x}.',
      'State the buying cost of {x}.',
    ],
  },
  set_price: {
    train: [
      '[Set|Change|Update|Put|Move|Bring] the [|selling ]price of {x} to {n}.',
      'Sell {x} for {n}[| from now on].',
      '[The new price of {x} is|Make the price of {x}|Let the price of {x} be] {n}.',
      'Price {x} at {n}.',
      'Give {x} a [|new ]price of {n}.',
    ],
    heldOut: [
      'From today {x} sells for {n}.',
      'Adjust the price of {x} to {n}.',
      'Charge {n} for {x}.',
    ],
  },
  add_stock: {
    train: [
      'Add {n} [pieces |units |more |]to the stock of {x}.',
      '[Add|Book in|Put in|Bring in] {n} [more |]of {x}.',
      'We got {n} more of {x}, [add|book] them.',
      '[Increase|Raise] the stock of {x} by {n}.',
      'Put {n} more of {x} in stock.',
    ],
    heldOut: [
      'Restock {x} with {n} pieces.',
      'Record {n} new units of {x}.',
      'There came {n} more of {x}; add them to stock.',
    ],
  },
  move: {
    train: [
      '[Move|Shift|Reschedule|Push|Put|Change|Bring|Set] {x} to {date}.',
      '[Change|Set|Move] the [date|day] of {x} to {date}.',
      'Let {x} [take place on|be on|happen on] {date}.',
      'The new date of {x} is {date}.',
    ],
    heldOut: [
      'Please have {x} on {date} instead.',
      'Plan {x} for {date} instead.',
      'Transfer {x} to {date}.',
    ],
  },
  cancel: {
    train: [
      '[Cancel|Drop|Delete|Remove|Call off|Scrap] {x}[|, please].',
      '[Remove|Delete|Drop|Strike] {x} from the calendar.',
      'Please [cancel|drop|call off] {x}.',
    ],
    heldOut: ['Get rid of {x}.', 'We no longer need {x}, cancel it.', 'Take {x} off the calendar.'],
  },
  invite: {
    train: [
      '[Invite|Please invite|Ask] {who} to {x}.',
      '[Add {who} to|Put {who} on] the guest list of {x}.',
      '[Ask|Get] {who} to [come to|join|attend] {x}.',
      'Send {who} an [invitation|invite] to {x}.',
      'Add {who} to the guests of {x}.',
    ],
    heldOut: ['Make {who} a guest of {x}.', 'Have {who} invited to {x}.', 'Let {who} join {x}.'],
  },
  close: {
    train: [
      '[Close|Finish|Resolve|Shut|Complete|End] {x}[|, please|, it is done].',
      'Please [close|finish|resolve] {x}.',
      '[Set|Change] {x} to closed.',
      'Work on {x} is done, close it.',
    ],
    heldOut: ['Mark {x} as closed.', 'Fixed {x}, so close it.', 'Let {x} be closed.'],
  },
  assign: {
    train: [
      '[Assign|Give|Hand|Pass|Hand over|Route] {x} to {who}.',
      'Make {who} [the owner of|responsible for|own] {x}.',
      'Let {who} [handle|take|work on|own] {x}.',
      '[Set|Change] the owner of {x} to {who}.',
    ],
    heldOut: [
      'Put {who} in charge of {x}.',
      'Transfer {x} to {who}.',
      'The owner of {x} is now {who}.',
    ],
  },
  priority: {
    train: [
      '[Set|Change|Put|Bring|Move] the priority of {x} to {level}.',
      '[Make|Mark|Flag] {x} [as |]{level} priority.',
      'Give {x} [|a ]{level} priority.',
      'The [|new ]priority of {x} is {level}.',
    ],
    heldOut: [
      'Treat {x} as {level} priority.',
      'Let {x} have {level} priority.',
      'Adjust the priority of {x} to {level}.',
    ],
  },
  owner: {
    train: [
      'Who [owns|is the owner of|is assigned to|handles|works on|is responsible for] {x}?',
      `${TELL} the owner of {x}.`,
      'Which person [owns|handles|has] {x}?',
    ],
    heldOut: ['Who has {x}?', 'Name the owner of {x}.', 'To whom does {x} belong?'],
  },
};
