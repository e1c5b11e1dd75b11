// A speed that is not measured: where work is cut then does not depend on the machine.
import { DeviceSpeed } from '../../src/gpu/device-speed.ts';

/** A device that is held to be of one speed, whatever was measured. */
export class FixedSpeed extends DeviceSpeed {
  readonly #perMs: number;

  constructor(perMs: number) {
    super();
    this.#perMs = perMs;
  }

  override workIn(ms: number): number {
    return ms * this.#perMs;
  }
}
