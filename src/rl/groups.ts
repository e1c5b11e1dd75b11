// A group: the rollouts of one task by one policy, with their rewards.
import type { Task } from '../trajectory/task.ts';
import type { Trace } from '../trajectory/trace.ts';

/**
 * `rewards` is aligned to `traces`; null is "not scored" (a failed rollout or judge) and leaves the
 * group.
 */
export interface Group {
  task: Task;
  traces: Trace[];
  rewards: (number | null)[];
}
