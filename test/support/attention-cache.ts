// Sequences in a paged cache, for the tests of cached attention.
import { Rng } from '../../src/base/rng.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import type { GpuTensor } from '../../src/gpu/tensor.ts';
import { encodeAttention } from '../../src/kernels/attention.ts';
import {
  encodeAttentionCached,
  encodeKvWrite,
  IDLE_POSITION,
  type KvType,
  kvLayout,
  PAGE,
  splitShape,
} from '../../src/kernels/attention-cached.ts';
import { attentionCase, attentionInput, uploadAttention } from './attention-case.ts';
import { guarded, normals, valuesOf } from './guarded.ts';

export interface Row {
  slot: number;
  position: number;
}

export const IDLE: Row = { slot: 0, position: IDLE_POSITION };

/** Lengths of the sequences, by slot, and the rows of all their positions, in order. */
interface Layout {
  readonly lengths: readonly number[];
  readonly maxPages: number;
  readonly rows: readonly Row[];
}

function layoutOf(lengths: readonly number[], maxPages: number): Layout {
  const rows = lengths.flatMap((length, slot) =>
    Array.from({ length }, (_, position) => ({ slot, position })),
  );
  return { lengths, maxPages, rows };
}

/** Within one chunk, and beyond: one key short of a chunk, whole ones, one key more. */
export const SHORT = layoutOf([40, 1, 17, 33], 4);
export const LONG = layoutOf([300, 1, 255, 256, 257, 530], 34);
/** Chunks of a dispatch that splits LONG: more than any row has. */
const CHUNKS = 4;

/** Pages in an order that is not that of the slots. */
export function pageTableOf({ lengths, maxPages }: Layout): Uint32Array {
  const pages = Array.from({ length: lengths.length * maxPages }, (_, i) => i);
  return Uint32Array.from(new Rng(3).shuffle(pages));
}

function rowTensors(gpu: Gpu, rows: readonly Row[]) {
  const slots = Uint32Array.from(rows, (row) => row.slot);
  const positions = Uint32Array.from(rows, (row) => row.position);
  return {
    rowSlot: gpu.upload('rowSlot', [rows.length], slots),
    rowPosition: gpu.upload('rowPosition', [rows.length], positions),
  };
}

/** Writes rows of keys and values [B, G, D] into caches. */
export function writeRows(
  gpu: Gpu,
  rows: readonly Row[],
  heads: readonly [G: number, D: number],
  to: Record<'k' | 'v', Float32Array> & Record<'pageTable' | 'kCache' | 'vCache', GpuTensor>,
): void {
  const pass = gpu.pass();
  encodeKvWrite(pass, {
    ...to,
    ...rowTensors(gpu, rows),
    k: gpu.upload('k', [rows.length, ...heads], to.k),
    v: gpu.upload('v', [rows.length, ...heads], to.v),
  });
  gpu.submit(pass);
}

export type How = 'prefill' | 'decode' | 'split';

/** A cache filled with the keys and values of an attention case, and the attention of its rows. */
export class Cache {
  readonly input;
  readonly shape;
  readonly layout: Layout;
  readonly table: GpuTensor;
  readonly kCache: GpuTensor;
  readonly vCache: GpuTensor;
  readonly gpu: Gpu;

  constructor(
    gpu: Gpu,
    heads: readonly [number, number, number],
    layout: Layout = SHORT,
    type: KvType = 'f32',
  ) {
    const given = attentionCase(layout.lengths, heads);
    const { G, D } = given.shape;
    this.gpu = gpu;
    this.layout = layout;
    this.shape = given.shape;
    this.input = attentionInput(given);
    const slots = layout.lengths.length;
    const { width, element } = kvLayout(type, D);
    const shape = [slots * layout.maxPages * PAGE, G, width];
    // What no row has written must not count.
    const junk = new Float32Array(shape.reduce((a, b) => a * b)).fill(Number.NaN);
    this.table = gpu.upload('table', [slots, layout.maxPages], pageTableOf(layout));
    this.kCache = { ...gpu.upload('kCache', shape, junk), type: element };
    this.vCache = { ...gpu.upload('vCache', shape, junk), type: element };
  }

  /** Values of some rows, in the order of `rows`; zeros for idle ones. */
  gather(values: Float32Array, rows: readonly Row[], width: number): Float32Array {
    const out = new Float32Array(rows.length * width);
    rows.forEach(({ slot, position }, i) => {
      if (position === IDLE_POSITION) return;
      const first = this.layout.lengths.slice(0, slot).reduce((sum, n) => sum + n, 0) + position;
      out.set(values.subarray(first * width, (first + 1) * width), i * width);
    });
    return out;
  }

  write(rows: readonly Row[] = this.layout.rows): void {
    const { G, D } = this.shape;
    const part = (values: Float32Array) => this.gather(values, rows, G * D);
    writeRows(this.gpu, rows, [G, D], {
      k: part(this.input.k),
      v: part(this.input.v),
      pageTable: this.table,
      kCache: this.kCache,
      vCache: this.vCache,
    });
  }

  /** Records attention of rows; its output, and the sums of its chunks. */
  attend(rows: readonly Row[], how: How) {
    const { H, D } = this.shape;
    const B = rows.length;
    const o = guarded(this.gpu, [B, H, D], normals(1, B * H * D));
    const sums = guarded(this.gpu, splitShape(B, { H, D }, CHUNKS));
    const pass = this.gpu.pass();
    encodeAttentionCached(pass, {
      q: this.gpu.upload('q', [B, H, D], this.gather(this.input.q, rows, H * D)),
      kCache: this.kCache,
      vCache: this.vCache,
      pageTable: this.table,
      ...rowTensors(this.gpu, rows),
      o: o.view,
      rows: how === 'prefill' ? 'prefill' : 'decode',
      split: how === 'split' ? { chunks: CHUNKS, sums: sums.view } : null,
    });
    return { pass, o, sums };
  }

  async read(rows: readonly Row[], how: How): Promise<Float32Array> {
    const { pass, o, sums } = this.attend(rows, how);
    this.gpu.submit(pass);
    await valuesOf(this.gpu, sums);
    return valuesOf(this.gpu, o);
  }

  /** The uncached kernel over the same sequences. */
  async uncached(): Promise<Float32Array> {
    const { gpu, input } = this;
    const { M, H, D } = this.shape;
    const o = gpu.tensor('o', [M, H, D]);
    const pass = gpu.pass();
    encodeAttention(pass, {
      ...uploadAttention(gpu, this.shape, input),
      o,
      lse: gpu.tensor('lse', [M, H]),
    });
    gpu.submit(pass);
    return gpu.readF32(o);
  }
}
