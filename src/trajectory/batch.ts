// What a trainer is given. Arrays of a sequence are aligned to its ids: entry t speaks of token t given ids[0..t); entry 0
// is never trained. The JSON form is that of the golden cases (`atlas grads --batch`).
import { z } from 'zod';

/** Refuses an estimate of a KL that has no weight; `key` is what the estimate is called where it stands. */
export function checkEstimate(
  key: string,
  estimate: string | undefined,
  kl: number,
  context: z.RefinementCtx,
): void {
  if (estimate === undefined || kl > 0) return;
  context.addIssue({
    code: 'custom',
    path: [key],
    message: `got ${estimate} with kl ${kl}, need a kl above 0 to estimate; set kl or leave ${key} out`,
  });
}

export const objectiveSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('sft'), aggregate: z.literal('token-mean') }),
  z
    .strictObject({
      kind: z.literal('grpo'),
      clip_low: z.number().nonnegative(),
      clip_high: z.number().nonnegative(),
      /** Coefficient of the estimate of KL(policy || reference). */
      kl: z.number().nonnegative().default(0),
      /**
       * `k3`, as without it: exp(d) - d - 1 with d = ref - logprob, a term of the loss. `k1`: old - ref, a part of the reward:
       * it lessens each token's advantage and has no gradient of its own.
       */
      kl_estimate: z.enum(['k3', 'k1']).optional(),
      /** Coefficient of the bonus for entropy: of the mean over trained tokens, by the weights of their terms; 0 without it. */
      entropy: z.number().nonnegative().optional(),
      /**
       * Truncated importance sampling: a token's advantage is multiplied by min(exp(old - sampler), truncate). Needs
       * `sampler_logprobs`; none without it.
       */
      truncate: z.number().positive().optional(),
      /**
       * `token`, as without it: exp(logprob - old) of each token. `sequence`: exp(mean of (logprob - old) over the sequence's
       * trained tokens), clipped as one (GSPO, arXiv:2507.18071, is that with `seq-mean-token-mean`).
       */
      ratio: z.enum(['token', 'sequence']).optional(),
      aggregate: z.enum(['token-mean', 'seq-mean-token-mean', 'seq-sum-constant']),
      /** Divisor of `seq-sum-constant`, tokens. */
      constant: z.number().positive().optional(),
    })
    .superRefine(({ kl, kl_estimate }, context) => {
      checkEstimate('kl_estimate', kl_estimate, kl, context);
    }),
]);
export type Objective = z.infer<typeof objectiveSchema>;

export const sequenceSchema = z.strictObject({
  ids: z.array(z.number().int().nonnegative()).min(1),
  /** 1 on tokens that are trained. */
  mask: z.array(z.number()),
  advantage: z.number().default(0),
  /** Under the policy before the update: what the sampler said, or the trainer's own forward pass. */
  old_logprobs: z.array(z.number()).optional(),
  /** What the sampler said, where `old_logprobs` are the trainer's. */
  sampler_logprobs: z.array(z.number()).optional(),
  ref_logprobs: z.array(z.number()).optional(),
});
export type TrainSequence = z.infer<typeof sequenceSchema>;

export const batchSchema = z
  .strictObject({ objective: objectiveSchema, sequences: z.array(sequenceSchema).min(1) })
  .superRefine((batch, context) => {
    const { objective } = batch;
    const truncates = objective.kind === 'grpo' && objective.truncate !== undefined;
    batch.sequences.forEach((sequence, i) => {
      if (truncates && sequence.sampler_logprobs === undefined) {
        context.addIssue({
          code: 'custom',
          path: ['sequences', i, 'sampler_logprobs'],
          message: `got none, objective.truncate needs what the sampler said of each token; give them or leave truncate out`,
        });
      }
      for (const key of ['mask', 'old_logprobs', 'sampler_logprobs', 'ref_logprobs'] as const) {
        const list = sequence[key];
        if (list !== undefined && list.length !== sequence.ids.length) {
          context.addIssue({
            code: 'custom',
            path: ['sequences', i, key],
            message: `got ${list.length} entries, need ${sequence.ids.length}, one for each id`,
          });
        }
      }
    });
  });
export type Batch = z.infer<typeof batchSchema>;
