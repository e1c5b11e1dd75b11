// What runs of the lab need in tests: a model of pairs of tokens, episodes without a protocol, and what a run leaves.
import { createHash } from 'node:crypto';
import { type RunOptions, runExperiment } from '../../src/lab/run.ts';
import type { EpisodeRuntime, LabRuntime } from '../../src/lab/runtime.ts';
import {
  type Experiment,
  experimentSchema,
  type Metrics,
} from '../../src/trajectory/experiment.ts';
import type { RunStore } from '../../src/trajectory/interfaces.ts';
import { Bigram } from './bigram.ts';
import { directEpisode } from './direct-episode.ts';
import { MemoryRunStore } from './memory-run-store.ts';
import { nanoTokenizer } from './nano-tokenizer.ts';

export const tokenizer = nanoTokenizer();
export const episodes: EpisodeRuntime = {
  tokenizer,
  openEpisode: async (task) => directEpisode(task),
  promptStyle: 'compact',
  schemaStyle: 'signature',
};

export const fresh = () => new Bigram(tokenizer.vocabSize, tokenizer.eosIds, 5);

/** Lessons of the oracle. */
export const SFT = experimentSchema.parse({
  v: 1,
  name: 'taught',
  seed: 11,
  model: 'bigram',
  tasks: { split: 'train', count: 12, seed: 3 },
  algorithm: { kind: 'sft', tokensPerStep: 1500 },
  adapter: { rank: 1, alpha: 1 },
  optimiser: { learningRate: 150, clipNorm: 0 },
  steps: 6,
  checkpointEvery: 2,
});
/** Three tasks a step, six tries each, of a model that {@link SFT} taught. */
export const GRPO = experimentSchema.parse({
  ...SFT,
  name: 'rewarded',
  algorithm: { kind: 'grpo', tasksPerStep: 3, group: 6, kl: 0.01, updatesPerStep: 2 },
  optimiser: { learningRate: 2, clipNorm: 0 },
  limits: { calls: 3, resultCharacters: 400, contextTokens: 700, turnTokens: 60 },
  steps: 5,
  checkpointEvery: 2,
});

export function runtimeOf(model: Bigram): LabRuntime {
  return { ...episodes, policy: model, trainer: model };
}

export async function runWith(
  experiment: Experiment,
  model: Bigram,
  store: RunStore,
  more: Partial<RunOptions> = {},
): Promise<Metrics[]> {
  return collect(runExperiment({ experiment, runtime: runtimeOf(model), store, ...more }));
}

/** Time to teach a model or to make a run in a hook, on a busy machine too. */
export const HOOK_MS = 60_000;

/** A model that had 30 steps of lessons: its rollouts call tools, and score now and then. */
export async function taughtModel(): Promise<Bigram> {
  const model = fresh();
  await runWith({ ...SFT, steps: 30 }, model, new MemoryRunStore());
  return model;
}

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
