// The parts of a memory plan as people read them.
import type { TrainingPlan } from '../../workers/client.ts';

export interface PlanPart {
  readonly name: string;
  readonly of: (plan: TrainingPlan) => number;
}

/** Together they are the whole plan. */
export const PLAN_PARTS: readonly PlanPart[] = [
  { name: 'model', of: ({ bytes }) => bytes.weights },
  { name: 'adapter and optimiser', of: ({ bytes }) => bytes.trained + bytes.joined },
  { name: 'keys and values of the tries', of: ({ bytes }) => bytes.kv },
  {
    name: 'activations, logits and loss',
    of: ({ bytes, lent }) => bytes.checkpoints + bytes.layer + bytes.batch + bytes.head - lent,
  },
];
