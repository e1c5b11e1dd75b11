// Plain twin of the token losses: the reference of their tests.
export interface TokenLossInput {
  readonly logprob: number;
  readonly old: number;
  readonly ref: number;
  readonly advantage: number;
  readonly weight: number;
  /** Of the token's distribution, nats. */
  readonly entropy: number;
}

export type LossKind =
  | { readonly kind: 'sft' }
  | {
      readonly kind: 'grpo';
      readonly clipLow: number;
      readonly clipHigh: number;
      readonly kl: number;
      /** Coefficient of the entropy bonus. */
      readonly bonus: number;
    };

export interface TokenLoss {
  /** -dLoss/dlogprob */
  coef: number;
  loss: number;
  kl: number;
  clipped: number;
  ratio: number;
}

/** What a token knows of its sequence. */
export interface Joint {
  /** exp(mean of (logprob - old)) over the sequence */
  readonly ratio: number;
  /** -dLoss/dlogprob of the sequence's clipped terms, the same for each of its tokens */
  readonly pull: number;
}

/** Loss of one token, its slope and what is logged of it; with `joint` the ratio is that of its sequence. */
export function tokenLoss(
  token: TokenLossInput,
  objective: LossKind,
  joint: Joint | null = null,
): TokenLoss {
  const { logprob, old, ref, advantage, weight, entropy } = token;
  if (weight === 0) return { coef: joint?.pull ?? 0, loss: 0, kl: 0, clipped: 0, ratio: 1 };
  if (objective.kind === 'sft') {
    return { coef: weight, loss: -weight * logprob, kl: 0, clipped: 0, ratio: 1 };
  }
  const { clipLow, clipHigh, kl: klWeight, bonus } = objective;
  const ratio = joint?.ratio ?? Math.exp(logprob - old);
  const free = ratio * advantage;
  const held = Math.min(Math.max(ratio, 1 - clipLow), 1 + clipHigh) * advantage;
  const clipped = held < free;
  const distance = klWeight > 0 ? ref - logprob : 0;
  const kl = Math.exp(distance) - distance - 1;
  const pull = joint?.pull ?? (clipped ? 0 : weight * free);
  return {
    coef: pull + weight * klWeight * (Math.exp(distance) - 1),
    loss: weight * (-Math.min(free, held) + klWeight * kl - bonus * entropy),
    kl,
    clipped: clipped ? 1 : 0,
    ratio,
  };
}
