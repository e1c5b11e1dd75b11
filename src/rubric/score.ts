// Trace -> scores of its rubric and a reward (ATLAS, arXiv 2603.06713 section 3.1). What could not be scored is null
// and leaves the sums together with its weight. Must not know how a trace came about.
import { errorMessage } from '../base/errors.ts';
import type { Experiment } from '../trajectory/experiment.ts';
import type { Judge } from '../trajectory/interfaces.ts';
import type { Category, Criterion, Scores } from '../trajectory/rubric.ts';
import type { Trace } from '../trajectory/trace.ts';
import { evaluateCheck, every } from './checks.ts';

/** Weights of the categories; a `success` bonus is not part of the scores. */
export type RewardWeights = Pick<Experiment['reward'], Category>;

export const DEFAULT_WEIGHTS: RewardWeights = {
  taskFulfilment: 0.4,
  toolAppropriateness: 0.3,
  toolGrounding: 0.2,
  parameterAccuracy: 0.1,
};

export interface ScoreOptions {
  /** Scores criteria whose check is missing or cannot tell. */
  judge?: Judge;
  weights?: RewardWeights;
  /** Told of each failed judgement, which stays null. */
  onJudgeError?: (criterion: number, message: string) => void;
}

/** Scores a trace. An episode that failed by itself or was cancelled has no score at all. */
export async function scoreTrace(trace: Trace, options: ScoreOptions = {}): Promise<Scores> {
  const { criteria } = trace.task.rubric;
  const scored: (number | null)[] = [];
  for (const [index, criterion] of criteria.entries()) {
    scored.push(isLost(trace) ? null : await scoreCriterion(trace, criterion, index, options));
  }
  return combineScores(criteria, scored, options.weights ?? DEFAULT_WEIGHTS);
}

/** S_R = sum(w d) / sum(w) of each category, and sum(alpha_R S_R) over categories that have one, renormalised. */
export function combineScores(
  criteria: readonly Criterion[],
  scored: readonly (number | null)[],
  weights: RewardWeights,
): Scores {
  const category = (name: Category): number | null =>
    weightedMean(
      criteria.map((criterion, i) => ({
        weight: criterion.category === name ? criterion.weight : 0,
        value: scored[i] ?? null,
      })),
    );
  const categories: Record<Category, number | null> = {
    taskFulfilment: category('taskFulfilment'),
    toolAppropriateness: category('toolAppropriateness'),
    toolGrounding: category('toolGrounding'),
    parameterAccuracy: category('parameterAccuracy'),
  };
  const reward = weightedMean(
    (Object.keys(categories) as Category[]).map((name) => ({
      weight: weights[name],
      value: categories[name],
    })),
  );
  return { criteria: [...scored], categories, reward };
}

/**
 * Whether all Task Fulfilment checks pass; null when none fails and one could not be evaluated, when there is none, and
 * for an episode that failed by itself or was cancelled.
 */
export function taskSuccess(trace: Trace): boolean | null {
  if (isLost(trace)) return null;
  const checks = trace.task.rubric.criteria.flatMap(({ category, check }) =>
    category === 'taskFulfilment' && check !== null ? [check] : [],
  );
  if (checks.length === 0) return null;
  return every(checks.map((check) => evaluateCheck(check, trace)));
}

/** The trace with its scores and its success. */
export async function scoredTrace(trace: Trace, options: ScoreOptions = {}): Promise<Trace> {
  return { ...trace, scores: await scoreTrace(trace, options), success: taskSuccess(trace) };
}

function isLost({ end }: Trace): boolean {
  return end === 'error' || end === 'cancel';
}

/** A check outranks the judge. */
async function scoreCriterion(
  trace: Trace,
  criterion: Criterion,
  index: number,
  { judge, onJudgeError }: ScoreOptions,
): Promise<number | null> {
  const passed = criterion.check === null ? null : evaluateCheck(criterion.check, trace);
  if (passed !== null) return passed ? 1 : 0;
  if (judge === undefined) return null;
  try {
    const score = await judge.score(trace, criterion);
    if (score === null || (score >= 0 && score <= 1)) return score;
    onJudgeError?.(index, `judge ${judge.name}: got ${score}, need a number in [0, 1]`);
  } catch (error) {
    onJudgeError?.(index, errorMessage(error));
  }
  return null;
}

function weightedMean(items: readonly { weight: number; value: number | null }[]): number | null {
  let sum = 0;
  let total = 0;
  for (const { weight, value } of items) {
    if (value === null) continue;
    sum += weight * value;
    total += weight;
  }
  return total > 0 ? sum / total : null;
}
