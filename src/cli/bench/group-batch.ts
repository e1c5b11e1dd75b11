// A batch as GRPO makes it: one prompt, several completions.
import { Rng } from '../../base/rng.ts';
import type { Batch } from '../../trajectory/batch.ts';

/** A group of 8: 64 tokens of prompt, 64 of each completion. */
export function groupBatch(): Batch {
  const rng = new Rng(4);
  const draw = () => Array.from({ length: 64 }, () => rng.int(1, 200));
  const prompt = draw();
  const sequences = Array.from({ length: 8 }, (_, i) => {
    const ids = [...prompt, ...draw()];
    const mask = ids.map((_id, t) => (t < prompt.length ? 0 : 1));
    return { ids, mask, advantage: i % 2 === 0 ? 1 : -1, old_logprobs: ids.map(() => -5) };
  });
  const clips = { clip_low: 0.2, clip_high: 0.28, kl: 0 };
  return { objective: { kind: 'grpo', aggregate: 'token-mean', ...clips }, sequences };
}
