// Runs inside QuickJS as a module, before any program: the objects that programs see. Takes what it needs of the built-ins
// now, since a program may put anything in their places later. Only texts cross to the outside.

const { parse, stringify } = JSON;
const { construct, ownKeys } = Reflect;
const { create, defineProperty, freeze, getPrototypeOf, setPrototypeOf } = Object;
const { isArray } = Array;
const { imul } = Math;
const NativeDate = Date;
const NativeError = Error;
const NativePromise = Promise;
const NativeProxy = Proxy;
const text = String;
const bound = (method) => Function.prototype.call.bind(method);
const slice = bound(String.prototype.slice);
const lineIn = bound(RegExp.prototype.exec);
const has = bound(WeakMap.prototype.has);
const read = bound(WeakMap.prototype.get);
const write = bound(WeakMap.prototype.set);
const eachMapEntry = bound(Map.prototype.forEach);
const eachSetEntry = bound(Set.prototype.forEach);
const dateText = bound(Date.prototype.toString);

const outside = globalThis.outside;
const setup = parse(globalThis.setup);
delete globalThis.outside;
delete globalThis.setup;

const LINE = /cell:(\d+):/;
const pending = create(null);
/** Errors of failed calls, and the objects of servers. */
const callErrors = new WeakMap();
const serverTexts = new WeakMap();
let nextCall = 1;

/** What the language itself asks of any object: no tool is meant. */
function isAsked(key) {
  switch (key) {
    case 'then':
    case 'toJSON':
    case 'toString':
    case 'valueOf':
    case 'constructor':
      return true;
    default:
      return typeof key !== 'string';
  }
}

/** One element after another, with nothing that a program could have put between. */
function joined(list, glue, show) {
  let result = '';
  for (let i = 0; i < list.length; i++) result += (i === 0 ? '' : glue) + show(list[i]);
  return result;
}

function callError(message) {
  const error = new NativeError(message);
  defineProperty(error, 'name', { __proto__: null, value: 'ToolError', writable: true });
  write(callErrors, error, true);
  return error;
}

/** Names of arguments whose value is undefined, which JSON leaves out. */
function undefinedNames(value) {
  const names = ownKeys(value);
  let found = '';
  for (let i = 0; i < names.length; i++) {
    if (typeof names[i] === 'string' && value[names[i]] === undefined)
      found += `${found === '' ? '' : ', '}${names[i]}`;
  }
  return found;
}

/** The arguments as JSON, or why they are none. */
function argumentsOf(path, args) {
  const value = args.length === 0 ? {} : args[0];
  const isOne = args.length < 2 && typeof value === 'object' && value !== null && !isArray(value);
  if (!isOne) {
    return {
      json: '',
      note: `takes one object with its arguments by name, as in ${path}({name: value})`,
    };
  }
  const missing = undefinedNames(value);
  const note =
    missing === ''
      ? ''
      : `the value of ${missing} was undefined: look at the result that it was taken from`;
  const json = stringify(value);
  return json === undefined ? { json: '', note: 'its arguments are no JSON' } : { json, note };
}

function callTool(server, tool, path, args) {
  const error = callError('');
  return new NativePromise((resolve, reject) => {
    const { json, note } = argumentsOf(path, args);
    const call = nextCall++;
    pending[call] = { resolve, reject, error, path };
    const refusal = outside(
      stringify({ __proto__: null, kind: 'call', call, server, tool, args: json, note }),
    );
    if (refusal !== '') settle(call, false, refusal);
  });
}

/** Ends a call: with a tool's answer, parsed when it is JSON, or with an error. */
export function settle(call, ok, answer) {
  const waiting = pending[call];
  delete pending[call];
  if (waiting === undefined) return;
  if (ok) {
    waiting.resolve(parsedAnswer(answer));
    return;
  }
  const message = `${waiting.path}: ${answer}`;
  defineProperty(waiting.error, 'message', { __proto__: null, value: message, writable: true });
  waiting.reject(waiting.error);
}

function parsedAnswer(answer) {
  try {
    return parse(answer);
  } catch {
    return answer;
  }
}

function infoOf(server, names) {
  const list = isArray(names) ? names : [names];
  let found = '';
  let tools = '';
  for (let i = 0; i < list.length; i++) {
    const name = text(list[i]);
    const glue = i === 0 ? '' : '\n';
    tools += glue + name;
    found += glue + infoText(server, name);
  }
  outside(stringify({ __proto__: null, kind: 'info', server: server?.name ?? '', tools }));
  return found;
}

/** `server.tool`, `server:tool` or, of one server, the bare name. */
function infoText(server, name) {
  for (let s = 0; s < setup.servers.length; s++) {
    const one = setup.servers[s];
    if (server !== null && one !== server) continue;
    for (let t = 0; t < one.tools.length; t++) {
      const tool = one.tools[t];
      const isBare = name === tool.name || name === tool.identifier;
      const isWhole =
        name === `${one.identifier}.${tool.identifier}` ||
        name === `${one.identifier}.${tool.name}` ||
        name === `${one.name}:${tool.name}`;
      if (isWhole || (isBare && server !== null)) return tool.info;
    }
  }
  return outside(
    stringify({ __proto__: null, kind: 'unknown', server: server?.name ?? '', tool: name }),
  );
}

function serverObject(server) {
  const methods = create(null);
  const add = (name, value) => {
    if (name in methods) return;
    defineProperty(methods, name, { value, enumerable: true });
  };
  for (let i = 0; i < server.tools.length; i++) {
    const { name, identifier } = server.tools[i];
    const path = `${server.identifier}.${identifier}`;
    const method = (...args) => callTool(server.name, name, path, args);
    add(name, method);
    add(identifier, method);
  }
  add('get_tools_info', (names) => infoOf(server, names));
  freeze(methods);
  const handler = {
    __proto__: null,
    get: (target, key) => {
      if (key in target || isAsked(key)) return target[key];
      const path = `${server.identifier}.${slice(key, 0, 200)}`;
      return (...args) => callTool(server.name, key, path, args);
    },
    set: (_, key) => {
      throw new NativeError(`${server.identifier} is a server: ${text(key)} cannot be set on it`);
    },
  };
  const object = new NativeProxy(methods, handler);
  const tools = joined(server.tools, ', ', ({ identifier }) => identifier);
  write(serverTexts, object, `[server ${server.identifier} with ${tools}]`);
  return object;
}

function shown(value) {
  switch (typeof value) {
    case 'string':
      return value;
    case 'function':
      return `[function ${text(value.name)}]`;
    case 'object':
      return value === null ? 'null' : shownObject(value);
    default:
      return text(value);
  }
}

function shownObject(value) {
  if (has(serverTexts, value)) return read(serverTexts, value);
  const prototype = has(callErrors, value) ? NativeError.prototype : getPrototypeOf(value);
  if (prototype === NativePromise.prototype) return '[promise: write await before it]';
  if (value instanceof NativeError) return `${text(value.name)}: ${text(value.message)}`;
  if (prototype === MAP || prototype === SET) return listed(value, prototype === MAP);
  return stringify(value) ?? text(value);
}

const MAP = Map.prototype;
const SET = Set.prototype;

function listed(value, isMap) {
  let result = '';
  const each = isMap ? eachMapEntry : eachSetEntry;
  each(value, (item, key) => {
    const entry = isMap ? `[${stringify(key)},${stringify(item)}]` : stringify(item);
    result += (result === '' ? '' : ',') + entry;
  });
  return `[${result}]`;
}

/** The text of any value, cut at what a cell may print; never throws but when it is interrupted. */
export function show(value) {
  let result;
  try {
    result = shown(value);
  } catch (error) {
    result = `[a value that cannot be shown: ${shortMessage(error)}]`;
  }
  return cut(result);
}

/** An error as JSON: name, message, line, and whether it is a failed call. */
export function describe(error) {
  let name = 'Error';
  let message = '';
  let line = 0;
  const isCall = typeof error === 'object' && error !== null && has(callErrors, error);
  try {
    if (typeof error === 'object' && error !== null) {
      name = text(error.name ?? 'Error');
      message = text(error.message ?? '');
      line = +(lineIn(LINE, text(error.stack ?? ''))?.[1] ?? 0);
    } else message = shown(error);
  } catch {
    message = 'an error that cannot be read';
  }
  return stringify({
    __proto__: null,
    name: slice(name, 0, 100),
    message: cut(message),
    line,
    isCall,
  });
}

function shortMessage(error) {
  try {
    return slice(text(error?.message ?? error), 0, 200);
  } catch {
    return 'no reason given';
  }
}

function cut(result) {
  const { outputCharacters } = setup.limits;
  if (result.length <= outputCharacters) return result;
  const more = result.length - outputCharacters;
  return `${slice(result, 0, outputCharacters)}… (cut, ${more} more characters)`;
}

function print(...values) {
  outside(stringify({ __proto__: null, kind: 'print', text: joined(values, ' ', show) }));
}

function fixRandom() {
  // As Rng of src/base/rng.ts.
  let state = setup.randomState >>> 0;
  defineProperty(Math, 'random', {
    configurable: true,
    writable: true,
    value: function random() {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = state;
      t = imul(t ^ (t >>> 15), t | 1);
      t ^= t + imul(t ^ (t >>> 7), t | 61);
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    },
  });
}

function fixDate() {
  const now = setup.clockMs;
  const World = new NativeProxy(NativeDate, {
    __proto__: null,
    apply: () => dateText(new NativeDate(now)),
    construct: (target, args, made) => construct(target, args.length === 0 ? [now] : args, made),
  });
  const hidden = { configurable: true, writable: true };
  defineProperty(NativeDate, 'now', { ...hidden, value: () => now });
  defineProperty(NativeDate.prototype, 'constructor', { ...hidden, value: World });
  defineProperty(globalThis, 'Date', { ...hidden, value: World });
}

function removeGlobals() {
  const names = [
    'performance',
    'SharedArrayBuffer',
    'Atomics',
    'WeakRef',
    'FinalizationRegistry',
    'navigator',
    'gc',
  ];
  for (const name of names) delete globalThis[name];
  // It would hand out the functions of this file.
  defineProperty(NativeError, 'prepareStackTrace', { value: undefined });
}

/** A global that stays what it is. */
function fix(name, value) {
  defineProperty(globalThis, name, {
    enumerable: true,
    get: () => value,
    set: () => {
      throw new NativeError(`'${name}' is there already: choose another name`);
    },
  });
}

function addServers() {
  const byName = create(null);
  for (let i = 0; i < setup.servers.length; i++) {
    const server = setup.servers[i];
    const object = serverObject(server);
    byName[server.name] = object;
    byName[server.identifier] = object;
    fix(server.identifier, object);
  }
  freeze(byName);
  const names = joined(setup.servers, ', ', ({ name }) => name);
  const get = (target, key) => {
    if (key in target || isAsked(key)) return target[key];
    throw new NativeError(`there is no server '${key}', only ${names}`);
  };
  fix('servers', new NativeProxy(byName, { __proto__: null, get }));
}

fixRandom();
fixDate();
removeGlobals();
addServers();
fix('print', print);
fix('get_tools_info', (names) => infoOf(null, names));
const console = { log: print, info: print, warn: print, error: print, debug: print };
setPrototypeOf(console, null);
fix('console', freeze(console));
