// Texts that would do something if they became mark-up, and a trajectory that is full of them.
import type { Trace } from '../../src/trajectory/trace.ts';
import { someTask, traceWith } from './traces.ts';

export const HOSTILE_TEXTS = [
  '<script>window.hit = 1</script>',
  '<img src=x onerror="window.hit = 2">',
  '</div></details><h1>outside</h1>',
  '"><svg onload=alert(1)>',
  "' onclick='alert(1)",
  '</title></style></pre><iframe src="https://example.org/"></iframe>',
  '<!-- comment --><base href="https://example.org/">',
  '&lt;b&gt; &amp; &#60;script&#62;',
  '\n\nnewlines first',
  '{{7 * 7}} <%= 1 %>',
] as const;

/** Each text in every place of a trajectory that strangers can write to. */
export function hostileTrace(text: string): Trace {
  const task = { ...someTask(), id: text, prompt: text };
  const { criteria } = task.rubric;
  const hostile = criteria.map((one) => ({ ...one, description: `${one.description} ${text}` }));
  return {
    ...traceWith([], { ...task, rubric: { ...task.rubric, criteria: hostile } }),
    id: text,
    policy: text,
    messages: [
      { role: 'system', content: text },
      { role: 'user', content: text },
      { role: 'assistant', content: text, thinking: text },
      { role: 'tool', content: text },
    ],
    end: 'error',
    error: text,
    success: false,
    scores: {
      criteria: criteria.map((_, i) => (i === 0 ? null : i / 12)),
      categories: {
        taskFulfilment: 0.5,
        toolAppropriateness: null,
        toolGrounding: 1,
        parameterAccuracy: 0,
      },
      reward: 0.25,
    },
  };
}
