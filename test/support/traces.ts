// Small traces and tasks built by hand, for tests of code that only reads them.
import { type Category, CRITERIA_PER_CATEGORY, rubricSchema } from '../../src/trajectory/rubric.ts';
import type { Task } from '../../src/trajectory/task.ts';
import type { Segment, Trace } from '../../src/trajectory/trace.ts';

/** A task that asks for nothing but an answer. */
export function someTask(id = 'task-1'): Task {
  const categories = Object.entries(CRITERIA_PER_CATEGORY) as [Category, number][];
  const criteria = categories.flatMap(([category, count]) =>
    Array.from({ length: count }, (_, i) => ({
      category,
      description: `${category} ${i}`,
      weight: 1,
      check: { kind: 'answered' as const },
    })),
  );
  return {
    v: 1,
    id,
    toolspace: 'core',
    split: 'train',
    prompt: 'Answer done.',
    world: { seed: 1, clock: '2026-01-05T09:00:00' },
    servers: [],
    difficulty: 'easy',
    families: ['none'],
    heldOutPhrasing: false,
    oracle: { steps: [], answer: 'done' },
    rubric: rubricSchema.parse({ v: 1, criteria }),
  };
}

/** A trace of the given segments. */
export function traceWith(segments: Segment[], task = someTask()): Trace {
  return {
    v: 1,
    id: 'trace-1',
    task,
    mode: 'itl',
    policy: 'by-hand',
    seed: 1,
    temperature: 1,
    messages: [],
    segments,
    calls: [],
    answer: 'done',
    end: 'answer',
    error: null,
    contextTokens: segments.reduce((sum, segment) => sum + segment.ids.length, 0),
    finalState: {},
    scores: null,
    success: null,
  };
}
