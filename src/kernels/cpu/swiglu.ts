// Plain twin of the gated activation: the reference of its tests.
import type { Vec } from './linear.ts';

/** h = gate · sigmoid(gate) · up, element by element. */
export function swiglu(gate: Vec, up: Vec, h: Vec): void {
  for (let i = 0; i < h.length; i++) {
    const g = gate[i] ?? 0;
    h[i] = (g / (1 + Math.exp(-g))) * (up[i] ?? 0);
  }
}

/** In place: gate becomes dgate, up becomes dup. */
export function swigluGrad(dh: Vec, gate: Vec, up: Vec): void {
  for (let i = 0; i < dh.length; i++) {
    const g = gate[i] ?? 0;
    const d = dh[i] ?? 0;
    const s = 1 / (1 + Math.exp(-g));
    gate[i] = d * (up[i] ?? 0) * s * (1 + g * (1 - s));
    up[i] = d * g * s;
  }
}
