// The built-in recipe book: ingredients in amounts for some servings, steps, and a shopping list. Knows nothing of tasks
// or transports.
import { z } from 'zod';
import { defined } from '../../base/assert.ts';
import type { Rng } from '../../base/rng.ts';
import { byId, byName, changed, defineTool, drawIds, type ServerDef } from '../server.ts';
import { distinct, pairName, rounded, words } from '../values.ts';

export const COURSES = ['starter', 'soup', 'main', 'dessert', 'snack'] as const;
export const UNITS = ['g', 'ml', 'piece', 'tbsp'] as const;
type Unit = (typeof UNITS)[number];

type Ingredient = { item: string; amount: number; unit: Unit };
/** `ingredients` are for `servings`; `minutes` of a step is the time that it takes. */
export type Recipe = {
  id: string;
  name: string;
  course: (typeof COURSES)[number];
  servings: number;
  ingredients: Ingredient[];
  steps: { text: string; minutes: number }[];
};
/** `recipe` is null for what was put on the list by hand. */
export type ShoppingLine = Ingredient & { recipe: string | null; bought: boolean };
export type RecipesState = { recipes: Recipe[]; shopping: ShoppingLine[] };

const MOST_SERVINGS = 40;

const NAME_WORDS = [
  words(`
    Smoky Spicy Creamy Crispy Golden Rustic Roasted Grilled Lemony Peppery Buttery Tangy Velvet
    Harvest Midnight Garden Sunday Village Harbour Winter
  `),
  words(`
    casserole stew curry gratin risotto dumplings pancakes fritters salad pie tart noodles skewers
    pudding crumble chowder goulash parcels loaf bake
  `),
] as const;

/** For one serving: the least and the most of the unit, in steps of `by`. */
const PANTRY: readonly { item: string; unit: Unit; least: number; most: number; by: number }[] = [
  { item: 'flour', unit: 'g', least: 30, most: 90, by: 5 },
  { item: 'rice', unit: 'g', least: 50, most: 90, by: 5 },
  { item: 'lentils', unit: 'g', least: 40, most: 80, by: 5 },
  { item: 'spinach', unit: 'g', least: 50, most: 120, by: 5 },
  { item: 'potatoes', unit: 'g', least: 90, most: 220, by: 10 },
  { item: 'carrots', unit: 'g', least: 40, most: 110, by: 5 },
  { item: 'mushrooms', unit: 'g', least: 40, most: 120, by: 5 },
  { item: 'cheese', unit: 'g', least: 15, most: 60, by: 5 },
  { item: 'butter', unit: 'g', least: 5, most: 25, by: 5 },
  { item: 'milk', unit: 'ml', least: 30, most: 150, by: 10 },
  { item: 'cream', unit: 'ml', least: 20, most: 80, by: 10 },
  { item: 'stock', unit: 'ml', least: 80, most: 250, by: 10 },
  { item: 'eggs', unit: 'piece', least: 1, most: 2, by: 1 },
  { item: 'onions', unit: 'piece', least: 0.5, most: 1, by: 0.5 },
  { item: 'lemons', unit: 'piece', least: 0.5, most: 1, by: 0.5 },
  { item: 'olive oil', unit: 'tbsp', least: 0.5, most: 2, by: 0.5 },
];
/** What no recipe needs, with the unit that it is bought in. */
export const GOODS: readonly { item: string; unit: Unit }[] = [
  { item: 'coffee', unit: 'g' },
  { item: 'oats', unit: 'g' },
  { item: 'almonds', unit: 'g' },
  { item: 'raisins', unit: 'g' },
  { item: 'juice', unit: 'ml' },
  { item: 'vinegar', unit: 'ml' },
  { item: 'bananas', unit: 'piece' },
  { item: 'limes', unit: 'piece' },
  { item: 'avocados', unit: 'piece' },
  { item: 'pears', unit: 'piece' },
  { item: 'apples', unit: 'piece' },
  { item: 'sugar', unit: 'g' },
  { item: 'pasta', unit: 'g' },
  { item: 'yoghurt', unit: 'g' },
  { item: 'walnuts', unit: 'g' },
  { item: 'honey', unit: 'g' },
  { item: 'mustard', unit: 'g' },
  { item: 'cucumbers', unit: 'piece' },
];
const FIRST_STEPS = ['Chop', 'Wash', 'Weigh', 'Grate', 'Slice', 'Rinse'];
const LATER_STEPS = ['Stir in', 'Fold in', 'Cover with', 'Simmer with', 'Bake with', 'Season with'];

const recipeId = z.string().describe('recipe id, such as RC-214');
const servings = z.int().min(1).max(MOST_SERVINGS);
const item = z.string().trim().min(1).max(40).describe('what to buy, such as rice');
const items = z.array(z.string().min(1)).max(5).default([]);
const ingredientSchema = z.strictObject({
  item: z.string(),
  amount: z.number(),
  unit: z.enum(UNITS),
});

function totalMinutes({ steps }: Recipe): number {
  return steps.reduce((sum, { minutes }) => sum + minutes, 0);
}

function scaled(recipe: Recipe, wanted: number): Ingredient[] {
  return recipe.ingredients.map((ingredient) => ({
    ...ingredient,
    amount: rounded((ingredient.amount * wanted) / recipe.servings, 1),
  }));
}

const findRecipe = defineTool({
  name: 'find_recipe',
  description: 'Finds a recipe by its exact name.',
  input: z.strictObject({ name: z.string() }),
  output: z.strictObject({
    id: z.string(),
    course: z.enum(COURSES),
    servings: z.int(),
    minutes: z.int(),
    steps: z.int().describe('how many steps it has'),
  }),
  kind: 'reads',
  run(state: RecipesState, { name }) {
    const recipe = byName(state.recipes, name, (entity) => entity.name);
    if (typeof recipe === 'string') return { error: recipe };
    const { id, course, steps } = recipe;
    const minutes = totalMinutes(recipe);
    return { value: { id, course, servings: recipe.servings, minutes, steps: steps.length } };
  },
});

const filterRecipes = defineTool({
  name: 'filter_recipes',
  description: 'Lists the recipes that fit all filters, the quickest first.',
  input: z.strictObject({
    course: z.enum(COURSES).optional(),
    max_minutes: z.int().min(1).optional(),
    with: items.describe('ingredients that it must have'),
    without: items.describe('ingredients that it must not have'),
  }),
  output: z.strictObject({
    recipes: z.array(z.strictObject({ id: z.string(), name: z.string(), minutes: z.int() })),
    count: z.int(),
  }),
  kind: 'reads',
  run(state: RecipesState, { course, max_minutes, ...filter }) {
    const recipes = state.recipes
      .map((recipe) => ({ ...recipe, minutes: totalMinutes(recipe) }))
      .filter((recipe) => {
        const has = (wanted: string) =>
          recipe.ingredients.some((entry) => entry.item === wanted.trim().toLowerCase());
        return (
          (course === undefined || recipe.course === course) &&
          (max_minutes === undefined || recipe.minutes <= max_minutes) &&
          filter.with.every(has) &&
          !filter.without.some(has)
        );
      })
      .map(({ id, name, minutes }) => ({ id, name, minutes }))
      .toSorted((a, b) => a.minutes - b.minutes);
    return { value: { recipes, count: recipes.length } };
  },
});

const getIngredients = defineTool({
  name: 'get_ingredients',
  description: 'Gets the ingredients of a recipe, for its own servings or scaled to other ones.',
  input: z.strictObject({ id: recipeId, servings: servings.optional() }),
  output: z.strictObject({ servings: z.int(), ingredients: z.array(ingredientSchema) }),
  kind: 'reads',
  run(state: RecipesState, args) {
    const recipe = byId(state.recipes, args.id);
    if (typeof recipe === 'string') return { error: recipe };
    const wanted = args.servings ?? recipe.servings;
    return { value: { servings: wanted, ingredients: scaled(recipe, wanted) } };
  },
});

const getStep = defineTool({
  name: 'get_step',
  description: 'Gets one step of a recipe and its minutes. Fails behind the last step.',
  input: z.strictObject({ id: recipeId, number: z.int().min(1) }),
  output: z.strictObject({ text: z.string(), minutes: z.int(), last: z.boolean() }),
  kind: 'reads',
  run(state: RecipesState, { id, number }) {
    const recipe = byId(state.recipes, id);
    if (typeof recipe === 'string') return { error: recipe };
    const { steps } = recipe;
    const step = steps[number - 1];
    if (step === undefined) {
      return { error: `number: got ${number}, ${recipe.id} has ${steps.length} steps` };
    }
    return { value: { ...step, last: number === steps.length } };
  },
});

const setServings = defineTool({
  name: 'set_servings',
  description: 'Rewrites a recipe for other servings: all its amounts are scaled.',
  input: z.strictObject({ id: recipeId, servings }),
  output: z.strictObject({ id: z.string(), ingredients: z.array(ingredientSchema) }),
  kind: 'sets',
  run(state: RecipesState, args) {
    const recipe = byId(state.recipes, args.id);
    if (typeof recipe === 'string') return { error: recipe };
    const ingredients = scaled(recipe, args.servings);
    const set = { servings: args.servings, ingredients };
    return {
      value: { id: recipe.id, ingredients },
      state: { ...state, recipes: changed(state.recipes, recipe.id, set) },
    };
  },
});

const shopForRecipe = defineTool({
  name: 'shop_for_recipe',
  description: 'Puts what a recipe needs on the shopping list, in place of what it had there.',
  input: z.strictObject({ id: recipeId, servings: servings.optional() }),
  output: z.strictObject({ added: z.array(ingredientSchema) }),
  kind: 'sets',
  run(state: RecipesState, args) {
    const recipe = byId(state.recipes, args.id);
    if (typeof recipe === 'string') return { error: recipe };
    const added = scaled(recipe, args.servings ?? recipe.servings);
    const shopping = [
      ...state.shopping.filter((line) => line.recipe !== recipe.id),
      ...added.map((line) => ({ ...line, recipe: recipe.id, bought: false })),
    ];
    return { value: { added }, state: { ...state, shopping } };
  },
});

const addItem = defineTool({
  name: 'add_item',
  description: 'Adds an amount of something to the shopping list, on top of what is there by hand.',
  input: z.strictObject({
    item,
    amount: z.number().min(0.1).max(100_000),
    unit: z.enum(UNITS).default('piece'),
  }),
  output: ingredientSchema,
  kind: 'adds',
  run(state: RecipesState, args) {
    const name = args.item.toLowerCase();
    const isSame = (line: ShoppingLine) =>
      line.recipe === null && !line.bought && line.item === name && line.unit === args.unit;
    const before = state.shopping.find(isSame)?.amount ?? 0;
    const added = { item: name, amount: rounded(before + args.amount, 1), unit: args.unit };
    const line = { ...added, recipe: null, bought: false };
    const shopping = state.shopping.some(isSame)
      ? state.shopping.map((old) => (isSame(old) ? line : old))
      : [...state.shopping, line];
    return { value: added, state: { ...state, shopping } };
  },
});

const listShopping = defineTool({
  name: 'list_shopping',
  description: 'Lists what stands on the shopping list: everything, or only what is to be bought.',
  input: z.strictObject({ open_only: z.boolean().default(false) }),
  output: z.strictObject({
    lines: z.array(ingredientSchema.extend({ recipe: z.string().nullable(), bought: z.boolean() })),
    count: z.int(),
  }),
  kind: 'reads',
  run(state: RecipesState, { open_only }) {
    const lines = state.shopping.filter(({ bought }) => !open_only || !bought);
    return { value: { lines, count: lines.length } };
  },
});

const checkOff = defineTool({
  name: 'check_off',
  description: 'Marks something on the shopping list as bought. Fails when it is not on the list.',
  input: z.strictObject({ item }),
  output: z.strictObject({ item: z.string(), open: z.int() }),
  kind: 'sets',
  run(state: RecipesState, args) {
    const found = byName(state.shopping, args.item, (line) => line.item);
    if (typeof found === 'string') return { error: `item: ${found}` };
    const shopping = state.shopping.map((line) =>
      line.item === found.item ? { ...line, bought: true } : line,
    );
    const open = shopping.filter(({ bought }) => !bought).length;
    return { value: { item: found.item, open }, state: { ...state, shopping } };
  },
});

function drawRecipe(rng: Rng, id: string, name: string): Recipe {
  const portions = rng.int(2, 6);
  const used = rng.sample(PANTRY, rng.int(4, 5));
  const ingredients = used.map(({ item: what, unit, least, most, by }) => {
    const each = least + by * rng.int(0, Math.round((most - least) / by));
    return { item: what, amount: each * portions, unit };
  });
  const steps = used.map(({ item: what }, i) => {
    const verb = rng.pick(i < 2 ? FIRST_STEPS : LATER_STEPS);
    return { text: `${verb} the ${what}`, minutes: rng.int(2, 18) };
  });
  return { id, name, course: rng.pick(COURSES), servings: portions, ingredients, steps };
}

/** The recipes server. Its state is `{recipes: [{id, name, course, servings, ingredients, steps}], shopping}`. */
export const recipes: ServerDef = {
  name: 'recipes',
  description: 'A recipe book: ingredients for any number of servings, steps, a shopping list.',
  tools: [
    findRecipe,
    filterRecipes,
    getIngredients,
    getStep,
    setServings,
    shopForRecipe,
    addItem,
    listShopping,
    checkOff,
  ],
  initial(rng, pool): RecipesState {
    const names = distinct(rng.int(8, 9), () => pairName(rng, pool, 'recipe', NAME_WORDS));
    const found = drawIds(rng, 'RC', names.length, 101, 987).map((id, i) =>
      drawRecipe(rng, id, defined(names[i], 'name')),
    );
    const shopping = rng.sample(GOODS, rng.int(4, 6)).map(
      (good, i): ShoppingLine => ({
        ...good,
        amount: good.unit === 'piece' ? rng.int(2, 9) : 50 * rng.int(2, 12),
        recipe: null,
        bought: i > 1 && rng.chance(0.4),
      }),
    );
    return { recipes: found, shopping };
  },
};
