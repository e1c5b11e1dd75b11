// Requests to the statistics. Knows nothing of how parts are combined.
import { type Draft, type Family, stateIs } from '../draft.ts';
import { asking, askingAndChanging, changing, field, readNumber, rowsOf } from '../parts.ts';
import type { DataSet, StatisticsState } from '../servers/statistics.ts';

/** What requests call the members of a summary. */
const MEASURES = [
  ['mean', 'mean'],
  ['median', 'median'],
  ['sample variance', 'variance'],
  ['standard deviation', 'deviation'],
  ['sum', 'sum'],
  ['largest value', 'max'],
  ['smallest value', 'min'],
] as const;

const sets = (draft: Draft) => draft.state<StatisticsState>('statistics').sets;

/** Two data sets of as many values. */
function takePair(draft: Draft): [DataSet, DataSet] {
  const x = draft.take(sets(draft));
  const y = draft.take(sets(draft).filter(({ values }) => values.length === x.values.length));
  return [x, y];
}

function idOf(draft: Draft, name: string, spelled = name): string {
  return String(field(draft.find('statistics:find_dataset', 'name', spelled, name), 'id'));
}

/** A limit near the middle of a data set. */
function limitIn(draft: Draft, { values }: DataSet): number {
  const middle = values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  return Math.round(middle) + draft.rng.int(-3, 3);
}

const valuesHave = (id: string, values: number[]) =>
  stateIs('statistics', ['sets', { id }, 'values'], values);

export const STATISTICS_REQUESTS: readonly Family[] = [
  {
    name: 'statistics_measure',
    tools: ['statistics:find_dataset', 'statistics:summarise'],
    byName: true,
    gives: 'number',
    phrasings: {
      train: [
        'What is the {measure} of [|the data set ]{name}?',
        '[Tell me|Give me|Calculate|Find] the {measure} of the data set {name}.',
        'Summarise [the data set |]{name}; what is its {measure}?',
      ],
      heldOut: [
        'I would like to know the {measure} of {name}.',
        'State the {measure} that the values of {name} have.',
      ],
    },
    draw(draft) {
      const { name } = draft.take(sets(draft));
      const [measure, key] = draft.rng.pick(MEASURES);
      const spelled = draft.spelled(name);
      const id = idOf(draft, name, spelled);
      const value = readNumber(draft, 'statistics:summarise', { id }, key);
      const slots = { measure, name: `'${spelled}'` };
      return { ...asking(slots, [value], `the ${measure} of '${name}'`), gives: value };
    },
  },
  {
    name: 'statistics_quantile',
    tools: ['statistics:quantile'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'What is the {p} quantile of [|the data set ]{id}?',
        '[Find|Give me|Calculate|Look up] the {p} quantile of {id}.',
        'Which value is the {p} quantile of {id}?',
      ],
      heldOut: [
        'The quantile of {id} at {p}, please.',
        'Below which value does a share of {p} of the data set {id} lie?',
      ],
    },
    draw(draft) {
      const { id } = draft.take(sets(draft));
      const p = draft.rng.int(1, 19) / 20;
      const value = readNumber(draft, 'statistics:quantile', { id, p }, 'value');
      const part = asking({ id, p: String(p) }, [value], `the ${p} quantile of ${id}`);
      return { ...part, gives: value };
    },
  },
  {
    name: 'statistics_correlation',
    tools: ['statistics:find_dataset', 'statistics:find_dataset', 'statistics:correlation'],
    byName: true,
    gives: 'number',
    phrasings: {
      train: [
        '[How strongly|How much] do {x} and {y} correlate?',
        'What is the correlation of {x} [and|with] {y}?',
        '[Calculate|Find|Give me] the correlation of the data sets {x} and {y}.',
      ],
      heldOut: [
        'I need the correlation coefficient of {x} and {y}.',
        'Do {x} and {y} rise and fall together? State their correlation.',
      ],
    },
    draw(draft) {
      const [x, y] = takePair(draft);
      const spelled = draft.spelled(x.name);
      const ids = { x: idOf(draft, x.name, spelled), y: idOf(draft, y.name) };
      const r = readNumber(draft, 'statistics:correlation', ids, 'r');
      const slots = { x: `'${spelled}'`, y: `'${y.name}'` };
      return { ...asking(slots, [r], `the correlation of '${x.name}' and '${y.name}'`), gives: r };
    },
  },
  {
    name: 'statistics_filter',
    tools: ['statistics:filter_values'],
    byName: false,
    takes: 'number',
    gives: 'number',
    phrasings: {
      train: [
        'How many values of [|the data set ]{id} are {side} {limit}?',
        'Count the values [of|in] {id} [|that are ]{side} {limit}.',
        '[Tell me|Find out] how many values [of|in] {id} [are|lie] {side} {limit}.',
      ],
      heldOut: [
        'The data set {id} has how many values {side} {limit}?',
        'State the number of values in {id} that are {side} {limit}.',
      ],
    },
    draw(draft) {
      const set = draft.take(sets(draft));
      const { id } = set;
      const side = draft.rng.pick(['above', 'below'] as const);
      const { value: limit, shown } = draft.given('number', () => limitIn(draft, set));
      const count = readNumber(
        draft,
        'statistics:filter_values',
        { id, where: { [side]: limit } },
        'count',
      );
      const what = `how many values of ${id} are ${side} ${limit}`;
      return { ...asking({ id, side, limit: shown }, [count], what), gives: count };
    },
  },
  {
    name: 'statistics_predict',
    tools: ['statistics:linear_regression'],
    byName: false,
    takes: 'number',
    gives: 'number',
    phrasings: {
      train: [
        'Fit a line with {x} as x and {y} as y; what [does it predict|is y] where x is {at}?',
        '[Predict|Estimate] {y} from {x} by linear regression, where {x} is {at}.',
        '[By|With] a straight line fitted to {x} as x and {y} as y, what is y where x is {at}?',
      ],
      heldOut: [
        'Regress {y} on {x} and state the prediction where x is {at}.',
        'What value of {y} goes with {at} in {x}, by least squares?',
      ],
    },
    draw(draft) {
      const [x, y] = takePair(draft);
      const { value: at, shown } = draft.given('number', () => draft.rng.int(200, 700) / 10);
      const args = { x: x.id, y: y.id, at };
      const predicted = readNumber(draft, 'statistics:linear_regression', args, 'predicted');
      const what = `the prediction of ${y.id} where ${x.id} is ${at}`;
      return { ...asking({ x: x.id, y: y.id, at: shown }, [predicted], what), gives: predicted };
    },
  },
  {
    name: 'statistics_add_mean',
    tools: ['statistics:add_values', 'statistics:summarise'],
    byName: false,
    takes: 'number',
    gives: 'number',
    phrasings: {
      train: [
        'Add [|the value ]{value} to [|the data set ]{id} and [tell|give] me its new mean.',
        '[Append|Add] {value} to {id}; what is the mean then?',
        'What is the mean of {id} once {value} is [added|appended]? Do add it.',
      ],
      heldOut: [
        'The data set {id} gets one more value, {value}: note it, and state the mean it has afterwards.',
        'Put {value} at the end of {id} and name the mean that results.',
      ],
    },
    draw(draft) {
      const { id, values } = draft.take(sets(draft));
      const { value, shown } = draft.given('number', () => draft.rng.int(150, 800) / 10);
      draft.call('statistics:add_values', { id, values: [value] });
      const mean = readNumber(draft, 'statistics:summarise', { id }, 'mean');
      const part = askingAndChanging({ id, value: shown }, [mean], `the new mean of ${id}`, [
        valuesHave(id, [...values, value]),
      ]);
      return { ...part, gives: mean };
    },
  },
  {
    name: 'statistics_add',
    tools: ['statistics:find_dataset', 'statistics:add_values'],
    byName: true,
    phrasings: {
      train: [
        '[Add|Append] [|the values ]{a} and {b}, in this order, to [|the data set ]{name}.',
        '{name} has two new values, first {a}, then {b}; [add|append] them.',
        'Enter {a} and then {b} [in|into] the data set {name}.',
      ],
      heldOut: [
        'Two more values belong at the end of {name}: {a}, then {b}.',
        'Let the data set {name} end with two more values, {a} and then {b}.',
      ],
    },
    draw(draft) {
      const { id, name, values } = draft.take(sets(draft));
      const [a, b] = [draft.rng.int(150, 800) / 10, draft.rng.int(150, 800) / 10];
      const spelled = draft.spelled(name);
      const found = idOf(draft, name, spelled);
      draft.call('statistics:add_values', { id: found, values: [a, b] });
      return changing(
        { name: `'${spelled}'`, a: String(a), b: String(b) },
        `'${name}' ends with ${a} and ${b}`,
        [valuesHave(id, [...values, a, b])],
      );
    },
  },
  {
    name: 'statistics_fullest_bin',
    tools: ['statistics:find_dataset', 'statistics:histogram'],
    byName: true,
    gives: 'number',
    phrasings: {
      train: [
        '[Split|Divide|Sort] the values of {name} into {bins} bins; how many are in the fullest one?',
        'How many values does the fullest bin hold when {name} is [split|divided] into {bins} bins?',
        'Make a histogram of {name} with {bins} bins and [tell me|state] the count of the fullest bin.',
      ],
      heldOut: [
        'In a histogram of {bins} bins, how high is the highest bar for {name}?',
        'Of {bins} equally wide bins over {name}, the one with most values has how many?',
      ],
    },
    draw(draft) {
      const { name } = draft.take(sets(draft));
      const bins = draft.rng.int(3, 6);
      const spelled = draft.spelled(name);
      const id = idOf(draft, name, spelled);
      const rows = rowsOf(draft.call('statistics:histogram', { id, bins }), 'bins');
      const count = Math.max(...rows.map((row) => Number(field(row, 'count'))));
      const slots = { name: `'${spelled}'`, bins: String(bins) };
      const what = `how many values are in the fullest of ${bins} bins of '${name}'`;
      return { ...asking(slots, [count], what), gives: count };
    },
  },
  {
    name: 'statistics_last',
    tools: ['statistics:list_datasets', 'statistics:list_datasets', 'statistics:filter_values'],
    byName: false,
    takes: 'number',
    gives: 'number',
    phrasings: {
      train: [
        'How many values of the data set that [is last by name|ends the list] are {side} {limit}?',
        'Look up the last data set in the list and [count its values|tell me how many of its values are] {side} {limit}.',
        '[Find out|Tell me] how many values are {side} {limit} in the very last data set of the list.',
      ],
      heldOut: [
        'The list of data sets ends with one that has how many values {side} {limit}?',
        'Of the data set at the very end of the list, state how many values are {side} {limit}.',
      ],
    },
    draw(draft) {
      const { nextPage } = draft.call('statistics:list_datasets', {});
      draft.call('statistics:list_datasets', { page: nextPage ?? 1 });
      const name = sets(draft)
        .map((item) => item.name)
        .sort()
        .at(-1);
      const set = draft.take(sets(draft).filter((item) => item.name === name));
      const side = draft.rng.pick(['above', 'below'] as const);
      const { value: limit, shown } = draft.given('number', () => limitIn(draft, set));
      const where = { [side]: limit };
      const count = readNumber(draft, 'statistics:filter_values', { id: set.id, where }, 'count');
      const what = `how many values of the last data set are ${side} ${limit}`;
      return { ...asking({ side, limit: shown }, [count], what), gives: count };
    },
  },
];
