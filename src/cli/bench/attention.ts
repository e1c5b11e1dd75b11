// Attention of decoded rows against the cache, at the head sizes of Qwen3-0.6B: how long it takes one row and sixteen in a short,
// a middling and a long context, split against in one piece, f16 and int8 against f32, and the bytes that the cache has.
import { assert } from '../../base/assert.ts';
import { Rng } from '../../base/rng.ts';
import type { Gpu } from '../../gpu/device.ts';
import { type GpuTensor, sizeOf } from '../../gpu/tensor.ts';
import {
  type AttentionCachedArgs,
  encodeAttentionCached,
  encodeKvWrite,
  KV_TYPES,
  type KvType,
  kvLayout,
  PAGE,
  splitChunks,
  splitShape,
} from '../../kernels/attention-cached.ts';
import { alone, type Bench, interleaved, type Measured, timeMs } from './bench.ts';

const [H, G, D] = [16, 8, 128];
const CONTEXTS = [128, 1024, 4096];
const LONGEST = 4096;
const ROWS = [1, 16];
const ROUNDED = ['f16', 'int8'] as const;
const ROUNDS = 5;
/** Dispatches of one timed submit: the way to the device and back is shared by them. */
const REPEATS = 4;

function uniform(rng: Rng, length: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length }, () => (rng.next() - 0.5) * Math.sqrt(12));
}

/** Keys and values of the longest context, written to a cache of each type. */
class Caches {
  readonly #gpu: Gpu;
  readonly #kept = new Map<KvType, { kCache: GpuTensor; vCache: GpuTensor }>();

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
    const rng = new Rng(7);
    const [k, v] = [1, 2].map(() =>
      gpu.upload('bench.kv', [LONGEST, G, D], uniform(rng, LONGEST * G * D)),
    );
    assert(k !== undefined && v !== undefined, 'two tensors');
    const places = Uint32Array.from({ length: LONGEST }, (_, i) => i);
    const rows = {
      pageTable: gpu.upload('bench.pages', [1, LONGEST / PAGE], places.slice(0, LONGEST / PAGE)),
      rowSlot: gpu.tensor('bench.slot', [LONGEST], 'u32'),
      rowPosition: gpu.upload('bench.at', [LONGEST], places),
    };
    const pass = gpu.pass();
    for (const type of KV_TYPES) {
      const { width, element } = kvLayout(type, D);
      const kCache = gpu.tensor('bench.k', [LONGEST, G, width], element);
      const vCache = gpu.tensor('bench.v', [LONGEST, G, width], element);
      encodeKvWrite(pass, { k, v, ...rows, kCache, vCache });
      this.#kept.set(type, { kCache, vCache });
    }
    gpu.submit(pass);
  }

  of(type: KvType): { kCache: GpuTensor; vCache: GpuTensor } {
    const kept = this.#kept.get(type);
    assert(kept !== undefined, `no cache of ${type}`);
    return kept;
  }

  /** Of one position, in one layer. */
  bytes(type: KvType): number {
    return (2 * 4 * sizeOf(this.of(type).kCache)) / LONGEST;
  }

  /** Milliseconds of one attention of B rows, all of them at the end of the same `context` positions. */
  timed(B: number, context: number, type: KvType, split: boolean): () => Promise<number> {
    const gpu = this.#gpu;
    const pages = LONGEST / PAGE;
    // As on hardware: a software adapter with this many key heads would not split.
    const caps = { ...gpu.caps, software: false };
    const chunks = split ? splitChunks(caps, { H, G, D }, B, context) : 1;
    const sums = gpu.tensor('bench.sums', splitShape(B, { H, D }, chunks));
    const args: AttentionCachedArgs = {
      ...this.of(type),
      q: gpu.upload('bench.q', [B, H, D], uniform(new Rng(B), B * H * D)),
      o: gpu.tensor('bench.o', [B, H, D]),
      pageTable: gpu.upload(
        'bench.pages',
        [B, pages],
        Uint32Array.from({ length: B * pages }, (_, i) => i % pages),
      ),
      rowSlot: gpu.upload(
        'bench.slot',
        [B],
        Uint32Array.from({ length: B }, (_, i) => i),
      ),
      rowPosition: gpu.upload('bench.at', [B], new Uint32Array(B).fill(context - 1)),
      rows: 'decode',
      split: chunks > 1 ? { chunks, sums } : null,
    };
    const pass = gpu.pass();
    for (let i = 0; i < REPEATS; i++) encodeAttentionCached(pass, args);
    return async () => {
      const ms = await timeMs(async () => {
        gpu.submit(pass);
        await gpu.idle();
      });
      return ms / REPEATS;
    };
  }
}

async function measure(gpu: Gpu): Promise<Measured[]> {
  const caches = new Caches(gpu);
  const rows: Measured[] = [];
  for (const B of ROWS) {
    for (const context of CONTEXTS) {
      const split = caches.timed(B, context, 'f32', true);
      const whole = await interleaved(ROUNDS, split, caches.timed(B, context, 'f32', false));
      const row = (name: string, peer: string, { first, second, ratio }: typeof whole) => ({
        ...{ name: `${name}-${context}-${B}`, value: first, unit: 'ms', ratio },
        peer: { name: peer, value: second },
      });
      rows.push(row('attention', 'in one piece', whole));
      for (const type of ROUNDED) {
        const rounded = await interleaved(ROUNDS, caches.timed(B, context, type, true), split);
        rows.push(row(`attention-${type}`, 'f32', rounded));
      }
    }
  }
  const f32 = caches.bytes('f32');
  const peer = { name: 'f32', value: f32 };
  const sizes = ROUNDED.map((type) => {
    const value = caches.bytes(type);
    return { name: `kv-${type}`, value, unit: 'bytes/position', peer, ratio: value / f32 };
  });
  return [...rows, ...sizes, alone('kv-f32', f32, 'bytes/position')];
}

export const attention: Bench = { name: 'attention', measure };
