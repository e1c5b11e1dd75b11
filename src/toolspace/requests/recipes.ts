// Requests to the recipe book. Knows nothing of how parts are combined.
import { z } from 'zod';
import { defined } from '../../base/assert.ts';
import { type Draft, type Family, Rejected, stateIs } from '../draft.ts';
import { asking, changing, field } from '../parts.ts';
import {
  COURSES,
  GOODS,
  type Recipe,
  type RecipesState,
  type ShoppingLine,
} from '../servers/recipes.ts';

const SCALED = z.object({
  ingredients: z.array(z.object({ item: z.string(), amount: z.number() })),
});
const FITTING = z.object({
  recipes: z.array(z.object({ id: z.string(), name: z.string(), minutes: z.int() })),
});

const book = (draft: Draft) => draft.state<RecipesState>('recipes');
const take = (draft: Draft) => draft.take(book(draft).recipes);

/** Finds the recipe by its name as it stands in the request. */
function find(draft: Draft, { id, name }: Recipe) {
  const spelled = draft.spelled(name);
  draft.find('recipes:find_recipe', 'name', spelled, name);
  return { id, shown: `'${spelled}'` };
}

function ingredientOf(draft: Draft, id: string, item: string) {
  const recipe = book(draft).recipes.find((other) => other.id === id);
  const found = recipe?.ingredients.find((ingredient) => ingredient.item === item);
  if (found === undefined) throw new Rejected(`${id} has no ${item}`);
  return found;
}

/** Something that stands on the list once, put there by hand, and that no part has used yet. */
function handLine(draft: Draft, fits: (line: ShoppingLine) => boolean): ShoppingLine {
  const { shopping } = book(draft);
  const lines = shopping.filter(
    (line) =>
      line.recipe === null &&
      !draft.isUsed(line.item) &&
      fits(line) &&
      shopping.filter(({ item }) => item === line.item).length === 1,
  );
  if (lines.length === 0) throw new Rejected('no line of the list fits');
  const line = draft.rng.pick(lines);
  draft.claim(line.item);
  return line;
}

const LOOKUPS: readonly Family[] = [
  {
    name: 'recipes_step',
    tools: ['recipes:find_recipe', 'recipes:get_step'],
    byName: true,
    gives: 'text',
    phrasings: {
      train: [
        'What [is|do I do in] step {n} of [|the recipe ]{name}, and how many minutes does it take?',
        '[Read|Tell|Give] me step {n} of [|the recipe ]{name} and its minutes.',
      ],
      heldOut: [
        'I am cooking {name}: what does step {n} say, and how many minutes is it?',
        'Step {n} of the recipe {name}, please, with the minutes that it takes.',
      ],
    },
    draw(draft) {
      const recipe = take(draft);
      const number = draft.rng.int(1, recipe.steps.length);
      const { id, shown } = find(draft, recipe);
      const step = draft.call('recipes:get_step', { id, number });
      const text = String(field(step, 'text'));
      const asked = [text, field(step, 'minutes')];
      const what = `step ${number} of '${recipe.name}' and its minutes`;
      return { ...asking({ n: String(number), name: shown }, asked, what), gives: text };
    },
  },
  {
    name: 'recipes_amount',
    tools: ['recipes:find_recipe', 'recipes:get_ingredients'],
    byName: true,
    gives: 'number',
    phrasings: {
      train: [
        'What amount of {item} [goes into|is in|do I need for] {n} servings of {name}?',
        '[Work out|Tell me|Look up] the amount of {item} for {n} servings of {name}.',
        'For {n} servings of {name}, what amount of {item} [do I need|is needed]?',
      ],
      heldOut: [
        'I am making {n} servings of {name}; what amount of {item} is that?',
        'State the amount of {item} that {n} servings of {name} call for.',
      ],
    },
    draw(draft) {
      const recipe = take(draft);
      const servings = draft.rng.int(2, 16);
      const at = draft.rng.int(0, recipe.ingredients.length - 1);
      const { id, shown } = find(draft, recipe);
      const { ingredients } = SCALED.parse(draft.call('recipes:get_ingredients', { id, servings }));
      const { item, amount } = defined(ingredients[at], 'ingredient');
      const slots = { item, n: String(servings), name: shown };
      const what = `the amount of ${item} in ${servings} servings of '${recipe.name}'`;
      return { ...asking(slots, [amount], what), gives: amount };
    },
  },
  {
    name: 'recipes_fitting',
    tools: ['recipes:filter_recipes'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many recipes with {x} but without {y} take [at most|no more than] {n} minutes?',
        'Count the recipes that take [at most|no more than] {n} minutes and have {x} in them but no {y}.',
        'In at most {n} minutes, how many [|of our ]recipes can I make that need {x} but no {y}?',
      ],
      heldOut: [
        'I have {x}, no {y}, and {n} minutes at most: how many of the recipes fit?',
        'State how many recipes need {x}, do without {y}, and are done in {n} minutes or less.',
      ],
    },
    draw(draft) {
      const used = [
        ...new Set(book(draft).recipes.flatMap((one) => one.ingredients.map(({ item }) => item))),
      ];
      const [x = '', y = ''] = draft.rng.sample(used, 2);
      const minutes = draft.rng.int(40, 75);
      const filter = { max_minutes: minutes, with: [x], without: [y] };
      const count = Number(field(draft.call('recipes:filter_recipes', filter), 'count'));
      const slots = { x, y, n: String(minutes) };
      const what = `how many recipes with ${x} and no ${y} take at most ${minutes} minutes`;
      return { ...asking(slots, [count], what), gives: count };
    },
  },
  {
    name: 'recipes_quickest',
    tools: ['recipes:filter_recipes', 'recipes:get_ingredients'],
    byName: false,
    gives: 'text',
    phrasings: {
      train: [
        '[What|Which] is the quickest {course} recipe, and for how many servings are its ingredients?',
        'Name the quickest {course} recipe and the servings that its ingredients are for.',
        'Which {course} recipe takes the least time, and how many servings are its ingredients [meant |]for?',
        '[Find|Look up] the quickest {course} recipe and the number of servings of its list of ingredients.',
      ],
      heldOut: [
        'I am in a hurry and want a {course}: which recipe takes the fewest minutes, and how many servings do its ingredients make?',
        'Among the {course} recipes, name the fastest one and for how many servings its ingredients are listed.',
      ],
    },
    draw(draft) {
      const courses = COURSES.filter((name) =>
        book(draft).recipes.some((recipe) => recipe.course === name),
      );
      const course = draft.rng.pick(courses);
      const { recipes } = FITTING.parse(draft.call('recipes:filter_recipes', { course }));
      const { id, name, minutes } = defined(recipes[0], course);
      if (recipes[1]?.minutes === minutes) throw new Rejected('two are as quick');
      const found = draft.call('recipes:get_ingredients', { id });
      const asked = [name, field(found, 'servings')];
      return {
        ...asking({ course }, asked, `the quickest ${course} recipe and its servings`),
        gives: name,
      };
    },
  },
  {
    name: 'recipes_listed',
    tools: ['recipes:list_shopping'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'What amount of {item} [is|stands] on [my|the] shopping list?',
        '[Look up|Tell me|Check] the amount of {item} on my shopping list.',
      ],
      heldOut: [
        'My shopping list says to buy what amount of {item}?',
        'By the shopping list, what amount of {item} do we need?',
      ],
    },
    draw(draft) {
      const { item, amount } = handLine(draft, () => true);
      draft.call('recipes:list_shopping', {});
      const what = `the amount of ${item} on the shopping list`;
      return { ...asking({ item }, [amount], what), gives: amount };
    },
  },
];

const CHANGES: readonly Family[] = [
  {
    name: 'recipes_servings',
    tools: ['recipes:find_recipe', 'recipes:set_servings'],
    byName: true,
    takes: 'number',
    phrasings: {
      train: [
        '[Set|Change] the servings of [|the recipe ]{name} to {n}.',
        'Rewrite [|the recipe ]{name} so that its number of servings is {n}.',
        '[Rescale|Scale] the recipe {name}: its number of servings should be {n}.',
      ],
      heldOut: [
        'The recipe {name} should have {n} as its number of servings; change it.',
        'Let {n} be the servings of the recipe {name} from now on.',
      ],
    },
    draw(draft) {
      const recipe = take(draft);
      const { value: servings, shown: n } = draft.given('number', () => {
        const other = draft.rng.int(2, 19);
        return other >= recipe.servings ? other + 1 : other;
      });
      if (servings === recipe.servings) throw new Rejected('it has these servings already');
      const { id, shown } = find(draft, recipe);
      draft.call('recipes:set_servings', { id, servings });
      const { item, amount } = ingredientOf(draft, id, draft.rng.pick(recipe.ingredients).item);
      const path = ['recipes', { id }];
      return changing(
        { name: shown, n },
        `'${recipe.name}' is for ${servings} servings, with ${amount} of ${item}`,
        [
          stateIs('recipes', [...path, 'servings'], servings),
          stateIs('recipes', [...path, 'ingredients', { item }, 'amount'], amount),
        ],
      );
    },
  },
  {
    name: 'recipes_shop',
    tools: ['recipes:find_recipe', 'recipes:shop_for_recipe'],
    byName: true,
    phrasings: {
      train: [
        'Put [all|everything] that I need for {n} servings of {name} on the shopping list.',
        'Add the ingredients of {n} servings of {name} to [my|the] shopping list.',
        'I [want|am going] to cook {n} servings of {name}: put what I need on my shopping list.',
      ],
      heldOut: [
        'My shopping list should have what {n} servings of {name} take.',
        'We are having {name}, {n} servings of it; fill the shopping list for that.',
      ],
    },
    draw(draft) {
      const recipe = take(draft);
      const servings = draft.rng.int(2, 16);
      const { id, shown } = find(draft, recipe);
      draft.call('recipes:shop_for_recipe', { id, servings });
      const lines = book(draft).shopping.filter((line) => line.recipe === id);
      return changing(
        { n: String(servings), name: shown },
        `the ingredients of ${servings} servings of '${recipe.name}' are on the shopping list`,
        lines.map(({ item, amount }) =>
          stateIs('recipes', ['shopping', { recipe: id, item }, 'amount'], amount),
        ),
      );
    },
  },
  {
    name: 'recipes_add_item',
    tools: ['recipes:add_item'],
    byName: false,
    phrasings: {
      train: [
        'Add {goods} to [the|my|our] shopping list.',
        '[Put|Write] {goods} on [the|my|our] shopping list.',
      ],
      heldOut: [
        'The shopping list should also have {goods}.',
        'I have to buy {goods}; note it on the list.',
      ],
    },
    draw(draft) {
      const { shopping } = book(draft);
      const others = GOODS.filter(({ item }) => shopping.every((line) => line.item !== item));
      const { item, unit } = draft.rng.pick(others);
      draft.claim(item);
      const pieces = unit === 'piece';
      const amount = pieces ? draft.rng.int(2, 12) : 50 * draft.rng.int(2, 18);
      draft.call('recipes:add_item', { item, amount, ...(pieces ? {} : { unit }) });
      const goods = pieces ? `${amount} ${item}` : `${amount} ${unit} of ${item}`;
      const path = ['shopping', { item, recipe: null }];
      return changing({ goods }, `${goods} are on the shopping list`, [
        stateIs('recipes', [...path, 'amount'], amount),
        stateIs('recipes', [...path, 'unit'], unit),
      ]);
    },
  },
  {
    name: 'recipes_check_off',
    tools: ['recipes:check_off'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        '[Check|Cross] {item} off [my|the] shopping list; how many lines are open then?',
        'Mark {item} as bought on my shopping list and tell me how many lines [are still|remain] open.',
      ],
      heldOut: [
        'I have bought the {item}: note that on the shopping list and say how many open lines are left.',
        'How many lines of the shopping list stay open once you have checked off {item}? Do so.',
      ],
    },
    draw(draft) {
      const { item } = handLine(draft, ({ bought }) => !bought);
      const open = Number(field(draft.call('recipes:check_off', { item }), 'open'));
      const part = asking({ item }, [open], 'how many lines of the shopping list are open');
      const state = stateIs('recipes', ['shopping', { item }, 'bought'], true);
      const check = { kind: 'all' as const, checks: [part.requirement.check, state] };
      const description = `${part.requirement.description} '${item}' is marked as bought.`;
      return { ...part, requirement: { description, check }, gives: open };
    },
  },
];

export const RECIPES_REQUESTS: readonly Family[] = [...LOOKUPS, ...CHANGES];
