// Dr.GRPO's advantage (arXiv:2503.20783): the reward's distance from the group's mean, not divided
// by a spread.

/** r - mean over the rewards of one group. @param rewards (G) not empty. */
export function meanAdvantages(rewards: readonly number[]): number[] {
  const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
  return rewards.map((reward) => reward - mean);
}
