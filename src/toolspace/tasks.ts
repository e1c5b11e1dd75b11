// The seeded task generator of the built-in toolspaces. A task is a function of its split and its
// number; the drawing seed only picks numbers. Knows no transport and no policy.
import { defined } from '../base/assert.ts';
import { AtlasError, InputError } from '../base/errors.ts';
import { deriveSeed, Rng } from '../base/rng.ts';
import type { OracleStep, Split, Task, World } from '../trajectory/task.ts';
import { type Part, Rejected } from './draft.ts';
import { CoreDraft, type CoreFamily, ENTITY_LISTS } from './families/core-draft.ts';
import { FAMILIES } from './families/index.ts';
import { expand, fill } from './phrasing.ts';
import { type Bystander, taskRubric } from './task-rubric.ts';
import { type Pool, poolOf } from './values.ts';
import {
  busyTool,
  initialState,
  liveServers,
  makeWorld,
  serverOf,
  toolspaceOf,
  worldPool,
} from './world.ts';

export interface TaskDraw {
  split: Split;
  count: number;
  /** Picks which tasks of the split are drawn. */
  seed: number;
  toolspace: string;
}

/** Shares of tasks of one to four calls, in percent. */
const CALL_SHARES = [30, 30, 22, 18] as const;
const ERROR_SHARE = 0.12;
const HELD_OUT_SHARE = 0.2;
const ATTEMPTS = 500;
/** Sizes of parts, as often as they are drawn. */
const PART_SIZES = [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4] as const;
export const CONNECTORS = ['Then', 'Also', 'After that,', 'Next,', 'And', ''] as const;

type Trouble = 'none' | 'busy' | 'misspelled';

/**
 * Draws different tasks of a split. Equal arguments give equal bytes.
 * @throws {InputError} for an unknown toolspace, a bad count, or a split that the toolspace lacks.
 */
export function generateTasks({ split, count, seed, toolspace }: TaskDraw): Task[] {
  if (!Number.isInteger(count) || count < 1) {
    throw new InputError('bad_count', `tasks: got count ${count}, need a whole number above 0.`);
  }
  toolspaceOf(toolspace);
  if (split === 'unseen') {
    throw new InputError(
      'no_split',
      `tasks: toolspace ${toolspace} has no split 'unseen'; use 'train' or 'test'.`,
    );
  }
  const tasks = new Map<string, Task>();
  for (let i = 0; tasks.size < count; i++) {
    const task = makeTask(toolspace, split, deriveSeed('draw', split, seed, i));
    tasks.set(task.id, task);
  }
  return [...tasks.values()];
}

/** The task of a number. */
export function makeTask(toolspace: string, split: Pool, number: number): Task {
  const shape = new Rng(deriveSeed('task', toolspace, split, number));
  const calls = drawCalls(shape);
  const trouble = drawTrouble(shape);
  const heldOut = split === 'test' && shape.chance(HELD_OUT_SHARE);
  // Families stay while worlds and wordings are tried, so that what is rejected often is not drawn
  // less.
  const families = drawFamilies(shape, calls, trouble);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const rng = new Rng(deriveSeed('attempt', shape.state, attempt));
    try {
      return attemptTask({ toolspace, split, families, trouble, heldOut, rng });
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

function drawTrouble(rng: Rng): Trouble {
  if (!rng.chance(ERROR_SHARE)) return 'none';
  return rng.chance(0.5) ? 'busy' : 'misspelled';
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

function drawWorld(rng: Rng, toolspace: string, split: Pool, busy: string | null): World {
  let seed = rng.int(0, 0x7fffffff);
  while (worldPool(seed) !== split || busyTool(toolspace, seed) !== busy) {
    seed = (seed + 1) & 0x7fffffff;
  }
  return makeWorld(seed);
}

interface Attempt {
  toolspace: string;
  split: Pool;
  families: readonly CoreFamily[];
  trouble: Trouble;
  heldOut: boolean;
  rng: Rng;
}

function attemptTask({ toolspace, split, families, trouble, heldOut, rng }: Attempt): Task {
  const calls = families.reduce((sum, family) => sum + family.tools.length, 0);
  const busy = trouble === 'busy' ? rng.pick(families.flatMap((family) => family.tools)) : null;
  const world = drawWorld(rng, toolspace, split, busy);
  const draft = new CoreDraft(rng, split, world.clock, liveServers(toolspace, world));
  draft.misspellNext = trouble === 'misspelled';
  const parts = families.map((family) => {
    const part = family.draw(draft);
    return { ...part, tools: family.tools };
  });
  const asked = parts.flatMap((part) => part.asked);
  const answer = asked.length > 0 ? asked.join(', ') : 'done';
  const prompt = writePrompt(rng, families, parts, heldOut);
  // A prompt without a name may be drawn in worlds of either split: its own hash says where it
  // belongs. Held-out wordings stand in test alone.
  if (!heldOut && !prompt.includes("'") && poolOf('prompt', prompt) !== split) {
    throw new Rejected('a prompt of the other split');
  }
  checkOracle(toolspace, world, draft.steps, calls);
  const servers = drawServers(rng, toolspace, families);
  const idle = bystanders(rng, toolspace, world, servers, { prompt, steps: draft.steps });
  const content = {
    v: 1 as const,
    toolspace,
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
      changing: changingTools(toolspace, servers),
    }),
  };
  const { v, ...rest } = content;
  return { v, id: contentId(rest), ...rest };
}

function difficulty(calls: number): Task['difficulty'] {
  if (calls === 1) return 'easy';
  return calls === 2 ? 'medium' : 'hard';
}

/** 64 bits of hash, as `core-0123456789abcdef`. */
function contentId(content: { toolspace: string }): string {
  const text = JSON.stringify(content);
  const half = (salt: string) => deriveSeed(salt, text).toString(16).padStart(8, '0');
  return `${content.toolspace}-${half('high')}${half('low')}`;
}

function writePrompt(
  rng: Rng,
  families: readonly CoreFamily[],
  parts: readonly Part[],
  heldOut: boolean,
) {
  let prompt = '';
  for (const [i, family] of families.entries()) {
    const patterns = heldOut ? family.phrasings.heldOut : family.phrasings.train;
    const text = fill(rng.pick(expand(rng.pick(patterns))), defined(parts[i], 'part').slots);
    if (i === 0) {
      prompt = text;
      continue;
    }
    const connector = rng.pick(CONNECTORS);
    prompt += connector === '' ? ` ${text}` : ` ${connector} ${lowerFirst(text)}`;
  }
  return prompt;
}

/** The sentence as it stands after a connector. */
export function lowerFirst(text: string): string {
  return text.startsWith('I ') ? text : text.charAt(0).toLowerCase() + text.slice(1);
}

/** Runs the oracle from the start once more: every step must end as it is marked. */
function checkOracle(
  toolspace: string,
  world: World,
  steps: readonly OracleStep[],
  calls: number,
): void {
  const servers = liveServers(toolspace, world);
  let good = 0;
  for (const step of steps) {
    const result = defined(servers.get(step.server), step.server).call(step.tool, step.arguments);
    if (result.isError !== (step.expectError ?? false)) throw new Rejected('the oracle fails');
    if (!result.isError) good += 1;
  }
  if (good !== calls) throw new Rejected(`${good} calls in place of ${calls}`);
}

/** The task's servers and distractors, two to four, shuffled. */
function drawServers(rng: Rng, toolspace: string, families: readonly CoreFamily[]): string[] {
  const needed = [...new Set(families.flatMap(serversOf))];
  const others = toolspaceOf(toolspace)
    .servers.map((server) => server.name)
    .filter((name) => !needed.includes(name));
  const shown = Math.max(needed.length, rng.int(2, 4));
  return rng.shuffle([...needed, ...rng.sample(others, shown - needed.length)]);
}

/** Shown tools that change something. */
function changingTools(toolspace: string, servers: readonly string[]): string[] {
  return servers.flatMap((name) =>
    serverOf(toolspaceOf(toolspace), name)
      .tools.filter((tool) => !tool.readOnly)
      .map((tool) => `${name}:${tool.name}`),
  );
}

/** Entities of shown servers that neither the request nor a step speaks of, at most four. */
function bystanders(
  rng: Rng,
  toolspace: string,
  world: World,
  servers: readonly string[],
  spoken: { prompt: string; steps: readonly OracleStep[] },
): Bystander[] {
  const text = JSON.stringify(spoken);
  const idle: Bystander[] = [];
  for (const [server, list] of Object.values(ENTITY_LISTS)) {
    if (!servers.includes(server)) continue;
    const state = initialState(serverOf(toolspaceOf(toolspace), server), world);
    const entities = state[list];
    if (!Array.isArray(entities)) continue;
    for (const entity of entities) {
      if (entity === null || typeof entity !== 'object' || Array.isArray(entity)) continue;
      const { id } = entity;
      if (typeof id === 'string' && !text.includes(id))
        idle.push({ server, list, entity: { ...entity, id } });
    }
  }
  return rng.sample(idle, 4);
}
