// JSON Schema -> the expression of JSON texts that follow it. Kept: type, enum, const, properties, required, items,
// prefixItems, additionalProperties, the bounds of lengths, counts and numbers, anyOf, oneOf, allOf, local $ref, and the
// pattern or a common format of a string, which then has no bounds of length. What is left to the check of a finished call:
// other patterns and formats, multipleOf other than whole numbers, uniqueItems, contains, not, if.
import type { Json, JsonObject } from '../../trajectory/json.ts';
import { anyCharacter } from './characters.ts';
import type { Expression, Expressions } from './expression.ts';
import { numberText } from './number-text.ts';
import { tryPattern } from './pattern.ts';
import { tagless, withoutTags } from './tags.ts';

const ANY_NUMBER = {
  integer: false,
  min: Number.NEGATIVE_INFINITY,
  max: Number.POSITIVE_INFINITY,
  minOpen: false,
  maxOpen: false,
};
/** Keywords that tell the type where a schema does not. */
const TYPE_OF: Readonly<Record<string, string>> = {
  properties: 'object',
  required: 'object',
  additionalProperties: 'object',
  items: 'array',
  prefixItems: 'array',
  minItems: 'array',
  maxItems: 'array',
  minLength: 'string',
  maxLength: 'string',
  pattern: 'string',
  format: 'string',
  minimum: 'number',
  maximum: 'number',
  multipleOf: 'number',
};

/** What a format allows, roughly: the days of a month, say, are left to the check. */
const FORMATS: Readonly<Record<string, string>> = {
  date: '^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])$',
  time: '^([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d+)?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)$',
  'date-time':
    '^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])T([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d+)?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)$',
  uuid: '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$',
  ipv4: '^((25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)\\.){3}(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)$',
  email:
    '^[A-Za-z0-9_+-]+(\\.[A-Za-z0-9_+-]+)*@[A-Za-z0-9]+(-[A-Za-z0-9]+)*(\\.[A-Za-z0-9]+(-[A-Za-z0-9]+)*)+$',
  uri: "^[A-Za-z][A-Za-z0-9+.-]*:(//)?[A-Za-z0-9_~.-]+(:\\d{1,4})?(/[A-Za-z0-9_~!&'()*+,;=:@.-]*)*(\\?[A-Za-z0-9_~!&'()*+,;=:@/.-]*)?$",
};

interface Member {
  readonly required: boolean;
  /** `"name": value` */
  readonly pair: Expression;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isAnything(schema: Json | undefined): boolean {
  return schema === true || (isObject(schema) && Object.keys(schema).length === 0);
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function numberOr(value: Json | undefined, other: number): number {
  return typeof value === 'number' ? value : other;
}

/** Schemas inside one root schema. */
export class SchemaExpressions {
  readonly #all: Expressions;
  readonly #root: JsonObject;
  readonly #label: number;
  /** Nothing, a space or a newline: models write no other space between the parts of a call. */
  readonly space: Expression;

  constructor(all: Expressions, root: JsonObject) {
    this.#all = all;
    this.#root = root;
    this.#label = all.label(JSON.stringify(root));
    this.space = all.alt([all.empty, all.byteOf([0x20, 0x20], [0x0a, 0x0a])]);
  }

  /** JSON texts of values that follow a schema. */
  value(schema: Json): Expression {
    if (schema === false) return this.#all.never;
    if (!isObject(schema)) return this.#any();
    if (isAnything(schema['not'])) return this.#all.never;
    if (typeof schema['$ref'] === 'string') return this.#reference(schema['$ref']);
    if ('const' in schema) return this.literal(schema['const'] ?? null);
    if (Array.isArray(schema['enum'])) {
      return this.#all.alt(schema['enum'].map((value) => this.literal(value)));
    }
    const { allOf, anyOf, oneOf, ...rest } = schema;
    if (Array.isArray(allOf)) {
      const parts = allOf.map((part) => this.#resolved(part)).filter(isObject);
      return this.value({ ...parts.reduce(merged, rest), ...defined({ anyOf, oneOf }) });
    }
    const options = [...listOf(anyOf), ...listOf(oneOf)];
    if (options.length > 0) {
      return this.#all.alt(options.map((option) => this.#option(rest, option)));
    }
    return this.#all.alt(typesOf(rest).map((type) => this.#typed(rest, type)));
  }

  #option(rest: JsonObject, option: Json): Expression {
    if (Object.keys(rest).every((key) => !(key in TYPE_OF) && key !== 'type')) {
      return this.value(option);
    }
    const resolved = this.#resolved(option);
    return isObject(resolved) ? this.value(merged(rest, resolved)) : this.value(resolved && rest);
  }

  #typed(schema: JsonObject, type: string): Expression {
    const all = this.#all;
    switch (type) {
      case 'object':
        return this.#object(schema);
      case 'array':
        return this.#array(schema);
      case 'string':
        return this.#text(schema);
      case 'boolean':
        return all.alt([all.text('true'), all.text('false')]);
      case 'null':
        return all.text('null');
      case 'number':
      case 'integer':
        return numberText(all, rangeOf(schema, type === 'integer'));
      default:
        return this.#any();
    }
  }

  /** Any JSON value. */
  #any(): Expression {
    return this.#all.lazy('any', () => {
      const words = ['true', 'false', 'null'].map((word) => this.#all.text(word));
      const many: [number, number] = [0, Number.POSITIVE_INFINITY];
      const list = this.#list('[', ']', this.#any(), many);
      const number = numberText(this.#all, ANY_NUMBER);
      return this.#all.alt([
        ...words,
        number,
        this.#string(0, Number.POSITIVE_INFINITY),
        list,
        this.#map(true, many),
      ]);
    });
  }

  #resolved(schema: Json): Json {
    const reference = isObject(schema) ? schema['$ref'] : undefined;
    return typeof reference === 'string' ? this.#pointed(reference) : schema;
  }

  /** What a local reference points at; true, any value, when it leads out of the schema. */
  #pointed(reference: string): Json {
    const [head, ...parts] = reference.split('/');
    let place: Json | undefined = head === '#' ? this.#root : undefined;
    for (const part of parts) {
      const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
      if (Array.isArray(place)) place = place[Number(key)];
      else place = isObject(place) && Object.hasOwn(place, key) ? place[key] : undefined;
    }
    return place ?? true;
  }

  #reference(reference: string): Expression {
    const key = `ref ${this.#label} ${reference}`;
    return this.#all.lazy(key, () => this.value(this.#pointed(reference)));
  }

  /** The JSON text of one value, without spaces. */
  literal(value: Json): Expression {
    return this.#all.text(withoutTags(JSON.stringify(value)));
  }

  #text({ minLength, maxLength, pattern, format }: JsonObject): Expression {
    const known = typeof format === 'string' && Object.hasOwn(FORMATS, format);
    const wanted = pattern ?? (known ? FORMATS[format] : null);
    const body = typeof wanted === 'string' ? tryPattern(this.#all, wanted) : null;
    if (body !== null) return this.#quoted(body);
    return this.#string(numberOr(minLength, 0), numberOr(maxLength, Number.POSITIVE_INFINITY));
  }

  #string(min: number, max: number): Expression {
    return this.#quoted(this.#all.repeat(anyCharacter(this.#all), min, max));
  }

  #quoted(body: Expression): Expression {
    const quote = this.#all.text('"');
    return this.#all.seq(quote, tagless(this.#all, this.#all.seq(body, quote)));
  }

  #object(schema: JsonObject): Expression {
    const { properties, additionalProperties: more } = schema;
    const required = listOf(schema['required']).filter((name) => typeof name === 'string');
    const declared = isObject(properties) ? properties : {};
    const closed = properties !== undefined || more === false || required.length > 0;
    if (!closed || (Object.keys(declared).length === 0 && more !== undefined && more !== false)) {
      const max = numberOr(schema['maxProperties'], Number.POSITIVE_INFINITY);
      return this.#map(more ?? true, [numberOr(schema['minProperties'], 0), max]);
    }
    const names = [...new Set([...Object.keys(declared), ...required])];
    const members = names.flatMap((name): Member[] => {
      const value = this.value(Object.hasOwn(declared, name) ? (declared[name] ?? true) : true);
      const pair = this.#pair(this.literal(name), value);
      const needed = required.includes(name);
      return pair === this.#all.never && !needed ? [] : [{ required: needed, pair }];
    });
    const key = `object ${this.#label} ${this.#all.label(JSON.stringify(schema))}`;
    return this.#all.seq(this.#all.text('{'), this.space, this.#members(key, members, []));
  }

  /** The members that are left, in any order, and the closing brace. */
  #members(key: string, members: readonly Member[], used: readonly number[]): Expression {
    const all = this.#all;
    const rest = members.map((_, index) => index).filter((index) => !used.includes(index));
    const needed = rest.filter((index) => members[index]?.required);
    if (needed.some((index) => members[index]?.pair === all.never)) return all.never;
    const next = rest.map((index) => {
      const after = [...used, index].sort((a, b) => a - b);
      const follow = all.lazy(`${key} ${after.join()}`, () => this.#members(key, members, after));
      return all.seq(members[index]?.pair ?? all.never, follow);
    });
    const close = needed.length === 0 ? all.text('}') : all.never;
    if (used.length === 0) return all.alt([...next, close]);
    const comma = all.seq(all.text(','), this.space, all.alt(next));
    return all.seq(this.space, all.alt([close, comma]));
  }

  #pair(name: Expression, value: Expression): Expression {
    return this.#all.seq(name, this.space, this.#all.text(':'), this.space, value);
  }

  /** An object with any names. */
  #map(values: Json, counts: [number, number]): Expression {
    const pair = this.#pair(this.#string(0, Number.POSITIVE_INFINITY), this.value(values));
    return this.#list('{', '}', pair, counts);
  }

  #array(schema: JsonObject): Expression {
    const first = listOf(schema['prefixItems']).map((item) => this.value(item));
    const more = this.value(schema['items'] ?? true);
    const min = numberOr(schema['minItems'], 0);
    const max = numberOr(schema['maxItems'], Number.POSITIVE_INFINITY);
    if (first.length === 0) return this.#list('[', ']', more, [min, max]);
    const all = this.#all;
    const comma = all.seq(this.space, all.text(','), this.space);
    const kept = first.slice(0, Math.max(max, 0));
    const fixed = kept.flatMap((item, i) => (i === 0 ? [item] : [comma, item]));
    const tail = all.repeat(
      all.seq(comma, more),
      Math.max(min - kept.length, 0),
      max - kept.length,
    );
    return all.seq(all.text('['), this.space, ...fixed, tail, this.space, all.text(']'));
  }

  #list(open: string, close: string, item: Expression, [min, max]: [number, number]): Expression {
    const all = this.#all;
    const following = all.seq(this.space, all.text(','), this.space, item);
    const least = Math.max(min - 1, 0);
    const some = max < 1 ? all.never : all.seq(item, all.repeat(following, least, max - 1));
    const body = min > 0 ? some : all.alt([all.empty, some]);
    return all.seq(all.text(open), this.space, body, this.space, all.text(close));
  }
}

function typesOf(schema: JsonObject): readonly string[] {
  const { type } = schema;
  if (typeof type === 'string') return [type];
  if (Array.isArray(type)) return type.filter((name) => typeof name === 'string');
  const told = Object.keys(schema).find((key) => Object.hasOwn(TYPE_OF, key));
  return [told === undefined ? 'any' : (TYPE_OF[told] ?? 'any')];
}

function rangeOf(schema: JsonObject, integer: boolean) {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  const low = numberOr(minimum, ANY_NUMBER.min);
  const high = numberOr(maximum, ANY_NUMBER.max);
  const lowOpen = numberOr(exclusiveMinimum, ANY_NUMBER.min);
  const highOpen = numberOr(exclusiveMaximum, ANY_NUMBER.max);
  return {
    integer: integer || (typeof multipleOf === 'number' && Number.isInteger(multipleOf)),
    min: Math.max(low, lowOpen),
    max: Math.min(high, highOpen),
    // In draft 4 these are true or false, beside the bound.
    minOpen: exclusiveMinimum === true || (lowOpen >= low && Number.isFinite(lowOpen)),
    maxOpen: exclusiveMaximum === true || (highOpen <= high && Number.isFinite(highOpen)),
  };
}

function defined(schema: Record<string, Json | undefined>): JsonObject {
  const entries = Object.entries(schema).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as JsonObject;
}

/** A schema that asks for both; where both have a keyword, the second one's counts. */
function merged(a: JsonObject, b: JsonObject): JsonObject {
  const properties = [a['properties'], b['properties']].filter(isObject);
  const required = [...listOf(a['required']), ...listOf(b['required'])];
  return {
    ...a,
    ...b,
    ...(properties.length > 0 ? { properties: Object.assign({}, ...properties) } : {}),
    ...(required.length > 0 ? { required } : {}),
  };
}
