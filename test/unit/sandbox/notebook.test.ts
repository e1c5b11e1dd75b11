// What a notebook is to a program: state, output, calls, errors that help, limits.
import { afterEach, describe, expect, test } from 'vitest';
import { Rng } from '../../../src/base/rng.ts';
import { testSandbox } from '../../support/node-sandbox.ts';
import { type Bench, type BenchOptions, bench } from '../../support/notebook.ts';

const sandbox = testSandbox();
const open: Bench[] = [];
afterEach(() => {
  for (const { notebook } of open.splice(0)) notebook.close();
});

function opened(options: BenchOptions = {}): Bench {
  const made = bench(sandbox, options);
  open.push(made);
  return made;
}

/** Texts of programs that are run one after another in one notebook. */
async function texts(programs: readonly string[], options: BenchOptions = {}): Promise<string[]> {
  const { run } = opened(options);
  const found: string[] = [];
  for (const program of programs) found.push((await run(program)).text);
  return found;
}

const EMPTY = 'no output: print a value, or end the program with an expression';

describe('state and output', () => {
  test.each<[string, string[], string[]]>([
    ['const', ['const a = 1;', 'a + 1'], [EMPTY, '2']],
    ['let', ['let a = 1; a++;', 'a'], ['1', '2']],
    [
      'function',
      ['function f(x) { return g(x) * 2; } function g(x) { return x + 1; }', 'f(2)'],
      [EMPTY, '6'],
    ],
    ['class', ['class A { m() { return 7; } }', 'new A().m()'], [EMPTY, '7']],
    [
      'patterns',
      ['const { a, b: [c, ...d], ...e } = { a: 1, b: [2, 3, 4], f: 5 };', '[a, c, d, e]'],
      [EMPTY, '[1,2,[3,4],{"f":5}]'],
    ],
    [
      'declared anew',
      ['const a = 1;', 'const a = a + 1; a', 'let a; typeof a', 'class a {} typeof a'],
      [EMPTY, '2', 'undefined', 'function'],
    ],
    ['without a declaration', ['a = 4;', 'a'], ['4', '4']],
    [
      'blocks keep theirs',
      ['{ const a = 1; } for (let i = 0; i < 2; i++);', 'typeof a + typeof i'],
      [EMPTY, 'undefinedundefined'],
    ],
    [
      'await',
      ['const a = await Promise.resolve(3); const f = async () => a;', 'await f()', 'f()'],
      [EMPTY, '3', '3'],
    ],
    [
      'for await',
      ['let n = 0; for await (const x of [1, Promise.resolve(2)]) n += x;', 'n'],
      [EMPTY, '3'],
    ],
    [
      'what was there before an error stays',
      ['const a = 1; throw new Error("no"); const b = 2;', '[a, typeof b]'],
      ['Error in line 1: no', '[1,"undefined"]'],
    ],
    [
      'print',
      ['print("a", 1, [2], { b: null }); console.log("c"); 5'],
      ['a 1 [2] {"b":null}\nc\n5'],
    ],
    [
      'values',
      [
        '[1n < 2n, new Map([["a", 1]]).size]',
        'new Map([["a", [1]]])',
        'new Set([1])',
        'null',
        'x => x',
        'Symbol("s")',
      ],
      ['[true,1]', '[["a",[1]]]', '[1]', 'null', '[function ]', 'Symbol(s)'],
    ],
    [
      'a last value that is an assignment or a condition',
      ['let a = 1; a = 2', 'a > 1 ? "yes" : "no"'],
      ['2', 'yes'],
    ],
    ['no value of a last statement', ['if (true) 5;', 'for (const x of [1]) x;'], [EMPTY, EMPTY]],
    ['strict programs', ['"use strict"; const a = 1; a', 'a'], ['1', '1']],
    ['comments and templates', ['const a = `1`; // const a = 2\n/* let b */ a'], ['1']],
  ])('%s', async (_, programs, found) => {
    expect(await texts(programs)).toEqual(found);
  });

  test('two notebooks share nothing', async () => {
    const [a, b] = [opened(), opened()];
    await a.run('globalThis.x = 1; Array.prototype.y = 2;');
    expect((await b.run('[typeof x, [].y ?? 0]')).text).toBe('["undefined",0]');
  });
});

describe('calls', () => {
  test('results are parsed values, or texts where they are none', async () => {
    const made = opened();
    const code = 'const item = await shop.find_item({ name: "red lamp" });\nprint(item.tags[0]);\n';
    expect((await made.run(`${code}await shop.say({ text: "hello {" })`)).text).toBe(
      'new\nhello {',
    );
    expect((await made.run('(await shop.get_price({ id: item.id })).price * 2')).text).toBe('25');
    expect(made.calls.map(({ tool, arguments: args }) => [tool, args])).toEqual([
      ['find_item', { name: 'red lamp' }],
      ['say', { text: 'hello {' }],
      ['get_price', { id: 'I-42' }],
    ]);
  });

  test('names that are no identifiers work too', async () => {
    const programs = [
      'await odd_name.do_it({ a: 1 })',
      "await servers['odd-name']['do-it']({ b: [2] })",
      'Object.keys(shop)',
    ];
    expect(await texts(programs)).toEqual([
      '{"a":1}',
      '{"b":[2]}',
      '["find_item","get_price","list_items","say","get_tools_info"]',
    ]);
  });

  test('calls made at once are made in the order of the program', async () => {
    const made = opened({
      call: async ({ arguments: args }) => {
        await new Promise((done) => setTimeout(done, args?.['n'] === 0 ? 30 : 1));
        return { text: JSON.stringify(args), isError: false };
      },
    });
    const code =
      'const all = await Promise.all([0, 1, 2].map((n) => odd_name.do_it({ n }))); all.length';
    expect((await made.run(code)).text).toBe('3');
    expect(made.calls.map((call) => call.arguments)).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }]);
  });

  test('a program that does not wait for its calls ends after them', async () => {
    const made = opened();
    const { text } = await made.run('shop.list_items().then((all) => print(all)); 1');
    expect(text).toBe('["red lamp","big cup"]\n1');
  });

  test('get_tools_info gives texts at once, and is told', async () => {
    const made = opened();
    const code =
      "print(get_tools_info(['shop.say', 'odd-name:do-it'])); shop.get_tools_info('find_item')";
    expect((await made.run(code)).text).toBe(
      'shop.say: what it does\nodd-name.do-it: what it does\nshop.find_item: what it does',
    );
    expect(made.infos).toEqual([
      ['', ['shop.say', 'odd-name:do-it']],
      ['shop', ['find_item']],
    ]);
    expect((await made.run("get_tools_info('shop.find_itm')")).text).toBe(
      "unknown tool 'shop.find_itm', did you mean shop.find_item?",
    );
  });
});

describe('errors help', () => {
  const MISUSE =
    'hint: a result was used as something that it is not: print it, or read its form in get_tools_info\n';
  test.each<[string, string, string]>([
    [
      'a failed call',
      'print(1);\nawait shop.find_item({ name: "red lmp" });',
      "1\nfailed call shop.find_item: not found: 'red lmp', did you mean 'red lamp'?\nstopped by the failed call in line 2",
    ],
    [
      'all failed calls, caught ones too',
      'for (const name of ["a", "b"]) try { await shop.find_item({ name }); } catch (e) { print(e.name); }',
      "ToolError\nToolError\nfailed call shop.find_item: not found: 'a', did you mean 'red lamp'?\nfailed call shop.find_item: not found: 'b', did you mean 'red lamp'?",
    ],
    [
      'an argument by position',
      'await shop.find_item("red lamp")',
      'failed call shop.find_item: takes one object with its arguments by name, as in shop.find_item({name: value})\nstopped by the failed call in line 1',
    ],
    [
      'an argument that is undefined',
      'const r = await shop.find_item({ name: "red lamp" });\nawait shop.get_price({ id: r.ID })',
      'failed call shop.get_price: bad arguments for get_price: need id; the value of id was undefined: look at the result that it was taken from\nstopped by the failed call in line 2',
    ],
    [
      'a member of undefined',
      'const r = await shop.find_item({ name: "red lamp" });\nr.item.id',
      `TypeError in line 2: cannot read property 'id' of undefined\n${MISUSE}shop.find_item returns {"id":"string"}`,
    ],
    [
      'a method that a text does not have',
      'const r = await shop.say({ text: "a" });\nr.map((x) => x)',
      `TypeError in line 2: not a function\n${MISUSE}shop.say returned string`,
    ],
    [
      'null taken apart',
      'const r = await odd_name.do_it({ a: null }); const { b } = r.a;',
      `TypeError in line 1: Cannot convert undefined or null to object\n${MISUSE}odd_name.do_it returned {a: null}`,
    ],
    [
      'a promise',
      'const r = shop.say({ text: "a" });\nprint(r);',
      '[promise: write await before it]',
    ],
    [
      'a server that is nearly one',
      'await shp.say({})',
      'ReferenceError in line 1: shp is not defined\nhint: did you mean shop?',
    ],
    [
      'a server by a wrong name',
      "await servers['shopp'].say({})",
      "Error in line 1: there is no server 'shopp', only shop, odd-name",
    ],
    [
      'a variable with the name of a server',
      'const shop = await shop.say({});',
      "SyntaxError: 'shop' is a server: choose another name for the variable",
    ],
    ['what does not parse', 'const a = ;', 'SyntaxError in line 1: Unexpected token'],
    [
      'a return',
      'return 5',
      "SyntaxError in line 1: 'return' stands outside of a function: end the program with the value as an expression, or print it",
    ],
    ['something thrown that is no error', 'throw { code: 5 }', 'Error: '],
  ])('%s', async (_, program, text) => {
    expect(await texts([program])).toEqual([text]);
  });

  test('only what the program itself did wrong is an error of the program', async () => {
    const { run } = opened();
    expect((await run('await shop.find_item({ name: "no" })')).isError).toBe(false);
    expect((await run('null.x')).isError).toBe(true);
    expect((await run('1')).isError).toBe(false);
  });

  test('a later program hears of results that an earlier one had', async () => {
    const found = await texts(['const r = await shop.list_items();', 'r.first.name']);
    expect(found[1]).toContain('shop.list_items returned [string]');
  });
});

describe('the world', () => {
  test('Math.random is the generator of the seed', async () => {
    const rng = new Rng(7);
    const code = 'JSON.stringify([Math.random(), Math.random(), Math.random()])';
    expect(JSON.parse((await texts([code]))[0] ?? '')).toEqual([
      rng.next(),
      rng.next(),
      rng.next(),
    ]);
    expect(await texts([code], { seed: 7 })).toEqual(await texts([code], { seed: 7 }));
    expect(await texts([code], { seed: 8 })).not.toEqual(await texts([code], { seed: 7 }));
  });

  test('Date is the world’s clock, in UTC wherever the tests run', async () => {
    const found = await texts([
      'new Date().toISOString()',
      'Date()',
      '[new Date(2025, 0, 31).getTime() === Date.UTC(2025, 0, 31), new Date("2025-07-01T12:00").getHours(), new Date().getTimezoneOffset()]',
      'class D extends Date {} new D() instanceof D && new D().getTime() === Date.now()',
    ]);
    expect(found).toEqual([
      '2025-03-14T09:26:00.000Z',
      'Fri Mar 14 2025 09:26:00 GMT+0000',
      '[true,12,0]',
      'true',
    ]);
  });
});
