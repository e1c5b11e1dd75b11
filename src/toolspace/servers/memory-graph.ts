// The built-in memory graph: named nodes with observations, and directed relations. Knows nothing of tasks or
// transports.
import { z } from 'zod';
import type { Rng } from '../../base/rng.ts';
import { byName, defineTool, type ServerDef } from '../server.ts';
import { distinct, futureDate, type Pool, pairName, personName, words } from '../values.ts';

const NODE_KINDS = ['person', 'project', 'company', 'city'] as const;
const RELATIONS = ['lives_in', 'works_for', 'works_on', 'based_in', 'funds'] as const;

/** `id` is the node's name. */
export type GraphNode = {
  id: string;
  kind: (typeof NODE_KINDS)[number];
  observations: string[];
};
type Relation = { from: string; relation: (typeof RELATIONS)[number]; to: string };
export type MemoryGraphState = { nodes: GraphNode[]; relations: Relation[] };

const CITIES = [
  'Antwerp',
  'Bergen',
  'Bilbao',
  'Cork',
  'Graz',
  'Leipzig',
  'Malmo',
  'Nantes',
  'Porto',
  'Tampere',
  'Turin',
  'Utrecht',
] as const;
const PROJECT_FIRSTS = words(`
  atlas beacon cobra dynamo eclipse fathom glacier horizon icarus javelin kodiak lattice mercury
  nimbus osprey pulsar quasar rocket
`);
const PROJECT_SECONDS = words(`
  alpha bravo delta echo foxtrot gamma kilo lima omega oscar papa quebec romeo sierra sigma tango
  theta zulu
`);
const COMPANY_FIRSTS = words(`
  alder birch clover dahlia elder fennel gorse heather iris juniper laurel mallow nettle oleander
  poplar rowan sorrel thistle
`);
const COMPANY_SECONDS = words(`
  bakery brewery builders foundry freight insurance labs logistics mills motors optics partners
  press printing shipping software textiles tools
`);

/** A short note of two words, such as somebody's liking. */
export function graphNote(rng: Rng, pool: Pool): string {
  return pairName(rng, pool, 'note', [NOTE_FIRSTS, NOTE_SECONDS]);
}

const NOTE_FIRSTS = words(`
  adores avoids builds collects dislikes enjoys fears likes loves mends paints prefers restores
  sells studies teaches trusts wants
`);
const NOTE_SECONDS = words(`
  bicycles clocks dogs ferries guitars horses kites maps mushrooms operas puzzles sailing skiing
  stamps tea trains violins waffles
`);

const nodeName = z.string().min(1).max(80).describe('name of a node');
const kind = z.enum(NODE_KINDS);
const relation = z.enum(RELATIONS);

function nodeOf(state: MemoryGraphState, name: string): GraphNode | string {
  return byName(state.nodes, name, ({ id }) => id);
}

const rememberNode = defineTool({
  name: 'remember_node',
  description: 'Adds a node with its kind and observations. Fails when the name is taken.',
  input: z.strictObject({
    name: nodeName,
    kind,
    observations: z.array(z.string().min(1).max(200)).max(10).default([]),
  }),
  output: z.strictObject({ name: z.string(), nodes: z.int() }),
  kind: 'adds',
  run(state: MemoryGraphState, { name, kind: wanted, observations }) {
    const id = name.trim();
    if (id === '') return { error: `name: got '${name}', need a name` };
    const taken = nodeOf(state, id);
    if (typeof taken !== 'string')
      return { error: `name: '${taken.id}' is a ${taken.kind} already` };
    const nodes = [...state.nodes, { id, kind: wanted, observations: [...new Set(observations)] }];
    return { value: { name: id, nodes: nodes.length }, state: { ...state, nodes } };
  },
});

const recallNode = defineTool({
  name: 'recall_node',
  description: 'Reads the kind and the observations of a node, by its exact name.',
  input: z.strictObject({ name: nodeName }),
  output: z.strictObject({ name: z.string(), kind, observations: z.array(z.string()) }),
  kind: 'reads',
  run(state: MemoryGraphState, { name }) {
    const node = nodeOf(state, name);
    if (typeof node === 'string') return { error: node };
    return { value: { name: node.id, kind: node.kind, observations: node.observations } };
  },
});

const searchGraph = defineTool({
  name: 'search_graph',
  description: 'Finds nodes whose name or observations hold a text, of all kinds or of one.',
  input: z.strictObject({ text: z.string().min(1), kind: kind.optional() }),
  output: z.strictObject({
    nodes: z.array(z.strictObject({ name: z.string(), kind })),
    count: z.int(),
  }),
  kind: 'reads',
  run(state: MemoryGraphState, args) {
    const wanted = args.text.trim().toLowerCase();
    const nodes = state.nodes
      .filter((node) => args.kind === undefined || node.kind === args.kind)
      .filter(({ id, observations }) =>
        [id, ...observations].some((text) => text.toLowerCase().includes(wanted)),
      )
      .map((node) => ({ name: node.id, kind: node.kind }));
    return { value: { nodes, count: nodes.length } };
  },
});

const neighbours = defineTool({
  name: 'neighbours',
  description: 'Lists the nodes next to a node: where its relations lead, or where they come from.',
  input: z.strictObject({
    name: nodeName,
    direction: z.enum(['out', 'in', 'both']).default('both'),
    relation: relation.optional().describe('only along this relation'),
  }),
  output: z.strictObject({
    neighbours: z.array(
      z.strictObject({ name: z.string(), relation, direction: z.enum(['out', 'in']) }),
    ),
    count: z.int(),
  }),
  kind: 'reads',
  run(state: MemoryGraphState, { name, direction, relation: along }) {
    const node = nodeOf(state, name);
    if (typeof node === 'string') return { error: node };
    const fits = (edge: Relation) => along === undefined || edge.relation === along;
    const out = state.relations
      .filter((edge) => direction !== 'in' && edge.from === node.id && fits(edge))
      .map((edge) => ({ name: edge.to, relation: edge.relation, direction: 'out' as const }));
    const into = state.relations
      .filter((edge) => direction !== 'out' && edge.to === node.id && fits(edge))
      .map((edge) => ({ name: edge.from, relation: edge.relation, direction: 'in' as const }));
    return { value: { neighbours: [...out, ...into], count: out.length + into.length } };
  },
});

const relate = defineTool({
  name: 'relate',
  description: 'Draws a relation from one node to another; both must be there already.',
  input: z.strictObject({ from: nodeName, relation, to: nodeName }),
  output: z.strictObject({ from: z.string(), relation, to: z.string() }),
  kind: 'sets',
  run(state: MemoryGraphState, args) {
    const from = nodeOf(state, args.from);
    if (typeof from === 'string') return { error: `from: ${from}` };
    const to = nodeOf(state, args.to);
    if (typeof to === 'string') return { error: `to: ${to}` };
    if (from === to) return { error: `to: '${to.id}' cannot relate to itself` };
    const edge: Relation = { from: from.id, relation: args.relation, to: to.id };
    const known = state.relations.some(
      (other) =>
        other.from === edge.from && other.relation === edge.relation && other.to === edge.to,
    );
    const relations = known ? state.relations : [...state.relations, edge];
    return { value: edge, state: { ...state, relations } };
  },
});

const observe = defineTool({
  name: 'observe',
  description: 'Adds an observation to a node, unless the node has it.',
  input: z.strictObject({ name: nodeName, observation: z.string().min(1).max(200) }),
  output: z.strictObject({ name: z.string(), observations: z.int() }),
  kind: 'sets',
  run(state: MemoryGraphState, { name, observation }) {
    const node = nodeOf(state, name);
    if (typeof node === 'string') return { error: node };
    const observations = [...new Set([...node.observations, observation])];
    const nodes = state.nodes.map((other) => (other === node ? { ...node, observations } : other));
    return {
      value: { name: node.id, observations: observations.length },
      state: { ...state, nodes },
    };
  },
});

const forgetNode = defineTool({
  name: 'forget_node',
  description: 'Deletes a node and every relation from it or to it.',
  input: z.strictObject({ name: nodeName }),
  output: z.strictObject({ forgotten: z.string(), relations: z.int() }),
  kind: 'adds',
  run(state: MemoryGraphState, { name }) {
    const node = nodeOf(state, name);
    if (typeof node === 'string') return { error: node };
    const nodes = state.nodes.filter((other) => other !== node);
    const relations = state.relations.filter(({ from, to }) => from !== node.id && to !== node.id);
    const lost = state.relations.length - relations.length;
    return { value: { forgotten: node.id, relations: lost }, state: { nodes, relations } };
  },
});

/** What is known of each person: where they live, for whom and on what they work. */
function relationsOf(rng: Rng, names: Record<(typeof NODE_KINDS)[number], string[]>): Relation[] {
  const edges = names.person.flatMap((from, i): Relation[] => [
    { from, relation: 'lives_in', to: rng.pick(names.city) },
    { from, relation: 'works_for', to: rng.pick(names.company) },
    // Everyone works on one project, and no project is without people.
    { from, relation: 'works_on', to: names.project[i % names.project.length] ?? '' },
  ]);
  const homes = names.company.flatMap((from): Relation[] => [
    { from, relation: 'based_in', to: rng.pick(names.city) },
    { from, relation: 'funds', to: rng.pick(names.project) },
  ]);
  return [...rng.shuffle(edges), ...homes];
}

/** The memory graph server. Its state is `{nodes: [{id, kind, observations}], relations: [{from, relation, to}]}`. */
export const memoryGraph: ServerDef = {
  name: 'memory_graph',
  description: 'A memory of people, projects, companies and cities as a graph with notes.',
  tools: [rememberNode, recallNode, searchGraph, neighbours, relate, observe, forgetNode],
  initial(rng, pool, clock): MemoryGraphState {
    const names = {
      person: distinct(9, () => personName(rng, pool)),
      project: distinct(4, () =>
        pairName(rng, pool, 'endeavour', [PROJECT_FIRSTS, PROJECT_SECONDS]),
      ),
      company: distinct(3, () => pairName(rng, pool, 'firm', [COMPANY_FIRSTS, COMPANY_SECONDS])),
      city: rng.sample(CITIES, 4),
    };
    const notes = distinct(names.person.length, () => graphNote(rng, pool));
    const nodes = NODE_KINDS.flatMap((nodeKind) =>
      names[nodeKind].map((id, i): GraphNode => {
        const observations = {
          person: [notes[i] ?? ''],
          project: [`due ${futureDate(rng, clock)}`, `budget ${rng.int(12, 96) * 500}`],
          company: [`founded ${rng.int(1951, 2019)}`],
          city: [],
        }[nodeKind];
        return { id, kind: nodeKind, observations };
      }),
    );
    return { nodes, relations: relationsOf(rng, names) };
  },
};
