// A run as it stands in its store: the logs with their lengths, and the checkpoint that says where
// to go on.
import { z } from 'zod';
import { InputError, StoreError } from '../base/errors.ts';
import type { RunLog, RunStore, Trainer } from '../trajectory/interfaces.ts';
import { guardMemorySchema, NO_MEMORY } from './guard.ts';

const LOGS: readonly RunLog[] = ['metrics', 'trajectories', 'timing'];
const STATE_FILE = 'state.json';
const WEIGHTS_FOLDER = 'trainer/';

const count = z.number().int().nonnegative();
const stateSchema = z.strictObject({
  v: z.literal(1),
  /** Hash of the experiment that the run is of. */
  experiment: z.string(),
  /** Steps that are done. */
  step: count,
  /** Where the data stands; what the numbers mean is the run's. */
  cursor: z.record(z.string(), count),
  /** Lines of each log at this checkpoint. */
  logs: z.strictObject({ metrics: count, trajectories: count, timing: count }),
  /** What the guard of updates remembers; older checkpoints have none. */
  guard: guardMemorySchema.default(NO_MEMORY),
});
export type RunState = z.infer<typeof stateSchema>;

function parseState(bytes: Uint8Array | undefined): RunState {
  try {
    return stateSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    throw new StoreError(
      'checkpoint-state',
      `checkpoint/${STATE_FILE}: got ${bytes === undefined ? 'none' : 'an unreadable one'}, need ` +
        'the state of a run; start the run anew in an empty directory',
      { cause },
    );
  }
}

function startOf(experiment: string): RunState {
  const logs = { metrics: 0, trajectories: 0, timing: 0 };
  return { v: 1, experiment, step: 0, cursor: {}, logs, guard: NO_MEMORY };
}

/** Where a run stands, besides its weights and its logs. */
export type RunPlace = Pick<RunState, 'step' | 'cursor' | 'guard'>;

/** Appends to the logs of a run and counts their lines; writes and reads its checkpoints. */
export class RunLogs {
  readonly #store: RunStore;
  readonly #hash: string;
  readonly #lines: Record<RunLog, number>;

  private constructor(store: RunStore, hash: string, lines: Record<RunLog, number>) {
    this.#store = store;
    this.#hash = hash;
    this.#lines = { ...lines };
  }

  /**
   * Opens a run. With `resume` the trainer and every log go back to the last whole checkpoint, or
   * to the very start when there is none yet.
   * @throws {InputError} when the checkpoint is of another experiment.
   */
  static async open(
    store: RunStore,
    options: { experiment: object; hash: string; trainer: Trainer; resume: boolean },
  ): Promise<{ logs: RunLogs } & RunPlace> {
    const files = options.resume ? await store.readCheckpoint() : null;
    const state = files === null ? startOf(options.hash) : parseState(files[STATE_FILE]);
    if (state.experiment !== options.hash) {
      throw new InputError(
        'resume-experiment',
        `resume: got an experiment with hash ${options.hash.slice(0, 12)}, need the run's own ` +
          `${state.experiment.slice(0, 12)}; give the experiment.json of the run`,
      );
    }
    if (options.resume) {
      for (const log of LOGS) await store.truncateLog(log, state.logs[log]);
    }
    if (files !== null) await options.trainer.restore(weightsOf(files));
    const text = `${JSON.stringify(options.experiment, null, 2)}\n`;
    await store.writeFile('experiment.json', new TextEncoder().encode(text));
    const logs = new RunLogs(store, options.hash, state.logs);
    return { logs, step: state.step, cursor: { ...state.cursor }, guard: state.guard };
  }

  async append(log: RunLog, value: object): Promise<void> {
    await this.#store.append(log, JSON.stringify(value));
    this.#lines[log]++;
  }

  /** Writes the trainer's state and where the run stands, whole or not at all. */
  async checkpoint(trainer: Trainer, { step, cursor, guard }: RunPlace): Promise<void> {
    const logs = this.#lines;
    const state: RunState = { v: 1, experiment: this.#hash, step, cursor, logs, guard };
    const files: Record<string, Uint8Array> = {
      [STATE_FILE]: new TextEncoder().encode(`${JSON.stringify(state)}\n`),
    };
    for (const [name, bytes] of Object.entries(await trainer.checkpoint())) {
      files[WEIGHTS_FOLDER + name] = bytes;
    }
    await this.#store.writeCheckpoint(files);
  }
}

function weightsOf(files: Readonly<Record<string, Uint8Array>>): Record<string, Uint8Array> {
  const weights: Record<string, Uint8Array> = {};
  for (const [name, bytes] of Object.entries(files)) {
    if (name.startsWith(WEIGHTS_FOLDER)) weights[name.slice(WEIGHTS_FOLDER.length)] = bytes;
  }
  return weights;
}

/**
 * Writes the trained weights: a PEFT folder under `adapter/`, or `model.gguf` where all weights
 * were trained.
 */
export async function writeWeights(
  store: RunStore,
  trainer: Trainer,
  folder: '' | 'adapter/',
): Promise<void> {
  for (const [name, bytes] of Object.entries(await trainer.exportWeights())) {
    await store.writeFile(folder + name, bytes);
  }
}
