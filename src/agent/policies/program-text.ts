// The text of the oracle's programs: names of variables, and arguments that are taken from earlier results where they
// equal one. Must not know how an episode runs.
import { defined } from '../../base/assert.ts';
import { isKey, isVariable, keysFor, variablesFor } from '../../sandbox/identifiers.ts';
import type { Json } from '../../trajectory/json.ts';
import type { OracleStep } from '../../trajectory/task.ts';
import type { ServerSpec } from '../../trajectory/tool.ts';

/** A result that was printed, and the variable that holds it. */
export interface SeenResult {
  variable: string;
  value: Json;
}

/** A place in a result. */
interface Place {
  expression: string;
  /** The member's name; empty for a result itself and an element of a list. */
  key: string;
  value: Json;
}

export class ProgramText {
  readonly #paths = new Map<string, string>();
  readonly #taken: Set<string>;
  readonly #request: string;
  readonly #numbers: ReadonlySet<number>;

  constructor(servers: readonly ServerSpec[], request: string) {
    const variables = variablesFor(servers.map(({ name }) => name));
    servers.forEach(({ name, tools }, s) => {
      const keys = keysFor(tools.map((tool) => tool.name));
      tools.forEach((tool, t) => {
        this.#paths.set(`${name}:${tool.name}`, `${variables[s]}.${keys[t]}`);
      });
    });
    this.#taken = new Set(variables);
    this.#request = request.toLowerCase();
    this.#numbers = new Set((request.match(/-?\d+(?:\.\d+)?/g) ?? []).map(Number));
  }

  /** A tool as a program calls it. */
  path({ server, tool }: Pick<OracleStep, 'server' | 'tool'>): string {
    return defined(this.#paths.get(`${server}:${tool}`), `tool ${server}:${tool} in the episode`);
  }

  /** A new variable for a result: `find_item` gives `item`, and `item2` when that is taken. */
  variableFor(tool: string): string {
    const words = tool.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
    const [first = 'result', ...rest] = words.length > 1 ? words.slice(1) : words;
    const name =
      first + rest.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('');
    const base = isVariable(name) ? name : 'result';
    let candidate = base;
    for (let n = 2; this.#taken.has(candidate); n++) candidate = `${base}${n}`;
    this.#taken.add(candidate);
    return candidate;
  }

  /** Whether each value of the step's arguments is in the request or in a result. */
  isKnown(step: OracleStep, results: readonly SeenResult[]): boolean {
    const places = placesIn(results);
    const known = (value: Json): boolean => {
      if (typeof value === 'object' && value !== null) return Object.values(value).every(known);
      return this.#isAsked(value) || places.some((place) => place.value === value);
    };
    return Object.values(step.arguments).every(known);
  }

  /** The step's arguments as the text of an object; empty when there are none. */
  argumentsOf(step: OracleStep, results: readonly SeenResult[]): string {
    const names = Object.keys(step.arguments);
    return names.length === 0 ? '' : this.#written('', step.arguments, placesIn(results));
  }

  #written(key: string, value: Json, places: readonly Place[]): string {
    if (Array.isArray(value)) {
      return `[${value.map((item) => this.#written(key, item, places)).join(', ')}]`;
    }
    if (typeof value === 'object' && value !== null) {
      const members = Object.entries(value).map(([name, item]) => {
        const shown = isKey(name) ? name : quoted(name);
        return `${shown}: ${this.#written(name, item, places)}`;
      });
      return `{${members.join(', ')}}`;
    }
    if (!this.#isAsked(value)) {
      const found = places.filter((place) => place.value === value);
      const [place] = [...found.filter((one) => one.key === key), ...found];
      if (place !== undefined) return place.expression;
    }
    return typeof value === 'string' ? quoted(value) : JSON.stringify(value);
  }

  /** Whether the request says a value; what is neither text nor number needs no source. */
  #isAsked(value: Json): boolean {
    if (typeof value === 'string') return this.#request.includes(value.toLowerCase());
    return typeof value !== 'number' || this.#numbers.has(value);
  }
}

/** Every text and number in results, latest result first, outer before inner. */
function placesIn(results: readonly SeenResult[]): Place[] {
  const found: Place[] = [];
  for (const { variable, value } of results.toReversed()) {
    const waiting: Place[] = [{ expression: variable, key: '', value }];
    for (let place = waiting.shift(); place !== undefined; place = waiting.shift()) {
      const { expression, value: at } = place;
      if (Array.isArray(at)) {
        waiting.push(
          ...at.map((item, i) => ({ expression: `${expression}[${i}]`, key: '', value: item })),
        );
      } else if (typeof at === 'object' && at !== null) {
        for (const [key, item] of Object.entries(at)) {
          const inner = isKey(key) ? `.${key}` : `[${quoted(key)}]`;
          waiting.push({ expression: expression + inner, key, value: item });
        }
      } else if (typeof at === 'string' || typeof at === 'number') found.push(place);
    }
  }
  return found;
}

/** A text in single quotes: in a call they need no escape. */
function quoted(text: string): string {
  const inner = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'");
  return `'${inner}'`;
}
