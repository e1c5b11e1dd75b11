// Results that are read while later work is already on its way: a fixed number of buffers, used over and over.
import type { Gpu } from './device.ts';
import type { Sent } from './device-speed.ts';
import type { CopyEntry, PassEntry } from './pass.ts';
import { type GpuTensor, sizeOf } from './tensor.ts';

interface Lane {
  readonly buffer: GPUBuffer;
  readonly copy: CopyEntry;
}

/** Reads of one tensor, each sent with the work that fills it. */
export class ReadRing {
  readonly #gpu: Gpu;
  readonly #source: GpuTensor;
  readonly #lanes: Lane[] = [];
  readonly #free: Lane[] = [];

  /** For `count` reads on their way at once; more of them make more buffers. */
  constructor(gpu: Gpu, source: GpuTensor, count: number) {
    this.#gpu = gpu;
    this.#source = source;
    for (let i = 0; i < count; i++) this.#free.push(this.#lane());
  }

  #lane(): Lane {
    const { label, buffer: from, offset: fromOffset } = this.#source;
    const bytes = sizeOf(this.#source) * 4;
    const to = this.#gpu.readBuffer(`${label} ring`, bytes);
    const lane: Lane = {
      buffer: to,
      copy: { kind: 'copy', from, fromOffset, to, toOffset: 0, bytes },
    };
    this.#lanes.push(lane);
    return lane;
  }

  /** Submits work with the read behind it; what comes is the whole tensor. */
  send(work: readonly PassEntry[]): Promise<ArrayBuffer> {
    const lane = this.#free.pop() ?? this.#lane();
    return this.#read(lane, this.#gpu.submit(work, lane.copy));
  }

  async #read(lane: Lane, sent: Sent): Promise<ArrayBuffer> {
    await this.#gpu.guard(lane.buffer.mapAsync(GPUMapMode.READ));
    this.#gpu.done(sent);
    const out = lane.buffer.getMappedRange().slice(0);
    lane.buffer.unmap();
    this.#free.push(lane);
    return out;
  }

  free(): void {
    for (const { buffer } of this.#lanes) buffer.destroy();
  }
}
