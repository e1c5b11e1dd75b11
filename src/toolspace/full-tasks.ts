// Tasks of toolspace full: two to eight requests to one to three servers (ATLAS, arXiv 2603.06713 section 4.1: easy two or
// three, medium four or five, hard six or more), where some hand a value on to the next; some ask for what no shown server
// can do, or leave out what must be asked for. A task is a function of its split and its number. Knows no server.
import { defined } from '../base/assert.ts';
import { AtlasError } from '../base/errors.ts';
import { deriveSeed, Rng } from '../base/rng.ts';
import type { Json } from '../trajectory/json.ts';
import { sameJson, valueAt } from '../trajectory/json-values.ts';
import type { Check } from '../trajectory/rubric.ts';
import type { Split, Task, World } from '../trajectory/task.ts';
import { CARRIED, type Carried, type Part, Rejected } from './draft.ts';
import { CoreDraft, type CoreFamily } from './families/core-draft.ts';
import { FAMILIES } from './families/index.ts';
import { SEEN, UNSEEN_ONLY } from './full/index.ts';
import { initialState } from './live-server.ts';
import {
  changingTools,
  checkOracle,
  contentId,
  drawWorld,
  type Sentence,
  writePrompt,
} from './task-parts.ts';
import { drawPlan, type Plan, type Pools, serversOf } from './task-plan.ts';
import { type Bystander, type RubricPart, taskRubric } from './task-rubric.ts';
import { FULL, liveServers, serverOf } from './toolspaces.ts';
import { type Pool, poolOf } from './values.ts';

const ATTEMPTS = 500;
/** Tries of one part: of those without a name only one in five belongs to the tests. */
const PART_TRIES = 40;
const BYSTANDERS = 4;
/** Calls of an oracle: an agent may make 20, and some of them load the tools of up to three servers. */
const MOST_STEPS = 16;
/** Characters of what a bystander is: it stands in the task's rubric. */
const MOST_BYSTANDER = 500;

const SEEN_POOLS: Pools = {
  families: [...FAMILIES, ...SEEN.flatMap(({ requests }) => requests)],
  distractors: FULL.servers
    .map(({ name }) => name)
    .filter((name) => !UNSEEN_ONLY.some(({ server }) => server.name === name)),
};
const UNSEEN_POOLS: Pools = {
  families: UNSEEN_ONLY.flatMap(({ requests }) => requests),
  distractors: FULL.servers.map(({ name }) => name),
};

/** A sentence and what it asks for, in the order of the request. */
interface Written extends RubricPart {
  sentence: Sentence;
  family: string;
}

/** The task of a number. */
export function makeFullTask(split: Split, number: number): Task {
  const shape = new Rng(deriveSeed('task', FULL.name, split, number));
  const pools = split === 'unseen' ? UNSEEN_POOLS : SEEN_POOLS;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const rng = new Rng(deriveSeed('attempt', shape.state, attempt));
    try {
      return attemptTask(split, drawPlan(rng, pools, split !== 'train'), rng);
    } catch (error) {
      if (!(error instanceof Rejected)) throw error;
    }
  }
  throw new AtlasError('no_task', `tasks: no task for number ${number} in ${ATTEMPTS} attempts.`);
}

function attemptTask(split: Split, plan: Plan, rng: Rng): Task {
  const pool: Pool = split === 'train' ? 'train' : 'test';
  const world = drawWorld(rng, FULL.name, pool, plan.busy);
  const draft = new CoreDraft(rng, pool, world.clock, liveServers(FULL.name, world, plan.servers));
  draft.misspellNext = plan.misspelled;
  const parts = writeParts(draft, plan);
  if (draft.misspellNext) throw new Rejected('nothing was looked up by its name');
  if (draft.steps.length > MOST_STEPS) throw new Rejected('more calls than an agent may make');
  if (!parts.every(({ requirement }) => holdsNow(requirement.check, draft))) {
    throw new Rejected('a request undoes what another one asked for');
  }
  parts.push(...specialParts(draft, plan, world));
  checkOracle(FULL.name, world, draft.steps, plan.families.flatMap(({ tools }) => tools).length);
  const prompt = writePrompt(
    rng,
    parts.map(({ sentence }) => sentence),
  );
  const servers = shownServers(rng, plan, split === 'unseen' ? UNSEEN_POOLS : SEEN_POOLS);
  const asked = parts.flatMap((part) => part.asked);
  const { length } = parts;
  const content = {
    toolspace: FULL.name,
    split,
    prompt,
    world,
    servers,
    difficulty: plan.difficulty,
    families: parts.map(({ family }) => family),
    heldOutPhrasing: plan.heldOut,
    instances: parts.map(({ family, slots }) => instanceOf(family, slots).toString(16)),
    oracle: { steps: draft.steps, answer: asked.length > 0 ? asked.join(', ') : 'done' },
    rubric: taskRubric({
      parts,
      steps: draft.steps,
      idle: bystanders(draft, servers, world, { prompt, steps: draft.steps, length }),
      changing: changingTools(FULL, servers),
    }),
  };
  return { v: 1, id: contentId(content), ...content };
}

function writeParts(draft: CoreDraft, { families, heldOut }: Plan): Written[] {
  let before: { kind: Carried; value: string | number } | null = null;
  return families.map((family): Written => {
    const carried = before?.kind === family.takes ? before : null;
    const part = draft.attempt(PART_TRIES, () => {
      draft.carried = carried;
      const drawn = family.draw(draft);
      if (draft.carried !== null) throw new Rejected('nothing took over what was handed on');
      if (!belongs(family, drawn, draft.pool)) throw new Rejected('a request of the other split');
      return drawn;
    });
    before =
      family.gives === undefined || part.gives === undefined
        ? null
        : { kind: family.gives, value: part.gives };
    return {
      ...part,
      tools: family.tools,
      family: family.name,
      sentence: sentence(family, part, heldOut),
    };
  });
}

function sentence(family: CoreFamily, { slots }: Part, heldOut: boolean): Sentence {
  return { patterns: heldOut ? family.phrasings.heldOut : family.phrasings.train, slots };
}

function instanceOf(family: string, slots: Part['slots']): number {
  return deriveSeed('instance', family, JSON.stringify(slots));
}

/** No two splits share an instance of a kind of request: its hash says where it belongs. */
function belongs(family: CoreFamily, { slots }: Part, pool: Pool): boolean {
  return poolOf('instance', `${family.name} ${JSON.stringify(slots)}`) === pool;
}

/** Whether what a check asks of the states is so now; what it asks of calls and answers is not looked at. */
function holdsNow(check: Check, draft: CoreDraft): boolean {
  if (check.kind === 'all') return check.checks.every((part) => holdsNow(part, draft));
  if (check.kind !== 'state') return true;
  return sameJson(valueAt(draft.state(check.server), check.path), check.equals);
}

/** How a request speaks of what it leaves out, how that is asked for, and what stands for it while the rest is drawn. */
const LEFT_OUT: Readonly<Partial<Record<Carried, readonly [string, string, string | number]>>> = {
  date: ['a date that I have yet to tell you', 'which date?', '2027-02-14'],
  time: ['a time that I have yet to tell you', 'at what time?', '16:15'],
  number: ['a number that I have yet to tell you', 'which number?', 3],
  amount: ['an amount that I have yet to tell you', 'which amount?', 20],
  person: ['somebody whose name I have yet to tell you', 'who is it?', 'Nobody'],
};

/** The part that cannot be done, at the end of the request; most tasks have none. */
function specialParts(draft: CoreDraft, plan: Plan, world: World): Written[] {
  if (plan.refused !== null) return [refusedPart(plan.refused, plan, draft, world)];
  return plan.unsaid === null ? [] : [unsaidPart(plan.unsaid, plan, draft)];
}

/** What no shown server can do: only the answer can say so. */
function refusedPart(family: CoreFamily, plan: Plan, draft: CoreDraft, world: World): Written {
  const { rng, pool, clock } = draft;
  const live = liveServers(FULL.name, world, serversOf(family));
  const elsewhere = new CoreDraft(rng, pool, clock, live);
  const part = elsewhere.attempt(PART_TRIES, () => {
    const drawn = family.draw(elsewhere);
    if (!belongs(family, drawn, pool)) throw new Rejected('a request of the other split');
    return drawn;
  });
  const words = [
    'cannot',
    "can't",
    'could not',
    'unable',
    'not possible',
    'impossible',
    'not available',
    'no tool',
  ];
  return {
    slots: part.slots,
    asked: ['cannot'],
    requirement: {
      description: `The answer says that the last thing cannot be done: no tool of ${serversOf(family).join(', ')} is there.`,
      check: { kind: 'any', checks: words.map((value) => ({ kind: 'states', value })) },
    },
    tools: [],
    family: `${family.name}:refused`,
    sentence: sentence(family, part, plan.heldOut),
  };
}

/** What lacks a value that only the person can tell: it must be asked for, and nothing done instead. */
function unsaidPart(family: CoreFamily, plan: Plan, draft: CoreDraft): Written {
  const kind = defined(family.takes, 'kind');
  const [said, question, value] = defined(LEFT_OUT[kind], kind);
  const part = draft.rehearse(() =>
    draft.attempt(PART_TRIES, () => {
      draft.carried = { kind, value };
      const drawn = family.draw(draft);
      if (draft.carried !== null) throw new Rejected('nothing took over what was handed on');
      return drawn;
    }),
  );
  const slots = Object.fromEntries(
    Object.entries(part.slots).map(([name, text]) => [name, text === CARRIED[kind] ? said : text]),
  );
  // What another request needs may be called.
  const needed = plan.families.flatMap(({ tools }) => tools);
  const idle = changingTools(FULL, serversOf(family)).filter(
    (tool) => family.tools.includes(tool) && !needed.includes(tool),
  );
  const checks = idle.map((tool) => ({ kind: 'notCalled' as const, tool }));
  return {
    slots,
    asked: [question],
    requirement: {
      description: `The answer asks for what the last request leaves out (${kind}), and nothing is made up instead.`,
      check: { kind: 'all', checks: [{ kind: 'asks' }, ...checks] },
    },
    tools: [],
    family: `${family.name}:unsaid`,
    sentence: sentence(family, { ...part, slots }, plan.heldOut),
  };
}

/** The task's servers and one to five others, shuffled; never one that could do what must be refused. */
function shownServers(rng: Rng, { servers, refused }: Plan, { distractors }: Pools): string[] {
  const hidden = refused === null ? [] : serversOf(refused);
  const others = distractors.filter((name) => !servers.includes(name) && !hidden.includes(name));
  return rng.shuffle([...servers, ...rng.sample(others, rng.int(1, 5))]);
}

/** Entities of shown servers that neither the request nor a step speaks of and that no step changed. */
function bystanders(
  draft: CoreDraft,
  servers: readonly string[],
  world: World,
  spoken: { prompt: string; steps: readonly object[]; length: number },
): Bystander[] {
  const text = JSON.stringify(spoken);
  const idle = servers.flatMap((server): Bystander[] => {
    const before = initialState(serverOf(FULL, server), world);
    const after = draft.knows(server) ? draft.state(server) : before;
    return Object.entries(before).flatMap(([list, entities]) =>
      (Array.isArray(entities) ? entities : []).flatMap((entity): Bystander[] => {
        const id = idOf(entity);
        const size = JSON.stringify(entity).length;
        if (id === null || text.includes(id) || size > MOST_BYSTANDER) return [];
        const kept = JSON.stringify(after[list]).includes(JSON.stringify(entity));
        return kept ? [{ server, name: id, path: [list, { id }], equals: entity }] : [];
      }),
    );
  });
  if (idle.length < BYSTANDERS) throw new Rejected('too few bystanders');
  return draft.rng.sample(idle, BYSTANDERS);
}

function idOf(entity: Json): string | null {
  if (entity === null || typeof entity !== 'object' || Array.isArray(entity)) return null;
  const { id } = entity;
  return typeof id === 'string' ? id : null;
}
