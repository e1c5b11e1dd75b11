// The gated activation of the MLP, forward and backward. Knows no model.
import type { KernelPass } from '../gpu/pass.ts';
import { kernel } from '../gpu/pipeline.ts';
import { assertShape, type GpuTensor, shape2, sizeOf } from '../gpu/tensor.ts';
import { elementsOf, groupsFor } from './launch.ts';

const SWIGLU = kernel({
  file: 'mlp/swiglu',
  params: { E: 'u32', F: 'u32' },
  reads: ['gate', 'up?!joined'],
  writes: ['h'],
});

const SWIGLU_GRAD = kernel({
  file: 'mlp/swiglu_grad',
  params: { E: 'u32' },
  reads: ['dh'],
  writes: ['gate', 'up'],
});

export interface SwigluArgs {
  /** Any shape, the same for all */
  readonly gate: GpuTensor;
  readonly up: GpuTensor;
  /** Another buffer than gate and up */
  readonly h: GpuTensor;
}

/**
 * h = gate · sigmoid(gate) · up   (Shazeer 2020, arXiv:2002.05202)
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeSwiglu(pass: KernelPass, { gate, up, h }: SwigluArgs): void {
  assertShape(up, gate.shape, 'swiglu.up');
  assertShape(h, gate.shape, 'swiglu.h');
  const { on, count: E } = elementsOf(sizeOf(gate));
  pass.dispatch(SWIGLU, {
    params: { E, F: 0 },
    bind: { gate, up, h },
    grid: groupsFor(E),
    variant: { on },
  });
}

export interface SwigluRowsArgs {
  /** (M, 2 F): the gate's values of a row, then those of the other factor */
  readonly both: GpuTensor;
  /** (M, F), another buffer than both */
  readonly h: GpuTensor;
}

/**
 * h of {@link encodeSwiglu}, from rows that hold both its factors.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeSwigluRows(pass: KernelPass, { both, h }: SwigluRowsArgs): void {
  const [M, F] = shape2(h, 'swiglu.h');
  assertShape(both, [M, 2 * F], 'swiglu.both');
  const { on, count } = elementsOf(F);
  pass.dispatch(SWIGLU, {
    params: { E: M * count, F: count },
    bind: { gate: both, h },
    grid: groupsFor(M * count),
    variant: { on: ['joined', ...on] },
  });
}

export interface SwigluGradArgs {
  readonly dh: GpuTensor;
  /** The gate on entry, dgate on return */
  readonly gate: GpuTensor;
  /** The up projection on entry, dup on return */
  readonly up: GpuTensor;
}

/**
 * In place: gate <- dh · up · silu'(gate), up <- dh · silu(gate).
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeSwigluGrad(pass: KernelPass, { dh, gate, up }: SwigluGradArgs): void {
  assertShape(gate, dh.shape, 'swiglu-grad.gate');
  assertShape(up, dh.shape, 'swiglu-grad.up');
  const { on, count: E } = elementsOf(sizeOf(dh));
  pass.dispatch(SWIGLU_GRAD, {
    params: { E },
    bind: { dh, gate, up },
    grid: groupsFor(E),
    variant: { on },
  });
}
