// Traces -> the numbers that a table shows. Reads scored traces; scores nothing itself.
import type { Trace } from '../trajectory/trace.ts';

/** Later keys are added at the end. */
export interface Summary {
  count: number;
  /** Share in [0, 1] of all episodes that succeeded; failed and unscored ones are no successes. */
  success: number;
  /** Mean over episodes that have a reward; null when none has. */
  reward: number | null;
  /** Mean calls of an episode, meta calls included. */
  calls: number;
  /** Tokens of the whole sequence at the end. */
  contextTokens: { mean: number; max: number };
  /** Wilson's 95% interval of `success`. */
  successInterval: [number, number];
  /** Success by the number of oracle steps. */
  byCalls: Record<string, number>;
  /** Success on tasks whose phrasing was kept out of training; null without such tasks. */
  heldOutPhrasing: number | null;
}

/** Numbers of some episodes; all 0 for none. */
export function summarise(traces: readonly Trace[]): Summary {
  const rewards = traces.flatMap(({ scores }) => (scores?.reward == null ? [] : [scores.reward]));
  const groups = new Map<number, Trace[]>();
  for (const trace of traces) {
    const steps = trace.task.oracle.steps.length;
    groups.set(steps, [...(groups.get(steps) ?? []), trace]);
  }
  const heldOut = traces.filter(({ task }) => task.heldOutPhrasing);
  const byCalls = [...groups].sort(([a], [b]) => a - b);
  return {
    count: traces.length,
    success: successOf(traces),
    reward: rewards.length > 0 ? mean(rewards) : null,
    calls: mean(traces.map(({ calls }) => calls.length)),
    contextTokens: {
      mean: mean(traces.map(({ contextTokens }) => contextTokens)),
      max: traces.reduce((max, { contextTokens }) => Math.max(max, contextTokens), 0),
    },
    successInterval: wilson(traces.filter(({ success }) => success === true).length, traces.length),
    byCalls: Object.fromEntries(byCalls.map(([steps, list]) => [String(steps), successOf(list)])),
    heldOutPhrasing: heldOut.length > 0 ? successOf(heldOut) : null,
  };
}

/** Wilson's score interval of a share at 95%; the whole of [0, 1] for no trials. Source: Wilson 1927, JASA 22(158). */
export function wilson(successes: number, trials: number): [number, number] {
  if (trials === 0) return [0, 1];
  const z = 1.959963984540054;
  const share = successes / trials;
  const scale = 1 + (z * z) / trials;
  const centre = (share + (z * z) / (2 * trials)) / scale;
  const spread = Math.sqrt((share * (1 - share)) / trials + (z * z) / (4 * trials * trials));
  const half = (z * spread) / scale;
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

function successOf(traces: readonly Trace[]): number {
  return mean(traces.map(({ success }) => (success === true ? 1 : 0)));
}

function mean(values: readonly number[]): number {
  if (values.length === 0) return 0;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
