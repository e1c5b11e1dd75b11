// What runs of the lab need in tests: a model of pairs of tokens, episodes without a protocol, and what a run leaves.
import { createHash } from 'node:crypto';
import type { EpisodeRuntime } from '../../src/lab/runtime.ts';
import type { Metrics } from '../../src/trajectory/experiment.ts';
import { Bigram } from './bigram.ts';
import { directEpisode } from './direct-episode.ts';
import type { MemoryRunStore } from './memory-run-store.ts';
import { nanoTokenizer } from './nano-tokenizer.ts';

export const tokenizer = nanoTokenizer();
export const episodes: EpisodeRuntime = {
  tokenizer,
  openEpisode: async (task) => directEpisode(task),
  promptStyle: 'compact',
  schemaStyle: 'signature',
};

export const fresh = () => new Bigram(tokenizer.vocabSize, tokenizer.eosIds, 5);

export async function collect(run: AsyncIterable<Metrics>): Promise<Metrics[]> {
  const all: Metrics[] = [];
  for await (const metrics of run) all.push(metrics);
  return all;
}

export const sha = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');

/** Hashes of what a run leaves, without the timing log, which knows a clock. */
export function remains(store: MemoryRunStore) {
  const parts = [...store.files, ...Object.entries(store.checkpoint ?? {})];
  return {
    metrics: store.logs.metrics,
    trajectories: store.logs.trajectories.map(sha),
    // The state counts lines of the timing log too, and those are as many.
    files: parts.map(([name, bytes]) => `${name} ${sha(bytes)}`),
  };
}
