// An adapter's matrices put together as the joined weights of a layer are, so that decoding needs one dispatch for the A of
// several projections and none for their B.
import { defined } from '../base/assert.ts';
import type { Gpu } from '../gpu/device.ts';
import type { KernelPass } from '../gpu/pass.ts';
import { type GpuTensor, sizeOf } from '../gpu/tensor.ts';
import { f32Matrix, type WeightMatrix } from '../kernels/weight-matrix.ts';
import { type ModelConfig, type Projection, projectionShape } from '../weights/model-config.ts';
import type { AdapterWeights } from './adapter-weights.ts';

/** The A of projections that read the same x, and their B, one below the other. Rp is the padded rank. */
export interface JoinedPair {
  /** (projections · Rp, K) */
  readonly a: WeightMatrix;
  /** (rows of all, Rp) */
  readonly b: WeightMatrix;
  /** Rows at which the second and the third projection begin. */
  readonly cuts: readonly number[];
}

const GROUPS: Readonly<Record<'qkv' | 'gateUp', readonly Projection[]>> = {
  qkv: ['attn_q', 'attn_k', 'attn_v'],
  gateUp: ['ffn_gate', 'ffn_up'],
};

/** Values of all joined matrices of a model's layers. */
export function joinedValues(config: ModelConfig, paddedRank: number): number {
  const layer = Object.values(GROUPS).flatMap((names) => {
    const shapes = names.map((name) => projectionShape(config, name));
    return shapes.map(([N, K]) => paddedRank * (N + K));
  });
  return config.layers * layer.reduce((sum, count) => sum + count, 0);
}

export class JoinedAdapter {
  readonly adapter: AdapterWeights;
  readonly #gpu: Gpu;
  readonly #layers: readonly Readonly<Record<keyof typeof GROUPS, JoinedPair>>[];

  /** Copies of an adapter's matrices; projections that it leaves out are zero. */
  constructor(gpu: Gpu, config: ModelConfig, adapter: AdapterWeights) {
    this.#gpu = gpu;
    this.adapter = adapter;
    this.#layers = Array.from({ length: config.layers }, (_, l) => ({
      qkv: this.#empty(config, `blk.${l}.qkv`, GROUPS.qkv),
      gateUp: this.#empty(config, `blk.${l}.gate_up`, GROUPS.gateUp),
    }));
    this.refresh();
  }

  layer(l: number): Readonly<Record<keyof typeof GROUPS, JoinedPair>> {
    return defined(this.#layers[l], `layer ${l}`);
  }

  #empty(config: ModelConfig, label: string, names: readonly Projection[]): JoinedPair {
    const { paddedRank } = this.adapter;
    const shapes = names.map((name) => projectionShape(config, name));
    const K = shapes[0]?.[1] ?? 0;
    const cuts: number[] = [];
    let rows = 0;
    for (const [N] of shapes) {
      if (rows > 0) cuts.push(rows);
      rows += N;
    }
    const a = this.#gpu.tensor(`${label}.lora_a`, [names.length * paddedRank, K]);
    const b = this.#gpu.tensor(`${label}.lora_b`, [rows, paddedRank]);
    return { a: f32Matrix(a), b: f32Matrix(b), cuts };
  }

  /** Takes over what the adapter's matrices hold now. */
  refresh(): void {
    const pass = this.#gpu.pass();
    this.#layers.forEach((layer, l) => {
      for (const group of ['qkv', 'gateUp'] as const) this.#copy(pass, l, group, layer[group]);
    });
    this.#gpu.submit(pass);
  }

  #copy(pass: KernelPass, l: number, group: keyof typeof GROUPS, { a, b, cuts }: JoinedPair): void {
    GROUPS[group].forEach((name, i) => {
      const pair = this.adapter.pairs.get(`blk.${l}.${name}`);
      if (pair === undefined) return;
      const firstB = i === 0 ? 0 : (cuts[i - 1] ?? 0);
      copyRows(pass, tensorOf(pair.a), tensorOf(a), i * this.adapter.paddedRank);
      copyRows(pass, tensorOf(pair.b), tensorOf(b), firstB);
    });
  }

  free(): void {
    const pairs = this.#layers.flatMap(({ qkv, gateUp }) => [qkv, gateUp]);
    this.#gpu.free(...pairs.flatMap(({ a, b }) => [tensorOf(a), tensorOf(b)]));
  }
}

/** The values of an F32 matrix. */
export function tensorOf(matrix: WeightMatrix): GpuTensor {
  return defined(matrix.shards[0], 'a shard').w;
}

function copyRows(pass: KernelPass, from: GpuTensor, to: GpuTensor, row: number): void {
  const width = to.shape[1] ?? 0;
  const part = { ...to, offset: to.offset + row * width * 4, shape: from.shape };
  pass.copy(from, part, sizeOf(from));
}
