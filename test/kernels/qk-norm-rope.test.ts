import { describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import {
  qkNormRope,
  qkNormRopeGrad,
  qkNormWeightGrad,
} from '../../src/kernels/cpu/qk-norm-rope.ts';
import {
  encodeQkNormRope,
  encodeQkNormRopeGrad,
  encodeQkNormWeightGrad,
  ropeTable,
} from '../../src/kernels/qk-norm-rope.ts';
import { testGpu } from '../support/gpu.ts';
import { guarded, normals, valuesOf, worstError } from '../support/guarded.ts';
import { TOLERANCES } from '../support/tolerances.ts';

const gpu = await testGpu();
const EPS = 1e-6;
const POSITIONS = 50;

/** [M, H, D] */
type HeadShape = readonly [number, number, number];
const SIZES: HeadShape[] = [
  [1, 1, 2],
  [1, 7, 6],
  [7, 2, 32],
  [65, 4, 32],
  [3, 5, 128],
];

function inputs([M, H, D]: HeadShape, withNorm: boolean, interleaved = false) {
  const rng = new Rng(M + H + D);
  const x = normals(M * 31 + D, M * H * D, 2);
  const w = normals(D, D);
  const dy = normals(M + D, M * H * D);
  const cosSin = ropeTable({ headDim: D, ropeTheta: 10_000 }, POSITIONS);
  const positions = Uint32Array.from({ length: M }, () => rng.int(0, POSITIONS - 1));
  const y = new Float64Array(x.length);
  const rstd = new Float64Array(M * H);
  const norm = withNorm ? { w, rstd, eps: EPS } : null;
  qkNormRope(x, norm, { cosSin, positions, interleaved }, y, [M, H, D]);
  return { x, w, dy, y, rstd, norm, cosSin, positions, interleaved };
}

function uploaded(input: ReturnType<typeof inputs>, [M, H, D]: HeadShape) {
  const rstd = guarded(gpu, [M, H], Float32Array.from(input.rstd));
  const norm = { w: gpu.upload('w', [D], input.w), rstd: rstd.view };
  return {
    x: gpu.upload('x', [M, H, D], input.x),
    dy: gpu.upload('dy', [M, H, D], input.dy),
    cosSin: gpu.upload('cosSin', [POSITIONS, D / 2, 2], input.cosSin),
    positions: gpu.upload('positions', [M], input.positions),
    norm: input.norm === null ? null : norm,
    rstd,
  };
}

describe.each([
  [true, false],
  [false, false],
  [false, true],
  [true, true],
])('qk-norm-rope, norm %s, interleaved %s', (withNorm, interleaved) => {
  for (const shape of SIZES) {
    it(`[${shape}] is its twin's`, async () => {
      const input = inputs(shape, withNorm, interleaved);
      const { x, cosSin, positions, norm, rstd } = uploaded(input, shape);
      gpu.write(rstd.view, new Float32Array(input.rstd.length));
      const y = guarded(gpu, shape);
      const pass = gpu.pass();
      encodeQkNormRope(pass, { x, norm, cosSin, positions, y: y.view, eps: EPS, interleaved });
      gpu.submit(pass);
      expect(worstError(await valuesOf(gpu, y), input.y)).toBeLessThan(TOLERANCES.elementwise);
      const scales = await valuesOf(gpu, rstd);
      expect(worstError(scales, input.rstd)).toBeLessThan(TOLERANCES.elementwise);
    });

    it(`gradient by the input, [${shape}]`, async () => {
      const input = inputs(shape, withNorm, interleaved);
      const { x, dy, cosSin, positions, norm } = uploaded(input, shape);
      const dx = guarded(gpu, shape);
      const pass = gpu.pass();
      encodeQkNormRopeGrad(pass, { dy, x, norm, cosSin, positions, dx: dx.view, interleaved });
      gpu.submit(pass);
      const want = new Float64Array(input.x.length);
      qkNormRopeGrad(input.dy, input.x, input.norm, input, want, shape);
      expect(worstError(await valuesOf(gpu, dx), want)).toBeLessThan(TOLERANCES.reduction);
    });
  }
});

describe('gradient of the norm weight', () => {
  for (const shape of SIZES) {
    it(`[${shape}] is its twin's`, async () => {
      const input = inputs(shape, true);
      const D = shape[2];
      const { x, dy, cosSin, positions, rstd } = uploaded(input, shape);
      const before = normals(9, D);
      const dw = guarded(gpu, [D], before);
      const partial = guarded(gpu, [16, D]);
      const pass = gpu.pass();
      encodeQkNormWeightGrad(pass, {
        ...{ dy, x, rstd: rstd.view, cosSin, positions },
        partial: partial.view,
        dw: dw.view,
      });
      gpu.submit(pass);
      const want = Float64Array.from(before);
      qkNormWeightGrad(input, input, want, shape);
      expect(worstError(await valuesOf(gpu, dw), want)).toBeLessThan(TOLERANCES.reduction);
      await valuesOf(gpu, partial);
    });
  }
});

describe('the table of angles', () => {
  it('turns pair i at position p by p / theta^(2i/D)', async () => {
    // D = 4, theta = 100: pair 0 turns by p, pair 1 by p / 100^(1/2) = p / 10.
    const table = ropeTable({ headDim: 4, ropeTheta: 100 }, 4);
    expect(table[3 * 4 + 0]).toBeCloseTo(Math.cos(3), 6);
    expect(table[3 * 4 + 3]).toBeCloseTo(Math.sin(0.3), 6);
    // x = (1, 2, 0, 0): pairs (1, 0) and (2, 0) become (cos 3, sin 3) and 2 (cos 0.3, sin 0.3).
    const y = guarded(gpu, [1, 1, 4]);
    const pass = gpu.pass();
    encodeQkNormRope(pass, {
      x: gpu.upload('x', [1, 1, 4], new Float32Array([1, 2, 0, 0])),
      norm: null,
      cosSin: gpu.upload('cosSin', [4, 2, 2], table),
      positions: gpu.upload('positions', [1], new Uint32Array([3])),
      y: y.view,
      eps: EPS,
      interleaved: false,
    });
    gpu.submit(pass);
    const want = [Math.cos(3), 2 * Math.cos(0.3), Math.sin(3), 2 * Math.sin(0.3)];
    expect(worstError(await valuesOf(gpu, y), want)).toBeLessThan(TOLERANCES.elementwise);
  });

  it('divides frequencies by factors and by a linear scaling', () => {
    const linear = { kind: 'linear', factor: 2 } as const;
    const table = ropeTable({ headDim: 4, ropeTheta: 100, ropeScaling: linear }, 4, [1, 5]);
    expect(table[3 * 4 + 0]).toBeCloseTo(Math.cos(3 / 2), 6);
    expect(table[3 * 4 + 3]).toBeCloseTo(Math.sin(0.3 / 5 / 2), 6);
  });

  it('keeps fast pairs and divides slow ones under YaRN', () => {
    const scaling = {
      kind: 'yarn',
      factor: 4,
      originalContext: 4096,
      betaFast: 32,
      betaSlow: 1,
      magnitude: 1 + 0.1 * Math.log(4),
    } as const;
    const D = 64;
    const table = ropeTable({ headDim: D, ropeTheta: 10000, ropeScaling: scaling }, 2);
    const angle = (i: number) => Math.atan2(table[D + i * 2 + 1] ?? 0, table[D + i * 2] ?? 0);
    const plain = (i: number) => 10000 ** ((-2 * i) / D);
    // A pair turns 4096 f / 2 pi times: 652 times for i = 0, 0.09 times for i = 31.
    expect(angle(0)).toBeCloseTo(plain(0), 6);
    expect(angle(31) / (plain(31) / 4)).toBeCloseTo(1, 4);
    // The ramp goes from pair 10 (32 turns) to pair 23 (1 turn): at 16 it stands at 6/13.
    expect(angle(16) / plain(16)).toBeCloseTo(6 / 13 / 4 + 7 / 13, 4);
    expect(Math.hypot(table[D] ?? 0, table[D + 1] ?? 0)).toBeCloseTo(scaling.magnitude, 5);
  });

  it('refuses an odd head size', () => {
    expect(() => ropeTable({ headDim: 5, ropeTheta: 100 }, 4)).toThrow('head size 5');
  });
});
