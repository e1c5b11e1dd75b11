// The built-in cookbook: dishes by category, amounts for any number of people, nutrition, a pantry and menus. Knows
// nothing of tasks or transports.
import { z } from 'zod';
import {
  byId,
  byName,
  changed,
  defineTool,
  drawIds,
  pageOf,
  pageSchema,
  type ServerDef,
} from '../server.ts';
import { distinct, isDate, pairName, rounded, words } from '../values.ts';

const CATEGORIES = ['breakfast', 'soup', 'salad', 'stew', 'bake'] as const;

const FOOD_NAMES = z.enum([
  'butter',
  'carrots',
  'cheddar',
  'chickpeas',
  'eggs',
  'flour',
  'lentils',
  'milk',
  'mushrooms',
  'onions',
  'potatoes',
  'rice',
  'salmon',
  'spinach',
  'tomatoes',
]);
type Food = z.infer<typeof FOOD_NAMES>;

/** Energy (kcal) and protein (g) of 100 g, raw, after USDA FoodData Central; most grams in one portion. */
const FOODS: Readonly<Record<Food, { kcal: number; protein: number; most: number }>> = {
  butter: { kcal: 717, protein: 0.9, most: 25 },
  carrots: { kcal: 41, protein: 0.9, most: 120 },
  cheddar: { kcal: 403, protein: 22.9, most: 60 },
  chickpeas: { kcal: 378, protein: 20.5, most: 90 },
  eggs: { kcal: 143, protein: 12.6, most: 120 },
  flour: { kcal: 364, protein: 10.3, most: 90 },
  lentils: { kcal: 352, protein: 24.6, most: 90 },
  milk: { kcal: 61, protein: 3.2, most: 200 },
  mushrooms: { kcal: 22, protein: 3.1, most: 120 },
  onions: { kcal: 40, protein: 1.1, most: 80 },
  potatoes: { kcal: 77, protein: 2, most: 250 },
  rice: { kcal: 365, protein: 7.1, most: 90 },
  salmon: { kcal: 208, protein: 20.4, most: 180 },
  spinach: { kcal: 23, protein: 2.9, most: 120 },
  tomatoes: { kcal: 18, protein: 0.9, most: 200 },
};

/** Grams are for one person. */
type Dish = {
  id: string;
  name: string;
  category: (typeof CATEGORIES)[number];
  minutes: number;
  ingredients: { food: Food; grams: number }[];
};
/** `id` is the date: a day has one menu. */
type Menu = { id: string; people: number; dishes: string[] };
/** In the pantry, `id` is the food. */
export type CookbookState = {
  dishes: Dish[];
  pantry: { id: Food; grams: number }[];
  menus: Menu[];
};

const NAME_FIRSTS = words(`
  autumn baked country crispy farmhouse festive garlic harvest hearty layered lemon peppered
  roasted smoky spiced sunday tangy village winter zesty
`);
/** The last word of a dish's name says what it is. */
const NAME_SECONDS: Readonly<Record<Dish['category'], readonly string[]>> = {
  breakfast: words('hash omelette pancakes scramble toast'),
  soup: words('bisque broth chowder consomme potage'),
  salad: words('antipasti medley mix slaw toss'),
  stew: words('chili fricassee goulash hotpot ragout'),
  bake: words('casserole gratin pie quiche tart'),
};

const dishId = z.string().describe('dish id, such as DISH-207');
const people = z.int().min(1).max(200);

const dishesIn = defineTool({
  name: 'dishes_in_category',
  description: 'Lists the dishes of a category, the quickest first, in pages.',
  input: z.strictObject({
    category: z.enum(CATEGORIES),
    max_minutes: z.int().min(1).optional(),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(z.strictObject({ id: z.string(), name: z.string(), minutes: z.int() })),
  kind: 'reads',
  run(state: CookbookState, { category, max_minutes, page }) {
    const rows = state.dishes
      .filter((dish) => dish.category === category)
      .filter(({ minutes }) => max_minutes === undefined || minutes <= max_minutes)
      .map(({ id, name, minutes }) => ({ id, name, minutes }))
      .sort((a, b) => a.minutes - b.minutes);
    return pageOf(rows, page);
  },
});

const dishCard = defineTool({
  name: 'dish_card',
  description: 'Shows a dish by its exact name: category, minutes to make it, and what is in it.',
  input: z.strictObject({ name: z.string() }),
  output: z.strictObject({
    id: z.string(),
    category: z.enum(CATEGORIES),
    minutes: z.int(),
    foods: z.array(FOOD_NAMES),
  }),
  kind: 'reads',
  run(state: CookbookState, args) {
    const dish = byName(state.dishes, args.name, ({ name }) => name);
    if (typeof dish === 'string') return { error: dish };
    const { id, category, minutes, ingredients } = dish;
    return { value: { id, category, minutes, foods: ingredients.map(({ food }) => food) } };
  },
});

const amountsFor = defineTool({
  name: 'amounts_for',
  description: 'Tells how many grams of each food a dish takes for some people.',
  input: z.strictObject({ dish: dishId, people }),
  output: z.strictObject({
    amounts: z.array(z.strictObject({ food: FOOD_NAMES, grams: z.number() })),
  }),
  kind: 'reads',
  run(state: CookbookState, args) {
    const dish = byId(state.dishes, args.dish);
    if (typeof dish === 'string') return { error: dish };
    const amounts = dish.ingredients.map(({ food, grams }) => ({
      food,
      grams: grams * args.people,
    }));
    return { value: { amounts } };
  },
});

const nutritionOf = defineTool({
  name: 'nutrition_of',
  description: 'Computes energy and protein of one portion of a dish from what is in it.',
  input: z.strictObject({ dish: dishId }),
  output: z.strictObject({ kcal: z.int(), protein_grams: z.number() }),
  kind: 'reads',
  run(state: CookbookState, args) {
    const dish = byId(state.dishes, args.dish);
    if (typeof dish === 'string') return { error: dish };
    const total = (key: 'kcal' | 'protein') =>
      dish.ingredients.reduce((sum, { food, grams }) => sum + (FOODS[food][key] * grams) / 100, 0);
    return {
      value: { kcal: rounded(total('kcal'), 0), protein_grams: rounded(total('protein'), 1) },
    };
  },
});

const pantryLevel = defineTool({
  name: 'pantry_level',
  description: 'Tells how many grams of a food are in the pantry.',
  input: z.strictObject({ food: FOOD_NAMES }),
  output: z.strictObject({ food: FOOD_NAMES, grams: z.number() }),
  kind: 'reads',
  run(state: CookbookState, { food }) {
    return { value: { food, grams: state.pantry.find(({ id }) => id === food)?.grams ?? 0 } };
  },
});

const pantryAdd = defineTool({
  name: 'pantry_add',
  description: 'Puts some grams of a food into the pantry and tells how many are there then.',
  input: z.strictObject({ food: FOOD_NAMES, grams: z.int().min(1).max(50_000) }),
  output: z.strictObject({ food: FOOD_NAMES, grams: z.number() }),
  kind: 'adds',
  run(state: CookbookState, { food, grams: added }) {
    const grams = (state.pantry.find(({ id }) => id === food)?.grams ?? 0) + added;
    const pantry = changed(state.pantry, food, { grams });
    return { value: { food, grams }, state: { ...state, pantry } };
  },
});

const writeMenu = defineTool({
  name: 'write_menu',
  description:
    'Writes the menu of a day: its dishes and for how many people. An older one is lost.',
  input: z.strictObject({
    date: z.string().describe('date, like 2026-03-14'),
    people,
    dishes: z.array(dishId).min(1).max(6),
  }),
  output: z.strictObject({ date: z.string(), dishes: z.array(z.string()), minutes: z.int() }),
  kind: 'sets',
  run(state: CookbookState, { date, people: guests, dishes: wanted }) {
    if (!isDate(date)) return { error: `date: got '${date}', need a date like 2026-03-14` };
    const chosen: Dish[] = [];
    for (const id of wanted) {
      const dish = byId(state.dishes, id);
      if (typeof dish === 'string') return { error: `dishes: ${dish}` };
      chosen.push(dish);
    }
    const menu: Menu = { id: date, people: guests, dishes: chosen.map(({ id }) => id) };
    const others = state.menus.filter(({ id }) => id !== date);
    return {
      value: {
        date,
        dishes: chosen.map(({ name }) => name),
        minutes: chosen.reduce((sum, { minutes }) => sum + minutes, 0),
      },
      state: { ...state, menus: [...others, menu] },
    };
  },
});

const PER_CATEGORY = 3;

/** The cookbook server. Its state is `{dishes: [{id, name, category, minutes, ingredients}], pantry: [{id, grams}], menus}`. */
export const cookbook: ServerDef = {
  name: 'cookbook',
  description: 'A cookbook with nutrition, a pantry, and menus for any number of people.',
  tools: [dishesIn, dishCard, amountsFor, nutritionOf, pantryLevel, pantryAdd, writeMenu],
  initial(rng, pool): CookbookState {
    const count = CATEGORIES.length * PER_CATEGORY;
    const named = CATEGORIES.flatMap((category) =>
      distinct(PER_CATEGORY, () =>
        pairName(rng, pool, 'dish', [NAME_FIRSTS, NAME_SECONDS[category]]),
      ).map((name) => ({ name, category })),
    );
    // Different times, so that one dish of a category is the quickest.
    const minutes = distinct(count, () => String(rng.int(9, 95)));
    const dishes = drawIds(rng, 'DISH', count, 103, 988).map(
      (id, i): Dish => ({
        id,
        ...(named[i] ?? { name: '', category: 'soup' }),
        minutes: Number(minutes[i]),
        ingredients: rng
          .sample(FOOD_NAMES.options, rng.int(3, 5))
          .map((food) => ({ food, grams: rng.int(1, FOODS[food].most / 5) * 5 })),
      }),
    );
    const pantry = FOOD_NAMES.options.map((id) => ({ id, grams: rng.int(4, 60) * 50 }));
    return { dishes, pantry, menus: [] };
  },
};
