// Re-reads every import of src/ and holds it against the table of layers, so that the rule does
// not rest on one tool; and checks the edges that are no imports: workers and globs.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import layers from '../../scripts/layers.json';

interface Edge {
  readonly from: string;
  readonly to: string;
}

const ROOT = resolve(import.meta.dirname, '../..');
const TABLE: Readonly<Record<string, readonly string[]>> = layers;
const APP_TYPES = ['agent', 'tools', 'lab'];
const WORKER = /new\s+(?:Shared)?Worker\(\s*new\s+URL\(\s*['"]([^'"]+)['"]/g;
const GLOB = /import\.meta\.glob(?:<[^>]*>)?\(\s*['"]([^'"]+)['"]/g;

/** Paths below src/ with forward slashes. */
function sourceFiles(): string[] {
  return readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .map((path) => path.split(sep).join('/'))
    .filter((path) => /\.tsx?$/.test(path))
    .sort();
}

function textOf(path: string): string {
  return readFileSync(join(ROOT, 'src', path), 'utf8');
}

function targetOf(from: string, specifier: string): string {
  const full = resolve(ROOT, 'src', dirname(from), specifier.replace(/\?.*$/, ''));
  return relative(join(ROOT, 'src'), full).split(sep).join('/');
}

/** Static, type-only, re-exporting and dynamic imports of other files of src/. */
function importEdges(files: readonly string[]): Edge[] {
  return files.flatMap((from) =>
    ts
      .preProcessFile(textOf(from), true, true)
      .importedFiles.map(({ fileName }) => fileName)
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => ({ from, to: targetOf(from, specifier) })),
  );
}

/** Specifiers that stay when the types are erased; `import { type X }` stays, and counts. */
function runTimeSpecifiers(text: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const isImport = ts.isImportDeclaration(node) && node.importClause?.isTypeOnly !== true;
    const isExport = ts.isExportDeclaration(node) && !node.isTypeOnly;
    if ((isImport || isExport) && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier))
      found.push(node.moduleSpecifier.text);
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [name] = node.arguments;
      if (name !== undefined && ts.isStringLiteralLike(name)) found.push(name.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('a.tsx', text, ts.ScriptTarget.ESNext, true, ts.ScriptKind.TSX));
  return found;
}

function matches(files: readonly string[], pattern: RegExp): Edge[] {
  return files.flatMap((from) =>
    [...textOf(from).matchAll(pattern)].map((match) => ({ from, to: match[1] ?? '' })),
  );
}

function folderOf(path: string): string {
  return path.split('/')[0] ?? '';
}

function isAllowed({ from, to }: Edge): boolean {
  const [source, target] = [folderOf(from), folderOf(to)];
  if (source === target || TABLE[source]?.includes(target) === true) return true;
  return source === 'app' && (to === 'workers/client.ts' || APP_TYPES.includes(target));
}

const files = sourceFiles();
const edges = importEdges(files);

describe('imports', () => {
  test('enough files and imports were seen', () => {
    expect(files.length).toBeGreaterThanOrEqual(40);
    expect(edges.length).toBeGreaterThanOrEqual(60);
    const silent = files.filter((file) => /^import .*'\.\.?\//m.test(textOf(file)));
    const seen = new Set(edges.map(({ from }) => from));
    expect(silent.filter((file) => !seen.has(file))).toEqual([]);
  });

  test('every file is in a folder of the table', () => {
    expect(files.filter((file) => !(folderOf(file) in TABLE))).toEqual([]);
  });

  test('every import is one that the table allows', () => {
    expect(edges.filter((edge) => !isAllowed(edge))).toEqual([]);
  });

  test('every import names a file that is there, with its extension', () => {
    expect(edges.filter(({ to }) => !existsSync(join(ROOT, 'src', to)))).toEqual([]);
  });

  test('src/app imports only types of what runs in workers', () => {
    const app = files.filter((file) => folderOf(file) === 'app');
    const atRunTime = app.flatMap((from) =>
      runTimeSpecifiers(textOf(from))
        .map((specifier) => ({ from, to: targetOf(from, specifier) }))
        .filter(({ to }) => APP_TYPES.includes(folderOf(to))),
    );
    expect(atRunTime).toEqual([]);
  });
});

describe('edges that are no imports', () => {
  test('a worker is opened only where its folder may be imported', () => {
    const workers = matches(files, WORKER).map(({ from, to }) => ({
      from,
      to: targetOf(from, to),
    }));
    expect(workers.filter((edge) => !isAllowed(edge))).toEqual([]);
    expect(workers.filter(({ to }) => !existsSync(join(ROOT, 'src', to)))).toEqual([]);
    expect(workers.filter(({ to }) => !/\.worker\.ts$/.test(to))).toEqual([]);
  });

  test('a glob reaches only the shaders', () => {
    const globs = matches(files, GLOB);
    expect(globs).toEqual([{ from: 'gpu/shaders.ts', to: '/shaders/**/*.wesl' }]);
  });
});

describe('the check itself', () => {
  test.each([
    [{ from: 'agent/loop.ts', to: 'engine/sampler.ts' }, false],
    [{ from: 'base/errors.ts', to: 'trajectory/task.ts' }, false],
    [{ from: 'app/main.tsx', to: 'workers/gpu.worker.ts' }, false],
    [{ from: 'app/main.tsx', to: 'workers/client.ts' }, true],
    [{ from: 'engine/model.ts', to: 'kernels/matmul.ts' }, true],
  ])('%o is allowed: %s', (edge, allowed) => {
    expect(isAllowed(edge)).toBe(allowed);
  });

  test('an import that stays at run time is told from one that does not', () => {
    const text = `import type { A } from './a.ts'; import { b } from './b.ts';
      import { type C } from './c.ts'; export type { D } from './d.ts'; import './e.ts';
      export * from './f.ts'; const g = () => import('./g.ts'); type H = import('./h.ts').H;`;
    const stay = ['./b.ts', './c.ts', './e.ts', './f.ts', './g.ts'];
    expect(runTimeSpecifiers(text)).toEqual(stay);
  });
});
