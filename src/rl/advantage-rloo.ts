// RLOO's advantage (Ahmadian et al. 2024, arXiv:2402.14740): the reward's distance from the mean of
// the other rewards of its group, a baseline that does not contain the reward itself.

/** r - mean of the others, over the rewards of one group. @param rewards (G) at least 2. */
export function rlooAdvantages(rewards: readonly number[]): number[] {
  const sum = rewards.reduce((total, reward) => total + reward, 0);
  return rewards.map((reward) => reward - (sum - reward) / (rewards.length - 1));
}
