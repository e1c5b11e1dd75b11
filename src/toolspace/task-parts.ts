// What the generators of all toolspaces share: how a task is named, its world drawn, its request put together, its oracle
// played once more. Knows no toolspace by name and no kind of request.
import { defined } from '../base/assert.ts';
import { deriveSeed, type Rng } from '../base/rng.ts';
import type { OracleStep, World } from '../trajectory/task.ts';
import { Rejected } from './draft.ts';
import { makeWorld, type Toolspace, worldPool } from './live-server.ts';
import { expand, fill } from './phrasing.ts';
import { busyTool, liveServers, serverOf } from './toolspaces.ts';
import type { Pool } from './values.ts';

const CONNECTORS = ['Then', 'Also', 'After that,', 'Next,', 'And', ''] as const;

export type Trouble = 'none' | 'busy' | 'misspelled';

const ERROR_SHARE = 0.12;

/** The error that a task plants, if any: half of them a busy tool, half a name that is misspelled. */
export function drawTrouble(rng: Rng): Trouble {
  if (!rng.chance(ERROR_SHARE)) return 'none';
  return rng.chance(0.5) ? 'busy' : 'misspelled';
}

/** A world of a pool in which that tool (null: none) is busy at first. */
export function drawWorld(rng: Rng, toolspace: string, pool: Pool, busy: string | null): World {
  let seed = rng.int(0, 0x7fffffff);
  while (worldPool(seed) !== pool || busyTool(toolspace, seed) !== busy) {
    seed = (seed + 1) & 0x7fffffff;
  }
  return makeWorld(seed);
}

/** 64 bits of hash, as `core-0123456789abcdef`. */
export function contentId(content: { toolspace: string }): string {
  const text = JSON.stringify(content);
  const half = (salt: string) => deriveSeed(salt, text).toString(16).padStart(8, '0');
  return `${content.toolspace}-${half('high')}${half('low')}`;
}

/** One sentence of a request: patterns to choose from, and what fills their slots. */
export interface Sentence {
  readonly patterns: readonly string[];
  readonly slots: Readonly<Record<string, string>>;
}

/** A request of these sentences, joined by connectors. */
export function writePrompt(rng: Rng, sentences: readonly Sentence[]): string {
  let prompt = '';
  for (const { patterns, slots } of sentences) {
    const wording = rng.pick(expand(rng.pick(patterns)));
    if (prompt === '') {
      prompt = fill(wording, slots);
      continue;
    }
    const connector = rng.pick(CONNECTORS);
    prompt +=
      connector === ''
        ? ` ${fill(wording, slots)}`
        : ` ${connector} ${fill(lowerFirst(wording), slots)}`;
  }
  return prompt;
}

/** The sentence as it stands after a connector. */
export function lowerFirst(text: string): string {
  return /^I\b/.test(text) ? text : text.charAt(0).toLowerCase() + text.slice(1);
}

/** Runs the oracle from the start once more: every step must end as it is marked. */
export function checkOracle(
  toolspace: string,
  world: World,
  steps: readonly OracleStep[],
  calls: number,
): void {
  const servers = liveServers(toolspace, world, [...new Set(steps.map(({ server }) => server))]);
  let good = 0;
  for (const step of steps) {
    const result = defined(servers.get(step.server), step.server).call(step.tool, step.arguments);
    if (result.isError !== (step.expectError ?? false)) throw new Rejected('the oracle fails');
    if (!result.isError) good += 1;
  }
  if (good !== calls) throw new Rejected(`${good} calls in place of ${calls}`);
}

/** Shown tools that change something. */
export function changingTools(space: Toolspace, servers: readonly string[]): string[] {
  return servers.flatMap((name) =>
    serverOf(space, name)
      .tools.filter((tool) => !tool.readOnly)
      .map((tool) => `${name}:${tool.name}`),
  );
}
