// Teacher traces -> supervised batches.
import type { Batch, TrainSequence } from '../trajectory/batch.ts';
import type { Trace } from '../trajectory/trace.ts';
import { sequenceOf } from './sequence.ts';

/** `policy`: loss on tokens that a policy would sample; `all`: on every token but the first. */
export type LossOn = 'policy' | 'all';

/** The sequence of one teacher trace. */
export function sftSequence(trace: Pick<Trace, 'id' | 'segments'>, lossOn: LossOn): TrainSequence {
  const { ids, mask } = sequenceOf(trace);
  return {
    ids,
    mask: lossOn === 'all' ? ids.map((_, t) => (t === 0 ? 0 : 1)) : mask,
    advantage: 0,
  };
}

/** One supervised batch: the mean of -log p over all masked tokens. */
export function sftBatch(sequences: TrainSequence[]): Batch {
  return { objective: { kind: 'sft', aggregate: 'token-mean' }, sequences };
}
