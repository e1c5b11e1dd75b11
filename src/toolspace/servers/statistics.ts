// The built-in statistics: named data sets and what is reckoned from them. Knows nothing of tasks or transports.
import { z } from 'zod';
import { defined } from '../../base/assert.ts';
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
import { distinct, pairName, rounded, words } from '../values.ts';

export type DataSet = { id: string; name: string; unit: string; values: number[] };
export type StatisticsState = { sets: DataSet[] };

/** Results are rounded to this many decimals. */
const DIGITS = 4;
const UNITS = ['cm', 'kg', 'litres', 'minutes', 'degrees', 'euros'] as const;

const PLACES = words(`
  harbor orchard glacier meadow canyon reef quarry delta ridge lagoon moor prairie fjord marsh
  plateau cove dune basin
`);
const COUNTS = words(`
  tides yields depths visits rainfall harvests sightings levels catches nests gusts crossings
  temperatures lengths weights delays intervals drifts
`);

const round = (value: number): number => rounded(value, DIGITS) + 0;
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;

/** The sum of products of the deviations of two lists from their means. */
function codeviation(xs: readonly number[], ys: readonly number[]): number {
  const [mx, my] = [mean(xs), mean(ys)];
  return sum(xs.map((x, i) => (x - mx) * (defined(ys[i], 'y') - my)));
}

/** Linear between the order statistics: type 7 of Hyndman & Fan 1996, The American Statistician 50(4). */
function quantileOf(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = p * (sorted.length - 1);
  const low = defined(sorted[Math.floor(place)], 'value');
  const high = defined(sorted[Math.ceil(place)], 'value');
  return low + (place - Math.floor(place)) * (high - low);
}

const setId = z.string().describe('data set id, such as DS-214');

const listDatasets = defineTool({
  name: 'list_datasets',
  description: 'Lists the data sets in the order of their names, some on each page.',
  input: z.strictObject({ page: z.int().min(1).default(1) }),
  output: pageSchema(z.strictObject({ id: z.string(), name: z.string(), count: z.int() })),
  kind: 'reads',
  run(state: StatisticsState, { page }) {
    const rows = state.sets
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ id, name, values }) => ({ id, name, count: values.length }));
    return pageOf(rows, page);
  },
});

const findDataset = defineTool({
  name: 'find_dataset',
  description: 'Finds a data set by its exact name.',
  input: z.strictObject({ name: z.string() }),
  output: z.strictObject({ id: z.string(), unit: z.string(), count: z.int() }),
  kind: 'reads',
  run(state: StatisticsState, { name }) {
    const set = byName(state.sets, name, (item) => item.name);
    if (typeof set === 'string') return { error: set };
    return { value: { id: set.id, unit: set.unit, count: set.values.length } };
  },
});

const summarise = defineTool({
  name: 'summarise',
  description:
    'Summarises a data set. Variance and deviation are those of a sample unless `population` is true.',
  input: z.strictObject({ id: setId, population: z.boolean().default(false) }),
  output: z.strictObject({
    count: z.int(),
    sum: z.number(),
    mean: z.number(),
    median: z.number(),
    variance: z.number(),
    deviation: z.number(),
    min: z.number(),
    max: z.number(),
  }),
  kind: 'reads',
  run(state: StatisticsState, { id, population }) {
    const set = byId(state.sets, id);
    if (typeof set === 'string') return { error: set };
    const { values } = set;
    const variance = codeviation(values, values) / (values.length - (population ? 0 : 1));
    return {
      value: {
        count: values.length,
        sum: round(sum(values)),
        mean: round(mean(values)),
        median: round(quantileOf(values, 0.5)),
        variance: round(variance),
        deviation: round(Math.sqrt(variance)),
        min: Math.min(...values),
        max: Math.max(...values),
      },
    };
  },
});

const quantile = defineTool({
  name: 'quantile',
  description:
    'Gives a quantile of a data set, linear between neighbouring values: p is 0 for the smallest value and 1 for the largest.',
  input: z.strictObject({ id: setId, p: z.number().min(0).max(1) }),
  output: z.strictObject({ value: z.number() }),
  kind: 'reads',
  run(state: StatisticsState, { id, p }) {
    const set = byId(state.sets, id);
    if (typeof set === 'string') return { error: set };
    return { value: { value: round(quantileOf(set.values, p)) } };
  },
});

/** The values of two data sets that go together one by one, or why they do not. */
function paired(state: StatisticsState, ids: { x: string; y: string }) {
  const x = byId(state.sets, ids.x);
  const y = byId(state.sets, ids.y);
  if (typeof x === 'string') return x;
  if (typeof y === 'string') return y;
  if (x.values.length !== y.values.length) {
    return `${x.id} has ${x.values.length} values and ${y.id} ${y.values.length}, need as many`;
  }
  const flat = [x, y].find(({ values }) => codeviation(values, values) === 0);
  return flat === undefined ? { xs: x.values, ys: y.values } : `all values of ${flat.id} are equal`;
}

const correlation = defineTool({
  name: 'correlation',
  description:
    "Gives Pearson's correlation r of two data sets. Fails when they do not have as many values.",
  input: z.strictObject({ x: setId, y: setId }),
  output: z.strictObject({ r: z.number(), count: z.int() }),
  kind: 'reads',
  run(state: StatisticsState, ids) {
    const pair = paired(state, ids);
    if (typeof pair === 'string') return { error: pair };
    const { xs, ys } = pair;
    const r = codeviation(xs, ys) / Math.sqrt(codeviation(xs, xs) * codeviation(ys, ys));
    return { value: { r: round(r), count: xs.length } };
  },
});

const linearRegression = defineTool({
  name: 'linear_regression',
  description:
    'Fits a straight line y = intercept + slope x by least squares, and predicts y where x is given as `at`.',
  input: z.strictObject({ x: setId, y: setId, at: z.number().optional() }),
  output: z.strictObject({
    slope: z.number(),
    intercept: z.number(),
    rSquared: z.number(),
    predicted: z.number().nullable(),
  }),
  kind: 'reads',
  run(state: StatisticsState, { x, y, at }) {
    const pair = paired(state, { x, y });
    if (typeof pair === 'string') return { error: pair };
    const { xs, ys } = pair;
    const slope = codeviation(xs, ys) / codeviation(xs, xs);
    const intercept = mean(ys) - slope * mean(xs);
    const rSquared = (slope * codeviation(xs, ys)) / codeviation(ys, ys);
    return {
      value: {
        slope: round(slope),
        intercept: round(intercept),
        rSquared: round(rSquared),
        predicted: at === undefined ? null : round(intercept + slope * at),
      },
    };
  },
});

const bin = z.strictObject({ from: z.number(), to: z.number(), count: z.int() });

const histogram = defineTool({
  name: 'histogram',
  description:
    'Counts the values of a data set in bins of equal width; a value on an edge belongs to the higher bin. `fullest` is the first of the fullest bins.',
  input: z.strictObject({ id: setId, bins: z.int().min(2).max(10) }),
  output: z.strictObject({ bins: z.array(bin), fullest: bin }),
  kind: 'reads',
  run(state: StatisticsState, args) {
    const set = byId(state.sets, args.id);
    if (typeof set === 'string') return { error: set };
    const low = Math.min(...set.values);
    const width = (Math.max(...set.values) - low) / args.bins;
    if (width === 0) return { error: `all values of ${set.id} are equal` };
    const counts = Array.from({ length: args.bins }, () => 0);
    for (const value of set.values) {
      // Rounded, so that a value on an edge is not lost below it; the last edge has no higher bin.
      const place = Math.min(Math.floor(rounded((value - low) / width, 9)), args.bins - 1);
      counts[place] = (counts[place] ?? 0) + 1;
    }
    const bins = counts.map((count, i) => ({
      from: round(low + i * width),
      to: round(low + (i + 1) * width),
      count,
    }));
    const fullest = defined(bins[counts.indexOf(Math.max(...counts))], 'bin');
    return { value: { bins, fullest } };
  },
});

const filterValues = defineTool({
  name: 'filter_values',
  description: 'Gives the values of a data set that lie strictly above or below a limit, or both.',
  input: z.strictObject({
    id: setId,
    where: z.strictObject({ above: z.number(), below: z.number() }).partial(),
  }),
  output: z.strictObject({ values: z.array(z.number()), count: z.int() }),
  kind: 'reads',
  run(state: StatisticsState, { id, where }) {
    const set = byId(state.sets, id);
    if (typeof set === 'string') return { error: set };
    const { above = Number.NEGATIVE_INFINITY, below = Number.POSITIVE_INFINITY } = where;
    const values = set.values.filter((value) => value > above && value < below);
    return { value: { values, count: values.length } };
  },
});

const addValues = defineTool({
  name: 'add_values',
  description: 'Adds one to ten values to the end of a data set.',
  input: z.strictObject({ id: setId, values: z.array(z.number()).min(1).max(10) }),
  output: z.strictObject({ id: z.string(), count: z.int() }),
  kind: 'adds',
  run(state: StatisticsState, args) {
    const set = byId(state.sets, args.id);
    if (typeof set === 'string') return { error: set };
    const values = [...set.values, ...args.values];
    return {
      value: { id: set.id, count: values.length },
      state: { sets: changed(state.sets, set.id, { values }) },
    };
  },
});

/** The statistics server. Its state is `{sets: [{id, name, unit, values}]}`. */
export const statistics: ServerDef = {
  name: 'statistics',
  description: 'Named data sets, their statistics and how they go together.',
  tools: [
    listDatasets,
    findDataset,
    summarise,
    quantile,
    correlation,
    linearRegression,
    histogram,
    filterValues,
    addValues,
  ],
  initial(rng, pool): StatisticsState {
    const names = distinct(8, () => pairName(rng, pool, 'data set', [PLACES, COUNTS]));
    const count = rng.int(8, 12);
    const trend = Array.from({ length: count }, () => rng.next());
    const ids = drawIds(rng, 'DS', names.length, 101, 987);
    const sets = names.map((name, i): DataSet => {
      // Part of each set follows one trend, so that sets correlate, some of them negatively.
      const share = rng.int(-18, 18);
      const level = rng.int(20, 60);
      const values = trend.map((at) => rounded(level + share * at + rng.int(-60, 60) / 10, 1));
      return { id: defined(ids[i], 'id'), name, unit: rng.pick(UNITS), values };
    });
    return { sets };
  },
};
