// The rubric of a generated task: 12 criteria that are all checks (ATLAS, arXiv 2603.06713 section
// 3.1). Evaluates none.
import { defined } from '../base/assert.ts';
import type { Json } from '../trajectory/json.ts';
import type { Check, Criterion, Rubric, StatePath } from '../trajectory/rubric.ts';
import type { OracleStep } from '../trajectory/task.ts';
import type { Part } from './draft.ts';

/** What the task leaves alone: where it stands in the state of its server, and what it is. */
export interface Bystander {
  server: string;
  name: string;
  path: StatePath;
  equals: Json;
}

/** A part of the request with the tools (`server:tool`) of its calls, in order. */
export interface RubricPart extends Part {
  tools: readonly string[];
}

/** What a rubric is made from. */
export interface RubricSource {
  /** The parts of the request. */
  parts: readonly RubricPart[];
  /** The oracle's steps, those marked `expectError` included. */
  steps: readonly OracleStep[];
  /** At least four. */
  idle: readonly Bystander[];
  /** Shown tools that change something. */
  changing: readonly string[];
}

/** Weights of the paper's worked example (appendix E), by category. */
const WEIGHTS = {
  taskFulfilment: [10, 10, 9, 9, 8],
  toolAppropriateness: [7, 8, 8],
  toolGrounding: [6, 7],
  parameterAccuracy: [5, 6],
} as const;

interface Draft {
  description: string;
  check: Check;
}

function toolName(step: OracleStep): string {
  return `${step.server}:${step.tool}`;
}

/** Counts only once the work has begun: an episode that does nothing breaks no rule, and must not be paid for it. */
function earned({ description, check }: Draft, tool: string): Draft {
  return { description, check: { kind: 'all', checks: [{ kind: 'called', tool }, check] } };
}

function fulfilment(
  parts: readonly RubricPart[],
  steps: readonly OracleStep[],
  idle: readonly Bystander[],
) {
  const begun = first(parts.flatMap((part) => part.tools));
  const drafts = requirements(parts);
  const read = steps.at(-1);
  if (parts.every((part) => part.asked.length > 0) && read !== undefined) {
    drafts.push({
      description: `What is asked last was read with ${toolName(read)}, not guessed.`,
      check: { kind: 'called', tool: toolName(read) },
    });
  }
  const ends: Draft = {
    description: 'Work is done, and the episode ends with an answer.',
    check: { kind: 'answered' },
  };
  drafts.push(earned(ends, begun));
  for (const { server, name, path, equals } of idle) {
    const draft: Draft = {
      description: `Work is done, and ${name} of ${server}, which the request does not speak of, is unchanged.`,
      check: { kind: 'state', server, path, equals },
    };
    drafts.push(earned(draft, begun));
  }
  return drafts.slice(0, 5);
}

/** Criteria that requirements take at the most: two are left for the end of the episode and a bystander. */
const MOST_REQUIREMENTS = 4;

/** The requirements of the parts, those of neighbours together where there are more parts than criteria. */
function requirements(parts: readonly RubricPart[]): Draft[] {
  const all = parts.map((part) => part.requirement);
  if (all.length <= MOST_REQUIREMENTS) return all;
  return Array.from({ length: MOST_REQUIREMENTS - 1 }, (_, i) => {
    const at = (share: number) => Math.round((share * all.length) / (MOST_REQUIREMENTS - 1));
    const group = all.slice(at(i), at(i + 1));
    return {
      description: group.map(({ description }) => description).join(' '),
      check: { kind: 'all', checks: group.map(({ check }) => check) },
    };
  });
}

function appropriateness(source: RubricSource, count: number): Draft[] {
  const tools = [...new Set(source.parts.flatMap((part) => part.tools))];
  return [
    {
      description: `The tools that the request needs are called: ${tools.join(', ')}.`,
      check: { kind: 'all', checks: tools.map((tool): Check => ({ kind: 'called', tool })) },
    },
    orderly(source, tools),
    earned(
      {
        description: `Work is done with at most one call more than the ${count} that are needed.`,
        check: { kind: 'callsAtMost', count: count + 1 },
      },
      first(tools),
    ),
  ];
}

function first(tools: readonly string[]): string {
  return defined(tools[0], 'tool');
}

/** What comes first in each chain is called before what comes last, and nothing else is changed. */
function orderly({ parts, changing }: RubricSource, needed: readonly string[]): Draft {
  const chains = parts.flatMap(({ tools }): Check[] => {
    const last = tools.at(-1);
    if (last === undefined || last === first(tools)) return [];
    return [{ kind: 'order', tools: [first(tools), last] }];
  });
  const others = changing.filter((tool) => !needed.includes(tool));
  const idle = others.map((tool): Check => ({ kind: 'notCalled', tool }));
  return {
    description: 'Tools are called in a fitting order, and none that changes what is not asked.',
    check: { kind: 'all', checks: [...chains, ...idle, { kind: 'called', tool: first(needed) }] },
  };
}

/** The 12 criteria of a task, all with a check. */
export function taskRubric(source: RubricSource): Rubric {
  const { parts, steps, idle } = source;
  const good = steps.filter((step) => step.expectError !== true);
  const errors = steps.length - good.length;
  const begun = first(parts.flatMap((part) => part.tools));
  const exact = good.map(
    (step): Check => ({ kind: 'called', tool: toolName(step), arguments: step.arguments }),
  );
  const grounding: Draft[] = [
    {
      description: 'Every argument comes from the request, a result or the schema.',
      check: { kind: 'grounded' },
    },
    earned(
      {
        description: 'Work is done, and everything the answer states comes from it or the request.',
        check: { kind: 'all', checks: [{ kind: 'answered' }, { kind: 'answerGrounded' }] },
      },
      begun,
    ),
  ];
  const accuracy: Draft[] = [
    {
      description: 'Each needed call has exactly the arguments that the request asks for.',
      check: { kind: 'all', checks: exact },
    },
    earned(
      {
        description: `Work is done, and at most ${errors} calls end in an error.`,
        check: { kind: 'errorsAtMost', count: errors },
      },
      begun,
    ),
  ];
  return {
    v: 1,
    criteria: [
      ...weighted('taskFulfilment', fulfilment(parts, good, idle)),
      ...weighted('toolAppropriateness', appropriateness(source, good.length)),
      ...weighted('toolGrounding', grounding),
      ...weighted('parameterAccuracy', accuracy),
    ],
  };
}

function weighted(category: keyof typeof WEIGHTS, drafts: readonly Draft[]): Criterion[] {
  return drafts.map((draft, i) => ({ category, ...draft, weight: WEIGHTS[category][i] ?? 1 }));
}
