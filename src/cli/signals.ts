// Interrupts: the first Ctrl-C asks a run to stop after its step, the second ends the process.
import { setMaxListeners } from 'node:events';

let controller: AbortController | null = null;

/** A signal that is aborted by the first SIGINT or SIGTERM. */
export function interruptSignal(): AbortSignal {
  if (controller !== null) return controller.signal;
  const made = new AbortController();
  controller = made;
  // Every episode at work listens, and Node would warn of more than ten.
  setMaxListeners(0, made.signal);
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (made.signal.aborted) process.exit(130);
      made.abort();
    });
  }
  return made.signal;
}
