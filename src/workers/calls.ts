// One side's line to another's API over a MessagePort. Unlike comlink's own proxy, every pending and later call ends
// with an error once the line is cut. Must not know any API.
import * as Comlink from 'comlink';

/** An API as the other side sees it. */
export type Calls<Api> = {
  readonly [K in keyof Api]: Api[K] extends (...args: infer A) => infer R
    ? (...args: A) => Promise<Awaited<R>>
    : never;
};

export interface Line<Api> {
  readonly calls: Calls<Api>;
  /** Rejects every pending and later call with this error. The first cut wins. */
  cut(error: Error): void;
}

type Table = Record<string, (...args: unknown[]) => unknown>;

/** A line over a port whose other end serves `Api`. */
export function openLine<Api extends object>(port: MessagePort): Line<Api> {
  const remote = Comlink.wrap<Table>(port);
  const pending = new Set<(error: Error) => void>();
  let ended: Error | null = null;
  const call = async (name: string, args: unknown[]): Promise<unknown> => {
    if (ended !== null) throw ended;
    let reject: (error: Error) => void = () => undefined;
    const cut = new Promise<never>((_, refuse) => {
      reject = refuse;
    });
    pending.add(reject);
    try {
      return await Promise.race([remote[name]?.(...args), cut]);
    } finally {
      pending.delete(reject);
    }
  };
  const calls = new Proxy({} as Calls<Api>, {
    // `then` must stay undefined, else an awaited line would be taken for a promise.
    get: (_, name) =>
      typeof name === 'string' && name !== 'then'
        ? (...args: unknown[]) => call(name, args)
        : undefined,
  });
  return {
    calls,
    cut(error) {
      if (ended !== null) return;
      ended = error;
      for (const reject of pending) reject(error);
      pending.clear();
    },
  };
}
