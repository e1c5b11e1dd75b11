// `atlas pretrain`: all weights, from random initialisation or a GGUF.

import { InputError } from '../../base/errors.ts';
import { deriveSeed } from '../../base/rng.ts';
import { readAllF32 } from '../../engine/load-model.ts';
import { experimentHash } from '../../lab/experiment-hash.ts';
import { runPretrain } from '../../lab/pretrain.ts';
import { tokenizerFromMetadata } from '../../tokenizer/tokenizer.ts';
import { tokenizerCorpus } from '../../toolspace/corpus.ts';
import { openDirectEpisode } from '../../toolspace/direct-episode.ts';
import { newModel } from '../../train/new-model.ts';
import { fullTarget } from '../../train/targets.ts';
import { GpuTrainer } from '../../train/trainer.ts';
import { type PretrainExperiment, pretrainSchema } from '../../trajectory/experiment.ts';
import { type GgufEntry, plainValue, stringEntry } from '../../weights/gguf-values.ts';
import { Flags } from '../flags.ts';
import { readJsonFile } from '../json-file.ts';
import { openModel } from '../models.ts';
import { DEVICE_FLAGS, openNodeGpu } from '../node-gpu.ts';
import { note, Progress, printJson } from '../output.ts';
import { openRunDirectory } from '../run-store.ts';
import { interruptSignal } from '../signals.ts';

/** Weights, sizes and metadata that pretraining starts from. */
async function startOf(experiment: PretrainExperiment) {
  if (experiment.init !== undefined) {
    const { file, config } = await openModel(experiment.init);
    const name: [string, GgufEntry] = ['general.name', stringEntry(experiment.name)];
    const metadata = new Map([...file.metadata, name]);
    return { config, metadata, values: await readAllF32(file) };
  }
  const { architecture, name, toolspace, seed } = experiment;
  if (architecture === undefined) {
    throw new InputError('experiment', 'experiment: got neither init nor architecture, need one');
  }
  const corpus = tokenizerCorpus();
  return newModel({ name, architecture, corpus, toolspace, seed: deriveSeed(seed, 'init') });
}

export async function pretrain(argv: readonly string[]): Promise<void> {
  const flags = new Flags('pretrain', argv, { out: 'string', resume: 'boolean', ...DEVICE_FLAGS });
  const experiment = await readJsonFile(flags.positional(0, 'experiment file'), pretrainSchema);
  const out = flags.required('out');
  const { config, metadata, values } = await startOf(experiment);
  const store = await openRunDirectory(out, { resume: flags.has('resume') });
  const gpu = await openNodeGpu(flags);
  note(
    `pretrain: ${gpu.caps.description}, subgroup ${gpu.caps.subgroupSize}, vocabulary ${config.vocab}`,
  );
  const target = fullTarget(gpu, config, values, metadata, experiment.output);
  const trainer = new GpuTrainer(gpu, target, { optimiser: experiment.optimiser });
  const plain = Object.fromEntries([...metadata].map(([key, entry]) => [key, plainValue(entry)]));
  const progress = new Progress(`pretrain ${(await experimentHash(experiment)).slice(0, 8)}`);
  const steps = runPretrain({
    experiment,
    store,
    resume: flags.has('resume'),
    signal: interruptSignal(),
    runtime: {
      trainer,
      memoryBytes: () => gpu.peakBytes,
      tokenizer: tokenizerFromMetadata(plain),
      openEpisode: ({ world, servers, toolspace }, episode) =>
        openDirectEpisode({ world, servers, toolspace, episode }),
      promptStyle: 'compact',
      schemaStyle: 'signature',
    },
    onWarning: (step, text) => note(`pretrain: step ${step}: ${text}`),
    onProgress: ({ seen, totalTokens }) => progress.update(seen, totalTokens),
  });
  for await (const metrics of steps) printJson(metrics);
  await store.close();
}
