// Tasks of toolspace core, which the shipped models know: they keep their bytes. A task is a function of its split and its
// number. Knows no transport and no policy.
import { AtlasError } from '../base/errors.ts';
import { deriveSeed, Rng } from '../base/rng.ts';
import type { OracleStep, Task, World } from '../trajectory/task.ts';
import { Rejected } from './draft.ts';
import { CoreDraft, type CoreFamily, ENTITY_LISTS } from './families/core-draft.ts';
import { FAMILIES } from './families/index.ts';
import { initialState } from './live-server.ts';
import {
  changingTools,
  checkOracle,
  contentId,
  drawTrouble,
  drawWorld,
  type Trouble,
  writePrompt,
} from './task-parts.ts';
import { type Bystander, taskRubric } from './task-rubric.ts';
import { CORE, liveServers, serverOf } from './toolspaces.ts';
import { type Pool, poolOf } from './values.ts';

/** Shares of tasks of one to four calls, in percent. */
const CALL_SHARES = [30, 30, 22, 18] as const;
const HELD_OUT_SHARE = 0.2;
const ATTEMPTS = 500;
/** Sizes of parts, as often as they are drawn. */
const PART_SIZES = [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4] as const;

/** The task of a number. */
export function makeCoreTask(split: Pool, number: number): Task {
  const shape = new Rng(deriveSeed('task', CORE.name, split, number));
  const calls = drawCalls(shape);
  const trouble = drawTrouble(shape);
  const heldOut = split === 'test' && shape.chance(HELD_OUT_SHARE);
  // Families stay while worlds and wordings are tried, so that what is rejected often is not drawn
  // less.
  const families = drawFamilies(shape, calls, trouble);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const rng = new Rng(deriveSeed('attempt', shape.state, attempt));
    try {
      return attemptTask({ split, families, trouble, heldOut, rng });
    } catch (error) {
      if (!(error instanceof Rejected)) throw error;
    }
  }
  throw new AtlasError('no_task', `tasks: no task for number ${number} in ${ATTEMPTS} attempts.`);
}

function drawCalls(rng: Rng): number {
  let mark = rng.int(1, 100);
  for (const [i, share] of CALL_SHARES.entries()) {
    mark -= share;
    if (mark <= 0) return i + 1;
  }
  return CALL_SHARES.length;
}

/** Different families whose calls sum to `calls`, on at most three servers. */
function drawFamilies(rng: Rng, calls: number, trouble: Trouble): CoreFamily[] {
  for (;;) {
    const families: CoreFamily[] = [];
    for (let left = calls; left > 0; ) {
      // The size first, then a family of it, so that chains are as frequent as their many single
      // siblings.
      const size = drawSize(rng, left);
      const family = rng.pick(FAMILIES.filter((candidate) => candidate.tools.length === size));
      families.push(family);
      left -= size;
    }
    const servers = new Set(families.flatMap(serversOf)).size;
    const misspellable = families.some((family) => family.byName);
    if (servers > 3 || new Set(families).size < families.length) continue;
    if (trouble !== 'misspelled' || misspellable) return rng.shuffle(families);
  }
}

/** Calls of one part: small parts are drawn more often, since long chains have few families. */
function drawSize(rng: Rng, most: number): number {
  return rng.pick(PART_SIZES.filter((size) => size <= most));
}

function serversOf(family: CoreFamily): string[] {
  return family.tools.map((tool) => tool.slice(0, tool.indexOf(':')));
}

interface Attempt {
  split: Pool;
  families: readonly CoreFamily[];
  trouble: Trouble;
  heldOut: boolean;
  rng: Rng;
}

function attemptTask({ split, families, trouble, heldOut, rng }: Attempt): Task {
  const calls = families.reduce((sum, family) => sum + family.tools.length, 0);
  const busy = trouble === 'busy' ? rng.pick(families.flatMap((family) => family.tools)) : null;
  const world = drawWorld(rng, CORE.name, split, busy);
  const draft = new CoreDraft(rng, split, world.clock, liveServers(CORE.name, world));
  draft.misspellNext = trouble === 'misspelled';
  const parts = families.map((family) => {
    const part = family.draw(draft);
    return { ...part, tools: family.tools, phrasings: family.phrasings };
  });
  const asked = parts.flatMap((part) => part.asked);
  const answer = asked.length > 0 ? asked.join(', ') : 'done';
  const sentences = parts.map(({ phrasings, slots }) => ({
    patterns: heldOut ? phrasings.heldOut : phrasings.train,
    slots,
  }));
  const prompt = writePrompt(rng, sentences);
  // A prompt without a name may be drawn in worlds of either split: its own hash says where it
  // belongs. Held-out wordings stand in test alone.
  if (!heldOut && !prompt.includes("'") && poolOf('prompt', prompt) !== split) {
    throw new Rejected('a prompt of the other split');
  }
  checkOracle(CORE.name, world, draft.steps, calls);
  const servers = drawServers(rng, families);
  const idle = bystanders(rng, world, servers, { prompt, steps: draft.steps });
  const content = {
    v: 1 as const,
    toolspace: CORE.name,
    split,
    prompt,
    world,
    servers,
    difficulty: difficulty(calls),
    families: families.map((family) => family.name),
    heldOutPhrasing: heldOut,
    oracle: { steps: draft.steps, answer },
    rubric: taskRubric({
      parts,
      steps: draft.steps,
      idle,
      changing: changingTools(CORE, servers),
    }),
  };
  const { v, ...rest } = content;
  return { v, id: contentId(rest), ...rest };
}

function difficulty(calls: number): Task['difficulty'] {
  if (calls === 1) return 'easy';
  return calls === 2 ? 'medium' : 'hard';
}

/** The task's servers and distractors, two to four, shuffled. */
function drawServers(rng: Rng, families: readonly CoreFamily[]): string[] {
  const needed = [...new Set(families.flatMap(serversOf))];
  const others = CORE.servers.map((server) => server.name).filter((name) => !needed.includes(name));
  const shown = Math.max(needed.length, rng.int(2, 4));
  return rng.shuffle([...needed, ...rng.sample(others, shown - needed.length)]);
}

/** Entities of shown servers that neither the request nor a step speaks of, at most four. */
function bystanders(
  rng: Rng,
  world: World,
  servers: readonly string[],
  spoken: { prompt: string; steps: readonly OracleStep[] },
): Bystander[] {
  const text = JSON.stringify(spoken);
  const idle: Bystander[] = [];
  for (const [server, list] of Object.values(ENTITY_LISTS)) {
    if (!servers.includes(server)) continue;
    const state = initialState(serverOf(CORE, server), world);
    const entities = state[list];
    if (!Array.isArray(entities)) continue;
    for (const entity of entities) {
      if (entity === null || typeof entity !== 'object' || Array.isArray(entity)) continue;
      const { id } = entity;
      if (typeof id === 'string' && !text.includes(id))
        idle.push({ server, name: id, path: [list, { id }], equals: entity });
    }
  }
  return rng.sample(idle, 4);
}
