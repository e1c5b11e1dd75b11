import { describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { embed, embedGrad } from '../../src/kernels/cpu/embed.ts';
import { encodeEmbed, encodeEmbedGrad, tokensById } from '../../src/kernels/embed.ts';
import { uploadMatrix } from '../../src/kernels/weight-matrix.ts';
import { USABLE_TYPES } from '../../src/weights/ggml-types.ts';
import { blockOf, encoded } from '../support/encoded.ts';
import { testGpu } from '../support/gpu.ts';
import { guarded, normals, valuesOf, worstError } from '../support/guarded.ts';
import { TOLERANCES } from '../support/tolerances.ts';

const gpu = await testGpu();

/** [M, V, C] */
const SIZES: [number, number, number][] = [
  [1, 1, 1],
  [1, 7, 7],
  [7, 300, 64],
  [65, 11, 36],
  [130, 1000, 128],
  [5, 3, 96],
];

function someIds(M: number, V: number): Uint32Array<ArrayBuffer> {
  const rng = new Rng(M * 31 + V);
  return Uint32Array.from({ length: M }, () => rng.int(0, V - 1));
}

describe.each(USABLE_TYPES)('embed with a table in %s', (format) => {
  const fitting = [...SIZES, [9, 37, 256] as const].filter(
    ([, , C]) => C % 4 === 0 && C % blockOf(format) === 0,
  );
  for (const [M, V, C] of fitting) {
    for (const shardBytes of [undefined, C * 4 * 4]) {
      it(`${M} of ${V} rows of ${C}, shards of ${shardBytes ?? 'any size'}`, async () => {
        const ids = someIds(M, V + 3);
        const { bytes, values } = encoded(format, V + C, V * C);
        const before = normals(4, M * C);
        const y = guarded(gpu, [M, C], before);
        const table = uploadMatrix(gpu, 'table', format, [V, C], bytes, shardBytes);
        const pass = gpu.pass();
        encodeEmbed(pass, { ids: gpu.upload('ids', [M], ids), table, y: y.view });
        gpu.submit(pass);
        const want = before.slice();
        embed(ids, values, want, [V, C]);
        expect(worstError(await valuesOf(gpu, y), want)).toBeLessThan(1e-6);
      });
    }
  }
});

describe('gradient of the table', () => {
  for (const [M, V, C] of SIZES) {
    it(`of ${M} tokens, ${V} rows of ${C}`, async () => {
      const ids = someIds(M, V);
      const dy = normals(M + C, M * C);
      const before = normals(6, V * C);
      const { offsets, order } = tokensById(ids, V);
      const dTable = guarded(gpu, [V, C], before);
      const pass = gpu.pass();
      encodeEmbedGrad(pass, {
        dy: gpu.upload('dy', [M, C], dy),
        offsets: gpu.upload('offsets', [V + 1], offsets),
        order: gpu.upload('order', [M], order),
        dTable: dTable.view,
      });
      gpu.submit(pass);
      const want = Float64Array.from(before);
      embedGrad(ids, dy, want, C);
      expect(worstError(await valuesOf(gpu, dTable), want)).toBeLessThan(TOLERANCES.elementwise);
    });
  }
});

describe('tokens by id', () => {
  it('lists the rows of each id in ascending order', () => {
    // id 0: none; id 1: rows 1, 3; id 2: rows 0, 4; id 3: row 2.
    const { offsets, order } = tokensById([2, 1, 3, 1, 2], 4);
    expect([...offsets]).toEqual([0, 0, 2, 4, 5]);
    expect([...order]).toEqual([1, 3, 0, 4, 2]);
  });

  it('refuses an id beyond the vocabulary', () => {
    expect(() => tokensById([0, 4], 4)).toThrow('got id 4 at 1, need one below 4');
  });
});
