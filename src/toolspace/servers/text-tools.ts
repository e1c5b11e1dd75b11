// The built-in text tools: stored documents of a few lines, and texts that are given. Knows nothing of tasks or
// transports.
import { z } from 'zod';
import type { Rng } from '../../base/rng.ts';
import { editDistance } from '../../tools/nearest.ts';
import { byId, byName, changed, defineTool, drawIds, type ServerDef } from '../server.ts';
import { distinct, type Pool, pairName, personName, rounded, words } from '../values.ts';

export const STYLES = ['upper', 'lower', 'title', 'snake', 'kebab', 'camel'] as const;

export type TextDocument = { id: string; title: string; lines: string[] };
export type TextToolsState = { documents: TextDocument[] };

const TITLE_FIRST = words(`
  weekly monthly draft final private public joint annual interim amended shared open closed urgent
  second third early late
`);
const TITLE_SECOND = words(`
  memo agenda notice outline circular bulletin protocol script leaflet brief digest statement
  handout checklist register ledger minutes appendix
`);
const MATERIALS = words(`
  copper wooden brass linen wicker marble velvet bamboo leather ceramic enamel walnut pewter canvas
  silver granite cotton rubber
`);
const OBJECTS = words(`
  kettle lantern crate blanket anchor basket pulley barrel trolley easel tripod bench cradle ladle
  paddle saddle hammock banner
`);
const VERBS = words('move paint count clean mend carry wrap store label polish borrow collect');
const SPOTS = words('gate cellar attic porch stairs workshop stable jetty counter archive');
const DOMAINS = words('harbor orchard mill tower garden bridge foundry');

const docId = z.string().describe('document id, such as TX-214');

/** How often `part` occurs in a text as whole words; letter case does not matter. */
function occurrencesIn(text: string, part: string): number {
  const tokens = (whole: string) => whole.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const [within, wanted] = [tokens(text), tokens(part)];
  if (wanted.length === 0) return 0;
  return within.filter((_, i) => wanted.every((token, j) => within[i + j] === token)).length;
}

const findDocument = defineTool({
  name: 'find_document',
  description: 'Finds a document by its exact title and reads its lines.',
  input: z.strictObject({ title: z.string() }),
  output: z.strictObject({ id: z.string(), lines: z.array(z.string()) }),
  kind: 'reads',
  run(state: TextToolsState, { title }) {
    const document = byName(state.documents, title, (item) => item.title);
    if (typeof document === 'string') return { error: document };
    return { value: { id: document.id, lines: document.lines } };
  },
});

const countWords = defineTool({
  name: 'count_words',
  description:
    'Counts the lines, words and characters of a document, and how often a word or phrase occurs in it when one is given.',
  input: z.strictObject({
    id: docId,
    phrase: z.string().optional().describe('whole words in any letter case'),
  }),
  output: z.strictObject({
    lines: z.int(),
    words: z.int(),
    characters: z.int(),
    occurrences: z.int().nullable(),
  }),
  kind: 'reads',
  run(state: TextToolsState, { id, phrase }) {
    const document = byId(state.documents, id);
    if (typeof document === 'string') return { error: document };
    const { lines } = document;
    const count = (of: (line: string) => number) => lines.reduce((all, line) => all + of(line), 0);
    return {
      value: {
        lines: lines.length,
        words: count((line) => line.match(/\S+/g)?.length ?? 0),
        characters: count((line) => line.length),
        occurrences: phrase === undefined ? null : count((line) => occurrencesIn(line, phrase)),
      },
    };
  },
});

const replaceText = defineTool({
  name: 'replace_text',
  description:
    'Replaces a text wherever it stands in a document, or only where it stands first. Fails when it does not occur.',
  input: z.strictObject({
    id: docId,
    search: z.string().min(1),
    replacement: z.string(),
    firstOnly: z.boolean().default(false),
  }),
  output: z.strictObject({ id: z.string(), replaced: z.int() }),
  kind: 'adds',
  run(state: TextToolsState, { id, search, replacement, firstOnly }) {
    const document = byId(state.documents, id);
    if (typeof document === 'string') return { error: document };
    let replaced = 0;
    const lines = document.lines.map((line) => {
      const pieces = line.split(search);
      const most = firstOnly ? 1 - replaced : pieces.length;
      const here = Math.min(pieces.length - 1, most);
      replaced += here;
      const changedPart = pieces.slice(0, here + 1).join(replacement);
      return [changedPart, ...pieces.slice(here + 1)].join(search);
    });
    if (replaced === 0) return { error: `search: '${search}' does not occur in ${document.id}` };
    return {
      value: { id: document.id, replaced },
      state: { documents: changed(state.documents, document.id, { lines }) },
    };
  },
});

const sortLines = defineTool({
  name: 'sort_lines',
  description:
    'Sorts the lines of a document by their letters, from a to z or from z to a, and drops repeated lines if asked to.',
  input: z.strictObject({
    id: docId,
    order: z.enum(['ascending', 'descending']).default('ascending'),
    unique: z.boolean().default(false),
  }),
  output: z.strictObject({ id: z.string(), lines: z.array(z.string()) }),
  kind: 'sets',
  run(state: TextToolsState, { id, order, unique }) {
    const document = byId(state.documents, id);
    if (typeof document === 'string') return { error: document };
    const kept = unique ? [...new Set(document.lines)] : document.lines;
    const sorted = kept.toSorted();
    const lines = order === 'ascending' ? sorted : sorted.toReversed();
    return {
      value: { id: document.id, lines },
      state: { documents: changed(state.documents, document.id, { lines }) },
    };
  },
});

const extractEmails = defineTool({
  name: 'extract_emails',
  description: 'Lists the different e-mail addresses in a document in the order they stand there.',
  input: z.strictObject({ id: docId }),
  output: z.strictObject({ emails: z.array(z.string()), count: z.int() }),
  kind: 'reads',
  run(state: TextToolsState, { id }) {
    const document = byId(state.documents, id);
    if (typeof document === 'string') return { error: document };
    const all = document.lines.flatMap((line) => line.match(/[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g) ?? []);
    const emails = [...new Set(all)];
    return { value: { emails, count: emails.length } };
  },
});

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

const changeCase = defineTool({
  name: 'change_case',
  description:
    'Writes a text in another case: upper, lower or title, or as one name in snake, kebab or camel case.',
  input: z.strictObject({ text: z.string().min(1), style: z.enum(STYLES) }),
  output: z.strictObject({ text: z.string() }),
  kind: 'reads',
  run(_state: TextToolsState, { text, style }) {
    const lower = text.toLowerCase();
    const tokens = lower.match(/[\p{L}\p{N}]+/gu) ?? [];
    const written = {
      upper: () => text.toUpperCase(),
      lower: () => lower,
      title: () => lower.replace(/[\p{L}\p{N}]+/gu, capital),
      snake: () => tokens.join('_'),
      kebab: () => tokens.join('-'),
      camel: () => tokens.map((word, i) => (i === 0 ? word : capital(word))).join(''),
    }[style]();
    return { value: { text: written } };
  },
});

const slugify = defineTool({
  name: 'slugify',
  description:
    'Makes a slug of a text for an address: lower-case letters a-z and digits, joined by a separator. Fails when nothing is left.',
  input: z.strictObject({ text: z.string(), separator: z.enum(['-', '_', '.']).default('-') }),
  output: z.strictObject({ slug: z.string(), length: z.int() }),
  kind: 'reads',
  run(_state: TextToolsState, { text, separator }) {
    const plain = text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
    const slug = (plain.match(/[a-z0-9]+/g) ?? []).join(separator);
    if (slug === '') return { error: `text: got '${text}', need a letter a-z or a digit in it` };
    return { value: { slug, length: slug.length } };
  },
});

const compareTexts = defineTool({
  name: 'compare_texts',
  description:
    'Compares two texts: the number of edits from one to the other (a letter changed, added, dropped or swapped with the next), and a similarity from 0 to 1.',
  input: z.strictObject({
    a: z.string().max(400),
    b: z.string().max(400),
    ignoreCase: z.boolean().default(false),
  }),
  output: z.strictObject({ edits: z.int(), similarity: z.number() }),
  kind: 'reads',
  run(_state: TextToolsState, { a, b, ignoreCase }) {
    const fold = (text: string) => (ignoreCase ? text.toLowerCase() : text);
    const edits = editDistance(fold(a), fold(b));
    const length = Math.max(a.length, b.length);
    return { value: { edits, similarity: length === 0 ? 1 : rounded(1 - edits / length, 3) } };
  },
});

const lettersOf = (text: string): string =>
  (text.toLowerCase().match(/[\p{L}\p{N}]/gu) ?? []).sort().join('');

const findAnagrams = defineTool({
  name: 'find_anagrams',
  description:
    'Tells which candidates are anagrams of a text: the same letters in another order; case and spaces do not matter.',
  input: z.strictObject({
    text: z.string().min(1),
    candidates: z.array(z.string()).min(1).max(12),
  }),
  output: z.strictObject({ matches: z.array(z.string()), count: z.int() }),
  kind: 'reads',
  run(_state: TextToolsState, { text, candidates }) {
    const letters = lettersOf(text);
    const same = text.trim().toLowerCase();
    const matches = candidates.filter(
      (other) => lettersOf(other) === letters && other.trim().toLowerCase() !== same,
    );
    return { value: { matches, count: matches.length } };
  },
});

/** Lines about few things, so that words are repeated; one or two of them hold an address. */
function drawLines(rng: Rng, pool: Pool): string[] {
  const things = distinct(3, () => pairName(rng, pool, 'thing', [MATERIALS, OBJECTS]));
  const lines = distinct(
    rng.int(3, 4),
    () => `${rng.pick(VERBS)} the ${rng.pick(things)} by the ${rng.pick(SPOTS)}`,
  );
  const contacts = Array.from({ length: rng.int(1, 2) }, () => {
    const address = `${personName(rng, pool).toLowerCase()}@${rng.pick(DOMAINS)}.example`;
    return `ask ${address} about the ${rng.pick(things)}`;
  });
  return rng.shuffle([...lines, ...contacts]);
}

/** The text tools server. Its state is `{documents: [{id, title, lines}]}`. */
export const textTools: ServerDef = {
  name: 'text_tools',
  description: 'Tools for stored documents and for texts that are given.',
  tools: [
    findDocument,
    countWords,
    replaceText,
    sortLines,
    extractEmails,
    changeCase,
    slugify,
    compareTexts,
    findAnagrams,
  ],
  initial(rng, pool): TextToolsState {
    const titles = distinct(6, () => pairName(rng, pool, 'document', [TITLE_FIRST, TITLE_SECOND]));
    const ids = drawIds(rng, 'TX', titles.length, 101, 987);
    const documents = ids.map((id, i) => ({
      id,
      title: titles[i] ?? id,
      lines: drawLines(rng, pool),
    }));
    return { documents };
  },
};
