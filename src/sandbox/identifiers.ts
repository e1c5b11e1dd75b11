// Names of servers and tools as identifiers of JavaScript. Knows no notebook.

const KEYWORDS =
  'arguments async await break case catch class const continue debugger default delete do else enum eval export extends ' +
  'false finally for function if implements import in instanceof interface let new null of package private protected ' +
  'public return static super switch this throw true try typeof undefined var void while with yield';
/** Globals that programs need under their own names. */
const GLOBALS =
  'Array BigInt Boolean Date Error Infinity Intl JSON Map Math NaN Number Object Promise Proxy Reflect RegExp Set String ' +
  'Symbol TypeError console get_tools_info globalThis isFinite isNaN parseFloat parseInt print servers';

const RESERVED: ReadonlySet<string> = new Set(`${KEYWORDS} ${GLOBALS}`.split(' '));
const NONE: ReadonlySet<string> = new Set();

/** Whether a name can be that of a variable in a program. */
export function isVariable(name: string): boolean {
  return isPlain(name, RESERVED);
}

/** Whether a name can be written as a key, `{ name: … }`, and behind a dot. */
export function isKey(name: string): boolean {
  return isPlain(name, NONE);
}

/** A name of a variable for each name, in order, all different; a name that can be one stays. */
export function variablesFor(names: readonly string[]): string[] {
  return plainNames(names, RESERVED);
}

/** A key for each name, in order, all different; a name that can be one stays. */
export function keysFor(names: readonly string[]): string[] {
  return plainNames(names, NONE);
}

function isPlain(name: string, reserved: ReadonlySet<string>): boolean {
  return /^[A-Za-z_$][\w$]*$/.test(name) && !reserved.has(name);
}

function plainNames(names: readonly string[], reserved: ReadonlySet<string>): string[] {
  const kept = new Set(names.filter((name) => isPlain(name, reserved)));
  const taken = new Set<string>();
  return names.map((name) => {
    let candidate = name;
    if (!kept.has(name) || taken.has(name)) {
      const words = name.replace(/[^\w$]+/g, '_').replace(/^(?=\d)/, '_');
      const base = words === '' || reserved.has(words) ? `${words}_` : words;
      candidate = base;
      for (let n = 2; kept.has(candidate) || taken.has(candidate); n++) candidate = `${base}${n}`;
    }
    taken.add(candidate);
    return candidate;
  });
}
