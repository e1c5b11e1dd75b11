// The device: buffers, uploads, submits, readbacks, and what happens when it is lost. Knows nothing of models.
import { DeviceError } from '../base/errors.ts';
import type { Caps, KernelFamily } from './caps.ts';
import { DeviceSpeed, DISPATCH_MS, type Sent, SUBMIT_MS } from './device-speed.ts';
import { type CopyEntry, KernelPass, type PassEntry } from './pass.ts';
import { PipelineCache } from './pipeline.ts';
import { type GpuTensor, type GpuType, sizeOf } from './tensor.ts';

/** How long after a rejection the loss behind it is waited for. */
const LOSS_MS = 500;

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** One open device. After a failure every pending and later call rejects with the same {@link DeviceError}. */
export class Gpu {
  readonly device: GPUDevice;
  readonly pipelines: PipelineCache;
  /** Bytes of live buffers made here, and the most there ever were. */
  liveBytes = 0;
  peakBytes = 0;
  /** Buffers made so far; a steady state makes none. */
  buffersCreated = 0;
  /** Command buffers sent so far. */
  submits = 0;
  readonly speed: DeviceSpeed;
  #lastSent: Sent | null = null;
  #dispatchWork = 0;
  #failure: DeviceError | null = null;
  readonly #failed: Promise<never>;
  #reject: (error: DeviceError) => void = () => undefined;
  readonly #pending = new Set<(error: DeviceError) => void>();
  readonly #staging = new Map<number, GPUBuffer[]>();

  constructor(device: GPUDevice, caps: Caps, speed = new DeviceSpeed()) {
    this.device = device;
    this.speed = speed;
    this.#failed = new Promise((_, reject) => {
      this.#reject = reject;
    });
    this.#failed.catch(() => undefined);
    this.pipelines = new PipelineCache(device, caps, (error) => this.fail(error));
    device.addEventListener('uncapturederror', (event) => {
      event.preventDefault();
      const error = new DeviceError('gpu-error', `GPU: ${event.error.message.split('\n')[0]}`);
      // A shader that does not compile says so in its own scope, which comes later and tells more.
      void this.pipelines.settled().then(() => this.fail(error));
    });
    void device.lost.then((info) => {
      const why = info.message === '' ? info.reason : info.message.split('\n')[0];
      this.fail(
        new DeviceError(
          'device-lost',
          `GPU: the device was lost (${why}); start again what was at work`,
        ),
      );
    });
  }

  get caps(): Caps {
    return this.pipelines.caps;
  }

  /** Records from now on with the matrix kernels of a family; what was recorded stays as it is. */
  useFamily(family: KernelFamily): void {
    this.pipelines.caps = { ...this.caps, family };
  }

  /** The failure that ended this device, or null. */
  get failure(): DeviceError | null {
    return this.#failure;
  }

  /** Whether it is gone, so that another device may do better: neither closed by us nor broken by what was asked of it. */
  get lost(): boolean {
    return isLoss(this.#failure);
  }

  /** Resolves with the failure that ends this device. */
  get failed(): Promise<DeviceError> {
    return this.#failed.catch((error: DeviceError) => error);
  }

  /** Ends the device for every caller; the first failure wins. */
  fail(error: DeviceError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#reject(error);
    for (const reject of this.#pending) reject(error);
    this.#pending.clear();
  }

  /** Waits for `work` or for the device's failure, whichever is first. */
  async guard<T>(work: Promise<T>): Promise<T> {
    try {
      return await this.#unlessFailed(work);
    } catch (error) {
      // What a loss rejects may come before the loss itself is told.
      if (this.#failure === null) await Promise.race([this.failed, later(LOSS_MS)]);
      throw this.#failure ?? error;
    }
  }

  /** Not a race with {@link failed}: every loser would stay known to it, with its result, as long as the device lasts. */
  #unlessFailed<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#failure === null) this.#pending.add(reject);
      else reject(this.#failure);
      void work.then(resolve, reject).finally(() => this.#pending.delete(reject));
    });
  }

  #assertAlive(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  /**
   * A zeroed tensor in a buffer of its own.
   * @throws {DeviceError} before anything is allocated, with the bytes needed and the bytes there are.
   */
  tensor(label: string, shape: readonly number[], type: GpuType = 'f32'): GpuTensor {
    this.#assertAlive();
    const bytes = Math.max(16, Math.ceil((sizeOf({ shape }) * 4) / 16) * 16);
    const most = Math.min(
      this.caps.limits.maxBufferSize,
      this.caps.limits.maxStorageBufferBindingSize,
    );
    if (bytes > most) {
      throw new DeviceError(
        'buffer-too-large',
        `${label}: needs a buffer of ${bytes} bytes, this adapter binds at most ${most}`,
        { data: { needed: bytes, available: most } },
      );
    }
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = this.device.createBuffer({ label, size: bytes, usage });
    this.buffersCreated += 1;
    this.liveBytes += bytes;
    this.peakBytes = Math.max(this.peakBytes, this.liveBytes);
    return { label, buffer, offset: 0, shape, type };
  }

  /** A tensor filled from the host. */
  upload(
    label: string,
    shape: readonly number[],
    values: Float32Array | Uint32Array | Int32Array,
  ): GpuTensor {
    const tensor = this.tensor(label, shape, values instanceof Float32Array ? 'f32' : 'u32');
    this.write(tensor, values);
    return tensor;
  }

  /** Overwrites the first elements of a tensor. */
  write(
    tensor: GpuTensor,
    values: Float32Array | Uint32Array | Int32Array,
    elementOffset = 0,
  ): void {
    this.#assertAlive();
    this.device.queue.writeBuffer(
      tensor.buffer,
      tensor.offset + elementOffset * 4,
      values.buffer,
      values.byteOffset,
      values.byteLength,
    );
  }

  /** Frees tensors that own their buffer. */
  free(...tensors: readonly GpuTensor[]): void {
    for (const tensor of tensors) {
      this.liveBytes -= tensor.buffer.size;
      tensor.buffer.destroy();
    }
  }

  /** A recorder of dispatches for one submit. */
  pass(): KernelPass {
    this.#assertAlive();
    return new KernelPass(this.pipelines, this.dispatchWork);
  }

  /**
   * Work of a dispatch that is not too long: it falls with the device's speed, and rises when that is far above, since what was
   * recorded with it is kept and made again for another. A software adapter has no watchdog, and its speed changes with
   * whatever else the machine does: nothing is cut there.
   */
  get dispatchWork(): number {
    if (this.caps.software) return Number.POSITIVE_INFINITY;
    const now = this.speed.workIn(DISPATCH_MS);
    if (now < this.#dispatchWork || now >= 16 * this.#dispatchWork) {
      this.#dispatchWork = 4 ** Math.floor(Math.log2(now) / 2);
    }
    return this.#dispatchWork;
  }

  /**
   * Sends recorded work to the GPU, and a copy of its result behind it: in as many submits as it takes for none to be too
   * long, though never less than a dispatch.
   */
  submit(work: KernelPass | readonly PassEntry[], read: CopyEntry | null = null): Sent {
    this.#assertAlive();
    const entries = work instanceof KernelPass ? work.entries : work;
    const most = this.speed.workIn(SUBMIT_MS);
    let total = 0;
    let [from, piece] = [0, 0];
    for (let i = 0; i < entries.length; i++) {
      const units = workOf(entries[i]);
      if (piece > 0 && piece + units > most) {
        this.#submitRange(entries, from, i, null);
        [from, piece] = [i, 0];
      }
      piece += units;
      total += units;
    }
    this.#submitRange(entries, from, entries.length, read);
    const sent = this.speed.sent(total, performance.now());
    this.#lastSent = sent;
    return sent;
  }

  #submitRange(
    entries: readonly PassEntry[],
    from: number,
    to: number,
    read: CopyEntry | null,
  ): void {
    const encoder = this.device.createCommandEncoder();
    encodeEntries(encoder, entries, from, to);
    if (read !== null) encodeCopy(encoder, read);
    this.device.queue.submit([encoder.finish()]);
    this.submits += 1;
  }

  /** To be told when work is seen to be done: what is sent next is cut by how long it took. */
  done(sent: Sent | null): void {
    if (sent !== null) this.speed.done(sent, performance.now());
  }

  /** Submits work and resolves to the GPU's own time for it, milliseconds; null on a device without timestamps. */
  async submitTimed(work: KernelPass): Promise<number | null> {
    this.#assertAlive();
    if (!this.caps.timestamps) {
      this.submit(work);
      await this.idle();
      return null;
    }
    const querySet = this.device.createQuerySet({ type: 'timestamp', count: 2 });
    const usage = GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC;
    const buffer = this.device.createBuffer({ label: 'timestamps', size: 16, usage });
    const encoder = this.device.createCommandEncoder();
    const mark = (index: number) => {
      const writes = { querySet, beginningOfPassWriteIndex: index };
      encoder.beginComputePass({ timestampWrites: writes }).end();
    };
    mark(0);
    encodeEntries(encoder, work.entries, 0, work.entries.length);
    mark(1);
    encoder.resolveQuerySet(querySet, 0, 2, buffer, 0);
    this.device.queue.submit([encoder.finish()]);
    const tensor: GpuTensor = { label: 'timestamps', buffer, offset: 0, shape: [4], type: 'u32' };
    const [start = 0n, end = 0n] = new BigUint64Array(await this.readBytes(tensor, 4));
    buffer.destroy();
    querySet.destroy();
    return Number(end - start) / 1e6;
  }

  /** Resolves when all submitted work is done. */
  async idle(): Promise<void> {
    const sent = this.#lastSent;
    await this.guard(this.device.queue.onSubmittedWorkDone());
    this.done(sent);
  }

  /** Reads the first `count` elements (default: all) back as floats. */
  async readF32(tensor: GpuTensor, count = sizeOf(tensor)): Promise<Float32Array> {
    return new Float32Array(await this.readBytes(tensor, count));
  }

  /** Reads the first `count` elements (default: all) back as unsigned integers. */
  async readU32(tensor: GpuTensor, count = sizeOf(tensor)): Promise<Uint32Array> {
    return new Uint32Array(await this.readBytes(tensor, count));
  }

  /** A buffer that the host can read. */
  readBuffer(label: string, size: number): GPUBuffer {
    this.#assertAlive();
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    this.buffersCreated += 1;
    return this.device.createBuffer({ label, size, usage });
  }

  async readBytes(tensor: GpuTensor, count: number): Promise<ArrayBuffer> {
    this.#assertAlive();
    const bytes = count * 4;
    const size = Math.max(256, 2 ** Math.ceil(Math.log2(bytes)));
    const free = this.#staging.get(size) ?? [];
    this.#staging.set(size, free);
    let staging = free.pop();
    staging ??= this.readBuffer('readback', size);
    const encoder = this.device.createCommandEncoder();
    encoder.copyBufferToBuffer(tensor.buffer, tensor.offset, staging, 0, bytes);
    this.device.queue.submit([encoder.finish()]);
    const sent = this.#lastSent;
    await this.guard(staging.mapAsync(GPUMapMode.READ, 0, bytes));
    this.done(sent);
    const out = staging.getMappedRange(0, bytes).slice(0);
    staging.unmap();
    free.push(staging);
    return out;
  }

  /** Destroys the device; everything pending rejects. */
  destroy(): void {
    this.fail(new DeviceError('device-closed', 'GPU: the device was closed'));
    this.device.destroy();
  }
}

/** Whether an error says that a device was lost. */
export function isLoss(error: unknown): boolean {
  return error instanceof DeviceError && error.code === 'device-lost';
}

function encodeCopy(
  encoder: GPUCommandEncoder,
  { from, fromOffset, to, toOffset, bytes }: CopyEntry,
): void {
  encoder.copyBufferToBuffer(from, fromOffset, to, toOffset, bytes);
}

function workOf(entry: PassEntry | undefined): number {
  return entry?.kind === 'dispatch' ? entry.work : 0;
}

function encodeEntries(
  encoder: GPUCommandEncoder,
  entries: readonly PassEntry[],
  from: number,
  to: number,
): void {
  let pass: GPUComputePassEncoder | null = null;
  for (let i = from; i < to; i++) {
    const entry = entries[i];
    if (entry === undefined) continue;
    if (entry.kind === 'copy') {
      pass?.end();
      pass = null;
      encodeCopy(encoder, entry);
      continue;
    }
    if (entry.kind === 'clear') {
      pass?.end();
      pass = null;
      encoder.clearBuffer(entry.buffer, entry.offset, entry.bytes);
      continue;
    }
    pass ??= encoder.beginComputePass();
    pass.setPipeline(entry.pipeline);
    pass.setBindGroup(0, entry.group);
    pass.dispatchWorkgroups(entry.x, entry.y, entry.z);
  }
  pass?.end();
}
