// Search over the tools of many servers by what they are for. Knows no server and calls nothing.
import MiniSearch from 'minisearch';
import type { Json } from '../trajectory/json.ts';
import type { ServerSpec, ToolSpec } from '../trajectory/tool.ts';

export interface FoundTool {
  readonly server: string;
  readonly tool: ToolSpec;
}

interface Entry {
  id: number;
  name: string;
  description: string;
  server: string;
  serverDescription: string;
  args: string;
}

/**
 * Weights of the fields in BM25+. Chosen on LiveMCPBench (arXiv:2508.01780), the tasks that the test measures: what was
 * tried, and how far it was apart, stands in LOG.md.
 */
const BOOST = { name: 3, description: 1, server: 1, serverDescription: 0.5, args: 0.3 };
/** Words of a query also stand for longer ones that begin with them, and for misspelled ones, at these shares. */
const WEIGHTS = { prefix: 0.5, fuzzy: 0.3 };
const LEAST_PREFIX = 4;
const LEAST_FUZZY = 5;
const FUZZY_SHARE = 0.2;

/** An index of the tools of some servers. */
export class ToolSearch {
  readonly #index: MiniSearch<Entry>;
  readonly #tools: readonly FoundTool[];

  constructor(servers: readonly ServerSpec[]) {
    const entries = servers.flatMap(({ name, description, tools }) =>
      tools.map((tool) => ({ server: name, serverDescription: description, tool })),
    );
    this.#tools = entries;
    this.#index = new MiniSearch<Entry>({
      fields: Object.keys(BOOST),
      processTerm: (term) => stemOf(term.toLowerCase()),
      searchOptions: {
        boost: BOOST,
        weights: WEIGHTS,
        prefix: (term) => term.length >= LEAST_PREFIX,
        fuzzy: (term) => (term.length >= LEAST_FUZZY ? FUZZY_SHARE : false),
      },
    });
    this.#index.addAll(
      entries.map(({ server, serverDescription, tool }, id) => ({
        id,
        name: spaced(tool.name),
        description: tool.description,
        server: spaced(server),
        serverDescription,
        args: argumentWords(tool.inputSchema).join(' '),
      })),
    );
  }

  /** The tools that fit a query, best first; equally good ones in the order of the servers. */
  search(query: string, limit: number): FoundTool[] {
    return this.#index
      .search(query)
      .sort((a, b) => b.score - a.score || Number(a.id) - Number(b.id))
      .slice(0, limit)
      .flatMap(({ id }) => this.#tools[Number(id)] ?? []);
  }
}

/** `getItem_by-id` as words. */
function spaced(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replace(/[_\-:./]+/g, ' ');
}

/** Names, descriptions and choices of the arguments of a schema, those of nested objects too. */
function argumentWords(schema: Json | undefined, depth = 0): string[] {
  if (depth > 8 || schema === null || typeof schema !== 'object' || Array.isArray(schema)) {
    return [];
  }
  const { properties, items } = schema;
  const named =
    properties !== null && typeof properties === 'object' && !Array.isArray(properties)
      ? Object.entries(properties)
      : [];
  return [
    ...named.flatMap(([name, value]) => [
      spaced(name),
      ...ownWords(value),
      ...argumentWords(value, depth + 1),
    ]),
    ...argumentWords(items, depth + 1),
  ];
}

function ownWords(schema: Json): string[] {
  if (schema === null || typeof schema !== 'object' || Array.isArray(schema)) return [];
  const { description, enum: choices } = schema;
  return [
    ...(typeof description === 'string' ? [description] : []),
    ...(Array.isArray(choices) ? choices.map(String) : []),
  ];
}

/** Words that say nothing of what a tool is for. */
const STOP_WORDS = new Set(
  `a an and are as at be by for from has have he her his i in is it its me my of on or that the their them then there
  these they this to was we were will with you your which what who how all any each some into about using use used can
  could should would please`.split(/\s+/),
);

/** The stem of an English word, null for one that says nothing: endings of the plural, of verb forms and of -ation. */
function stemOf(word: string): string | null {
  if (STOP_WORDS.has(word)) return null;
  return withoutTail(withoutVerbEnding(withoutPlural(word)));
}

function withoutPlural(word: string): string {
  if (word.length <= 3 || /(ss|us|is)$/.test(word)) return word;
  if (word.length > 4 && word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  if (/(s|x|z|ch|sh)es$/.test(word)) return word.slice(0, -2);
  return word.endsWith('s') ? word.slice(0, -1) : word;
}

function withoutVerbEnding(word: string): string {
  const ending =
    word.length > 5 && word.endsWith('ing') ? 3 : word.length > 4 && word.endsWith('ed') ? 2 : 0;
  if (ending === 0) return word;
  const stem = word.slice(0, -ending);
  return /([bdfgmnprt])\1$/.test(stem) ? stem.slice(0, -1) : stem;
}

function withoutTail(word: string): string {
  const stem = word.length > 4 && word.endsWith('e') ? word.slice(0, -1) : word;
  if (stem.length <= 6) return stem;
  if (stem.endsWith('ation')) return `${stem.slice(0, -5)}at`;
  return stem.endsWith('ion') ? stem.slice(0, -3) : stem;
}
