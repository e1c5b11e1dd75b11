// Requests to the memory graph. Knows nothing of how parts are combined.
import { type Draft, type Family, Rejected, stateIs } from '../draft.ts';
import { asking, changing, field, rowsOf } from '../parts.ts';
import { type GraphNode, graphNote, type MemoryGraphState } from '../servers/memory-graph.ts';
import { entryAt, textsOf } from './unseen-parts.ts';

const graph = (draft: Draft) => draft.state<MemoryGraphState>('memory_graph');
const takeNode = (draft: Draft, kind: GraphNode['kind']) =>
  draft.take(graph(draft).nodes.filter((node) => node.kind === kind)).id;

/** Somebody with exactly one home and one project. */
function takeSettled(draft: Draft): string {
  const { nodes, relations } = graph(draft);
  const count = (from: string, relation: string) =>
    relations.filter((edge) => edge.from === from && edge.relation === relation).length;
  return draft.take(
    nodes.filter(({ id }) => count(id, 'lives_in') === 1 && count(id, 'works_on') === 1),
  ).id;
}

export const MEMORY_GRAPH_REQUESTS: readonly Family[] = [
  {
    name: 'memory_graph_home',
    tools: ['memory_graph:neighbours'],
    byName: false,
    gives: 'city',
    phrasings: {
      train: [
        'In which city does {who} live, as far as [we|you] remember?',
        '[Look up|Find] in the memory graph where {who} lives.',
        'What city does the graph give as the home of {who}?',
        '[Recall|Tell me] the city that {who} lives in.',
      ],
      heldOut: [
        'Follow the graph from {who} to the city that is home.',
        'The home town of {who} is in your memory: name it.',
      ],
    },
    draw(draft) {
      const who = takeSettled(draft);
      const found = draft.call('memory_graph:neighbours', { name: who, relation: 'lives_in' });
      const city = String(field(entryAt(rowsOf(found, 'neighbours'), 0), 'name'));
      return { ...asking({ who: `'${who}'` }, [city], `where ${who} lives`), gives: city };
    },
  },
  {
    name: 'memory_graph_due',
    tools: ['memory_graph:neighbours', 'memory_graph:recall_node'],
    byName: false,
    gives: 'date',
    phrasings: {
      train: [
        'On what [date|day] is the project due that {who} works on?',
        'Find the project that {who} works on and [tell me|look up] when it is due.',
        'What is the due date of [the project of {who}|what {who} works on]?',
        '{who} works on a project: [on what date|when] is it due?',
      ],
      heldOut: [
        'By what day must the project of {who} be ready, if the memory graph is right?',
        'Go from {who} to the project in hand and read its due date.',
      ],
    },
    draw(draft) {
      const who = takeSettled(draft);
      const found = draft.call('memory_graph:neighbours', { name: who, relation: 'works_on' });
      const project = String(field(entryAt(rowsOf(found, 'neighbours'), 0), 'name'));
      const known = textsOf(
        draft.call('memory_graph:recall_node', { name: project }),
        'observations',
      );
      const due = known.find((text) => text.startsWith('due '))?.slice('due '.length);
      if (due === undefined) throw new Rejected(`'${project}' has no due date`);
      return { ...asking({ who: `'${who}'` }, [due], `when '${project}' is due`), gives: due };
    },
  },
  {
    name: 'memory_graph_joins',
    tools: ['memory_graph:remember_node', 'memory_graph:relate'],
    byName: false,
    takes: 'person',
    phrasings: {
      train: [
        'Add {who} to [the memory graph|your memory] as a person who works on {project}.',
        'Remember {who} as a new person and [add|note] that this person works on {project}.',
        '{who} is new and works on {project}: [put|enter] both facts into the memory graph.',
        'Make a person node for {who} and relate it to {project} as working on it.',
      ],
      heldOut: [
        'The project {project} is now also the work of {who}, of whom the graph has no node yet; record both.',
        'Enter {who} in your memory as a person at work on {project}.',
      ],
    },
    draw(draft) {
      const project = takeNode(draft, 'project');
      const { value: who, shown } = draft.given('person', () => draft.person());
      draft.call('memory_graph:remember_node', { name: who, kind: 'person' });
      const edge = { from: who, relation: 'works_on', to: project };
      draft.call('memory_graph:relate', edge);
      return changing(
        { who: shown, project: `'${project}'` },
        `the graph knows that ${who} works on '${project}'`,
        [
          stateIs('memory_graph', ['nodes', { id: who }, 'kind'], 'person'),
          stateIs('memory_graph', ['relations', edge], edge),
        ],
      );
    },
  },
  {
    name: 'memory_graph_note',
    tools: ['memory_graph:search_graph', 'memory_graph:observe'],
    byName: false,
    takes: 'text',
    phrasings: {
      train: [
        'Find out who {known} according to the notes, and [add|note] {fact} as an observation of that node.',
        'Search the graph for {known} and add {fact} as an observation to the node [you find|it finds].',
        'Whoever has the note {known} gets [another one|a second one]: {fact}.',
        '[Find|Look for] the node about which {known} is noted and add {fact} to it.',
      ],
      heldOut: [
        'One node carries the remark {known}; let it carry {fact} as well.',
        'Look for {known} in your memory, and write {fact} beside it.',
      ],
    },
    draw(draft) {
      const { observations } = draft.take(
        graph(draft).nodes.filter((node) => node.kind === 'person' && node.observations.length > 0),
      );
      const known = entryAt(observations, 0);
      const { value: fact, shown } = draft.given('text', () =>
        draft.fresh(graphNote(draft.rng, draft.pool)),
      );
      const found = draft.call('memory_graph:search_graph', { text: known });
      if (found['count'] !== 1) throw new Rejected(`'${known}' is noted more than once`);
      const name = String(field(entryAt(rowsOf(found, 'nodes'), 0), 'name'));
      draft.call('memory_graph:observe', { name, observation: fact });
      return changing({ known: `'${known}'`, fact: shown }, `'${fact}' is noted about ${name}`, [
        stateIs('memory_graph', ['nodes', { id: name }, 'observations'], [...observations, fact]),
      ]);
    },
  },
  {
    name: 'memory_graph_forget',
    tools: ['memory_graph:forget_node'],
    byName: true,
    phrasings: {
      train: [
        'Forget [everything about |all that you know of |]{name}.',
        '[Delete|Remove] {name} from [the graph|your memory].',
        'Erase the node {name}[| and its relations| with all its relations].',
      ],
      heldOut: [
        'The graph should hold no trace of {name} any more.',
        '{name} need not be remembered any longer.',
      ],
    },
    draw(draft) {
      const name = takeNode(draft, draft.rng.pick(['person', 'company']));
      const spelled = draft.spelled(name);
      draft.find('memory_graph:forget_node', 'name', spelled, name);
      return changing({ name: `'${spelled}'` }, `the graph has no '${name}'`, [
        stateIs('memory_graph', ['nodes', { id: name }], null),
      ]);
    },
  },
  {
    name: 'memory_graph_staff',
    tools: ['memory_graph:neighbours'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many people work for {company}, [by|according to] the memory graph?',
        'Count the [people who work|nodes that work] for {company}[| in the memory graph].',
        'What number of people [do you remember|does the graph know] to work for {company}?',
        'In the graph, how many works_for relations lead to {company}?',
      ],
      heldOut: [
        'How large is the staff of {company} as the graph knows it?',
        '{company} employs how many of the people in your memory?',
      ],
    },
    draw(draft) {
      const company = takeNode(draft, 'company');
      const args = { name: company, direction: 'in', relation: 'works_for' };
      const count = Number(field(draft.call('memory_graph:neighbours', args), 'count'));
      const slots = { company: `'${company}'` };
      return { ...asking(slots, [count], `how many work for '${company}'`), gives: count };
    },
  },
];
