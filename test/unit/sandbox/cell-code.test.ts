import { describe, expect, test } from 'vitest';
import { cellScript } from '../../../src/sandbox/cell-code.ts';
import { shapeOf, unknownText } from '../../../src/sandbox/hints.ts';
import { isKey, isVariable, keysFor, variablesFor } from '../../../src/sandbox/identifiers.ts';
import { Printed } from '../../../src/sandbox/printed.ts';

const script = (code: string) => cellScript(code, new Map([['shop', 'a server']]));

describe('a cell as a script', () => {
  test.each([
    ['const a = 1, b = 2; let c;', 'var a = 1, b = 2; var c = undefined;\n;void 0'],
    ['let {x, y: [z]} = f();', 'var {x, y: [z]} = f();\n;void 0'],
    ['class A extends B {}', 'var A = class A extends B {};\n;void 0'],
    ['function f() { const a = 1; }', 'function f() { const a = 1; }\n;void 0'],
    ['const a = 1;\na, 2;', 'var a = 1;\n await (a, 2);'],
    ['({ a: 1 })', ' await ({ a: 1 }))'.replace(' await (', '( await (')],
    ['if (a) { let b = 1; b }', 'if (a) { let b = 1; b }\n;void 0'],
    ['// only a comment', '// only a comment\n;void 0'],
    ['', '\n;void 0'],
  ])('%s', (code, wanted) => {
    expect(script(code)).toEqual({ script: wanted });
  });

  test.each([
    ['const shop = 1', "'shop' is a server", null],
    ['const { a: [shop] } = x', "'shop' is a server", null],
    ['const [a = 1, ...shop] = x', "'shop' is a server", null],
    ['function shop() {}', "'shop' is a server", null],
    ['\n\nimport a from "a"', 'there is nothing to import', 3],
    ['export const a = 1', 'import', 1],
    ['const a = 1;\nconst a = 2', "Identifier 'a' has already been declared", 2],
    [`${'['.repeat(30_000)}`, '', null],
  ])('%s is refused', (code, complaint, line) => {
    const found = script(code);
    if ('script' in found) throw new Error(found.script);
    expect(found.complaint).toContain(complaint);
    if (code.length < 100) expect(found.line).toBe(line);
  });
});

describe('names', () => {
  test('servers become variables, all different, the plain ones as they are', () => {
    const names = ['odd-name', 'odd name', 'odd_name', 'class', '2nd', 'print', '', 'shop', 'ü'];
    const found = variablesFor(names);
    expect(found).toEqual([
      'odd_name2',
      'odd_name3',
      'odd_name',
      'class_',
      '_2nd',
      'print_',
      '_',
      'shop',
      '_2',
    ]);
    expect(new Set(found).size).toBe(names.length);
    expect(found.every(isVariable)).toBe(true);
  });

  test('tools become keys, which may be keywords', () => {
    expect(keysFor(['delete', 'do-it', 'do it', 'find'])).toEqual([
      'delete',
      'do_it',
      'do_it2',
      'find',
    ]);
    expect(['a.b', 'a-b', '1', ''].some(isKey)).toBe(false);
  });
});

test('unknown names are told with the nearest', () => {
  const names = ['shop.find_item', 'shop.say', 'odd.do_it'];
  expect(unknownText('tool', 'find_itm', names)).toBe(
    "unknown tool 'find_itm', did you mean shop.find_item?",
  );
  expect(unknownText('tool', 'xyzzyplugh', names)).toBe(
    "unknown tool 'xyzzyplugh', there are shop.find_item, shop.say, odd.do_it",
  );
});

test('the shape of a value', () => {
  expect(
    shapeOf({ id: 'x', n: 1, list: [{ a: null }], none: [], deep: { a: { b: { c: 1 } } } }),
  ).toBe('{id: string, n: number, list: [{a: null}], none: [], deep: {a: {b: {…}}}}');
  const wide = Object.fromEntries(Array.from({ length: 14 }, (_, i) => [`k${i}`, true]));
  expect(shapeOf(wide)).toMatch(/k11: boolean, …}$/);
});

test('output is cut at its limit, and what is missing is counted', () => {
  const printed = new Printed(10);
  printed.add('12345');
  printed.add('67890');
  printed.add('abc');
  // 5 + 1 + 4 characters are kept; 1 of the second line and all 4 of the third with its break are not.
  expect([printed.text, printed.cutCharacters]).toEqual(['12345\n6789', 5]);
});
