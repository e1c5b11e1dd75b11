// A cell as it was written -> a script whose declarations outlive it. Parses, and runs nothing.
import { parse, type Statement } from 'acorn';

export type CellCode =
  | { script: string }
  /** What is wrong with it, and where; the line is null when it is not known. */
  | { name: string; complaint: string; line: number | null };

/**
 * Rewrites a cell for a script that allows `await`: `const`, `let` and classes at its top become `var`, so that the next
 * cell sees them and may declare them anew, and a last expression is awaited and becomes the script's value. Lines stay
 * where they are.
 * @param reserved names that a cell may not declare, with what they are.
 */
export function cellScript(code: string, reserved: ReadonlyMap<string, string>): CellCode {
  let body: Statement[];
  try {
    body = parsed(code);
  } catch (error) {
    return complaintOf(error);
  }
  const taken = body.flatMap(declaredNames).find((name) => reserved.has(name));
  if (taken !== undefined) {
    const complaint = `'${taken}' is ${reserved.get(taken)}: choose another name for the variable`;
    return { name: 'SyntaxError', complaint, line: null };
  }
  const edits = new Edits(code);
  for (const statement of body) rewriteDeclaration(statement, edits);
  const last = body.at(-1);
  if (last?.type === 'ExpressionStatement' && last.directive === undefined) {
    edits.insert(last.expression.start, ' await (');
    edits.insert(last.expression.end, ')');
  } else edits.insert(code.length, '\n;void 0');
  return { script: edits.apply() };
}

function parsed(code: string): Statement[] {
  const program = parse(code, {
    ecmaVersion: 'latest',
    sourceType: 'script',
    allowAwaitOutsideFunction: true,
  });
  return program.body.filter((item): item is Statement => !item.type.startsWith('Export'));
}

function complaintOf(error: unknown): CellCode {
  if (error instanceof RangeError) {
    return { name: 'RangeError', complaint: 'the program is nested too deeply', line: null };
  }
  if (!(error instanceof SyntaxError)) throw error;
  const text = error.message.replace(/ \(\d+:\d+\)$/, '');
  const place = (error as SyntaxError & { loc?: { line: number } }).loc;
  return { name: 'SyntaxError', complaint: helped(text), line: place?.line ?? null };
}

function helped(text: string): string {
  if (text.startsWith("'import'")) {
    return 'there is nothing to import: the servers are objects already, and so is plain JavaScript';
  }
  if (text.startsWith("'return'")) {
    return "'return' stands outside of a function: end the program with the value as an expression, or print it";
  }
  return text;
}

/** Names that a statement at the top declares. */
function declaredNames(statement: Statement): string[] {
  switch (statement.type) {
    case 'VariableDeclaration':
      return statement.declarations.flatMap(({ id }) => patternNames(id));
    case 'FunctionDeclaration':
    case 'ClassDeclaration':
      return [statement.id.name];
    default:
      return [];
  }
}

/** A pattern as far as its names go: the acorn types of its parts are a union of many. */
type Pattern = Extract<Statement, { type: 'VariableDeclaration' }>['declarations'][number]['id'];

function patternNames(pattern: Pattern | null): string[] {
  switch (pattern?.type) {
    case 'Identifier':
      return [pattern.name];
    case 'AssignmentPattern':
      return patternNames(pattern.left);
    case 'RestElement':
      return patternNames(pattern.argument);
    case 'ArrayPattern':
      return pattern.elements.flatMap(patternNames);
    case 'ObjectPattern':
      return pattern.properties.flatMap((part) =>
        part.type === 'RestElement' ? patternNames(part.argument) : patternNames(part.value),
      );
    default:
      return [];
  }
}

function rewriteDeclaration(statement: Statement, edits: Edits): void {
  if (statement.type === 'ClassDeclaration') {
    edits.insert(statement.start, `var ${statement.id.name} = `);
    edits.insert(statement.end, ';');
    return;
  }
  if (statement.type !== 'VariableDeclaration' || statement.kind === 'var') return;
  edits.replace(statement.start, statement.start + statement.kind.length, 'var');
  for (const { id, init } of statement.declarations) {
    // A `let` without a value starts anew each time it is run.
    if (init === null || init === undefined) edits.insert(id.end, ' = undefined');
  }
}

/** Changes of a text, made at once. */
class Edits {
  readonly #text: string;
  readonly #edits: { start: number; end: number; text: string }[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  replace(start: number, end: number, text: string): void {
    this.#edits.push({ start, end, text });
  }

  insert(at: number, text: string): void {
    this.replace(at, at, text);
  }

  apply(): string {
    let result = '';
    let from = 0;
    for (const { start, end, text } of this.#edits.toSorted((a, b) => a.start - b.start)) {
      result += this.#text.slice(from, start) + text;
      from = end;
    }
    return result + this.#text.slice(from);
  }
}
