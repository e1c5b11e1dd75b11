// `atlas train`: one experiment; its metrics as JSON lines, everything else in a directory.

import { InputError } from '../../base/errors.ts';
import { freeModel } from '../../engine/model.ts';
import { ACTIVATIONS } from '../../engine/step-layer.ts';
import { isLoss } from '../../gpu/device.ts';
import { KV_TYPES } from '../../kernels/attention-cached.ts';
import { runExperiment } from '../../lab/run.ts';
import type { LabRuntime } from '../../lab/runtime.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { openEpisode } from '../../toolspace/episode.ts';
import { assertFits, planTraining } from '../../train/plan-training.ts';
import { startTrainer } from '../../train/start-trainer.ts';
import { type Experiment, experimentSchema } from '../../trajectory/experiment.ts';
import type { RunStore } from '../../trajectory/interfaces.ts';
import type { Task } from '../../trajectory/task.ts';
import { openAdapter } from '../adapters.ts';
import { type Engine, openEngine, type Seen, stylesOfFile } from '../engine.ts';
import { Flags } from '../flags.ts';
import { readJsonFile } from '../json-file.ts';
import { type OpenedModel, openModel } from '../models.ts';
import { DEVICE_FLAGS } from '../node-gpu.ts';
import { nodeSandbox } from '../node-worker.ts';
import { note, Progress, printJson } from '../output.ts';
import { openRunDirectory } from '../run-store.ts';
import { interruptSignal } from '../signals.ts';

/** The part of a run that is bound to a device. */
type OnDevice = Required<Pick<LabRuntime, 'trainer' | 'memoryBytes'>>;

/** The trainer of an experiment; from now on the engine samples from the weights that it moves. */
async function trainerOf({ lasting, opened }: Engine, experiment: Experiment): Promise<OnDevice> {
  const { gpu, model, decoder } = await lasting.lend();
  const { optimiser, adapter, seed, initAdapter, memory, limits, sampling } = experiment;
  const given =
    adapter === null || initAdapter === undefined ? null : await openAdapter(initAdapter, opened);
  const trainer = await startTrainer(
    { gpu, file: opened.file, model, decoder },
    { optimiser, adapter, seed, given, memory, limits, sampling },
  );
  // All weights have moved into the trainer's own model.
  if (adapter === null) freeModel(gpu, model);
  return { trainer, memoryBytes: () => gpu.peakBytes };
}

/** What a run would take of the device's memory, from the header of its model alone. */
async function printPlan(experiment: Experiment): Promise<void> {
  const { file, config } = await openModel(experiment.model);
  printJson(planTraining(experiment, file, config));
}

interface Run {
  readonly engine: Engine;
  readonly experiment: Experiment;
  readonly store: RunStore;
  readonly sandbox: Sandbox;
}

/** The metrics of a run's new steps, each once; a lost device sends it back to its last checkpoint. */
async function* lastingRun(
  { engine, experiment, store, sandbox }: Run,
  first: OnDevice,
  resume: boolean,
) {
  const { policy, tokenizer, opened } = engine;
  const shared = {
    policy,
    tokenizer,
    openEpisode: ({ world, servers, toolspace }: Task, episode: string) =>
      openEpisode({ world, servers, toolspace, episode }),
    ...stylesOfFile(opened),
    sandbox,
  };
  const signal = interruptSignal();
  let reached = 0;
  for (let [next, again] = [first, resume]; ; again = true) {
    try {
      const runtime = { ...shared, ...next };
      const steps = runExperiment({
        ...{ experiment, store, resume: again, signal, runtime },
        onProgress: (told) => {
          if (told.kind === 'warning') note(`train: step ${told.step}: ${told.text}`);
        },
      });
      for await (const metrics of steps) {
        if (metrics.step < reached) continue;
        reached = metrics.step + 1;
        yield metrics;
      }
      return;
    } catch (error) {
      if (!isLoss(error) || signal.aborted) throw error;
    }
    next = await trainerOf(engine, experiment);
  }
}

/**
 * How rollouts keep keys and values: as the experiment says, since the trainer rounds alike.
 * @throws {InputError} for a flag that asks for another rounding than the trainer's.
 */
function roundingOf(flags: Flags, { sampling }: Experiment): 'f32' | 'f16' {
  const { kv = 'f32' } = sampling ?? {};
  for (const [name, choices, need, hint] of [
    ['kv', KV_TYPES, kv, ' and set sampling.kv of the experiment (f32, f16)'],
    ['activations', ACTIVATIONS, 'f32', ''],
  ] as const) {
    const got = flags.choice<string>(name, choices, need);
    if (got === need) continue;
    throw new InputError(
      name,
      `train: --${name}: got ${got}, need ${need}: tokens sampled from rounded values do not have the log-probabilities that the trainer computes; leave --${name} out${hint}`,
    );
  }
  return kv;
}

async function checkModel(experiment: Experiment, { opened }: Seen): Promise<void> {
  const { hash, file, config } = opened;
  assertFits(planTraining(experiment, file, config), Number.POSITIVE_INFINITY);
  await checkRank(experiment, opened);
  if (experiment.modelHash === undefined || experiment.modelHash === hash) return;
  throw new InputError(
    'model-hash',
    `experiment: modelHash: got ${experiment.modelHash}, the file of ${experiment.model} has ${hash}; use the model that the experiment was made for`,
  );
}

/** An adapter that is gone on with keeps its rank: one that the experiment does not have would change the run in silence. */
async function checkRank({ adapter, initAdapter }: Experiment, opened: OpenedModel): Promise<void> {
  if (adapter === null || initAdapter === undefined) return;
  const { rank } = await openAdapter(initAdapter, opened);
  if (rank === adapter.rank) return;
  throw new InputError(
    'adapter-rank',
    `experiment: adapter.rank: got ${adapter.rank}, the adapter ${initAdapter} has rank ${rank}; set that, or leave initAdapter out`,
  );
}

export async function train(argv: readonly string[]): Promise<void> {
  const flags = new Flags('train', argv, {
    ...{ out: 'string', resume: 'boolean', plan: 'boolean', kv: 'string', activations: 'string' },
    ...DEVICE_FLAGS,
  });
  const experiment = await readJsonFile(flags.positional(0, 'experiment file'), experimentSchema);
  const kvType = roundingOf(flags, experiment);
  if (flags.has('plan')) return await printPlan(experiment);
  const out = flags.required('out');
  const resume = flags.has('resume');
  const store = await openRunDirectory(out, { resume });
  const check = (seen: Seen) => checkModel(experiment, seen);
  const engine = await openEngine(experiment.model, flags, check, kvType);
  // Before anything is written: an adapter that does not fit leaves the directory as it was.
  const first = await trainerOf(engine, experiment);
  const progress = new Progress(`train ${experiment.name}`);
  const sandbox = nodeSandbox();
  for await (const metrics of lastingRun({ engine, experiment, store, sandbox }, first, resume)) {
    printJson(metrics);
    const { step, success } = metrics;
    const told = success === null ? '' : `success ${success.toFixed(3)}`;
    progress.update(step + 1, experiment.steps, told);
  }
  sandbox.close();
  await store.close();
  engine.close();
}
