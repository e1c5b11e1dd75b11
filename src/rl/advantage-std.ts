// GRPO's advantage (arXiv:2402.03300): the reward's distance from the group's mean in units of the
// group's spread.

const EPSILON = 1e-6;

/**
 * (r - mean) / (std + 1e-6) over the rewards of one group; std is the sample's (divisor G - 1), as
 * in verl and TRL.
 * @param rewards (G) at least 2.
 */
export function stdAdvantages(rewards: readonly number[]): number[] {
  const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
  const squares = rewards.reduce((sum, reward) => sum + (reward - mean) ** 2, 0);
  const std = Math.sqrt(squares / (rewards.length - 1));
  return rewards.map((reward) => (reward - mean) / (std + EPSILON));
}
