// The run that trains now: steps it, pauses it, stops it, keeps its state on the shelf. One at a time, since there is one
// trainer. Must not know how a step works.
import {
  AtlasError,
  DeviceError,
  errorMessage,
  InputError,
  ModelFileError,
} from '../base/errors.ts';
import { runExperiment } from '../lab/run.ts';
import { writeWeights } from '../lab/run-log.ts';
import type { LabRuntime } from '../lab/runtime.ts';
import type { Experiment, Metrics } from '../trajectory/experiment.ts';
import type { GpuLine } from './gpu-line.ts';
import type { LoadedModel } from './models.ts';
import type { PageEvent, RunListing, RunStatus } from './protocol.ts';
import type { Shelf } from './shelf.ts';

export interface TrainingParts {
  shelf: Shelf;
  gpu: GpuLine;
  model: LoadedModel;
  /** What an episode needs, with the policy and the trainer of this model. */
  runtime: LabRuntime;
}

interface Active {
  id: string;
  experiment: Experiment;
  parts: TrainingParts;
  /** Begun anew, from the last checkpoint, when the device is lost. */
  steps: AsyncGenerator<Metrics, void>;
  /** Steps that are done, kept by a checkpoint or not. */
  reached: number;
  controller: AbortController;
  /** A promise while a step is at work. */
  work: Promise<RunListing> | null;
  pausing: boolean;
}

/** Holds a run for this tab while `work` lasts. @throws {InputError} when another tab has it. */
export type RunLock = <T>(run: string, work: () => Promise<T>) => Promise<T>;

export class Training {
  readonly #emit: (event: PageEvent) => void;
  readonly #lock: RunLock;
  #active: Active | null = null;

  constructor(emit: (event: PageEvent) => void, lock: RunLock) {
    this.#emit = emit;
    this.#lock = lock;
  }

  /** The run whose step is at work, or null. */
  get running(): string | null {
    return this.#active?.work == null ? null : this.#active.id;
  }

  /** Goes on with a run: one step, or until it is paused or done. @throws {InputError} while another run is at work. */
  async advance(id: string, how: 'step' | 'run', parts: TrainingParts): Promise<RunListing> {
    if (this.running !== null) throw busy(this.running);
    const active = await this.#activate(id, parts);
    active.pausing = how === 'step';
    active.work = this.#work(active);
    try {
      return await active.work;
    } finally {
      active.work = null;
    }
  }

  /** Stops after the step at hand. */
  pause(id: string): void {
    if (this.#active?.id === id) this.#active.pausing = true;
  }

  /** Stops now. The run stands at its last checkpoint, and its trainer is freed. */
  async stop(id: string): Promise<void> {
    if (this.#active?.id === id) await this.end();
  }

  /** Ends the run at hand, if any, so that the model is free for something else. */
  async end(): Promise<void> {
    const active = this.#active;
    if (active === null) return;
    active.controller.abort();
    // What it failed with was told to whoever advanced it.
    if (active.work !== null) await active.work.catch(() => undefined);
    if (this.#active === active) await this.#release(active);
  }

  async #activate(id: string, parts: TrainingParts): Promise<Active> {
    if (this.#active?.id === id) return this.#active;
    await this.end();
    const { experiment } = await parts.shelf.run(id);
    if (experiment === null) throw new InputError('no-experiment', `run ${id}: it trains nothing`);
    checkModel(experiment, parts.model);
    const controller = new AbortController();
    const steps = await this.#begin({ id, experiment, parts, controller });
    const idle = { work: null, pausing: false, reached: 0 };
    this.#active = { id, experiment, parts, steps, controller, ...idle };
    return this.#active;
  }

  /** Starts a trainer, and the run from its last checkpoint. */
  async #begin({
    id,
    experiment,
    parts,
    controller,
  }: Pick<Active, 'id' | 'experiment' | 'parts' | 'controller'>): Promise<Active['steps']> {
    const { adapter, optimiser, seed, memory, limits, sampling } = experiment;
    const settings = { adapter, optimiser, seed, memory, limits, sampling };
    await parts.gpu.calls.startTrainer(settings);
    return runExperiment({
      experiment,
      runtime: parts.runtime,
      store: parts.shelf.store(id),
      resume: true,
      signal: controller.signal,
      onProgress: (progress) => this.#emit({ kind: 'progress', run: id, progress }),
    });
  }

  async #work(active: Active): Promise<RunListing> {
    const { id } = active;
    return this.#lock(id, async () => {
      await this.#tell(active, 'running');
      try {
        const done = await this.#lastingSteps(active);
        if (done) await this.#release(active);
        return await this.#tell(active, done ? 'done' : 'paused');
      } catch (error) {
        await this.#release(active);
        if (active.controller.signal.aborted) return this.#tell(active, 'paused');
        await this.#tell(active, 'failed', errorMessage(error));
        throw error;
      }
    });
  }

  /** As `#steps`; when the device is lost, from the last checkpoint on another one. */
  async #lastingSteps(active: Active): Promise<boolean> {
    for (;;) {
      try {
        return await this.#steps(active);
      } catch (error) {
        if (active.controller.signal.aborted || codeOf(error) !== 'device-lost') throw error;
      }
      active.steps = await this.#begin(active);
    }
  }

  /** Steps until a pause or the end. @returns whether the run is done. */
  async #steps(active: Active): Promise<boolean> {
    const { id, steps, experiment, parts } = active;
    for (;;) {
      const next = await steps.next();
      if (next.done === true) return true;
      const metrics = next.value;
      // Kept after every checkpoint, so that it can be taken home from a run that is not done.
      await writeWeights(parts.shelf.store(id), parts.runtime.trainer, 'adapter/');
      this.#emit({ kind: 'metrics', run: id, metrics });
      // One more call lets the run write its end.
      const last = metrics.step + 1 === experiment.steps;
      const again = metrics.step < active.reached;
      active.reached = Math.max(active.reached, metrics.step + 1);
      if (active.pausing && !last && !again) return false;
    }
  }

  async #release(active: Active): Promise<void> {
    if (this.#active === active) this.#active = null;
    await active.steps.return();
    await active.parts.gpu.calls.stopTrainer().catch((error: unknown) => {
      // A device or worker that is gone freed its trainer itself; the page was told by its own event.
      if (!(active.controller.signal.aborted || isGone(error))) throw error;
    });
  }

  async #tell(active: Active, status: RunStatus, error: string | null = null): Promise<RunListing> {
    const { shelf } = active.parts;
    await shelf.setStatus(active.id, status, error);
    const run = await shelf.run(active.id);
    this.#emit({ kind: 'run', run });
    return run;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof DeviceError || codeOf(error) === 'worker-died';
}

function codeOf(error: unknown): string {
  return error instanceof AtlasError ? error.code : '';
}

function busy(run: string): InputError {
  return new InputError('busy', `run ${run}: it is at work; pause or stop it first`);
}

function checkModel(experiment: Experiment, { info }: LoadedModel): void {
  const needed = experiment.modelHash;
  if (needed === undefined || needed === info.hash) return;
  throw new ModelFileError(
    'run-model',
    `run: got the model ${info.name} (${info.hash.slice(0, 12)}), need ${experiment.model} ` +
      `(${needed.slice(0, 12)}) that the run began with; load that one`,
  );
}
