// Requests to the cookbook. Knows nothing of how parts are combined.
import { type Draft, type Family, stateIs } from '../draft.ts';
import { asking, askingAndChanging, changing, field, rowsOf } from '../parts.ts';
import type { CookbookState } from '../servers/cookbook.ts';
import { entryAt } from './unseen-parts.ts';

const kitchen = (draft: Draft) => draft.state<CookbookState>('cookbook');

/** Grams of a food in a result of `amounts_for`. */
function gramsOf(draft: Draft, args: { dish: string; people: number }, food: string): number {
  const amounts = rowsOf(draft.call('cookbook:amounts_for', args), 'amounts');
  return Number(amounts.find((amount) => amount['food'] === food)?.['grams']);
}

export const COOKBOOK_REQUESTS: readonly Family[] = [
  {
    name: 'cookbook_minutes',
    tools: ['cookbook:dish_card'],
    byName: true,
    gives: 'number',
    phrasings: {
      train: [
        'What kind of dish is {dish}, and how many minutes does it take?',
        '[Look up|Find] {dish} in the cookbook: which category is it in, and how many minutes does it [take|need]?',
        '[Tell|Give] me the category of {dish} and the minutes it takes to make.',
        'To which category does {dish} belong, and how long does it take in minutes?',
      ],
      heldOut: [
        'I might cook {dish} tonight. What sort of dish is that, and how many minutes will I need?',
        'State, for {dish}, first its category and then its minutes.',
      ],
    },
    draw(draft) {
      const { name } = draft.take(kitchen(draft).dishes);
      const spelled = draft.spelled(name);
      const card = draft.find('cookbook:dish_card', 'name', spelled, name);
      const minutes = Number(field(card, 'minutes'));
      return {
        ...asking(
          { dish: `'${spelled}'` },
          [field(card, 'category'), minutes],
          `category and minutes of '${name}'`,
        ),
        gives: minutes,
      };
    },
  },
  {
    name: 'cookbook_amount',
    tools: ['cookbook:dish_card', 'cookbook:amounts_for'],
    byName: true,
    takes: 'number',
    gives: 'number',
    phrasings: {
      train: [
        'How many grams of {food} do I need for {dish} if the number of [people|guests] is {people}?',
        'I cook {dish}, and the number of people is {people}: how many grams of {food} [go in|does it take]?',
        'With {people} as the number of [people|guests], how many grams of {food} does {dish} take?',
        'Scale {dish} so that the number of people is {people} and [tell|give] me the grams of {food}.',
      ],
      heldOut: [
        'When {dish} is cooked for a head count of {people}, what weight of {food} goes into it, in grams?',
        'With {people} to feed, what must I buy for {dish}? I only need the grams of {food}.',
      ],
    },
    draw(draft) {
      const { id, name, ingredients } = draft.take(kitchen(draft).dishes);
      const { food } = draft.rng.pick(ingredients);
      const { value: people, shown } = draft.given('number', () => draft.rng.int(3, 24));
      const spelled = draft.spelled(name);
      draft.find('cookbook:dish_card', 'name', spelled, name);
      const grams = gramsOf(draft, { dish: id, people }, food);
      return {
        ...asking(
          { dish: `'${spelled}'`, food, people: shown },
          [grams],
          `grams of ${food} for ${people} people`,
        ),
        gives: grams,
      };
    },
  },
  {
    name: 'cookbook_quickest',
    tools: ['cookbook:dishes_in_category', 'cookbook:nutrition_of'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many kcal has a portion of the quickest {category} in the cookbook?',
        'Find the quickest {category} in the cookbook and [tell|give] me the kcal of one portion.',
        'What is the energy, in kcal, of one portion of the {category} that [is made fastest|takes the least time]?',
        'How much energy, in kcal, has one portion of the [fastest|quickest] {category} of all?',
      ],
      heldOut: [
        'I have little time and want a {category}: how much energy, in kcal, has a plate of the one that is ready first?',
        'Take the {category} with the shortest time and state the kcal for one person.',
      ],
    },
    draw(draft) {
      const category = draft.fresh(draft.rng.pick(kitchen(draft).dishes).category);
      const listed = draft.call('cookbook:dishes_in_category', { category });
      const dish = String(field(entryAt(rowsOf(listed, 'items'), 0), 'id'));
      const kcal = Number(field(draft.call('cookbook:nutrition_of', { dish }), 'kcal'));
      return { ...asking({ category }, [kcal], `kcal of the quickest ${category}`), gives: kcal };
    },
  },
  {
    name: 'cookbook_stock',
    tools: ['cookbook:pantry_add'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'Put {grams} grams of {food} into the pantry and [tell me|say] how many grams are there then.',
        'I bought {grams} grams of {food}: add them to the pantry and [tell|give] me the new level.',
        'Add {grams} grams of {food} to the pantry; how many grams of it are there [now|then]?',
        'The pantry gets {grams} more grams of {food}. Enter that and report the new amount.',
      ],
      heldOut: [
        'Here come {grams} grams of {food} for the pantry. After that, what weight of it do we have?',
        'Raise the stock of {food} in the pantry by {grams} grams and state the total.',
      ],
    },
    draw(draft) {
      const { id: food } = draft.take(kitchen(draft).pantry);
      const grams = draft.rng.int(3, 40) * 50;
      const level = Number(field(draft.call('cookbook:pantry_add', { food, grams }), 'grams'));
      const part = askingAndChanging(
        { food, grams: String(grams) },
        [level],
        `the grams of ${food} in the pantry`,
        [stateIs('cookbook', ['pantry', { id: food }, 'grams'], level)],
      );
      return { ...part, gives: level };
    },
  },
  {
    name: 'cookbook_enough',
    tools: ['cookbook:pantry_level', 'cookbook:amounts_for'],
    byName: false,
    phrasings: {
      train: [
        'How many grams of {food} are in the pantry, and how many does {dish} [take|need] for {people} people?',
        '[Tell|Give] me the grams of {food} that the pantry has and those that {dish} needs for {people}.',
        'Compare the {food} in the pantry with what {dish} takes for {people} people: how many grams each?',
        'For {dish} and {people} people, is there enough {food}? Name the grams in the pantry, then the grams needed.',
      ],
      heldOut: [
        'State two weights in grams: the {food} in store, and the {food} for {people} portions of {dish}.',
        'Look into the pantry for {food}, then work out how much of it goes into {dish} for {people} people; both in grams.',
      ],
    },
    draw(draft) {
      const { id, ingredients } = draft.take(kitchen(draft).dishes);
      const { food } = draft.rng.pick(ingredients);
      const people = draft.rng.int(3, 24);
      const level = Number(field(draft.call('cookbook:pantry_level', { food }), 'grams'));
      const grams = gramsOf(draft, { dish: id, people }, food);
      return asking(
        { dish: id, food, people: String(people) },
        [level, grams],
        `grams of ${food} in the pantry and in ${id}`,
      );
    },
  },
  {
    name: 'cookbook_menu',
    tools: ['cookbook:dish_card', 'cookbook:dish_card', 'cookbook:write_menu'],
    byName: true,
    takes: 'date',
    phrasings: {
      train: [
        'Write a menu of {first} and {second} for {people} [people|guests] on {date}.',
        'On {date} I cook {first} and {second}, in this order, for {people}: [save|write] the menu.',
        '[Plan|Set down] a menu for {date} and {people} people, with {first} and then {second}.',
        'We are {people} on {date}: make the menu {first}, followed by {second}.',
      ],
      heldOut: [
        'There will be {people} at the table on {date}; note that they get {first}, then {second}.',
        'The menu of {date} consists of {first} first and {second} after it, portions for {people}. Keep it.',
      ],
    },
    draw(draft) {
      const { id: firstId, name: first } = draft.take(kitchen(draft).dishes);
      const { id: secondId, name: second } = draft.take(kitchen(draft).dishes);
      const { value: date, shown } = draft.given('date', () => draft.laterDate());
      const people = draft.rng.int(3, 24);
      const spelled = draft.spelled(first);
      draft.find('cookbook:dish_card', 'name', spelled, first);
      draft.call('cookbook:dish_card', { name: second });
      const dishes = [firstId, secondId];
      draft.call('cookbook:write_menu', { date, people, dishes });
      return changing(
        { first: `'${spelled}'`, second: `'${second}'`, people: String(people), date: shown },
        `the menu of ${date} is '${first}' and '${second}' for ${people}`,
        [stateIs('cookbook', ['menus', { id: date }], { id: date, people, dishes })],
      );
    },
  },
];
