// Programs that mean harm, as a table.

/** Compute that each of them has. */
export const HOSTILE_DEADLINE_MS = 250;

export interface HostileProgram {
  name: string;
  code: string;
  /** What its report must say. */
  says: RegExp;
}

const OVER = /computed for more than 250 ms/;

const ENDLESS: readonly [string, string, RegExp][] = [
  ['endless loop', 'for (;;);', OVER],
  ['endless loop that catches', 'for (;;) try { for (;;); } catch {}', OVER],
  ['finally that loops', 'try { for (;;); } finally { for (;;); }', OVER],
  ['labelled finally', 'a: for (;;) try { continue a; } finally { continue a; }', OVER],
  [
    'catching the interrupt in an async function',
    'async function f() { for (;;); } for (;;) try { await f(); } catch {}',
    OVER,
  ],
  [
    'going on after the interrupt in other jobs',
    'const spin = () => { Promise.resolve().then(spin); for (;;); }; for (let i = 0; i < 50; i++) Promise.resolve().then(spin); await null',
    OVER,
  ],
  [
    'promise flood',
    'function f() { Promise.resolve().then(f); Promise.resolve().then(f); } f(); await null',
    OVER,
  ],
  ['microtask flood', 'const f = () => queueMicrotask(f); f(); await new Promise(() => {})', OVER],
  ['endless generator', 'function* g() { for (;;) yield 1; } for (const x of g());', OVER],
  [
    'spread of an endless generator',
    'function* g() { for (;;) yield 1; } [...g()]',
    /computed for|out of memory/,
  ],
  [
    'endless async iterator',
    'const it = { [Symbol.asyncIterator]() { return this; }, async next() { return { value: 1 }; } }; for await (const x of it);',
    OVER,
  ],
  [
    'async generator in a circle',
    'async function* g() { yield* g(); } for await (const x of g());',
    /computed for|call stack|out of memory/,
  ],
  ['comparison that loops', '[3, 1, 2].sort(() => { for (;;); })', OVER],
  ['getter that loops', '({ get x() { for (;;); } }).x', OVER],
  ['proxy that loops', 'new Proxy({}, { get() { for (;;); } }).x', OVER],
  [
    'proxy of itself',
    'const p = new Proxy({}, {}); Object.setPrototypeOf(p, new Proxy({}, { get: (t, k) => p[k] })); p.x',
    /call stack|computed for|gave up/,
  ],
  ['value that loops while it is shown', '({ toJSON() { for (;;); } })', OVER],
  [
    'error that loops while it is read',
    'const e = new Error("x"); Object.defineProperty(e, "message", { get() { for (;;); } }); throw e',
    OVER,
  ],
  ['coercion that loops', 'String({ [Symbol.toPrimitive]() { for (;;); } })', OVER],
  ['replace with a function that loops', '"aaa".replace(/a/g, () => { for (;;); })', OVER],
  ['thenable that never ends', 'await { then(resolve) { for (;;); } }', OVER],
  ['thenable in a circle', 'const t = { then(resolve) { resolve(t); } }; await t', OVER],
  ['regex bomb', '/^(a+)+$/.test("a".repeat(40) + "b")', OVER],
  ['regex bomb with alternatives', '/^(a|aa)+$/.test("a".repeat(60) + "b")', OVER],
  ['eval chain', 'eval("eval(\\"for(;;);\\")")', OVER],
  ['function made of text that loops', 'new Function("for (;;);")()', OVER],
  [
    'promise that never settles',
    'await new Promise(() => {})',
    /a promise that nothing will resolve/,
  ],
];

const LARGE: readonly [string, string, RegExp][] = [
  ['join of a huge array', 'new Array(1e8) + ""', OVER],
  ['huge typed array', 'new Uint8Array(2 ** 31)', /out of memory|RangeError/],
  [
    'array that grows',
    'const a = []; for (;;) a.push(new Array(1000).fill(a.length));',
    /computed for|out of memory/,
  ],
  ['string doubling', 'let s = "x"; for (;;) s += s;', /string too long|out of memory/],
  ['repeated string', '"x".repeat(2 ** 29)', /out of memory|string too long|RangeError/],
  ['padded string', '"x".padEnd(2 ** 29)', /out of memory|string too long|RangeError/],
  ['deep recursion', 'function f() { return f() + 1; } f()', /call stack/],
  [
    'recursion through a native function',
    'function f() { return [1].map(f); } f()',
    /call stack|gave up/,
  ],
  [
    'recursion through toString',
    'const o = { toString() { return String(o); } }; String(o)',
    /call stack|gave up/,
  ],
  [
    'deeply nested arrays as JSON',
    'let d = []; for (let i = 0; i < 1e5; i++) d = [d]; JSON.stringify(d)',
    /gave up|call stack|computed for/,
  ],
  [
    'deeply nested JSON',
    'JSON.parse("[".repeat(1e5) + "]".repeat(1e5))',
    /gave up|call stack|SyntaxError|RangeError/,
  ],
  [
    'JSON bomb',
    'let j = { a: 1 }; for (let i = 0; i < 30; i++) j = { a: j, b: j }; JSON.stringify(j)',
    /computed for|out of memory|string too long/,
  ],
  [
    'program nested too deeply',
    `${'('.repeat(9000)}1${')'.repeat(9000)}`,
    /nested too deeply|call stack|gave up|stack space/,
  ],
  [
    'huge output',
    'for (;;) print("x".repeat(100000))',
    /\(cut, \d+ more characters\)[\s\S]*computed for/,
  ],
  ['huge value', '"y".repeat(5e6)', /^y{8000}… \(cut, 4992000 more characters\)$/],
  ['huge number', '10n ** 10000000n > 0n', /BigInt is too large|computed for|out of memory/],
  [
    'number that squares itself',
    'let u = 3n; for (;;) u *= u;',
    /BigInt is too large|computed for|out of memory/,
  ],
  [
    'map that grows',
    'const m = new Map(); for (let i = 0; ; i++) m.set(i, "x".repeat(1000));',
    /computed for|out of memory/,
  ],
  [
    'closures that grow',
    'let f = () => 0; for (;;) { const g = f; f = () => g; }',
    /computed for|out of memory/,
  ],
  [
    'symbols that grow',
    'const all = []; for (;;) all.push(Symbol("x".repeat(1000)));',
    /computed for|out of memory/,
  ],
  [
    'sort of a large array',
    'Array.from({ length: 4e5 }, (_, i) => (i * 7919) % 100003).sort().length',
    /computed for|400000|out of memory/,
  ],
  [
    'program that is too long',
    `/*${'x'.repeat(30000)}*/`,
    /a program of 30004 characters, need at most 20000/,
  ],
];

const OUTSIDE =
  'fetch self window postMessage process require WebAssembly SharedArrayBuffer Atomics importScripts setTimeout setInterval XMLHttpRequest WebSocket Worker navigator performance document localStorage indexedDB caches Deno Bun Buffer module outside setup';

const ESCAPES: readonly [string, string, RegExp][] = [
  [
    'names of the outside',
    `${JSON.stringify(OUTSIDE)}.split(" ").filter((name) => name in globalThis).join() || "none"`,
    /^none$/,
  ],
  [
    'constructor of a constructor',
    'const g = ({}).constructor.constructor("return this")(); [g === globalThis, typeof g.process, typeof g.fetch, typeof g.self].join()',
    /^true,undefined,undefined,undefined$/,
  ],
  [
    'constructor of a tool',
    'shop.find_item.constructor("return typeof process + typeof self + typeof postMessage")()',
    /^undefinedundefinedundefined$/,
  ],
  [
    'constructor of an async function',
    '(async () => {}).constructor("return typeof require")()',
    /^undefined$/,
  ],
  [
    'constructor of a generator',
    '(function* () {}).constructor("yield typeof process")().next().value',
    /^undefined$/,
  ],
  [
    'constructor of a call’s error',
    'try { await shop.find_item(1); } catch (e) { e.constructor.constructor("return typeof process")(); }',
    /failed call/,
  ],
  [
    'constructor of a result',
    'const r = await shop.find_item({ name: "red lamp" }); r.constructor.constructor("return typeof fetch")()',
    /^undefined$/,
  ],
  [
    'this of a function',
    '(function () { return typeof this.process + typeof this.postMessage; })()',
    /^undefinedundefined$/,
  ],
  [
    'caller and arguments',
    '(function f() { return String(f.caller) + typeof arguments.callee; })()',
    /null|undefined|TypeError/,
  ],
  [
    'stack frames',
    'Error.prepareStackTrace = (_, frames) => frames; const frames = new Error("x").stack; Array.isArray(frames) ? "frames" : typeof frames',
    /^string$/,
  ],
  ['static import', 'import fs from "fs"', /there is nothing to import/],
  ['dynamic import', 'await import("node:fs")', /could not load module/],
  [
    'import of data',
    'await import("data:text/javascript,globalThis.out=1")',
    /could not load module/,
  ],
  ['import meta', 'import.meta.url', /SyntaxError/],
  [
    'timers',
    'setTimeout(() => { globalThis.late = 1; }, 0)',
    /setTimeout is not defined[\s\S]*there is no setTimeout/,
  ],
  [
    'waiting on shared memory',
    'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)',
    /is not defined/,
  ],
  ['WebAssembly', 'new WebAssembly.Memory({ initial: 65536 })', /WebAssembly is not defined/],
  ['network', 'await fetch("https://example.invalid/")', /fetch is not defined/],
  ['messages', 'postMessage({ kind: "done", end: {} })', /postMessage is not defined/],
  [
    'real clock',
    'const a = Date.now(); for (let i = 0; i < 1e5; i++); [Date.now() - a, new Date().constructor === Date, new (new Date().constructor)().getTime() === a].join()',
    /^0,true,true$/,
  ],
  ['servers replaced', 'servers = {}; print = 1', /already/],
  ['a server’s tool replaced', 'shop.find_item = () => 1', /cannot be set/],
  [
    'a server deleted',
    'const gone = [delete globalThis.shop, delete globalThis.servers, delete shop.find_item]; typeof shop.find_item',
    /function|TypeError/,
  ],
  [
    'prototype of a server',
    'Object.setPrototypeOf(shop, null); Object.getPrototypeOf(shop) === null',
    /true|TypeError/,
  ],
];

const CALLS: readonly [string, string, RegExp][] = [
  ['flood of calls', 'for (;;) shop.list_items()', /computed for|calls were not made/],
  [
    'flood of calls, awaited',
    'for (let i = 0; i < 1000; i++) await shop.list_items()',
    /a program may make 20 calls/,
  ],
  [
    'many calls at once',
    'await Promise.allSettled(Array.from({ length: 1000 }, () => shop.list_items())); "done"',
    /980 calls were not made: a program may make 20/,
  ],
  ['loop after a call that is open', 'shop.list_items(); for (;;);', OVER],
  ['loop after an answer', 'await shop.list_items(); for (;;);', OVER],
  ['loop in a reaction', 'shop.list_items().then(() => { for (;;); }); await null; 1', OVER],
  [
    'arguments with a getter that loops',
    'await shop.find_item({ get name() { for (;;); } })',
    OVER,
  ],
  [
    'arguments with a getter that throws',
    'await shop.find_item({ get name() { throw new Error("mine"); } })',
    /Error[\s\S]*mine/,
  ],
  [
    'arguments with toJSON',
    'await shop.find_item({ toJSON: () => "no object" })',
    /failed call shop\.find_item/,
  ],
  [
    'arguments that are a proxy',
    'await odd_name.do_it(new Proxy({}, { ownKeys: () => ["a", "a"] }))',
    /TypeError/,
  ],
  ['arguments in a circle', 'const c = {}; c.c = c; await odd_name.do_it(c)', /circular|TypeError/],
  [
    'arguments that are huge',
    'await odd_name.do_it({ text: "x".repeat(1e6) })',
    /got arguments of 1000011 characters, need at most 20000/,
  ],
  [
    'arguments that are deep',
    'let d = 1; for (let i = 0; i < 200; i++) d = [d]; await odd_name.do_it({ d })',
    /nested too deeply/,
  ],
  ['arguments of big integers', 'await odd_name.do_it({ n: 1n })', /BigInt/],
  [
    'arguments that set a prototype',
    'await odd_name.do_it(JSON.parse(\'{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}}\')); ({}).polluted ?? "clean"',
    /clean/,
  ],
  [
    'symbols as arguments',
    'await odd_name.do_it({ [Symbol.iterator]: 1, [Symbol.toPrimitive]: 2, a: Symbol("x") })',
    /\{\}/,
  ],
  [
    'a tool with a name that is huge',
    'await shop["x".repeat(1e6)]({})',
    /no tool has a name as long as this/,
  ],
  ['an info of a name that is huge', 'get_tools_info(["x".repeat(1e6)])', /^unknown tool 'x{200}'/],
  [
    'an undefined argument with a name that is huge',
    'await shop.get_price({ ["x".repeat(1e6)]: undefined })',
    /the value of x{487}\n/,
  ],
  [
    'a symbol as the name of a tool',
    'typeof shop[Symbol.iterator] + typeof shop[Symbol.toPrimitive] + typeof shop.then',
    /^undefinedundefinedundefined$/,
  ],
  ['a tool named by the prototype', 'await shop.__proto__({}); 1', /failed call|TypeError/],
  [
    'poisoned Object.prototype',
    'Object.prototype.toJSON = function () { for (;;); }; await shop.find_item({ name: "red lamp" })',
    OVER,
  ],
  [
    'poisoned descriptors',
    'Object.prototype.get = () => 1; Object.prototype.value = 2; const r = await shop.find_item({ name: "red lamp" }); r.id',
    /^I-42$|TypeError/,
  ],
  [
    'poisoned Array.prototype',
    'Array.prototype.map = Array.prototype.push = Array.prototype.join = null; Array.prototype[Symbol.iterator] = function* () { for (;;) yield 1; }; const r = await shop.find_item({ name: "red lamp" }); print(r.id)',
    /^I-42$/,
  ],
  [
    'poisoned elements of arrays',
    'Object.defineProperty(Array.prototype, 0, { set() { throw 1; } }); const r = await shop.find_item({ name: "red lamp" }); r.id',
    /^I-42$|Error/,
  ],
  [
    'poisoned JSON',
    'JSON.stringify = () => "{\\"kind\\":\\"done\\"}"; JSON.parse = () => { throw 1; }; const r = await shop.find_item({ name: "red lamp" }); r.id',
    /^I-42$/,
  ],
  [
    'poisoned promises',
    'Promise.prototype.then = function () { for (;;); }; globalThis.Promise = null; const r = await shop.find_item({ name: "red lamp" }); r.id',
    /^I-42$|computed for/,
  ],
  [
    'poisoned Reflect, Proxy and WeakMap',
    'Reflect.ownKeys = null; globalThis.Proxy = null; WeakMap.prototype.get = WeakMap.prototype.has = () => true; const r = await shop.find_item({ name: "red lamp" }); r.id',
    /^I-42$/,
  ],
  [
    'poisoned strings and functions',
    'String.prototype.slice = Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => { for (;;); }; RegExp.prototype.exec = null; const r = await shop.find_item({ name: "red lamp" }); throw new Error(r.id)',
    /Error in line 1: I-42/,
  ],
  [
    'poisoned errors',
    'globalThis.Error = class { constructor() { for (;;); } }; await shop.find_item({ name: "no" })',
    /failed call shop\.find_item: not found/,
  ],
  [
    'a failed call that is forged',
    'const e = new Error("fake"); e.name = "ToolError"; throw e',
    /ToolError in line 1: fake/,
  ],
];

export const HOSTILE_PROGRAMS: readonly HostileProgram[] = [
  ...ENDLESS,
  ...LARGE,
  ...ESCAPES,
  ...CALLS,
].map(([name, code, says]) => ({ name, code, says }));
