// Plain twin of the RMS norm: the reference of its tests.
import type { Vec } from './linear.ts';

/** y = x · w · rstd and rstd = 1 / sqrt(mean(x²) + eps): x, y (N, C), w (C), rstd (N). */
export function rmsNorm(
  x: Vec,
  w: Vec,
  out: { readonly y: Vec; readonly rstd: Vec },
  [N, C]: readonly [number, number],
  eps: number,
): void {
  for (let n = 0; n < N; n++) {
    let squares = 0;
    for (let c = 0; c < C; c++) squares += at(x, n * C + c) ** 2;
    const rstd = 1 / Math.sqrt(squares / C + eps);
    out.rstd[n] = rstd;
    for (let c = 0; c < C; c++) out.y[n * C + c] = at(x, n * C + c) * rstd * at(w, c);
  }
}

/** y = x · w and rstd as in {@link rmsNorm}, whose scale is left to the product that follows. */
export function rmsScale(
  x: Vec,
  w: Vec,
  out: { readonly y: Vec; readonly rstd: Vec },
  [N, C]: readonly [number, number],
  eps: number,
): void {
  rmsNorm(x, w, out, [N, C], eps);
  for (let i = 0; i < N * C; i++) out.y[i] = at(x, i) * at(w, i % C);
}

/** dx = rstd · (w · dy − x̂ · mean(w · dy · x̂)) (+ dx): dy, x, dx (N, C), w (C), rstd (N). */
export function rmsNormGrad(
  args: { readonly dy: Vec; readonly x: Vec; readonly w: Vec; readonly rstd: Vec },
  dx: Vec,
  [N, C]: readonly [number, number],
  accumulate = false,
): void {
  const { dy, x, w, rstd } = args;
  for (let n = 0; n < N; n++) {
    const r = at(rstd, n);
    let mean = 0;
    for (let c = 0; c < C; c++) {
      mean += (at(w, c) * at(dy, n * C + c) * at(x, n * C + c) * r) / C;
    }
    for (let c = 0; c < C; c++) {
      const i = n * C + c;
      const d = r * (at(w, c) * at(dy, i) - at(x, i) * r * mean);
      dx[i] = d + (accumulate ? at(dx, i) : 0);
    }
  }
}

/** dw += Σ_n dy · x · rstd: dy, x (N, C), rstd (N), dw (C). */
export function rmsNormWeightGrad(
  args: { readonly dy: Vec; readonly x: Vec; readonly rstd: Vec },
  dw: Vec,
  [N, C]: readonly [number, number],
): void {
  for (let c = 0; c < C; c++) {
    let sum = 0;
    for (let n = 0; n < N; n++) {
      sum += at(args.dy, n * C + c) * at(args.x, n * C + c) * at(args.rstd, n);
    }
    dw[c] = at(dw, c) + sum;
  }
}

function at(list: Vec, index: number): number {
  return list[index] ?? 0;
}
