// GRPO's advantage (arXiv:2402.03300): the reward's distance from the group's mean in units of the
// group's spread.

const EPSILON = 1e-6;

function meanOf(rewards: readonly number[]): number {
  return rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
}

/** The sample's standard deviation (divisor G - 1). @param rewards (G) at least 2. */
export function deviation(rewards: readonly number[]): number {
  const mean = meanOf(rewards);
  const squares = rewards.reduce((sum, reward) => sum + (reward - mean) ** 2, 0);
  return Math.sqrt(squares / (rewards.length - 1));
}

/**
 * (r - mean) / (std + 1e-6) over the rewards of one group; std is the sample's (divisor G - 1), as
 * in verl and TRL.
 * @param rewards (G) at least 2.
 */
export function stdAdvantages(rewards: readonly number[]): number[] {
  const mean = meanOf(rewards);
  const std = deviation(rewards);
  return rewards.map((reward) => (reward - mean) / (std + EPSILON));
}
