// A request that a person wrote, as a task: nothing knows its solution, so it has no oracle and no check. Knows no server.
import { InputError } from '../base/errors.ts';
import { type Category, CRITERIA_PER_CATEGORY, type Rubric } from '../trajectory/rubric.ts';
import type { Task } from '../trajectory/task.ts';
import { makeWorld } from './live-server.ts';
import { contentId } from './task-parts.ts';

/** More is no request, and fits no context. */
const PROMPT_CHARACTERS = 4000;

/** What a judge can be asked of any request; no check can tell. */
const QUESTIONS: Readonly<Record<Category, readonly string[]>> = {
  taskFulfilment: [
    'Everything that the request asks for was done.',
    'The final answer gives everything that the request asks to know.',
    'What the final answer says is right.',
    'Every condition that the request names was kept.',
    'Nothing was changed that the request does not ask to change.',
  ],
  toolAppropriateness: [
    'The tools that were called fit the request.',
    'The calls stand in an order that makes sense.',
    'No call was made without need.',
  ],
  toolGrounding: [
    'The arguments of the calls come from the request or from earlier results.',
    'The final answer rests on results of calls.',
  ],
  parameterAccuracy: [
    'The arguments of the calls are complete.',
    'The arguments of the calls have the right values.',
  ],
};
const WEIGHT = 5;

const RUBRIC: Rubric = {
  v: 1,
  criteria: (Object.keys(CRITERIA_PER_CATEGORY) as Category[]).flatMap((category) =>
    QUESTIONS[category].map((description) => ({
      category,
      description,
      weight: WEIGHT,
      check: null,
    })),
  ),
};

export interface UserRequest {
  prompt: string;
  /** Built-in servers that are shown, of the toolspace. */
  servers: readonly string[];
  toolspace: string;
  /** Of the world behind the built-in servers. */
  seed: number;
}

/**
 * The task of a person's own request.
 * @throws {InputError} for a request that is empty or too long.
 */
export function userTask({ prompt, servers, toolspace, seed }: UserRequest): Task {
  const text = prompt.trim();
  if (text === '' || text.length > PROMPT_CHARACTERS) {
    throw new InputError(
      'request',
      `request: got ${text.length} characters, need 1 to ${PROMPT_CHARACTERS}`,
    );
  }
  const content = {
    toolspace,
    split: 'test' as const,
    prompt: text,
    world: makeWorld(seed),
    servers: [...servers],
    difficulty: 'medium' as const,
    families: [],
    heldOutPhrasing: false,
    source: 'user' as const,
    oracle: { steps: [], answer: '' },
    rubric: RUBRIC,
  };
  return { v: 1, id: contentId(content), ...content };
}
