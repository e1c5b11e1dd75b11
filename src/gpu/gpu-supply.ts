// The device of a program that outlives it: after a loss another one is opened. Knows nothing of what is on it.
import { DeviceError } from '../base/errors.ts';
import type { Gpu } from './device.ts';

/** After more losses than this within the span, no other device is opened. */
const MAX_LOSSES = 3;
const SPAN_MS = 5 * 60_000;

export interface GpuSupplyOptions {
  /** Asks for an adapter and opens a device on it. */
  open: () => Promise<Gpu>;
  /** Milliseconds of any clock that only goes forward. */
  now?: () => number;
}

export class GpuSupply {
  readonly #open: () => Promise<Gpu>;
  readonly #now: () => number;
  #gpu: Promise<Gpu> | null = null;
  /** When devices were found lost. */
  #losses: number[] = [];

  constructor({ open, now = () => performance.now() }: GpuSupplyOptions) {
    this.#open = open;
    this.#now = now;
  }

  /**
   * The device, the same for every caller; another one after a loss.
   * @throws {DeviceError} when none opens, losses follow each other too fast, or the device ended otherwise.
   */
  async get(): Promise<Gpu> {
    const current = this.#gpu ?? this.#begin();
    const gpu = await current;
    if (gpu.failure === null) return gpu;
    if (!gpu.lost) throw gpu.failure;
    // Of several callers the first opens the next one.
    if (this.#gpu === current) {
      this.#gpu = null;
      gpu.destroy();
      this.#count(gpu.failure);
    }
    return this.get();
  }

  /** Closes the device; the next caller opens another one. */
  async close(): Promise<void> {
    const current = this.#gpu;
    this.#gpu = null;
    if (current !== null) (await current).destroy();
  }

  #begin(): Promise<Gpu> {
    const opening = this.#open().catch((error: unknown) => {
      if (this.#gpu === opening) this.#gpu = null;
      throw error;
    });
    this.#gpu = opening;
    return opening;
  }

  #count(cause: DeviceError): void {
    const now = this.#now();
    this.#losses = this.#losses.filter((at) => now - at < SPAN_MS);
    this.#losses.push(now);
    const losses = this.#losses.length;
    if (losses <= MAX_LOSSES) return;
    throw new DeviceError(
      'device-unsteady',
      `GPU: the device was lost ${losses} times within ${SPAN_MS / 60_000} minutes and is not opened again; ` +
        'close other programs that use the GPU or update its driver, then start again',
      { data: { losses }, cause },
    );
  }
}
