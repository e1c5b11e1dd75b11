// The order in which steps draw from a pool of tasks: every epoch sees each task once, shuffled by
// the run's seed.
import { deriveSeed, Rng } from '../base/rng.ts';
import type { Task } from '../trajectory/task.ts';

/** Draws by position: `at(i)` is a function of the pool, the seed and i alone. */
export class TaskOrder {
  readonly #pool: readonly Task[];
  readonly #seed: number;
  #epoch = -1;
  #order: Task[] = [];

  /** @param pool not empty. */
  constructor(pool: readonly Task[], seed: number) {
    this.#pool = pool;
    this.#seed = seed;
  }

  at(position: number): Task {
    const epoch = Math.floor(position / this.#pool.length);
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#order = new Rng(deriveSeed(this.#seed, 'epoch', epoch)).shuffle(this.#pool);
    }
    return this.#order[position % this.#pool.length] as Task;
  }
}
