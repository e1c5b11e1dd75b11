// A second attempt where one is allowed. Knows no server.

export type Sleep = (ms: number, signal?: AbortSignal) => Promise<void>;

export interface RetryOptions {
  /** Pauses before the second, third … attempt. */
  delaysMs: readonly number[];
  mayRetry: (error: unknown) => boolean;
  sleep?: Sleep | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * The first attempt that succeeds.
 * @throws what the last attempt threw, or the first that may not be repeated.
 */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  { delaysMs, mayRetry, sleep = pause, signal }: RetryOptions,
): Promise<T> {
  for (const delayMs of delaysMs) {
    try {
      return await attempt();
    } catch (error) {
      if (signal?.aborted || !mayRetry(error)) throw error;
    }
    await sleep(delayMs, signal);
  }
  return await attempt();
}

/** Waits; an abort ends the wait, and the attempt that follows sees it. */
function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
    if (signal?.aborted) done();
  });
}
