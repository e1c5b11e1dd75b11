// Rows of the token table by id, and the gradient of the table. Knows no model.
import { InputError, ShapeError } from '../base/errors.ts';
import type { KernelPass } from '../gpu/pass.ts';
import { kernel } from '../gpu/pipeline.ts';
import { assertShape, type GpuTensor, shape2 } from '../gpu/tensor.ts';
import { elementsOf, groupsFor } from './launch.ts';
import { formatConditions, shardBindings, type WeightMatrix } from './weight-matrix.ts';

const EMBED = kernel({
  file: 'embed/embed',
  params: { M: 'u32', V: 'u32', K4: 'u32', firstId: 'u32', base: 'u32', W: 'u32' },
  reads: ['ids', 'w', 'w_scale?scaled'],
  writes: ['y'],
});

const EMBED_GRAD = kernel({
  file: 'embed/embed_grad',
  params: { V: 'u32', E: 'u32' },
  reads: ['dy', 'offsets', 'order'],
  writes: ['dTable'],
});

export interface EmbedArgs {
  /** (M) u32 */
  readonly ids: GpuTensor;
  /** (V, C): the token table; C a multiple of 4 */
  readonly table: WeightMatrix;
  /** (M, C) */
  readonly y: GpuTensor;
}

/**
 * y[m] = table[ids[m]]; rows whose id is not in the table are left as they are.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeEmbed(pass: KernelPass, { ids, table, y }: EmbedArgs): void {
  const [M, C] = shape2(y, 'embed.y');
  assertShape(ids, [M], 'embed.ids');
  assertShape(y, [M, table.K], 'embed.y');
  if (C % 4 !== 0) throw new ShapeError('shape', `embed.y: got rows of ${C}, need a multiple of 4`);
  for (const shard of table.shards) {
    pass.dispatch(EMBED, {
      params: { M, V: shard.N, K4: C / 4, firstId: shard.first, base: shard.base, W: shard.W },
      bind: { ids, ...shardBindings(shard), y },
      grid: groupsFor((M * C) / 4),
      variant: { on: formatConditions(table) },
    });
  }
}

export interface EmbedGradArgs {
  /** (M, C) */
  readonly dy: GpuTensor;
  /** (V + 1) u32, from {@link tokensById} */
  readonly offsets: GpuTensor;
  /** (M) u32, from {@link tokensById} */
  readonly order: GpuTensor;
  /** (V, C), added to; only rows that have tokens are written */
  readonly dTable: GpuTensor;
}

/**
 * dTable[v] += Σ dy[m] over the rows m with id v, in ascending order of m.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeEmbedGrad(pass: KernelPass, args: EmbedGradArgs): void {
  const { dy, offsets, order, dTable } = args;
  const [M, C] = shape2(dy, 'embed-grad.dy');
  const [V] = shape2(dTable, 'embed-grad.dTable');
  assertShape(dTable, [V, C], 'embed-grad.dTable');
  assertShape(offsets, [V + 1], 'embed-grad.offsets');
  assertShape(order, [M], 'embed-grad.order');
  const { on, count: E } = elementsOf(C);
  pass.dispatch(EMBED_GRAD, {
    params: { V, E },
    bind: { dy, offsets, order, dTable },
    grid: groupsFor(V * E),
    variant: { on },
  });
}

/**
 * Rows of a batch by the id they hold: those with id v are order[offsets[v] .. offsets[v + 1]),
 * ascending.
 * @throws {InputError} for an id that is not below V.
 */
export function tokensById(
  ids: ArrayLike<number>,
  V: number,
): { offsets: Uint32Array<ArrayBuffer>; order: Uint32Array<ArrayBuffer> } {
  const offsets = new Uint32Array(V + 1);
  const order = new Uint32Array(ids.length);
  for (let m = 0; m < ids.length; m++) {
    const id = ids[m] as number;
    if (!Number.isInteger(id) || id < 0 || id >= V) {
      throw new InputError(
        'token-id',
        `tokens: got id ${id} at ${m}, need one below ${V}; check the tokenizer`,
      );
    }
    offsets[id + 1] = (offsets[id + 1] as number) + 1;
  }
  for (let v = 0; v < V; v++) offsets[v + 1] = (offsets[v + 1] as number) + (offsets[v] as number);
  const next = offsets.slice();
  for (let m = 0; m < ids.length; m++) {
    const id = ids[m] as number;
    const at = next[id] as number;
    order[at] = m;
    next[id] = at + 1;
  }
  return { offsets, order };
}
