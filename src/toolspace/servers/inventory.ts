// The built-in inventory: items with a place, a count, a price and a cost. Knows nothing of tasks
// or transports.
import { z } from 'zod';
import { defined } from '../../base/assert.ts';
import { byId, byName, changed, defineTool, drawIds, type ServerDef } from '../server.ts';
import { distinct, itemName } from '../values.ts';

export const PLACES = ['shop', 'store', 'cellar', 'attic'] as const;

export type Item = {
  id: string;
  name: string;
  place: string;
  count: number;
  price: number;
  cost: number;
};
export type InventoryState = { items: Item[] };

const id = z.string().describe('item id');

const findItem = defineTool({
  name: 'find_item',
  description: 'Finds an item by its name.',
  input: z.strictObject({ name: z.string() }),
  kind: 'reads',
  run(state: InventoryState, { name }) {
    const item = byName(state.items, name, (entity) => entity.name);
    if (typeof item === 'string') return { error: item };
    return { value: { id: item.id, place: item.place } };
  },
});

const listItems = defineTool({
  name: 'list_items',
  description: 'Lists the ids of the items of one place.',
  input: z.strictObject({ place: z.enum(PLACES) }),
  kind: 'reads',
  run(state: InventoryState, { place }) {
    const items = state.items.filter((item) => item.place === place);
    return { value: { ids: items.map((item) => item.id) } };
  },
});

function reader(name: string, description: string, field: 'count' | 'price' | 'cost') {
  return defineTool({
    name,
    description,
    input: z.strictObject({ id }),
    kind: 'reads',
    run(state: InventoryState, args) {
      const item = byId(state.items, args.id);
      if (typeof item === 'string') return { error: item };
      return { value: { [field]: item[field] } };
    },
  });
}

const setPrice = defineTool({
  name: 'set_price',
  description: 'Sets the selling price of an item.',
  input: z.strictObject({ id, price: z.number().min(0) }),
  kind: 'sets',
  run(state: InventoryState, { id: itemId, price }) {
    const item = byId(state.items, itemId);
    if (typeof item === 'string') return { error: item };
    const items = changed(state.items, item.id, { price });
    return { value: { id: item.id, price }, state: { items } };
  },
});

const addStock = defineTool({
  name: 'add_stock',
  description: 'Adds pieces to the stock of an item.',
  input: z.strictObject({ id, count: z.number().min(1) }),
  kind: 'adds',
  run(state: InventoryState, args) {
    const item = byId(state.items, args.id);
    if (typeof item === 'string') return { error: item };
    const count = item.count + args.count;
    const items = changed(state.items, item.id, { count });
    return { value: { id: item.id, count }, state: { items } };
  },
});

/** The inventory server. Its state is `{items: [{id, name, place, count, price, cost}]}`. */
export const inventory: ServerDef = {
  name: 'inventory',
  description: 'Items with a place, a stock count, a price and a cost.',
  tools: [
    findItem,
    listItems,
    reader('get_stock', 'Reads how many pieces of an item are in stock.', 'count'),
    reader('get_price', 'Reads the selling price of an item.', 'price'),
    reader('get_cost', 'Reads what an item costs to buy.', 'cost'),
    setPrice,
    addStock,
  ],
  initial(rng, pool): InventoryState {
    const count = rng.int(8, 10);
    const names = distinct(count, () => itemName(rng, pool));
    const items = drawIds(rng, 'I', count, 11, 97).map((itemId, i) => {
      const cost = rng.int(4, 70);
      return {
        id: itemId,
        name: defined(names[i], 'name'),
        place: rng.pick(PLACES),
        count: rng.int(3, 60),
        price: cost + rng.int(1, 29),
        cost,
      };
    });
    return { items };
  },
};
