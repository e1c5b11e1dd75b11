// What the timing log says of a step: the only log that knows a clock.

/** `PerSecond` counts tokens over the part of the step that made them; null where none were. */
export interface StepTiming {
  rolloutMs: number;
  updateMs: number;
  sampledPerSecond: number | null;
  trainedPerSecond: number | null;
}

/** Tokens a second; null for none. */
export function perSecond(tokens: number | null, ms: number): number | null {
  return tokens === null || tokens === 0 || ms <= 0 ? null : (1000 * tokens) / ms;
}

/** @param times `sampled` and `trained` are numbers of tokens; null when a step samples nothing. */
export function timingOf(times: {
  rolloutMs: number;
  updateMs: number;
  sampled: number | null;
  trained: number;
}): StepTiming {
  const { rolloutMs, updateMs, sampled, trained } = times;
  return {
    rolloutMs,
    updateMs,
    sampledPerSecond: perSecond(sampled, rolloutMs),
    trainedPerSecond: perSecond(trained, updateMs),
  };
}
